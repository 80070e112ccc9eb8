"""Judging a history by the reference: is there an order of its calls in which the reference answers the same [SLOT-1]?

The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with Lowe's memoisation (Testing for
Linearizability, 2017): a set of calls that led to the same state is not tried twice. What is searched is one object at a
time: a slot, a pool's free list, a ring's place for a writer, its places for readers. Each is a matter of its own, and
must be, since C11 orders no two of them: that one thread finds slot 0 stale and another slot 1 need not fit into one order
of all calls. What a ring passes on is judged by its own clauses, between what surely was before a call and what was not
surely after it [RING-1 to RING-21].

A call is one moment or several, as the allocator's chapter says it. A slot counts as taken from the moment its allocation
has claimed it, and until the call that frees it returns; a batch claims its slots one after another, and one that fails
holds what it had claimed until it returns; the count of loose references follows the count that includes them [ALLOC-3,
ALLOC-14, PTR-11].

The results of each operation, the status first (`SKIPPED` alone where its handle was not there):

    alloc heap ffi clone weak into upgrade from commit cut    token
    loan hloan          token, whether all bytes were 0
    amany               the tokens, or the place of the event that failed
    dmany               nothing, or the place of the token that failed
    read                event, length, event type
    inc incany dec decany count    the count
    meta                count, generation, state
    hold                the slots taken, as bits
    add                 write cursor
    addmany             how many were added, write cursor
    join                the cursor that the reader begins with
    next nextmany       sequence, next sequence, skipped, how many, their events in 8 bits each
    evicted left        1 or 0
    lag                 lag, backlog
    look                write cursor, retained, readers
    tally               start, cursor, delivered, skipped

`sweep`, `stats` and `refill` have no status: how many loose references there were and for each slot that had some
2^32 * pool + 2^16 * slot + how many; live, free, allocations and failures of XS and of XXL; how many slots could be taken
and the first tokens.
"""

import enum
import functools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rusted_ring.reference.cursor import joined, oldest_overwriting, oldest_unread
from rusted_ring.reference.errors import (
    PoolExhausted,
    ReadersFull,
    RefCountOverflow,
    RefCountUnderflow,
    StaleHandle,
    WriterTaken,
)
from rusted_ring.reference.event import PooledEvent, SlotMetadata, SlotState
from rusted_ring.reference.following import Choices, FollowError
from rusted_ring.reference.parameters import Profile
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.ring import GATED as GATED_MODE
from rusted_ring.reference.ring import ReaderPlace, RingBuffer, WriterPlace
from rusted_ring.reference.sizes import PoolId
from rusted_ring.reference.token import generation_of_token, pool_of_token, slot_of_token
from rusted_ring.verify.clients import (
    GATED,
    HEAP_CUT,
    HEAP_LENGTH,
    HELD_EVENT,
    OLDEST,
    POOL_CUT,
    POOL_LENGTH,
    RING_OPERATIONS,
    SKIPPED,
    TORN,
    Client,
    Operation,
)
from rusted_ring.verify.history import History, HistoryError, closed

Step = tuple[Any, ...]
Place = tuple[int, int]


