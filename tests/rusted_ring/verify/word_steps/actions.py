"""The actions of the model on single words: what one atomic write may do to each kind of word.

A word's layout is that of `native/src`. An action says which old value it may find and which new value it then writes,
for the widths and sizes of a client. What an action needs of other words (a claim needs the thread that publishes to
own the slot) is not looked at here.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from rusted_ring.verify.word_steps.parameters import Parameters

FREE, LIVE, LOANED = 0, 1, 2
ONE_REFERENCE: Final = 4
JOINING, ACTIVE = 1, 2
CURSOR_BITS: Final = 40
TAG_SHIFT: Final = 2 + CURSOR_BITS
TAG_MASK: Final = (1 << (64 - TAG_SHIFT)) - 1
FENCED, SLEEPERS, NOTIFIERS = 1, 2, 4
ARMED, OWNED, SIGNALLING = 1, 2, 4
LAP: Final = 0x80000000
BATCH: Final = 64
M32: Final = (1 << 32) - 1
M64: Final = (1 << 64) - 1

Allows = Callable[[int, int, Parameters], bool]


@dataclasses.dataclass(frozen=True)
class Action:
    """What an atomic write may do to a word.

    Attributes:
        word: the kind of word.
        name: its name, unique among all actions.
        allows: whether it takes one value to another.
        clauses: the clauses that it stands for.
    """

    word: str
    name: str
    allows: Allows
    clauses: tuple[str, ...]


# --- slots


def _slot(word: int, at: Parameters) -> tuple[int, int, int]:
    return word & 3, word >> 2 & at.count_mask, word >> (2 + at.ref_bits)


def _next(generation: int, at: Parameters) -> int:
    return (generation + 1) & at.generation_mask


def _publish(old: int, new: int, at: Parameters) -> bool:
    state, count, generation = _slot(old, at)
    return (state, count) == (FREE, 0) and _slot(new, at) == (LIVE, 1, generation)


def _lend(old: int, new: int, at: Parameters) -> bool:
    state, count, generation = _slot(old, at)
    return (state, count) == (FREE, 0) and _slot(new, at) == (LOANED, 0, generation)


def _commit(old: int, new: int, at: Parameters) -> bool:
    state, count, generation = _slot(old, at)
    return (state, count) == (LOANED, 0) and _slot(new, at) == (LIVE, 1, generation)


def _abort(old: int, new: int, at: Parameters) -> bool:
    state, count, generation = _slot(old, at)
    return (state, count) == (LOANED, 0) and _slot(new, at) == (FREE, 0, _next(generation, at))


def _add_reference(old: int, new: int, at: Parameters) -> bool:
    state, count, generation = _slot(old, at)
    return state == LIVE and 1 <= count < at.count_mask and _slot(new, at) == (LIVE, count + 1, generation)


def _end_reference(old: int, new: int, at: Parameters) -> bool:
    state, count, generation = _slot(old, at)
    return state == LIVE and count >= 1 and _slot(new, at) == (LIVE, count - 1, generation)


def _free(old: int, new: int, at: Parameters) -> bool:
    state, count, generation = _slot(old, at)
    return (state, count) == (LIVE, 0) and _slot(new, at) == (FREE, 0, _next(generation, at))


def _detached(word: int, at: Parameters) -> tuple[int, int]:
    return word & at.count_mask, word >> at.ref_bits


def _first_detached(old: int, new: int, at: Parameters) -> bool:
    """An event has no detached reference left when it ends, so none of another generation is counted here."""
    return _detached(old, at)[0] == 0 and _detached(new, at)[0] == 1 and _detached(new, at)[1] <= at.generation_mask


def _add_detached(old: int, new: int, at: Parameters) -> bool:
    count, generation = _detached(old, at)
    return 1 <= count < at.count_mask and _detached(new, at) == (count + 1, generation)


def _take_detached(old: int, new: int, at: Parameters) -> bool:
    count, generation = _detached(old, at)
    return count >= 1 and _detached(new, at) == (count - 1, generation)


# --- free lists


def _claim(old: int, new: int, _: Parameters) -> bool:
    return old >> 32 == new >> 32 and old & M32 != new & M32 and new & ~old & M32 == 0


def _claim_lost(old: int, new: int, _: Parameters) -> bool:
    return old == new


def _release(old: int, new: int, _: Parameters) -> bool:
    freed = (old ^ new) & M32
    version = ((old >> 32) + freed.bit_count()) & M32
    return freed != 0 and old & freed == 0 and new == (version << 32 | old & M32 | freed)


# --- rings


def _published(old: int, new: int, at: Parameters) -> bool:
    return 1 <= new - old <= min(BATCH, at.capacity)


def _announced(old: int, new: int, at: Parameters) -> bool:
    return not at.gated and 1 <= new - old <= at.capacity


def _raised(old: int, new: int, at: Parameters) -> bool:
    return at.gated and new > old


def _lowered(old: int, new: int, at: Parameters) -> bool:
    return at.gated and new < old


def _registration(word: int) -> tuple[int, int, int]:
    return word & 3, word >> 2 & ((1 << CURSOR_BITS) - 1), word >> TAG_SHIFT


def _join(old: int, new: int, _: Parameters) -> bool:
    state, cursor, tag = _registration(old)
    return (state, cursor) == (FREE, 0) and (_registration(new)[0], _registration(new)[2]) == (JOINING, tag)


def _admit(old: int, new: int, _: Parameters) -> bool:
    state, cursor, tag = _registration(old)
    return state == JOINING and _registration(new) == (ACTIVE, cursor, tag)


def _move_up(old: int, new: int, _: Parameters) -> bool:
    (state, cursor, tag), (new_state, new_cursor, new_tag) = _registration(old), _registration(new)
    return state == new_state == JOINING and tag == new_tag and cursor < new_cursor


def _move_on(old: int, new: int, at: Parameters) -> bool:
    (state, cursor, tag), (new_state, new_cursor, new_tag) = _registration(old), _registration(new)
    return state == new_state == ACTIVE and tag == new_tag and 1 <= new_cursor - cursor <= at.capacity


def _end_registration(old: int, new: int, _: Parameters) -> bool:
    state, tag = _registration(old)[0], _registration(old)[2]
    return state == ACTIVE and _registration(new) == (FREE, 0, (tag + 1) & TAG_MASK)


def _event(_: int, new: int, at: Parameters) -> bool:
    return not at.gated and new & M32 <= at.size


def _gated_event(old: int, new: int, at: Parameters) -> bool:
    """The first lap sets the bit, each later one changes it."""
    return at.gated and new & M32 & ~LAP <= at.size and (old ^ new) & LAP != 0


def _from(before: int, after: int) -> Allows:
    return lambda old, new, _: (old, new) == (before, after)


def _bits(kind: int) -> Allows:
    return lambda old, new, _: new == old | kind


# --- all of them

ACTIONS: Final = (
    Action("slot", "publish", _publish, ("SLOT-5",)),
    Action("slot", "lend", _lend, ("SLOT-6",)),
    Action("slot", "commit", _commit, ("SLOT-7",)),
    Action("slot", "abort", _abort, ("SLOT-8", "SLOT-12")),
    Action("slot", "add a reference", _add_reference, ("SLOT-9", "WEAK-2")),
    Action("slot", "end a reference", _end_reference, ("SLOT-11",)),
    Action("slot", "free", _free, ("SLOT-12",)),
    Action("detached", "first detached reference", _first_detached, ("PTR-11", "ORDER-12")),
    Action("detached", "add a detached reference", _add_detached, ("PTR-11",)),
    Action("detached", "take a detached reference", _take_detached, ("PTR-13", "PTR-15")),
    Action("free_list", "claim slots", _claim, ("ALLOC-2",)),
    Action("free_list", "claim lost", _claim_lost, ("ALLOC-2",)),
    Action("free_list", "release slots", _release, ("ALLOC-2",)),
    Action(
        "heap_payload_bytes",
        "reserve bytes of the heap",
        lambda old, new, at: old < new <= at.heap_bytes,
        ("ALLOC-7",),
    ),
    Action("heap_payload_bytes", "give bytes of the heap back", lambda old, new, _: 0 <= new < old, ("ALLOC-7",)),
    Action("write_cursor", "publish events", _published, ("RING-1",)),
    Action("claim", "announce", _announced, ("ORDER-9",)),
    Action("claim", "raise the gating sequence", _raised, ("ORDER-10",)),
    Action("claim", "lower the gating sequence", _lowered, ("ORDER-10",)),
    Action("event_descriptor", "describe an event", _event, ("ORDER-9",)),
    Action("event_descriptor", "publish an event", _gated_event, ("ORDER-17",)),
    Action("registration", "join", _join, ("ORDER-10",)),
    Action("registration", "admit", _admit, ("ORDER-10",)),
    Action("registration", "move up", _move_up, ("ORDER-10",)),
    Action("registration", "move on", _move_on, ("ORDER-8",)),
    Action("registration", "end a registration", _end_registration, ("ORDER-8",)),
    Action("low_water_mark", "raise the low-water mark", lambda old, new, _: new > old, ("RING-17",)),
    Action("awaited", "count a reader that joined", lambda old, new, _: new == old - 1 >= 0, ("RING-45",)),
    Action("writer_state", "open a writer", _from(0, 1), ("RING-4",)),
    Action("writer_state", "close a writer", _from(1, 0), ("RING-4",)),
    Action("writer_state", "end the stream", _from(1, 2), ("RING-39",)),
    Action("waiters", "announce a sleeper", _bits(SLEEPERS), ("ORDER-15",)),
    Action("waiters", "announce a notifier", _bits(NOTIFIERS), ("ORDER-15",)),
    Action("waiters", "withdraw announcements", lambda old, new, _: new == old & FENCED, ("ORDER-15",)),
    Action("epoch", "count a wake-up", lambda old, new, _: new == (old + 1) & M32, ("ORDER-15",)),
    Action("notifiers", "add a notifier", lambda old, new, _: new not in (0, old), ("ORDER-21",)),
    Action("usage", "take an old notifier", _from(0, OWNED), ("ORDER-22",)),
    Action("usage", "arm a notifier", lambda old, new, _: old & ARMED == 0 and new == old | ARMED, ("ORDER-21",)),
    Action("usage", "disarm a notifier", lambda old, new, _: new == old & ~ARMED, ("ORDER-21",)),
    Action(
        "usage",
        "begin to signal",
        lambda old, new, _: old & ARMED != 0 and new == old - ARMED + SIGNALLING,
        ("ORDER-21", "ORDER-22"),
    ),
    Action("usage", "end to signal", lambda old, new, _: new == old - SIGNALLING >= 0, ("ORDER-22",)),
    Action(
        "usage",
        "leave a notifier",
        lambda old, new, _: old & OWNED != 0 and new == old & ~(ARMED | OWNED),
        ("ORDER-22",),
    ),
    Action("left", "begin to leave", _from(0, 1), ("ORDER-8",)),
    Action("left", "have left", _from(1, 2), ("ORDER-8",)),
    Action("evicted", "evict", _from(0, 1), ("ORDER-8",)),
    Action("closed", "close", _from(0, 1), ("ORDER-15",)),
    Action("handles", "hold the ring", lambda old, new, _: new == old + 1, ("ORDER-11",)),
    Action("handles", "drop the ring", lambda old, new, _: new == old - 1 >= 0, ("ORDER-11",)),
)

SITES: Final[Mapping[str, tuple[str, ...]]] = {
    "add_detached rmw 1": ("first detached reference", "add a detached reference"),
    "allocate_next_fit rmw 1": ("claim slots", "claim lost"),
    "announce store 1": ("announce",),
    "claim_in_word rmw 1": ("claim slots",),
    "count_joined rmw 1": ("count a reader that joined",),
    "deregister rmw 1": ("raise the low-water mark",),
    "deregister rmw 2": ("end a registration",),
    "drop_ring rmw 1": ("drop the ring",),
    "end_writer store 1": ("close",),
    "end_writer store 2": ("close a writer", "end the stream"),
    "event_count_notify_all rmw 1": ("withdraw announcements",),
    "event_count_notify_all rmw 2": ("count a wake-up",),
    "event_descriptor_store store 1": ("publish an event",),
    "event_descriptor_store store 2": ("describe an event",),
    "free_list_release rmw 1": ("release slots",),
    "heap_reserve rmw 1": ("reserve bytes of the heap",),
    "heap_unreserve rmw 1": ("give bytes of the heap back",),
    "hold_ring rmw 1": ("hold the ring",),
    "move_on rmw 1": ("move on",),
    "notifier_arm rmw 1": ("arm a notifier",),
    "notifier_end rmw 1": ("leave a notifier",),
    "notifier_signal rmw 1": ("disarm a notifier",),
    "notifier_take rmw 1": ("take an old notifier",),
    "notifier_take rmw 2": ("add a notifier",),
    "prepare_wait rmw 1": ("announce a sleeper", "announce a notifier"),
    "publish store 1": ("publish events",),
    "raise_gating_sequence store 1": ("raise the gating sequence",),
    "raise_gating_sequence store 2": ("lower the gating sequence",),
    "register_reader rmw 1": ("join",),
    "register_reader rmw 2": ("admit", "move up"),
    "rr_abort store 1": ("abort",),
    "rr_commit store 1": ("commit",),
    "rr_loan store 1": ("lend",),
    "rr_reader_evict store 1": ("evict",),
    "rr_reader_leave store 1": ("begin to leave",),
    "rr_reader_leave store 2": ("have left",),
    "rr_writer_open rmw 1": ("open a writer",),
    "signal_if_armed rmw 1": ("begin to signal",),
    "signal_if_armed rmw 2": ("end to signal",),
    "slot_clone rmw 1": ("add a reference",),
    "slot_publish store 1": ("first detached reference",),
    "slot_publish store 2": ("publish",),
    "slot_unref rmw 1": ("end a reference",),
    "slot_unref store 1": ("free",),
    "slot_upgrade rmw 1": ("add a reference",),
    "slowest_reader rmw 1": ("admit",),
    "take_detached rmw 1": ("take a detached reference",),
}
"""The actions that stand for each atomic site of the core that writes; a site is named as in the chapter on the orders'
necessity."""

STATISTICS: Final[Mapping[str, str]] = {
    "count_failure rmw 1": "failures",
    "count_round store 1": "rounds",
    "heap_acquire rmw 1": "heap_block_bytes",
    "heap_release rmw 1": "heap_block_bytes",
    "heap_shorten rmw 1": "heap_block_bytes",
    "allocate_next_fit store 1": "next_fit",
    "set_next_fit store 1": "next_fit",
    "new_range store 1": "seen",
    "new_range store 2": "range",
    "look_ahead_in_range store 1": "shards_used",
    "look_ahead_in_range store 2": "looks",
}
"""The sites that write to a statistic or a hint, whose value no access to other data depends on [ORDER-13]: no action
stands for them. By site, the one word to which it may write."""

PAYLOADS: Final = "copies.h"
"""The source whose sites copy payloads, which no protocol restricts: the explorer does not follow these words."""

UNFOLLOWED: Final = frozenset(STATISTICS.values())
"""The words of `STATISTICS`."""


def accepts(word: str, old: int, new: int, parameters: Parameters) -> str | None:
    """Return the name of the first action that takes a word from one value to another; None if none does.

    Args:
        word: the kind of word.
        old: its value before.
        new: its value after.
        parameters: the widths and sizes.
    """
    return next((a.name for a in ACTIONS if a.word == word and a.allows(old, new, parameters)), None)


def begins(word: str, place: tuple[int, ...], parameters: Parameters) -> int:
    """Return the value that a word has when it is made.

    Args:
        word: the kind of word.
        place: of a word of a free list, its pool and its number there.
        parameters: the widths and sizes.
    """
    if word == "free_list":
        pool, number = place
        return (1 << max(0, min(32, parameters.slots[pool] - 32 * number))) - 1
    return {"awaited": parameters.awaited, "waiters": FENCED * parameters.fenced, "usage": OWNED}.get(word, 0)


def in_words(word: str, value: int, parameters: Parameters) -> str:
    """Return a value as a reader of the specification would write it."""
    if word == "slot":
        state, count, generation = _slot(value, parameters)
        return f"{('FREE', 'LIVE', 'LOANED', 'state 3')[state]}, count {count}, generation {generation}"
    if word == "detached":
        count, generation = _detached(value, parameters)
        return f"{count} of generation {generation}"
    if word == "free_list":
        return f"free bits {value & M32:#x}, version {value >> 32}"
    if word == "registration":
        state, cursor, tag = _registration(value)
        return f"{('FREE', 'JOINING', 'ACTIVE', 'state 3')[state]}, cursor {cursor}, tag {tag}"
    return str(value) if value < 1 << 31 else hex(value)
