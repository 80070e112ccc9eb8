"""The engine against the axioms: the same graphs and races of litmus programs, named ones and generated ones."""

import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rusted_ring.reference.memory_model.axioms import Standard
from rusted_ring.verify.explorer.engine import CannotRun, LineServer, build_litmus
from rusted_ring.verify.litmus.classics import CLASSICS
from rusted_ring.verify.litmus.classics.classic import Classic
from rusted_ring.verify.litmus.comparison import Answer, compare, differences, model_answer
from rusted_ring.verify.litmus.generation import generate

PARTS = 8
PROGRAMS = 6_000 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 480
SHARE_OF = {Standard.CXX20: 1, Standard.C11: 4}
"""One in how many of the generated programs is compared under a standard."""


@pytest.fixture(scope="module")
def litmus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LineServer]:
    """The harness of litmus programs."""
    with LineServer(build_litmus(tmp_path_factory.mktemp("litmus"))) as server:
        yield server


def ask(server: LineServer, program: str, std: Standard = Standard.CXX20) -> Answer:
    return server.ask(program, graphs=1, keep_going=1, std=std)


@pytest.mark.clause("MODEL-18", "EXPLORE-1", "EXPLORE-2")
@pytest.mark.parametrize("classic", CLASSICS, ids=lambda classic: classic.name)
def test_a_classic_has_its_known_verdict(litmus: LineServer, classic: Classic) -> None:
    answer = ask(litmus, classic.program, classic.standard)
    expected = model_answer(classic.program, classic.standard)
    assert differences(expected, answer) == ()
    assert answer["executions"] == answer["distinct"] == classic.graphs
    assert answer["redundant"] == answer["blocked"] == 0
    assert answer["exhaustive"]


@pytest.mark.share(4)
@pytest.mark.clause("MODEL-18", "EXPLORE-1", "EXPLORE-2")
@pytest.mark.parametrize("standard", Standard)
@pytest.mark.parametrize("part", range(PARTS))
def test_generated_programs_have_the_graphs_that_the_axioms_allow(
    litmus: LineServer, part: int, standard: Standard
) -> None:
    programs = generate(1_000 + part, PROGRAMS // PARTS // SHARE_OF[standard])
    engine, expected = functools.partial(ask, litmus, std=standard), functools.partial(model_answer, std=standard)
    assert [str(found) for found in compare(programs, engine, expected=expected, limit=3)] == []


@pytest.mark.clause("EXPLORE-6")
def test_each_graph_is_replayed_by_its_string(litmus: LineServer) -> None:
    """What is left after a bound is as many strings; each leads to graphs that the rest does not have."""
    program = "2 0 | store 0 rlx 1 ; load 1 rlx ; add 0 rlx 1 | store 1 rlx 1 ; load 0 rlx ; add 0 rlx 2"
    whole = ask(litmus, program)
    first = litmus.ask(program, graphs=1, max=4, dump=1)
    graphs = list(first["graphs"])
    assert len(graphs) == 4
    assert not first["exhaustive"]
    for _, pending in first["pending"]:
        graphs += litmus.ask(program, **{"graphs": 1, "from": pending})["graphs"]
    assert sorted(graphs) == sorted(whole["graphs"])
    assert len(set(graphs)) == len(graphs)


REPLAYED = (
    "2 0 | store 0 rlx 1 ; fence sc ; load 1 rlx | store 1 rlx 1 ; fence sc ; load 0 rlx",
    "2 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 acq ; load 0 rlx",
    "2 0 | store 0 rlx 1 ; store 1 rlx 1 | load 1 acq ; load 0 rlx",
    "1 0 | add 0 rlx 1 | add 0 rlx 2 ; load 0 rlx",
    "1 0 | store 0 rlx 1 ; store 0 rlx 2 | load 0 rlx ; load 0 rlx",
    "2 0 | store 0 sc 1 ; load 1 sc | store 1 sc 1 ; load 0 sc",
    "2 0 | load 0 rlx ; store 1 rlx 1 | load 1 rlx ; store 0 rlx 1",
)
"""Programs in which each access is executed whatever is read."""


def variants(replay: str) -> Iterator[str]:
    """Yield the string with every source for each read, and every place for each write."""
    events = replay.split(";")
    writes = ["i", *(str(number) for number, event in enumerate(events) if "S" in event or "W" in event)]
    choices = [
        [f"{event[: event.index(sign) + 1]}{write}" for write in writes]
        if (sign := next((one for one in "<@" if one in event), ""))
        else [event]
        for event in events
    ]
    return map(";".join, itertools.product(*choices))


@pytest.mark.clause("EXPLORE-6")
@pytest.mark.parametrize("program", REPLAYED)
def test_a_replay_is_refused_exactly_if_no_execution_is_meant(litmus: LineServer, program: str) -> None:
    """Of all strings of the right form, those that are followed name exactly the graphs that the axioms allow."""
    allowed = ask(litmus, program)["graphs"]
    first = litmus.ask(program, histories=1, max=1)["histories"][0]["replay"]
    followed, refused = set(), 0
    for replay in variants(first):
        try:
            followed.update(litmus.ask(program, graphs=1, replay=replay)["graphs"])
        except CannotRun:
            refused += 1
    assert followed == set(allowed)
    assert refused > 0


@pytest.mark.clause("EXPLORE-7")
def test_what_is_drawn_at_random_is_part_of_the_whole_and_says_so(litmus: LineServer) -> None:
    program = "2 0 | store 0 rlx 1 ; load 1 rlx | store 1 rlx 1 ; load 0 rlx | load 0 rlx ; load 1 rlx"
    whole = set(ask(litmus, program)["graphs"])
    drawn = litmus.ask(program, graphs=1, random=300, seed=5)
    assert not drawn["exhaustive"]
    assert set(drawn["graphs"]) <= whole
    assert len(set(drawn["graphs"])) > len(whole) // 3
    assert drawn["graphs"] == litmus.ask(program, graphs=1, random=300, seed=5)["graphs"]
    assert drawn["graphs"] != litmus.ask(program, graphs=1, random=300, seed=6)["graphs"]


def test_a_folder_of_its_own_is_used_for_each_build(tmp_path: Path) -> None:
    one = build_litmus(tmp_path)
    assert one.parent == tmp_path
