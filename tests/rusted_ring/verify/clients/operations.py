"""The operations of clients in one table: what each takes, makes, ends, needs and provides.

`language` parses and checks texts by this table, `strategy` draws from it, `enumeration` takes every choice that it
allows. Three more parts have a function for each operation: the harness in C (`native/explorer/harness/client_*.c`),
which also lists the arguments, the recorder and the judge (`linearizability`). `tests/linearizability/test_tables.py`
compares them with this table.

An argument is a word:

    p l w q t       a variable with a pointer, a loan, a writer, a reader, a token (the thread's own, or a shared one)
    p! l! w! q! t!  an empty variable that the operation sets
    p- l- w- q-     a variable that the operation empties
    Q W             a reader, a writer of any thread
    n e at          a count, an event, where to join
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Final

OLDEST: Final = "old"
LATEST: Final = "new"

MOST_VARIABLES: Final[Mapping[str, int]] = MappingProxyType({"p": 8, "l": 4, "t": 8, "s": 8, "w": 2, "q": 4})
"""How many variables of each kind a thread has; of `s`, how many exist in all."""


class Means(enum.Flag):
    """The means that a call needs in order not to fail, and that another call may provide."""

    NONE = 0
    SLOT = enum.auto()
    """A free slot."""
    SHARE = enum.auto()
    """Room in a slot's count for another reference."""
    LIVE = enum.auto()
    """A slot that holds an event."""
    DETACHED = enum.auto()
    """A detached reference."""
    WRITER = enum.auto()
    """The writer registration of the ring."""
    REGISTRATION = enum.auto()
    """A free reader registration of the ring."""
    EVENT = enum.auto()
    """An event in the ring."""
    ROOM = enum.auto()
    """Room in the ring for another event."""
    GATED = enum.auto()
    """A gated ring."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of an operation.

    Attributes:
        arguments: its arguments, as the words above.
        needs: the means without which it fails and changes nothing but counts of failures.
        gives: the means that it provides for other calls.
        observes: whether it changes nothing but the variable that it sets.
        weight: how often it is drawn, relative to the others; 0 for never.
    """

    arguments: tuple[str, ...]
    needs: Means = Means.NONE
    gives: Means = Means.NONE
    observes: bool = False
    weight: int = 0


def _signature(
    arguments: str = "",
    needs: Means = Means.NONE,
    gives: Means = Means.NONE,
    *,
    observes: bool = False,
    weight: int = 0,
) -> Signature:
    return Signature(tuple(arguments.split()), needs, gives, observes, weight)


POOL_OPERATIONS: Final[Mapping[str, Signature]] = MappingProxyType(
    {
        "alloc": _signature("p! e", Means.SLOT, Means.LIVE, weight=6),
        "heap": _signature("p! e", Means.SLOT, Means.LIVE),
        "ffi": _signature("t! e", Means.SLOT, Means.DETACHED | Means.LIVE, weight=2),
        "amany": _signature("t! n e", Means.SLOT, Means.DETACHED | Means.LIVE, weight=2),
        "dmany": _signature("t n", Means.DETACHED, Means.SLOT, weight=2),
        "clone": _signature("p! p", Means.SHARE, weight=4),
        "drop": _signature("p-", gives=Means.SLOT, weight=8),
        "read": _signature("p", weight=4),
        "count": _signature("p", observes=True, weight=1),
        "weak": _signature("t! p", observes=True, weight=1),
        "upgrade": _signature("p! t", Means.SHARE | Means.LIVE, weight=6),
        "into": _signature("t! p-", gives=Means.DETACHED, weight=3),
        "from": _signature("p! t", Means.DETACHED, weight=4),
        "inc": _signature("t", Means.SHARE | Means.LIVE, Means.DETACHED, weight=2),
        "incany": _signature("t", Means.SHARE | Means.LIVE, Means.DETACHED, weight=1),
        "dec": _signature("t", Means.DETACHED, Means.SLOT, weight=3),
        "decany": _signature("t", Means.DETACHED, Means.SLOT, weight=1),
        "meta": _signature("t", observes=True, weight=1),
        "loan": _signature("l! e", Means.SLOT, weight=3),
        "hloan": _signature("l! e", Means.SLOT),
        "commit": _signature("p! l-", gives=Means.LIVE, weight=5),
        "cut": _signature("p! l-", gives=Means.LIVE, weight=1),
        "abort": _signature("l-", gives=Means.SLOT, weight=3),
        "hold": _signature("n", Means.SLOT),
        "destroypool": _signature(),
    }
)
RING_OPERATIONS: Final[Mapping[str, Signature]] = MappingProxyType(
    {
        "open": _signature("w!", Means.WRITER, weight=2),
        "close": _signature("w-", gives=Means.WRITER, weight=2),
        "shut": _signature("w", gives=Means.WRITER, weight=1),
        "end": _signature("w-", weight=1),
        "add": _signature("w e", Means.ROOM, Means.EVENT, weight=8),
        "addmany": _signature("w n e", Means.ROOM, Means.EVENT, weight=3),
        "put": _signature("w n e", Means.ROOM, Means.EVENT),
        "join": _signature("q! at", Means.REGISTRATION, weight=4),
        "next": _signature("q", Means.EVENT, Means.ROOM, weight=8),
        "nextmany": _signature("q n", Means.EVENT, Means.ROOM, weight=3),
        "take": _signature("q n", Means.EVENT, Means.ROOM, weight=3),
        "peek": _signature("q n", Means.EVENT, Means.ROOM),
        "skip": _signature("q", Means.EVENT, Means.ROOM, weight=2),
        "leave": _signature("q", gives=Means.REGISTRATION | Means.ROOM, weight=3),
        "free": _signature("q-", gives=Means.REGISTRATION | Means.ROOM),
        "evict": _signature("Q", Means.GATED, Means.REGISTRATION | Means.ROOM, weight=3),
        "evicted": _signature("Q", Means.GATED, observes=True, weight=1),
        "left": _signature("Q", observes=True),
        "wait": _signature("q"),
        "timedwait": _signature("q", weight=2),
        "waitat": _signature("Q n"),
        "watch": _signature("q"),
        "poll": _signature("q"),
        "room": _signature("W"),
        "timedroom": _signature("W", weight=2),
        "watchroom": _signature("w"),
        "pollroom": _signature("w"),
        "lag": _signature("q", observes=True, weight=1),
        "look": _signature(observes=True, weight=1),
        "state": _signature(observes=True),
        "destroyring": _signature(),
    }
)
FINISH_OPERATIONS: Final[Mapping[str, Signature]] = MappingProxyType(
    {name: _signature(arguments) for name, arguments in {"unhold": "", "sweep": "", "stats": "", "refill": ""}.items()}
    | {"tally": _signature("q")}
)
OPERATIONS: Final[Mapping[str, Signature]] = MappingProxyType(
    {**POOL_OPERATIONS, **RING_OPERATIONS, **FINISH_OPERATIONS}
)
SETUP_ONLY: Final = frozenset({"hold"})
WAITING: Final = frozenset({"wait", "timedwait", "waitat", "watch", "room", "timedroom", "watchroom"})
"""Operations in which a thread may wait."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of a client.

    Attributes:
        name: one of `OPERATIONS`.
        arguments: variables, counts, events, and where to join, as words.
    """

    name: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.name, *self.arguments))

    def kinds(self) -> tuple[str, ...]:
        """Return the kind of each argument."""
        return OPERATIONS[self.name].arguments

    def count(self) -> int:
        """Return the size of the batch, 1 if the operation is not on a batch."""
        kinds = self.kinds()
        return int(self.arguments[kinds.index("n")]) if "n" in kinds else 1

    def of_events_from(self, first: int) -> "Operation":
        """Return the call with the number of its event, or of the first event of its batch, replaced."""
        words = zip(self.kinds(), self.arguments, strict=True)
        return Operation(self.name, tuple(str(first) if kind == "e" else word for kind, word in words))


