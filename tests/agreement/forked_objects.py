"""What the tests of objects after a fork share."""

import gc
import os
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest


def check_copy_in_child(
    backend: ModuleType,
    held: list[Any],
    refused: Sequence[Callable[[Any], object]],
    harmless: Sequence[Callable[[Any], object]],
) -> None:
    """Use an object in a forked child, and let it be collected there.

    Args:
        backend: the implementation.
        held: the object alone; nothing else refers to it.
        refused: uses that must raise `ForkedCopy` in the child.
        harmless: uses that must raise nothing there.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for use in refused:
                with pytest.raises(backend.ForkedCopy):
                    use(held[0])
            for use in harmless:
                use(held[0])
            held.clear()
            gc.collect()
            status = 0
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(ended) == 0
