"""The toolchain of Rust, and its standard library in a form that the engine can follow."""

import dataclasses
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rusted_ring.verify.explorer import caching, engine_sources, externals, guards, linking
from rusted_ring.verify.explorer.symbols import without_hashes
from rusted_ring.verify.explorer.toolchain import CannotBuild, architecture, call
from rusted_ring.verify.support import processes
from rusted_ring.verify.support.processes import Deadline

TARGET: Final = "x86_64-unknown-linux-gnu"
# As in C, neither LLVM nor rustc's own intermediate passes optimise the code before it is instrumented.
INSTRUMENTED: Final = (
    *("-Zsanitizer=thread", "-Cunsafe-allow-abi-mismatch=sanitizer", "-Copt-level=0", "-Zmir-opt-level=0"),
    *("-Cpanic=abort", "-Cforce-frame-pointers=yes", "-Zshare-generics=n", "-Crelocation-model=static"),
    *("-Ccodegen-units=1", "-Clto=off", "-Zdwarf-version=4"),
)
_STD: Final = ("-Cdebuginfo=line-tables-only", "-Cdebug-assertions=off", "-Coverflow-checks=off", "--cap-lints=allow")
_OF_STD: Final = ("-Zforce-unstable-if-unmarked", "-Zfunction-sections=no")
# What the library is compiled without. Loops that count their turns would be given up: its locks go to sleep at once
# instead. Each thread that ends would take a lock to forget the guard of its stack, which has none here.
_CHANGES: Final = (
    ("std/src/sys/sync/mutex/futex.rs", re.compile(r"let mut spin = \d+;"), "let mut spin = 0;"),
    ("std/src/sys/sync/rwlock/futex.rs", re.compile(r"let mut spin = \d+;"), "let mut spin = 0;"),
    (
        "std/src/sys/pal/unix/stack_overflow/thread_info.rs",
        re.compile(r"pub fn delete_current_info\(\) \{"),
        "pub fn delete_current_info() {\n    return;",
    ),
    ("std/Cargo.toml", re.compile(r'crate-type = \["dylib", "rlib"\]'), 'crate-type = ["rlib"]'),
)
_LEFT_OUT: Final = re.compile(r"lib(?:compiler_builtins|proc_macro|test|getopts|sysroot|rustc_std_workspace_\w+)-")

_Taken = tuple[tuple[re.Pattern[str], str], ...]


@dataclasses.dataclass(frozen=True)
class Source:
    """A program in Rust, as the arguments of the command describe it.

    Attributes:
        path: a `.rs` file, or the folder of a crate.
        threads: the functions that run as threads; none for `thread_0`, `thread_1`, ... or for a program with `main`.
        binary: the name of a program of the crate, or None.
        build_std: whether the standard library is compiled with the instrumentation for thread functions too.
    """

    path: Path
    threads: tuple[str, ...] = ()
    binary: str | None = None
    build_std: bool = False

    @property
    def is_crate(self) -> bool:
        """Whether it is a folder."""
        return self.path.suffix != ".rs"


# --- the toolchain


@functools.lru_cache(maxsize=4)
def _rustc(*words: str) -> str:
    return call(["rustc", *words]).strip()


def need_rust(source: Source) -> None:
    """Check that the toolchain is installed and that its code can be explored.

    Raises:
        CannotBuild: it is missing, or its code cannot be explored.
    """
    for tool in ("rustc", "cargo") if source.is_crate or source.build_std else ("rustc",):
        if shutil.which(tool) is None:
            raise CannotBuild(
                f"{tool} is not installed: {source.path} needs it; install Rust (rustup, or rustc and cargo)"
            )
    if architecture() != "x86_64":
        raise CannotBuild(f"refused: Rust programs are explored on x86_64 alone, and this machine is {architecture()}")


def sysroot() -> Path:
    """Return the folder of the toolchain that is in use."""
    return Path(_rustc("--print", "sysroot"))


