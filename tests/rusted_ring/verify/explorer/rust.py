"""Builds programs in Rust that explore themselves: rustc or cargo compiles a file or a crate, linked with the engine.

rustc instruments with ThreadSanitizer's pass as clang does. Everything that is generic or inline is compiled with the
program, the atomics of the standard library among them; the rest of the standard library is prebuilt, without the
instrumentation. There are two ways:

- *Thread functions.* The crate is compiled as a static library, and a generated C `main` starts a thread for each
  `extern "C"` function `thread_0`, `thread_1`, ... This needs no sources of the standard library: of the prebuilt one,
  only the functions that format a panic's message are linked, and a call of any other is refused by name.
- *Whole programs*, with `fn main` and `std::thread`. The standard library is compiled with the instrumentation too,
  once for each toolchain; that needs its sources, the component `rust-src`.

Panics end the thread (`-Cpanic=abort`) and are reported with their message and the location that the panic names.
"""

import dataclasses
import json
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from rusted_ring.verify.explorer import (
    building,
    engine_library,
    engine_sources,
    externals,
    guards,
    instrumenting,
    linking,
)
from rusted_ring.verify.explorer.rust_library import (
    INSTRUMENTED,
    TARGET,
    Source,
    demangled,
    environment,
    instrumented_sysroot,
    is_instrumented,
    need_rust,
    set_traps,
    standard_library,
    sysroot,
    taken_names,
    unpack,
)
from rusted_ring.verify.explorer.toolchain import CannotBuild, call, find_compiler, need_tools
from rusted_ring.verify.support.processes import Deadline

_TAKEN: Final = (
    (re.compile(r"__rustc::rust_begin_unwind"), "explorer_panic_handler"),
    (re.compile(r"std::rt::lang_start_internal"), "explorer_lang_start"),
)
# In the standard library alone: it asks whether newer functions are there, and does without.
_TAKEN_INSIDE: Final = ((re.compile(r"dlsym"), "explorer_rust_dlsym"),)
# Without the standard library: the replacements of its functions, and the functions of it that are linked.
_TAKEN_PREBUILT: Final = (
    (re.compile(r"__rustc::__rdl_alloc"), "explorer_rust_alloc"),
    (re.compile(r"__rustc::__rdl_alloc_zeroed"), "explorer_rust_alloc_zeroed"),
    (re.compile(r"__rustc::__rdl_dealloc"), "explorer_rust_dealloc"),
    (re.compile(r"__rustc::__rdl_realloc"), "explorer_rust_realloc"),
    (re.compile(r"std::thread::(?:functions::)?yield_now"), "explorer_rust_yield"),
    (re.compile(r"std::process::abort"), "explorer_rust_abort"),
    (re.compile(r"rust_eh_personality"), "explorer_rust_personality"),
)
_LINKED_PREBUILT: Final = re.compile(
    r"core::panicking::.*|<core::fmt::.*>::\w+|core::fmt::(?:builders|rt)::.*|<.* as core::fmt::\w+>::fmt"
    r"|(?:core|alloc)::.*(?:fail|failed|overflow|handle_error|panic_\w+)(?:::.*)?"
)

_RUSTC_FLAGS: Final = re.compile(
    r"(?:--cfg|--check-cfg|--edition|--extern|-L|-A|-W|--cap-lints)(?:=|$)|-[AW]\w|-L\S|-C(?:debug-assertions|overflow-checks)="
)
_CARGO_FLAGS: Final = re.compile(
    r"(?:--features|-F|--no-default-features|--all-features|--offline|--locked|--frozen|--package|-p)(?:=|$)"
)
_WITH_VALUE: Final = {
    "--cfg",
    "--check-cfg",
    "--edition",
    "--extern",
    "-L",
    "-A",
    "-W",
    "--cap-lints",
    "--features",
    "-F",
    "--package",
    "-p",
}
_MAIN: Final = re.compile(r"^\s*(?:pub\s+)?fn\s+main\s*[(<]", re.MULTILINE)
_NUMBERED: Final = re.compile(r"thread_(\d+)$")


# --- the program's objects


@dataclasses.dataclass(frozen=True)
class _Compiled:
    """The output of rustc: the program's object files, and those of libraries that are not in Rust."""

    objects: tuple[Path, ...]
    foreign: tuple[Path, ...]


_LINKER: Final = """\
#!/bin/sh
# In the place of the linker: keeps what would be linked.
number=0
for word; do
    case "$word" in
    -* | {standard}/*) ;;
    *.o | *.rlib | *.a | *.so)
        number=$((number + 1))
        cp "$word" "{folder}/$number-${{word##*/}}" || exit 1
        ;;
    esac
done
while [ $# -gt 0 ]; do
    if [ "$1" = -o ]; then : >"$2"; fi
    shift
done
"""


