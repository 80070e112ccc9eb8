"""Every client of up to k calls, up to symmetry, from a short list of setups and the table of operations.

A client has k calls in two or three threads; each thread makes at least one, and the calls of the setup do not count.
The enumeration leaves out clients that are equivalent to another one, and clients with a call that can only fail:

- *Names.* A call that sets a variable sets the first one that its thread has not used, and events are numbered thread
  by thread. Calls use names of variables and numbers of events only to tell them apart, so a client with other names
  has the same executions. No client sets a variable twice: if the first call succeeds, the second is skipped, as in the
  client without the second; if the first fails, the second does the same with another name.
- *Threads.* Threads differ only in what the setup makes for them. If an exchange of threads leaves the setup the same,
  word by word, two clients that the exchange turns into each other have the same executions with their threads
  exchanged. The enumeration takes one of the two. If a setup makes something for two threads, one of the two gets the
  first slot or the first reader registration, and the core searches these in order: such threads are not exchanged.
- *Calls without effect.* A call needs what the table lists: a free slot, a registration, an event. If neither the setup
  nor another call that may precede it provides that, the call fails in every execution and changes nothing but a count
  of failures [ERR-1]. A call that only observes changes nothing at all, and the finish observes the final state anyway;
  such a call is taken only if it makes a token that its thread uses. A reader that its own thread or the calling thread
  has taken out of the ring is refused [RING-20]. A call that uses a variable that nothing sets is skipped.
- *Setups with an unused difference.* With two bits for references, only clients that add a reference are taken. In an
  overwriting ring, which does not look at its readers, only clients that name each reader of the setup are taken.

A batch has two events, or as many as the pool has slots; `join` begins at the oldest or the latest event. `wait` is
taken only if an event or an eviction surely comes: in other clients it may rightly wait for ever.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from rusted_ring.verify.clients.language import GATED, OVERWRITE, ClientError, parse
from rusted_ring.verify.clients.operations import (
    OPERATIONS,
    POOL_OPERATIONS,
    RING_OPERATIONS,
    SETUP_ONLY,
    Holdings,
    Means,
    Operation,
)

MOST_CALLS: Final = 8
"""The greatest number of calls of a client, since a thread has eight variables of a kind."""

NOT_ENUMERATED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "heap": "like `alloc`, from a pool of its own with the same slots",
        "hloan": "like `loan`, from a pool of its own with the same slots",
        "end": "like `close`, and no writer comes after it",
        "take": "like `nextmany`, in two steps",
        "put": "like `addmany`; its plain stores race with the copy of a reader that is evicted while it reads",
        "peek": "like `take`; its plain loads race with the writer if the reader is evicted while it reads",
        "skip": "like `nextmany`, without a copy",
        "timedwait": "like `wait`, with a timeout",
        "waitat": "waits at another thread's reader",
        "watch": "asks for a descriptor",
        "poll": "waits on a descriptor",
        "shut": "like `close`, and frees nothing",
        "room": "waits for ever in most clients: no call of an enumerated client is sure to make room",
        "timedroom": "like `room`, with a timeout",
        "watchroom": "asks for a descriptor",
        "pollroom": "waits on a descriptor",
    }
)
"""Operations with an effect that the enumeration leaves to the corpus, each with the reason."""

_FRESH: Final = "alloc 0p0 9 ; weak s0 0p0 ; drop 0p0 ; alloc 0p0 8 ; drop 0p0"
"""With g=1: slot 0 is free again with generation 0, and `s0` is the token of the next event allocated there."""

_ENDING: Final = frozenset({"destroypool", "destroyring", "free"})
"""Calls that `Client` allows only beside certain calls of other threads."""


@dataclass(frozen=True, slots=True)
class Part:
    """The calls of one thread.

    Attributes:
        calls: the calls; an empty word stands for the number of an event.
        lacks: the means that some call needs and that neither the setup nor an earlier call of the thread provides.
        gives: the means that the calls provide.
        needs: the means that they need.
    """

    calls: tuple[Operation, ...]
    lacks: int
    gives: int
    needs: int


class Setup:
    """The initial state of the threads: the pools or the ring, their contents, and the variables of each thread."""

    def __init__(self, header: str, calls: Sequence[str], threads: int) -> None:
        """Read the setup.

        Args:
            header: the pools or the ring.
            calls: the calls of the setup.
            threads: the number of threads.
        """
        self.client = parse(" | ".join((header, " ; ".join(calls), *([""] * threads))))
        self.threads = threads
        setup = self.client.setup
        self.readers = tuple(sorted(self.client.shared_readers()))
        self.tokens = tuple(dict.fromkeys(call.arguments[0] for call in setup if call.kinds()[:1] == ("t!",)))
        self._holdings = [Holdings() for _ in range(threads + 1)]
        for call in setup:
            self._holdings[_owner(call)].do(call)
        self.events = max((_last_event(call) for call in setup), default=0)
        self.unread: dict[str, int] = {}
        self.available = self._available()
        self.exchanges = tuple(
            order
            for order in itertools.permutations(range(threads))
            if self._is_kept(order) and order != (0, 1, 2)[:threads]
        )

    def __str__(self) -> str:
        return " | ".join((self.client.header(), " ; ".join(map(str, self.client.setup))))

    def _available(self) -> Means:
        """Return the means that the setup provides."""
        pool, ring = self.client.pool, self.client.ring
        names = [call.name for call in self.client.setup]
        means = Means.NONE
        if pool is not None:
            taken = sum(names.count(name) for name in ("alloc", "ffi", "loan")) - names.count("drop")
            means |= Means.SLOT if taken < pool.slots else Means.NONE
            means |= Means.LIVE if taken > names.count("loan") else Means.NONE
            means |= Means.SHARE if pool.ref_bits > 1 else Means.NONE
            means |= Means.DETACHED if "ffi" in names else Means.NONE
        if ring is not None:
            added = 0
            for call in self.client.setup:
                added += _added(call)
                if call.name == "join":
                    self.unread[call.arguments[0]] = -added
                elif call.name == "next":
                    self.unread[call.arguments[0]] -= 1
            self.unread = {reader: unread + added for reader, unread in self.unread.items()}
            gated = ring.mode == GATED
            means |= Means.WRITER if "open" not in names else Means.NONE
            means |= Means.REGISTRATION if not gated or len(self.unread) < ring.readers else Means.NONE
            means |= Means.EVENT if added else Means.NONE
            means |= Means.ROOM if not gated or max(self.unread.values(), default=0) < ring.capacity else Means.NONE
            means |= Means.GATED if gated else Means.NONE
        return means

    def _is_kept(self, order: Sequence[int]) -> bool:
        """Whether the setup is the same if threads are exchanged."""
        return all(_exchanged(call, order) == call for call in self.client.setup)

    def _alphabet(self) -> Iterator[str]:
        for name in POOL_OPERATIONS if self.client.pool is not None else RING_OPERATIONS:
            observes = OPERATIONS[name].observes and name != "weak"
            if name not in SETUP_ONLY and name not in NOT_ENUMERATED and not observes:
                yield name

    def _counts(self, name: str) -> Sequence[str]:
        if name == "amany" and self.client.pool is not None:
            return (str(self.client.pool.slots),)
        return ("1", "2") if name == "dmany" else ("2",)

    def parts(self, thread: int, most: int) -> list[list[Part]]:
        """Return the parts that a thread may have, by the number of calls.

        Args:
            thread: the thread, from 1.
            most: the greatest number of calls.
        """
        grown = [[(Part((), 0, 0, 0), self._holdings[thread])]]
        names = tuple(self._alphabet())
        for _ in range(most):
            grown.append([])
            for part, held in grown[-2]:
                for name in names:
                    signature = OPERATIONS[name]
                    for call in held.calls(name, tokens=self.tokens, readers=self.readers, counts=self._counts(name)):
                        after = held.copy()
                        after.do(call)
                        given = part.gives | self._available_to(thread, call).value
                        lacks = part.lacks | (signature.needs.value & ~given)
                        gives, needs = part.gives | signature.gives.value, part.needs | signature.needs.value
                        grown[-1].append((Part((*part.calls, call), lacks, gives, needs), after))
        return [
            [
                part
                for part, _ in parts
                if not _makes_for_nothing(part.calls) and not self._asks_who_left(thread, part.calls)
            ]
            for parts in grown
        ]

    def _available_to(self, thread: int, call: Operation) -> Means:
        """Return the means that the setup provides for a call: a reader has only the events that it has not read."""
        unread = self.unread.get(f"{thread}{call.arguments[0]}", 1) if call.arguments else 1
        return self.available if unread else self.available & ~Means.EVENT

    def _asks_who_left(self, thread: int, calls: Sequence[Operation]) -> bool:
        """Whether a call uses a reader that the thread has already taken out of the ring, and so is refused."""
        gone: set[str] = set()
        for call in calls:
            reader = call.arguments[0] if call.kinds()[:1] in (("q",), ("q-",), ("Q",)) else ""
            reader = f"{thread}{reader}" if reader[:1] == "q" else reader
            if reader in gone:
                return True
            if reader and call.name in ("leave", "free", "evict"):
                gone.add(reader)
        return False

    def programs(self, calls: int) -> Iterator[tuple[Part, ...]]:
        """Yield the parts of the threads for so many calls, one combination of each equivalence class."""
        most = calls - self.threads + 1
        if most < 1:
            return
        every = [self.parts(thread, most) for thread in range(1, self.threads + 1)]
        for lengths in _shares(calls, self.threads):
            for parts in itertools.product(*(every[index][length] for index, length in enumerate(lengths))):
                if self._counts_here(parts) and self._is_first(parts):
                    yield parts

    def _counts_here(self, parts: tuple[Part, ...]) -> bool:
        """Whether each call may have an effect and the client uses all that sets this setup apart."""
        for index, part in enumerate(parts):
            if part.lacks:
                given = 0
                for other, another in enumerate(parts):
                    given |= another.gives if other != index else 0
                if part.lacks & ~given:
                    return False
        pool, ring = self.client.pool, self.client.ring
        if pool is not None and pool.ref_bits > 1 and not any(call.name == "clone" for call in self.client.setup):
            return any(part.needs & Means.SHARE.value for part in parts)
        if ring is not None and ring.mode == OVERWRITE and len(self.readers) > 1:
            return all(self._names(parts, reader) for reader in self.readers)
        return True

    def _names(self, parts: tuple[Part, ...], reader: str) -> bool:
        own = parts[int(reader[0]) - 1].calls
        return any(reader[1:] in call.arguments for call in own) or any(
            reader in call.arguments for part in parts for call in part.calls
        )

    def _is_first(self, parts: tuple[Part, ...]) -> bool:
        """Whether a client is the least of its equivalence class under exchanges of threads."""
        if not self.exchanges:
            return True
        mine = tuple(part.calls for part in parts)
        key = tuple(map(_key, mine))
        for order in self.exchanges:
            other = [mine[index] for index in order]
            if tuple(_key(tuple(_exchanged(call, order) for call in calls)) for calls in other) < key:
                return False
        return True

    def lines(self, calls: int) -> Iterator[str]:
        """Yield the clients of so many calls, one of each equivalence class, as lines."""
        begin = str(self)
        for parts in self.programs(calls):
            threads = _numbered([part.calls for part in parts], self.events)
            names = {call.name for thread in threads for call in thread}
            line = " | ".join((begin, *(" ; ".join(map(str, thread)) for thread in threads)))
            if ("wait" not in names or self._surely_ends(threads)) and (names.isdisjoint(_ENDING) or _is_client(line)):
                yield line

    def _surely_ends(self, threads: Sequence[Sequence[Operation]]) -> bool:
        """Whether each `wait` of a client ends in every execution."""
        return all(
            self._one_ends(threads, thread, at)
            for thread, calls in enumerate(threads, 1)
            for at, call in enumerate(calls)
            if call.name == "wait"
        )

    def _one_ends(self, threads: Sequence[Sequence[Operation]], thread: int, at: int) -> bool:
        ring = self.client.ring
        assert ring is not None
        calls = threads[thread - 1]
        variable = calls[at].arguments[0]
        reader = f"{thread}{variable}"
        unread = self.unread.get(reader)
        before = [call for call in calls[:at] if variable in call.arguments]
        if unread is None or any(call.name in ("leave", "free") for call in before):
            return False
        read = sum({"next": 1, "nextmany": 2}.get(call.name, 0) for call in before)
        added = most = 0
        for number, others in enumerate(threads, 1):
            most += sum(map(_added, others))
            for call in others[:at] if number == thread else others:
                if call.name in ("wait", "close", "open"):
                    break  # the calls after it may never be reached
                if call.name == "evict" and reader in call.arguments and number != thread:
                    return True
                added += _added(call)
        if max(self.unread.values()) + most > ring.capacity and (read or (ring.mode == GATED and len(self.unread) > 1)):
            return False  # events may be lost, or another reader may hold the writer back
        if ring.mode == GATED and any(call.name == "join" for others in threads for call in others):
            return False
        return unread + added > read


def setups(threads: int) -> Iterator[Setup]:
    """Yield the setups for so many threads, 2 or 3."""
    found: tuple[tuple[int, tuple[str, ...]], ...] = (
        (1, ()),
        (1, ("ffi s0 1",)),
        (1, ("loan 1l0 1",)),
        (1, ("alloc 1p0 1", "weak s0 1p0")),
        (2, ()),
        (2, ("alloc 1p0 1",)),
        (2, ("ffi s0 1",)),
        (2, ("alloc 1p0 1", "alloc 2p0 2")),
    )
    for slots, calls in found:
        yield Setup(f"r=1 g=1 t=0 xs={slots}", calls, threads)
    for calls in (("alloc 1p0 1", "clone 2p0 1p0"), ("alloc 1p0 1", "weak s0 1p0"), tuple(_FRESH.split(" ; "))):
        yield Setup("r=2 g=1 t=0 xs=1", calls, threads)
    for capacity in (1, 2):
        full = "add 1w0 1" if capacity == 1 else "addmany 1w0 2 1"
        fills: list[tuple[str, ...]] = [(), ("add 1w0 1",), (full,)][: capacity + 1]
        one = ("open 1w0", "join 2q0 old")
        first, second = ("1q0", "2q0") if threads == 2 else ("2q0", "3q0")
        both = ("open 1w0", f"join {first} old", f"join {second} old")
        over, gated = f"over={capacity} size=1", f"gated={capacity} size=1 readers="
        yield Setup(over, (), threads)
        yield from (Setup(over, (*one, *fill), threads) for fill in fills)
        yield Setup(over, (*both, full, f"next {first}"), threads)
        yield Setup(f"{gated}1", (), threads)
        yield Setup(f"{gated}1", ("open 1w0", full), threads)
        yield from (Setup(f"{gated}1", (*one, *fill), threads) for fill in fills)
        # Empty with one slot, full with two; one reader ahead of the other, and with two slots the other ahead as well.
        yield from (Setup(f"{gated}2", (*both, *fill), threads) for fill in ((), (full,))[capacity - 1 :])
        yield from (
            Setup(f"{gated}2", (*both, full, f"next {ahead}"), threads) for ahead in (first, second)[2 - capacity :]
        )


def lines(calls: int) -> Iterator[str]:
    """Yield every client of so many calls in two or three threads, one of each class, in a fixed order."""
    for threads in (2, 3):
        for setup in setups(threads):
            yield from setup.lines(calls)


# Calls and their words


def _owner(call: Operation) -> int:
    """Return the thread for which the setup sets a variable, 0 if it is the setup's own or shared."""
    words = (word for kind, word in zip(call.kinds(), call.arguments, strict=True) if kind[0] in "plwq")
    return next((int(word[0]) for word in words if word[0].isdigit()), 0)


