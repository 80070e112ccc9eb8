"""`rusted-ring bench --against`: what counts as moved, what is compared at all, and what is refused."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rusted_ring.bench import against, run
from rusted_ring.bench.against import Change
from rusted_ring.bench.contract import select
from rusted_ring.bench.measured import Measured, Quartiles, UnusableResult
from rusted_ring.verify import cli

Make = Callable[[], Measured]
POOL = "pool/native/payload=64/occupancy=0/threads=1"
WHOLE_POOL = f"{POOL}/live=0"
STREAM = "stream/native/payload=64/batch=1/capacity=1024/mode=gated"
OTHERS = 16
"""Figures of the run of `made_up`, without one."""


@pytest.fixture
def made_up(made_up: Make) -> Make:
    """Return the shared run with twice its rounds: four of one pair of processors, two of another."""

    def make() -> Measured:
        measured = made_up()
        measured.rounds += made_up().rounds
        return measured

    return make


def scaled(measured: Measured, name: str, factor: float) -> Measured:
    for one in measured.rounds:
        one.figures[name] *= factor
    return measured


def write(path: Path, measured: Measured) -> Path:
    path.write_text(json.dumps(measured.as_dict()))
    return path


# --- the rule


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        ((9, 10, 11), (12, 13, 14), True),
        ((12, 13, 14), (9, 10, 11), True),
        ((9, 10, 11), (11, 13, 14), False),  # the quartiles touch
        ((9, 10, 14), (12, 13, 15), False),  # they overlap
        ((9.9, 10, 10.1), (10.2, 10.4, 10.6), False),  # apart, but by less than two runs of one program
        ((9.9, 10, 10.1), (10.2, 10.6, 10.6), True),
        ((10.2, 10.4, 10.6), (9.9, 10, 10.1), False),
    ],
)
def test_figure_has_moved_if_quartiles_are_apart_and_medians_too(
    before: tuple[float, float, float], now: tuple[float, float, float], moved: bool
) -> None:
    assert Change("x", Quartiles(*before), Quartiles(*now)).beyond_noise is moved


def test_run_beside_itself_has_not_moved(made_up: Make) -> None:
    found = against.compare(made_up(), made_up())
    assert (found.moved, found.still) == ([], OTHERS + 1)
    assert [found.only_before, found.only_now, found.few, found.other_pair, found.differs] == [[]] * 5


def test_figure_that_moved_is_named_with_both_times(made_up: Make) -> None:
    found = against.compare(made_up(), scaled(made_up(), POOL, 3.0))
    (change,) = found.moved
    assert (change.name, change.ratio, found.still) == (WHOLE_POOL, 3.0, OTHERS)
    assert (change.before, change.now) == (Quartiles(8, 8, 14), Quartiles(24, 24, 42))


def test_figures_that_one_run_has_are_named_where_both_were_to_measure_them(made_up: Make) -> None:
    before, now = made_up(), made_up()
    for one in before.rounds:
        del one.figures[POOL]
    for one in now.rounds:
        del one.figures[STREAM]
    found = against.compare(before, now)
    assert (found.only_now, found.only_before) == ([WHOLE_POOL], [f"{STREAM}/oversubscribed=0"])
    # What one of the two was not asked for is not missing from it.
    now.selection = select(["pool"], ["mimalloc"])
    assert against.compare(before, now).only_before == []


def test_one_name_with_and_without_the_parameters_of_old_is_one_figure(made_up: Make) -> None:
    now = made_up()
    for one in now.rounds:
        one.figures[WHOLE_POOL] = one.figures.pop(POOL)
    found = against.compare(made_up(), now)
    assert (found.only_now, found.only_before, found.still) == ([], [], OTHERS + 1)


def test_figure_of_too_few_rounds_is_not_compared(made_up: Make) -> None:
    now = scaled(made_up(), POOL, 3.0)
    for one in now.rounds[:4]:
        del one.figures[POOL]
    found = against.compare(made_up(), now)
    assert (found.few, found.moved) == ([WHOLE_POOL], [])


def test_figures_of_two_threads_are_not_compared_over_another_round_trip(made_up: Make) -> None:
    now = scaled(made_up(), STREAM, 3.0)
    for one in now.rounds:
        one.round_trips["c"] *= 8
    found = against.compare(made_up(), now)
    assert f"{STREAM}/oversubscribed=0" in found.other_pair
    assert not any("/rtrb/" in name or name.startswith("pool/") for name in found.other_pair)
    assert found.moved == []


def test_figures_of_two_threads_are_compared_over_the_rounds_of_one_pair(made_up: Make) -> None:
    now = made_up()
    for one in now.rounds:
        # In this run there are more rounds of the far pair, whose times are the same as before.
        if one.round_trips["c"] == 60.0 and one is not now.rounds[0]:
            one.round_trips["c"], one.figures[STREAM] = 120.0, 20.0
    now.rounds += [dataclasses.replace(now.rounds[0]) for _ in range(3)]
    assert against.compare(made_up(), now).moved == []
    for one in now.rounds:
        if one.round_trips["c"] == 60.0:
            one.figures = {**one.figures, STREAM: 13.0}
    (change,) = against.compare(made_up(), now).moved
    assert (change.before.median, change.now.median) == (10.0, 13.0)


def test_other_versions_are_told(made_up: Make) -> None:
    before, now = made_up(), made_up()
    before.machine |= {"compilers": {"C": "cc 12"}, "peers": {"rtrb": "0.4.1"}, "kernel": "6.1"}
    now.machine |= {"compilers": {"C": "cc 13"}, "peers": {"rtrb": "0.4.1"}}
    assert against.compare(before, now).differs == [("compiler C", "cc 12", "cc 13")]


# --- what is refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: setattr(one, "smoke", True), "a smoke, whose times say nothing: measure without --smoke"),
        (
            lambda one: one.rounds.__delitem__(slice(2, None)),
            "2 rounds, too few for quartiles: measure with --rounds 3 or more",
        ),
        (lambda one: one.machine.update(cpus=[0]), "another machine (cpus 1 there, 2 here)"),
        (lambda one: one.machine.update(processor="Z80"), "another machine (processor Z80 there, unknown here)"),
        (lambda one: setattr(one, "selection", select(["clone"])), "has none of the works chosen, but limit-"),
    ],
)
def test_run_that_cannot_be_compared_is_refused(
    made_up: Make, tmp_path: Path, change: Callable[[Measured], object], words: str
) -> None:
    earlier = made_up()
    change(earlier)
    path = write(tmp_path / "old.json", earlier)
    with pytest.raises(UnusableResult) as refused:
        against.read(path, made_up())
    assert str(refused.value).startswith(f"{path}: ")
    assert words in str(refused.value)


# --- the command


def test_two_files_are_compared_and_no_time_changes_the_status(
    made_up: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = made_up()
    old.machine["kernel"] = "5.10"
    new = scaled(scaled(made_up(), POOL, 3.0), POOL.replace("native", "mimalloc"), 0.5)
    new.machine["kernel"] = "6.1"
    old_path, new_path = write(tmp_path / "old.json", old), write(tmp_path / "new.json", new)
    assert cli.main(["bench", "--from", str(new_path), "--against", str(old_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"against {old_path}: "))
    assert "do not overlap and the medians differ by more than 5%" in lines[at]
    assert lines[at + 1] == "OTHERWISE THAN THEN: kernel: 5.10 then, 6.1 now"
    moved = [line.split() for line in lines[at:] if line.startswith("pool/")]
    assert [(row[0], row[-2], row[-1]) for row in moved] == [
        (WHOLE_POOL, "3.00", "slower"),
        (WHOLE_POOL.replace("native", "mimalloc"), "0.50", "faster"),
    ]
    assert lines[-1] == "1 slower, 1 faster, 15 within noise, 0 that cannot be compared"


def test_file_with_too_few_rounds_is_refused_as_the_later_run_too(
    made_up: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = made_up()
    del new.rounds[1:]
    paths = write(tmp_path / "new.json", new), write(tmp_path / "old.json", made_up())
    assert cli.main(["bench", "--from", str(paths[0]), "--against", str(paths[1])]) == 2
    assert f"argument --against: {paths[0]}: 1 round, too few" in capsys.readouterr().err


def test_file_of_another_machine_is_refused_before_anything_is_measured(
    made_up: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("something was measured")

    monkeypatch.setattr(run, "measure", never)
    path = write(tmp_path / "old.json", made_up())
    assert cli.main(["bench", "--against", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert f"argument --against: {path}: measured on another machine (processor unknown there, " in printed.err


def test_run_that_was_measured_is_compared_with_the_file(
    made_up: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def play(measured: Measured, *_: object) -> None:
        measured.rounds = scaled(made_up(), POOL, 3.0).rounds

    monkeypatch.setattr(run, "measure", play)
    monkeypatch.setattr("rusted_ring.bench.machine.facts", lambda: {"cpus": [0, 1]})
    path = write(tmp_path / "old.json", made_up())
    arguments = ["--works", "pool,stream", "--peers", "mimalloc,rtrb", "--against", str(path)]
    assert cli.main(["bench", *arguments]) == 0
    assert capsys.readouterr().out.endswith("\n1 slower, 0 faster, 16 within noise, 0 that cannot be compared\n")
