"""The classics: each has the verdict, the number of execution graphs and the races that the table says."""

import pytest

from rusted_ring.reference.memory_model.enumerate import behaviour
from rusted_ring.reference.memory_model.program import parse
from rusted_ring.verify.litmus.classics import CLASSICS
from rusted_ring.verify.litmus.classics.classic import Classic


@pytest.mark.clause("MODEL-10", "MODEL-11", "MODEL-14", "MODEL-15", "MODEL-16", "MODEL-18", "MODEL-20", "MODEL-23")
@pytest.mark.parametrize("classic", CLASSICS, ids=lambda classic: classic.name)
def test_classic_has_its_verdict(classic: Classic) -> None:
    found = behaviour(parse(classic.program), classic.standard)
    asked = set(classic.outcome.split())
    assert any(asked <= set(outcome.split()) for outcome in found.outcomes.values()) == classic.allowed
    assert len(found.outcomes) == classic.graphs
    assert found.races == frozenset(classic.races)


def test_classics_are_many_and_differ() -> None:
    assert len(CLASSICS) >= 100
    assert len({classic.name for classic in CLASSICS}) == len(CLASSICS)
    assert len({(classic.program, classic.standard) for classic in CLASSICS}) == len(CLASSICS)
    assert all(classic.source for classic in CLASSICS)


@pytest.mark.parametrize("classic", CLASSICS, ids=lambda classic: classic.name)
def test_outcome_asked_about_is_one_of_the_program(classic: Classic) -> None:
    # A verdict "forbidden" would be worth nothing for an outcome that names a read that is not there.
    found = behaviour(parse(classic.program), classic.standard)
    named = {word.partition("=")[0] for outcome in found.outcomes.values() for word in outcome.split()}
    assert {word.partition("=")[0] for word in classic.outcome.split()} <= named


# Numbers that need no model, worked out by hand: every order of the updates is one execution; and so on.
@pytest.mark.clause("MODEL-4", "MODEL-18")
@pytest.mark.parametrize(
    ("program", "graphs"),
    [
        ("1 0 | add 0 rlx 1 | add 0 rlx 1 | add 0 rlx 1 | add 0 rlx 1", 24),
        ("1 0 | store 0 rlx 1 | store 0 rlx 2 | store 0 rlx 3 | store 0 rlx 4", 24),
        ("1 0 | store 0 rlx 1 ; store 0 rlx 2 | store 0 rlx 3 ; store 0 rlx 4", 6),
        ("1 0 | store 0 rlx 1 | load 0 rlx | load 0 rlx | load 0 rlx", 8),
        ("3 0 | store 0 rlx 1 ; store 1 rlx 1 ; store 2 rlx 1 | load 2 rlx ; load 1 rlx ; load 0 rlx", 8),
        ("3 0 | store 0 rlx 1 ; store 1 rel 1 ; store 2 rel 1 | load 2 acq ; load 1 acq ; load 0 rlx", 4),
        ("1 0 | add 0 rlx 1 | store 0 rlx 7", 2),
        ("1 0 | cas 0 rlx rlx 0 1 | cas 0 rlx rlx 0 2", 2),
        ("1 0 | cas 0 rlx rlx 0 1 ; load 0 rlx", 1),
        ("1 0 | load 0 rlx ; skip_unless 0 1 1 ; store 0 rlx 2 | store 0 rlx 1", 2),
        ("0 1 | write 0 | write 0", 1),
        # A weak compare-exchange: fails or writes; with a second one, also fails and then either.
        ("1 0 | wcas 0 rlx rlx 0 1", 2),
        ("1 0 | wcas 0 rlx rlx 1 2", 1),
        ("1 0 | wcas 0 rlx rlx 0 1 ; wcas 0 rlx rlx 0 2", 3),
        # Neither writes; one of them does, and the other reads what was before or after.
        ("1 0 | wcas 0 rlx rlx 0 1 | wcas 0 rlx rlx 0 2", 1 + 2 * 2),
        ("1 0 | wcas 0 rlx rlx 0 1 ; skip_unless 0 0 1 ; store 0 rlx 7", 2),
        ("2 0 | store 0 rlx 1 ; light sc ; load 1 rlx | store 1 rlx 1 ; heavy ; load 0 rlx", 3),
        ("2 0 | store 0 rlx 1 ; light sc ; load 1 rlx | store 1 rlx 1 ; light sc ; load 0 rlx", 4),
    ],
)
def test_numbers_of_graphs_by_hand(program: str, graphs: int) -> None:
    assert len(behaviour(parse(program)).outcomes) == graphs
