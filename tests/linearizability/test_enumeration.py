"""The enumeration of clients: one of each class, none lost and none twice, beside all that there is unreduced."""

import collections
import itertools
from collections.abc import Iterator, Sequence

import pytest

from rusted_ring.verify.clients.enumeration import NOT_ENUMERATED, Setup, lines, setups
from rusted_ring.verify.clients.language import OVERWRITE, ClientError, parse, to_line
from rusted_ring.verify.clients.operations import (
    OPERATIONS,
    POOL_OPERATIONS,
    RING_OPERATIONS,
    SETUP_ONLY,
    Holdings,
    Means,
    Operation,
)

NAMES = range(3)
"""Numbers of variables that the generator without reduction tries."""

Calls = tuple[Operation, ...]


def every_call(setup: Setup) -> list[Operation]:
    """Every call with every argument, whether or not anything is there for it."""
    pool = setup.client.pool
    found = []
    for name in POOL_OPERATIONS if pool is not None else RING_OPERATIONS:
        if name in SETUP_ONLY or name in NOT_ENUMERATED or (OPERATIONS[name].observes and name != "weak"):
            continue
        choices: list[Sequence[str]] = []
        for kind in OPERATIONS[name].arguments:
            own = [f"{kind[0].lower()}{number}" for number in NAMES]
            if kind == "n":
                slots = str(pool.slots) if pool is not None else "2"
                choices.append(("1", "2") if name == "dmany" else (slots,))
            elif kind == "at":
                choices.append(("old", "new"))
            elif kind == "e":
                choices.append(("1",))
            elif kind == "t":
                choices.append([*own, "s0", "s1"])
            elif kind == "Q":
                choices.append([*own, *(f"{thread}{one}" for thread in (1, 2, 3) for one in own)])
            else:
                choices.append(own)
        found += [Operation(name, arguments) for arguments in itertools.product(*choices)]
    return found


def held_by(setup: Setup, thread: int) -> set[str]:
    """What a thread holds after the setup: its own variables, shared tokens, and readers of all by their threads."""
    held: set[str] = set()
    for call in setup.client.setup:
        for kind, word in zip(call.kinds(), call.arguments, strict=True):
            if kind.endswith("!") and kind[0] == "q":
                held.add(word)
            if kind.endswith("!") and (word[0] == "s" or word[0] == str(thread)):
                held.add(word if word[0] == "s" else word[1:])
    return held


def is_followed(setup: Setup, thread: int, calls: Calls) -> bool:
    """Whether each call finds what it takes, and makes what was not there; a variable is made once."""
    held = held_by(setup, thread)
    made = set(held)
    for call in calls:
        words_of = sorted(zip(call.kinds(), call.arguments, strict=True), key=lambda one: one[0].endswith("!"))
        for kind, word in words_of:  # what it takes, then what it makes
            if kind in ("n", "at", "e"):
                continue
            run = call.count() if kind[0] == "t" and call.name in ("amany", "dmany") else 1
            words = {f"{word[:-1]}{int(word[-1]) + at}" for at in range(run)}
            if kind.endswith("!"):
                if words & made:
                    return False
                held |= words
                made |= words
            elif not words <= held or (kind == "Q" and word[0] == "q" and f"{thread}{word}" in held):
                return False  # a reader of the setup is named by its thread
            elif kind.endswith("-"):
                held -= words
    return True


def renamed(setup: Setup, thread: int, calls: Calls) -> Calls:
    """The calls with the variables that they make called by the first names that are free."""
    used = {letter: sum(word[0] == letter for word in held_by(setup, thread)) for letter in "plwqt"}
    names: dict[str, str] = {}
    found = []
    for call in calls:
        words = []
        for kind, word in zip(call.kinds(), call.arguments, strict=True):
            if kind.endswith("!"):
                for at in range(call.count() if call.name == "amany" else 1):
                    names[f"{word[0]}{int(word[1:]) + at}"] = f"{word[0]}{used[word[0]]}"
                    used[word[0]] += 1
            words.append(word if kind in ("n", "at", "e") else names.get(word, word))
        found.append(Operation(call.name, tuple(words)))
    return tuple(found)


def exchanged(call: Operation, order: Sequence[int]) -> Operation:
    """A call as it is when thread n becomes thread `order[n - 1]`."""
    words = [
        f"{order[int(word[0]) - 1]}{word[1:]}" if kind[0] in "plwqQ" and word[0] in "123" else word
        for kind, word in zip(call.kinds(), call.arguments, strict=True)
    ]
    return Operation(call.name, tuple(words))


def class_of(setup: Setup, threads: Sequence[Calls]) -> str:
    """The least of the texts that exchanges of threads and other names make of a client; events are left out."""
    texts = []
    for order in itertools.permutations(range(1, len(threads) + 1)):
        if [exchanged(call, order) for call in setup.client.setup] != list(setup.client.setup):
            continue
        moved: list[Calls] = [()] * len(threads)
        for place, calls in enumerate(threads):
            moved[order[place] - 1] = tuple(exchanged(call, order) for call in calls)
        found = [renamed(setup, thread, calls) for thread, calls in enumerate(moved, 1)]
        bare = [[call.of_events_from(1) if "e" in call.kinds() else call for call in calls] for calls in found]
        texts.append(" | ".join(" ; ".join(map(str, calls)) for calls in bare))
    return min(texts)


