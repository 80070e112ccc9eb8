"""Compiles sources with the instrumentation and with the flags that decide which accesses the engine sees."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rusted_ring.verify.explorer import cxx_library, externals, guards, removed_accesses
from rusted_ring.verify.explorer.engine_sources import engine_sources
from rusted_ring.verify.explorer.toolchain import CannotBuild, architecture, call, family
from rusted_ring.verify.support.processes import Deadline

LEVEL: Final = "-O0"
"""The default optimisation level of programs: each access in the source is compiled as one access."""
# With version 5 of DWARF, addr2line of binutils 2.40 takes lines of the first header for the source's own.
COMMON = ("-fno-pie", "-gdwarf-4", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-w")
_INSTRUMENTED = (
    *("-fsanitize=thread", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0", "-fno-stack-protector"),
    # Calls of the library remain, so that the engine sees them; a block that is never read remains, with its leak.
    "-fno-builtin",
    # Also calls of functions that only read, whose results are unused; `leaf` has no meaning here.
    "-D__pure__=__leaf__",
)
# The engine leaves stacks in the middle of functions and copies them back, and copies static variables as a whole, so
# the sanitizers may put nothing between variables. They check only the heap and arithmetic.
SANITIZED = ("--param", "asan-stack=0", "--param", "asan-globals=0", "-fno-sanitize-recover=undefined")
_OF_FAMILY = {
    # The last one keeps writes to static variables that are never read.
    "gcc": ("-fno-toplevel-reorder",),
    "clang": (),
}
# Each function is compiled by itself, so that the compiler drops no call because it knows the function called.
SEPARATE = {
    "gcc": (
        *("-fno-inline", "-fno-partial-inlining", "-fno-ipa-cp", "-fno-ipa-sra", "-fno-ipa-icf", "-fno-ipa-ra"),
        *("-fno-ipa-pure-const", "-fno-ipa-modref", "-fno-ipa-reference"),
    ),
    "clang": ("-fno-inline",),
}
_DEPENDENCIES = re.compile(
    r"-M(?:D|MD|P|G|[FTQ].*)$"
)  # the compiler's files of dependencies, which are not needed here
_TAKES_NEXT = {"-include", "-imacros", "-I", "-D", "-U", "-isystem", "-iquote", "-idirafter", "--param", "-L", "-l"}
USUAL_LIBRARIES = {"c", "m", "pthread", "rt", "dl", "atomic", "gcc", "gcc_s"}


# --- a program's object files


def instrumentation(compiler: Sequence[str], in_cxx: bool = False) -> list[str]:
    """Return the flags with which a program's sources are compiled, besides the level of optimisation."""
    kind = family(compiler)
    headers = [engine_sources() / "cxx" / "prelude.h"] if in_cxx else []
    headers += [engine_sources() / "weak.h"] if kind == "clang" else []
    included = [word for path in headers for word in ("-include", str(path))]
    return [*COMMON, *_INSTRUMENTED, *_OF_FAMILY[kind], *included]


