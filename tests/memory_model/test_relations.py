"""The operators of relations against sets of pairs."""

import itertools

import pytest
from hypothesis import given, strategies

from rusted_ring.reference.memory_model.relations import Relation

EVENTS = 5
Pairs = frozenset[tuple[int, int]]

PAIRS = strategies.frozensets(strategies.tuples(*[strategies.integers(0, EVENTS - 1)] * 2), max_size=9)


def related(pairs: Pairs) -> Relation:
    return Relation.of_pairs(EVENTS, pairs)


def composed(first: Pairs, second: Pairs) -> Pairs:
    return frozenset((a, d) for (a, b), (c, d) in itertools.product(first, second) if b == c)


def closed(pairs: Pairs) -> Pairs:
    while not composed(pairs, pairs) <= pairs:
        pairs |= composed(pairs, pairs)
    return pairs


@pytest.mark.clause("MODEL-6", "MODEL-9")
@given(PAIRS, PAIRS)
def test_operators_are_those_of_sets(first: Pairs, second: Pairs) -> None:
    one, other = related(first), related(second)
    assert set((one | other).pairs()) == first | second
    assert set((one & other).pairs()) == first & second
    assert set((one - other).pairs()) == first - second
    assert set((one >> other).pairs()) == composed(first, second)
    assert set(one.inverse().pairs()) == {(b, a) for a, b in first}
    assert set(one.optional().pairs()) == first | {(a, a) for a in range(EVENTS)}
    assert set(one.closure().pairs()) == closed(first)
    assert one.is_irreflexive() == all(a != b for a, b in first)
    assert one.is_acyclic() == all(a != b for a, b in closed(first))
    assert bool(one) == bool(first)
    assert (one == other) == (first == second)
    assert all(((a, b) in one) == ((a, b) in first) for a in range(EVENTS) for b in range(EVENTS))


def test_pairs_are_shown_in_order() -> None:
    assert repr(related(frozenset({(3, 1), (0, 4), (0, 2)}))) == "Relation.of_pairs(5, [(0, 2), (0, 4), (3, 1)])"
    assert len({related(frozenset({(0, 1)})), related(frozenset({(0, 1)}))}) == 1


def test_relations_over_different_events_do_not_mix() -> None:
    with pytest.raises(ValueError, match="zip"):
        _ = Relation([0]) | Relation([0, 0])
