"""Projects in C and C++: the files of a `compile_commands.json`, and the compiler flags of each.

CMake, Meson and others write such a file, `bear` makes one from a build by make. The explorer takes the flags that
decide what the source means: paths of headers, macros, the language's version. It chooses the flags for optimisation,
checks and output itself, and reports the project's own as left out.
"""

import dataclasses
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rusted_ring.verify.support.errors import InputError

NAME: Final = "compile_commands.json"
_MAKE_ONE: Final = "cmake -DCMAKE_EXPORT_COMPILE_COMMANDS=ON, meson setup, or bear -- make writes one"
_SUFFIXES: Final = {".c", ".cpp", ".cc", ".cxx", ".C", ".c++"}
_OF_FOLDERS: Final = ("-I", "-isystem", "-iquote", "-idirafter", "-include", "-imacros")
_WITH_VALUE: Final = {*_OF_FOLDERS, "-D", "-U", "-o", "-MF", "-MT", "-MQ", "-x", "-arch", "--param", "-target"}
_KEPT: Final = re.compile(
    r"-[DU].|-std=|-ansi$|-pthread$|-m|-f(?:no-)?(?:un)?signed-(?:char|bitfields)$|-fshort-(?:enums|wchar)$|-fms-extensions$"
    r"|-fgnu89-inline$|-fpermissive$|-fno-(?:exceptions|rtti)$|-nostdinc(?:\+\+)?$|-stdlib="
)


@dataclasses.dataclass(frozen=True)
class Project:
    """The part of a project that is explored.

    Attributes:
        database: its `compile_commands.json`.
        files: the sources, as absolute paths.
        flags: the compiler flags by source.
        entries: how many files the database has.
        left_out: flags that are not taken, and files that are not C or C++.
    """

    database: Path
    files: tuple[Path, ...]
    flags: Mapping[Path, tuple[str, ...]]
    entries: int
    left_out: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return a line on the files chosen."""
        names = ", ".join(path.name for path in self.files)
        left = f"; left out: {' '.join(self.left_out)}" if self.left_out else ""
        return f"project {self.database}: {len(self.files)} of {self.entries} files ({names}){left}"


def read(path: Path, *, only: Sequence[Path] = ()) -> Project:
    """Read the files of a project and their flags.

    Args:
        path: a `compile_commands.json`, or the folder that has it.
        only: the files to explore; none for all.

    Raises:
        InputError: the database is missing or malformed, or names a file that is missing.
    """
    database = _find(path)
    entries = _entries(database)
    flags: dict[Path, tuple[str, ...]] = {}
    left: dict[str, None] = {}
    for number, entry in enumerate(entries, start=1):
        source, words = _source(database, number, entry)
        if source.suffix not in _SUFFIXES:
            left[source.name] = None
            continue
        kept, others = _part(words, source, Path(entry["directory"]), database.parent)
        if flags.setdefault(source, kept) != kept:
            left[f"(another entry of {source.name})"] = None
        left |= dict.fromkeys(others)
    wanted = _wanted(database, only, flags)
    for source in wanted:
        if not source.is_file():
            raise InputError(
                f"argument --project: {database} names {source}, and there is no such file; make the database anew "
                f"({_MAKE_ONE}), or choose among its files by naming them"
            )
    return Project(database, tuple(wanted), {source: flags[source] for source in wanted}, len(flags), tuple(left))


def _find(path: Path) -> Path:
    if path.is_dir():
        if not (path / NAME).is_file():
            raise InputError(f"argument --project: {path} has no {NAME}; {_MAKE_ONE}")
        return (path / NAME).resolve()
    if not path.is_file():
        raise InputError(f"argument --project: {path}: no such file or folder; give a {NAME} or the folder that has it")
    return path.resolve()


def _entries(database: Path) -> list[Any]:
    try:
        found = json.loads(database.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"argument --project: {database} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}; "
            f"{_MAKE_ONE}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"argument --project: cannot read {database}: {error}") from None
    if not isinstance(found, list) or not found:
        raise InputError(f"argument --project: {database} is not a list of compiled files; {_MAKE_ONE}")
    return found


def _source(database: Path, number: int, entry: Any) -> tuple[Path, list[str]]:
    """Return the source of an entry, and the words of its command."""
    where = f"argument --project: {database}: entry {number}"
    if not isinstance(entry, dict):
        raise InputError(f"{where} is not an object with directory, file and command; {_MAKE_ONE}")
    for key in ("directory", "file"):
        if not isinstance(entry.get(key), str):
            raise InputError(f"{where} has no {key}; {_MAKE_ONE}")
    words = entry.get("arguments")
    if words is None and isinstance(entry.get("command"), str):
        try:
            words = shlex.split(entry["command"])
        except ValueError as error:
            raise InputError(f"{where}: its command cannot be read: {error}; {_MAKE_ONE}") from None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{where} has neither arguments nor a command; {_MAKE_ONE}")
    return (database.parent / entry["directory"] / entry["file"]).resolve(), words


def _part(words: Sequence[str], source: Path, directory: Path, base: Path) -> tuple[tuple[str, ...], list[str]]:
    """Split an entry's words into the flags that are taken, with absolute paths, and those that are left out."""
    kept: list[str] = []
    left: list[str] = []
    folder = base / directory
    rest = iter(words)
    started = False
    for word in rest:
        if not word.startswith("-"):
            # The compiler and the words before it, and the source.
            if started and (folder / word).resolve() != source:
                left.append(word)
            continue
        started = True
        value = next(rest, "") if word in _WITH_VALUE else None
        option = next((name for name in sorted(_OF_FOLDERS, key=len, reverse=True) if word.startswith(name)), None)
        if option is not None:
            given = value if value is not None else word.removeprefix(option)
            path = folder / given
            kept += [option, str(path.resolve()) if path.exists() or not option.startswith("-i") else given]
        elif word in ("-D", "-U"):
            kept.append(f"{word}{value}")
        elif _KEPT.match(word):
            kept.append(word)
        elif word not in ("-c", "-o", "-MF", "-MT", "-MQ", "-MD", "-MMD", "-MP"):
            left.append(word)
    return tuple(kept), left


def _wanted(database: Path, only: Sequence[Path], flags: Mapping[Path, tuple[str, ...]]) -> list[Path]:
    if not flags:
        raise InputError(f"argument --project: {database} has no file in C or C++")
    for path in only:
        if path.resolve() not in flags:
            names = ", ".join(sorted(source.name for source in flags)[:8])
            raise InputError(f"{path} is not among the files of {database}; it has: {names}")
    return [path.resolve() for path in only] or list(flags)
