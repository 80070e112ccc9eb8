"""The catalogue of seeded defects: it applies to the source, a sample is caught, and what nothing catches is told.

The whole of it is tried by `python -m rusted_ring.verify.defects`, of which CI runs a share with each commit, and by
`rusted-ring verify --full`.
"""

import dataclasses
import pathlib

import pytest

from rusted_ring.verify.defects import catalogue as defects_catalogue
from rusted_ring.verify.defects import checks, command, run
from rusted_ring.verify.defects.catalogue import CatalogueError, Defect
from rusted_ring.verify.defects.checks import Limits
from rusted_ring.verify.defects.run import DefectsReport, Outcome
from rusted_ring.verify.support.c_functions import Functions
from rusted_ring.verify.support.checkout import checkout
from rusted_ring.verify.support.clauses import load_clauses

NOTHING_WRONG = Defect(
    name="comment-alone",
    function="rr_estimate_size",
    old="int rr_estimate_size(uint64_t length)\n{",
    new="int rr_estimate_size(uint64_t length)\n{ /* nothing is changed */",
    clauses=("SIZE-2",),
)


@pytest.fixture(scope="module")
def functions() -> Functions:
    return Functions(checkout() / "native" / "src")


def test_the_catalogue_is_large_and_its_clauses_exist() -> None:
    catalogue = defects_catalogue.read_catalogue()
    clauses = load_clauses()
    assert len(catalogue) >= 80
    for defect in catalogue:
        assert defect.clauses, defect.name
        assert set(defect.clauses) <= set(clauses), defect.name


@pytest.mark.parametrize("defect", defects_catalogue.read_catalogue(), ids=lambda defect: defect.name)
def test_a_defect_applies_to_the_source_as_it_is(functions: Functions, defect: Defect) -> None:
    path, changed = defects_catalogue.applied(defect, functions)
    assert changed != path.read_text(encoding="utf-8")
    assert defect.program == "" or (checkout() / "native" / "tests" / f"{defect.program}.c").is_file()


TWICE = """
int twice(void)
{
    int a = 1;
    return a = 1;
}
"""


def test_a_defect_that_no_longer_applies_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "twice.c").write_text(TWICE, encoding="utf-8")
    functions = Functions(tmp_path)
    for function, old, complaint in (
        ("twice", "= 2;", "is in twice 0 times"),
        ("twice", "a = 1;", "is in twice 2 times"),
        ("twice", "int a = 1;", "changes nothing"),
        ("gone", "int a = 1;", "there is no function gone"),
    ):
        with pytest.raises(CatalogueError, match=complaint):
            defects_catalogue.applied(Defect("name", function, old, "int a = 1;", ("SLOT-1",)), functions)


