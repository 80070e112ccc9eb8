"""The pure functions of the reference on values chosen by hand and on every small value; CrossHair has the rest."""

import itertools

import pytest

from rusted_ring.reference.cursor import (
    accepted,
    backlog_of,
    caught_up,
    delivered,
    is_conserved,
    is_lapped,
    joined,
    lag_of,
    oldest_overwriting,
    oldest_unread,
    room,
    slot_of_sequence,
)
from rusted_ring.reference.generation import generation_after, is_refused, next_generation
from rusted_ring.reference.layout import heap_block_bytes, heap_table_bytes, pool_bytes, ring_bytes, slot_bytes
from rusted_ring.reference.sizes import smallest_class
from rusted_ring.reference.slot import (
    aborted,
    allocated,
    cloned,
    committed,
    dropped,
    is_event_of,
    is_saturated,
    is_slot,
    loaned,
    pack_word,
    unpack_word,
)
from rusted_ring.reference.token import generation_of_token, pool_of_token, slot_of_token, token_of
from rusted_ring.vocabulary.layout import event_bytes, round64
from rusted_ring.vocabulary.sizes import EventSize, PoolId
from rusted_ring.vocabulary.slots import SlotMetadata, SlotState

FREE, LIVE, LOANED = SlotState.FREE, SlotState.LIVE, SlotState.LOANED


def slots_of(counts: int, generations: int) -> list[SlotMetadata]:
    """Return every slot that there can be."""
    fields = itertools.product(range(counts), range(generations), SlotState)
    return [slot for slot in itertools.starmap(SlotMetadata, fields) if is_slot(slot, counts, generations)]


@pytest.mark.clause("LAYOUT-1")
@pytest.mark.parametrize(("number", "rounded"), [(0, 0), (1, 64), (63, 64), (64, 64), (65, 128), (4_104, 4_160)])
def test_round64_goes_up_to_the_next_line(number: int, rounded: int) -> None:
    assert round64(number) == rounded


@pytest.mark.clause("LAYOUT-1", "LAYOUT-2", "LAYOUT-3", "LAYOUT-5", "LAYOUT-6")
def test_layouts_by_hand() -> None:
    assert [event_bytes(size) for size in (1, 56, 57, 64, 256)] == [64, 64, 128, 128, 320]
    assert slot_bytes(64) == 192
    assert pool_bytes(2_000, slot_bytes(64)) == 384_064
    assert heap_table_bytes(64) == 4_160
    assert heap_block_bytes(16_385) == 64 + 16_448
    assert ring_bytes(4, 64, 0) == 3 * 64 + 4 * 64 + 64
    assert ring_bytes(9, 65, 16) == 19 * 64 + 9 * 128 + 128


@pytest.mark.clause("LAYOUT-4")
def test_seed_pools_take_1615040_bytes() -> None:
    capacities = {EventSize.XS: 2_000, EventSize.S: 1_000, EventSize.M: 300, EventSize.L: 60, EventSize.XL: 15}
    assert sum(pool_bytes(count, slot_bytes(size)) for size, count in capacities.items()) == 1_615_040


@pytest.mark.clause("SIZE-1", "SIZE-2", "SIZE-4")
def test_smallest_class_changes_right_above_each_limit() -> None:
    classes = list(EventSize)
    for smaller, larger in itertools.pairwise(classes):
        assert smallest_class(smaller) is smaller
        assert smallest_class(smaller + 1) is larger
    assert smallest_class(0) is EventSize.XS
    assert [PoolId.from_size(size) for size in classes] == list(range(6))
    assert [pool_id.size for pool_id in PoolId] == classes


@pytest.mark.clause("SLOT-2")
@pytest.mark.parametrize("ref_bits", [1, 2, 8, 22])
def test_word_is_state_count_and_generation_in_their_places(ref_bits: int) -> None:
    counts = 2**ref_bits
    assert pack_word(SlotMetadata(0, 0, FREE), counts) == 0
    assert pack_word(SlotMetadata(1, 0, LIVE), counts) == 0b101
    assert pack_word(SlotMetadata(0, 1, LOANED), counts) == 2 + 4 * counts
    assert pack_word(SlotMetadata(counts - 1, 2**40 - 1, LIVE), counts) == 2 ** (42 + ref_bits) - 3


