"""The statuses of the C library, by number and by the errors of Python [ERR-1].

The recorder, the judge and the traces take them from here. `rusted_ring.h` lists them too, since the C library does
not know Python. `tests/linearizability/test_tables.py` compares the two.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rusted_ring.vocabulary import errors

SKIPPED: Final = 99
"""The status of a call that was skipped because a variable was empty: the call that should have set it failed."""

TORN: Final = 255
"""The event that a read reports if the bytes are not those of one event."""


class Status(enum.IntEnum):
    """`rr_status`: the outcome of a call [ERR-1]."""

    OK = 0
    BAD_ARGUMENT = 1
    PAYLOAD_TOO_LARGE = 2
    POOL_EXHAUSTED = 3
    LAYOUT = 4
    STALE_HANDLE = 5
    REF_COUNT_OVERFLOW = 6
    REF_COUNT_UNDERFLOW = 7
    WRITER_TAKEN = 8
    READERS_FULL = 9
    RING_CLOSED = 10
    LAGGED = 11
    EMPTY = 12
    FULL = 13
    BUFFER_TOO_SMALL = 14
    BUSY = 15
    NO_MEMORY = 16
    INTERRUPTED = 17
    SYSTEM = 18
    END_OF_STREAM = 19


def _error_name(status: Status) -> str:
    return "".join(word.capitalize() for word in status.name.split("_"))


STATUS_OF_ERROR: Final[Mapping[str, Status]] = MappingProxyType(
    {"ValueError": Status.BAD_ARGUMENT}
    | {_error_name(status): status for status in Status if hasattr(errors, _error_name(status))}
)
"""By the name of an error of the Python interface, the status that the C call returns instead."""
