"""Every block of code on a page does what the page says of it."""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from page_blocks import ROOT, Block, block, blocks_of, pages  # type: ignore[import-not-found, unused-ignore]

from rusted_ring.verify import cli
from rusted_ring.verify.explorer import command as explorer_command
from rusted_ring.verify.replay.editing_traces import read_workload

BLOCKS = [found for path in pages() for found in blocks_of(path)]
EXAMPLES = [found for found in BLOCKS if found.language == "python" and "rusted_ring.native" in found.text]
COMMANDS = [found for found in BLOCKS if found.language == "sh"]
# Blocks in Python and C that are no examples of the rings: each has a test of its own, here or in the explorer's tests.
OTHERS = {"my_ring", "tokens.c", "handover.c"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example_prints_what_it_says(backend: ModuleType, example: Block) -> None:
    source = example.text.replace("rusted_ring.native", backend.__name__)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(source, example.name, "exec"), {"__name__": "__main__"})
    assert printed.getvalue().splitlines() == re.findall(r"^ *# prints: (.*)$", source, re.MULTILINE)


def test_every_block_of_code_is_tested() -> None:
    assert len(EXAMPLES) > 25
    assert all("# prints: " in example.text for example in EXAMPLES)
    others = [found for found in BLOCKS if found.language in ("python", "c") and found not in EXAMPLES]
    assert {found.marked("module") or found.marked("file") for found in others} == OTHERS
    known = {"python", "c", "sh", "json", "text"}
    unknown = [found.name for found in BLOCKS if found.language not in known and not found.language.startswith("{")]
    assert unknown == []


@pytest.mark.parametrize("commands", COMMANDS, ids=lambda commands: commands.name)
def test_the_command_takes_the_arguments_that_a_page_gives_it(commands: Block) -> None:
    for line in commands.text.splitlines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            name = next((word for word in words if Path(word).name == "rusted-ring"), "")
            if name and words.index(name) in (0, 1):
                arguments = words[words.index(name) + 1 :]
                if arguments[:1] == ["explore"]:
                    arguments, _ = explorer_command.split_flags(arguments)
                cli.parser().parse_args(arguments)


def judged(source: str, name: str, folder: Path) -> int:
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    judge: list[Any] = ["diff", "--profile", "tiny", "--steps", "4000", "--seed", "1", "--backend", name]
    try:
        return cli.main(judge)
    finally:
        sys.modules.pop(name, None)


def test_ring_of_ones_own_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = block("spec/tutorial.md", "module", "my_ring").text
    right = re.sub(r"oldest - 1:  # wrong.*", "oldest:", source)
    assert right != source
    monkeypatch.syspath_prepend(tmp_path)
    assert judged(right, "my_mended_ring", tmp_path) == 0
    assert judged(source, "my_ring", tmp_path) == 1
    assert "clause broken: RING-" in capsys.readouterr().out


def test_json_lines_are_read(tmp_path: Path) -> None:
    (lines,) = [found.text for found in BLOCKS if found.language == "json"]
    (tmp_path / "events.jsonl").write_text(lines, encoding="utf-8")
    assert [event.data for event in read_workload(tmp_path / "events.jsonl").events] == [b"text", b"\x00\x01\x02\xff"]
    assert all(json.loads(line) for line in lines.splitlines())


def test_the_program_in_c_prints_what_the_page_says(tmp_path: Path) -> None:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("needs a C compiler")
    page = "spec/how-to/tokens.md"
    (tmp_path / "tokens.c").write_text(block(page, "file", "tokens.c").text, encoding="utf-8")
    sources = [str(path) for path in sorted((ROOT / "native" / "src").glob("*.c"))]
    flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'native' / 'include'}", "-pthread"]
    program = tmp_path / "tokens"
    subprocess.run(
        [compiler, *flags, str(tmp_path / "tokens.c"), *sources, "-o", str(program)], check=True, timeout=300
    )
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == block(page, "output", "tokens.c").text