def _compile(
    source: Source,
    flags: Sequence[str],
    standard_sysroot: Path | None,
    standard: Collection[str],
    whole: bool,
    folder: Path,
    deadline: Deadline | None,
) -> _Compiled:
    """Compile a file or a crate with the instrumentation; the standard library is not among the objects.

    Args:
        source: the file or crate.
        flags: the user's flags.
        standard_sysroot: the sysroot of the instrumented standard library, or None for the toolchain's own.
        standard: the names of its object files.
        whole: whether the program has `main`.
        folder: the folder for all output.
        deadline: the time at which the compilation is aborted.
    """
    linked, made, linker = folder / "linked", folder / "made", folder / "linker"
    for path in (linked, made):
        path.mkdir()
    linker.write_text(_LINKER.format(folder=linked, standard=standard_sysroot), encoding="utf-8")
    linker.chmod(0o700)
    more = [*INSTRUMENTED, "-Cdebuginfo=2", f"-Clinker={linker}", "-Clinker-flavor=gcc", "--emit=asm"]
    more += [f"--sysroot={standard_sysroot}"] if standard_sysroot is not None else []
    if source.is_crate:
        encoded = "\x1f".join(more)
        kind = ["--bin", source.binary or ""] if whole else ["--lib", "--crate-type", "staticlib"]
        command = [
            *environment(CARGO_ENCODED_RUSTFLAGS=encoded),
            *("cargo", "rustc", "--quiet", "--message-format=short", f"--target={TARGET}", *kind),
            *("--manifest-path", str(source.path / "Cargo.toml"), "--target-dir", str(made), *flags),
        ]
    else:
        command = [
            *environment(),
            *("rustc", "--edition=2021", *flags, *more, "--emit=link", "--error-format=short", f"--target={TARGET}"),
            *("--crate-type", "bin" if whole else "staticlib", "--crate-name", _crate_name(source.path)),
            *(str(source.path), "--out-dir", str(made)),
        ]
    call(command, deadline=deadline, temporary=folder)
    for path in made.rglob("*.s"):
        if "build" not in path.relative_to(made).parts:
            guards.check_assembly(path.read_text(encoding="utf-8", errors="replace"), Path(path.stem))
    if not whole:
        folder_of_library = made / TARGET / "debug" if source.is_crate else made
        for number, path in enumerate(sorted(folder_of_library.glob("*.a"))):
            shutil.move(path, linked / f"{number}-{path.name}")
    objects: list[Path] = []
    foreign: list[Path] = []
    for number, path in enumerate(sorted(linked.iterdir())):
        if path.suffix == ".o":
            found = [path]
        elif path.suffix in (".rlib", ".a"):
            found = unpack(path, folder / f"unpacked-{number}", standard)
        else:
            found = []
            foreign.append(path)
        for file in found:
            shim = any("__rust_no_alloc_shim" in name for name in externals.read_symbols(file).defined)
            if is_instrumented(file) or shim or not _has_code(file):
                objects.append(file)
            else:
                foreign.append(file)
    return _Compiled(tuple(objects), tuple(foreign))


def _crate_name(path: Path) -> str:
    name = re.sub(r"\W", "_", path.stem)
    return name if not name[:1].isdigit() else f"_{name}"


def _has_code(file: Path) -> bool:
    return any(kind in "TtWw" for kind in externals.read_symbols(file).defined.values())


def _refuse_std(
    objects: Sequence[Path], folder: Path, compiler: Sequence[str], defined: Mapping[str, str]
) -> list[Path]:
    """Replace each function of the prebuilt standard library, except those of panics, by a stub that refuses the call.

    Raises:
        CannotBuild: the program uses a static variable of it.
    """
    used = {name: defined[name] for name in externals.read_symbols(*objects).undefined if name in defined}
    words = demangled(used)
    names = []
    for name, kind in sorted(used.items()):
        written = words.get(name, name)
        if _LINKED_PREBUILT.fullmatch(written):
            continue
        if kind not in "TtWw":
            raise CannotBuild(
                f"refused: the program uses {written} of the standard library, which is not instrumented: "
                "--build-std compiles that anew"
            )
        names.append(name)
    if not names:
        return []
    text, symbols = externals.stubs(names, "explorer_refused_std", by="explorer_refuse_std")
    source, output, table = folder / "refused_std.c", folder / "refused_std.o", folder / "refused_std.txt"
    source.write_text(text, encoding="utf-8")
    call([*compiler, "-O1", "-fno-pie", "-w", "-c", str(source), "-o", str(output)], temporary=folder)
    table.write_text("".join(f"{name} {symbol}\n" for name, symbol in symbols.items()), encoding="utf-8")
    for file in objects:
        call(["objcopy", f"--redefine-syms={table}", str(file)])
    return [output]


