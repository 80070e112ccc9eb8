"""Runs the fuzzer for a time: in this process, or on a copy of the core built with sanitizers."""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from types import FrameType, ModuleType

from rusted_ring.verify.fuzz.biting import Bite, Struck
from rusted_ring.verify.fuzz.fuzzer import Fuzzer

HANG = 60.0


def run(
    backend: ModuleType, seed: int, seconds: float, threads: int, *, signals: bool = True, collector: bool = True
) -> Fuzzer:
    """Fuzz for a number of seconds; with signals, the calling thread must be the main one."""
    fuzzer = Fuzzer(backend, seed)
    end = time.monotonic() + seconds
    thresholds = gc.get_threshold()

    def work() -> None:
        while time.monotonic() < end and not fuzzer.findings:
            fuzzer.step()
            if fuzzer.draw.random() < 0.001:
                del fuzzer.objects[:]

    def strike(_number: int, _frame: FrameType | None) -> None:
        if fuzzer.armed and fuzzer.draw.random() < 0.5 and not fuzzer.local.in_loop:
            fuzzer.armed = False
            raise Struck
        with contextlib.suppress(Bite):
            fuzzer.nested()

    others = [threading.Thread(target=work, name=f"thread {number}", daemon=True) for number in range(threads)]
    before = signal.getsignal(signal.SIGALRM) if signals else None
    unraisable, sys.unraisablehook = sys.unraisablehook, lambda _: None
    gc.collect()
    gc.freeze()  # so that the collector, which runs very often, traverses only the objects of the run
    if not collector:
        gc.disable()
    try:
        for other in others:
            other.start()
        if signals:
            signal.signal(signal.SIGALRM, strike)
            signal.setitimer(signal.ITIMER_REAL, 0.003, 0.0037)
        while time.monotonic() < end and not fuzzer.findings:
            try:
                fuzzer.armed = signals
                work()
                fuzzer.armed = False
            except Struck:
                pass
    finally:
        if signals:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        fuzzer.over = True
        gc.set_threshold(*thresholds)
        gc.enable()
        gc.unfreeze()
        for other in others:
            other.join(HANG)
        if any(other.is_alive() for other in others):
            fuzzer.findings.append("a thread hangs")
        sys.unraisablehook = unraisable
    del fuzzer.objects[:]
    gc.collect()
    return fuzzer


# The program that fuzzes the sanitized copy. It removes the finders of an editable install, which would find another.
_CHILD = """
import sys
copy, *arguments = sys.argv[1:]
sys.meta_path[:] = [f for f in sys.meta_path if isinstance(f, type) or "editable" not in type(f).__module__]
sys.path.insert(0, copy)
from rusted_ring import native
if not native.__file__.startswith(copy):
    raise SystemExit(f"loaded {native.__file__}, which is not the copy")
from rusted_ring.verify.fuzz.command import main
sys.exit(main(arguments))
"""


def run_sanitized(arguments: list[str]) -> int:
    """Build the native backend with ASan and UBSan, Python's own blocks under them too, and fuzz it in a process."""
    from rusted_ring.verify.defects.workshop import Workshop
    from rusted_ring.verify.support.checkout import checkout

    compiler = os.environ.get("CC", "gcc")
    sanitizers = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
    library = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder, _environment(CC=f"{compiler} {sanitizers}"):
        workshop = Workshop(checkout(), pathlib.Path(folder) / "work")
        copy = workshop.copy("sanitized").package()
        settings = {
            "LD_PRELOAD": library.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:handle_segv=1",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "PYTHONMALLOC": "malloc",
            "PYTHONPATH": os.pathsep.join(workshop.roots),
        }
        command = [sys.executable, "-c", _CHILD, str(copy), *arguments]
        return subprocess.run(command, env=os.environ | settings, check=False).returncode


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
