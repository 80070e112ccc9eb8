"""The standard library of C++, in a form that the engine can follow.

The definitions in the library's headers are compiled with the program. Of the rest, in `libstdc++.a`, the engine uses a
copy: its calls of the C library go to the engine, a function may be called from outside only if `cxx/library.txt` lists
it, and an atomic instruction in it traps, so that none is executed without the engine's knowledge. A few functions that
access a program's objects are compiled again with the instrumentation (`cxx/*.cpp`) and replace the library's.
"""

import dataclasses
import fnmatch
import hashlib
import re
import shutil
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rusted_ring.verify.explorer import caching, externals
from rusted_ring.verify.explorer.toolchain import CannotBuild, architecture, call, version
from rusted_ring.verify.support import processes
from rusted_ring.verify.support.processes import Deadline

SUFFIXES: Final = (".cpp", ".cc", ".cxx", ".C", ".c++", ".cp")
STANDARD: Final = "-std=gnu++20"
"""The default standard of C++."""
STANDARDS: Final = {"c++17": "-std=gnu++17", "c++20": "-std=gnu++20", "c++23": "-std=gnu++2b"}

_TRAP: Final = 0xCC
_LOCKED = re.compile(r"\s*([0-9a-f]+):\t(?:lock\s|(?:data16 )?lock\b|mfence|xchg\s[^#]*\()")
_FUNCTION = re.compile(r"[0-9a-f]+ <(.+)>:$")
_MEMBER = re.compile(r"(\S+):\s+file format ")
_SECTION = "Disassembly of section "
_EXECUTABLE = 4


def is_cxx(source: Path) -> bool:
    """Return whether a source is in C++, by the suffix of its name."""
    return source.suffix in SUFFIXES


