"""The engine as a C library: finds its sources and compiles it, once for each compiler."""

import concurrent.futures
import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from rusted_ring.verify.explorer import caching
from rusted_ring.verify.explorer.engine_sources import engine_sources, harness_source, include_flags, library_sources
from rusted_ring.verify.explorer.instrumenting import COMMON, SANITIZED
from rusted_ring.verify.explorer.toolchain import (
    CannotBuild,
    architecture,
    call,
    family,
    version,
)
from rusted_ring.verify.support import processes
from rusted_ring.verify.support.processes import Deadline


@dataclasses.dataclass(frozen=True)
class Size:
    """The capacity of the engine: the number of threads, and the integer type that counts the events of a thread."""

    threads: int = 16
    clock: str = "int16_t"

    def grown(self, what: str) -> "Size | None":
        """Return the next larger size in `threads` or in `events`; None if there is none."""
        if what == "threads":
            larger = next((threads for threads in (32, 128, 512) if threads > self.threads), None)
            return dataclasses.replace(self, threads=larger) if larger is not None else None
        if what == "events" and self.clock == "int16_t":
            return dataclasses.replace(self, clock="int32_t")
        return None

    @property
    def flags(self) -> list[str]:
        """Return the macros that the engine is compiled with."""
        threads = [f"-DEXPLORER_THREADS={self.threads}"] if self.threads != Size.threads else []
        return [*threads, *([f"-DEXPLORER_CLOCK={self.clock}"] if self.clock != Size.clock else [])]


def library(
    compiler: Sequence[str], *, sanitize: str = "", size: Size | None = None, deadline: Deadline | None = None
) -> Path:
    """Return the engine as an archive, with `litmus.o` beside it; compile it if it does not exist yet.

    Args:
        compiler: the command of the compiler.
        sanitize: a sanitizer that the engine itself is built with, for its own tests.
        size: its capacity.
        deadline: the time at which the compilation is aborted.

    Raises:
        CannotBuild: it does not compile.
        TimeUp: the deadline passed.
    """
    sources = engine_sources()
    if sanitize and family(compiler) != "gcc":
        raise CannotBuild(f"sanitize={sanitize}: needs gcc; clang's runtime lies among the variables that are put back")
    flags = ["-std=gnu11", "-O2", "-fexceptions", *COMMON, *(size or Size()).flags]
    flags += [f"-fsanitize={sanitize}", *SANITIZED] if sanitize else []
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
            # Each object is kept by itself, so that an aborted compilation continues where it stopped.
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
