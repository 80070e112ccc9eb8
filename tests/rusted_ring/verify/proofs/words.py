"""What one atomic write may do to one word of the core: the actions of the model, word by word.

A word is decoded into fields. The relation of an action is over the fields before and after, and over the widths. The
transition systems of this package are built of these relations, with symbolic fields and widths, and z3 proves their
invariants; `accepts` evaluates the same relations on the numbers of an execution. What an action needs of other words
(a publication needs that the thread owns the slot) belongs to the systems, not to the word.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

from rusted_ring.verify.proofs.formulas import Formula, after, both, choose, either, no, total, within

FREE, LIVE, LOANED = 0, 1, 2
JOINING, ACTIVE = 1, 2
"""The states of a registration, beside FREE."""
NO_WRITER, HAS_WRITER, ENDED = 0, 1, 2
FENCED, SLEEPERS, NOTIFIERS = 1, 2, 4
ARMED, OWNED, SIGNALLING = 1, 2, 4
STAYS, LEAVES, HAS_LEFT = 0, 1, 2
BATCH: Final = 64
LAP: Final = 0x80000000
CURSOR_BITS: Final = 40
TAG_SHIFT: Final = 2 + CURSOR_BITS
_MASK_32: Final = (1 << 32) - 1


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The widths and sizes that a step depends on; 0 for what there is not.

    Attributes:
        ref_bits: the bits of a reference count.
        generation_bits: the bits of a generation.
        heap_bytes: the most payload bytes on the heap.
        capacity: the slots of the ring.
        size: the payload bytes of a slot of the ring.
        gated: whether the ring is gated.
    """

    ref_bits: int = 0
    generation_bits: int = 0
    heap_bytes: int = 0
    capacity: int = 0
    size: int = 0
    gated: bool = False


Fields = Any
"""The fields of a word: attributes that are ints, or terms of z3."""
Widths = Any
"""count_mask, generation_mask, tag_mask, version_mask, epoch_mask, capacity, size, heap_bytes, gated; and `advance`."""
Relation = Callable[[Fields, Fields, Widths], Formula]


@dataclasses.dataclass(frozen=True)
class WordAction:
    """What one atomic write may do to one kind of word.

    Attributes:
        word: the kind of word.
        name: its name, unique among all actions.
        relation: whether it takes some fields to others, for some widths.
        clauses: the clauses that it stands for.
        sites: the functions of the core that do it, as `file.c:function`.
    """

    word: str
    name: str
    relation: Relation
    clauses: tuple[str, ...]
    sites: tuple[str, ...]


# --- slots


