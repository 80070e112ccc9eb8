"""What the tests of waiting share: threads that come later, descriptors, and programs of their own."""

import os
import select
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

LONG = 30
"""Seconds after which a wait that should have ended has failed."""


def later(call: Callable[[], object], seconds: float = 0.03) -> threading.Thread:
    """Call something in a thread of its own, when others have had the time to wait for it."""
    timer = threading.Timer(seconds, call)
    timer.start()
    return timer


def is_readable(descriptor: Any, seconds: float = 0) -> bool:
    """Whether a descriptor is readable, or becomes so."""
    return bool(select.select([descriptor], [], [], seconds)[0])


def printed_by(backend: ModuleType, setup: str, text: str) -> str:
    """Run a program of its own, which begins with `backend` and a setup, and return what it printed."""
    head = f"import {backend.__name__} as backend\n{setup}\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(text)], capture_output=True, text=True, timeout=2 * LONG
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_program(backend: ModuleType, text: str) -> str:
    """Run a program of its own, with `backend` and an empty ring in it, and return what it printed."""
    setup = "ring = backend.RingBuffer(16, 8)\n"
    setup += "writer, reader = backend.Writer(ring), backend.Reader(ring)"
    return printed_by(backend, setup, text)


def open_descriptors() -> int:
    """Return how many descriptors the process has."""
    return len(os.listdir("/proc/self/fd"))
