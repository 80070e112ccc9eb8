"""`rusted-ring spec`: a clause with its places, a search, and what it says without sources."""

import importlib
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from rusted_ring.verify.cli import main
from rusted_ring.verify.specification import command
from rusted_ring.verify.support.clauses import Clause, load_clauses, spec_directory


def test_a_clause_is_printed_with_its_explanation_and_its_places(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "ring-11"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("RING-11  Lapped  (rings.md)\n")
    assert "gets `Lagged(skipped," in shown
    assert "It never gets the wrong event" in " ".join(shown.split())
    for words in ("\nReference\n", "\nC core\n", "\nTests\n", "\nSeeded defects that break it\n", "Reader.next"):
        assert words in shown


def test_orders_are_printed_with_what_goes_wrong_without_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "ORDER-7"]) == 0
    assert re.search(r"store 1, rel -> rlx: torn", capsys.readouterr().out)


def test_the_search_lists_titles_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "lag"]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = [line.split()[0] for line in lines[: lines.index("")]]
    assert {"RING-22", "RING-11", "ERR-5"} <= set(found)
    assert found.index("RING-22") < found.index("RING-11")
    assert main(["spec", "slowest", "reader"]) == 0
    assert "RING-14" in capsys.readouterr().out


def test_what_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "zeppelin"]) == 1
    assert capsys.readouterr().out == "no clause speaks of zeppelin\n"
    last = max(int(clause.rpartition("-")[2]) for clause in load_clauses() if clause.startswith("RING-"))
    assert main(["spec", f"RING-{last + 1}"]) == 2
    assert (
        capsys.readouterr().err == f"rusted-ring: there is no clause RING-{last + 1}: RING has RING-1 to RING-{last}\n"
    )
    assert main(["spec", "ROPE-1"]) == 2
    assert "the chapters are" in capsys.readouterr().err


def test_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spec", "--json", "RING-11", "RING-12"]) == 0
    one, two = json.loads(capsys.readouterr().out)
    assert (one["id"], two["id"], one["chapter"]) == ("RING-11", "RING-12", "rings")
    assert one["places"]["tests"]
    assert main(["spec", "--json", "lag"]) == 0
    assert "RING-22" in {clause["id"] for clause in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("clause", load_clauses().values(), ids=lambda clause: clause.id)
def test_no_markup_is_left_in_an_explanation(clause: Clause) -> None:
    shown = command.plain(command.explanation(clause))
    assert not any(markup in shown for markup in ("{need}", "](", "```{", ":::"))


def test_without_a_checkout_the_command_says_so(tmp_path: Path) -> None:
    """As from a wheel: the packages alone, the chapters beside them, no sources around."""
    package = tmp_path / "lib" / "rusted_ring"
    for part in ("verify.cli", "reference", "vocabulary", "native"):
        source = importlib.import_module(f"rusted_ring.{part}").__file__
        copied = package / part.partition(".")[0]
        shutil.copytree(Path(source or "").parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
    if not (package / "verify" / "spec").is_dir():
        shutil.copytree(spec_directory(), package / "verify" / "spec", ignore=shutil.ignore_patterns("_*"))
    paths = [str(tmp_path / "lib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    run = f"import sys; sys.path[:0] = {paths!r}; from rusted_ring.verify import cli; "
    run += "sys.exit(cli.main(['spec', 'RING-11']))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", run], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("RING-11  Lapped")
    assert "It never gets" in " ".join(done.stdout.split())
    assert "The sources are not installed: in a checkout this lists" in done.stdout
