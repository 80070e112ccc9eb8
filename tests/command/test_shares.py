"""Of a test that is marked so, each commit runs a share, another one than the commit before; `--whole` runs all."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.parametrize("number", [pytest.param(each, marks=pytest.mark.share(4)) for each in range(8)] + [8])
def test_one(number):
    pass
"""


def run(folder: Path, *options: str) -> tuple[set[str], str]:
    """Return the cases that pytest runs and what else it says."""
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", str(folder), *options]
    done = subprocess.run([*command, "."], cwd=folder, capture_output=True, text=True, check=True, timeout=120)
    return set(re.findall(r"test_one\[(\d)\]", done.stdout)), done.stdout


def commit(folder: Path) -> None:
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *author, "commit", "-q", "--allow-empty", "-m", "next"], cwd=folder, check=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_shares_go_round_with_the_commits(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "conftest.py", tmp_path)
    (tmp_path / "test_cases.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    commit(tmp_path)
    commit(tmp_path)
    chosen, said = run(tmp_path, "-n", "1")
    assert chosen == {"2", "6", "8"}
    assert "test_cases.py::test_one: this commit's share is 2 of 8 cases; --whole runs all" in said
    assert run(tmp_path, "--whole")[0] == {str(number) for number in range(9)}
