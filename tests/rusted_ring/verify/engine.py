"""The explorer's engine from Python: C programs are built against it and run, and their answers read.

What is behind it: `compiling` (with `guards` and `calls`: what is refused), `running` (with `processes`), `symbols`.
"""

from rusted_ring.verify.compiling import (
    LEVEL,
    Program,
    Size,
    build,
    build_client,
    build_litmus,
    engine_sources,
    harness_source,
    include_flags,
    library,
    library_sources,
    link,
)
from rusted_ring.verify.processes import Deadline, TimeUp
from rusted_ring.verify.running import CannotRun, LineServer, RunOptions, TooSmall, run, run_task, trace_of
from rusted_ring.verify.symbols import Place, Symbols, readable_trace
from rusted_ring.verify.toolchain import CannotBuild, find_compiler

__all__ = [
    "LEVEL",
    "CannotBuild",
    "CannotRun",
    "Deadline",
    "LineServer",
    "Place",
    "Program",
    "RunOptions",
    "Size",
    "Symbols",
    "TimeUp",
    "TooSmall",
    "build",
    "build_client",
    "build_litmus",
    "engine_sources",
    "find_compiler",
    "harness_source",
    "include_flags",
    "library",
    "library_sources",
    "link",
    "readable_trace",
    "run",
    "run_task",
    "trace_of",
]