def test_a_defect_is_applied_in_whichever_file_its_function_is(tmp_path: pathlib.Path) -> None:
    """Text outside the function is not taken for it, and another definition that the preprocessor selects is."""
    other = "int other(void)\n{\n    return 1;\n}\n"
    defect = Defect("name", "twice", "int a = 1;", "int a = 2;", ("SLOT-1",))
    for name in ("one.c", "two.h"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text(f"int a = 1;\n{other}{TWICE}{other}", encoding="utf-8")
        (folder / "three.c").write_text("static int twice(void)\n{\n    return 3;\n}\n", encoding="utf-8")
        path, text = defects_catalogue.applied(defect, Functions(folder))
        assert path == folder / name
        assert text == f"int a = 1;\n{other}{TWICE.replace('int a = 1;', 'int a = 2;')}{other}"
    twice = dataclasses.replace(defect, old="return")
    with pytest.raises(CatalogueError, match="is in twice 2 times"):
        defects_catalogue.applied(twice, Functions(folder))


ENTRY = '[[defect]]\nname = "a"\nclauses = []\nfunction = "f"\nold = "o"\n'


@pytest.mark.parametrize(
    ("rest", "complaint"),
    [
        ("", "incomplete"),
        ('new = "n"\ncolour = "red"', "unknown keys"),
        ('new = "n"\nlayer = "luck"', "layer is 'luck'"),
        ('new = "n"\nclient = "add-and-next"', "client is 'add-and-next': name a client"),
        ('new = "n"\nlayer = "explore"', "client is ''"),
        (
            'new = "n"\nlayer = "explore"\nclient = "nobody"',
            "client is 'nobody': the corpus has no client of that name",
        ),
        ('new = "n"\nlayer = "ctest"', "program is ''"),
        ('new = "n"\nprogram = "test_waits"', "program is 'test_waits'"),
    ],
)
def test_a_bad_entry_is_refused(tmp_path: pathlib.Path, rest: str, complaint: str) -> None:
    path = tmp_path / "defects.toml"
    path.write_text(ENTRY + rest, encoding="utf-8")
    with pytest.raises(CatalogueError, match=complaint):
        defects_catalogue.read_catalogue(path)


def test_two_entries_of_one_name_are_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "defects.toml"
    path.write_text(f'{ENTRY}new = "n"\n' * 2, encoding="utf-8")
    with pytest.raises(CatalogueError, match="two defects"):
        defects_catalogue.read_catalogue(path)


def test_a_survivor_is_told_apart() -> None:
    caught = Outcome("one", "diff: crash", "", "SIGSEGV", 1.0)
    survivor = Outcome("two", "", "", "", 1.0)
    assert not caught.survived
    assert survivor.survived
    report = DefectsReport((caught, survivor), ("two: survived",), 2.0)
    assert not report.ok
    assert report.as_dict()["survived"] == ["two"]
    assert "SURVIVED" in run.table(report)


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        command.main(["--only", "no-such-defect"])
    assert ending.value.code == 2
    assert "no-such-defect" in capsys.readouterr().err


def test_shares_make_up_the_catalogue_and_each_has_every_large_layer(capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = defects_catalogue.read_catalogue()
    parts = [defects_catalogue.share_of(catalogue, 3, part) for part in range(3)]
    assert sorted(defect.name for part in parts for defect in part) == sorted(defect.name for defect in catalogue)
    assert all({defect.layer for defect in part} >= {"diff", "explore", "ctest"} for part in parts)
    for share, part in (("3", "3"), ("1", "1"), ("0", "0")):
        with pytest.raises(SystemExit):
            command.main(["--share", share, "--part", part])
        assert f"{part} is none of {share}" in capsys.readouterr().err


@pytest.mark.clause("ALLOC-10")
def test_the_pool_goes_round_its_free_slots() -> None:
    from rusted_ring import native

    assert checks.check_round(native) is None


def chosen(*names: str) -> list[Defect]:
    return [defect for defect in defects_catalogue.read_catalogue() if defect.name in names]


@pytest.mark.slow
def test_a_change_that_breaks_nothing_survives() -> None:
    """Without this, a check that always cries would pass for one that catches everything."""
    report = run.run_defects([NOTHING_WRONG], limits=Limits(steps=2_000))
    assert report.problems == ("comment-alone: survived",)
    assert report.outcomes[0].survived


@pytest.mark.slow
def test_defects_are_caught_by_the_check_that_should_see_them() -> None:
    names = (
        "generation-kept-by-the-last-drop",
        "lapped-one-too-late",
        "next-fit-cursor-not-moved",
        "search-without-end",
        "forked-process-clears-its-parents-notifier",
        "reader-moved-on-by-a-weak-exchange",
    )
    report = run.run_defects(chosen(*names))
    assert report.problems == ()
    assert {outcome.name: outcome.caught_by for outcome in report.outcomes} == {
        "generation-kept-by-the-last-drop": "diff: disagreement",
        "lapped-one-too-late": "diff: disagreement",
        "next-fit-cursor-not-moved": "round: disagreement",
        "search-without-end": "diff: hang",
        "forked-process-clears-its-parents-notifier": "ctest: failure",
        "reader-moved-on-by-a-weak-exchange": "spurious: failure",
    }
    assert {outcome.clause for outcome in report.outcomes if outcome.name == "next-fit-cursor-not-moved"} == {
        "ALLOC-10"
    }


@pytest.mark.slow
def test_a_crash_counts_as_caught() -> None:
    crash = Defect(
        name="crash",
        function=NOTHING_WRONG.function,
        old=NOTHING_WRONG.old,
        new=NOTHING_WRONG.old + " if (length == 63) __builtin_trap();",
        clauses=("SIZE-2",),
    )
    workshop_report = run.run_defects([crash], limits=Limits(steps=2_000))
    assert workshop_report.problems == ()
    assert workshop_report.outcomes[0].caught_by == "diff: crash"


@pytest.mark.slow
def test_a_defect_that_does_not_compile_is_a_problem_of_its_own() -> None:
    """Under each way of building; the other defects are tried all the same."""
    broken = Defect("broken", NOTHING_WRONG.function, NOTHING_WRONG.old, NOTHING_WRONG.old + " not C;", ("SIZE-2",))
    explored = dataclasses.replace(broken, name="broken-explored", layer="explore", client="add-and-next")
    tested = dataclasses.replace(broken, name="broken-test", layer="ctest", program="test_sizes")
    report = run.run_defects([broken, explored, tested, NOTHING_WRONG], limits=Limits(steps=500))
    assert sorted(problem.partition(": ")[0] for problem in report.problems) == [
        *("broken", "broken-explored", "broken-test", "comment-alone"),
    ]
    assert all("build failed" in problem for problem in report.problems if problem != "comment-alone: survived")
    assert [outcome.name for outcome in report.outcomes] == ["comment-alone"]
