"""Of a test that is marked so, each commit runs a share, and a desk a few cases; `--whole` runs all."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.desk(3)
@pytest.mark.parametrize("number", range(9))
def test_sampled(number):
    pass

@pytest.mark.parametrize("number", [pytest.param(each, marks=pytest.mark.share(4)) for each in range(8)] + [8])
def test_shared(number):
    pass
"""


def run(folder: Path, *options: str, ci: str = "true") -> tuple[set[str], set[str], str]:
    """Return the cases of both tests that pytest runs and what else it says."""
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", str(folder), *options]
    environment = {**os.environ, "CI": ci}
    done = subprocess.run(
        [*command, "."], cwd=folder, capture_output=True, text=True, check=True, timeout=300, env=environment
    )
    shared, sampled = (set(re.findall(rf"{test}\[(\d)\]", done.stdout)) for test in ("test_shared", "test_sampled"))
    return shared, sampled, done.stdout


def commit(folder: Path) -> None:
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *author, "commit", "-q", "--allow-empty", "-m", "next"], cwd=folder, check=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.slow
def test_shares_go_round_with_the_commits(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "conftest.py", tmp_path)
    (tmp_path / "test_cases.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    commit(tmp_path)
    commit(tmp_path)
    every = {str(number) for number in range(9)}
    shared, sampled, said = run(tmp_path, "-n", "1")
    assert (shared, sampled) == ({"2", "6", "8"}, every)
    assert "test_cases.py::test_shared: 3 of 9 cases with this commit; --whole runs all" in said
    shared, few, said = run(tmp_path, "-n", "2", ci="")
    assert (shared, len(few)) == ({"2", "6", "8"}, 3)
    assert "test_cases.py::test_sampled: 3 of 9 cases with this commit; --whole runs all" in said
    assert run(tmp_path, "--slow", ci="")[1] == every
    assert run(tmp_path, "--whole", ci="")[:2] == (every, every)
    commit(tmp_path)
    shared, others, _ = run(tmp_path, ci="")
    assert shared == {"3", "7", "8"}
    assert others != few
