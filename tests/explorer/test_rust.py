"""Programs and crates in Rust, each with the right verdict and where it comes from (`rust.toml`), and wrong input."""

import functools
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import cli
from rusted_ring.verify.explorer import rust_library

FOLDER = Path(__file__).parent
PROGRAMS = FOLDER / "programs" / "rust"
ENTRIES: list[dict[str, Any]] = tomllib.loads((FOLDER / "rust.toml").read_text(encoding="utf-8"))["program"]
SECONDS = 300

pytestmark = [
    pytest.mark.desk(1),
    pytest.mark.clause("EXPLORE-45", "EXPLORE-46", "EXPLORE-47"),
    pytest.mark.skipif(
        any(shutil.which(tool) is None for tool in ("rustc", "cargo", "objcopy", "gcc")),
        reason="rustc, cargo, gcc or binutils are not installed",
    ),
]


@functools.cache
def has_sources() -> bool:
    """Whether the toolchain has the sources of the standard library."""
    said = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    return (Path(said) / "lib" / "rustlib" / "src" / "rust" / "library" / "std" / "Cargo.toml").is_file()


@functools.cache
def reaches_registry(crate: str) -> bool:
    """Whether cargo has or can fetch what a crate depends on."""
    command = ["cargo", "fetch", "--locked", "--manifest-path", str(PROGRAMS / crate / "Cargo.toml")]
    return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0


def name(entry: dict[str, Any]) -> str:
    return " ".join([entry["path"], *entry.get("cases", []), *entry.get("options", [])])


def is_whole(entry: dict[str, Any]) -> bool:
    """Whether it has main, and the standard library is compiled for it."""
    return not entry["path"].endswith(".rs") or "fn main" in (PROGRAMS / entry["path"]).read_text(encoding="utf-8")


def need(entry: dict[str, Any]) -> None:
    """Skip a program for which something is missing."""
    if is_whole(entry) and not has_sources():
        pytest.skip("the sources of the standard library are not installed: rustup component add rust-src")
    if not entry["path"].endswith(".rs") and not reaches_registry(entry["path"]):
        pytest.skip("cargo cannot fetch the crates: the registry is not reached")


def words_of(entry: dict[str, Any]) -> list[str]:
    path, cases = str(PROGRAMS / entry["path"]), entry.get("cases", [])
    words = [path] if path.endswith(".rs") else ["--crate", path]
    words += [str(PROGRAMS / entry["with"])] if "with" in entry else []
    words += entry.get("options", [])
    if path.endswith(".rs"):
        flags = [word for case in cases for word in ("--cfg", case)]
    else:
        flags = ["--locked", *(["--features", ",".join(cases)] if cases else [])]
    return [*words, *(["--", *flags] if flags else [])]


def explore(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return its status and the object that it printed."""
    status = cli.main(["explore", "--json", "--timeout", str(SECONDS), *words])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, found


def verdict(status: int, found: dict[str, Any]) -> str:
    if found.get("cannot_run"):
        return "refused" if "refused" in found["cannot_run"] else f"cannot run: {found['cannot_run']}"
    if found["errors"]:
        return str(found["errors"][0]["kind"])
    return "clean" if status == 0 and found["exhaustive"] else f"not exhaustive: {found.get('covered', '')}"


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_verdict(entry: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    need(entry)
    status, found = explore(capsys, *words_of(entry))
    assert verdict(status, found) in entry["right"], found
    if "executions" in entry:
        assert found["executions"] == entry["executions"], found
    if "words" in entry:
        said = found.get("cannot_run") or found["errors"][0]["message"]
        assert entry["words"] in said
    for error in found["errors"]:
        # The place is the user's, whatever library is between.
        assert error["kind"] == "leak" or PROGRAMS in Path(error.get("file", "")).absolute().parents, error


def test_without_the_sources_of_the_library_the_remedy_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rust_library, "sysroot", lambda: tmp_path)
    assert cli.main(["explore", str(PROGRAMS / "threads.rs"), "--", "--cfg", "leak"]) == 2
    said = capsys.readouterr().err
    assert "rustup component add rust-src" in said
    assert "thread functions" in said


NOTHING = "pub fn nothing() {}\n"
GAP = '#[no_mangle]\npub extern "C" fn thread_1() {}\n'


@pytest.mark.parametrize(
    ("words", "text", "complaint"),
    [
        (["--crate", "{folder}/missing"], "", "argument --crate: .*missing: no such folder"),
        (["--crate", "{folder}"], "", "argument --crate: .* has no Cargo.toml; for a single file leave --crate out"),
        (["{file}"], NOTHING, "has neither fn main nor thread functions: write #.no_mangle. pub extern"),
        (["{file}"], GAP, "its thread functions are thread_1: number them from 0"),
        (["{file}", "--thread", "go"], NOTHING, "argument --thread: .* has no function go"),
        (["{file}", "--", "-O"], NOTHING, "refused: the flag -O for rustc"),
        (["{file}", "--bin", "x"], NOTHING, "argument --bin: chooses a program of a crate"),
        (["{file}", "{file}"], NOTHING, "one .rs file is one program"),
        (["{file}"], "pub fn wrong() -> u32 { }\n", r"error\[E0308\]"),
        (["--crate", str(PROGRAMS / "queues")], "", "several programs: choose one by --bin"),
        (["--crate", str(PROGRAMS / "queues"), "--bin", "x"], "", "has no program x; it has: array_queue, rtrb_03"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], text: str, complaint: str
) -> None:
    file = tmp_path / "given.rs"
    file.write_text(text, encoding="utf-8")
    given = [word.format(folder=tmp_path, file=file) for word in words]
    assert cli.main(["explore", *given]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert re.search(complaint, said.err), said.err