class Status(enum.IntEnum):
    """What the C calls answer, by number [ERR-1]."""

    OK = 0
    BAD_ARGUMENT = 1
    PAYLOAD_TOO_LARGE = 2
    POOL_EXHAUSTED = 3
    STALE_HANDLE = 5
    REF_COUNT_OVERFLOW = 6
    REF_COUNT_UNDERFLOW = 7
    WRITER_TAKEN = 8
    READERS_FULL = 9
    RING_CLOSED = 10
    LAGGED = 11
    EMPTY = 12
    FULL = 13
    BUSY = 15
    NO_MEMORY = 16


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a history.

    Attributes:
        subject: the object: `slot 0 of XS`, `free list of XS`, `writer's place`, `readers' places`, `ring`, ...
        clause: the clause that is broken.
        message: what cannot be, in words.
        calls: the calls that cannot be placed, as places in the history.
        prefix: the longest order that the reference follows, moment by moment.
    """

    subject: str
    clause: str
    message: str
    calls: tuple[int, ...] = ()
    prefix: tuple[str, ...] = ()

    def __str__(self) -> str:
        before = f" after {', '.join(self.prefix)}" if self.prefix else ""
        return f"[{self.clause}] {self.subject}: {self.message}{before}"


@dataclass(frozen=True, slots=True)
class Order:
    """An order in which the reference answers as the history does.

    Attributes:
        subject: the object.
        moments: thread, operation and moment, in the order found.
    """

    subject: str
    moments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the reference says of a history.

    Attributes:
        problems: what is wrong, empty where nothing is.
        orders: for each object that is not wrong an order that shows it.
    """

    problems: tuple[Problem, ...]
    orders: tuple[Order, ...]

    @property
    def linearizable(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def clause(self) -> str:
        """The clause that is broken, empty where none is."""
        return self.problems[0].clause if self.problems else ""

    def __str__(self) -> str:
        if self.problems:
            return "\n".join(map(str, self.problems))
        return "\n".join(f"{order.subject}: {', '.join(order.moments)}" for order in self.orders) or "nothing to order"


# The search


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of one call on one object.

    Attributes:
        call: the call, as a place in the history.
        step: what the specification is asked: a kind and numbers.
    """

    call: int
    step: Step


Outcomes = Callable[[Any, Step], Sequence[Hashable]]


@dataclass(frozen=True, slots=True)
class Found:
    """The end of a search.

    Attributes:
        complete: whether all moments could be placed.
        order: the moments in the order found, or the longest order that could be.
        stuck: where not all could be placed, the moments that the specification refused there.
    """

    complete: bool
    order: tuple[Moment, ...]
    stuck: tuple[Moment, ...] = ()


def search(
    initial: Hashable, outcomes: Outcomes, lanes: Sequence[Sequence[Moment]], predecessors: Sequence[int]
) -> Found:
    """Look for an order of moments that a specification follows (Wing and Gong 1993, Lowe 2017) [SLOT-1].

    Args:
        initial: the specification's first state.
        outcomes: the states that a step may lead to from a state, empty where it cannot be taken.
        lanes: the moments of each thread, in its order; those of one call stand together.
        predecessors: for each call the calls that were over before it, as bits.
    """
    calls = 0
    for lane in lanes:
        for moment in lane:
            calls |= 1 << moment.call
    rows: list[list[tuple[int, int, Step]]] = []
    for lane in lanes:
        row = []
        for at, moment in enumerate(lane):
            first = at == 0 or lane[at - 1].call != moment.call
            last = at + 1 == len(lane) or lane[at + 1].call != moment.call
            row.append(
                (predecessors[moment.call] & calls if first else 0, 1 << moment.call if last else 0, moment.step)
            )
        rows.append(row)
    numbers = range(len(rows))
    lengths = tuple(map(len, rows))
    seen: set[tuple[tuple[int, ...], Hashable]] = set()
    trail: list[tuple[int, int]] = []
    best: list[tuple[int, int]] = []
    stuck: list[Moment] = []

    def place(positions: tuple[int, ...], done: int, state: Hashable) -> bool:
        nonlocal best, stuck
        if positions == lengths:
            return True
        key = (positions, state)
        if key in seen:
            return False
        refused = []
        for lane in numbers:
            at = positions[lane]
            if at == lengths[lane]:
                continue
            wanted, bit, step = rows[lane][at]
            if wanted & ~done:
                continue
            after = outcomes(state, step)
            if not after:
                refused.append(lanes[lane][at])
                continue
            moved = (*positions[:lane], at + 1, *positions[lane + 1 :])
            trail.append((lane, at))
            for following in after:
                if place(moved, done | bit, following):
                    return True
            trail.pop()
        seen.add(key)
        if refused and (len(trail) > len(best) or not stuck):
            best, stuck = list(trail), refused
        return False

    complete = place((0,) * len(rows), 0, initial)
    order = trail if complete else best
    return Found(complete, tuple(lanes[lane][at] for lane, at in order), () if complete else tuple(stuck))


# A slot: its word, its loose references and its event

_FREE, _HELD, _RETURNING = 0, 1, 2
"""What a FREE slot is to the free list: there to be taken, taken and not yet LIVE, or given back by call n: 2 + n."""

SLOT_CLAUSES: Final[Mapping[str, str]] = {
    "take": "ALLOC-2",
    "publish": "SLOT-5",
    "lend": "SLOT-6",
    "commit": "SLOT-7",
    "abort": "SLOT-8",
    "clone": "PTR-1",
    "full": "SLOT-10",
    "drop": "PTR-1",
    "back": "ALLOC-3",
    "read": "SLOT-13",
    "count": "SLOT-9",
    "upgrade": "WEAK-2",
    "stale": "WEAK-3",
    "none": "PTR-14",
    "loosen": "PTR-11",
    "claim": "PTR-13",
    "meta": "SLOT-14",
    "sweep": "PTR-11",
}

_SLOT_WORDS: Final[Mapping[str, str]] = {
    "take": "took the slot while it was taken",
    "publish": "allocated with a generation that the slot had not",
    "lend": "lent with a generation that the slot had not",
    "commit": "committed what was no loan",
    "abort": "aborted what was no loan",
    "clone": "cloned a pointer whose event was gone, or past the counter's end",
    "full": "found the counter full while it was not",
    "drop": "dropped a reference that the slot did not count, or was told a wrong count",
    "read": "read an event that is not the slot's",
    "count": "was told a wrong count",
    "upgrade": "was given a pointer to an event that was not there, or was told a wrong count",
    "stale": "was told that the event was gone while it was there",
    "none": "was told that there is no loose reference while there was one, or that there is an event while there was none",
    "loosen": "left a reference to an event that was gone",
    "claim": "was given a loose reference that was not there",
    "meta": "was shown a word that the slot did not have",
    "sweep": "found a number of loose references that is not that of those left",
}


class _Refused(Exception):
    """The reference does not follow a step."""


def slot_specification(profile: Profile) -> Outcomes:
    """Return what a slot of these widths may do: the reference's pool, one slot large [SLOT-1].

    A state is (slot word, loose references, event, what the slot is to the free list).
    """
    return _slot_outcomes(profile.ref_bits, profile.generation_bits)


@functools.lru_cache(maxsize=64)
def _slot_outcomes(ref_bits: int, generation_bits: int) -> Outcomes:
    profile = Profile("one", ref_bits, generation_bits, 0, (1, 1, 1, 1, 1), 1, 1)
    choices = Choices()
    pool = Pool(PoolId.XS, 1, profile, choices)
    known: dict[tuple[Any, Step], tuple[Hashable, ...]] = {}

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        key = (state, step)
        found = known.get(key)
        if found is None:
            try:
                found = (_slot_after(pool, choices, state, step),)
            except (_Refused, FollowError, RefCountOverflow, RefCountUnderflow, StaleHandle):
                found = ()
            known[key] = found
        return found

    return outcomes


def _slot_after(pool: Pool, choices: Choices, state: tuple[int, int, int, int], step: Step) -> Hashable:
    """Return the state of a slot after a step.

    Raises:
        _Refused: the reference does not answer so; as do the reference's own errors.
    """
    word, loose, code, phase = state
    pool.words[0], pool.loose[0] = word, loose
    pool.events[0] = PooledEvent(b"", code) if word % 4 else None
    pool.free = int(not word % 4)
    kind, *numbers = step
    slot = pool.slot(0)
    if kind == "take":
        _must(slot.state == SlotState.FREE and phase == _FREE)
        return word, loose, 0, _HELD
    if kind in ("publish", "lend"):
        _must(phase == _HELD and slot.generation == numbers[0])
        choices.replace([(PoolId.XS, 0)])
        (pool.allocate if kind == "publish" else pool.loan)(PooledEvent(b"", numbers[1]))
        if kind == "publish" and numbers[2]:
            pool.leave_loose(0)
        return pool.words[0], pool.loose[0], numbers[1], _FREE
    if kind == "commit":
        _must(slot.state == SlotState.LOANED and slot.generation == numbers[0])
        pool.commit(0, PooledEvent(b"", numbers[1]))
        return pool.words[0], loose, numbers[1], phase
    if kind == "abort":
        _must(slot.state == SlotState.LOANED and slot.generation == numbers[0])
        pool.abort(0)
        return pool.words[0], loose, 0, _RETURNING + numbers[1]
    if kind == "back":
        return word, loose, code, _FREE if phase == _RETURNING + numbers[0] else phase
    if kind == "meta":
        _must(slot == SlotMetadata(numbers[0], numbers[1], SlotState(numbers[2])))
        return state
    if kind == "sweep":
        _must(loose == numbers[0])
        for _ in range(loose):
            pool.take_loose(0)
            pool.drop(0)
        return pool.words[0], pool.loose[0], code if pool.words[0] % 4 else 0, phase
    generation = None if numbers[0] < 0 else numbers[0]
    if kind == "stale":
        return _after_refusal(state, lambda: pool.check_live(0, generation), StaleHandle)
    if kind == "none" and generation is None and slot.state != SlotState.LIVE:
        return state
    pool.check_live(0, generation)
    if kind == "none":
        return _after_refusal(state, lambda: pool.check_loose(0, 1), RefCountUnderflow)
    if kind == "full":
        return _after_refusal(state, lambda: pool.clone(0), RefCountOverflow)
    if kind in ("clone", "upgrade"):
        pool.clone(0)
        _must(kind == "clone" or numbers[1] < 0 or pool.slot(0).ref_count == numbers[1])
    elif kind == "loosen":
        # No more references can be loose than there are.
        pool.leave_loose(0)
        _must(pool.loose[0] <= slot.ref_count)
    elif kind == "claim":
        pool.check_loose(0, 1)
        pool.take_loose(0)
    elif kind == "drop":
        pool.drop(0)
        left = pool.slot(0).ref_count
        _must(loose <= left and (numbers[2] < 0 or left == numbers[2]))
        if left == 0:
            return pool.words[0], pool.loose[0], 0, _RETURNING + numbers[1]
    elif kind == "read":
        _must(code == numbers[1])
    else:
        assert kind == "count", kind
        _must(slot.ref_count == numbers[1])
    return pool.words[0], pool.loose[0], code, phase


def _must(true: bool) -> None:
    if not true:
        raise _Refused


def _after_refusal(state: Hashable, call: Callable[[], None], error: type[Exception]) -> Hashable:
    """Return the state that a refusal leaves as it was.

    Raises:
        _Refused: the reference does not refuse.
    """
    try:
        call()
    except error:
        return state
    raise _Refused


# A pool's free list

_TAKEN: Final = 1

FREE_LIST_CLAUSES: Final[Mapping[str, str]] = {
    "take": "ALLOC-2",
    "unref": "PTR-1",
    "give": "ALLOC-3",
    "begin": "ALLOC-3",
    "empty": "ALLOC-3",
    "hold": "ALLOC-14",
    "unhold": "ALLOC-14",
    "sweep": "PTR-11",
    "all free": "SLOT-12",
    "busy": "SLOT-12",
}


@functools.lru_cache(maxsize=64)
def free_list_specification(slots: int) -> Outcomes:
    """Return what the free list of a pool may do [ALLOC-2, ALLOC-3].

    A state is (what each slot is, how many were given back, how many had been when each call began to search). A slot is
    0, or taken, or on the way back by call n (2 + n), or held by the batch that is call n (-1 - n). Which drop was the
    last is not known from what it answers, so that a drop may be.
    """
    choices = Choices()
    pool = Pool(PoolId.XS, slots, Profile("many", 2, 2, 0, (slots, 1, 1, 1, 1), 1, 1), choices)
    known: dict[tuple[Any, Step], tuple[Hashable, ...]] = {}

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        key = (state, step)
        found = known.get(key)
        if found is None:
            found = known[key] = tuple(_free_list_after(pool, choices, state, step))
        return found

    return outcomes


def _free_list_after(pool: Pool, choices: Choices, state: Any, step: Step) -> Iterable[Hashable]:
    places, given, begun = state
    kind, *numbers = step

    def becomes(slot: int, what: int, gives: int = given) -> Hashable:
        return (*places[:slot], what, *places[slot + 1 :]), gives, begun

    if kind == "take":
        return [becomes(numbers[0], _TAKEN)] if _takes(pool, choices, places, numbers[0]) else []
    if kind == "unref":
        slot, call = numbers
        return [state, becomes(slot, _RETURNING + call)] if places[slot] == _TAKEN else []
    if kind == "give":
        slot, call, counted = numbers
        return [becomes(slot, _FREE, given + counted)] if places[slot] == _RETURNING + call else [state]
    if kind == "sweep":
        return [becomes(slot, _FREE) for slot in numbers if places[slot] == _TAKEN]
    if kind == "begin":
        return [(places, given, (*begun, (numbers[0], given)))]
    if kind == "empty":
        call, enough = numbers
        since = dict(begun).get(call, given)
        if not _finds_room(pool, places) or (enough and given - since >= enough):
            return [(places, given, tuple(mark for mark in begun if mark[0] != call))]
        return []
    if kind == "hold":
        return [state, *(becomes(slot, -1 - numbers[0]) for slot, what in enumerate(places) if what == _FREE)]
    if kind == "unhold":
        held = [slot for slot, what in enumerate(places) if what == -1 - numbers[0]]
        return [becomes(slot, _FREE, given + numbers[1]) for slot in held] or [state]
    assert kind in ("all free", "busy"), kind
    return [state] if any(places) == (kind == "busy") else []


def _set_places(pool: Pool, places: Sequence[int]) -> None:
    pool.free = 0
    for slot, what in enumerate(places):
        pool.words[slot] = SlotState.LIVE + 4 if what else SlotState.FREE
        pool.free += not what


def _takes(pool: Pool, choices: Choices, places: Sequence[int], slot: int) -> bool:
    _set_places(pool, places)
    choices.replace([(PoolId.XS, slot)])
    try:
        pool.allocate(PooledEvent(b"", 0))
    except FollowError:
        return False
    return True


def _finds_room(pool: Pool, places: Sequence[int]) -> bool:
    _set_places(pool, places)
    try:
        pool.check_room(1, 0)
    except PoolExhausted:
        return False
    return True


# The places of a ring

PLACE_CLAUSES: Final[Mapping[str, str]] = {
    "open": "RING-4",
    "taken": "RING-4",
    "close": "RING-4",
    "join": "RING-21",
    "no place": "RING-21",
    "leave": "RING-19",
    "evict": "RING-20",
    "use": "RING-20",
    "closed": "RING-20",
    "evicted": "RING-20",
    "left": "RING-19",
}


def writer_outcomes(state: Any, step: Step) -> Sequence[Hashable]:
    """Return what the place of a ring's writer may do; a state is whether it is taken [RING-4]."""
    ring = _writer_ring()
    ring._writer = WriterPlace() if state else None
    if step[0] == "close":
        ring._leave_writer_place(ring._writer) if ring._writer is not None else None
        return [False] if state else []
    try:
        ring._take_writer_place()
    except WriterTaken:
        return [state] if step[0] == "taken" else []
    return [True] if step[0] == "open" else []


@functools.lru_cache(maxsize=1)
def _writer_ring() -> RingBuffer:
    return RingBuffer(1, 1)


@functools.lru_cache(maxsize=16)
def places_specification(max_readers: int) -> Outcomes:
    """Return what the places of a gated ring's readers may do [RING-19, RING-20, RING-21].

    A state is, for each reader that joined, (its number, whether it is in its place, closed, evicted).
    """
    ring = RingBuffer(1, 1, mode=GATED_MODE, max_readers=max_readers)
    known: dict[tuple[Any, Step], tuple[Hashable, ...]] = {}

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        key = (state, step)
        found = known.get(key)
        if found is None:
            found = known[key] = tuple(_places_after(ring, state, step))
        return found

    return outcomes


def _places_after(ring: RingBuffer, state: Any, step: Step) -> Iterable[Hashable]:
    places: dict[int, ReaderPlace] = {}
    ring._registered = set()
    for number, registered, gone, evicted in state:
        place = places[number] = ReaderPlace(joined(0))
        place.closed, place.evicted = gone, evicted
        if registered:
            ring._registered.add(place)
    kind, *numbers = step
    if kind in ("join", "no place"):
        try:
            place = ring._join(0)
        except ReadersFull:
            return [state] if kind == "no place" else []
        if kind == "no place":
            return []
        places[numbers[0]] = place
    else:
        place = places[numbers[0]]
        out = place.closed or place.evicted
        if kind in ("use", "closed"):
            return [state] if out == (kind == "closed") else []
        if kind in ("evicted", "left"):
            return [state] if (place.evicted if kind == "evicted" else place.closed) == bool(numbers[1]) else []
        if kind == "leave":
            place.closed = True
            ring._leave(place)
        elif not place.closed:
            place.evicted = True
            ring._leave(place)
    return [
        tuple(
            (number, place in ring._registered, place.closed, place.evicted) for number, place in sorted(places.items())
        )
    ]


# What a history says, call by call


@dataclass(slots=True)
class _Reader:
    """A reader of the history's ring.

    Attributes:
        number: the call that joined it.
        start: where it began.
        cursor: where it is, as the history is read.
        steps: its calls that moved it, and its cursor after each.
        ends: the calls that took it out, or may have.
        delivered: how many events it was given.
        skipped: how many it was told to have missed.
        left: whether it left, as its own thread knows.
        evictable: whether another call evicts it.
    """

    number: int
    start: int
    cursor: int
    steps: list[tuple[int, int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    delivered: int = 0
    skipped: int = 0
    left: bool = False

    def cursor_by(self, calls: int) -> int:
        """Return the cursor after those of its calls that are among these bits."""
        cursor = self.start
        for call, after in self.steps:
            if calls >> call & 1:
                cursor = after
        return cursor


@dataclass(slots=True)
class _Add:
    call: int
    first: int
    end: int
    offered: int
    events: tuple[int, ...]


@dataclass(slots=True)
class _Pointer:
    """What a variable holds: a token, and the event that it was once got for (0: not known)."""

    token: int
    event: int


Reads = tuple[str, int, "_Reader | None", tuple[int, ...]]


_REFUSALS: Final[Mapping[int, str]] = {
    Status.STALE_HANDLE: "stale",
    Status.REF_COUNT_OVERFLOW: "full",
    Status.REF_COUNT_UNDERFLOW: "none",
}
_RING_ROOM: Final = frozenset({*RING_OPERATIONS, "tally"})


class _Reading:
    """A history taken apart: the moments of each object, what each variable held, and what is wrong at first sight."""

    def __init__(self, client: Client, history: History, strict: bool) -> None:
        self.client = client
        self.history = history
        self.strict = strict
        self.problems: list[Problem] = []
        self.lanes: dict[tuple[Any, ...], dict[int, list[Moment]]] = {}
        self.pointers: dict[tuple[int, str], _Pointer] = {}
        self.loans: dict[tuple[int, str], tuple[int, int]] = {}
        self.tokens: dict[tuple[int, str], _Pointer] = {}
        self.writers: set[tuple[int, str]] = set()
        self.readers: dict[tuple[int, str], _Reader] = {}
        self.every_reader: list[_Reader] = []
        self.adds: list[_Add] = []
        self.reads: list[Reads] = []
        self.taken: dict[int, int] = {0: 0, 5: 0}
        self.failed: dict[int, int] = {0: 0, 5: 0}
        self.held: frozenset[int] = frozenset()
        self.destroyed: dict[str, int] = {}
        self.handles: list[tuple[int, list[int]]] = []
        self.handle_of: dict[tuple[int, str], int] = {}
        self.wants_free_list: set[int] = set()
        self.finishing = False
        shape = client.pool
        self.generations = 2**shape.generation_bits if shape is not None else 1
        windowed = shape is not None and not strict and shape.slots > 32 and shape.tag_bits <= 5
        self.enough = 2**shape.tag_bits if shape is not None and windowed else 0
        self.predecessors = self._ordered()
        self._read()

    # The order of the calls

    def _ordered(self) -> list[int]:
        """Return the calls before each call; the setup is before all others and the finish after them."""
        calls = self.history.calls
        threads = len(self.client.threads)
        setup = len(self.client.setup)
        finish = self.client.finish()
        counts = [setup + len(finish), *map(len, self.client.threads)]
        self.by_thread: list[list[int]] = [[] for _ in counts]
        masks = [0] * len(calls)
        setup_mask = others_mask = 0
        for place, call in enumerate(calls):
            if not 0 <= call.thread <= threads:
                raise HistoryError(f"call {place} is of thread {call.thread}, and the client has {threads}")
            listed = self.by_thread[call.thread]
            if call.op != len(listed):
                raise HistoryError(
                    f"call {place} is {call}, where {call.thread}.{len(listed)} is to come; give all calls"
                )
            if listed:
                masks[place] |= 1 << listed[-1]
            listed.append(place)
            if call.thread:
                others_mask |= 1 << place
            elif call.op < setup:
                setup_mask |= 1 << place
        for thread, listed in enumerate(self.by_thread):
            if len(listed) != counts[thread]:
                raise HistoryError(
                    f"thread {thread} has {len(listed)} calls of {counts[thread]}; give a history that came to its end"
                )
        for first, second in self.history.before:
            masks[second] |= 1 << first
        for place, call in enumerate(calls):
            if call.thread:
                masks[place] |= setup_mask
            elif call.op >= setup:
                masks[place] |= setup_mask | others_mask
        self.operations = {
            place: operation
            for listed, operations in zip(
                self.by_thread, ((*self.client.setup, *finish), *self.client.threads), strict=True
            )
            for place, operation in zip(listed, operations, strict=True)
        }
        return closed(masks)

    def _read(self) -> None:
        setup = len(self.client.setup)
        for place in self.by_thread[0][:setup]:
            self._call(place)
        for listed in self.by_thread[1:]:
            for place in listed:
                self._call(place)
        self.finishing = True
        for place in self.by_thread[0][setup:]:
            self._call(place)

    # Helpers of the operations

    def _problem(self, subject: str, clause: str, message: str, call: int) -> None:
        self.problems.append(Problem(subject, clause, f"{self.name(call)} {message}", (call,)))

    def name(self, call: int) -> str:
        """Return a call by its thread and number, and what it was."""
        return f"{self.history.calls[call]} ({self.operations[call]})"

    def _lane(self, subject: tuple[Any, ...], call: int, *steps: Step) -> None:
        thread = self.history.calls[call].thread
        if self.finishing:
            thread = -1
        lane = self.lanes.setdefault(subject, {}).setdefault(thread, [])
        lane.extend(Moment(call, step) for step in steps)

    def _slot(self, call: int, token: int, *steps: Step) -> None:
        self._lane(("slot", pool_of_token(token), slot_of_token(token)), call, *steps)

    def _free_list(self, call: int, pool: int, *steps: Step) -> None:
        self._lane(("free list", pool), call, *steps)

    def _variable(self, place: int, argument: str) -> tuple[int, str]:
        thread = self.history.calls[place].thread
        if argument[0].isdigit():
            return int(argument[0]), argument[1:]
        return (-1 if argument[0] == "s" else thread), argument

    def _exists(self, call: int, token: int, subject: str) -> bool:
        """Return whether the client has the slot of a token; a problem if not."""
        shape = self.client.pool
        assert shape is not None
        slots = {0: shape.slots, 5: shape.heap_slots}.get(pool_of_token(token), 0)
        if slot_of_token(token) < slots and generation_of_token(token) < self.generations:
            return True
        self._problem(subject, "PTR-10", f"returned the token {token}, of no slot that there is", call)
        return False

    # Each operation

    def _call(self, place: int) -> None:
        call = self.history.calls[place]
        operation = self.operations[place]
        if not call.results:
            raise HistoryError(f"call {place}, {self.name(place)}, has no results; give the status at least")
        skipped = call.results[0] == SKIPPED and len(call.results) == 1
        if skipped != (not self._can(place, operation)):
            raise HistoryError(
                f"call {place}, {self.name(place)}, was {'skipped' if skipped else 'made'}, and what went before says "
                "otherwise; give the history of this client"
            )
        if not skipped:
            method: Callable[[int, Operation, tuple[int, ...]], None] = getattr(self, f"do_{operation.name}")
            try:
                method(place, operation, call.results)
            except (IndexError, ValueError) as error:
                if isinstance(error, HistoryError):
                    raise
                raise HistoryError(
                    f"call {place}, {self.name(place)}, has the results {call.results}: {error}; give all that it shows"
                ) from error

    def _can(self, place: int, operation: Operation) -> bool:
        """Return whether what the operation needs is there and what it makes is not."""
        thread = self.history.calls[place].thread
        room = "ring" if operation.name in _RING_ROOM else "pool"
        gone = self.destroyed.get(room)
        if gone is not None and (gone == thread or self.finishing):
            return False
        holds: dict[str, Any] = {"p": self.pointers, "l": self.loans, "w": self.writers, "q": self.readers}
        for kind, argument in zip(operation.kinds(), operation.arguments, strict=True):
            if kind in ("n", "e", "at", "t!"):
                continue
            variable = self._variable(place, argument)
            if kind == "t":
                count = int(operation.arguments[1]) if operation.name == "dmany" else 1
                if any(self._token(variable, at) is None for at in range(count)):
                    return False
            elif (variable in holds[kind[0].lower()]) == kind.endswith("!"):
                return False
        return True

    def _token(self, variable: tuple[int, str], at: int = 0) -> _Pointer | None:
        return self.tokens.get((variable[0], f"{variable[1][0]}{int(variable[1][1:]) + at}"))

    def _allocated(self, place: int, token: int, event: int, loose: int) -> bool:
        if not self._exists(place, token, "free list"):
            return False
        pool, slot = pool_of_token(token), slot_of_token(token)
        self.taken[pool] += 1
        self._slot(place, token, ("take",), ("publish", generation_of_token(token), event, loose))
        self._free_list(place, pool, ("take", slot))
        return True

    def _exhausted(self, place: int, status: int, pool: int) -> bool:
        """Return whether an allocation failed, as one that found the pool full, or with a problem."""
        if status == Status.OK:
            return False
        if status == Status.POOL_EXHAUSTED:
            self.failed[pool] += 1
            self.wants_free_list.add(pool)
            begin = [("begin", place)] if self.enough else []
            self._free_list(place, pool, *begin, ("empty", place, self.enough))
        else:
            self._problem("free list", "ERR-1", f"answered with status {status}, which it never does", place)
        return True

    def do_alloc(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pool = 5 if operation.name in ("heap", "hloan") else 0
        if self._exhausted(place, results[0], pool):
            return
        event = int(operation.arguments[1])
        if self._allocated(place, results[1], event, 0) and self._right_pool(place, results[1], pool):
            self.pointers[self._variable(place, operation.arguments[0])] = _Pointer(results[1], event)

    do_heap = do_alloc

    def _right_pool(self, place: int, token: int, pool: int) -> bool:
        if pool_of_token(token) == pool:
            return True
        self._problem("free list", "ALLOC-1", f"took a slot of pool {pool_of_token(token)}, not of {pool}", place)
        return False

    def do_ffi(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        event = int(operation.arguments[1])
        if not self._exhausted(place, results[0], 0) and self._allocated(place, results[1], event, 1):
            self.tokens[self._variable(place, operation.arguments[0])] = _Pointer(results[1], event)

    def do_amany(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        count, event = int(operation.arguments[1]), int(operation.arguments[2])
        if results[0] == Status.POOL_EXHAUSTED:
            self.failed[0] += 1
            self.wants_free_list.add(0)
            begin = [("begin", place)] if self.enough else []
            counted = int(bool(self.enough))
            self._free_list(
                place,
                0,
                *[("hold", place)] * (count - 1),
                *begin,
                ("empty", place, self.enough),
                *[("unhold", place, counted)] * (count - 1),
            )
            if not 0 <= results[1] < count:
                self._problem(
                    "free list", "ALLOC-14", f"names event {results[1]} of {count} as the one that failed", place
                )
            return
        if self._exhausted(place, results[0], 0):
            return
        tokens = results[1:]
        if len(tokens) != count or len(set(tokens)) != count:
            self._problem("free list", "ALLOC-14", f"returned the tokens {tokens} for {count} events", place)
            return
        variable = self._variable(place, operation.arguments[0])
        for at, token in enumerate(tokens):
            if self._allocated(place, token, event + at, 1):
                self.tokens[(variable[0], f"{variable[1][0]}{int(variable[1][1:]) + at}")] = _Pointer(token, event + at)

    def _dropped(self, place: int, token: int, count: int = -1) -> None:
        self._slot(place, token, ("drop", generation_of_token(token), place, count), ("back", place))
        self._given(place, token)

    def _given(self, place: int, token: int) -> None:
        slot = slot_of_token(token)
        counted = int(bool(self.enough))
        self._free_list(place, pool_of_token(token), ("unref", slot, place), ("give", slot, place, counted))

    def do_dmany(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        count = int(operation.arguments[1])
        tokens = [pointer.token for at in range(count) if (pointer := self._token(variable, at)) is not None]
        ended = count if results[0] == Status.OK else results[1]
        for token in tokens[:ended]:
            self._slot(place, token, ("claim", generation_of_token(token)))
        if results[0] != Status.OK:
            self._refused(place, results[0], tokens[ended])
            for token in reversed(tokens[:ended]):
                self._slot(place, token, ("loosen", generation_of_token(token)))
            return
        for token in tokens:
            self._slot(place, token, ("drop", generation_of_token(token), place, -1))
            self._free_list(place, pool_of_token(token), ("unref", slot_of_token(token), place))
        counted = int(bool(self.enough))
        for token in dict.fromkeys(tokens):
            self._slot(place, token, ("back", place))
            self._free_list(place, pool_of_token(token), ("give", slot_of_token(token), place, counted))

    def _refused(self, place: int, status: int, token: int, generation: int | None = None) -> None:
        """Note that a call on a token was refused."""
        kind = _REFUSALS.get(status)
        if kind is None:
            self._problem("slot", "ERR-1", f"answered with status {status}, which it never does", place)
            return
        self._slot(place, token, (kind, generation_of_token(token) if generation is None else generation))

    def do_clone(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        source = self.pointers[self._variable(place, operation.arguments[1])]
        if results[0] != Status.OK:
            self._refused(place, results[0], source.token)
            return
        self._slot(place, source.token, ("clone", generation_of_token(source.token)))
        self._made(place, operation, results[1], source)

    def _made(self, place: int, operation: Operation, token: int, source: _Pointer) -> None:
        """Note that a pointer was made of another or of a token."""
        if token != source.token:
            self._problem("slot", "PTR-2", f"returned a pointer of token {token} for one of {source.token}", place)
        self.pointers[self._variable(place, operation.arguments[0])] = _Pointer(source.token, source.event)

    def do_drop(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._dropped(place, self.pointers.pop(self._variable(place, operation.arguments[0])).token)

    def do_read(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers[self._variable(place, operation.arguments[0])]
        event, length, event_type = results[1:4]
        heap = pool_of_token(pointer.token) == 5
        whole, cut = (HEAP_LENGTH, HEAP_CUT) if heap else (POOL_LENGTH, POOL_CUT)
        if event == TORN or event_type != event or length not in (whole, cut):
            self._problem("slot", "SLOT-13", f"read event {event}, {length} bytes of type {event_type}: torn", place)
            return
        code = event + 16 * (length == cut)
        self._slot(place, pointer.token, ("read", generation_of_token(pointer.token), code))
        if self.strict and pointer.event and pointer.event != event:
            self._problem("slot", "WEAK-5", f"took the token of event {pointer.event} for that of event {event}", place)

    def do_count(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self.pointers[self._variable(place, operation.arguments[0])].token
        self._slot(place, token, ("count", generation_of_token(token), results[1]))

    def do_weak(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers[self._variable(place, operation.arguments[1])]
        if results[1] != pointer.token:
            self._problem("slot", "WEAK-1", f"returned the token {results[1]} of a pointer of {pointer.token}", place)
        self.tokens[self._variable(place, operation.arguments[0])] = _Pointer(pointer.token, pointer.event)

    def do_into(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers.pop(self._variable(place, operation.arguments[1]))
        if results[1] != pointer.token:
            self._problem("slot", "PTR-12", f"returned the token {results[1]} of a pointer of {pointer.token}", place)
        self._slot(place, pointer.token, ("loosen", generation_of_token(pointer.token)))
        self.tokens[self._variable(place, operation.arguments[0])] = pointer

    def _from_token(self, place: int, operation: Operation, results: tuple[int, ...]) -> _Pointer | None:
        token = self._token(self._variable(place, operation.arguments[1]))
        assert token is not None
        if results[0] != Status.OK:
            self._refused(place, results[0], token.token)
            return None
        return token

    def do_upgrade(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self._from_token(place, operation, results)
        if token is not None:
            self._slot(place, token.token, ("upgrade", generation_of_token(token.token), -1))
            self._made(place, operation, results[1], token)

    def do_from(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self._from_token(place, operation, results)
        if token is not None:
            self._slot(place, token.token, ("claim", generation_of_token(token.token)))
            self._made(place, operation, results[1], token)

    def do_inc(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        token = pointer.token
        generation = generation_of_token(token) if operation.name == "inc" else -1
        if results[0] != Status.OK:
            self._refused(place, results[0], token, generation)
            return
        self._slot(place, token, ("upgrade", generation, results[1]), ("loosen", generation))

    do_incany = do_inc

    def do_dec(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        token = pointer.token
        generation = generation_of_token(token) if operation.name == "dec" else -1
        if results[0] != Status.OK:
            self._refused(place, results[0], token, generation)
            return
        self._slot(place, token, ("claim", generation), ("drop", generation, place, results[1]), ("back", place))
        self._given(place, token)

    do_decany = do_dec

    def do_meta(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        if results[3] not in (0, 1, 2):
            self._problem("slot", "SLOT-2", f"was shown the state {results[3]}, which there is not", place)
            return
        self._slot(place, pointer.token, ("meta", *results[1:4]))

    def do_loan(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pool = 5 if operation.name == "hloan" else 0
        if self._exhausted(place, results[0], pool):
            return
        event, token = int(operation.arguments[1]), results[1]
        if not (self._exists(place, token, "free list") and self._right_pool(place, token, pool)):
            return
        if results[2] != 1:
            self._problem("slot", "LOAN-2", "was lent bytes that are not all 0", place)
        self.taken[pool] += 1
        self._slot(place, token, ("take",), ("lend", generation_of_token(token), event))
        self._free_list(place, pool, ("take", slot_of_token(token)))
        self.loans[self._variable(place, operation.arguments[0])] = (token, event)

    do_hloan = do_loan

    def do_commit(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        if results[0] != Status.OK:
            self._problem("slot", "LOAN-3", f"was refused with status {results[0]}", place)
            return
        token, event = self.loans.pop(self._variable(place, operation.arguments[1]))
        code = event + 16 * (operation.name == "cut")
        self._slot(place, token, ("commit", generation_of_token(token), code))
        self._made(place, operation, results[1], _Pointer(token, event))

    do_cut = do_commit

    def do_abort(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        token, _ = self.loans.pop(self._variable(place, operation.arguments[0]))
        self._slot(place, token, ("abort", generation_of_token(token), place), ("back", place))
        self._given(place, token)

    def do_hold(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        count = int(operation.arguments[0])
        slots = frozenset(slot for slot in range(64) if results[1] >> slot & 1)
        if results[0] != Status.OK or len(slots) != count:
            self._problem("free list", "ALLOC-14", f"took the slots {sorted(slots)}, not {count}", place)
        self.taken[0] += len(slots)
        self.held = self.held | slots

    # What the finish looks at

    def do_unhold(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self._free_list(place, 0, *[("sweep", slot) for slot in sorted(self.held)])
        if results[0] != Status.OK:
            self._problem("slot", "PTR-13", f"could not give a held slot back: status {results[0]}", place)

    def do_sweep(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        found = {(entry >> 32, entry >> 16 & 0xFFFF): entry & 0xFFFF for entry in results[1:]}
        for subject in [subject for subject in self.lanes if subject[0] == "slot"]:
            pool, slot = subject[1:]
            count = found.pop((pool, slot), 0)
            self._lane(subject, place, ("sweep", count))
            if count:
                self._free_list(place, pool, ("sweep", slot))
        for (pool, slot), count in found.items():
            self._problem(
                f"slot {slot} of pool {pool}", "PTR-11", f"found {count} loose references that nobody left", place
            )

    def do_stats(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        shape = self.client.pool
        assert shape is not None
        for pool, capacity, found in ((0, shape.slots, results[:4]), (5, shape.heap_slots, results[4:8])):
            live, free, allocations, failures = found
            name = f"figures of {PoolId(pool).name}"
            if live or free != capacity:
                self._problem(name, "SLOT-12", f"finds {live} slots taken after all was given back", place)
            if allocations != self.taken[pool]:
                self._problem(name, "ALLOC-9", f"counts {allocations} allocations of {self.taken[pool]}", place)
            if failures != self.failed[pool]:
                self._problem(name, "ALLOC-9", f"counts {failures} failures of {self.failed[pool]}", place)

    def do_refill(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        shape = self.client.pool
        assert shape is not None
        count, *tokens = results
        if count != shape.slots or len(set(tokens)) != min(count, 7):
            self._problem("free list of XS", "ALLOC-2", f"could take {count} slots of {shape.slots} at the end", place)
        for token in tokens:
            subject = ("slot", 0, slot_of_token(token))
            generation = generation_of_token(token)
            if subject in self.lanes:
                publish = ("publish", generation, HELD_EVENT, 0)
                self._lane(subject, place, ("take",), publish, ("drop", generation, place, 0), ("back", place))
            elif generation != (1 % self.generations if slot_of_token(token) in self.held else 0):
                self._problem(f"slot {slot_of_token(token)}", "SLOT-4", f"has generation {generation}", place)

    def do_destroypool(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        if results[0] == Status.OK:
            self.destroyed["pool"] = self.history.calls[place].thread
            for pool in (0, 5):
                self._free_list(place, pool, ("all free",))
                if not self.finishing:
                    self.wants_free_list.add(pool)
        elif self.finishing:
            self._problem("pools", "SLOT-12", "are still in use after all was given back", place)
        elif not any(o.name in ("heap", "hloan") for o in self.operations.values()):
            self._free_list(place, 0, ("busy",))
            self.wants_free_list.add(0)

    # Rings

    def do_open(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        if results[0] not in (Status.OK, Status.WRITER_TAKEN):
            self._problem("writer's place", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        self._lane(("writer",), place, ("open" if results[0] == Status.OK else "taken",))
        if results[0] == Status.OK:
            variable = self._variable(place, operation.arguments[0])
            self.writers.add(variable)
            self.handle_of[variable] = len(self.handles)
            self.handles.append((place, []))

    def do_close(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        variable = self._variable(place, operation.arguments[0])
        self.writers.discard(variable)
        self.handles[self.handle_of[variable]][1].append(place)
        self._lane(("writer",), place, ("close",))

    def do_add(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        many = operation.name == "addmany"
        offered = int(operation.arguments[1]) if many else 1
        first_event = int(operation.arguments[-1])
        if results[0] not in (Status.OK, Status.FULL) or (many and results[0] != Status.OK):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        accepted = results[1] if many else int(results[0] == Status.OK)
        end = results[-1]
        if accepted > offered or accepted > end:
            self._problem("ring", "RING-1", f"added {accepted} of {offered} events up to {end}", place)
            return
        events = tuple(range(first_event, first_event + accepted))
        self.adds.append(_Add(place, end - accepted, end, offered, events))

    do_addmany = do_add

    def do_join(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        if results[0] == Status.OK:
            reader = _Reader(place, results[1], results[1])
            variable = self._variable(place, operation.arguments[0])
            self.readers[variable] = reader
            self.every_reader.append(reader)
            self.handle_of[variable] = len(self.handles)
            self.handles.append((place, []))
            if gated:
                self._lane(("readers",), place, ("join", place))
            self.reads.append(("join", place, reader, results))
        elif results[0] == Status.READERS_FULL and gated:
            self._lane(("readers",), place, ("no place",))
        elif results[0] == Status.BAD_ARGUMENT and operation.arguments[1].isdigit():
            self.reads.append(("join", place, None, results))
        else:
            self._problem("readers' places", "ERR-1", f"answered with status {results[0]}, which it never does", place)

    def do_next(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        out = results[0] == Status.RING_CLOSED
        if gated:
            self._lane(("readers",), place, ("closed" if out else "use", reader.number))
        elif out != reader.left:
            self._problem("ring", "RING-19", "was refused without need, or not refused after its end", place)
        if not out:
            self.reads.append(("next", place, reader, results))
            if results[0] in (Status.OK, Status.LAGGED):
                reader.steps.append((place, results[2]))

    do_nextmany = do_next

    def _end_of(self, place: int, operation: Operation, kind: str) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        reader.ends.append(place)
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._lane(("readers",), place, (kind, reader.number))

    def do_leave(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of(place, operation, "leave")
        self.readers[self._variable(place, operation.arguments[0])].left = True

    def do_free(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of(place, operation, "leave")
        variable = self._variable(place, operation.arguments[0])
        self.handles[self.handle_of[variable]][1].append(place)
        del self.readers[variable]

    def do_evict(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        if (results[0] == Status.OK) != gated:
            self._problem("readers' places", "RING-20", f"answered with status {results[0]}", place)
        elif gated:
            self._end_of(place, operation, "evict")

    def do_evicted(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._lane(("readers",), place, (operation.name, reader.number, results[1]))

    do_left = do_evicted

    def do_lag(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        self.reads.append(("lag", place, reader, results))

    def do_tally(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        self.reads.append(("tally", place, reader, results))

    def do_look(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self.reads.append(("look", place, None, results))

    def do_destroyring(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        if results[0] == Status.OK:
            self.destroyed["ring"] = self.history.calls[place].thread
        self.reads.append(("destroyed" if results[0] == Status.OK else "busy", place, None, results))


# What a ring passes on


class _RingJudge:
    """The clauses of rings, between what surely was before a call and what was not surely after it."""

    def __init__(self, reading: _Reading) -> None:
        self.reading = reading
        shape = reading.client.ring
        assert shape is not None
        self.shape = shape
        self.gated = shape.mode == GATED
        self.before = reading.predecessors
        self.after = [0] * len(self.before)
        for place, mask in enumerate(self.before):
            for other in range(len(self.before)):
                if mask >> other & 1:
                    self.after[other] |= 1 << place
        self.published: list[tuple[int, int]] = []  # calls that knew that so many events were published
        self.claimed: list[tuple[int, int]] = []  # likewise, that so many were announced
        self.events: list[tuple[int, int]] = []  # of each sequence number: the event, and the call that added it

    def judge(self) -> None:
        """Note what is wrong."""
        self._publications()
        self._observations()
        for add in self.reading.adds:
            self._add(add)
        for kind, place, reader, results in self.reading.reads:
            method: Callable[[int, _Reader | None, tuple[int, ...]], None] = getattr(self, f"_{kind}")
            method(place, reader, results)

    def _problem(self, clause: str, message: str, place: int) -> None:
        self.reading._problem("ring", clause, message, place)

    # What was published when

    def _publications(self) -> None:
        total = 0
        for add in sorted(self.reading.adds, key=lambda add: (add.first, add.end)):
            if not add.events:
                continue
            if add.first != total:
                self._problem("RING-1", f"published from sequence {add.first} on, where {total} was the next", add.call)
                return
            total = add.end
            self.events += [(event, add.call) for event in add.events]
        for add in self.reading.adds:
            earlier = [other.end for other in self.reading.adds if self.before[add.call] >> other.call & 1]
            if add.first < max(earlier, default=0):
                self._problem("RING-1", f"published from {add.first} on after an add up to {max(earlier)}", add.call)

    def _observations(self) -> None:
        capacity = self.shape.capacity
        self.published = [(add.call, add.end) for add in self.reading.adds]
        for kind, place, reader, results in self.reading.reads:
            if kind == "next" and results[0] == Status.OK:
                self.published.append((place, results[2]))
            elif kind == "next" and results[0] == Status.LAGGED:
                self.claimed.append((place, results[2] + capacity))
            elif kind == "look":
                self.published.append((place, results[1]))
            elif kind == "lag" and reader is not None:
                self.published.append((place, results[1] + reader.cursor_by(self.before[place])))

    def _published_by(self, place: int) -> int:
        """Return how many events surely were published when a call began."""
        return max((count for call, count in self.published if self.before[place] >> call & 1), default=0)

    def _claimed_by(self, place: int) -> int:
        """Return up to where the writer surely had announced when a call began."""
        found = max((count for call, count in self.claimed if self.before[place] >> call & 1), default=0)
        return max(found, self._published_by(place))

    def _published_at_most(self, place: int) -> int:
        """Return how many events may have been announced or published before a call was over."""
        after = self.after[place]
        return max((add.end for add in self.reading.adds if not after >> add.call & 1), default=0)

    # Who was registered when

    def _surely(self, place: int) -> list[_Reader]:
        """Return the readers that were in their places during all of a call."""
        return [
            reader
            for reader in self.reading.every_reader
            if self.before[place] >> reader.number & 1 and all(self.after[place] >> end & 1 for end in reader.ends)
        ]

    def _maybe(self, place: int) -> list[_Reader]:
        """Return the readers that may have been in their places at a moment of a call."""
        return [
            reader
            for reader in self.reading.every_reader
            if reader.number != place
            and not self.after[place] >> reader.number & 1
            and not any(self.before[place] >> end & 1 for end in reader.ends)
        ]

    def _least_cursor(self, reader: _Reader, place: int) -> int:
        return reader.cursor_by(self.before[place])

    def _most_cursor(self, reader: _Reader, place: int) -> int:
        return reader.cursor_by(~self.after[place])

    def _oldest(self, place: int) -> tuple[int, int]:
        """Return between which bounds the oldest event retained was during a call [RING-10, RING-17]."""
        capacity, least, most = self.shape.capacity, self._claimed_by(place), self._published_at_most(place)
        if not self.gated:
            return oldest_overwriting(least, capacity), oldest_overwriting(most, capacity)
        surely, maybe = self._surely(place), self._maybe(place)
        if surely:
            return (
                min(self._least_cursor(reader, place) for reader in maybe),
                min(self._most_cursor(reader, place) for reader in surely),
            )
        # With no reader left, what the last one to go had read is gone; which was the last is one of these.
        gone = [
            reader
            for reader in self.reading.every_reader
            if reader.number != place
            and not self.after[place] >> reader.number & 1
            and not all(self.after[place] >> end & 1 for end in reader.ends)
        ]
        last = [reader for reader in gone if not any(self._went_before(reader, other) for other in gone)]
        floors = [
            (min(self._least_cursor(reader, place), least), min(self._most_cursor(reader, place), most))
            for reader in last
        ] or [(0, 0)]
        low = oldest_unread(least, capacity, min(floor for floor, _ in floors))
        high = oldest_unread(most, capacity, max(floor for _, floor in floors))
        cursors = [self._least_cursor(reader, place) for reader in maybe]
        return min([low, *cursors]), max([high, *(self._most_cursor(reader, place) for reader in maybe)])

    def _went_before(self, reader: _Reader, other: _Reader) -> bool:
        """Return whether a reader surely was out before another one was taken out."""
        return all(any(self.before[later] >> end & 1 for end in reader.ends) for later in other.ends)

    # The calls

    def _add(self, add: _Add) -> None:
        capacity, place = self.shape.capacity, add.call
        if not self.gated:
            if len(add.events) != add.offered:
                self._problem("RING-10", f"added {len(add.events)} of {add.offered} events", place)
            return
        if len(add.events) < add.offered:
            slow = [reader for reader in self._maybe(place) if self._least_cursor(reader, place) + capacity <= add.end]
            if not slow:
                self._problem("RING-14", f"was refused at {add.end}, and no reader was {capacity} events behind", place)
        if add.events:
            for reader in self._surely(place):
                cursor = self._most_cursor(reader, place)
                if cursor + capacity < add.end:
                    self._problem("RING-14", f"added up to {add.end} over a reader that was at {cursor}", place)

    def _join(self, place: int, reader: _Reader | None, results: tuple[int, ...]) -> None:
        at = self.reading.operations[place].arguments[1]
        least, most = self._published_by(place), self._published_at_most(place)
        if at.isdigit():
            cursor = int(at)
            if reader is None and cursor <= least:
                self._problem("RING-18", f"was refused where {least} events were published", place)
            elif reader is not None and (cursor > most or reader.start != cursor):
                self._problem("RING-18", f"began at {reader.start} where at most {most} were published", place)
            return
        assert reader is not None
        low, high = self._oldest(place) if at == OLDEST else (least, most)
        if self.gated and at == OLDEST:
            # An add that is under way may have taken its slots already, though it turns out to be refused.
            reached = [
                add.first + min(add.offered, self.shape.capacity)
                for add in self.reading.adds
                if not (self.before[place] | self.after[place]) >> add.call & 1
            ]
            high = max([high, *(end - self.shape.capacity for end in reached)])
        if not low <= results[1] <= high:
            self._problem("RING-16", f"began at {results[1]}, not from {low} to {high}", place)

    def _next(self, place: int, reader: _Reader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        status, sequence, following, skipped, count, packed = results[:6]
        operation = self.reading.operations[place]
        limit = int(operation.arguments[1]) if operation.name == "nextmany" else 1
        least, most, capacity = self._published_by(place), self._published_at_most(place), self.shape.capacity
        cursor = reader.cursor
        if sequence != cursor:
            self._problem("RING-13", f"went on at {sequence}, where {cursor} was to come", place)
        if status == Status.EMPTY:
            if cursor < least:
                self._problem("RING-7", f"found nothing at {cursor}, where {least} events were published", place)
            return
        reader.cursor = following
        if status == Status.LAGGED:
            reader.skipped += skipped
            if self.gated:
                self._problem("RING-15", f"lost {skipped} events", place)
            elif skipped < 1 or following != cursor + skipped:
                self._problem("RING-12", f"skipped {skipped} events from {cursor} to {following}", place)
            elif following + capacity > most:
                self._problem("RING-11", f"lost events up to {following}, and {most} were published at most", place)
            return
        if status != Status.OK:
            self._problem("ERR-1", f"answered with status {status}, which it never does", place)
            return
        reader.delivered += count
        events = [packed >> 8 * at & 0xFF for at in range(count)]
        if not 1 <= count <= limit or following != cursor + count:
            self._problem("RING-26", f"delivered {count} events of at most {limit} from {cursor} to {following}", place)
        if following > most or following > len(self.events):
            self._problem("RING-5", f"delivered events up to {following}, and {most} were published at most", place)
            return
        wanted = [event for event, _ in self.events[cursor:following]]
        if events != wanted:
            clause = "RING-15" if self.gated else "RING-13"
            self._problem(clause, f"delivered the events {events} from {cursor} on, not {wanted}", place)
        if not self.gated and cursor + capacity < self._claimed_by(place):
            self._problem("RING-11", f"delivered event {cursor}, which was overwritten", place)
        if count < limit and following < least and (self.gated or most <= following + capacity):
            self._problem("RING-26", f"stopped at {following} of {least} events", place)

    def _lag(self, place: int, reader: _Reader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        published = results[1] + reader.cursor_by(self.before[place])
        least, most = self._published_by(place), self._published_at_most(place)
        if not least <= published <= most:
            self._problem("RING-22", f"is {results[1]} behind, at {published}, not from {least} to {most}", place)
        if results[2] > self.shape.capacity or results[2] > max(results[1], most):
            self._problem("RING-23", f"has a backlog of {results[2]} of {results[1]}", place)

    def _look(self, place: int, reader: _Reader | None, results: tuple[int, ...]) -> None:
        del reader
        published, retained, readers = results[1:4]
        least, most = self._published_by(place), self._published_at_most(place)
        if not least <= published <= most:
            self._problem("RING-1", f"saw {published} events published, not from {least} to {most}", place)
        low, high = self._oldest(place)
        if not max(0, least - high) <= retained <= min(self.shape.capacity, max(0, most - low)):
            self._problem(
                "RING-30", f"saw {retained} events retained of {published}, the oldest {low} to {high}", place
            )
        fewest, most_readers = (len(self._surely(place)), len(self._maybe(place))) if self.gated else (0, 0)
        if not fewest <= readers <= most_readers:
            self._problem("RING-21", f"saw {readers} readers, not from {fewest} to {most_readers}", place)

    def _tally(self, place: int, reader: _Reader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        wanted = (reader.start, reader.cursor, reader.delivered, reader.skipped)
        if results[1:5] != wanted or wanted[2] + wanted[3] != wanted[1] - wanted[0]:
            self._problem("RING-12", f"has start, cursor, delivered and skipped {results[1:5]}, not {wanted}", place)

    def _destroyed(self, place: int, reader: _Reader | None, results: tuple[int, ...]) -> None:
        del reader, results
        for made, ended in self.reading.handles:
            if self.after[place] >> made & 1:
                continue
            if all(self.after[place] >> end & 1 for end in ended):
                self._problem("ERR-1", f"ended under what {self.reading.name(made)} made", place)

    def _busy(self, place: int, reader: _Reader | None, results: tuple[int, ...]) -> None:
        del reader, results
        if all(
            self.after[place] >> made & 1 or any(self.before[place] >> end & 1 for end in ended)
            for made, ended in self.reading.handles
        ):
            self._problem("ERR-1", "was refused while nobody used the ring", place)


# The verdict

_QUIET: Final = frozenset({"back", "give", "unhold", "begin"})


def judge(client: Client, history: History, *, strict: bool = False) -> Verdict:
    """Return whether a history of a client is one that the reference has, and if not, what is wrong [SLOT-1, ERR-1].

    Args:
        client: the client.
        history: its calls, those of the setup and the finish included.
        strict: whether generations and tags that came round are held to be wrong too, though the clauses bound them so:
            a token that is taken for a later event [WEAK-5], a pool found full while 2^T slots were given back [ALLOC-3].

    Raises:
        HistoryError: the history is not one of this client.
    """
    reading = _Reading(client, history, strict)
    problems = reading.problems
    orders: list[Order] = []
    for subject, lanes in reading.lanes.items():
        name, initial, outcomes, clauses = _specification(reading, subject)
        if subject[0] == "free list" and subject[1] not in reading.wants_free_list:
            continue
        found = search(initial, outcomes, _with_finish(lanes), reading.predecessors)
        moments = tuple(f"{history.calls[moment.call]} {moment.step[0]}" for moment in found.order)
        if found.complete:
            orders.append(Order(name, moments))
            continue
        loud = [moment for moment in found.stuck if moment.step[0] not in _QUIET] or list(found.stuck)
        said = "; ".join(
            f"{reading.name(moment.call)} {_SLOT_WORDS.get(moment.step[0], _PLACE_WORDS.get(moment.step[0], 'cannot be'))}"
            for moment in loud
        )
        calls = tuple(dict.fromkeys(moment.call for moment in loud))
        problems.append(Problem(name, clauses.get(loud[0].step[0], "SLOT-1"), said, calls, moments))
    if client.ring is not None:
        _RingJudge(reading).judge()
    return Verdict(tuple(problems), tuple(orders))


_PLACE_WORDS: Final[Mapping[str, str]] = {
    "empty": "found the pool full while a slot was free",
    "unref": "dropped a reference to a slot that was free",
    "hold": "held a slot that was taken",
    "all free": "ended the pool while a slot was taken",
    "busy": "found the pool in use while every slot was free",
    "open": "opened a second writer",
    "taken": "found the writer's place taken while it was free",
    "close": "closed a writer that was none",
    "join": "joined where every place was taken",
    "no place": "found every place taken while one was free",
    "use": "read although it was out",
    "closed": "was refused although it was in its place",
    "evicted": "was told wrongly whether it was evicted",
    "left": "was told wrongly whether it left",
}


def _with_finish(lanes: Mapping[int, Sequence[Moment]]) -> list[Sequence[Moment]]:
    return [lanes[thread] for thread in sorted(lanes)]


def _specification(reading: _Reading, subject: tuple[Any, ...]) -> tuple[str, Hashable, Outcomes, Mapping[str, str]]:
    """Return the name, the first state, the specification and the clauses of an object."""
    shape, ring = reading.client.pool, reading.client.ring
    if subject[0] == "slot":
        assert shape is not None
        name = f"slot {subject[2]} of {PoolId(subject[1]).name}"
        return name, (0, 0, 0, _FREE), _slot_outcomes(shape.ref_bits, shape.generation_bits), SLOT_CLAUSES
    if subject[0] == "free list":
        assert shape is not None
        slots = shape.slots if subject[1] == 0 else shape.heap_slots
        held = tuple(_TAKEN if subject[1] == 0 and slot in reading.held else _FREE for slot in range(slots))
        name = f"free list of {PoolId(subject[1]).name}"
        return name, (held, 0, ()), free_list_specification(slots), FREE_LIST_CLAUSES
    if subject[0] == "writer":
        return "writer's place", False, writer_outcomes, PLACE_CLAUSES
    assert ring is not None
    return "readers' places", (), places_specification(ring.readers), PLACE_CLAUSES


__all__ = [
    "Found",
    "HistoryError",
    "Moment",
    "Order",
    "Place",
    "Problem",
    "Status",
    "Verdict",
    "judge",
    "search",
    "slot_specification",
]
