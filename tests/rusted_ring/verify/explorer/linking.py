"""Links object files with the engine to a program that explores itself; renames calls or refuses them."""

import dataclasses
import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rusted_ring.verify.explorer import caching, externals
from rusted_ring.verify.explorer.engine_library import Size, library
from rusted_ring.verify.explorer.engine_sources import engine_sources, harness_source
from rusted_ring.verify.explorer.instrumenting import COMMON
from rusted_ring.verify.explorer.toolchain import architecture, call, version
from rusted_ring.verify.support import processes
from rusted_ring.verify.support.processes import Deadline

# The function that programs of SV-COMP define by abort(): the engine's own replaces it.
_ASSUMPTION = "assume_abort_if_not"
_OWN = ".program"
_DYNAMIC, _INIT_ARRAY_BYTES = 2, 27  # of ELF: PT_DYNAMIC, DT_INIT_ARRAYSZ


@dataclasses.dataclass(frozen=True)
class Program:
    """A program that explores itself, and the inputs of its link step.

    Attributes:
        path: the executable.
        inputs: the object files and archives of the program.
        compiler: the command that links.
        size: the capacity of the engine.
        sanitize: the sanitizer of the engine, or an empty text.
        caveats: the reasons why a clean verdict is not exhaustive for data races.
        libraries: the libraries that are linked after the engine, beside the C library.
    """

    path: Path
    inputs: tuple[Path, ...]
    compiler: tuple[str, ...]
    size: Size = dataclasses.field(default_factory=Size)
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


def harness_objects(native: Path, compiler: Sequence[str], flags: Sequence[str]) -> list[Path]:
    """Return the object files of the harness of clients; compile them if they do not exist yet for these headers."""
    sources = [
        path for path in sorted(harness_source("client.c").parent.glob("client*.c")) if "payload" not in path.name
    ]
    every = ["-O1", *COMMON, *flags]
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
    """Rename the functions that the engine replaces, and a program's own definitions that have such a name.

    Args:
        objects: the object files, which are changed.
        folder: the folder for the table of names.
        compiler: the command of the compiler.
        archive: the engine's archive.
        own: the names that the program defines.
        more: further names, with their replacements.
    """
    taken = {**externals.renames(engine_sources() / "symbols.txt"), **(more or {})}
    others = {*taken, *externals.read_symbols(archive).defined, *externals.names_of_the_system(compiler)}
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
    """Replace each function that is not followed by a stub that refuses the call; return the stubs' object file.

    Args:
        objects: the object files, which are changed.
        folder: the folder for the stubs.
        compiler: the command of the compiler.
        archive: the engine's archive.
        foreign: symbols of files that are not instrumented: the kind and the file of each.
        more: further allowed names.
        prefix: the prefix of the stubs' names.
    """
    allowed = externals.pure(engine_sources() / "intercept" / "pure.txt")
    if allowed is None:
        return []
    names = externals.not_followed(objects, archive, allowed=allowed.union(more), compiler=compiler, foreign=foreign)
    if not names:
        return []
    text, symbols = externals.stubs(names, prefix)
    source, output, table = folder / "refused.c", folder / "refused.o", folder / "refused.txt"
    source.write_text(text, encoding="utf-8")
    call([*compiler, "-O1", *COMMON, "-c", str(source), "-o", str(output)], temporary=folder)
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
    """Link object files with the engine, which runs their constructors itself.

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
    """Empty the table of constructors of a 64-bit executable for the system, see main.c of the engine.

    A process of its own writes the program. If this process had it open for writing, a child that another thread starts
    would also have it open until its exec, and the system runs no file that is open for writing (ETXTBSY).
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
