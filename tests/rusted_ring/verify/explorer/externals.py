"""The functions and variables outside its own sources that a program uses.

The engine's functions replace those of the C library by name. Functions that access only their arguments' values are
allowed (`pure.txt`). Any other function is replaced by a stub: a call that an execution reaches ends the exploration
with the function's name and line. A variable of a library is refused before anything runs.
"""

import functools
import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rusted_ring.verify.explorer.symbols import demangle
from rusted_ring.verify.explorer.toolchain import CannotBuild, call

_VARIABLES: Final = {"stdin", "stdout", "stderr", "environ", "__environ", "_environ"}
_LONGEST: Final = 150  # of a name in a refusal, which has room for 255 bytes
_WRITABLE = "BDVGSC"  # of nm's letters
_LINKER: Final = re.compile(
    r"_GLOBAL_OFFSET_TABLE_|_?_?(?:end|edata|etext|bss_start|executable_start|ehdr_start|dso_handle)|__(?:start|stop)_\w+"
    r"|__(?:pre)?(?:init|fini)_array_(?:start|end)|_DYNAMIC|_TLS_MODULE_BASE_"
)
_COMPILER: Final = re.compile(
    r"__tsan_\w+|__stack_chk_\w+|__explorer_weak|explorer_\w+|_Unwind_\w+|__gcc_personality_v0"
)
_LIBRARIES: Final = ("libc.so.6", "libm.so.6", "libpthread.so.0", "librt.so.1", "libdl.so.2", "libatomic.so.1")


@dataclass(frozen=True)
class Symbols:
    """The symbols of object files: the defined and the undefined ones, with their kinds as nm's letters."""

    defined: Mapping[str, str]
    undefined: Mapping[str, str]


def read_symbols(*files: Path, dynamic: bool = False) -> Symbols:
    """Read the global symbols of object files, archives or shared libraries."""
    if not files:
        return Symbols({}, {})
    contents = [file.read_bytes() if file.is_file() else b"" for file in files]
    plain = all(map(_is_plain, contents))
    digest = hashlib.blake2b(b"".join(hashlib.blake2b(content).digest() for content in contents)).digest()
    return _read_symbols(files, digest, ("-D",) if dynamic else (), plain)


@functools.lru_cache(maxsize=64)
def _read_symbols(files: tuple[Path, ...], digest: bytes, options: tuple[str, ...], plain: bool) -> Symbols:
    """Read them, cached by contents: the files of the engine and the libraries are read many times.

    Args:
        files: the files.
        digest: of their contents; it is a part of the cache's key.
        options: for nm.
        plain: whether nm can do without plugins.
    """
    assert digest
    said = _nm(["-g", "-P", *options, *map(str, files)], plain)
    defined, undefined = {}, {}
    for line in said.splitlines():
        words = line.split()
        if len(words) >= 2 and len(words[1]) == 1:
            name = words[0].partition("@")[0]
            if words[1] in "Uwv":
                undefined[name] = words[1]
            else:
                defined[name] = words[1]
    return Symbols(defined, {name: kind for name, kind in undefined.items() if name not in defined})


def _is_plain(content: bytes) -> bool:
    """Return whether nm can read this without the linker's plugins: an object file without link-time optimisation."""
    return content.startswith(b"\x7fELF") and b".gnu.lto_" not in content


def _nm(arguments: Sequence[str], plain: bool) -> str:
    """Run nm; for plain object files without plugins, whose loading takes several times as long as the rest."""
    if plain:
        done = subprocess.run(["nm", "--plugin", os.devnull, *arguments], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
    return subprocess.run(["nm", *arguments], capture_output=True, text=True, check=False).stdout


def members(file: Path) -> dict[str, Symbols]:
    """Read the global symbols of each member of an archive; an object file is one itself."""
    command = ["nm", "-g", "-P", "-A", str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines: dict[str, list[list[str]]] = {}
    for line in said.splitlines():
        member, _, rest = line.rpartition(": ")
        lines.setdefault(member, []).append(rest.split())
    return {
        member: Symbols(
            {words[0]: words[1] for words in found if len(words) > 1 and words[1] not in "Uwv"},
            {words[0]: words[1] for words in found if len(words) > 1 and words[1] in "Uwv"},
        )
        for member, found in lines.items()
    }


def variables(file: Path) -> set[str]:
    """Read the names of an object file's variables, static ones and those defined elsewhere included."""
    words = (line.split() for line in _nm(["-P", str(file)], _is_plain(file.read_bytes())).splitlines())
    return {found[0].partition(".")[0] for found in words if len(found) > 1 and found[1] in "BbDdCcGgSsU"}


def renames(path: Path) -> dict[str, str]:
    """Read the names that the engine replaces (`symbols.txt`)."""
    pairs = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0]: words[1] for words in pairs if len(words) == 2 and not words[0].startswith("#")}


