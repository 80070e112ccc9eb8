"""What the tests of the binding share: an allocator that must be empty again, and a run in a process of its own."""

import gc
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest

from rusted_ring.native import EventAllocator


@pytest.fixture
def allocator() -> Iterator[EventAllocator]:
    made = EventAllocator()
    yield made
    gc.collect()
    assert {pool: stats.live for pool, stats in made.stats().items() if stats.live} == {}, "slots were leaked"


@pytest.fixture
def run_alone() -> Callable[[str], str]:
    """Run a program in a process of its own, which must end well and say nothing on stderr; return what it printed."""

    def run(program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(program)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), f"exit {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    return run
