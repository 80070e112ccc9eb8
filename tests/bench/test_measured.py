"""What comes out of rounds: ratios within a round, verdicts, what is missing, and the JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rusted_ring.bench.contract import Figure, UnknownFigure, parse, select
from rusted_ring.bench.measured import Measured, Note, Quartiles, Round, UnusableResult
from rusted_ring.bench.targets import PAGE_BYTES, PAGES, judge, targets

Make = Callable[[], Measured]
NATIVE = "stream/native/payload=64/batch=1/capacity=1024/mode=gated"
LINE = "limit-line-transfer/machine"


# --- ratios


def test_ratio_is_formed_in_each_round_and_not_of_medians() -> None:
    measured = Measured(select(["stream"]))
    for native, line in ((10.0, 10.0), (90.0, 30.0), (20.0, 10.0)):
        measured.rounds.append(Round())
        measured.rounds[-1].add({NATIVE: native, LINE: line})
    # The medians are 20 and 10; the ratios 1, 3 and 2.
    assert measured.ratio(NATIVE, LINE) == Quartiles(1.5, 2.0, 2.5)
    measured.rounds[1].figures.pop(LINE)
    assert measured.ratio(NATIVE, LINE) == Quartiles(1.25, 1.5, 1.75)
    assert measured.quartiles(NATIVE).median == 20.0


def test_ratio_of_figures_without_a_common_round_is_none() -> None:
    measured = Measured(select(["stream"]), rounds=[Round({NATIVE: 1.0}), Round({LINE: 1.0})])
    assert measured.ratio(NATIVE, LINE) is None


def test_figure_is_found_by_its_parameters(made_up: Make) -> None:
    measured = made_up()
    assert measured.find(Figure("limit-line-transfer", "machine", {"lines": "best"})) == LINE
    assert measured.find(Figure("limit-line-transfer", "machine", {"lines": "7"})) is None
    with pytest.raises(UnknownFigure, match="is not one figure, but"):
        measured.find(Figure("limit-line-transfer", "machine", {}))
    assert measured.find(Figure("limit-line-transfer", "machine", {}), {"lines": "best"}) == LINE


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"pool/nobody/payload=64": 1.0}, "no peer 'nobody'"),
        ({LINE: 0.0}, "is 0.0 ns: not a time"),
        ({LINE: float("nan")}, "is nan ns: not a time"),
        ({LINE: float("inf")}, "is inf ns: not a time"),
        ({NATIVE: 1.0}, "given twice"),
    ],
)
def test_figure_that_cannot_be_is_refused(figures: dict[str, float], words: str) -> None:
    one = Round()
    one.add({NATIVE: 1.0})
    with pytest.raises(UnknownFigure) as refused:
        one.add(figures)
    assert words in str(refused.value)


# --- pairs of processors


def test_rounds_are_told_apart_by_the_round_trip_of_their_pair() -> None:
    measured = Measured(select(["stream"]))
    trips = (60.0, 200.0, 62.0, 70.0, 190.0)
    for number, trip in enumerate(trips):
        measured.rounds.append(Round({NATIVE: 10.0 + number}, {"c": trip}))
    measured.rounds.append(Round({NATIVE: 99.0}))  # nothing was said of its pair
    near, far = measured.pairs("c")
    assert near.values(NATIVE) == [10.0, 12.0, 13.0]
    assert sorted(far.values(NATIVE)) == [11.0, 14.0]
    assert far.round_trip("c") == Quartiles(192.5, 195.0, 197.5)
    assert measured.pairs("rust") == []


def test_figures_of_two_pairs_have_no_ratio() -> None:
    rtrb = NATIVE.replace("native", "rtrb")
    measured = Measured(select(["stream"], ["rtrb"]))
    for rust, native in ((70.0, 10.0), (210.0, 20.0), (74.0, 30.0)):
        measured.rounds.append(Round({NATIVE: native, rtrb: 10.0}, {"c": 60.0, "rust": rust}))
    assert measured.ratio(NATIVE, rtrb) == Quartiles(1.5, 2.0, 2.5)
    # Within one harness the pair is the same, and of one thread it does not matter.
    pool = "pool/{}/payload=64/occupancy=0/threads=1"
    for one in measured.rounds:
        one.figures |= {LINE: 10.0, pool.format("Arc"): 1.0, pool.format("native"): 1.0}
    assert measured.ratio(NATIVE, LINE) == Quartiles(1.5, 2.0, 2.5)
    ratio = measured.ratio(pool.format("native"), pool.format("Arc"))
    assert ratio == Quartiles(1.0, 1.0, 1.0)
    assert len(measured.rounds) == 3
    measured.rounds = measured.rounds[1:2]
    assert measured.ratio(NATIVE, rtrb) is None
    assert measured.ratio(pool.format("native"), pool.format("Arc")) is not None


# --- verdicts


def test_targets_are_judged_by_the_median_of_the_rounds(made_up: Make) -> None:
    verdicts = {verdict.target.text: verdict for verdict in judge(made_up())}
    mimalloc = verdicts["allocate + fill 64 B + drop, beside mimalloc's malloc + fill + free"]
    assert mimalloc.value == Quartiles(0.5, 0.5, 0.75)
    assert mimalloc.reached is True
    full = verdicts["the same with 99% of the pool in use, beside an empty one"]
    assert full.value == Quartiles(1.0, 1.0, 1.0)
    gated = verdicts["writer and reader on two cores, 64 B, one at a time, gated, beside the transfer of a line"]
    assert gated.value == Quartiles(1.0, 1.0, 1.5)
    assert gated.why == "round trip 60 ns (60 to 90); by pair: 1.00 at 60 ns, 2.00 at 120 ns"
    (whole,) = (
        one for text, one in verdicts.items() if "one at a time, gated, beside the transfer of its 72 bytes" in text
    )
    assert whole.value is not None
    assert whole.value.median * 72 / 64 == pytest.approx(0.5)  # 10 ns of an event beside 20 ns of a line
    overwriting = [one for text, one in verdicts.items() if "one at a time, overwrite" in text]
    assert len(overwriting) == 2  # beside the best transfer of a line and that of its bytes in as many lines
    for one in overwriting:
        assert (one.value, one.reached) == (None, None)
        assert "no figure stream/native" in one.why


def test_verdict_is_no_where_the_median_is_beyond_the_bound(made_up: Make) -> None:
    measured = made_up()
    for one in measured.rounds:
        one.figures["pool/mimalloc/payload=64/occupancy=0/threads=1"] = 8.0
    assert judge(measured)[0].value == Quartiles(1.0, 1.0, 1.5)
    assert judge(measured)[0].reached is False


def test_only_what_was_selected_is_judged(made_up: Make) -> None:
    works = {verdict.target.figure.work for verdict in judge(made_up())}
    assert works == {"pool", "stream"}
    without = Measured(select(["pool"], ["glibc"]))
    assert all(verdict.target.beside.peer != "mimalloc" for verdict in judge(without) if verdict.target.beside)


def test_bounds_hold_at_their_ends_and_where_a_value_must_be_below_not() -> None:
    every = {target.text: target for target in targets(2)}
    full = every["the same with 99% of the pool in use, beside an empty one"]
    assert [full.holds(value) for value in (0.89, 0.9, 1.0, 1.1, 1.11)] == [False, True, True, True, False]
    bulk = every["Python: add_many + next_many of 256, an event, beside deque append + popleft"]
    assert [bulk.holds(value) for value in (0.99, 1.0)] == [True, False]
    queue = every["Python: allocate + view + drop, how many times faster than queue.Queue put + get"]
    assert [queue.holds(value) for value in (2.49, 2.5, 99.0)] == [False, True, True]


def test_every_target_is_of_a_figure_that_the_contract_has() -> None:
    for target in targets(4):
        for figure in filter(None, (target.figure, target.beside)):
            assert figure.work in parse_works(figure), target.text
    crowded = [target for target in targets(4) if target.figure.work == "readers"]
    assert {target.figure.keys["readers"] for target in crowded} == {"2", "3", "4"}
    # With as many readers as processors the writer has none of its own, so that only a gated ring is asked of it.
    assert {target.figure.keys["mode"] for target in crowded if target.figure.keys["readers"] == "4"} == {"gated"}


def parse_works(figure: Figure) -> tuple[str, ...]:
    from rusted_ring.bench.contract import PEERS, WORKS

    assert set(figure.keys) <= set(WORKS[figure.work].keys)
    return PEERS[figure.peer].works


def test_calls_and_wakes_are_told_in_their_units() -> None:
    measured = Measured(select(["python-busy", "python-wake"], ["SimpleQueue"]))
    measured.rounds.append(Round())
    measured.rounds[0].add(
        {
            "python-busy/native/payload=64/calls=ring/busy=1": 250.0,
            "python-busy/native/payload=64/calls=pointer/busy=1": 2_000.0,
            "python-wake/native/how=thread": 25_000.0,
        }
    )
    ring, pointer, thread, asyncio = judge(measured)
    assert (ring.value, ring.reached) == (Quartiles.of([4e6]), True)
    assert (pointer.value, pointer.reached) == (Quartiles.of([5e5]), False)
    assert (thread.value, thread.reached) == (Quartiles.of([25.0]), True)
    assert asyncio.reached is None


def memory(formula: int, resident: int, end: int) -> dict[str, object]:
    return {
        "formula": formula,
        "resident": resident,
        "start": 1_000,
        "during": [1_000, end],
        "end": end,
        "operations": 10,
    }


def test_memory_is_held_against_the_formula_and_must_not_grow() -> None:
    measured = Measured(select(["memory"]))
    slack = PAGES * PAGE_BYTES
    measured.memory = {"pools": memory(5_000, 5_000 + slack, 1_000), "ring": memory(5_000, 5_001 + slack, 5_096)}
    assert [verdict.reached for verdict in judge(measured)] == [True, True, False, False]
    measured.memory = {}
    measured.missing["memory"] = "no cmake"
    assert [(verdict.reached, verdict.why) for verdict in judge(measured)] == [(None, "no cmake")] * 4


# --- what is missing


def test_nothing_is_lost_where_everything_is_there(made_up: Make) -> None:
    assert made_up().lost() == []


def test_figure_that_is_in_no_round_is_named(made_up: Make) -> None:
    measured = made_up()
    for one in measured.rounds:
        del one.figures["pool/mimalloc/payload=64/occupancy=99/threads=1"]
    assert measured.lost() == ["no figure pool/mimalloc/payload=64/occupancy=99/threads=1/live=0"]


def test_figure_that_is_not_in_one_round_is_named(made_up: Make) -> None:
    measured = made_up()
    del measured.rounds[1].figures[LINE]
    assert measured.lost() == [f"no figure {LINE} in round 2"]


def test_figure_that_a_harness_promised_is_named(made_up: Make) -> None:
    measured = made_up()
    measured.listed.append("pool/native/payload=256/occupancy=0/threads=1")
    assert measured.lost() == ["no figure pool/native/payload=256/occupancy=0/threads=1 in any round"]


def test_missing_peer_is_not_a_lost_figure(made_up: Make) -> None:
    measured = made_up()
    for one in measured.rounds:
        one.figures = {name: ns for name, ns in one.figures.items() if parse(name).peer != "mimalloc"}
    assert len(measured.lost()) == 3
    measured.missing["mimalloc"] = "library mimalloc was not found"
    assert measured.lost() == []
    assert measured.missing_peers() == {"mimalloc": "library mimalloc was not found"}
    assert judge(measured)[0].why == "library mimalloc was not found"


def test_native_may_be_missing_in_one_language_alone(made_up: Make) -> None:
    measured = made_up()
    measured.missing["python: native"] = "no pyperf"
    assert measured.why_missing("pool", "native") == ""
    assert measured.missing_peers() == {}
    for one in measured.rounds:
        del one.figures[NATIVE]
    assert measured.lost() == ["no figure stream/native/payload=64/batch=1/capacity=1024"]


def test_what_a_peer_cannot_do_is_not_a_lost_figure(made_up: Make) -> None:
    measured = made_up()
    for one in measured.rounds:
        del one.figures["stream/rtrb/payload=64/batch=64/capacity=1024/mode=gated"]
    assert measured.lost() == ["no figure stream/rtrb/payload=64/batch=64/capacity=1024"]
    measured.cannot.append(Note("stream/rtrb/payload=64/batch=64/", "it has no bulk call"))
    assert measured.lost() == []


def test_failures_and_absent_memory_are_lost() -> None:
    measured = Measured(select(["memory"]), failures=["Rust: did not end within 5 s"])
    assert measured.lost() == ["Rust: did not end within 5 s", "no figures of memory"]


# --- JSON


def test_run_is_the_same_after_it_was_written_and_read(made_up: Make, tmp_path: Path) -> None:
    measured = made_up()
    measured.notes.append(Note("pool/", "a note"))
    measured.notes = [Note("pool/mimalloc/", "a note")]
    path = tmp_path / "run.json"
    path.write_text(json.dumps(measured.as_dict()))
    assert Measured.read(path) == measured


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("once upon", "not JSON"),
        ("[]", "not the JSON of rusted-ring bench"),
        ('{"format": 0}', "in format 1: measure anew"),
        ('{"format": 1}', "not a whole run"),
    ],
)
def test_file_that_is_no_run_is_refused(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UnusableResult) as refused:
        Measured.read(path)
    assert words in str(refused.value)


def test_file_with_a_figure_that_nobody_knows_is_refused(made_up: Make, tmp_path: Path) -> None:
    document = made_up().as_dict()
    document["rounds"][0]["figures"]["pool/nobody/payload=64"] = 1.0
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document))
    with pytest.raises(UnusableResult, match="no peer 'nobody'"):
        Measured.read(path)


# --- rounds that the quartiles ask for


@pytest.mark.parametrize(
    ("quartiles", "rounds"),
    [((10, 10, 10), 0), ((9.9, 10, 10.1), 1), ((9.5, 10, 10.5), 10), ((9, 10, 11), 40)],
)
def test_rounds_needed_grow_with_the_square_of_the_quartiles_distance(
    quartiles: tuple[float, float, float], rounds: int
) -> None:
    assert Quartiles(*quartiles).rounds_needed(0.05) == rounds


def test_figure_is_unsettled_until_it_has_the_rounds_that_it_needs() -> None:
    measured = Measured(select(["stream"]))
    for value in (8.0, 10.0, 12.0, 10.0):
        measured.rounds.append(Round({NATIVE: value, LINE: 10.0}))
    assert measured.unsettled(0.05) == {NATIVE: 10}
    measured.rounds = measured.rounds * 3
    assert measured.unsettled(0.05) == {}


def test_rounds_of_two_pairs_are_no_reason_for_more_of_them() -> None:
    measured = Measured(select(["stream"]))
    for trip, value in ((60.0, 10.0), (200.0, 30.0), (60.0, 10.1), (60.0, 9.9)):
        measured.rounds.append(Round({NATIVE: value}, {"c": trip}))
    assert measured.unsettled(0.05) == {}
    for one in measured.rounds:
        one.round_trips = {}
    assert list(measured.unsettled(0.05)) == [NATIVE]


def test_round_of_some_figures_has_not_lost_the_others(made_up: Make) -> None:
    measured = made_up()
    measured.rounds.append(Round({NATIVE: 10.0}, only=["stream/native"]))
    # The other figure of the same work and peer was to be measured again as well.
    bulk = NATIVE.replace("batch=1", "batch=64")
    assert measured.lost() == [f"no figure {bulk} in round 4"]
    measured.rounds[-1].figures[bulk] = 8.0
    assert measured.lost() == []


def test_partial_round_is_written_and_read(made_up: Make, tmp_path: Path) -> None:
    measured = made_up()
    measured.rounds.append(Round({NATIVE: 10.0}, only=["stream/native"]))
    path = tmp_path / "run.json"
    document = measured.as_dict()
    path.write_text(json.dumps(document))
    assert Measured.read(path) == measured
    # Files of before there were such rounds do not have the field.
    for one in document["rounds"]:
        del one["only"]
    path.write_text(json.dumps(document))
    assert [one.only for one in Measured.read(path).rounds] == [None] * 4