class Holdings:
    """The variables that a thread may have set at a point of its program.

    A call that sets a variable may fail, so that the variable stays empty; a call that uses it is then skipped.
    """

    def __init__(self) -> None:
        """Begin with no variable set."""
        self.held: dict[str, tuple[str, ...]] = dict.fromkeys("plwqt", ())
        self.used = dict.fromkeys("plwqt", 0)
        self.named: frozenset[str] = frozenset()
        """Readers that the setup joined; every thread names them by this thread's number."""

    def copy(self) -> "Holdings":
        """Return an independent copy."""
        other = Holdings()
        other.held, other.used, other.named = dict(self.held), dict(self.used), self.named
        return other

    def new(self, letter: str) -> str | None:
        """Return a variable that was not used yet, None if none is left."""
        return f"{letter}{self.used[letter]}" if self.used[letter] < MOST_VARIABLES[letter] else None

    def do(self, operation: Operation) -> None:
        """Update the variables after a call of the thread."""
        for kind, argument in zip(operation.kinds(), operation.arguments, strict=True):
            if kind.endswith("!") and argument[0] != "s":  # a shared token belongs to no thread
                # A batch of tokens sets consecutive variables.
                count = operation.count()
                first = int(argument[-1])
                made = tuple(f"{argument[-2]}{first + at}" for at in range(count))
                self.held[kind[0]] += made
                self.used[kind[0]] = max(self.used[kind[0]], first + count)
                if kind == "q!" and argument[0].isdigit():
                    self.named |= {argument[-2:]}
            elif kind.endswith("-"):
                self.held[kind[0]] = tuple(one for one in self.held[kind[0]] if one != argument[-2:])

    def calls(
        self,
        name: str,
        *,
        tokens: Sequence[str],
        readers: Sequence[str],
        counts: Sequence[str],
    ) -> Iterator[Operation]:
        """Yield every call of an operation whose variables the thread may have set; an event has no number yet.

        Args:
            name: the operation.
            tokens: shared tokens.
            readers: readers of the setup, as the thread's number and the variable.
            counts: the sizes that a batch may have.
        """
        kinds = OPERATIONS[name].arguments
        choices: list[Sequence[str]] = []
        for kind in kinds:
            if kind.endswith("!"):
                made = self.new(kind[0])
                choices.append(() if made is None else (made,))
            elif kind == "Q":
                choices.append((*readers, *(one for one in self.held["q"] if one not in self.named)))
            elif kind == "n":
                choices.append(counts)
            elif kind == "at":
                choices.append((OLDEST, LATEST))
            elif kind == "e":
                choices.append(("",))
            else:
                choices.append((*tokens, *self.held["t"]) if kind == "t" else self.held[kind[0].lower()])
        for arguments in product(*choices):
            call = Operation(name, arguments)
            if self._has_run(call, tokens):
                yield call

    def _has_run(self, call: Operation, tokens: Sequence[str]) -> bool:
        """Whether the thread has as many token variables as the batch needs."""
        if call.name not in ("amany", "dmany"):
            return True
        letter, first = call.arguments[0][0], int(call.arguments[0][1:])
        if call.name == "amany":
            return first + call.count() <= MOST_VARIABLES[letter]
        return all(f"{letter}{first + at}" in (*tokens, *self.held["t"]) for at in range(call.count()))
