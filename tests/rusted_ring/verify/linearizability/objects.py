"""The sequential specification of each kind of object, made from the reference [SLOT-1].

The objects are slots, detached references, free lists, and the registrations of writers and readers.

A specification is a function from a state and a step to the states that may follow; no state follows if the reference
does not answer so. States and steps are tuples of numbers, so that answers can be cached.
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

# A slot: its word, its detached references and its event

FREE, HELD, RETURNING = 0, 1, 2
"""The phases of a FREE slot in the free list: free, claimed and not yet LIVE, or being released by call n: 2 + n."""

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
    "publish": "allocated with a generation other than the slot's",
    "lend": "lent a slot with a generation other than the slot's",
    "commit": "committed a slot that was not on loan",
    "abort": "aborted a slot that was not on loan",
    "clone": "cloned a pointer whose event was freed or whose counter was full",
    "full": "found the counter full while it was not",
    "drop": "dropped a reference that the slot did not count, or returned a wrong count",
    "read": "read an event that the slot did not hold",
    "count": "returned a wrong count",
    "upgrade": "returned a pointer to an event that was freed, or a wrong count",
    "stale": "found the handle stale while the event was live",
    "live": "found the event live after it was freed",
    "none": "found no detached reference while there was one",
    "detach": "made a detached reference",
    "claim": "took a detached reference that did not exist",
    "meta": "returned a slot word that the slot did not have",
    "sweep": "found a number of detached references other than the number that was left",
}


class _Refused(Exception):
    """The reference does not answer a step as the history does."""


@functools.lru_cache(maxsize=64)
def slot_outcomes(ref_bits: int, generation_bits: int) -> Outcomes:
    """Return the specification of a slot of these widths: a pool of the reference with one slot [SLOT-1].

    A state is (slot word, event, phase in the free list).

    Args:
        ref_bits: the width of the reference count, in bits.
        generation_bits: the width of the generation, in bits.
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
        _Refused: the reference does not answer so. The reference's own errors mean the same.
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


DETACHED_CLAUSES: Final[Mapping[str, str]] = {
    "detach": "PTR-11",
    "claim": "PTR-13",
    "none": "PTR-14",
    "sweep": "PTR-11",
}


@functools.lru_cache(maxsize=1)
def detached_specification() -> Outcomes:
    """Return the specification of a slot's detached references; a state is their number [PTR-11, PTR-13, PTR-14].

    They are an object of their own beside the slot's word: the two are two locations, and a call that is refused
    because of one of them orders nothing with respect to the other.
    """
    pool = Pool(PoolId.XS, 1, Profile("one", 22, 2, 0, (1, 1, 1, 1, 1), 1, 1))

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        kind, *numbers = step
        pool.detached[0] = state
        try:
            if kind == "detach":
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
    """Return the state unchanged, which is the state after a refusal.

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

FREE_LIST_WORDS: Final[Mapping[str, str]] = {
    "empty": "found the pool full while a slot was free",
    "unref": "dropped a reference to a slot that was free",
    "hold": "held a slot that was taken",
    "all free": "destroyed the pool while a slot was taken",
    "busy": "found the pool in use while every slot was free",
}


@functools.lru_cache(maxsize=64)
def free_list_specification(slots: int) -> Outcomes:
    """Return the specification of the free list of a pool [ALLOC-2, ALLOC-3].

    A state is (the phase of each slot, how many slots were released, that number when each call began to search). A
    slot is free (0), taken, being released by call n (2 + n), or held by the batch that is call n (-1 - n). The answer
    of a drop does not tell whether it was the last one, so every drop may be.
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
    slots, given, begun = state
    kind, *numbers = step

    def becomes(slot: int, what: int, gives: int = given) -> Hashable:
        return (*slots[:slot], what, *slots[slot + 1 :]), gives, begun

    if kind == "take":
        return [becomes(numbers[0], TAKEN)] if _takes(pool, choices, slots, numbers[0]) else []
    if kind == "unref":
        slot, call = numbers
        return [state, becomes(slot, RETURNING + call)] if slots[slot] == TAKEN else []
    if kind == "give":
        slot, call, counted = numbers
        return [becomes(slot, FREE, given + counted)] if slots[slot] == RETURNING + call else [state]
    if kind == "sweep":
        return [becomes(slot, FREE) for slot in numbers if slots[slot] == TAKEN]
    if kind == "begin":
        return [(slots, given, (*begun, (numbers[0], given)))]
    if kind == "empty":
        call, enough = numbers
        since = dict(begun).get(call, given)
        if not _finds_room(pool, slots) or (enough and given - since >= enough):
            return [(slots, given, tuple(mark for mark in begun if mark[0] != call))]
        return []
    if kind == "hold":
        return [state, *(becomes(slot, -1 - numbers[0]) for slot, what in enumerate(slots) if what == FREE)]
    if kind == "unhold":
        held = [slot for slot, what in enumerate(slots) if what == -1 - numbers[0]]
        return [becomes(slot, FREE, given + numbers[1]) for slot in held] or [state]
    assert kind in ("all free", "busy"), kind
    return [state] if any(slots) == (kind == "busy") else []