def _source_of_std() -> Path:
    """Return the folder of the sources of the standard library.

    Raises:
        CannotBuild: they are not installed.
    """
    folder = sysroot() / "lib" / "rustlib" / "src" / "rust" / "library"
    if not (folder / "std" / "Cargo.toml").is_file():
        raise CannotBuild(
            "a program with fn main needs the sources of the standard library, which are not installed: "
            "rustup component add rust-src (Debian: rust-src), or write thread functions (thread_0, thread_1, ...)"
        )
    return folder


def environment(**more: str) -> list[str]:
    """Return the words of an `env` command that allows stable rustc unstable flags and hides the user's flags."""
    kept = {"RUSTC_BOOTSTRAP": "1", **more}
    without = (
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_RUSTFLAGS",
    )
    return [
        "env",
        *(word for name in without for word in ("-u", name)),
        *(f"{key}={value}" for key, value in kept.items()),
    ]


# --- the standard library, compiled with the instrumentation


def instrumented_sysroot(deadline: Deadline | None) -> Path:
    """Return a sysroot whose standard library is instrumented; compile it if it does not exist yet.

    Raises:
        CannotBuild: its sources are not installed, or it does not compile.
        TimeUp: the deadline passed.
    """
    source = _source_of_std()
    named = (_rustc("-vV"), INSTRUMENTED, _STD, _OF_STD, [str(one) for one in _CHANGES])
    digest = hashlib.sha256(repr(named).encode())
    kept = caching.kept_folder(digest.hexdigest()[:32]) / "sysroot"
    if kept.is_dir():
        return kept
    with processes.workspace() as work:
        library = work / "library"
        shutil.copytree(source, library, symlinks=True, ignore=shutil.ignore_patterns("tests", "benches"))
        for name, before, after in _CHANGES:
            path = library / name
            if path.is_file():  # versions differ; what stays as it was costs executions, or the answer says "bounded"
                path.write_text(before.sub(after, path.read_text(encoding="utf-8")), encoding="utf-8")
        flags = [*INSTRUMENTED, *_STD, *_OF_STD]
        command = [
            *environment(CARGO_ENCODED_RUSTFLAGS="\x1f".join(flags), __CARGO_DEFAULT_LIB_METADATA="explorer"),
            *("cargo", "build", "--locked", "--release", "--no-default-features", f"--target={TARGET}"),
            *("--manifest-path", str(library / "sysroot" / "Cargo.toml"), "--target-dir", str(work / "target")),
        ]
        print("rusted-ring: compiling the standard library of Rust, once for this toolchain", file=sys.stderr)
        call(command, deadline=deadline, temporary=work)
        staged = kept.with_name(f".sysroot.{os.urandom(8).hex()}")
        try:
            libraries = staged / "lib" / "rustlib" / TARGET / "lib"
            libraries.mkdir(parents=True)
            for path in (work / "target" / TARGET / "release" / "deps").glob("*.rlib"):
                shutil.copyfile(path, libraries / path.name)
            if not kept.is_dir():
                staged.rename(kept)
        except OSError:
            if not kept.is_dir():
                raise
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return kept


def _libraries(sysroot: Path) -> list[Path]:
    """Return the standard library's archives."""
    return sorted((sysroot / "lib" / "rustlib" / TARGET / "lib").glob("*.rlib"))


# --- names


def demangled(names: Iterable[str]) -> dict[str, str]:
    """Return the demangled names of Rust's functions, by their symbols; many at once."""
    given = sorted(name for name in set(names) if name.startswith(("_R", "_ZN")))
    said = subprocess.run(["c++filt"], input="\n".join(given), capture_output=True, text=True, check=False).stdout
    return {name: without_hashes(words) for name, words in zip(given, said.splitlines(), strict=False)}


def taken_names(names: Iterable[str], taken: _Taken) -> dict[str, str]:
    """Return the replacements of functions, by mangled name."""
    found = {}
    names = list(names)
    words = demangled(names)
    for name in names:
        for pattern, other in taken:
            if pattern.fullmatch(words.get(name, name)):
                found[name] = other
    return found


# --- object files


