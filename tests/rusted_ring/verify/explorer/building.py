"""Builds programs that explore themselves from C and C++ sources: compiles, checks and links them with the engine.

The engine is the C library in `native/explorer`. A program is compiled with ThreadSanitizer's instrumentation, so that
each of its accesses to memory is a call, and without optimisation, so that the compiler removes none before. In its
object files the C library's functions for threads, locks and memory are renamed to the engine's (`symbols.txt`), and it
is linked with the engine instead of the sanitizer's runtime. The user's cache keeps the engine's own objects (see
`caching`).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rusted_ring.verify.explorer import caching, cxx_library, externals, guards
from rusted_ring.verify.explorer.engine_library import Size, library
from rusted_ring.verify.explorer.engine_sources import engine_sources, harness_source, include_flags
from rusted_ring.verify.explorer.instrumenting import (
    LEVEL,
    SEPARATE,
    changes_code,
    compile_instrumented,
    divided,
    instrumentation,
    removed_by_optimisation,
)
from rusted_ring.verify.explorer.linked_libraries import prebuilt
from rusted_ring.verify.explorer.linking import Program, harness_objects, link, refuse_calls, rename
from rusted_ring.verify.explorer.toolchain import call, family, find_compiler, need_tools
from rusted_ring.verify.support.processes import Deadline


def build(
    sources: Sequence[Path],
    *,
    flags: Sequence[str] = (),
    flags_of: Mapping[Path, Sequence[str]] | None = None,
    main: Path | None = None,
    compiler: str | None = None,
    folder: Path,
    sanitize: str = "",
    standard: str = "",
    deadline: Deadline | None = None,
) -> Program:
    """Build a program that explores itself.

    Args:
        sources: its C and C++ files; one of them has `main`.
        flags: flags for the compiler, and object files and libraries to link.
        flags_of: by source: flags for the compiler that are its own.
        main: the source whose `main` is run; other sources with a `main` are left out. None if only one has it.
        compiler: gcc, g++, clang, clang++, or by default the one that `find_compiler` finds; the suffix of a file
            decides whether the C or the C++ compiler of the pair compiles it.
        folder: the folder for the object files and the program.
        sanitize: a sanitizer for the engine itself.
        standard: the standard of C++, such as `c++20`; one of another language has no effect.
        deadline: the time at which the build is aborted.

    Raises:
        CannotBuild: there is no compiler, it finds an error, or the program has code that the engine cannot follow.
        TimeUp: the deadline passed.
    """
    command = find_compiler(compiler)
    in_cxx = any(map(cxx_library.is_cxx, sources))
    command, for_cxx = cxx_library.commands(command) if in_cxx or "++" in command[0] else (command, command)
    need_tools()
    guards.check_flags(command[1:])
    guards.check_flags(flags)
    given = divided(flags)
    archive = library(command, sanitize=sanitize, deadline=deadline)
    usable, caveats, foreign = prebuilt(given, folder, command)
    objects: dict[Path, Path] = {}
    optimized = False
    for number, source in enumerate(sources):
        output = folder / f"{number}-{source.stem}.o"
        of_source = [*(flags_of or {}).get(source, ()), *given.compiler]
        guards.check_flags(of_source)
        separate = SEPARATE[family(command)] if changes_code([*command[1:], *of_source]) else ()
        optimized = optimized or bool(separate)
        more = [*of_source, *separate]
        chosen = for_cxx if cxx_library.is_cxx(source) else command
        more = (
            [cxx_library.STANDARDS.get(standard, cxx_library.STANDARD), *more] if cxx_library.is_cxx(source) else more
        )
        caveats += compile_instrumented(source, output, compiler=chosen, flags=more, deadline=deadline)
        if separate:
            caveats += removed_by_optimisation(source, folder, compiler=chosen, flags=of_source, deadline=deadline)
        objects[source.absolute() if source.name in {path.name for path in objects} else source] = output
    for other in externals.check_main({**objects, **{path: path for path in usable}}, "main", main):
        objects.pop(other, None)
    own = externals.read_symbols(*objects.values(), *usable).defined
    parts = [*objects.values(), *usable]
    library_parts = _cxx_library(for_cxx, parts, archive, foreign, deadline) if in_cxx else _NoLibrary
    unoptimized = not (usable or caveats or optimized)
    rename(parts, folder, command, archive, own, library_parts.renames)
    parts += refuse_calls(parts, folder, command, archive, foreign, library_parts.allowed)
    parts += library_parts.objects
    if unoptimized:
        parts.append(say_unoptimized(folder, command, deadline))
    libraries = library_parts.link
    path = link(parts, folder / "program", compiler=command, sanitize=sanitize, libraries=libraries, deadline=deadline)
    return Program(path, tuple(parts), tuple(command), Size(), sanitize, tuple(caveats), libraries)


@dataclasses.dataclass(frozen=True)
class _Library:
    """The library of a language: names to rename, names to allow, object files, and further inputs of the linker."""

    renames: Mapping[str, str]
    allowed: frozenset[str]
    objects: tuple[Path, ...]
    link: tuple[str, ...]


_NoLibrary: Final = _Library({}, frozenset(), (), ())


def _cxx_library(
    compiler: Sequence[str],
    parts: Sequence[Path],
    archive: Path,
    foreign: dict[str, tuple[str, str]],
    deadline: Deadline | None,
) -> _Library:
    """Return the standard library of C++; add its names to those that are not instrumented."""
    sources = engine_sources()
    lists, original = cxx_library.read_lists(sources), cxx_library.find_library(compiler)
    foreign |= {name: (kind, original.name) for name, kind in externals.read_symbols(original).defined.items()}
    objects = cxx_library.runtime(compiler, instrumentation(compiler, in_cxx=True), sources, deadline=deadline)
    copy = cxx_library.standard_library(compiler, sources, archive, objects, deadline=deadline)
    used = externals.read_symbols(*parts).undefined
    allowed = frozenset(name for name in used if lists.has("allowed", name))
    link_with = (str(copy), "-static-libgcc", "-lgcc_eh", "-Wl,--gc-sections")
    foreign |= dict.fromkeys(lists.refused.values(), ("T", "the C library"))
    return _Library({**lists.counted, **lists.refused}, allowed, tuple(objects), link_with)


def say_unoptimized(folder: Path, compiler: Sequence[str], deadline: Deadline | None) -> Path:
    """Tell the engine that a function's variables are dead once it has called the hook at its end.

    This holds only without optimisation: optimised code may still load the return value from one of them.
    """
    kept = library(compiler, deadline=deadline).parent / "unoptimized.o"
    if not kept.is_file():
        source, made = folder / "unoptimized.c", folder / "unoptimized.o"
        source.write_text("const char explorer_unoptimized = 1;\n", encoding="utf-8")
        call([*compiler, "-fno-pie", "-w", "-c", str(source), "-o", str(made)], deadline=deadline, temporary=folder)
        caching.keep(made, kept)
    return kept


def build_litmus(folder: Path, *, compiler: str | None = None, sanitize: str = "") -> Path:
    """Build the harness of litmus programs, see `running.LineServer`.

    Raises:
        CannotBuild: there is no compiler, or it finds an error.
    """
    command = find_compiler(compiler)
    archive = library(command, sanitize=sanitize)
    return link([archive.parent / "litmus.o"], folder / "litmus", compiler=command, sanitize=sanitize)


def build_client(
    root: Path, folder: Path, *, compiler: str | None = None, sanitize: str = "", level: str = LEVEL
) -> Path:
    """Build the harness of client programs over the native core, see `running.LineServer`.

    The core is compiled unchanged, with instrumentation and debug information; the harness is not instrumented.

    Args:
        root: a checkout, or a folder with a copy of its `native/`.
        folder: the folder for the object files and the program.
        compiler: gcc, clang, or by default the one that `find_compiler` finds.
        sanitize: a sanitizer for the engine itself.
        level: the level of optimisation of the core.

    Raises:
        CannotBuild: there is no compiler, or it finds an error.
    """
    command = find_compiler(compiler)
    need_tools()
    native = root / "native"
    archive = library(command, sanitize=sanitize)
    flags = ["-std=c11", "-D_GNU_SOURCE", f"-I{native / 'include'}", f"-I{native / 'src'}", *include_flags()]
    core: list[Path] = []
    for source in (*sorted((native / "src").glob("*.c")), harness_source("client_payload.c")):
        output = folder / f"{source.stem}.o"
        compile_instrumented(source, output, compiler=command, flags=flags, level=level)
        core.append(output)
    rename(core, folder, command, archive, ())
    core += refuse_calls(core, folder, command, archive, {})
    harness = harness_objects(native, command, flags)
    return link([*core, *harness], folder / "client", compiler=command, sanitize=sanitize)
