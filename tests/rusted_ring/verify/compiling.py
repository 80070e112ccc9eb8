"""Programs that explore themselves, from C and C++ sources: compiled, checked, and linked with the engine.

The engine is the C library in `native/explorer`. A program is compiled with ThreadSanitizer's instrumentation, so that
each of its accesses to memory is a call, and without optimisation, so that none is removed before. In its object files
the C library's functions for threads, locks and memory are renamed to the engine's (`symbols.txt`), and it is linked
with the engine in the sanitizer's place. The engine's own objects are kept in the user's cache (see `caching`).
"""

import concurrent.futures
import dataclasses
import hashlib
import os
import re
import shutil
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rusted_ring.verify import caching, calls, cxx, guards, processes, removed
from rusted_ring.verify.checkout import NoCheckout, checkout
from rusted_ring.verify.processes import Deadline
from rusted_ring.verify.toolchain import CannotBuild, architecture, call, family, find_compiler, need_tools, version

LEVEL: Final = "-O0"
"""How programs are compiled where the user does not say: as the source has it, each access is one."""

# What programs of SV-COMP define by way of abort(): the engine's own takes its place.
_ASSUMPTION = "assume_abort_if_not"
# With version 5 of DWARF, addr2line of binutils 2.40 takes lines of the first header for the source's own.
_COMMON = ("-fno-pie", "-gdwarf-4", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-w")
_INSTRUMENTED = (
    *("-fsanitize=thread", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0", "-fno-stack-protector"),
    # A call of the library stays one, which the engine sees; a block that nobody reads stays, and its leak with it.
    "-fno-builtin",
    # The same of a function that only reads, whose result nobody uses; leaf means nothing here.
    "-D__pure__=__leaf__",
)
# Stacks are left in the midst of functions and copied back, and static variables copied as a whole: nothing may lie
# between them. The heap and arithmetic are what is checked.
_SANITIZED = ("--param", "asan-stack=0", "--param", "asan-globals=0", "-fno-sanitize-recover=undefined")
_OF_FAMILY = {
    # The last so that what is written to static variables that nobody reads is written.
    "gcc": ("-fno-toplevel-reorder",),
    "clang": (),
}
# Each function by itself: what the compiler knows of a function that it calls must not have it drop the call.
_SEPARATE = {
    "gcc": (
        *("-fno-inline", "-fno-partial-inlining", "-fno-ipa-cp", "-fno-ipa-sra", "-fno-ipa-icf", "-fno-ipa-ra"),
        *("-fno-ipa-pure-const", "-fno-ipa-modref", "-fno-ipa-reference"),
    ),
    "clang": ("-fno-inline",),
}
_PARTS = ("engine", "intercept")
_DEPENDENCIES = re.compile(r"-M(?:D|MD|P|G|[FTQ].*)$")  # files beside the user's, which nobody asks for here
_TAKES_NEXT = {"-include", "-imacros", "-I", "-D", "-U", "-isystem", "-iquote", "-idirafter", "--param", "-L", "-l"}
_USUAL_LIBRARIES = {"c", "m", "pthread", "rt", "dl", "atomic", "gcc", "gcc_s"}
_OWN = ".program"
_DYNAMIC, _INIT_ARRAY_BYTES = 2, 27  # of ELF: PT_DYNAMIC, DT_INIT_ARRAYSZ


@dataclasses.dataclass(frozen=True)
class Size:
    """What the engine has room for: how many threads, and in how many bits it counts the events of one of them."""

    threads: int = 32
    clock: str = "int16_t"

    def grown(self, what: str) -> "Size | None":
        """Return the next larger size in `threads` or in `events`; None if there is none."""
        if what == "threads" and self.threads < 512:
            return dataclasses.replace(self, threads=128 if self.threads < 128 else 512)
        if what == "events" and self.clock == "int16_t":
            return dataclasses.replace(self, clock="int32_t")
        return None

    @property
    def flags(self) -> list[str]:
        """The macros that the engine is compiled with."""
        threads = [f"-DEXPLORER_THREADS={self.threads}"] if self.threads != Size.threads else []
        return [*threads, *([f"-DEXPLORER_CLOCK={self.clock}"] if self.clock != Size.clock else [])]


@dataclasses.dataclass(frozen=True)
class Program:
    """A program that explores itself, and how it was linked.

    Attributes:
        path: the executable.
        inputs: the object files and archives of the program.
        compiler: the command that links.
        size: the engine's.
        sanitize: a sanitizer of the engine's own, or nothing.
        caveats: why a clean verdict is not exhaustive for data races.
        libraries: what is linked after the engine, beside the C library.
    """

    path: Path
    inputs: tuple[Path, ...]
    compiler: tuple[str, ...]
    size: Size = Size()
    sanitize: str = ""
    caveats: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()

    def __fspath__(self) -> str:
        """Return the path of the executable."""
        return str(self.path)

    def grown(self, what: str, *, deadline: Deadline | None = None) -> "Program | None":
        """Link it with a larger engine; None if there is none.

        Args:
            what: `threads` or `events`.
            deadline: when it is broken off.
        """
        size = self.size.grown(what)
        if size is None:
            return None
        output = self.path.with_name(f"{self.path.name}-{size.threads}-{size.clock}")
        link(
            self.inputs,
            output,
            compiler=self.compiler,
            sanitize=self.sanitize,
            size=size,
            libraries=self.libraries,
            deadline=deadline,
        )
        return dataclasses.replace(self, path=output, size=size)


# --- the engine


def engine_sources() -> Path:
    """Return the folder of the engine's sources: a checkout's, or the installed package's.

    Raises:
        CannotBuild: there are none.
    """
    installed = Path(__file__).resolve().parent.parent / "native" / "explorer"
    try:
        folder = checkout() / "native" / "explorer"
    except NoCheckout:
        folder = installed
    if not (folder / "explorer.h").is_file():
        raise CannotBuild(
            f"the explorer's sources are neither in a checkout nor at {installed}: install rusted-ring again"
        )
    return folder


def library_sources() -> list[Path]:
    """Return the C files of the engine's library."""
    folder = engine_sources()
    return [*(path for part in _PARTS for path in sorted((folder / part).glob("*.c"))), folder / "serve.c"]


def harness_source(name: str) -> Path:
    """Return a C file of the engine's harnesses."""
    return engine_sources() / "harness" / name


def include_flags() -> list[str]:
    """Return the flags by which the engine's sources find their headers."""
    folder = engine_sources()
    return [f"-I{path}" for path in (folder, *(folder / part for part in (*_PARTS, "harness")))]


def library(
    compiler: Sequence[str], *, sanitize: str = "", size: Size | None = None, deadline: Deadline | None = None
) -> Path:
    """Return the engine as an archive, compiled if it is not there yet; `litmus.o` lies beside it.

    Args:
        compiler: the command of the compiler.
        sanitize: a sanitizer that the engine itself is built with, for its own tests.
        size: what it has room for.
        deadline: when it is broken off.

    Raises:
        CannotBuild: it does not compile.
        TimeUp: the deadline passed.
    """
    sources = engine_sources()
    if sanitize and family(compiler) != "gcc":
        raise CannotBuild(f"sanitize={sanitize}: needs gcc; clang's runtime lies among the variables that are put back")
    flags = ["-std=gnu11", "-O2", "-fexceptions", *_COMMON, *(size or Size()).flags]
    flags += [f"-fsanitize={sanitize}", *_SANITIZED] if sanitize else []
    digest = hashlib.sha256(repr((list(compiler), version(tuple(compiler)), flags, architecture())).encode())
    for path in sorted(sources.rglob("*.[ch]")):
        digest.update(str(path.relative_to(sources)).encode() + path.read_bytes())

    folder = caching.kept_folder(digest.hexdigest()[:32])
    archive = folder / "libexplorer.a"
    parts = [*library_sources(), sources / "main.c"]
    missing = [path for path in (*parts, harness_source("litmus.c")) if not (folder / f"{path.stem}.o").is_file()]
    if archive.is_file() and not missing:
        return archive
    with processes.workspace() as work:

        def compile_one(source: Path) -> None:
            # Kept one by one: what is done by the deadline need not be done again.
            output = work / f"{source.stem}.o"
            command = [*compiler, *flags, *include_flags(), "-c", str(source), "-o", str(output)]
            call(command, deadline=deadline, temporary=work)
            # The engine asks of an instruction whether it is its own, see land() in engine/run.c.
            call(["objcopy", "--rename-section", ".text=explorer_text", str(output)], deadline=deadline)
            caching.keep(output, folder / output.name)

        with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            tasks = [pool.submit(compile_one, source) for source in missing]
            try:
                for task in tasks:
                    task.result()
            except BaseException as error:
                pool.shutdown(wait=False, cancel_futures=True)
                if not isinstance(error, Exception):
                    processes.kill_children()
                raise
        made = work / archive.name
        call(["ar", "rcs", str(made), *(str(folder / f"{path.stem}.o") for path in parts)], deadline=deadline)
        caching.keep(made, archive)
    return archive


# --- a program's object files


def instrumentation(compiler: Sequence[str], in_cxx: bool = False) -> list[str]:
    """Return the flags with which a program's sources are compiled, besides the level of optimisation."""
    kind = family(compiler)
    headers = [engine_sources() / "cxx" / "prelude.h"] if in_cxx else []
    headers += [engine_sources() / "weak.h"] if kind == "clang" else []
    included = [word for path in headers for word in ("-include", str(path))]
    return [*_COMMON, *_INSTRUMENTED, *_OF_FAMILY[kind], *included]


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
        level: the level of optimisation; one among the flags wins.
        deadline: when it is broken off.

    Returns:
        Where accesses are not instrumented, in words.

    Raises:
        CannotBuild: it does not compile, or has code that the engine could not see.
        TimeUp: the deadline passed.
    """
    in_cxx = cxx.is_cxx(source)
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
    if "__tsan_init" not in calls.read_symbols(output).undefined:
        raise CannotBuild(f"refused: the object code of {source.name} is not instrumented")
    guards.check_instructions(output, source.name)
    if architecture() == "x86_64" and family(compiler) == "gcc":
        unit, variables = removed.read_unit(text), calls.variables(output)
        original, gimple = (path.read_text(encoding="utf-8", errors="replace") for path in dumps.values())
        written = source.read_text(encoding="utf-8", errors="replace")
        # In C++ a statement that is only a variable does not read it.
        places = removed.unread(original, written, unit, variables, source.name) if not in_cxx else []
        caveats += [f"the compiler removed reads at {', '.join(places)}"] if places else []
        places = removed.unwritten(gimple, unit, variables)
        caveats += [f"the compiler did not instrument writes at {', '.join(places)}"] if places else []
    return caveats


def _changes_code(flags: Sequence[str]) -> bool:
    """Whether flags may have other accesses compiled than the source has."""
    before = ""
    for flag in flags:
        usual = before in _TAKES_NEXT or flag.startswith(("-D", "-U", "-I", "-i", "-std=", "-W", "-w", "-g", "-M"))
        if not usual and flag not in ("-O0", "-c", "-pthread", "-pipe", "-ansi", "-pedantic", "-v"):
            return True
        before = flag
    return False


def _removed(
    source: Path, folder: Path, *, compiler: Sequence[str], flags: Sequence[str], deadline: Deadline | None
) -> list[str]:
    """Compare what flags make of a source with what it is without optimisation; return in words what is lost."""
    if cxx.is_cxx(source):
        return [f"which accesses of {source.name} the compiler removed as it optimised is not known"]
    if architecture() != "x86_64":
        return [f"on {architecture()} it is not known which accesses the compiler removed"]
    units = []
    for level in ([LEVEL], _SEPARATE[family(compiler)]):
        output = folder / "compared.s"
        command = [*compiler, LEVEL, *instrumentation(compiler), *flags, *level, "-g", str(source), "-o", str(output)]
        call([*command, "-S"], deadline=deadline, temporary=folder)
        units.append(removed.read_unit(output.read_text(encoding="utf-8", errors="replace")))
    places = removed.removed(*units)
    return [f"the compiler removed accesses at {', '.join(map(str, places))}"] if places else []


def _harness_objects(native: Path, compiler: Sequence[str], flags: Sequence[str]) -> list[Path]:
    """Return the object files of the harness of clients, compiled if they are not there yet for these headers."""
    sources = [
        path for path in sorted(harness_source("client.c").parent.glob("client*.c")) if "payload" not in path.name
    ]
    every = ["-O1", *_COMMON, *flags]
    words = [word.replace(str(native), "") for word in every]
    digest = hashlib.sha256(repr((list(compiler), version(tuple(compiler)), words, architecture())).encode())
    folders = (native / "include", native / "src", engine_sources())
    for path in (*sources, *(path for folder in folders for path in sorted(folder.rglob("*.h")))):
        digest.update(path.name.encode() + path.read_bytes())
    folder = caching.kept_folder(digest.hexdigest()[:32])
    found = [folder / f"{source.stem}.o" for source in sources]
    with processes.workspace() as work:
        for source, kept in zip(sources, found, strict=True):
            if not kept.is_file():
                made = work / kept.name
                call([*compiler, *every, "-c", str(source), "-o", str(made)], temporary=work)
                caching.keep(made, kept)
    return found


def rename(
    objects: Sequence[Path],
    folder: Path,
    compiler: Sequence[str],
    archive: Path,
    own: Iterable[str],
    more: Mapping[str, str] | None = None,
) -> None:
    """Give the engine's names to what it takes over, and other names to what a program defines by such a name.

    Args:
        objects: the object files, which are changed.
        folder: where the table of names goes.
        compiler: the command of the compiler.
        archive: the engine's.
        own: what the program defines.
        more: further names, and what takes their places.
    """
    taken = {**calls.renames(engine_sources() / "symbols.txt"), **(more or {})}
    others = {*taken, *calls.read_symbols(archive).defined, *calls.names_of_the_system(compiler)}
    mine = {name: f"{name}{_OWN}" for name in own if name in others - {"main", _ASSUMPTION}}
    table = folder / "renames.txt"
    table.write_text("".join(f"{old} {new}\n" for old, new in {**taken, **mine}.items()), encoding="utf-8")
    for file in objects:
        call(["objcopy", f"--weaken-symbol={_ASSUMPTION}", f"--redefine-syms={table}", str(file)])


def refuse_calls(
    objects: Sequence[Path],
    folder: Path,
    compiler: Sequence[str],
    archive: Path,
    foreign: Mapping[str, tuple[str, str]],
    more: Iterable[str] = (),
    prefix: str = "explorer_refused",
) -> list[Path]:
    """Put a stub that refuses in the place of each function that is not followed, and return the stubs' object file.

    Args:
        objects: the object files, which are changed.
        folder: where the stubs go.
        compiler: the command of the compiler.
        archive: the engine's.
        foreign: symbols of what is not instrumented: of what kind, and in which file they are.
        more: names that pass.
        prefix: what the stubs' names begin with.
    """
    allowed = calls.pure(engine_sources() / "intercept" / "pure.txt")
    if allowed is None:
        return []
    names = calls.not_followed(objects, archive, allowed=allowed.union(more), compiler=compiler, foreign=foreign)
    if not names:
        return []
    text, symbols = calls.stubs(names, prefix)
    source, output, table = folder / "refused.c", folder / "refused.o", folder / "refused.txt"
    source.write_text(text, encoding="utf-8")
    call([*compiler, "-O1", *_COMMON, "-c", str(source), "-o", str(output)], temporary=folder)
    table.write_text("".join(f"{name} {symbol}\n" for name, symbol in symbols.items()), encoding="utf-8")
    for file in objects:
        call(["objcopy", f"--weaken-symbol={_ASSUMPTION}", f"--redefine-syms={table}", str(file)])
    return [output]


def link(
    objects: Iterable[Path],
    output: Path,
    *,
    compiler: Sequence[str],
    sanitize: str = "",
    size: Size | None = None,
    libraries: Sequence[str] = (),
    deadline: Deadline | None = None,
) -> Path:
    """Link object files with the engine, and leave it to the engine to run their constructors.

    Raises:
        CannotBuild: something is missing.
        TimeUp: the deadline passed.
    """
    archive = library(compiler, sanitize=sanitize, size=size, deadline=deadline)
    more = [f"-fsanitize={sanitize}"] if sanitize else []
    together = ["-Wl,--start-group", str(archive), *libraries, "-Wl,--end-group"] if libraries else [str(archive)]
    call(
        [*compiler, "-no-pie", *more, *map(str, objects), *together, "-lm", "-o", str(output)],
        deadline=deadline,
        temporary=output.parent,
    )
    if not sanitize:
        _take_constructors(output)
    return output


def _take_constructors(program: Path) -> None:
    """Make the table of the constructors in an executable of 64 bits empty for the system, see main.c of the engine.

    A process of its own writes the program. While this one had it open to write, a child that another thread starts
    would have it open too, until its own exec, and the system runs no file that is open to write (ETXTBSY).
    """
    content = bytearray(program.read_bytes())
    (table,) = struct.unpack_from("<Q", content, 0x20)
    size, number = struct.unpack_from("<HH", content, 0x36)
    for at in range(table, table + size * number, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", content, at)
        for entry in range(offset, offset + length, 16) if kind == _DYNAMIC else ():
            if struct.unpack_from("<q", content, entry) == (_INIT_ARRAY_BYTES,):
                struct.pack_into("<Q", content, entry + 8, 0)
    changed = program.with_name(f"{program.name}.changed")
    changed.write_bytes(content)
    call(["cp", str(changed), str(program)])
    changed.unlink()


# --- programs


@dataclasses.dataclass(frozen=True)
class _Flags:
    """The user's flags, parted into those of the compiler and what is to be linked."""

    compiler: tuple[str, ...]
    files: tuple[Path, ...]
    libraries: tuple[str, ...]
    folders: tuple[str, ...]


def _part(flags: Sequence[str]) -> _Flags:
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
    return _Flags(tuple(kept), tuple(files), tuple(libraries), tuple(folders))


def _prebuilt(
    given: _Flags, folder: Path, compiler: Sequence[str]
) -> tuple[list[Path], list[str], dict[str, tuple[str, str]]]:
    """What the user links: files that are instrumented, copied; caveats; and the symbols of what is not, by file."""
    usable: list[Path] = []
    caveats: list[str] = []
    foreign: dict[str, tuple[str, str]] = {}
    files = list(given.files)
    for name in given.libraries:
        if name in _USUAL_LIBRARIES:
            continue
        places = [Path(where) / f"lib{name}{suffix}" for where in given.folders for suffix in (".so", ".a")]
        places += [Path(call([*compiler, f"-print-file-name=lib{name}{suffix}"]).strip()) for suffix in (".so", ".a")]
        file = next((path for path in places if path.is_file()), None)
        if file is None:
            raise CannotBuild(f"-l{name}: there is no such library")
        files.append(file)
    for number, file in enumerate(files):
        if not file.is_file():
            raise CannotBuild(f"{file}: no such file")
        shared = ".so" in file.suffixes
        members = {} if shared else calls.members(file)
        if members and all("__tsan_init" in member.undefined for member in members.values()):
            copy = folder / f"linked-{number}-{file.name}"
            shutil.copyfile(file, copy)
            guards.check_instructions(copy, file.name)
            usable.append(copy)
            caveats.append(f"what the compiler removed before {file.name} was instrumented is not known")
        else:
            symbols = calls.read_symbols(file, dynamic=shared).defined
            foreign |= {name: (kind, file.name) for name, kind in symbols.items()}
    return usable, caveats, foreign


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
        main: the source whose `main` it is; others that have one are left out. None if there is just one.
        compiler: gcc, g++, clang, clang++, or by default what `find_compiler` finds; the end of a file's name decides
            which of two that belong together compiles it.
        folder: where the object files and the program go.
        sanitize: a sanitizer for the engine itself.
        standard: of C++, as `c++20`; another one changes nothing.
        deadline: when it is broken off.

    Raises:
        CannotBuild: there is no compiler, it finds an error, or the program has code that the engine could not see.
        TimeUp: the deadline passed.
    """
    command = find_compiler(compiler)
    in_cxx = any(map(cxx.is_cxx, sources))
    command, for_cxx = cxx.commands(command) if in_cxx or "++" in command[0] else (command, command)
    need_tools()
    guards.check_flags(command[1:])
    guards.check_flags(flags)
    given = _part(flags)
    archive = library(command, sanitize=sanitize, deadline=deadline)
    usable, caveats, foreign = _prebuilt(given, folder, command)
    objects: dict[Path, Path] = {}
    optimized = False
    for number, source in enumerate(sources):
        output = folder / f"{number}-{source.stem}.o"
        of_source = [*(flags_of or {}).get(source, ()), *given.compiler]
        guards.check_flags(of_source)
        separate = _SEPARATE[family(command)] if _changes_code([*command[1:], *of_source]) else ()
        optimized = optimized or bool(separate)
        more = [*of_source, *separate]
        chosen = for_cxx if cxx.is_cxx(source) else command
        more = [cxx.STANDARDS.get(standard, cxx.STANDARD), *more] if cxx.is_cxx(source) else more
        caveats += compile_instrumented(source, output, compiler=chosen, flags=more, deadline=deadline)
        if separate:
            caveats += _removed(source, folder, compiler=chosen, flags=of_source, deadline=deadline)
        objects[source.absolute() if source.name in {path.name for path in objects} else source] = output
    for other in calls.check_main({**objects, **{path: path for path in usable}}, "main", main):
        objects.pop(other, None)
    own = calls.read_symbols(*objects.values(), *usable).defined
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
    """What comes with the sources of a language: names to change, names to allow, object files, and what to link."""

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
    """The standard library of C++; its names are added to those of what is not instrumented."""
    sources = engine_sources()
    lists, original = cxx.read_lists(sources), cxx.find_library(compiler)
    foreign |= {name: (kind, original.name) for name, kind in calls.read_symbols(original).defined.items()}
    objects = cxx.runtime(compiler, instrumentation(compiler, in_cxx=True), sources, deadline=deadline)
    copy = cxx.standard_library(compiler, sources, archive, objects, deadline=deadline)
    used = calls.read_symbols(*parts).undefined
    allowed = frozenset(name for name in used if lists.has("allowed", name))
    link_with = (str(copy), "-static-libgcc", "-lgcc_eh", "-Wl,--gc-sections")
    foreign |= dict.fromkeys(lists.refused.values(), ("T", "the C library"))
    return _Library({**lists.counted, **lists.refused}, allowed, tuple(objects), link_with)


def say_unoptimized(folder: Path, compiler: Sequence[str], deadline: Deadline | None) -> Path:
    """Tell the engine that a function's variables are of no use once it has called the hook at its end.

    Optimised code may load what a function returns from one of them afterwards.
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

    The core is compiled as it is, with instrumentation and debug information; the harness around it is not seen.

    Args:
        root: a checkout, or a folder with a copy of its `native/`.
        folder: where the object files and the program go.
        compiler: gcc, clang, or by default what `find_compiler` finds.
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
    harness = _harness_objects(native, command, flags)
    return link([*core, *harness], folder / "client", compiler=command, sanitize=sanitize)
