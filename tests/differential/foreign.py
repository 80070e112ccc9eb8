"""Backends that are not this project's own: a ring of a few lines, and some that are wrong, crash or hang."""

import os
import signal
import time
from typing import Any

from rusted_ring import reference
from rusted_ring.reference import EventAllocator, PayloadTooLarge, RingPtr


class DequeRing:
    """An overwriting ring over a list, with what the protocol asks for and nothing else."""

    def __init__(self, size: int, capacity: int) -> None:
        self.size = size
        self.capacity = capacity
        self.events: list[tuple[bytes, int]] = []
        self.has_writer = False


class DequeWriter:
    """Adds at the end."""

    def __init__(self, ringbuffer: DequeRing) -> None:
        if ringbuffer.has_writer:
            raise reference.WriterTaken("the ring has a writer: close it first")
        ringbuffer.has_writer = True
        self.ringbuffer = ringbuffer

    def __del__(self) -> None:
        if hasattr(self, "ringbuffer"):
            self.ringbuffer.has_writer = False

    def add(self, data: Any, event_type: int = 0) -> bool:
        """Add an event."""
        payload = bytes(memoryview(data).cast("B")) if not isinstance(data, bytes) else data
        if len(payload) > self.ringbuffer.size:
            raise PayloadTooLarge(f"data is {len(payload)} bytes: too long; use a larger ring")
        self.ringbuffer.events.append((payload, event_type))
        return True


class DequeReader:
    """Reads from where it joined."""

    slack = 0

    def __init__(self, ringbuffer: DequeRing, *, start: str = "oldest") -> None:
        self.ringbuffer = ringbuffer
        published = len(ringbuffer.events)
        self.position = published if start == "latest" else max(0, published - ringbuffer.capacity)

    def next(self) -> tuple[bytes, int] | None:
        """Return the next event."""
        published = len(self.ringbuffer.events)
        oldest = max(0, published - self.ringbuffer.capacity - self.slack)
        if self.position < oldest:
            skipped, self.position = oldest - self.position, oldest
            raise reference.Lagged(skipped, oldest)
        if self.position == published:
            return None
        self.position += 1
        return self.ringbuffer.events[self.position - 1]


class ForeignRing:
    """A namespace that offers a ring and no pools."""

    RingBuffer = DequeRing
    Writer = DequeWriter
    Reader = DequeReader
    not_offered = ("RingBuffer.gated", "Reader.__iter__", "Writer.__reduce_ex__")


class LateReader(DequeReader):
    """Takes one event too many for retained."""

    slack = 1


class WrongRing(ForeignRing):
    """A namespace whose readers are lapped one event too late."""

    Reader = LateReader


class FewAllocator:
    """An allocator with what the protocol asks for and nothing else; pointers keep the payload."""

    def __init__(self, profile: reference.Profile) -> None:
        self.inner = EventAllocator(profile)

    def allocate(self, data: Any, event_type: int = 0, *, spill: bool = False) -> RingPtr:
        """Allocate an event."""
        return self.inner.allocate(data, event_type, spill=spill)


class ForeignPool:
    """A namespace that offers pools of the least kind."""

    EventAllocator = FewAllocator


class CrashingPointer:
    """Stands in for a C library that writes where it should not."""

    @staticmethod
    def crash(*_: object) -> None:
        """End the process."""
        os.kill(os.getpid(), signal.SIGSEGV)

    @staticmethod
    def hang(*_: object) -> None:
        """Wait for ever."""
        time.sleep(1_000)


class CrashingWeak(reference.WeakRingPtr):
    """Crashes when it is upgraded."""

    def upgrade(self) -> RingPtr:
        """Upgrade, or not."""
        CrashingPointer.crash()
        return super().upgrade()


class HangingWeak(reference.WeakRingPtr):
    """Hangs when it is upgraded."""

    def upgrade(self) -> RingPtr:
        """Upgrade, or not."""
        CrashingPointer.hang()
        return super().upgrade()


class Crashing:
    """The reference, but for one call that ends the process."""

    EventAllocator = reference.EventAllocator
    EventPools = reference.EventPools
    RingPtr = reference.RingPtr
    WeakRingPtr: type[reference.WeakRingPtr] = CrashingWeak


class Hanging(Crashing):
    """The reference, but for one call that does not return."""

    WeakRingPtr = HangingWeak


class FlakyReader(reference.Reader):
    """Loses an event, once."""

    lost = False

    def next(self, timeout: float | None = 0) -> reference.PooledEvent | None:
        """Return the next event, mostly."""
        event = super().next(timeout)
        if event is not None and not FlakyReader.lost:
            FlakyReader.lost = True
            return None
        return event


class Flaky:
    """The reference, but for one call that is wrong once and never again."""

    RingBuffer = reference.RingBuffer
    Writer = reference.Writer
    Reader = FlakyReader
