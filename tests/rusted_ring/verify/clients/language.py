"""Client programs over the native core: a few calls on two or three threads, few enough to run every execution.

A client has a setup, which one thread runs before all others start, and two or three threads. Each thread has variables
of its own, which the setup may set: pointers `p0` to `p7`, loans `l0` to `l3`, writers `w0` and `w1`, readers `q0` to
`q3`, tokens `t0` to `t7`. Tokens `s0` to `s7` are shared, and only the setup sets them. In the setup, the number of its
thread precedes a variable, as in `1p0`. In the same way, `evict`, `evicted`, `left` and `waitat` may name a reader of
another thread, and `room` and `timedroom` a writer.

One line is one client, for the engine and for people:

    r=2 g=1 t=0 xs=1 | alloc 1p0 1 ; clone 2p0 1p0 | drop p0 ; alloc p1 2 | read p0 ; drop p0

First the pool (`r`, `g` and `t` bits, `xs` slots, `heap` XXL slots) and the ring (`over=CAPACITY` or `gated=CAPACITY`,
`size`, `len`, `readers`, `await`, `fenced`, `plain`), then the setup, then each thread. An event's number, 1 to 15,
decides its type and every byte of its payload. In the line for the engine, the finish follows after `=>`: it releases
all that the threads still hold, reads the rest of the ring, and checks that everything was released [ALLOC-9, RING-12].

`wait` waits for the reader's next event without a timeout, `timedwait` with a timeout that may expire at any moment,
and `waitat` for the n-th event of the ring; `watch` asks for a reader's descriptor, and `poll` waits on that without a
timeout. `room`, `timedroom`, `watchroom` and `pollroom` are the same for a writer, which waits for room. `shut` closes
a writer but keeps the handle, whose later calls are refused; `close` closes and frees it, and `end` also ends the
stream. `skip` skips all events. With `await=2`, two readers have to join before an event is overwritten [RING-45]. With
`fenced=1` the system has no fence of all threads, and each publication, and each move of a reader, executes its own
[ORDER-15]. With `plain=1`, in a gated ring without evictions, plain accesses copy the payloads instead of relaxed
atomic ones: there a copy may never overlap a write [ORDER-8], and an overlap is a data race.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from rusted_ring.verify.clients.operations import (
    FINISH_OPERATIONS,
    LATEST,
    MOST_VARIABLES,
    OLDEST,
    OPERATIONS,
    POOL_OPERATIONS,
    RING_OPERATIONS,
    SETUP_ONLY,
    WAITING,
    Operation,
)
from rusted_ring.vocabulary.profile import Profile

OVERWRITE: Final = "over"
GATED: Final = "gated"

HELD_EVENT: Final = 15
"""The number of the events that `hold` and `refill` allocate."""

MOST_THREADS: Final = 3
MOST_OPERATIONS: Final = 24
MOST_SLOTS: Final = 192
HEAP_BYTES: Final = 65_536
HEAP_LENGTH: Final = 16_385
"""The length in bytes of an event of `heap` and `hloan`, the least that goes to XXL; `cut` keeps `HEAP_CUT` of them."""
HEAP_CUT: Final = 16_384
POOL_LENGTH: Final = 8
POOL_CUT: Final = 4

_VARIABLE: Final = re.compile(r"([0-3]?)([plwqts])([0-9])")


class ClientError(ValueError):
    """A text is not a client, or an operation is not allowed where it is: the message names it and gives a remedy."""


@dataclass(frozen=True, slots=True)
class PoolShape:
    """The pools of a client [PARAM-1].

    Attributes:
        ref_bits: R, 1 to 22.
        generation_bits: G, 1 to 40.
        tag_bits: T, 0 to 32.
        slots: slots of XS, 1 to 192; the pools S to XL have one each.
        heap_slots: slots of XXL, 1 to 4.
    """

    ref_bits: int = 2
    generation_bits: int = 2
    tag_bits: int = 2
    slots: int = 1
    heap_slots: int = 1

    def __post_init__(self) -> None:
        """Check the bounds."""
        bounds = {"r": (self.ref_bits, 1, 22), "g": (self.generation_bits, 1, 40), "t": (self.tag_bits, 0, 32)}
        bounds |= {"xs": (self.slots, 1, MOST_SLOTS), "heap": (self.heap_slots, 1, 4)}
        _check_bounds(bounds)

    def profile(self) -> Profile:
        """Return the profile [PARAM-1]."""
        return Profile(
            name="client",
            ref_bits=self.ref_bits,
            generation_bits=self.generation_bits,
            tag_bits=self.tag_bits,
            capacities=(self.slots, 1, 1, 1, 1),
            heap_slots=self.heap_slots,
            heap_bytes=HEAP_BYTES * self.heap_slots,
        )


@dataclass(frozen=True, slots=True)
class RingShape:
    """The ring of a client [RING-29].

    Attributes:
        mode: `OVERWRITE` or `GATED`.
        capacity: slots, 1 to 8.
        size: bytes that a payload may have, 1 to 64.
        readers: reader registrations of a gated ring, 1 to 4.
        length: bytes that every event has, 1 to `size`; 0 for `size`.
        fenced: 1 if the system has no fence of all threads [ORDER-15], else 0.
        awaited: readers that have to join before an event is overwritten, in a gated ring [RING-45].
        plain: 1 if plain accesses copy the payloads, in a gated ring [ORDER-8], else 0.
    """

    mode: str = OVERWRITE
    capacity: int = 1
    size: int = 8
    readers: int = 1
    length: int = 0
    fenced: int = 0
    plain: int = 0
    awaited: int = 0

    def __post_init__(self) -> None:
        """Check the bounds."""
        if self.mode not in (OVERWRITE, GATED):
            raise ClientError(f"mode is {self.mode!r}: not a mode of a ring; give {OVERWRITE!r} or {GATED!r}")
        _check_bounds({self.mode: (self.capacity, 1, 8), "size": (self.size, 1, 64), "readers": (self.readers, 1, 4)})
        _check_bounds({"len": (self.length, 0, self.size), "fenced": (self.fenced, 0, 1), "plain": (self.plain, 0, 1)})
        _check_bounds({"await": (self.awaited, 0, self.readers if self.mode == GATED else 0)})
        if self.plain and self.mode == OVERWRITE:
            raise ClientError(f"plain is 1 with {OVERWRITE}: readers copy during writes; leave plain out")

    def event_length(self) -> int:
        """Return the length of each event in bytes."""
        return self.length or self.size


def _check_bounds(bounds: Mapping[str, tuple[int, int, int]]) -> None:
    for name, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise ClientError(f"{name} is {value}: not from {low} to {high}; give a number within these bounds")


@dataclass(frozen=True, slots=True)
class Client:
    """A client program.

    Attributes:
        pool: its pools, or None.
        ring: its ring, or None.
        setup: the operations that thread 0 does first.
        threads: the operations of each thread, from thread 1.
        name: its name, empty for a client that was drawn.

    Raises:
        ClientError: an operation does not exist, has wrong arguments, or is not allowed where it is.
    """

    pool: PoolShape | None
    ring: RingShape | None
    setup: tuple[Operation, ...]
    threads: tuple[tuple[Operation, ...], ...]
    name: str = dataclasses.field(default="", compare=False)

    def __post_init__(self) -> None:
        """Check every operation."""
        if not 1 <= len(self.threads) <= MOST_THREADS:
            raise ClientError(f"threads is {len(self.threads)} threads: not from 1 to {MOST_THREADS}; leave some out")
        if self.pool is None and self.ring is None:
            raise ClientError(
                "the client has neither a pool nor a ring: begin it with r=, g=, t= and xs=, or with over="
            )
        if self.size() > MOST_OPERATIONS:
            raise ClientError(f"the client has {self.size()} operations: more than {MOST_OPERATIONS}; leave some out")
        for number, operations in enumerate((self.setup, *self.threads)):
            for operation in operations:
                self._check(number, operation)
        self._check_destruction()
        self._check_shared()
        if self.plain() and any(o.name == "evict" for group in (self.setup, *self.threads) for o in group):
            raise ClientError(
                "plain is 1 and a reader is evicted, whose copy may overlap the next write; leave one of them out"
            )

    def size(self) -> int:
        """Return the number of operations."""
        return len(self.setup) + sum(map(len, self.threads))

    def shared_readers(self) -> set[str]:
        """Return the readers that the setup joins, which any thread may evict."""
        return self._made("join")

    def _made(self, name: str) -> set[str]:
        """Return the variables of threads that the setup sets by an operation."""
        return {
            operation.arguments[0]
            for operation in self.setup
            if operation.name == name
            and int(operation.arguments[0][0] if operation.arguments[0][0].isdigit() else 0) > 0
        }

    def _check(self, thread: int, operation: Operation) -> None:
        name, where = operation.name, f"thread {thread}" if thread else "the setup"
        if name not in OPERATIONS or name in FINISH_OPERATIONS:
            raise ClientError(f"{name!r} in {where} is not an operation; give one of {', '.join(sorted(OPERATIONS))}")
        if name in SETUP_ONLY and thread:
            raise ClientError(f"{name!r} is in {where}: it belongs in the setup; move it there")
        lacking = "pool" if name in POOL_OPERATIONS and self.pool is None else ""
        if lacking or (name in RING_OPERATIONS and self.ring is None):
            raise ClientError(f"{operation} in {where} needs a {lacking or 'ring'}: begin the client with one")
        kinds = operation.kinds()
        if len(operation.arguments) != len(kinds):
            wanted = " ".join(kinds) or "nothing"
            raise ClientError(f"{operation} in {where} has {len(operation.arguments)} arguments; give it {wanted}")
        for kind, argument in zip(kinds, operation.arguments, strict=True):
            self._check_argument(thread, operation, kind, argument)
        for index, kind in enumerate(kinds):
            if kind == "n":
                self._check_run(operation, index)

    def _check_argument(self, thread: int, operation: Operation, kind: str, argument: str) -> None:
        complaint = f"{argument!r} in {operation} of " + (f"thread {thread}" if thread else "the setup")
        if kind in ("n", "e"):
            most = 15 if kind == "e" else MOST_SLOTS if operation.name == "hold" else 7
            if not argument.isdigit() or not 1 <= int(argument) <= most:
                raise ClientError(f"{complaint} is not a number from 1 to {most}; give one")
            return
        if kind == "at":
            overwriting = self.ring is not None and self.ring.mode == OVERWRITE
            if argument not in (OLDEST, LATEST) and not (argument.isdigit() and overwriting):
                raise ClientError(
                    f"{complaint} is not a start of a reader; give {OLDEST}, {LATEST} or, overwriting, a cursor"
                )
            return
        found = _VARIABLE.fullmatch(argument)
        letters = {"t": "ts", "Q": "q", "W": "w"}.get(kind[0], kind[0])
        if found is None or found[2] not in letters or int(found[3]) >= MOST_VARIABLES[found[2]]:
            variables = ", ".join(f"{letter}0 to {letter}{MOST_VARIABLES[letter] - 1}" for letter in letters)
            raise ClientError(f"{complaint} is not such a variable; give one of {variables}")
        if found[2] == "s" and (found[1] or (thread and kind == "t!")):
            raise ClientError(f"{complaint} is shared, and only the setup sets it; give a token t0 to t7")
        if found[2] == "t" and not thread:
            raise ClientError(f"{complaint} is a thread's own token; give a shared one, s0 to s7")
        shared = self._made({"Q": "join", "W": "open"}.get(kind, ""))
        if thread and found[1] and argument not in shared:
            what = "open a writer" if kind == "W" else "join a reader"
            raise ClientError(f"{complaint} is another thread's; leave the number out, or let the setup {what}")
        if found[1] and int(found[1]) > len(self.threads):
            raise ClientError(f"{complaint} is of thread {found[1]}, but there are {len(self.threads)} threads")

    def _check_run(self, operation: Operation, index: int) -> None:
        """Check that the last event and the last token of a bulk call exist."""
        count = int(operation.arguments[index])
        for kind, argument in zip(operation.kinds(), operation.arguments, strict=True):
            last = int(argument[-2:] if kind == "e" else argument[-1]) + count - 1 if kind[0] in "et" else 0
            if kind == "e" and last > 15:
                raise ClientError(f"{operation}: the last event would have the number {last}; give at most 15")
            if kind[0] == "t" and last > 7:
                raise ClientError(f"{operation}: the last token would have the number {last}; give at most 7")

    def _check_destruction(self) -> None:
        """Check that the other threads use only handles of what one thread destroys: a handle keeps it alive."""
        unsafe = {
            "destroypool": {*POOL_OPERATIONS} - {"drop", "clone", "read", "count", "abort", "commit", "cut"},
            "destroyring": {"open", "join", "look", "state", "evict", "evicted", "left", "destroyring"},
        }
        for destroyer, others in unsafe.items():
            holders = [
                number for number, thread in enumerate(self.threads, 1) if any(o.name == destroyer for o in thread)
            ]
            if any(operation.name == destroyer for operation in self.setup):
                raise ClientError(f"{destroyer} is in the setup: nothing would be left; move it to a thread")
            for number, thread in enumerate(self.threads, 1):
                for operation in thread:
                    if operation.name in others and holders not in ([], [number]):
                        raise ClientError(
                            f"{operation} in thread {number} may come after the {destroyer} of another thread; "
                            "let the others use only handles that they hold"
                        )

    def _check_shared(self) -> None:
        """Check that no thread frees a reader or writer that another thread names."""
        for number, thread in enumerate(self.threads, 1):
            for operation in thread:
                named = operation.arguments[0] if not {"Q", "W"}.isdisjoint(operation.kinds()) else ""
                if not named[:1].isdigit() or int(named[0]) == number:
                    continue
                of_reader = named[1] == "q"
                free, what, remedy = (
                    (("free",), "reader", "leave") if of_reader else (("close", "end"), "writer", "shut")
                )
                if any(Operation(name, (named[1:],)) in self.threads[int(named[0]) - 1] for name in free):
                    raise ClientError(
                        f"{operation} in thread {number} may come after thread {named[0]} freed the {what}; "
                        f"let that thread {remedy} it"
                    )

    def plain(self) -> bool:
        """Return whether plain accesses copy the payloads."""
        return self.ring is not None and self.ring.plain == 1

    def waits(self) -> bool:
        """Return whether some thread may sleep or watches a descriptor."""
        return any(operation.name in WAITING for group in (self.setup, *self.threads) for operation in group)

    # Texts

    def header(self) -> str:
        """Return the header: the words for the pool and the ring."""
        words = []
        if self.pool is not None:
            words += [f"r={self.pool.ref_bits}", f"g={self.pool.generation_bits}", f"t={self.pool.tag_bits}"]
            words.append(f"xs={self.pool.slots}")
            if self.pool.heap_slots > 1:
                words.append(f"heap={self.pool.heap_slots}")
        if self.ring is not None:
            words += [f"{self.ring.mode}={self.ring.capacity}", f"size={self.ring.size}"]
            if self.ring.length:
                words.append(f"len={self.ring.length}")
            if self.ring.mode == GATED:
                words.append(f"readers={self.ring.readers}")
                words += [f"await={self.ring.awaited}"] * (self.ring.awaited > 0)
            if self.ring.fenced:
                words.append("fenced=1")
            if self.ring.plain:
                words.append("plain=1")
        return " ".join(words)

    def __str__(self) -> str:
        groups = [self.header(), *(" ; ".join(map(str, group)) for group in (self.setup, *self.threads))]
        return " | ".join(groups)

    def readable(self) -> str:
        """Return the client for a human reader, one operation a line."""
        lines = [f"client {self.name}" if self.name else "client", f"  with {self.header()}"]
        for number, operations in enumerate((self.setup, *self.threads)):
            lines.append(f"  thread {number}" if number else "  setup")
            lines += [f"    {index}: {operation}" for index, operation in enumerate(operations)] or ["    nothing"]
        return "\n".join(lines)

    def finish(self) -> tuple[Operation, ...]:
        """Return what thread 0 does after the others: read the rest, release all that is held, check the totals."""
        made: dict[str, list[str]] = {letter: [] for letter in "qwpl"}
        for number, operations in enumerate((self.setup, *self.threads)):
            for operation in operations:
                for kind, argument in zip(operation.kinds(), operation.arguments, strict=True):
                    if kind in ("q!", "w!", "p!", "l!"):
                        variable = argument if argument[0].isdigit() else f"{number}{argument}"
                        if variable not in made[kind[0]]:
                            made[kind[0]].append(variable)
        steps: list[Operation] = []
        for reader in made["q"]:
            steps += [Operation("nextmany", (reader, "7"))] * 2
            steps += [Operation("tally", (reader,)), Operation("free", (reader,))]
        steps += [Operation("close", (writer,)) for writer in made["w"]]
        if self.ring is not None:
            steps += [Operation("look"), Operation("destroyring")]
        steps += [Operation("drop", (pointer,)) for pointer in made["p"]]
        steps += [Operation("abort", (loan,)) for loan in made["l"]]
        if self.pool is not None:
            if any(operation.name == "hold" for operation in self.setup):
                steps.append(Operation("unhold"))
            steps += [Operation(name) for name in ("sweep", "stats", "refill", "destroypool")]
        return tuple(steps)

    def operation(self, thread: int, op: int) -> Operation:
        """Return an operation by its thread and number; the operations of the finish come after those of the setup.

        Raises:
            ClientError: the thread has no such operation.
        """
        groups = ((*self.setup, *self.finish()), *self.threads)
        listed = groups[thread] if 0 <= thread < len(groups) else ()
        if not 0 <= op < len(listed):
            raise ClientError(f"op is {op}: thread {thread} has {len(listed)} operations; give one of them")
        return listed[op]


def to_line(client: Client) -> str:
    """Return a client as the one line that the engine reads, its finish included [ALLOC-9].

    The line does not say which accesses are plain: `weaken` tells the engine.
    """
    if client.ring is not None:
        client = dataclasses.replace(client, ring=dataclasses.replace(client.ring, plain=0))
    return f"{client} => {' ; '.join(map(str, client.finish()))}"


def parse(text: str, *, name: str = "") -> Client:
    """Return the client of a line; a finish in it is ignored, since it follows from the rest.

    Args:
        text: the line, or several lines: a line break counts as a blank.
        name: the client's name.

    Raises:
        ClientError: the text is not a client.
    """
    body = text.partition("=>")[0]
    groups = [group.strip() for group in body.split("|")]
    if len(groups) < 3:
        raise ClientError(
            f"{body.strip()!r} has {len(groups)} groups; give a header, a setup and threads, with | between"
        )
    pool, ring = _parse_header(groups[0])
    setup, *threads = (_parse_group(group) for group in groups[1:])
    return Client(pool, ring, setup, tuple(threads), name)


def _parse_header(text: str) -> tuple[PoolShape | None, RingShape | None]:
    numbers: dict[str, int] = {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if not equals or not value.isdigit() or key not in _HEADER:
            raise ClientError(f"{word!r} in the header is not key=NUMBER; keys are {', '.join(_HEADER)}")
        if key in numbers:
            raise ClientError(f"{word!r} in the header comes twice; leave one out")
        numbers[key] = int(value)
    pool = {_HEADER[key]: value for key, value in numbers.items() if key in _POOL_KEYS}
    modes = [key for key in (OVERWRITE, GATED) if key in numbers]
    if len(modes) > 1:
        raise ClientError(f"the header {text!r} has two rings; give {OVERWRITE}= or {GATED}=")
    if not modes and any(key in numbers for key in _SHAPE_KEYS):
        raise ClientError(f"the header {text!r} has no ring; give {OVERWRITE}= or {GATED}= its capacity")
    shape = {_HEADER[key]: value for key, value in numbers.items() if key in _SHAPE_KEYS}
    ring = RingShape(modes[0], numbers[modes[0]], **shape) if modes else None
    return (PoolShape(**pool) if pool else None), ring


_POOL_KEYS: Final = ("r", "g", "t", "xs", "heap")
_SHAPE_KEYS: Final = ("size", "len", "readers", "await", "fenced", "plain")
_HEADER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "r": "ref_bits",
        "g": "generation_bits",
        "t": "tag_bits",
        "xs": "slots",
        "heap": "heap_slots",
        OVERWRITE: "capacity",
        GATED: "capacity",
        "size": "size",
        "len": "length",
        "readers": "readers",
        "await": "awaited",
        "fenced": "fenced",
        "plain": "plain",
    }
)


def _parse_group(text: str) -> tuple[Operation, ...]:
    operations = []
    for part in text.split(";"):
        words = part.split()
        if words:
            operations.append(Operation(words[0], tuple(words[1:])))
    return tuple(operations)


def event_bytes(event: int, length: int) -> bytes:
    """Return the payload of the event of that number: each byte depends on the event and on its index [PTR-7]."""
    return bytes((event * 16 + index % 16) % 256 for index in range(length))
