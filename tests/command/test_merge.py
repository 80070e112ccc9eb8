"""Merging what several authors wrote: every order that respects the parents leads to the same text."""

import random

import pytest

from rusted_ring.verify.replay.documents import MergeError
from rusted_ring.verify.replay.merge import MergedDocument, Transaction, merge


def test_one_author_is_splicing() -> None:
    assert merge([Transaction(0, [], [(0, 0, "hello")]), Transaction(0, [0], [(0, 1, "J"), (5, 0, "!")])]) == "Jello!"


def test_insertions_at_the_same_place_stand_whole_beside_each_other() -> None:
    transactions = [
        Transaction(0, [], [(0, 0, "<>")]),
        Transaction(0, [0], [(1, 0, "aaa")]),
        Transaction(1, [0], [(1, 0, "bbb")]),
        Transaction(1, [2], [(4, 0, "B")]),
        Transaction(0, [1], [(4, 0, "A")]),
    ]
    assert merge(transactions) == "<aaaAbbbB>"


def test_a_character_that_both_deleted_is_deleted_once() -> None:
    transactions = [
        Transaction(0, [], [(0, 0, "xyz")]),
        Transaction(0, [0], [(1, 1, "")]),
        Transaction(1, [0], [(0, 2, "")]),
        Transaction(0, [1, 2], [(1, 0, "!")]),
    ]
    assert merge(transactions) == "z!"


def test_insertion_into_what_another_deletes_survives() -> None:
    transactions = [
        Transaction(0, [], [(0, 0, "abcdef")]),
        Transaction(0, [0], [(1, 4, "")]),
        Transaction(1, [0], [(3, 0, "new")]),
    ]
    assert merge(transactions) == "anewf"


def test_text_to_begin_with_is_edited_by_both() -> None:
    transactions = [Transaction(0, [], [(0, 3, "The")]), Transaction(1, [], [(3, 4, " slow")])]
    assert merge(transactions, "the old dog") == "The slow dog"


def random_history(source: random.Random, count: int) -> list[Transaction]:
    """Make transactions of three authors, who now and then read what the others did."""
    heads: list[list[int]] = [[], [], []]
    transactions: list[Transaction] = []
    for number in range(count):
        author = source.randrange(3)
        if source.random() < 0.3:
            other = source.randrange(3)
            heads[author] = frontier(transactions, {*heads[author], *heads[other]})
        length = len(known_text(transactions, heads[author]))
        position = source.randrange(length + 1)
        deleted = min(length - position, source.randrange(3))
        inserted = "".join(source.choices("abcxyz", k=source.randrange(4)))
        transactions.append(Transaction(author, heads[author], [(position, deleted, inserted)]))
        heads[author] = [number]
    return transactions


def ancestors(transactions: list[Transaction], heads: set[int]) -> set[int]:
    found: set[int] = set()
    waiting = list(heads)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting.extend(transactions[number].parents)
    return found


def frontier(transactions: list[Transaction], heads: set[int]) -> list[int]:
    return sorted(
        head for head in heads if not any(head in ancestors(transactions, {other}) for other in heads - {head})
    )


def renumbered(transactions: list[Transaction], order: list[int]) -> list[Transaction]:
    place = {number: new for new, number in enumerate(order)}
    return [
        Transaction(
            transactions[number].agent,
            [place[parent] for parent in transactions[number].parents],
            transactions[number].patches,
        )
        for number in order
    ]


def known_text(transactions: list[Transaction], heads: list[int]) -> str:
    return merge(renumbered(transactions, sorted(ancestors(transactions, set(heads)))))


@pytest.mark.parametrize("seed", range(40))
def test_every_order_that_respects_the_parents_leads_to_the_same_text(seed: int) -> None:
    source = random.Random(seed)
    transactions = random_history(source, 40)
    expected = merge(transactions)
    for _ in range(5):
        order: list[int] = []
        left = set(range(len(transactions)))
        while left:
            ready = [number for number in left if left.isdisjoint(transactions[number].parents)]
            order.append(source.choice(ready))
            left.remove(order[-1])
        assert merge(renumbered(transactions, order)) == expected


@pytest.mark.parametrize(
    "transactions",
    [
        [Transaction(0, [0], [])],
        [Transaction(0, [-1], [])],
        [Transaction(0, [], [(1, 0, "a")]), Transaction(1, [], [])],
        [Transaction(0, [], [(0, 1, "")]), Transaction(1, [], [])],
        [Transaction(0, [], [(0, 1, "")])],
    ],
)
def test_what_does_not_fit_is_refused(transactions: list[Transaction]) -> None:
    with pytest.raises(MergeError):
        merge(transactions)


def test_damaged_transaction_is_refused() -> None:
    for data in (b"{", b"[]", b'{"parents": []}'):
        document = MergedDocument()
        document.apply(data, 0)
        with pytest.raises(MergeError):
            document.content()
