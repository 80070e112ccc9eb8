"""The README: its examples run on both backends, its ring is found out, its commands are what CI runs."""

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rusted_ring.verify import cli
from rusted_ring.verify.traces import read_workload

README = Path(__file__).resolve().parents[2] / "README.md"
pytestmark = pytest.mark.skipif(not README.is_file(), reason="needs a checkout")


def blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8") if README.is_file() else ""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


EXAMPLES = [block for block in blocks("python") if "rusted_ring.native" in block]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example_prints_what_it_says(backend: ModuleType, number: int) -> None:
    source = EXAMPLES[number].replace("rusted_ring.native", backend.__name__)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, f"README example {number}", "exec"), {"__name__": "__main__"})
    assert printed.getvalue().splitlines() == re.findall(r"^ *# prints: (.*)$", source, re.MULTILINE)


def test_there_are_examples_of_everything_in_the_quick_start() -> None:
    assert len(EXAMPLES) >= 6
    assert all("# prints: " in example for example in EXAMPLES)


def test_both_commands_are_marked_one_line_each_and_stay_in_the_virtual_environment() -> None:
    text = README.read_text(encoding="utf-8")
    for mark, ending in (
        ("main", ".venv/bin/rusted-ring verify"),
        ("test", ".venv/bin/python -m pytest -n auto --dist worksteal"),
    ):
        (command,) = re.findall(rf"^<!-- command: {mark} -->\n```sh\n(.*)\n```$", text, re.MULTILINE)
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install '.[test]' && ")
        assert command.endswith(ending)
    assert "/.venv/" in (README.parent / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_ring_of_ones_own_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = re.findall(
        r"^<!-- module: my_ring -->\n```python\n(.*?)^```$",
        README.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    right = re.sub(r"oldest - 1:  # wrong.*", "oldest:", source)
    assert right != source
    (tmp_path / "my_ring.py").write_text(source)
    (tmp_path / "my_mended_ring.py").write_text(right)
    monkeypatch.syspath_prepend(tmp_path)
    judge: list[Any] = ["diff", "--profile", "tiny", "--steps", "4000", "--seed", "1", "--backend"]
    assert cli.main([*judge, "my_mended_ring"]) == 0
    assert cli.main([*judge, "my_ring"]) == 1
    assert "clause broken: RING-" in capsys.readouterr().out
    for name in ("my_ring", "my_mended_ring"):
        sys.modules.pop(name, None)


def test_json_lines_of_the_readme_are_read(tmp_path: Path) -> None:
    (lines,) = blocks("json")
    (tmp_path / "events.jsonl").write_text(lines)
    assert [event.data for event in read_workload(tmp_path / "events.jsonl").events] == [
        b"text",
        b"\x00\x01\x02\xff\x07"[:4],
    ]
    assert all(json.loads(line) for line in lines.splitlines())
