"""Waiting in an event loop for the descriptor of a reader or a writer [RING-36, RING-37, RING-54]."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio


class Watched(Protocol):
    """A reader or a writer: its descriptor is readable if another attempt may succeed [RING-35, RING-49]."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...


async def until_readable(watched: Watched) -> None:
    """Wait in the running event loop until the descriptor of a reader or a writer is readable.

    An event loop has one callback for each descriptor, and the caller may have set it. So this registers a duplicate of
    the descriptor.

    Raises:
        OSError: the system has no descriptors left.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    descriptor = watched.fileno()
    try:
        duplicate = os.dup(descriptor)
    except OSError as error:
        raise OSError(
            error.errno, f"watched is {watched!r}: no descriptor for it ({error.strerror}); close some descriptors"
        ) from None
    try:
        loop.add_reader(duplicate, _set_readable, readable)
        await readable
    finally:
        if not loop.is_closed():
            loop.remove_reader(duplicate)
        os.close(duplicate)


def _set_readable(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)