def compile_instrumented(
    source: Path,
    output: Path,
    *,
    compiler: Sequence[str],
    flags: Sequence[str] = (),
    level: str = LEVEL,
    deadline: Deadline | None = None,
) -> list[str]:
    """Compile one C or C++ file so that the engine sees its accesses to memory.

    Args:
        source: the file.
        output: the object file to write.
        compiler: the command of the compiler.
        flags: more flags.
        level: the optimisation level; a level among the flags takes precedence.
        deadline: the time at which the compilation is aborted.

    Returns:
        Sentences on accesses that are not instrumented.

    Raises:
        CannotBuild: it does not compile, or has code that the engine cannot follow.
        TimeUp: the deadline passed.
    """
    in_cxx = cxx_library.is_cxx(source)
    command = [*compiler, level, *instrumentation(compiler, in_cxx), *flags, "-g"]
    work = output.parent
    preprocessed = call([*command, str(source), "-E"], deadline=deadline, temporary=work)
    caveats = [f"{place} has a level of optimisation of its own" for place in guards.check_source(preprocessed)]
    dumps = {kind: output.with_suffix(f".{kind}") for kind in ("original", "gimple-lineno")}
    if family(compiler) == "gcc":
        command += [f"-fdump-tree-{kind}={path}" for kind, path in dumps.items()]
    assembly = output.with_suffix(".s")
    call([*command, str(source), "-o", str(assembly), "-S"], deadline=deadline, temporary=work)
    text = assembly.read_text(encoding="utf-8", errors="replace")
    guards.check_assembly(text, source)
    machine = [flag for flag in flags if flag.startswith(("-m", "--target="))]
    call([*compiler, "-w", *machine, "-c", str(assembly), "-o", str(output)], deadline=deadline, temporary=work)
    if "__tsan_init" not in externals.read_symbols(output).undefined:
        raise CannotBuild(f"refused: the object code of {source.name} is not instrumented")
    guards.check_instructions(output, source.name)
    if architecture() == "x86_64" and family(compiler) == "gcc":
        unit, variables = removed_accesses.read_unit(text), externals.variables(output)
        original, gimple = (path.read_text(encoding="utf-8", errors="replace") for path in dumps.values())
        written = source.read_text(encoding="utf-8", errors="replace")
        # In C++ a statement that is only a variable does not read it.
        places = removed_accesses.unread(original, written, unit, variables, source.name) if not in_cxx else []
        caveats += [f"the compiler removed reads at {', '.join(places)}"] if places else []
        places = removed_accesses.unwritten(gimple, unit, variables)
        caveats += [f"the compiler did not instrument writes at {', '.join(places)}"] if places else []
    return caveats


def changes_code(flags: Sequence[str]) -> bool:
    """Return whether flags may change which accesses are compiled."""
    before = ""
    for flag in flags:
        usual = before in _TAKES_NEXT or flag.startswith(("-D", "-U", "-I", "-i", "-std=", "-W", "-w", "-g", "-M"))
        if not usual and flag not in ("-O0", "-c", "-pthread", "-pipe", "-ansi", "-pedantic", "-v"):
            return True
        before = flag
    return False


def removed_by_optimisation(
    source: Path, folder: Path, *, compiler: Sequence[str], flags: Sequence[str], deadline: Deadline | None
) -> list[str]:
    """Compare a source's accesses with some flags and without optimisation; return sentences on those that are lost."""
    if cxx_library.is_cxx(source):
        return [f"which accesses of {source.name} the compiler removed as it optimised is not known"]
    if architecture() != "x86_64":
        return [f"on {architecture()} it is not known which accesses the compiler removed"]
    units = []
    for level in ([LEVEL], SEPARATE[family(compiler)]):
        output = folder / "compared.s"
        command = [*compiler, LEVEL, *instrumentation(compiler), *flags, *level, "-g", str(source), "-o", str(output)]
        call([*command, "-S"], deadline=deadline, temporary=folder)
        units.append(removed_accesses.read_unit(output.read_text(encoding="utf-8", errors="replace")))
    places = removed_accesses.removed(*units)
    return [f"the compiler removed accesses at {', '.join(map(str, places))}"] if places else []


# --- programs


@dataclasses.dataclass(frozen=True)
class Flags:
    """The user's flags, split into those of the compiler and the inputs of the linker."""

    compiler: tuple[str, ...]
    files: tuple[Path, ...]
    libraries: tuple[str, ...]
    folders: tuple[str, ...]


def divided(flags: Sequence[str]) -> Flags:
    """Split flags into those of the compiler and inputs of the linker; leave out those that write other files."""
    kept: list[str] = []
    files: list[Path] = []
    libraries: list[str] = []
    folders: list[str] = []
    words = iter(flags)
    for word in words:
        follows = next(words, "") if word in _TAKES_NEXT else ""
        if word.startswith("-l"):
            libraries.append(word[2:] or follows)
        elif word.startswith("-L"):
            folders.append(word[2:] or follows)
        elif _DEPENDENCIES.match(word):
            if word in ("-MF", "-MT", "-MQ"):
                next(words, "")
        elif not word.startswith("-") and re.search(r"\.(?:o|a|so(?:\.\d+)*)$", word):
            files.append(Path(word))
        elif not word.startswith("-Wl,") and word not in ("-pthread", "-static", "-shared", "-no-pie", "-pie", "-s"):
            kept += [word, follows] if follows else [word]
        elif word == "-pthread":
            kept.append(word)
    return Flags(tuple(kept), tuple(files), tuple(libraries), tuple(folders))
