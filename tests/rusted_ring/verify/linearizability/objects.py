"""What the objects of a client may do, one step at a time, as the reference says: slots, free lists, places [SLOT-1].

Each is a function from a state and a step to the states that may follow; none follow where the reference does not
answer so. States and steps are tuples of numbers, so that what was asked once need not be asked again.
"""

import functools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from rusted_ring.reference.cursor import joined
from rusted_ring.reference.monitor import at_once
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.recorded_choices import RecordedChoices, ReplayMismatch
from rusted_ring.reference.ring import ReaderRegistration, RingBuffer, WriterRegistration
from rusted_ring.verify.linearizability.search import Outcomes, Step
from rusted_ring.vocabulary.errors import (
    EndOfStream,
    ReadersFull,
    RefCountOverflow,
    RefCountUnderflow,
    StaleHandle,
    WriterTaken,
)
from rusted_ring.vocabulary.event import PooledEvent
from rusted_ring.vocabulary.modes import GATED
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.slots import SlotMetadata, SlotState

# A slot: its word, its loose references and its event

FREE, HELD, RETURNING = 0, 1, 2
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
    "live": "PTR-15",
    "meta": "SLOT-14",
    "sweep": "PTR-11",
}

SLOT_WORDS: Final[Mapping[str, str]] = {
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
    "live": "was answered as if the event were there while it was gone",
    "none": "was told that there is no loose reference while there was one",
    "loosen": "left a reference",
    "claim": "was given a loose reference that was not there",
    "meta": "was shown a word that the slot did not have",
    "sweep": "found a number of loose references that is not that of those left",
}


class _Refused(Exception):
    """The reference does not follow a step."""


@functools.lru_cache(maxsize=64)
def slot_outcomes(ref_bits: int, generation_bits: int) -> Outcomes:
    """Return what a slot of these widths may do: the reference's pool, one slot large [SLOT-1].

    A state is (slot word, event, what the slot is to the free list).
    """
    profile = Profile("one", ref_bits, generation_bits, 0, (1, 1, 1, 1, 1), 1, 1)
    pool = Pool(PoolId.XS, 1, profile)
    known: dict[tuple[Any, Step], tuple[Hashable, ...]] = {}

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        key = (state, step)
        found = known.get(key)
        if found is None:
            try:
                found = (_slot_after(pool, state, step),)
            except (_Refused, ReplayMismatch, RefCountOverflow, StaleHandle):
                found = ()
            known[key] = found
        return found

    return outcomes


def _slot_after(pool: Pool, state: tuple[int, int, int], step: Step) -> Hashable:
    """Return the state of a slot after a step.

    Raises:
        _Refused: the reference does not answer so; as do the reference's own errors.
    """
    word, code, phase = state
    pool.words[0] = word
    pool.events = {0: PooledEvent(b"", code)} if word % 4 else {}
    kind, *numbers = step
    slot = pool.slot(0)
    if kind == "take":
        _must(slot.state == SlotState.FREE and phase == FREE)
        return word, 0, HELD
    if kind in ("publish", "lend"):
        _must(phase == HELD and slot.generation == numbers[0])
        event = PooledEvent(b"", numbers[1])
        at_once(*(pool.allocating({0: event}) if kind == "publish" else pool.lending(0, event)))
        return pool.words[0], numbers[1], FREE
    if kind == "commit":
        _must(slot.state == SlotState.LOANED and slot.generation == numbers[0])
        at_once(*pool.committing(0, PooledEvent(b"", numbers[1])))
        return pool.words[0], numbers[1], phase
    if kind == "abort":
        _must(slot.state == SlotState.LOANED and slot.generation == numbers[0])
        at_once(*pool.aborting(0))
        return pool.words[0], 0, RETURNING + numbers[1]
    if kind == "back":
        return word, code, FREE if phase == RETURNING + numbers[0] else phase
    if kind == "meta":
        _must(slot == SlotMetadata(numbers[0], numbers[1], SlotState(numbers[2])))
        return state
    if kind == "sweep":
        for _ in range(numbers[0]):
            _must(slot.state == SlotState.LIVE)
            at_once(*pool.dropping(0))
            slot = pool.slot(0)
        return pool.words[0], code if pool.words[0] % 4 else 0, phase
    generation = None if numbers[0] < 0 else numbers[0]
    if kind == "stale":
        return _after_refusal(state, lambda: pool.check_live(0, generation), StaleHandle)
    pool.check_live(0, generation)
    if kind == "full":
        return _after_refusal(state, lambda: pool.cloning(0), RefCountOverflow)
    if kind in ("clone", "upgrade"):
        at_once(pool.cloning(0))
        _must(kind == "clone" or numbers[1] < 0 or pool.slot(0).ref_count == numbers[1])
    elif kind == "drop":
        at_once(*pool.dropping(0))
        left = pool.slot(0).ref_count
        _must(numbers[2] < 0 or left == numbers[2])
        if left == 0:
            return pool.words[0], 0, RETURNING + numbers[1]
    elif kind == "read":
        _must(code == numbers[1])
    elif kind == "count":
        _must(slot.ref_count == numbers[1])
    else:
        assert kind == "live", kind
    return pool.words[0], code, phase


