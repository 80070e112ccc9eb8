"""What a program calls and uses outside its own sources, and what becomes of it.

The engine's functions take the place of the C library's by name. Of the others those pass that touch nothing but their
arguments' values (`pure.txt`). A call of anything else ends the exploration with its name and line, if it comes to that
call: a stub stands in the function's place. A variable of a library is refused before anything runs.
"""

import functools
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rusted_ring.verify.toolchain import CannotBuild, call

_VARIABLES: Final = {"stdin", "stdout", "stderr", "environ", "__environ", "_environ"}
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
    """The symbols of object files: what is defined, what is not, and of what kind, by nm's letters."""

    defined: Mapping[str, str]
    undefined: Mapping[str, str]


def read_symbols(*files: Path, dynamic: bool = False) -> Symbols:
    """Read the global symbols of object files, archives or shared libraries."""
    if not files:
        return Symbols({}, {})
    command = ["nm", "-g", "-P", *(["-D"] if dynamic else []), *map(str, files)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
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
    """Read the names of an object file's variables, those that are static or defined elsewhere too."""
    said = subprocess.run(["nm", "-P", str(file)], capture_output=True, text=True, check=False).stdout
    words = (line.split() for line in said.splitlines())
    return {found[0].partition(".")[0] for found in words if len(found) > 1 and found[1] in "BbDdCcGgSsU"}


def renames(path: Path) -> dict[str, str]:
    """Read which names are the engine's to replace (`symbols.txt`)."""
    pairs = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0]: words[1] for words in pairs if len(words) == 2 and not words[0].startswith("#")}


def pure(path: Path) -> frozenset[str] | None:
    """Read which functions touch no memory that threads share (`pure.txt`); None if there is no such list."""
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
    """What compilers call by themselves: arithmetic that the processor has no instruction for."""
    path = Path(call([*compiler, "-print-libgcc-file-name"]).strip())
    return frozenset(read_symbols(path).defined) if path.is_file() else frozenset()


def check_main(objects: Mapping[Path, Path], main: str) -> None:
    """Check that just one source defines `main`.

    Args:
        objects: by source.
        main: its name in the objects.

    Raises:
        CannotBuild: none does, or several do.
    """
    having = [source.name for source, file in objects.items() if main in read_symbols(file).defined]
    names = ", ".join(source.name for source in objects)
    if not having:
        raise CannotBuild(f"{names} {'has' if len(objects) == 1 else 'have'} no main()")
    if len(having) > 1:
        raise CannotBuild(f"{' and '.join(having)} both define main()")


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
        allowed: the functions that pass.
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
            continue  # It is nowhere: the linker complains.
        if kind not in _WRITABLE:
            found.append(name)
        elif name not in _VARIABLES:
            raise CannotBuild(
                f"refused: the program uses the variable {name} of {where}{_where(objects, name)}, "
                "which the explorer does not follow"
            )
    return found


def _where(objects: Iterable[Path], name: str) -> str:
    """The first place that refers to a symbol, as ` at file.c:12`; empty if that is not known."""
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


def stubs(names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return C code with a function for each name that refuses its call, and the symbols that take their place."""
    symbols = {name: f"explorer_refused_{number}" for number, name in enumerate(names)}
    lines = ["_Noreturn void explorer_refuse_call(const char *name, __UINT64_TYPE__ pc);"]
    for name, symbol in symbols.items():
        lines += [
            f"void {symbol}(void);",
            f"void {symbol}(void)",
            "{",
            f'    explorer_refuse_call("{name}", (__UINT64_TYPE__)(__UINTPTR_TYPE__)__builtin_return_address(0));',
            "}",
        ]
    return "\n".join(lines) + "\n", symbols
