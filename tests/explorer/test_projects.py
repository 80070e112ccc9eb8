"""Projects of several folders by their `compile_commands.json`: what is taken of it, and what is wrong with one."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import cli

SOURCES = Path(__file__).parent / "programs" / "project"
FILES = ("src/mailbox.c", "app/main.c", "tools/show.c")

pytestmark = [
    pytest.mark.clause("EXPLORE-48"),
    pytest.mark.skipif(
        shutil.which("objcopy") is None or shutil.which("gcc") is None, reason="gcc or binutils are not installed"
    ),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, with a database as CMake writes it."""
    folder = tmp_path / "project"
    shutil.copytree(SOURCES, folder)
    write(folder, "memory_order_release")
    return folder


def write(folder: Path, order: str) -> None:
    """Write the database: relative folders of headers, a macro, and flags of a usual build."""
    (folder / "build").mkdir(exist_ok=True)
    command = f"/usr/bin/cc -I../include -DPUBLISH={order} -O2 -Wall -MD -MF x.d -std=c11 -o x.o -c ../"
    build = str(folder / "build")
    entries: list[dict[str, Any]] = [
        {"directory": build, "command": command + name, "file": f"../{name}"} for name in FILES
    ]
    entries[1] = {
        "directory": build,
        "arguments": ["ccache", "gcc", "-I", "../include", "-c", "../app/main.c", "-O3", "-o", "main.o"],
        "file": str(folder / "app" / "main.c"),
    }
    (folder / "build" / "compile_commands.json").write_text(json.dumps(entries), encoding="utf-8")


def explore(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict[str, Any], str]:
    """Run the command; return its status, the object that it printed, and what it complained of."""
    status = cli.main(["explore", *map(str, words), "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out) if said.out else {}, said.err


def test_the_program_that_is_chosen_is_explored(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found, said = explore(capsys, "--project", project / "build", "--main", project / "app" / "main.c")
    assert (status, found["executions"], found["exhaustive"]) == (0, 2, True), said
    assert "3 of 3 files (mailbox.c, main.c, show.c)" in said
    assert "left out: -O2 -Wall -O3" in said


def test_the_database_decides_what_a_macro_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "memory_order_relaxed")
    chosen = [project / "src" / "mailbox.c", project / "app" / "main.c"]
    status, found, said = explore(capsys, *chosen, "--project", project / "build" / "compile_commands.json")
    assert (status, found["errors"][0]["kind"]) == (1, "data-race"), said
    assert Path(found["errors"][0]["file"]).name == "mailbox.c"
    assert "2 of 3 files (mailbox.c, main.c)" in said


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize(
    ("order", "status", "kinds"), [("release", 0, []), ("relaxed", 1, ["data-race"])], ids=["release", "relaxed"]
)
def test_a_project_in_cxx_and_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], order: str, status: int, kinds: list[str]
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(SOURCES.with_name("project_cxx"), folder)
    compilers = {"box.cpp": "c++ -std=c++17", "main.cpp": "c++ -std=c++17", "answer.c": "cc -std=c11"}
    entries = [
        {
            "directory": str(folder),
            "command": f"{compiler} -DPUBLISH=std::memory_order_{order} -c {name}",
            "file": name,
        }
        for name, compiler in compilers.items()
    ]
    (folder / "compile_commands.json").write_text(json.dumps(entries), encoding="utf-8")
    got, found, said = explore(capsys, "--project", folder)
    assert (got, [error["kind"] for error in found["errors"][:1]]) == (status, kinds), said
    assert "3 of 3 files (box.cpp, main.cpp, answer.c)" in said
    if kinds:
        assert Path(found["errors"][0]["file"]).name == "box.cpp"
    else:
        assert (found["executions"], found["exhaustive"]) == (2, True)


def test_one_program_that_computes_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found, said = explore(capsys, "--project", project / "build", "--main", project / "tools" / "show.c")
    assert (status, found["executions"]) == (0, 1), said


def complaint(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    status = cli.main(["explore", *map(str, words)])
    said = capsys.readouterr()
    assert (status, said.out) == (2, ""), said
    return said.err.splitlines()[-1]


def test_two_programs_and_none_chosen(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, "--project", project / "build")
    assert "main.c and show.c both define main()" in said
    assert "--main FILE" in said


def test_a_file_without_main_is_chosen(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(capsys, "--project", project / "build", "--main", project / "src" / "mailbox.c")
    assert "argument --main" in said
    assert "these have: main.c, show.c" in said


def test_no_file_has_main(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "mailbox.c has no main()" in complaint(capsys, project / "src" / "mailbox.c", "--project", project / "build")


def test_a_file_that_the_database_does_not_have(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = project / "include" / "mailbox.h"
    said = complaint(capsys, other, "--project", project / "build")
    assert "mailbox.h is not among the files of" in said
    assert "main.c, show.c" in said


def test_an_entry_whose_file_is_gone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "tools" / "show.c").unlink()
    said = complaint(capsys, "--project", project / "build", "--main", project / "app" / "main.c")
    assert "show.c, and there is no such file; make the database anew" in said


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "malformed": ('[{"directory": ".",]', "is not JSON: .* in line 1, column"),
        "no list": ('{"directory": "."}', "is not a list of compiled files"),
        "empty": ("[]", "is not a list of compiled files"),
        "no object": ('["main.c"]', "entry 1 is not an object"),
        "no file": ('[{"directory": ".", "command": "cc"}]', "entry 1 has no file"),
        "no folder": ('[{"file": "main.c", "command": "cc"}]', "entry 1 has no directory"),
        "no command": ('[{"file": "main.c", "directory": "."}]', "entry 1 has neither arguments nor a command"),
        "a quote is open": (
            '[{"file": "a.c", "directory": ".", "command": "cc \\"-DX"}]',
            "its command cannot be read",
        ),
        "no C": ('[{"file": "a.f90", "directory": ".", "command": "f95 a.f90"}]', "has no file in C or C"),
    }.values(),
)
def test_a_database_that_cannot_be_used(
    project: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    (project / "compile_commands.json").write_text(text, encoding="utf-8")
    said = complaint(capsys, "--project", project)
    assert "argument --project" in said
    assert str(project / "compile_commands.json") in said
    assert re.search(words, said), said


def test_no_database(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "has no compile_commands.json; cmake -D" in complaint(capsys, "--project", project / "app")
    assert "no such file or folder" in complaint(capsys, "--project", project / "missing.json")


def test_what_needs_a_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = project / "app" / "main.c"
    assert "argument --main" in complaint(capsys, main, "--main", main)
    assert "nothing to explore" in complaint(capsys)
    assert "argument --project: is for C and C++" in complaint(
        capsys, "--project", project, "--crate", Path(__file__).parent / "programs" / "rust" / "queues"
    )
