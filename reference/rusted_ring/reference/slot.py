"""The slot word and the arrows between its states [SLOT-1 to SLOT-12].

A slot word encodes `SlotMetadata(ref_count, generation, state)`. Each transition is a function here, and an arrow of
the diagram in `spec/slots.md`; the function's precondition is the arrow's condition. `counts` is 2^R, one more than the
maximum of the reference count, and `generations` is 2^G.
"""

# ruff: noqa: ARG001 - every transition takes the same arguments, and some use them only in their contracts.

from rusted_ring.reference.generation import next_generation
from rusted_ring.vocabulary.slots import SlotMetadata, SlotState

WIDTHS = tuple(2**ref_bits for ref_bits in range(1, 23))
"""The values allowed for `counts` [PARAM-2]."""


def is_slot(slot: SlotMetadata, counts: int, generations: int) -> bool:
    """Return whether a slot is valid: its fields are in their bounds, and its count agrees with its state [SLOT-3].

    post: not _ or slot.ref_count < counts or slot.state != SlotState.LIVE
    post: not _ or (slot.ref_count > 0) == (slot.state == SlotState.LIVE)
    """
    if not 0 <= slot.generation < generations:
        return False
    if slot.state == SlotState.LIVE:
        return 1 <= slot.ref_count < counts
    return slot.ref_count == 0


def pack_word(slot: SlotMetadata, counts: int) -> int:
    """Return the slot word of a slot [SLOT-2].

    pre: counts in WIDTHS
    pre: 0 <= slot.ref_count < counts
    pre: 0 <= slot.generation < 2**40
    post: 0 <= _ < 2**64
    post: unpack_word(_, counts) == slot
    """
    return slot.state + 4 * (slot.ref_count + counts * slot.generation)


def unpack_word(word: int, counts: int) -> SlotMetadata:
    """Return the slot that a slot word encodes [SLOT-2, SLOT-14].

    pre: counts in WIDTHS
    pre: 0 <= word < 2**64
    pre: word % 4 != 3
    post: 0 <= _.ref_count < counts
    post: pack_word(_, counts) == word
    """
    count_and_generation = word // 4
    return SlotMetadata(
        ref_count=count_and_generation % counts,
        generation=count_and_generation // counts,
        state=SlotState(word % 4),
    )


def allocated(slot: SlotMetadata, counts: int, generations: int) -> SlotMetadata:
    """Return the slot after `allocate`: FREE(g) to LIVE(g, 1) [SLOT-5].

    pre: counts >= 2
    pre: is_slot(slot, counts, generations)
    pre: slot.state == SlotState.FREE
    post: is_slot(_, counts, generations)
    post: _ == SlotMetadata(1, slot.generation, SlotState.LIVE)
    """
    return SlotMetadata(1, slot.generation, SlotState.LIVE)


def loaned(slot: SlotMetadata, counts: int, generations: int) -> SlotMetadata:
    """Return the slot after `loan`: FREE(g) to LOANED(g) [SLOT-6].

    pre: counts >= 2
    pre: is_slot(slot, counts, generations)
    pre: slot.state == SlotState.FREE
    post: is_slot(_, counts, generations)
    post: _ == SlotMetadata(0, slot.generation, SlotState.LOANED)
    """
    return SlotMetadata(0, slot.generation, SlotState.LOANED)


def committed(slot: SlotMetadata, counts: int, generations: int) -> SlotMetadata:
    """Return the slot after `commit`: LOANED(g) to LIVE(g, 1) [SLOT-7].

    pre: counts >= 2
    pre: is_slot(slot, counts, generations)
    pre: slot.state == SlotState.LOANED
    post: is_slot(_, counts, generations)
    post: _ == SlotMetadata(1, slot.generation, SlotState.LIVE)
    """
    return SlotMetadata(1, slot.generation, SlotState.LIVE)


def aborted(slot: SlotMetadata, counts: int, generations: int) -> SlotMetadata:
    """Return the slot after `abort`: LOANED(g) to FREE(g + 1 mod 2^G) [SLOT-8].

    pre: counts >= 2
    pre: 2 <= generations <= 2**40
    pre: is_slot(slot, counts, generations)
    pre: slot.state == SlotState.LOANED
    post: is_slot(_, counts, generations)
    post: _ == SlotMetadata(0, next_generation(slot.generation, generations), SlotState.FREE)
    """
    return SlotMetadata(0, next_generation(slot.generation, generations), SlotState.FREE)


def is_saturated(slot: SlotMetadata, counts: int) -> bool:
    """Return whether the slot's reference count is at its maximum [SLOT-10].

    pre: counts >= 2
    pre: 0 <= slot.ref_count < counts
    post: _ == (slot.ref_count + 1 == counts)
    """
    return slot.ref_count == counts - 1


def cloned(slot: SlotMetadata, counts: int, generations: int) -> SlotMetadata:
    """Return the slot after a clone or an upgrade: LIVE(g, n) to LIVE(g, n + 1) [SLOT-9].

    pre: counts >= 2
    pre: is_slot(slot, counts, generations)
    pre: slot.state == SlotState.LIVE
    pre: not is_saturated(slot, counts)
    post: is_slot(_, counts, generations)
    post: _ == SlotMetadata(slot.ref_count + 1, slot.generation, SlotState.LIVE)
    """
    return SlotMetadata(slot.ref_count + 1, slot.generation, SlotState.LIVE)


def dropped(slot: SlotMetadata, counts: int, generations: int) -> SlotMetadata:
    """Return the slot after a drop: LIVE(g, n) to LIVE(g, n - 1), or to FREE(g + 1 mod 2^G) [SLOT-11, SLOT-12].

    pre: counts >= 2
    pre: 2 <= generations <= 2**40
    pre: is_slot(slot, counts, generations)
    pre: slot.state == SlotState.LIVE
    post: is_slot(_, counts, generations)
    post: slot.ref_count == 1 or _ == SlotMetadata(slot.ref_count - 1, slot.generation, SlotState.LIVE)
    post: slot.ref_count > 1 or _ == SlotMetadata(0, next_generation(slot.generation, generations), SlotState.FREE)
    """
    if slot.ref_count > 1:
        return SlotMetadata(slot.ref_count - 1, slot.generation, SlotState.LIVE)
    return SlotMetadata(0, next_generation(slot.generation, generations), SlotState.FREE)


def is_event_of(slot: SlotMetadata, generation: int) -> bool:
    """Return whether the slot holds a triple's event: whether it is LIVE with that generation [WEAK-2, WEAK-3, PTR-15].

    post: not _ or slot.state == SlotState.LIVE
    post: not _ or slot.generation == generation
    post: _ or slot.state != SlotState.LIVE or slot.generation != generation
    """
    return slot.state == SlotState.LIVE and slot.generation == generation
