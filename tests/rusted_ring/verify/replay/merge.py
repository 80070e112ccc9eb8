"""Merging an editing trace of several authors into one text [RING-5].

Each transaction names the transactions that it was made after (`parents`, numbers of transactions) and edits the text
of that version. The merge is that of Gentle and Kleppmann, "Collaborative text editing with Eg-walker" (EuroSys 2025):
it walks a list of items, retreats the transactions that the next one did not know of, and advances those that it knew
of. Concurrent insertions at the same position are ordered as by FugueMax (Weidner and Kleppmann, 2023), and then by
author.

At a point where every later transaction knew all earlier ones, the list is rebuilt from plain text; a stretch with one
author at a time is plain splicing.
"""

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rusted_ring.verify.replay.documents import MergeError

Patch = tuple[int, int, str]

_UNKNOWN = -1
"""The state of an item that the current transaction did not know of; 0 is inserted, n is deleted n times."""
_NOTHING = -1
"""The id of no item. Items have ids from 0 up; the character at `offset` of the initial text has -2 - offset."""


class Transaction(NamedTuple):
    """One transaction: its author, its parents and its patches."""

    agent: int
    parents: Sequence[int]
    patches: Sequence[Patch]


@dataclass(slots=True)
class _Item:
    """A character that was inserted, or a stretch of the initial text."""

    id: int
    text: str
    agent: int
    left: int
    right: int
    state: int = 0
    gone: bool = False

    def holds(self, identity: int) -> bool:
        """Return whether the item contains the character of that id; a stretch has the ids down from its own."""
        return self.id == identity or (self.id < _NOTHING and self.id - len(self.text) < identity <= self.id)

    @property
    def last(self) -> int:
        """Return the id of the last character."""
        return self.id if self.id >= 0 else self.id - len(self.text) + 1


@dataclass(slots=True)
class _Edit:
    """The effect of one transaction: the items, and whether each was inserted or deleted."""

    steps: list[tuple[_Item, bool]] = field(default_factory=list)


class _Walker:
    """The items of one stretch of concurrent transactions."""

    def __init__(self, text: str) -> None:
        self.items = [_Item(-2, text, 0, _NOTHING, _NOTHING)] if text else []
        self.made = 0

    def text(self) -> str:
        """Return the final text."""
        return "".join(item.text for item in self.items if not item.gone)

    def retreat(self, edit: _Edit) -> None:
        """Remove the effect of a transaction."""
        for item, inserted in reversed(edit.steps):
            item.state = _UNKNOWN if inserted else item.state - 1

    def advance(self, edit: _Edit) -> None:
        """Restore the effect of a transaction."""
        for item, inserted in edit.steps:
            item.state = 0 if inserted else item.state + 1

    def apply(self, transaction: Transaction) -> _Edit:
        """Apply a transaction's changes to the text that it knew."""
        edit = _Edit()
        for position, deleted, inserted in transaction.patches:
            for _ in range(deleted):
                edit.steps.append((self._delete(position), False))
            for offset, character in enumerate(inserted):
                edit.steps.append((self._insert(position + offset, character, transaction.agent), True))
        return edit

    def _place(self, position: int) -> int:
        """Return the index of the item that begins right after `position` known characters, after a split if needed."""
        left = position
        for index, item in enumerate(self.items):
            if left == 0:
                return index
            if item.state == 0:
                if left < len(item.text):
                    self._split(index, left)
                    return index + 1
                left -= len(item.text)
        if left:
            raise MergeError(f"a patch at {position} is beyond the end of the text")
        return len(self.items)

    def _split(self, index: int, length: int) -> None:
        item = self.items[index]
        rest = _Item(item.id - length, item.text[length:], 0, item.id - length + 1, _NOTHING, item.state, item.gone)
        item.text = item.text[:length]
        self.items.insert(index + 1, rest)

    def _delete(self, position: int) -> _Item:
        index = self._place(position)
        while index < len(self.items) and self.items[index].state != 0:
            index += 1
        if index == len(self.items):
            raise MergeError(f"a patch deletes at {position}, beyond the end of the text")
        item = self.items[index]
        if len(item.text) > 1:
            self._split(index, 1)
        item.state, item.gone = 1, True
        return item

    def _index(self, identity: int, default: int) -> int:
        if identity == _NOTHING:
            return default
        return next(index for index, item in enumerate(self.items) if item.holds(identity))

    def _insert(self, position: int, character: str, agent: int) -> _Item:
        index = self._place(position)
        left = self.items[index - 1].last if index else _NOTHING
        following = next((item for item in self.items[index:] if item.state != _UNKNOWN), None)
        right = following.id if following is not None and following.left == left else _NOTHING
        item = _Item(self.made, character, agent, left, right)
        self.made += 1
        self.items.insert(self._ordered(item, index), item)
        return item

    def _ordered(self, item: _Item, index: int) -> int:
        """Return the index of an item among the concurrent insertions at its position."""
        left_index, right_index = index - 1, self._index(item.right, len(self.items))
        passing = False
        for scan in range(index, len(self.items)):
            other = self.items[scan]
            if other.state != _UNKNOWN:
                break
            other_left = self._index(other.left, -1)
            if other_left < left_index:
                break
            if other_left == left_index:
                other_right = self._index(other.right, len(self.items))
                if other_right == right_index and item.agent < other.agent:
                    break
                passing = other_right < right_index
            if not passing:
                index = scan + 1
        return index