LOOSE_CLAUSES: Final[Mapping[str, str]] = {
    "loosen": "PTR-11",
    "claim": "PTR-13",
    "none": "PTR-14",
    "sweep": "PTR-11",
}


@functools.lru_cache(maxsize=1)
def loose_specification() -> Outcomes:
    """Return what the loose references of a slot may do; a state is how many there are [PTR-11, PTR-13, PTR-14].

    They are an object apart from the slot's word: the two are two locations, and a call that is refused on account of
    one of them orders nothing with respect to the other.
    """
    pool = Pool(PoolId.XS, 1, Profile("one", 22, 2, 0, (1, 1, 1, 1, 1), 1, 1))

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        kind, *numbers = step
        pool.detached[0] = state
        try:
            if kind == "loosen":
                pool.detaching(0)()
            elif kind == "claim":
                pool.check_detached(0, state, 1)
                pool.attaching(0)()
            elif kind == "sweep":
                return [0] if state == numbers[0] else []
            else:
                pool.check_detached(0, state, 1)
                return []
        except RefCountUnderflow:
            return [state] if kind == "none" else []
        return [pool.detached[0]]

    return outcomes


def _must(true: bool) -> None:
    if not true:
        raise _Refused


def _after_refusal(state: Hashable, call: Callable[[], object], error: type[Exception]) -> Hashable:
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

