"""The table of programs and verdicts, and the command's verdict on one of them."""

import contextlib
import functools
import io
import json
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from rusted_ring.verify import cli
from rusted_ring.verify.explorer import building, cxx_library, engine_sources, instrumenting
from rusted_ring.verify.support import processes

TABLE = Path(__file__).parent / "verdicts.toml"
PROGRAMS = Path(__file__).parent / "programs" / "verdicts"
CXX_TABLE = Path(__file__).parent / "cxx.toml"
CXX_PROGRAMS = Path(__file__).parent / "programs" / "cxx"
# What most C++ programs include; to read these headers takes half of their time.
_HEADERS = ("atomic", "cassert", "condition_variable", "memory", "mutex", "stdexcept", "string", "thread", "vector")
# An explorer that broke off, or that did not compile the program, has refused nothing.
_NOT_REFUSED = ("error:", "undefined reference", "no answer", "broke off", "did not repeat itself")


@dataclass(frozen=True)
class Entry:
    """A program and its right verdict.

    Attributes:
        kind: what kind of fault an explorer has that judges it wrongly.
        file: the program.
        right: the kind of the error, or clean, refused (by name), bounded (not exhaustive because of a bound on loops).
        before: the verdict before the kind was mended, and the number of executions if that was what was wrong.
        why: where the right verdict comes from.
        flags: for the compiler.
        options: for the command.
        any_of: other verdicts that are right as well, with `right` among them.
        executions: complete ones, or None if they depend on the compiler or on where it stops.
        folder: where the program is.
    """

    kind: str
    file: str
    right: str
    before: str
    why: str
    flags: tuple[str, ...]
    options: tuple[str, ...]
    any_of: tuple[str, ...]
    executions: int | None
    folder: Path = PROGRAMS

    @property
    def name(self) -> str:
        """A name that no other entry has."""
        flags = [flag.removeprefix("-D") for flag in self.flags]
        return " ".join([self.file.removesuffix(".c").removesuffix(".cpp"), *flags, *self.options])

    @property
    def accepted(self) -> tuple[str, ...]:
        """The verdicts that are right."""
        return self.any_of or (self.right,)

    @property
    def failed_before(self) -> bool:
        """Whether it was judged wrongly before."""
        return self.before not in self.accepted


def read(table: Path = TABLE, folder: Path = PROGRAMS) -> list[Entry]:
    """Read a table; `cases` are entries that differ in their flags alone."""
    entries: list[Entry] = []
    for common in tomllib.loads(table.read_text(encoding="utf-8"))["program"]:
        common.setdefault("before", "not built or run")
        cases = common.pop("cases", [common.pop("flags", [])])
        more: dict[str, Any] = {key: tuple(common.pop(key, ())) for key in ("options", "any_of")}
        executions = common.pop("executions", None)
        more |= {"executions": executions, "folder": folder}
        entries += [Entry(**common, **more, flags=tuple(flags)) for flags in cases]
    return entries


ENTRIES = read()
CXX_ENTRIES = read(CXX_TABLE, CXX_PROGRAMS)


@functools.cache
def _precompiled(compiler: tuple[str, ...]) -> Path:
    """Precompile the headers that most C++ programs include, once in a process, and return the header of them all."""
    header = processes.make_folder() / "headers.h"
    prelude = engine_sources.engine_sources() / "cxx" / "prelude.h"
    header.write_text(f'#include "{prelude}"\n' + "".join(f"#include <{name}>\n" for name in _HEADERS))
    flags = [instrumenting.LEVEL, *instrumenting.instrumentation(compiler, in_cxx=True), cxx_library.STANDARD, "-g"]
    subprocess.run([*compiler, *flags, "-x", "c++-header", str(header), "-o", f"{header}.gch"], check=True)
    return header


@contextlib.contextmanager
def _with_precompiled_headers() -> Iterator[None]:
    """Have g++ read the precompiled headers first; with other flags than theirs it reads the text instead."""
    compile_one = instrumenting.compile_instrumented

    def compile_with_headers(source: Path, output: Path, *, compiler: Sequence[str], **more: Any) -> list[str]:
        first = ["-include", str(_precompiled(tuple(compiler)))] if cxx_library.is_cxx(source) else []
        return compile_one(source, output, compiler=[*compiler, *first], **more)

    with mock.patch.object(building, "compile_instrumented", compile_with_headers):
        yield


def explore(entry: Entry, compiler: str, seconds: float = 60) -> tuple[int, dict[str, Any]]:
    """Run the command and return its exit status and the object that it printed."""
    words = ["explore", str(entry.folder / entry.file), "--json", "--timeout", str(seconds), "--compiler", compiler]
    output = io.StringIO()
    headers = _with_precompiled_headers() if compiler == "gcc" else contextlib.nullcontext()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()), headers:
        status = cli.main([*words, *entry.options, "--", *entry.flags])
    found: dict[str, Any] = json.loads(output.getvalue())
    return status, found


def verdict(status: int, found: Mapping[str, Any]) -> str:
    """Return what the command's answer amounts to, in a word."""
    if "cannot_run" in found:
        said = "not built or run" if any(words in found["cannot_run"] for words in _NOT_REFUSED) else "refused"
        right = 2
    elif found["errors"]:
        said, right = str(found["errors"][0]["kind"]), 1
    elif found["exhaustive"]:
        said, right = "clean", 0
    else:
        said, right = "bounded" if "bound" in found["covered"] else "not exhaustive", 3
    return said if status == right else f"{said}, but exit status {status}"


def wrong(entry: Entry, status: int, found: Mapping[str, Any]) -> str:
    """Return what is wrong with an answer, or nothing."""
    said = verdict(status, found)
    if said not in entry.accepted:
        return f"{said} instead of {' or '.join(entry.accepted)} ({entry.why})"
    if said == "clean" and entry.executions not in (None, found["executions"]):
        return f"{found['executions']} executions instead of {entry.executions} ({entry.why})"
    for error in found["errors"][:1]:
        if Path(error.get("file", "")).name not in (entry.file, "verdicts.h") or not error["line"]:
            return f"{said} is not said to be at a line of the program, but at {error.get('file')}"
    return ""
