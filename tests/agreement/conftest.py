"""What the tests of agreement share."""

import dataclasses
import gc
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest


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