def _front(standard_sysroot: Path | None, folder: Path, deadline: Deadline | None) -> Path:
    """Compile the replacement of the panic handler."""
    output = folder / "rust_front.o"
    more = [f"--sysroot={standard_sysroot}", "--cfg=whole"] if standard_sysroot is not None else []
    source = engine_sources.engine_sources() / "rust_front.rs"
    command = ["rustc", "--edition=2021", *INSTRUMENTED, *more, f"--target={TARGET}", "--crate-type=lib", "--emit=obj"]
    call([*environment(), *command, "-Adead_code", str(source), "-o", str(output)], deadline=deadline, temporary=folder)
    return output


def _main_of(threads: Sequence[str], defined: Mapping[str, str]) -> str:
    """Return C code that runs `setup` if it exists, starts the threads, joins them, and runs `check` if it exists."""
    hooks = [name for name in ("setup", "check") if name in defined]
    count = len(threads)
    lines = ["#include <pthread.h>", *(f"extern void {name}(void);" for name in (*hooks, *threads))]
    lines += [f"static void *run_{at}(void *unused) {{ {name}(); return unused; }}" for at, name in enumerate(threads)]
    lines += ["int main(void) {", f"    pthread_t threads[{count}];"]
    lines += ["    setup();"] if "setup" in hooks else []
    lines += [f"    pthread_create(&threads[{at}], 0, run_{at}, 0);" for at in range(count)]
    lines += [f"    pthread_join(threads[{at}], 0);" for at in range(count)]
    lines += ["    check();"] if "check" in hooks else []
    return "\n".join([*lines, "    return 0;", "}", ""])


# --- the choice of what to compile


def _metadata(source: Source, flags: Sequence[str]) -> tuple[list[str], bool, Path]:
    """Return a crate's programs, whether it has a library, and the folder of its lock file."""
    manifest = source.path / "Cargo.toml"
    offline = [flag for flag in flags if flag in ("--offline", "--locked", "--frozen")]
    said = call(
        [
            *environment(),
            "cargo",
            "metadata",
            "--no-deps",
            "--format-version=1",
            "--manifest-path",
            str(manifest),
            *offline,
        ]
    )
    found = json.loads(said)
    wanted = next((flags[at + 1] for at, flag in enumerate(flags[:-1]) if flag in ("-p", "--package")), None)
    here = [
        package
        for package in found["packages"]
        if (package["name"] == wanted if wanted else Path(package["manifest_path"]).resolve() == manifest.resolve())
    ]
    if not here:
        names = ", ".join(sorted(package["name"] for package in found["packages"]))
        raise CannotBuild(f"{source.path} is a workspace: choose a package of it by -- -p NAME ({names})")
    targets = here[0]["targets"]
    programs = [target["name"] for target in targets if "bin" in target["kind"]]
    library = any(
        kind in ("lib", "rlib", "staticlib", "cdylib", "dylib") for target in targets for kind in target["kind"]
    )
    return programs, library, Path(found["workspace_root"]) / "Cargo.lock"


def _check_flags(source: Source, flags: Sequence[str]) -> None:
    """Refuse flags other than those that choose what to compile.

    Raises:
        CannotBuild: there is such a flag.
    """
    allowed, tool = (_CARGO_FLAGS, "cargo") if source.is_crate else (_RUSTC_FLAGS, "rustc")
    words = iter(flags)
    for word in words:
        if allowed.match(word) is None:
            raise CannotBuild(
                f"refused: the flag {word} for {tool}: those pass that choose what is compiled "
                + (
                    "(--features, --no-default-features, --all-features, -p, --offline, --locked)"
                    if source.is_crate
                    else "(--cfg, --edition, --extern, -L, -A, -W, -Cdebug-assertions=, -Coverflow-checks=)"
                )
            )
        if word in _WITH_VALUE:
            next(words, "")


def _choose(source: Source, flags: Sequence[str], has_main: bool) -> tuple[Source, bool, Path | None]:
    """Choose what to compile: whether a source is a whole program, and which program of a crate."""
    if not source.is_crate:
        text = source.path.read_text(encoding="utf-8", errors="replace")
        whole = not (source.threads or has_main) and _MAIN.search(text) is not None
        return source, whole and "fn thread_0" not in text, None
    programs, library, lock = _metadata(source, flags)
    if source.binary is not None and source.binary not in programs:
        names = ", ".join(programs) or "none"
        raise CannotBuild(f"argument --bin: {source.path} has no program {source.binary}; it has: {names}")
    if source.binary is None and (source.threads or has_main or not programs):
        if not library:
            raise CannotBuild(f"{source.path} has no library to take thread functions from: give it a src/lib.rs")
        return source, False, lock
    if source.binary is None and len(programs) > 1:
        raise CannotBuild(f"{source.path} has several programs: choose one by --bin ({', '.join(programs)})")
    return dataclasses.replace(source, binary=source.binary or programs[0]), True, lock


