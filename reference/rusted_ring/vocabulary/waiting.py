"""How a task of an event loop waits on a descriptor of a reader or a writer [RING-36, RING-37, RING-54]."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio


class Watched(Protocol):
    """A reader or a writer: what has a descriptor that is readable once another attempt is worth while [RING-35]."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...


async def until_readable(watched: Watched) -> None:
    """Wait in the running event loop until a descriptor is readable.

    A loop has one callback for each descriptor, and the caller may have set it. So what is registered is a duplicate.

    Raises:
        OSError: the system gave no descriptor.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    descriptor = watched.fileno()
    try:
        own = os.dup(descriptor)
    except OSError as error:
        raise OSError(error.errno, f"no descriptor for {watched!r}: {error.strerror}; close some") from None
    try:
        loop.add_reader(own, _tell, readable)
        await readable
    finally:
        if not loop.is_closed():
            loop.remove_reader(own)
        os.close(own)


def _tell(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)