def commands(command: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the commands of the C and of the C++ compiler that belong together.

    Args:
        command: either of them, as `gcc-12` or `clang++`.

    Raises:
        CannotBuild: the other one has no known name, or is not installed.
    """
    folder, _, name = command[0].rpartition("/")
    prefix = f"{folder}/" if folder else ""
    found = re.fullmatch(r"(.*-)?(gcc|g\+\+|clang\+\+|clang|c\+\+|cc)(-[\d.]+)?", name)
    if found is None:
        raise CannotBuild(
            f"{command[0]}: which C++ compiler belongs to it is not known; give gcc, g++, clang or clang++"
        )
    kind = {"g++": "gcc", "clang++": "clang", "c++": "cc"}.get(found[2], found[2])
    other = {"gcc": "g++", "clang": "clang++", "cc": "c++"}[kind]
    both = [[f"{prefix}{found[1] or ''}{one}{found[3] or ''}", *command[1:]] for one in (kind, other)]
    for one in both:
        if shutil.which(one[0]) is None:
            raise CannotBuild(f"no compiler {one[0]}: install it, the program needs it")
    return both[0], both[1]


@dataclasses.dataclass(frozen=True)
class Lists:
    """The contents of `library.txt`: patterns of names by kind."""

    patterns: Mapping[str, tuple[str, ...]]

    def has(self, kind: str, name: str) -> bool:
        """Return whether a name is listed under a kind."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.patterns.get(kind, ()))

    @property
    def counted(self) -> dict[str, str]:
        """Return the names that are renamed only in a program's objects."""
        return {name: f"xp_{name}" for name in self.patterns["counted"]}

    @property
    def refused(self) -> dict[str, str]:
        """Return the functions that the engine follows only in C, with the names under which it refuses them."""
        return {name: f"{name}_in_cxx" for name in self.patterns["refused"]}


def read_lists(sources: Path) -> Lists:
    """Read which parts of the library may be used; `sources` is the folder of the engine's sources."""
    found = defaultdict(list)
    for line in (sources / "cxx" / "library.txt").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 2 and not line.startswith("#"):
            found[words[0]].append(words[1])
    return Lists({kind: tuple(names) for kind, names in found.items()})


def find_library(compiler: Sequence[str]) -> Path:
    """Return the compiler's `libstdc++.a`.

    Raises:
        CannotBuild: there is none, or the machine is not one on which its atomic instructions are known.
    """
    if architecture() != "x86_64":
        raise CannotBuild(f"refused: C++ programs are explored on x86-64 alone, and this machine is {architecture()}")
    path = Path(call([*compiler, "-print-file-name=libstdc++.a"]).strip())
    if not path.is_absolute() or not path.is_file():
        raise CannotBuild(
            "libstdc++.a is not installed: install g++, whose standard library C++ programs are linked with"
        )
    return path


def standard_library(
    compiler: Sequence[str],
    sources: Path,
    engine: Path,
    anew: Sequence[Path],
    *,
    deadline: Deadline | None = None,
) -> Path:
    """Return the copy of `libstdc++.a` that calls the engine; make it if it does not exist yet.

    Args:
        compiler: the command of the C++ compiler.
        sources: the folder of the engine's sources.
        engine: the engine's archive.
        anew: the object files of the parts that are compiled again, whose functions take precedence.
        deadline: the time at which the work is aborted.

    Raises:
        CannotBuild: the library is not there.
        TimeUp: the deadline passed.
    """
    original = find_library(compiler)
    digest = hashlib.sha256(original.read_bytes() + Path(__file__).read_bytes())
    for path in (*(sources / name for name in ("symbols.txt", "cxx/library.txt", "intercept/pure.txt")), *anew):
        digest.update(path.read_bytes())
    kept = caching.kept_folder(digest.hexdigest()[:32]) / "libstdc++.a"
    if kept.is_file():
        return kept
    lists = read_lists(sources)
    ours = externals.read_symbols(*anew).defined
    taken = externals.renames(sources / "symbols.txt")
    pure = externals.pure(sources / "intercept" / "pure.txt") or frozenset()
    unknown = externals.not_followed(
        [original],
        engine,
        allowed=pure
        | taken.keys()
        | {name for name in externals.read_symbols(original).undefined if lists.has("inside", name)},
        compiler=compiler,
        foreign={},
    )
    with processes.workspace() as work:
        text, stubs = externals.stubs(unknown, "explorer_library_refused")
        source, made, table = work / "refused_of_library.c", work / "libstdc++.a", work / "renames.txt"
        source.write_text(text, encoding="utf-8")
        call([*commands(compiler)[0], "-O1", "-fno-pie", "-w", "-c", str(source), "-o", str(source.with_suffix(".o"))])
        table.write_text("".join(f"{old} {new}\n" for old, new in {**taken, **stubs}.items()), encoding="utf-8")
        replaced = work / "replaced.txt"
        replaced.write_text("".join(f"{name}\n" for name, kind in ours.items() if kind == "T"), encoding="utf-8")
        command = ["objcopy", f"--weaken-symbols={replaced}", f"--redefine-syms={table}", str(original), str(made)]
        call(command, deadline=deadline, temporary=work)
        # The linker must not find the functions that the engine replaces here first.
        own = {
            member.rpartition("[")[2].rstrip("]"): {name for name in symbols.defined if not name.startswith("DW.ref.")}
            for member, symbols in externals.members(original).items()
        }
        without = [member for member, defined in own.items() if defined and defined <= taken.keys()]
        call(["ar", "d", str(made), *without], deadline=deadline)
        _set_traps(made, lists, deadline)
        call(["ar", "rs", str(made), str(source.with_suffix(".o"))], deadline=deadline)
        caching.keep(made, kept)
    return kept


def _set_traps(archive: Path, lists: Lists, deadline: Deadline | None) -> None:
    """Replace each atomic instruction that is not listed as `locked` by a trap."""
    content = bytearray(archive.read_bytes())
    sections: dict[str, dict[str, list[int]]] = {}
    for name, start in _archive_members(content):
        sections.setdefault(name, defaultdict(list))
        for section, offset in _code_sections(content, start):
            sections[name][section].append(offset)
    said = call(["objdump", "-dw", "--no-show-raw-insn", str(archive)], deadline=deadline)
    member, section_at, function, count = "", 0, "", 0
    for line in said.splitlines():
        if (found := _MEMBER.match(line)) is not None:
            member = found[1]
        elif line.startswith(_SECTION):
            section_at = sections[member][line.removeprefix(_SECTION).rstrip(":")].pop(0)
        elif (found := _FUNCTION.match(line)) is not None:
            function = found[1].partition(".")[0]
        elif (found := _LOCKED.match(line)) is not None and not lists.has("locked", function):
            content[section_at + int(found[1], 16)] = _TRAP
            count += 1
    if count == 0:
        raise CannotBuild(f"{archive.name} has no atomic instructions: it is not the library that the explorer knows")
    archive.write_bytes(content)


def _archive_members(content: bytes | bytearray) -> Iterator[tuple[str, int]]:
    """Yield the members of an archive of `ar`: their names and the offsets of their contents."""
    at, long_names = 8, b""
    while at + 60 <= len(content):
        name, size = bytes(content[at : at + 16]).rstrip().decode(), int(content[at + 48 : at + 58])
        begin = at + 60
        if name == "//":
            long_names = bytes(content[begin : begin + size])
        elif name not in ("/", "/SYM64/"):
            if name.startswith("/"):
                start = int(name[1:])
                name = long_names[start : long_names.index(b"\n", start)].decode()
            yield name.rstrip("/"), begin
        at = begin + size + size % 2


def _code_sections(content: bytes | bytearray, start: int) -> Iterator[tuple[str, int]]:
    """Yield the code sections of a 64-bit object file: their names and their offsets in the content."""
    if bytes(content[start : start + 4]) != b"\x7fELF":
        return
    (table,) = struct.unpack_from("<Q", content, start + 0x28)
    size, number, names = struct.unpack_from("<HHH", content, start + 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", content, start + table + size * at) for at in range(number)]
    texts = start + headers[names][4]
    for name, kind, flags, _, offset, length in headers:
        if kind == 1 and flags & _EXECUTABLE and length:
            begin = texts + name
            yield bytes(content[begin : content.index(0, begin)]).decode(), start + offset


def runtime(
    compiler: Sequence[str], flags: Sequence[str], sources: Path, *, deadline: Deadline | None = None
) -> list[Path]:
    """Return the object files of the parts that are compiled again; compile them if they do not exist yet.

    Args:
        compiler: the command of the C++ compiler.
        flags: those of the instrumentation.
        sources: the folder of the engine's sources.
        deadline: when it is broken off.

    Raises:
        CannotBuild: they do not compile.
        TimeUp: the deadline passed.
    """
    every = [STANDARD, *flags, "-ffunction-sections", "-fdata-sections", "-g"]
    digest = hashlib.sha256(repr((list(compiler), version(tuple(compiler)), every, architecture())).encode())
    for path in (*sorted((sources / "cxx").iterdir()), sources / "symbols.txt", sources / "weak.h"):
        digest.update(path.name.encode() + path.read_bytes())
    folder = caching.kept_folder(digest.hexdigest()[:32])
    found = [folder / f"{source.stem}.o" for source in sorted((sources / "cxx").glob("*.cpp"))]
    if all(path.is_file() for path in found):
        return found
    with processes.workspace() as work:
        for kept in found:
            made = work / kept.name
            source = sources / "cxx" / f"{kept.stem}.cpp"
            call([*compiler, *every, "-c", str(source), "-o", str(made)], deadline=deadline, temporary=work)
            call(["objcopy", f"--redefine-syms={sources / 'symbols.txt'}", str(made)], deadline=deadline)
            caching.keep(made, kept)
    return found