def _threads(source: Source, objects: Sequence[Path]) -> list[str]:
    """Return the functions that run as threads."""
    defined = externals.read_symbols(*objects).defined
    if source.threads:
        missing = [name for name in source.threads if defined.get(name) not in ("T", "W")]
        if missing:
            raise CannotBuild(
                f"argument --thread: {source.path} has no function {missing[0]}: "
                f'write #[no_mangle] pub extern "C" fn {missing[0]}()'
            )
        return list(source.threads)
    found = [int(match[1]) for name in defined if (match := _NUMBERED.fullmatch(name))]
    if not found:
        raise CannotBuild(
            f"{source.path} has neither fn main nor thread functions: write "
            '#[no_mangle] pub extern "C" fn thread_0() and so on, or name such functions by --thread'
        )
    if sorted(found) != list(range(len(found))):
        raise CannotBuild(
            f"{source.path}: its thread functions are thread_{', thread_'.join(map(str, sorted(found)))}: "
            "number them from 0 without a gap"
        )
    return [f"thread_{number}" for number in sorted(found)]


def build(
    source: Source,
    c_files: Sequence[Path],
    *,
    flags: Sequence[str] = (),
    compiler: str | None = None,
    folder: Path,
    deadline: Deadline | None = None,
) -> linking.Program:
    """Build a program in Rust that explores itself.

    Args:
        source: the file or crate.
        c_files: C files that belong to it; if there are any, they define `main`.
        flags: flags that choose what to compile: rustc's for a file, cargo's for a crate.
        compiler: gcc or clang, for the C files.
        folder: the folder for the object files and the program.
        deadline: the time at which the build is aborted.

    Raises:
        CannotBuild: a tool is missing, the compiler finds an error, or the program has code that the engine could not
            see.
        TimeUp: the deadline passed.
    """
    need_rust(source)
    need_tools()
    _check_flags(source, flags)
    command = find_compiler(compiler)
    chosen, whole, lock = _choose(source, flags, bool(c_files))
    instrumented = instrumented_sysroot(deadline) if whole or source.build_std else None
    engine = engine_library.library(command, deadline=deadline)
    taken = (*_TAKEN, *(_TAKEN_PREBUILT if instrumented is None else ()))
    library = standard_library(instrumented or sysroot(), engine, command, (*taken, *_TAKEN_INSIDE), deadline)
    had_lock = lock is None or lock.exists()
    try:
        compiled = _compile(chosen, flags, instrumented, library.members, whole, folder, deadline)
    finally:
        if lock is not None and not had_lock:
            lock.unlink(missing_ok=True)
    objects = list(compiled.objects)
    for file in objects:
        set_traps(file)
    parts: list[Path] = []
    if not whole:
        written = list(c_files)
        if not written:
            threads = _threads(chosen, objects)
            written = [folder / "main.c"]
            written[0].write_text(_main_of(threads, externals.read_symbols(*objects).defined), encoding="utf-8")
        for number, path in enumerate(written):
            parts.append(folder / f"c-{number}-{path.stem}.o")
            instrumenting.compile_instrumented(path, parts[-1], compiler=command, deadline=deadline)
        externals.check_main(dict(zip(written, parts, strict=True)), "main")
    front = _front(instrumented, folder, deadline)
    parts += objects
    extra = taken_names(externals.read_symbols(*parts).undefined, taken)
    own = externals.read_symbols(*parts).defined
    linking.rename([*parts, front], folder, command, engine, own, more=extra)
    stubs = _refuse_std(parts, folder, command, library.defined) if instrumented is None else []
    foreign = {
        name: (kind, file.name)
        for file in compiled.foreign
        for name, kind in externals.read_symbols(file, dynamic=".so" in file.suffixes).defined.items()
    }
    stubs += linking.refuse_calls(parts, folder, command, engine, foreign)
    parts += [*stubs, front, building.say_unoptimized(folder, command, deadline)]
    libraries = (str(library.archive), "-Wl,--gc-sections")
    path = linking.link(parts, folder / "program", compiler=command, libraries=libraries, deadline=deadline)
    return linking.Program(path, tuple(parts), tuple(command), libraries=libraries)