@pytest.mark.clause("SLOT-2")
def test_widest_word_is_below_2_64() -> None:
    assert pack_word(SlotMetadata(2**22 - 1, 2**40 - 1, LOANED), 2**22) == 2**64 - 2


@pytest.mark.clause("SLOT-2", "SLOT-14")
@pytest.mark.parametrize(("ref_bits", "generation_bits"), [(1, 1), (2, 2), (3, 1), (1, 4)])
def test_every_slot_has_a_word_of_its_own_and_comes_back_from_it(ref_bits: int, generation_bits: int) -> None:
    slots = slots_of(2**ref_bits, 2**generation_bits)
    words = [pack_word(slot, 2**ref_bits) for slot in slots]
    assert len(set(words)) == len(words) == 2**generation_bits * (2**ref_bits + 1)
    assert [unpack_word(word, 2**ref_bits) for word in words] == slots
    assert all(type(unpack_word(word, 2**ref_bits).state) is SlotState for word in words)


@pytest.mark.clause("SLOT-3")
def test_what_cannot_be_a_slot() -> None:
    assert not is_slot(SlotMetadata(0, 0, LIVE), 4, 4)
    assert not is_slot(SlotMetadata(4, 0, LIVE), 4, 4)
    assert not is_slot(SlotMetadata(1, 0, FREE), 4, 4)
    assert not is_slot(SlotMetadata(1, 0, LOANED), 4, 4)
    assert not is_slot(SlotMetadata(0, 4, FREE), 4, 4)
    assert not is_slot(SlotMetadata(0, -1, FREE), 4, 4)


@pytest.mark.clause("SLOT-3", "SLOT-5", "SLOT-6", "SLOT-7", "SLOT-8", "SLOT-9", "SLOT-11", "SLOT-12")
@pytest.mark.parametrize(("counts", "generations"), [(2, 2), (4, 4), (8, 2), (2, 8)])
def test_arrows_are_those_of_the_diagram_and_no_others(counts: int, generations: int) -> None:
    drawn: set[tuple[SlotMetadata, str, SlotMetadata]] = set()
    for generation in range(generations):
        after = SlotMetadata(0, (generation + 1) % generations, FREE)
        free, loan = SlotMetadata(0, generation, FREE), SlotMetadata(0, generation, LOANED)
        live = [SlotMetadata(count, generation, LIVE) for count in range(1, counts)]
        drawn |= {(free, "allocated", live[0]), (free, "loaned", loan), (loan, "committed", live[0])}
        drawn |= {(loan, "aborted", after), (live[0], "dropped", after)}
        drawn |= {(fewer, "cloned", more) for fewer, more in itertools.pairwise(live)}
        drawn |= {(more, "dropped", fewer) for fewer, more in itertools.pairwise(live)}
    arrows = {FREE: (allocated, loaned), LOANED: (committed, aborted), LIVE: (cloned, dropped)}
    walked = {
        (slot, arrow.__name__, arrow(slot, counts, generations))
        for slot in slots_of(counts, generations)
        for arrow in arrows[slot.state]
        if arrow is not cloned or not is_saturated(slot, counts)
    }
    assert walked == drawn
    assert {slot for _, _, slot in walked} <= set(slots_of(counts, generations))


@pytest.mark.clause("SLOT-10")
@pytest.mark.parametrize("counts", [2, 4, 256, 2**22])
def test_counter_is_saturated_at_its_largest_count_alone(counts: int) -> None:
    assert is_saturated(SlotMetadata(counts - 1, 0, LIVE), counts)
    assert not is_saturated(SlotMetadata(counts - 2, 0, LIVE), counts)
    assert not is_saturated(SlotMetadata(0, 0, FREE), counts)


@pytest.mark.clause("WEAK-2", "WEAK-3", "LOAN-9")
def test_event_is_there_only_in_a_live_slot_of_the_same_generation() -> None:
    there = [slot for slot in slots_of(4, 4) if is_event_of(slot, 2)]
    assert there == [SlotMetadata(count, 2, LIVE) for count in (1, 2, 3)]


