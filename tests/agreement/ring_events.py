"""What the tests of rings share: shapes of rings, and events that tell their sequence numbers."""

import array
from types import ModuleType
from typing import Any

MODES = ("overwrite", "gated")
CAPACITIES = (1, 2, 3, 5, 7, 8, 31, 32, 33, 100)


def make(backend: ModuleType, mode: str = "overwrite", capacity: int = 8) -> tuple[Any, Any, Any]:
    """Return a ring, its writer and a reader."""
    ring = backend.RingBuffer(16, capacity, mode=mode)
    return ring, backend.Writer(ring), backend.Reader(ring)


def payload(sequence: int, length: int = 8) -> bytes:
    """Return a payload that tells its sequence number in every 8 bytes."""
    return (sequence.to_bytes(8, "little") * (length // 8 + 1))[:length]


def write(writer: Any, count: int, length: int = 8) -> int:
    """Add events that tell their sequence numbers; return how many were accepted."""
    start = writer.ringbuffer.write_cursor
    accepted = 0
    for sequence in range(start, start + count):
        if not writer.add(payload(sequence, length), sequence % 2**32):
            break
        accepted += 1
    return accepted


def sequences(events: Any) -> list[int]:
    """Return the sequence numbers that events tell, having checked that each tells one."""
    found = []
    for event in events:
        assert event.data == payload(event.event_type, len(event.data))
        found.append(event.event_type)
    return found


def range_types(start: int, count: int) -> "array.array[int]":
    """Return consecutive event types as a buffer."""
    return array.array("I", range(start, start + count))