def does_something(setup: Setup, threads: Sequence[Calls]) -> bool:
    """Whether no call surely fails, by the table, read a call at a time."""
    for thread, calls in enumerate(threads, 1):
        for at, call in enumerate(calls):
            there = setup._available_to(thread, call)
            for other, others in enumerate(threads, 1):
                for another in others if other != thread else calls[:at]:
                    there |= OPERATIONS[another.name].gives
            if OPERATIONS[call.name].needs & ~there:
                return False
            if call.name == "weak" and not any(call.arguments[0] in later.arguments for later in calls[at + 1 :]):
                return False
    return True


def everything(setup: Setup, calls: int) -> Iterator[tuple[Calls, ...]]:
    """Every client whose calls find what they take, in every order of threads and with every name."""
    alphabet = every_call(setup)
    for lengths in itertools.product(range(1, calls), repeat=setup.threads):
        if sum(lengths) == calls:
            rooms = [
                [one for one in itertools.product(alphabet, repeat=length) if is_followed(setup, thread, one)]
                for thread, length in enumerate(lengths, 1)
            ]
            yield from itertools.product(*rooms)


def classes(setup: Setup, calls: int) -> set[str]:
    """The classes of the clients that are to be explored, without any reduction but the last step."""
    found = set()
    for threads in everything(setup, calls):
        if not does_something(setup, threads):
            continue
        pool, ring = setup.client.pool, setup.client.ring
        names = [call.name for one in threads for call in one]
        shares = "clone" in [call.name for call in setup.client.setup] or any(
            Means.SHARE in OPERATIONS[name].needs for name in names
        )
        if pool is not None and pool.ref_bits > 1 and not shares:
            continue
        if ring is not None and ring.mode == OVERWRITE and len(setup.readers) > 1:
            words = {
                word if word[0].isdigit() else f"{thread}{word}"
                for thread, one in enumerate(threads, 1)
                for call in one
                for word in call.arguments
            }
            if not set(setup.readers) <= words:
                continue
        if any(setup._asks_who_left(thread, one) for thread, one in enumerate(threads, 1)):
            continue
        try:
            parse(" | ".join((str(setup), *(" ; ".join(map(str, one)) for one in threads))))
        except ClientError:
            continue
        if "wait" in names and not setup._surely_ends(threads):
            continue
        found.add(class_of(setup, threads))
    return found


def enumerated(setup: Setup, calls: int) -> list[str]:
    """The classes of the enumeration, as often as they come."""
    return [class_of(setup, parse(line).threads) for line in setup.lines(calls)]


def setup_named(text: str) -> Setup:
    return next(setup for setup in setups(2) if str(setup) == text)


@pytest.mark.clause("EXPLORE-49")
@pytest.mark.parametrize("setup", list(setups(2)), ids=str)
def test_two_calls_are_what_there_is_without_reduction(setup: Setup) -> None:
    found = enumerated(setup, 2)
    assert max(collections.Counter(found).values()) == 1
    assert set(found) == classes(setup, 2)


@pytest.mark.clause("EXPLORE-49")
@pytest.mark.parametrize(
    "text",
    [
        "r=1 g=1 t=0 xs=1 | ",
        "r=1 g=1 t=0 xs=1 | loan 1l0 1",
        "over=1 size=1 | ",
        "gated=1 size=1 readers=1 | ",
        "gated=1 size=1 readers=1 | open 1w0 ; join 2q0 old ; add 1w0 1",
    ],
)
@pytest.mark.desk(2)
def test_three_calls_are_what_there_is_without_reduction(text: str) -> None:
    setup = setup_named(text)
    found = enumerated(setup, 3)
    assert max(collections.Counter(found).values()) == 1
    assert set(found) == classes(setup, 3)


@pytest.mark.clause("EXPLORE-49")
def test_three_threads_are_exchanged_only_where_the_setup_stays() -> None:
    kept = {str(setup): len(setup.exchanges) + 1 for setup in setups(3)}
    assert kept["r=1 g=1 t=0 xs=1 | "] == kept["r=1 g=1 t=0 xs=1 | ffi s0 1"] == 6
    assert kept["r=1 g=1 t=0 xs=1 | loan 1l0 1"] == 2
    assert kept["gated=1 size=1 readers=2 | open 1w0 ; join 2q0 old ; join 3q0 old"] == 1
    for setup in setups(3):
        if len(setup.exchanges) == 5 and setup.client.ring is not None:
            found = enumerated(setup, 3)
            assert max(collections.Counter(found).values()) == 1
            assert set(found) == classes(setup, 3)


def test_every_client_is_one_and_has_so_many_calls() -> None:
    for calls in (2, 3):
        for line in itertools.islice(lines(calls), 0, None, 17):
            client = parse(line)
            assert str(client) == line
            assert parse(to_line(client)) == client
            assert sum(map(len, client.threads)) == calls


def test_every_operation_is_enumerated_or_has_a_reason() -> None:
    used = {call.name for line in lines(3) for calls in parse(line).threads for call in calls}
    rest = {*POOL_OPERATIONS, *RING_OPERATIONS} - used
    observers = {name for name, signature in OPERATIONS.items() if signature.observes}
    assert rest == set(NOT_ENUMERATED) | SETUP_ONLY | (observers - {"weak"})
    assert all(NOT_ENUMERATED.values())


def test_what_is_held_follows_the_calls() -> None:
    held = Holdings()
    for call in (Operation("amany", ("t0", "2", "1")), Operation("from", ("p0", "t1")), Operation("drop", ("p0",))):
        held.do(call)
    assert held.held["t"] == ("t0", "t1")
    assert held.held["p"] == ()
    assert held.new("p") == "p1"
    assert [str(call) for call in held.calls("dmany", tokens=(), readers=(), counts=("2",))] == ["dmany t0 2"]
    assert list(held.calls("read", tokens=(), readers=(), counts=())) == []