@pytest.mark.clause("WEAK-4", "WEAK-5", "SLOT-12")
@pytest.mark.parametrize("generation_bits", [1, 2, 3])
def test_generation_comes_round_after_exactly_2_to_the_g_frees(generation_bits: int) -> None:
    generations = 2**generation_bits
    for start in range(generations):
        generation = start
        for frees in range(3 * generations):
            assert generation == generation_after(start, frees, generations)
            assert is_refused(start, frees, generations) == (generation != start) == (frees % generations != 0)
            generation = next_generation(generation, generations)


@pytest.mark.clause("PTR-10")
def test_token_by_hand() -> None:
    assert token_of(0, 0, 0) == 2**61
    assert token_of(5, 2**21 - 1, 2**40 - 1) == 7 * 2**61 - 1
    assert token_of(1, 3, 7) == 2 * 2**61 + 3 * 2**40 + 7


@pytest.mark.clause("PTR-10")
def test_tokens_of_all_corners_differ_and_come_apart() -> None:
    corners = list(itertools.product(range(6), (0, 1, 2**20, 2**21 - 1), (0, 1, 2**39, 2**40 - 1)))
    tokens = [token_of(*corner) for corner in corners]
    assert len(set(tokens)) == len(corners)
    assert [(pool_of_token(t), slot_of_token(t), generation_of_token(t)) for t in tokens] == corners


@pytest.mark.clause("PTR-16")
def test_token_without_a_pool_names_pool_minus_1_or_6() -> None:
    assert pool_of_token(0) == pool_of_token(2**61 - 1) == -1
    assert pool_of_token(2**64 - 1) == 6


@pytest.mark.clause("RING-2")
def test_sequences_go_round_the_slots() -> None:
    assert [slot_of_sequence(sequence, 3) for sequence in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert slot_of_sequence(2**64 - 1, 3) == 0


@pytest.mark.clause("RING-10", "RING-11", "RING-22", "RING-23")
@pytest.mark.parametrize("capacity", [1, 2, 3, 5])
def test_retained_and_backlog_are_those_of_a_bounded_queue(capacity: int) -> None:
    queue: list[int] = []
    for published in range(4 * capacity):
        assert list(range(oldest_overwriting(published, capacity), published)) == queue
        for cursor in range(published + 1):
            assert lag_of(published, cursor) == published - cursor
            assert backlog_of(published, cursor, capacity) == len(
                [sequence for sequence in queue if sequence >= cursor]
            )
            assert is_lapped(joined(cursor), oldest_overwriting(published, capacity)) == (
                cursor < published and cursor not in queue
            )
        queue = [*queue, published][-capacity:]


@pytest.mark.clause("RING-17")
def test_without_readers_what_was_read_stays_gone_and_the_rest_is_overwritten() -> None:
    assert oldest_unread(published=3, capacity=4, low_water_mark=0) == 0
    assert oldest_unread(published=9, capacity=4, low_water_mark=0) == 5
    assert oldest_unread(published=9, capacity=4, low_water_mark=7) == 7
    assert oldest_unread(published=9, capacity=4, low_water_mark=9) == 9


@pytest.mark.clause("RING-14", "RING-15", "RING-25")
@pytest.mark.parametrize("capacity", [1, 3])
def test_gate_closes_when_the_slowest_reader_is_capacity_behind(capacity: int) -> None:
    for behind in range(capacity + 1):
        assert room(10 + behind, 10, capacity) == capacity - behind
        for offered in range(capacity + 2):
            assert accepted(10 + behind, 10, capacity, offered) == min(offered, capacity - behind)


@pytest.mark.clause("RING-11", "RING-12")
def test_delivered_and_skipped_are_conserved_over_a_lap() -> None:
    position = joined(5)
    position = delivered(position, 3)
    assert (position.start, position.cursor, position.delivered, position.skipped) == (5, 8, 3, 0)
    position = caught_up(position, 20)
    assert (position.start, position.cursor, position.delivered, position.skipped) == (5, 20, 3, 12)
    position = delivered(position, 1)
    assert is_conserved(position)
    assert not is_conserved(position._replace(skipped=11))