def _exchanged(call: Operation, order: Sequence[int]) -> Operation:
    """Return a call after an exchange that makes thread `order[n]` thread n."""
    words = []
    for kind, word in zip(call.kinds(), call.arguments, strict=True):
        named = kind[0] in "plwqQ" and word[0].isdigit() and word[0] != "0"
        words.append(f"{order.index(int(word[0]) - 1) + 1}{word[1:]}" if named else word)
    return Operation(call.name, tuple(words))


def _key(calls: Sequence[Operation]) -> tuple[int, str]:
    return len(calls), " ; ".join(map(str, calls))


def _added(call: Operation) -> int:
    """Return how many events a call adds to the ring."""
    return call.count() if call.name in ("add", "addmany") else 0


def _last_event(call: Operation) -> int:
    """Return the number of the last event of a call, 0 if it has none."""
    kinds = call.kinds()
    return int(call.arguments[kinds.index("e")]) + call.count() - 1 if "e" in kinds else 0


def _numbered(threads: Sequence[Sequence[Operation]], last: int) -> tuple[tuple[Operation, ...], ...]:
    """Number the events of the threads, beginning after `last`."""
    numbered = []
    for calls in threads:
        given = []
        for call in calls:
            if "e" in call.kinds():
                given.append(call.of_events_from(last + 1))
                last += call.count()
            else:
                given.append(call)
        numbered.append(tuple(given))
    return tuple(numbered)


def _makes_for_nothing(calls: Sequence[Operation]) -> bool:
    """Whether a call that only observes makes a token that no later call uses."""
    return any(
        OPERATIONS[call.name].observes and not any(call.arguments[0] in later.arguments for later in calls[at + 1 :])
        for at, call in enumerate(calls)
    )


def _is_client(line: str) -> bool:
    """Whether no thread destroys an object that another may still use."""
    try:
        parse(line)
    except ClientError:
        return False
    return True


@functools.cache
def _shares(calls: int, threads: int) -> tuple[tuple[int, ...], ...]:
    """Return the ways to divide so many calls among the threads, at least one for each."""
    if threads == 1:
        return ((calls,),)
    return tuple(
        (first, *rest) for first in range(1, calls - threads + 2) for rest in _shares(calls - first, threads - 1)
    )