def merge(transactions: Sequence[Transaction], start: str = "") -> str:
    """Return the text after all transactions.

    Args:
        transactions: the transactions, each after its parents, which are indices into the sequence.
        start: the text before the first.

    Raises:
        MergeError: a transaction does not fit its version of the text, or names a parent that is not before it.
    """
    text, done = start, 0
    for end in _ends(transactions):
        text = _splice(text, transactions[done]) if end == done + 1 else _walk(text, transactions, done, end)
        done = end
    return text


def _ends(transactions: Sequence[Transaction]) -> Iterator[int]:
    """Yield each number of transactions after which every later transaction knew all earlier ones."""
    count = len(transactions)
    earliest = [count] * (count + 1)
    for number in range(count - 1, -1, -1):
        parents = transactions[number].parents
        if any(not 0 <= parent < number for parent in parents):
            raise MergeError(f"transaction {number} has the parents {list(parents)}, which are not all before it")
        earliest[number] = min(earliest[number + 1], *parents) if parents else -1
    heads: set[int] = set()
    for number, transaction in enumerate(transactions):
        heads = heads.difference(transaction.parents) | {number}
        if number + 1 == count or (len(heads) == 1 and earliest[number + 1] >= number):
            yield number + 1


def _splice(text: str, transaction: Transaction) -> str:
    for position, deleted, inserted in transaction.patches:
        if position + deleted > len(text):
            raise MergeError(f"a patch at {position} deletes {deleted} of a text of {len(text)} characters")
        text = text[:position] + inserted + text[position + deleted :]
    return text


def _walk(text: str, transactions: Sequence[Transaction], begin: int, end: int) -> str:
    walker = _Walker(text)
    edits: list[_Edit] = []
    known: list[int] = []  # a bit for each transaction of this stretch that a transaction knew of, itself included
    now = 0
    for number in range(begin, end):
        wanted = 0
        for parent in transactions[number].parents:
            if parent >= begin:
                wanted |= known[parent - begin]
        for other in reversed(_bits(now & ~wanted)):
            walker.retreat(edits[other])
        for other in _bits(wanted & ~now):
            walker.advance(edits[other])
        edits.append(walker.apply(transactions[number]))
        now = wanted | 1 << number - begin
        known.append(now)
    return walker.text()


def _bits(mask: int) -> list[int]:
    found: list[int] = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found


@functools.lru_cache(maxsize=4)
def _merged(events: tuple[tuple[bytes, int], ...], start: str) -> str:
    """Merge events, cached: the events of the next consumer are mostly the same."""
    transactions: list[Transaction] = []
    for data, agent in events:
        try:
            values: dict[str, Any] = json.loads(data)
            transactions.append(Transaction(agent, values["parents"], values["patches"]))
        except (ValueError, KeyError, TypeError) as error:
            raise MergeError(f"a transaction is damaged: {data[:40]!r} ({error})") from None
    return merge(transactions, start)


class MergedDocument:
    """A text merged from transactions, each the JSON of `{parents, patches}` with the author as its event type."""

    def __init__(self, start: str = "") -> None:
        """Start with a text."""
        self._start = start
        self._events: list[tuple[bytes, int]] = []

    def apply(self, data: bytes, event_type: int) -> None:
        """Take the next transaction."""
        self._events.append((data, event_type))

    def content(self) -> bytes:
        """Return the merged text as UTF-8."""
        return _merged(tuple(self._events), self._start).encode("utf-8", "surrogatepass")