def _publish(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(old.state == FREE, old.count == 0, new.state == LIVE, new.count == 1, new.generation == old.generation)


def _lend(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(
        old.state == FREE, old.count == 0, new.state == LOANED, new.count == 0, new.generation == old.generation
    )


def _commit(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(
        old.state == LOANED, old.count == 0, new.state == LIVE, new.count == 1, new.generation == old.generation
    )


def _freed(old: Fields, new: Fields, at: Widths) -> Formula:
    """The word that a slot gets when its event or its loan ends."""
    next_generation = after(old.generation, at.generation_mask)
    return both(old.count == 0, new.state == FREE, new.count == 0, new.generation == next_generation)


def _abort(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(old.state == LOANED, _freed(old, new, at))


def _add_reference(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(
        old.state == LIVE,
        within(1, old.count, at.count_mask - 1),
        new.state == LIVE,
        new.count == old.count + 1,
        new.generation == old.generation,
    )


def _end_reference(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(
        old.state == LIVE,
        old.count >= 1,
        new.state == LIVE,
        new.count == old.count - 1,
        new.generation == old.generation,
    )


def _free(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(old.state == LIVE, _freed(old, new, at))


# --- detached references


def _first_detached(old: Fields, new: Fields, at: Widths) -> Formula:
    """An event has no detached reference left when it ends, so none of another generation is counted here."""
    return both(old.detached == 0, new.detached == 1, within(0, new.of, at.generation_mask))


def _add_detached(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(within(1, old.detached, at.count_mask - 1), new.detached == old.detached + 1, new.of == old.of)


def _take_detached(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(old.detached >= 1, new.detached == old.detached - 1, new.of == old.of)


# --- the free list


def bit_claimed(old: Any, new: Any) -> Formula:
    """What a claim does to the bit of a slot that it takes."""
    return both(old == 1, new == 0)


def bit_released(old: Any, new: Any) -> Formula:
    """What a release does to the bit of a slot that it returns."""
    return both(old == 0, new == 1)


def version_released(version: Any, released: Any, mask: Any) -> Any:
    """The version of a word of the free list after some slots were released to it."""
    sum_of = version + released
    return choose(sum_of > mask, sum_of - mask - 1, sum_of)


def _each_bit(old: Fields, new: Fields, changed: Callable[[Any, Any], Formula]) -> Formula:
    return both(*(either(before == now, changed(before, now)) for before, now in zip(old.bits, new.bits, strict=True)))


def _claim(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(
        new.version == old.version,
        _each_bit(old, new, bit_claimed),
        either(*(before != now for before, now in zip(old.bits, new.bits, strict=True))),
    )


def _claim_lost(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(new.version == old.version, *(b == n for b, n in zip(old.bits, new.bits, strict=True)))


def _release(old: Fields, new: Fields, at: Widths) -> Formula:
    released = total([choose(now == before, 0, 1) for before, now in zip(old.bits, new.bits, strict=True)])
    return both(
        _each_bit(old, new, bit_released),
        released >= 1,
        new.version == version_released(old.version, released, at.version_mask),
    )


# --- rings


def _published(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(within(1, new.value - old.value, BATCH), new.value - old.value <= at.capacity)


def _announced(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(no(at.gated), within(1, new.value - old.value, at.capacity))


def _raised(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(at.gated, new.value > old.value)


def _lowered(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(at.gated, new.value < old.value)


def _event(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(no(at.gated), new.lap == 0, new.length <= at.size)


def _gated_event(old: Fields, new: Fields, at: Widths) -> Formula:
    """The first lap sets the bit, each later one changes it."""
    return both(at.gated, new.lap != old.lap, new.length <= at.size)


def _join(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(old.state == FREE, old.cursor == 0, new.state == JOINING, new.tag == old.tag)


def _admit(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(old.state == JOINING, new.state == ACTIVE, new.cursor == old.cursor, new.tag == old.tag)


def _move_up(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(old.state == JOINING, new.state == JOINING, new.tag == old.tag, at.advance(old.cursor, new.cursor) >= 1)


def _move_on(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(
        old.state == ACTIVE,
        new.state == ACTIVE,
        new.tag == old.tag,
        within(1, at.advance(old.cursor, new.cursor), at.capacity),
    )


def _end_registration(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(old.state == ACTIVE, new.state == FREE, new.cursor == 0, new.tag == after(old.tag, at.tag_mask))


# --- other words


def _from(before: int, now: int) -> Relation:
    return lambda old, new, at: both(old.value == before, new.value == now)


def _bits_set(name: str) -> Relation:
    """One of the kinds of waiters is announced; the others stay."""
    kinds = ("fenced", "sleepers", "notifiers")
    return lambda old, new, at: both(
        *(getattr(new, kind) == (1 if kind == name else getattr(old, kind)) for kind in kinds)
    )


def _withdraw(old: Fields, new: Fields, at: Widths) -> Formula:
    return both(new.fenced == old.fenced, new.sleepers == 0, new.notifiers == 0)


def _wake_up(old: Fields, new: Fields, at: Widths) -> Formula:
    return new.value == after(old.value, at.epoch_mask)


def _usage(
    armed: Callable[[Any], Any], owned: Callable[[Any], Any], signalling: int, when: Callable[[Any], Any]
) -> Relation:
    return lambda old, new, at: both(
        when(old),
        new.armed == armed(old),
        new.owned == owned(old),
        new.signalling == old.signalling + signalling,
    )


# --- all of them

ACTIONS: Final = (
    WordAction("slot", "publish", _publish, ("SLOT-5",), ("allocate.h:slot_publish",)),
    WordAction("slot", "lend", _lend, ("SLOT-6",), ("loans.c:rr_loan",)),
    WordAction("slot", "commit", _commit, ("SLOT-7",), ("loans.c:rr_commit",)),
    WordAction("slot", "abort", _abort, ("SLOT-8",), ("loans.c:rr_abort",)),
    WordAction(
        "slot",
        "add a reference",
        _add_reference,
        ("SLOT-9", "SLOT-10", "WEAK-2"),
        ("references.c:slot_clone", "references.c:slot_upgrade"),
    ),
    WordAction("slot", "end a reference", _end_reference, ("SLOT-11", "SLOT-12"), ("references.h:slot_unref",)),
    WordAction("slot", "free", _free, ("SLOT-12",), ("references.h:slot_unref",)),
    WordAction(
        "detached",
        "first detached reference",
        _first_detached,
        ("PTR-11", "ORDER-12"),
        ("references.c:add_detached", "allocate.h:slot_publish"),
    ),
    WordAction("detached", "add a detached reference", _add_detached, ("PTR-11",), ("references.c:add_detached",)),
    WordAction(
        "detached", "take a detached reference", _take_detached, ("PTR-13", "PTR-14"), ("references.c:take_detached",)
    ),
    WordAction(
        "free_list",
        "claim slots",
        _claim,
        ("ALLOC-2",),
        ("allocate.c:allocate_next_fit", "free_list.c:claim_in_word"),
    ),
    WordAction("free_list", "claim lost", _claim_lost, ("ALLOC-2",), ("allocate.c:allocate_next_fit",)),
    WordAction("free_list", "release slots", _release, ("ALLOC-2", "ALLOC-3"), ("free_list.h:free_list_release",)),
    WordAction(
        "heap_payload_bytes",
        "reserve bytes of the heap",
        lambda old, new, at: both(old.value < new.value, new.value <= at.heap_bytes),
        ("ALLOC-7",),
        ("heap.c:heap_reserve",),
    ),
    WordAction(
        "heap_payload_bytes",
        "give bytes of the heap back",
        lambda old, new, at: both(new.value >= 0, new.value < old.value),
        ("ALLOC-7",),
        ("heap.c:heap_unreserve",),
    ),
    WordAction("write_cursor", "publish events", _published, ("RING-1", "ORDER-7"), ("writer.c:publish",)),
    WordAction("claim", "announce", _announced, ("RING-10", "ORDER-9"), ("writer.c:announce",)),
    WordAction("claim", "raise the gating sequence", _raised, ("ORDER-10",), ("writer.c:raise_gating_sequence",)),
    WordAction("claim", "lower the gating sequence", _lowered, ("ORDER-10",), ("writer.c:raise_gating_sequence",)),
    WordAction("event_descriptor", "describe an event", _event, ("ORDER-9",), ("ring.h:event_descriptor_store",)),
    WordAction("event_descriptor", "publish an event", _gated_event, ("ORDER-17",), ("ring.h:event_descriptor_store",)),
    WordAction("registration", "join", _join, ("ORDER-10",), ("reader_registrations.c:register_reader",)),
    WordAction(
        "registration",
        "admit",
        _admit,
        ("ORDER-10",),
        ("reader_registrations.c:slowest_reader", "reader_registrations.c:register_reader"),
    ),
    WordAction("registration", "move up", _move_up, ("ORDER-10",), ("reader_registrations.c:register_reader",)),
    WordAction("registration", "move on", _move_on, ("ORDER-8",), ("delivery.c:move_on",)),
    WordAction(
        "registration",
        "end a registration",
        _end_registration,
        ("RING-19", "RING-20", "ORDER-8"),
        ("reader_registrations.c:deregister",),
    ),
    WordAction(
        "low_water_mark",
        "raise the low-water mark",
        lambda old, new, at: new.value > old.value,
        ("RING-17",),
        ("reader_registrations.c:deregister",),
    ),
    WordAction(
        "awaited",
        "count a reader that joined",
        lambda old, new, at: both(old.value >= 1, new.value == old.value - 1),
        ("RING-45",),
        ("reader_registrations.c:count_joined",),
    ),
    WordAction(
        "writer_state", "open a writer", _from(NO_WRITER, HAS_WRITER), ("RING-4",), ("writer.c:rr_writer_open",)
    ),
    WordAction("writer_state", "close a writer", _from(HAS_WRITER, NO_WRITER), ("RING-4",), ("writer.c:end_writer",)),
    WordAction("writer_state", "end the stream", _from(HAS_WRITER, ENDED), ("RING-39",), ("writer.c:end_writer",)),
    WordAction("waiters", "announce a sleeper", _bits_set("sleepers"), ("ORDER-15",), ("event_count.c:prepare_wait",)),
    WordAction(
        "waiters", "announce a notifier", _bits_set("notifiers"), ("ORDER-15",), ("event_count.c:prepare_wait",)
    ),
    WordAction(
        "waiters", "withdraw announcements", _withdraw, ("ORDER-16",), ("event_count.c:event_count_notify_all",)
    ),
    WordAction("epoch", "count a wake-up", _wake_up, ("ORDER-16",), ("event_count.c:event_count_notify_all",)),
    WordAction(
        "notifiers",
        "add a notifier",
        lambda old, new, at: both(new.value != 0, new.value != old.value),
        ("ORDER-21",),
        ("notifier.c:notifier_take",),
    ),
    WordAction(
        "usage",
        "take an old notifier",
        lambda old, new, at: both(
            old.armed + old.owned + old.signalling == 0, new.armed + new.signalling == 0, new.owned == 1
        ),
        ("ORDER-22",),
        ("notifier.c:notifier_take",),
    ),
    WordAction(
        "usage",
        "arm a notifier",
        _usage(lambda old: 1, lambda old: old.owned, 0, lambda old: old.armed == 0),
        ("ORDER-21",),
        ("notifier.c:notifier_arm",),
    ),
    WordAction(
        "usage",
        "disarm a notifier",
        _usage(lambda old: 0, lambda old: old.owned, 0, lambda old: old.owned == 1),
        ("ORDER-21",),
        ("notifier.c:notifier_signal",),
    ),
    WordAction(
        "usage",
        "begin to signal",
        _usage(lambda old: 0, lambda old: old.owned, 1, lambda old: old.armed == 1),
        ("ORDER-21", "ORDER-22"),
        ("notifier.c:signal_if_armed",),
    ),
    WordAction(
        "usage",
        "end to signal",
        _usage(lambda old: old.armed, lambda old: old.owned, -1, lambda old: old.signalling >= 1),
        ("ORDER-22",),
        ("notifier.c:signal_if_armed",),
    ),
    WordAction(
        "usage",
        "leave a notifier",
        _usage(lambda old: 0, lambda old: 0, 0, lambda old: old.owned == 1),
        ("ORDER-22",),
        ("notifier.c:notifier_end",),
    ),
    WordAction("left", "begin to leave", _from(STAYS, LEAVES), ("ORDER-8",), ("reader.c:rr_reader_leave",)),
    WordAction("left", "have left", _from(LEAVES, HAS_LEFT), ("ORDER-8",), ("reader.c:rr_reader_leave",)),
    WordAction("evicted", "evict", _from(0, 1), ("ORDER-8",), ("reader.c:rr_reader_evict",)),
    WordAction("closed", "close", _from(0, 1), ("ORDER-15",), ("writer.c:end_writer",)),
    WordAction(
        "handles",
        "hold the ring",
        lambda old, new, at: new.value == old.value + 1,
        ("ORDER-11",),
        ("ring.h:hold_ring",),
    ),
    WordAction(
        "handles",
        "drop the ring",
        lambda old, new, at: both(old.value >= 1, new.value == old.value - 1),
        ("ORDER-11",),
        ("ring.h:drop_ring",),
    ),
)
BY_NAME: Final[Mapping[str, WordAction]] = {action.name: action for action in ACTIONS}

WITHOUT_ACTIONS: Final[Mapping[str, str]] = {
    "failures": "a statistic [ORDER-13]",
    "rounds": "a statistic [ORDER-13]",
    "heap_block_bytes": "a statistic [ORDER-13]",
    "next_fit": "a hint [ORDER-13]",
    "range": "a hint [ORDER-13]",
    "looks": "a hint [ORDER-13]",
    "seen": "a hint [ORDER-13]",
    "shards_used": "a hint [ORDER-13]",
}
"""The words that no protocol restricts, and why each has no actions."""


# --- numbers


def _slot_fields(value: int, parameters: Parameters) -> Fields:
    count_mask = (1 << parameters.ref_bits) - 1
    return SimpleNamespace(
        state=value & 3, count=value >> 2 & count_mask, generation=value >> (2 + parameters.ref_bits)
    )


def _detached_fields(value: int, parameters: Parameters) -> Fields:
    return SimpleNamespace(detached=value & ((1 << parameters.ref_bits) - 1), of=value >> parameters.ref_bits)


def _free_list_fields(value: int, parameters: Parameters) -> Fields:
    return SimpleNamespace(bits=tuple(value >> bit & 1 for bit in range(32)), version=value >> 32)


def _registration_fields(value: int, parameters: Parameters) -> Fields:
    return SimpleNamespace(state=value & 3, cursor=value >> 2 & ((1 << CURSOR_BITS) - 1), tag=value >> TAG_SHIFT)


def _descriptor_fields(value: int, parameters: Parameters) -> Fields:
    low = value & _MASK_32
    return SimpleNamespace(length=low & ~LAP if parameters.gated else low, lap=low >> 31 if parameters.gated else 0)


def _waiters_fields(value: int, parameters: Parameters) -> Fields:
    return SimpleNamespace(fenced=value & 1, sleepers=value >> 1 & 1, notifiers=value >> 2 & 1)


def _usage_fields(value: int, parameters: Parameters) -> Fields:
    return SimpleNamespace(armed=value & 1, owned=value >> 1 & 1, signalling=value >> 2)


_FIELDS: Final[Mapping[str, Callable[[int, Parameters], Fields]]] = {
    "slot": _slot_fields,
    "detached": _detached_fields,
    "free_list": _free_list_fields,
    "registration": _registration_fields,
    "event_descriptor": _descriptor_fields,
    "waiters": _waiters_fields,
    "usage": _usage_fields,
}


def fields_of(word: str, value: int, parameters: Parameters) -> Fields:
    """Decode a word into its fields; a word of one field has a `value`."""
    decode = _FIELDS.get(word)
    return decode(value, parameters) if decode is not None else SimpleNamespace(value=value)


def _advance(old: int, new: int) -> int:
    """How far a cursor of 40 bits moved; it moves by less than 2^39."""
    ahead = (new - old) & ((1 << CURSOR_BITS) - 1)
    return ahead if ahead < 1 << (CURSOR_BITS - 1) else ahead - (1 << CURSOR_BITS)


@functools.lru_cache(maxsize=1024)
def _widths(parameters: Parameters) -> Widths:
    return SimpleNamespace(
        count_mask=(1 << parameters.ref_bits) - 1,
        generation_mask=(1 << parameters.generation_bits) - 1,
        tag_mask=(1 << (64 - TAG_SHIFT)) - 1,
        version_mask=_MASK_32,
        epoch_mask=_MASK_32,
        capacity=parameters.capacity,
        size=parameters.size,
        heap_bytes=parameters.heap_bytes,
        gated=bool(parameters.gated),
        advance=_advance,
    )


_BY_WORD: Final[Mapping[str, tuple[WordAction, ...]]] = {
    word: tuple(action for action in ACTIONS if action.word == word) for word in {action.word for action in ACTIONS}
}
_WORD_BITS: Final = 64


def accepts(word: str, old: int, new: int, parameters: Parameters) -> str | None:
    """Return the name of the first action that takes a word from one value to another; None if none does.

    Args:
        word: the kind of word, `slot`, `free_list` and so on.
        old: its value before.
        new: its value after.
        parameters: the widths and sizes.

    Raises:
        ValueError: the kind of word has no actions.
    """
    if word not in _BY_WORD:
        raise ValueError(f"no action writes to a word of the kind {word}")
    if not (0 <= old < 1 << _WORD_BITS and 0 <= new < 1 << _WORD_BITS):
        return None
    at = _widths(parameters)
    before, now = fields_of(word, old, parameters), fields_of(word, new, parameters)
    return next((action.name for action in _BY_WORD[word] if action.relation(before, now, at)), None)