def _set_slots(pool: Pool, slots: Sequence[int]) -> None:
    for slot, what in enumerate(slots):
        pool.words[slot] = SlotState.LIVE + 4 if what else SlotState.FREE
    pool.events = {slot: PooledEvent(b"") for slot, what in enumerate(slots) if what}


def _takes(pool: Pool, choices: RecordedChoices, slots: Sequence[int], slot: int) -> bool:
    _set_slots(pool, slots)
    at_once(choices.replacing([(PoolId.XS, slot)]))
    try:
        choices.choose([pool])
    except ReplayMismatch:
        return False
    return True


def _finds_room(pool: Pool, slots: Sequence[int]) -> bool:
    _set_slots(pool, slots)
    return pool.has_room(1, 0)


# The registrations of a ring

REGISTRATION_CLAUSES: Final[Mapping[str, str]] = {
    "open": "RING-4",
    "taken": "RING-4",
    "close": "RING-4",
    "end": "RING-4",
    "ended": "RING-40",
    "has writer": "RING-42",
    "has ended": "RING-42",
    "ends again": "RING-41",
    "join": "RING-21",
    "no registration": "RING-21",
    "leave": "RING-19",
    "evict": "RING-20",
    "use": "RING-20",
    "look": "RING-20",
    "closed": "RING-20",
    "evicted": "RING-20",
    "left": "RING-19",
}


def writer_outcomes(state: Any, step: Step) -> Sequence[Hashable]:
    """Return the states that may follow a step of a ring's writer registration [RING-4, RING-40 to RING-42].

    A state is (whether a writer is registered, whether the stream has ended).
    """
    ring = _writer_ring()
    ring._writer, ring._ended = WriterRegistration() if state[0] else None, state[1]
    if step[0] in ("has writer", "has ended", "ends again"):
        true = ring.has_writer if step[0] == "has writer" else ring.ended
        return [state] if true == bool(step[1]) else []
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
def readers_specification(max_readers: int) -> Outcomes:
    """Return the specification of the reader registrations of a gated ring [RING-19, RING-20, RING-21].

    A state is, for each reader that joined, (its number, whether it is registered, closed, evicted).
    """
    ring = RingBuffer(1, 1, mode=GATED, max_readers=max_readers)
    known: dict[tuple[Any, Step], tuple[Hashable, ...]] = {}

    def outcomes(state: Any, step: Step) -> Sequence[Hashable]:
        key = (state, step)
        found = known.get(key)
        if found is None:
            found = known[key] = tuple(_readers_after(ring, state, step))
        return found

    return outcomes


def _readers_after(ring: RingBuffer, state: Any, step: Step) -> Iterable[Hashable]:
    registrations: dict[int, ReaderRegistration] = {}
    ring._registered = set()
    for number, registered, gone, evicted in state:
        registration = registrations[number] = ReaderRegistration(joined(0))
        registration.closed, registration.evicted = gone, evicted
        if registered:
            ring._registered.add(registration)
    kind, *numbers = step
    if kind in ("join", "no registration"):
        registration = ReaderRegistration(joined(0))
        try:
            at_once(*ring._joining(registration))
        except ReadersFull:
            return [state] if kind == "no registration" else []
        if kind == "no registration":
            return []
        registrations[numbers[0]] = registration
    else:
        registration = registrations[numbers[0]]
        out = registration.closed or registration.evicted
        if kind in ("use", "look", "closed"):
            return [state] if out == (kind == "closed") else []
        if kind in ("evicted", "left"):
            true = registration.evicted if kind == "evicted" else registration.closed
            return [state] if true == bool(numbers[1]) else []
        if kind == "leave":
            registration.closed = True
            at_once(*ring._leaving(registration))
        elif not registration.closed:
            registration.evicted = True
            at_once(*ring._leaving(registration))
    return [
        tuple(
            (number, registration in ring._registered, registration.closed, registration.evicted)
            for number, registration in sorted(registrations.items())
        )
    ]


REGISTRATION_WORDS: Final[Mapping[str, str]] = {
    "open": "opened a second writer",
    "taken": "found a writer registered while none was",
    "close": "closed a writer that was not registered",
    "end": "ended the stream through a writer that was not registered",
    "ended": "found the stream ended before its end",
    "has writer": "returned wrongly whether the ring has a writer",
    "has ended": "returned wrongly whether the stream has ended",
    "ends again": "ended through a closed writer a stream that had not ended, or was refused although it had",
    "join": "joined while every registration was taken",
    "no registration": "found every registration taken while one was free",
    "use": "read although the reader was no longer registered",
    "look": "found the reader registered although it was not",
    "closed": "was refused although the reader was registered",
    "evicted": "returned wrongly whether the reader was evicted",
    "left": "returned wrongly whether the reader left",
}
