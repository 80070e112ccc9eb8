"""The explorer's engine from Python: builds C programs against it, runs them, and reads their answers.

Its parts: `building` (with `instrumenting`, `engine_library` and `linking`, and with `guards` and `externals`:
refused code), `running` (with `support.processes`), `symbols`.
"""

from rusted_ring.verify.explorer.building import build, build_client, build_litmus
from rusted_ring.verify.explorer.engine_library import Size, library
from rusted_ring.verify.explorer.engine_sources import engine_sources, harness_source, include_flags, library_sources
from rusted_ring.verify.explorer.instrumenting import LEVEL
from rusted_ring.verify.explorer.linking import Program, link
from rusted_ring.verify.explorer.running import CannotRun, LineServer, RunOptions, TooSmall, run, run_task, trace_of
from rusted_ring.verify.explorer.symbols import Place, Symbols, readable_trace
from rusted_ring.verify.explorer.toolchain import CannotBuild, find_compiler
from rusted_ring.verify.support.processes import Deadline, TimeUp

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
