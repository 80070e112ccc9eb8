"""The catalogue of seeded defects: it applies to the source, a sample is caught, and what nothing catches is told.

The whole of it is tried by `python -m rusted_ring.verify.defects`, which CI runs, and by `rusted-ring verify --full`.
"""

import pathlib

import pytest

from rusted_ring.verify import defects
from rusted_ring.verify.checkout import checkout
from rusted_ring.verify.clauses import load_clauses
from rusted_ring.verify.defects import CatalogueError, Defect, DefectsReport, Limits, Outcome

NOTHING_WRONG = Defect(
    name="comment-alone",
    file="src/sizes.c",
    old="int rr_estimate_size(uint64_t length)\n{",
    new="int rr_estimate_size(uint64_t length)\n{ /* nothing is changed */",
    clauses=("SIZE-2",),
)


def native_folder() -> pathlib.Path:
    return checkout() / "native"


def test_the_catalogue_is_large_and_its_clauses_exist() -> None:
    catalogue = defects.read_catalogue()
    clauses = load_clauses()
    assert len(catalogue) >= 80
    for defect in catalogue:
        assert defect.clauses, defect.name
        assert set(defect.clauses) <= set(clauses), defect.name


@pytest.mark.parametrize("defect", defects.read_catalogue(), ids=lambda defect: defect.name)
def test_a_defect_applies_to_the_source_as_it_is(defect: Defect) -> None:
    changed = defects.applied(defect, native_folder())
    assert changed != (native_folder() / defect.file).read_text(encoding="utf-8")


def test_a_defect_that_no_longer_applies_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "twice.c").write_text("a = 1;\nb = 1;\n", encoding="utf-8")
    for old, new, complaint in (
        ("= 2;", "", "0 times"),
        ("= 1;", "", "2 times"),
        ("a = 1;", "a = 1;", "changes nothing"),
    ):
        defect = Defect("name", "twice.c", old, new, ("SLOT-1",))
        with pytest.raises(CatalogueError, match=complaint):
            defects.applied(defect, tmp_path)
    with pytest.raises(CatalogueError, match="there is no"):
        defects.applied(Defect("name", "gone.c", "a", "b", ("SLOT-1",)), tmp_path)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('name = "a"\nclauses = []\nfile = "f"\nold = "o"', "incomplete"),
        ('name = "a"\nclauses = []\nfile = "f"\nold = "o"\nnew = "n"\ncolour = "red"', "unknown keys"),
        ('name = "a"\nclauses = []\nfile = "f"\nold = "o"\nnew = "n"\nlayer = "luck"', "layer is 'luck'"),
        ('name = "a"\nclauses = []\nfile = "f"\nold = "o"\nnew = "n"\nclient = "nobody"', "client is 'nobody'"),
    ],
)
def test_a_bad_entry_is_refused(tmp_path: pathlib.Path, entry: str, complaint: str) -> None:
    path = tmp_path / "defects.toml"
    path.write_text(f"[[defect]]\n{entry}\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=complaint):
        defects.read_catalogue(path)


def test_two_entries_of_one_name_are_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "defects.toml"
    path.write_text('[[defect]]\nname = "a"\nclauses = []\nfile = "f"\nold = "o"\nnew = "n"\n' * 2, encoding="utf-8")
    with pytest.raises(CatalogueError, match="two defects"):
        defects.read_catalogue(path)


def test_a_survivor_is_told_apart() -> None:
    caught = Outcome("one", "diff: crash", "", "SIGSEGV", 1.0, 1.0)
    survivor = Outcome("two", "", "", "", 1.0, 1.0)
    assert not caught.survived
    assert survivor.survived
    report = DefectsReport((caught, survivor), ("two: survived",), 2.0)
    assert not report.ok
    assert report.as_dict()["survived"] == ["two"]
    assert "SURVIVED" in defects.table(report)


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        defects.main(["--only", "no-such-defect"])
    assert ending.value.code == 2
    assert "no-such-defect" in capsys.readouterr().err


@pytest.mark.clause("ALLOC-10")
def test_the_pool_goes_round_its_free_slots() -> None:
    from rusted_ring import native

    assert defects.check_round(native) is None


def chosen(*names: str) -> list[Defect]:
    return [defect for defect in defects.read_catalogue() if defect.name in names]


@pytest.mark.slow
def test_a_change_that_breaks_nothing_survives() -> None:
    """Without this, a check that always cries would pass for one that catches everything."""
    report = defects.run_defects([NOTHING_WRONG], limits=Limits(steps=2_000))
    assert report.problems == ("comment-alone: survived",)
    assert report.outcomes[0].survived


@pytest.mark.slow
def test_defects_are_caught_by_the_check_that_should_see_them() -> None:
    names = (
        "generation-kept-by-the-last-drop",
        "lapped-one-too-late",
        "hint-not-moved",
        "search-without-end",
        "forked-process-silences-its-parents-bell",
        "reader-moved-on-by-a-weak-exchange",
    )
    report = defects.run_defects(chosen(*names))
    assert report.problems == ()
    assert {outcome.name: outcome.caught_by for outcome in report.outcomes} == {
        "generation-kept-by-the-last-drop": "diff: disagreement",
        "lapped-one-too-late": "diff: disagreement",
        "hint-not-moved": "round: disagreement",
        "search-without-end": "diff: hang",
        "forked-process-silences-its-parents-bell": "ctest: failure",
        "reader-moved-on-by-a-weak-exchange": "spurious: failure",
    }
    assert {outcome.clause for outcome in report.outcomes if outcome.name == "hint-not-moved"} == {"ALLOC-10"}


@pytest.mark.slow
def test_a_crash_counts_as_caught() -> None:
    crash = Defect(
        name="crash",
        file="src/sizes.c",
        old=NOTHING_WRONG.old,
        new=NOTHING_WRONG.old + " if (length == 63) __builtin_trap();",
        clauses=("SIZE-2",),
    )
    workshop_report = defects.run_defects([crash], limits=Limits(steps=2_000))
    assert workshop_report.problems == ()
    assert workshop_report.outcomes[0].caught_by == "diff: crash"


@pytest.mark.slow
def test_a_defect_that_does_not_compile_fails_the_run() -> None:
    broken = Defect("broken", "src/sizes.c", NOTHING_WRONG.old, NOTHING_WRONG.old + " this is not C;", ("SIZE-2",))
    report = defects.run_defects([broken], limits=Limits(steps=500))
    assert not report.ok
    assert "build failed" in report.problems[0]
