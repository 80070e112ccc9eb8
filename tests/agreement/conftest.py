"""What the tests of agreement share."""

import dataclasses
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def tiny(backend: ModuleType) -> Callable[..., Any]:
    """Make an allocator of the tiny profile, with the fields given in place of its own."""

    def make(**changes: Any) -> Any:
        return backend.EventAllocator(dataclasses.replace(backend.TINY, **changes))

    return make


@pytest.fixture
def collect() -> Callable[[], None]:
    """End whatever is no longer referred to, cycles included, on every Python."""

    def run() -> None:
        gc.collect()

    return run


@pytest.fixture(scope="session", autouse=True)
def _small_heap() -> Iterator[None]:
    """Set aside what is there before the first test, so that a full collection takes microseconds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Threads:
    """Threads of one test: what fails in one ends the others, and none runs on for ever."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._failures: list[BaseException] = []

    def check(self) -> None:
        """Raise where another thread has failed or the time is up: every loop that waits for another calls it."""
        if self._failures:
            raise RuntimeError("another thread has failed")
        if time.monotonic() > self._deadline:
            raise AssertionError("the threads did not come to an end")

    def run(self, *works: Callable[[], object]) -> None:
        """Run each piece of work in a thread of its own, and raise what the first to fail raised."""

        def guarded(work: Callable[[], object]) -> None:
            try:
                work()
            except BaseException as error:
                self._failures.append(error)

        started = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        if self._failures:
            raise self._failures[0]


@pytest.fixture
def threads() -> Threads:
    """Threads with half a minute to come to an end."""
    return Threads(30)