def pure(path: Path) -> frozenset[str] | None:
    """Read the functions that access no memory shared between threads (`pure.txt`); None if there is no such list."""
    if not path.is_file():
        return None
    lines = (line.partition("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(words[0] for words in lines if words)


def names_of_the_system(compiler: Sequence[str]) -> frozenset[str]:
    """Return the names that the C library and its companions define."""
    return frozenset(_of_the_system(tuple(compiler)))


@functools.lru_cache(maxsize=8)
def _of_the_system(compiler: tuple[str, ...]) -> Mapping[str, str]:
    """The symbols of the C library and its companions, by nm's letters."""
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        path = Path(call([*compiler, f"-print-file-name={name}"]).strip())
        if path.is_absolute() and path.is_file():
            found = {**read_symbols(path, dynamic=True).defined, **found}
    # A few functions of the C library are linked into each program: atexit for one.
    path = Path(call([*compiler, "-print-file-name=libc_nonshared.a"]).strip())
    return {**read_symbols(path).defined, **found} if path.is_absolute() and path.is_file() else found


@functools.lru_cache(maxsize=8)
def _of_the_compiler(compiler: tuple[str, ...]) -> frozenset[str]:
    """Return the functions that compilers call by themselves, for arithmetic without a processor instruction."""
    path = Path(call([*compiler, "-print-libgcc-file-name"]).strip())
    return frozenset(read_symbols(path).defined) if path.is_file() else frozenset()


def check_main(objects: Mapping[Path, Path], main: str, chosen: Path | None = None) -> list[Path]:
    """Check that exactly one source defines `main`, or that the chosen one does.

    Args:
        objects: the object files by source.
        main: the name of `main` in the objects.
        chosen: the source whose `main` is run, if several may have one.

    Returns:
        The sources with another `main` than the chosen one.

    Raises:
        CannotBuild: no source defines it, or several do and none is chosen.
    """
    having = [source for source, file in objects.items() if main in read_symbols(file).defined]
    names = ", ".join(source.name for source in objects)
    if not having:
        raise CannotBuild(f"{names} {'has' if len(objects) == 1 else 'have'} no main()")
    if chosen is not None:
        others = [source for source in having if source.resolve() != chosen.resolve()]
        if len(others) == len(having):
            known = ", ".join(source.name for source in having)
            raise CannotBuild(f"argument --main: {chosen} has no main() that is compiled here; these have: {known}")
        return others
    if len(having) > 1:
        both = " and ".join(source.name for source in having)
        raise CannotBuild(f"{both} both define main(): leave one out, or choose a project's by --main FILE")
    return []


def not_followed(
    objects: Sequence[Path],
    engine: Path,
    *,
    allowed: frozenset[str],
    compiler: Sequence[str],
    foreign: Mapping[str, tuple[str, str]],
) -> list[str]:
    """Return the functions that a program calls and the explorer does not follow.

    Args:
        objects: the program's object files.
        engine: the engine's archive.
        allowed: the functions that are allowed.
        compiler: the command of the compiler.
        foreign: symbols of what the user links that is not instrumented: of what kind, and in which file they are.

    Raises:
        CannotBuild: the program uses a variable of a library.
    """
    ours = read_symbols(*objects)
    known = read_symbols(engine).defined
    system, helpers = _of_the_system(tuple(compiler)), _of_the_compiler(tuple(compiler))
    found = []
    for name in sorted(ours.undefined):
        if name in known or name in allowed or name in helpers or _COMPILER.fullmatch(name) or _LINKER.fullmatch(name):
            continue
        kind, where = foreign.get(name) or (system.get(name), "the C library")
        if kind is None:
            continue  # It is not defined: the linker reports it.
        if kind not in _WRITABLE:
            found.append(name)
        elif name not in _VARIABLES:
            raise CannotBuild(
                f"refused: the program uses the variable {demangle(name)} of {where}{_where(objects, name)}, "
                "which the explorer does not follow"
            )
    return found


def _where(objects: Iterable[Path], name: str) -> str:
    """Return the first location that refers to a symbol, as ` at file.c:12`; empty if it is not known."""
    for file in objects:
        said = subprocess.run(["objdump", "-r", str(file)], capture_output=True, text=True, check=False).stdout
        section = ""
        for line in said.splitlines():
            if line.startswith("RELOCATION RECORDS FOR ["):
                section = line.partition("[")[2].partition("]")[0]
            words = line.split()
            if section.startswith(".text") and len(words) == 3 and re.split(r"[-+@]", words[2])[0] == name:
                command = ["addr2line", "-e", str(file), "-j", section, f"0x{words[0]}"]
                place = (
                    subprocess.run(command, capture_output=True, text=True, check=False).stdout.split(" ")[0].strip()
                )
                path, _, number = place.rpartition(":")
                if number.isdigit() and path not in ("", "??"):
                    return f" at {Path(path).name}:{number}"
    return ""


def stubs(
    names: Sequence[str],
    prefix: str = "explorer_refused",
    *,
    by: str = "explorer_refuse_call",
) -> tuple[str, dict[str, str]]:
    """Return C code with a function for each name that refuses its call, and the symbols that replace the names.

    Args:
        names: the functions.
        prefix: the prefix of the symbols.
        by: the engine's function that refuses.
    """
    symbols = {name: f"{prefix}_{number}" for number, name in enumerate(names)}
    lines = [f"_Noreturn void {by}(const char *name, __UINT64_TYPE__ pc);"]
    for name, symbol in symbols.items():
        shown = demangle(name)[:_LONGEST].replace('"', r"\"")
        lines += [
            f"void {symbol}(void);",
            f"void {symbol}(void)",
            "{",
            f'    {by}("{shown}", (__UINT64_TYPE__)(__UINTPTR_TYPE__)__builtin_return_address(0));',
            "}",
        ]
    return "\n".join(lines) + "\n", symbols