def unpack(archive: Path, folder: Path, without: Collection[str] = ()) -> list[Path]:
    """Extract the object files of an archive, except those with some names."""
    folder.mkdir()
    names = [
        name for name in sorted(set(call(["ar", "t", str(archive)]).split("\n")) - set(without)) if name.endswith(".o")
    ]
    if names:
        call(["ar", "x", f"--output={folder}", str(archive), *names])
    return [folder / name for name in names]


def is_instrumented(file: Path) -> bool:
    """Return whether an object file was compiled with the instrumentation."""
    return "__tsan_init" in externals.read_symbols(file).undefined


def set_traps(file: Path) -> None:
    """Replace each instruction that accesses memory without the instrumentation by a trap, see `guards`."""
    places = list(guards.forbidden_instructions(file))
    if not places:
        return
    sections = _sections(file)
    with file.open("r+b") as stream:
        for place in places:
            stream.seek(sections[place.section] + place.offset)
            stream.write(b"\xcc")


def _sections(file: Path) -> dict[str, int]:
    """Return the offsets of the sections of an object file."""
    said = call(["objdump", "-hw", str(file)])
    found = {}
    for line in said.splitlines():
        words = line.split()
        if len(words) >= 7 and words[0].isdigit():
            found[words[1]] = int(words[5], 16)
    return found


@dataclasses.dataclass(frozen=True)
class _Library:
    """The standard library.

    Attributes:
        archive: the archive that is linked with programs.
        defined: all symbols that it defines, with nm's letters.
        members: the names of all its object files.
    """

    archive: Path
    defined: Mapping[str, str]
    members: Collection[str]


def standard_library(
    sysroot: Path, engine: Path, compiler: Sequence[str], taken: _Taken, deadline: Deadline | None
) -> _Library:
    """Return the standard library, ready to be linked: with a program's renames and with traps; cached.

    Args:
        sysroot: its sysroot.
        engine: the engine's archive.
        compiler: the command of the C compiler.
        taken: the replacements of its functions.
        deadline: the time at which the work is aborted.
    """
    sources = _libraries(sysroot)
    described = [_rustc("-vV"), str(sysroot), [path.name for path in sources], taken, str(engine), list(compiler)]
    digest = hashlib.sha256(repr(described).encode() + Path(__file__).read_bytes())
    for name in ("symbols.txt", "intercept/pure.txt"):
        digest.update((engine_sources.engine_sources() / name).read_bytes())
    kept = caching.kept_folder(digest.hexdigest()[:32])
    archive, symbols = kept / "libstd-explored.a", kept / "symbols.json"
    if not (archive.is_file() and symbols.is_file()):
        with processes.workspace() as work:
            objects: list[Path] = []
            defined: dict[str, str] = {}
            names: list[str] = []
            for number, path in enumerate(sources):
                if _LEFT_OUT.match(path.name):
                    names += call(["ar", "t", str(path)]).split("\n")
                    continue
                members = unpack(path, work / str(number))
                names += [file.name for file in members]
                for file in members:
                    # Bitcode for another linker, by which binutils take the file for something else.
                    call(
                        ["objcopy", "--remove-section=.llvmbc", "--remove-section=.llvmcmd", str(file)],
                        deadline=deadline,
                    )
                defined |= externals.read_symbols(*members).defined
                objects += members
            for file in objects:
                set_traps(file)
            named = externals.read_symbols(*objects)
            extra = taken_names({**named.defined, **named.undefined}, taken)
            for file in objects:
                own = externals.read_symbols(file).defined
                weak = [f"--weaken-symbol={name}" for name in extra if name in own]
                if weak:
                    call(["objcopy", *weak, str(file)], deadline=deadline)
            linking.rename(objects, work, compiler, engine, (), more=extra)
            stubs = linking.refuse_calls(objects, work, compiler, engine, {}, prefix="explorer_std_refused")
            made = work / archive.name
            call(["ar", "rcs", str(made), *map(str, [*objects, *stubs])], deadline=deadline)
            caching.keep(made, archive)
            (work / symbols.name).write_text(json.dumps([defined, names]), encoding="utf-8")
            caching.keep(work / symbols.name, symbols)
    return _Library(archive, *json.loads(symbols.read_text(encoding="utf-8")))