TAKEN: Final = 1

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

    A state is (what each slot is, how many were given back, how many had been when each call began to search). A slot
    is 0, or taken, or on the way back by call n (2 + n), or held by the batch that is call n (-1 - n). Which drop was
    the last is not known from what it answers, so that a drop may be.
    """
    choices = RecordedChoices()
    pool = Pool(PoolId.XS, slots, Profile("many", 2, 2, 0, (slots, 1, 1, 1, 1), 1, 1))
    known: dict[tuple[Any, Step], tuple[Hashable, ...]] = {}

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        key = (state, step)
        found = known.get(key)
        if found is None:
            found = known[key] = tuple(_free_list_after(pool, choices, state, step))
        return found

    return outcomes


def _free_list_after(pool: Pool, choices: RecordedChoices, state: Any, step: Step) -> Iterable[Hashable]:
    places, given, begun = state
    kind, *numbers = step

    def becomes(slot: int, what: int, gives: int = given) -> Hashable:
        return (*places[:slot], what, *places[slot + 1 :]), gives, begun

    if kind == "take":
        return [becomes(numbers[0], TAKEN)] if _takes(pool, choices, places, numbers[0]) else []
    if kind == "unref":
        slot, call = numbers
        return [state, becomes(slot, RETURNING + call)] if places[slot] == TAKEN else []
    if kind == "give":
        slot, call, counted = numbers
        return [becomes(slot, FREE, given + counted)] if places[slot] == RETURNING + call else [state]
    if kind == "sweep":
        return [becomes(slot, FREE) for slot in numbers if places[slot] == TAKEN]
    if kind == "begin":
        return [(places, given, (*begun, (numbers[0], given)))]
    if kind == "empty":
        call, enough = numbers
        since = dict(begun).get(call, given)
        if not _finds_room(pool, places) or (enough and given - since >= enough):
            return [(places, given, tuple(mark for mark in begun if mark[0] != call))]
        return []
    if kind == "hold":
        return [state, *(becomes(slot, -1 - numbers[0]) for slot, what in enumerate(places) if what == FREE)]
    if kind == "unhold":
        held = [slot for slot, what in enumerate(places) if what == -1 - numbers[0]]
        return [becomes(slot, FREE, given + numbers[1]) for slot in held] or [state]
    assert kind in ("all free", "busy"), kind
    return [state] if any(places) == (kind == "busy") else []


def _set_places(pool: Pool, places: Sequence[int]) -> None:
    for slot, what in enumerate(places):
        pool.words[slot] = SlotState.LIVE + 4 if what else SlotState.FREE
    pool.events = {slot: PooledEvent(b"") for slot, what in enumerate(places) if what}


def _takes(pool: Pool, choices: RecordedChoices, places: Sequence[int], slot: int) -> bool:
    _set_places(pool, places)
    at_once(choices.replacing([(PoolId.XS, slot)]))
    try:
        choices.choose([pool])
    except ReplayMismatch:
        return False
    return True


def _finds_room(pool: Pool, places: Sequence[int]) -> bool:
    _set_places(pool, places)
    return pool.has_room(1, 0)


# The places of a ring

PLACE_CLAUSES: Final[Mapping[str, str]] = {
    "open": "RING-4",
    "taken": "RING-4",
    "close": "RING-4",
    "end": "RING-4",
    "ended": "RING-40",
    "join": "RING-21",
    "no place": "RING-21",
    "leave": "RING-19",
    "evict": "RING-20",
    "use": "RING-20",
    "look": "RING-20",
    "closed": "RING-20",
    "evicted": "RING-20",
    "left": "RING-19",
}


def writer_outcomes(state: Any, step: Step) -> Sequence[Hashable]:
    """Return what the place of a ring's writer may do [RING-4, RING-40].

    A state is whether it is taken, and whether the stream has ended.
    """
    ring = _writer_ring()
    ring._writer, ring._ended = WriterRegistration() if state[0] else None, state[1]
    if step[0] in ("close", "end"):
        if ring._writer is None:
            return []
        at_once(*ring._unregistering_writer(ring._writer), *(ring._ending() if step[0] == "end" else ()))
    else:
        said = "open"
        try:
            at_once(ring._registering_writer(WriterRegistration()))
        except WriterTaken:
            said = "taken"
        except EndOfStream:
            said = "ended"
        if step[0] != said:
            return []
    return [(ring._writer is not None, ring._ended)]


@functools.lru_cache(maxsize=1)
def _writer_ring() -> RingBuffer:
    return RingBuffer(1, 1)


@functools.lru_cache(maxsize=16)
def places_specification(max_readers: int) -> Outcomes:
    """Return what the places of a gated ring's readers may do [RING-19, RING-20, RING-21].

    A state is, for each reader that joined, (its number, whether it is in its place, closed, evicted).
    """
    ring = RingBuffer(1, 1, mode=GATED, max_readers=max_readers)
    known: dict[tuple[Any, Step], tuple[Hashable, ...]] = {}

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        key = (state, step)
        found = known.get(key)
        if found is None:
            found = known[key] = tuple(_places_after(ring, state, step))
        return found

    return outcomes


def _places_after(ring: RingBuffer, state: Any, step: Step) -> Iterable[Hashable]:
    places: dict[int, ReaderRegistration] = {}
    ring._registered = set()
    for number, registered, gone, evicted in state:
        place = places[number] = ReaderRegistration(joined(0))
        place.closed, place.evicted = gone, evicted
        if registered:
            ring._registered.add(place)
    kind, *numbers = step
    if kind in ("join", "no place"):
        place = ReaderRegistration(joined(0))
        try:
            at_once(*ring._joining(place))
        except ReadersFull:
            return [state] if kind == "no place" else []
        if kind == "no place":
            return []
        places[numbers[0]] = place
    else:
        place = places[numbers[0]]
        out = place.closed or place.evicted
        if kind in ("use", "look", "closed"):
            return [state] if out == (kind == "closed") else []
        if kind in ("evicted", "left"):
            return [state] if (place.evicted if kind == "evicted" else place.closed) == bool(numbers[1]) else []
        if kind == "leave":
            place.closed = True
            at_once(*ring._leaving(place))
        elif not place.closed:
            place.evicted = True
            at_once(*ring._leaving(place))
    return [
        tuple(
            (number, place in ring._registered, place.closed, place.evicted) for number, place in sorted(places.items())
        )
    ]


PLACE_WORDS: Final[Mapping[str, str]] = {
    "empty": "found the pool full while a slot was free",
    "unref": "dropped a reference to a slot that was free",
    "hold": "held a slot that was taken",
    "all free": "ended the pool while a slot was taken",
    "busy": "found the pool in use while every slot was free",
    "open": "opened a second writer",
    "taken": "found the writer's place taken while it was free",
    "close": "closed a writer that was none",
    "end": "ended the stream through a writer that was none",
    "ended": "was told of an end of the stream that had not come",
    "join": "joined where every place was taken",
    "no place": "found every place taken while one was free",
    "use": "read although it was out",
    "look": "was told that it is in its place although it was out",
    "closed": "was refused although it was in its place",
    "evicted": "was told wrongly whether it was evicted",
    "left": "was told wrongly whether it left",
}
