"""The writer of a ring, and how it waits for room.

[RING-4, RING-5, RING-9, RING-10, RING-14, RING-25, RING-27, RING-39 to RING-41, RING-46 to RING-51, RING-55]
"""

import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Self, cast

from rusted_ring.reference.arguments import as_flag, as_seconds, batch_arguments, check_event_type, check_seconds
from rusted_ring.reference.once import becoming, check_unmade
from rusted_ring.reference.ring import RingBuffer, WriterPlace, new_waiter
from rusted_ring.reference.step import Found
from rusted_ring.reference.waiting import until
from rusted_ring.vocabulary.arguments import as_number, buffer_view, check_contiguous, is_of, wrong_type
from rusted_ring.vocabulary.errors import PayloadTooLarge, RingClosed
from rusted_ring.vocabulary.event import Payload, PooledEvent
from rusted_ring.vocabulary.unpicklable import Unpicklable


class Writer(Unpicklable):
    """The one writer of a ring, until it is closed or collected [RING-4]."""

    __slots__ = ("__weakref__", "_place", "_ring", "_token")

    _place: WriterPlace | None
    _ring: RingBuffer

    def __init__(self, ringbuffer: RingBuffer) -> None:
        """Take the ring's place for a writer [RING-4].

        Args:
            ringbuffer: the ring.

        Raises:
            TypeError: `ringbuffer` is not a `RingBuffer`.
            WriterTaken: the ring has a writer.
            EndOfStream: the ring's stream has ended [RING-40].
        """
        ring = as_ring(ringbuffer)

        def look() -> Found[None]:
            check_unmade(self, "_place")
            place = WriterPlace()
            token, arm = ring._step.token(partial(ring._leaving_writer_place, place))
            taking = ring._taking_writer_place(place)
            return None, [*becoming(self, _ring=ring, _token=token, _place=place), taking, arm]

        ring._step.take(look)

    def _open_place(self) -> WriterPlace:
        """Return the writer's place in its ring.

        Raises:
            ForkedCopy: the process was forked since [ERR-8].
            RingClosed: the writer was closed [RING-27].
        """
        self._ring._step.check()
        place = self._place
        if place is None:
            raise RingClosed(f"writer is {self!r}: it was closed; make a new Writer of the ring")
        return place

    def _open_ring(self) -> RingBuffer:
        """Return the ring, of a writer that is open; raise as `_open_place`."""
        self._open_place()
        return self._ring

    def _publish_in_time(self, events: Sequence[PooledEvent], timeout: float | None) -> int:
        """Publish events as there is room for them, and return how many [RING-14, RING-25, RING-46, RING-47].

        Raises:
            RingClosed: the writer was closed, or was while it waited and nothing was published.
        """
        ends = math.inf if timeout is None else time.monotonic() + timeout
        waiter = new_waiter()
        count = 0

        def look() -> Found[int]:
            if count > 0 and self._place is None:
                return 0, []
            return self._ring._publishing(events[count:], self._open_place(), waiter)

        while True:
            count += self._ring._step.take(look)
            if count == len(events) or self._place is None or not self._ring._wait(waiter, ends):
                return count

    def add(self, data: Payload, event_type: int = 0, *, timeout: float | None = 0) -> bool:
        """Publish an event [RING-5, RING-10, RING-14].

        Args:
            data: any C-contiguous buffer; its bytes are the payload.
            event_type: an unsigned 32-bit number.
            timeout: seconds to wait for room where there is none; 0 does not wait, None waits for ever [RING-46].

        Returns:
            True, or False where a gated ring's slowest reader is `capacity` events behind, and was until the time was
            up; nothing was published then.

        Raises:
            RingClosed: the writer was closed, or was while it waited [RING-27, RING-48].
            TypeError: an argument has a wrong type.
            ValueError: the buffer is not contiguous, `event_type` is out of its bounds, or `timeout` below 0 or not a
                number [RING-38].
            PayloadTooLarge: the payload is longer than the ring's size [RING-9].
        """
        ring = self._open_ring()
        # Released whatever happens, since an error that is kept keeps its frames [ERR-1].
        with buffer_view("data", data) as view:
            event_type = as_number("event_type", event_type)
            wanted = as_seconds("timeout", timeout)
            check_contiguous("data", view)
            check_event_type(event_type)
            seconds = check_seconds("timeout", wanted)
            _check_length("data", view.nbytes, ring)
            event = PooledEvent(view.tobytes(), event_type)
        return self._publish_in_time([event], seconds) == 1

    async def add_async(self, data: Payload, event_type: int = 0) -> None:
        """Publish an event, and wait in the event loop where there is no room for it [RING-50, RING-51].

        Args:
            data: as in `add`.
            event_type: as in `add`.

        Raises:
            RingClosed: the writer was closed, or was while it waited [RING-27, RING-48].
            TypeError: an argument has a wrong type.
            ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
            PayloadTooLarge: the payload is longer than the ring's size [RING-9].
            OSError: the system gave no descriptors.
        """
        await until(lambda: self.add(data, event_type), self)

    def fileno(self) -> int:
        """Return a descriptor that is readable where there may be room; only to be waited on [RING-49].

        Raises:
            RingClosed: the writer was closed.
            OSError: the system gave no descriptors.
        """
        return self._ring._step.take(lambda: self._ring._bell_of(self._open_place()))

    def add_many(
        self,
        data: Payload | Sequence[Payload],
        *,
        lengths: int | Sequence[int] | object | None = None,
        event_types: int | Sequence[int] | object = 0,
        timeout: float | None = 0,
    ) -> int:
        """Publish the events of a batch in order, as many as fit [RING-25].

        Args:
            data: a buffer of payloads back to back, or a list or tuple of buffers.
            lengths: bytes of each payload of a buffer: one integer above 0 for all, or a sequence or buffer of one
                each; None for a buffer that is one event, and for a list.
            event_types: one integer for all, or a sequence or buffer of one each.
            timeout: seconds to wait for room for those that do not fit; 0 does not wait, None waits for ever [RING-47].

        Returns:
            How many were published: all in an overwriting ring, the longest prefix that fits in a gated one, or that
            fitted until the time was up.

        Raises:
            RingClosed: the writer was closed, or was while it waited and nothing was published [RING-27, RING-47].
            TypeError: an argument, or an item of one, has a wrong type.
            ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.
            PayloadTooLarge: a payload is longer than the ring's size; nothing was published [RING-9].
        """
        ring = self._open_ring()
        wanted = as_seconds("timeout", timeout)
        batch = batch_arguments(data, lengths, event_types)
        seconds = check_seconds("timeout", wanted)
        for place, payload in enumerate(batch.payloads):
            _check_length(f"data[{place}]", len(payload), ring)
        events = list(map(PooledEvent, batch.payloads, batch.event_types))
        return self._publish_in_time(events, seconds)

    def close(self, *, end: bool = False) -> None:
        """Give the ring's place for a writer back; a second time, do nothing [RING-27].

        Args:
            end: whether to end the stream: no event will follow, and no writer can open again [RING-39, RING-40].

        Raises:
            TypeError: `end` is not a bool.
            RingClosed: the stream is to end, and this writer was closed before without that [RING-41].
        """
        end = as_flag("end", end)
        if self._ring._step.is_forked:
            self._place = None
            return

        def look() -> Found[None]:
            place, ring = self._place, self._ring
            if end and place is None and not ring._ended:
                remedy = "close another Writer with end=True"
                return RingClosed(f"writer is {self!r}: it was closed and cannot end the stream; {remedy}"), []
            leaving = () if place is None else ring._leaving_writer_place(place)
            ending = ring._ending() if end and not ring._ended else ()
            return None, [*leaving, *ending, partial(setattr, self, "_place", None)]

        self._ring._step.take(look)

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring [RING-4]."""
        return self._open_ring()

    @property
    def closed(self) -> bool:
        """Whether the writer was closed [RING-27]."""
        return self._place is None

    def __enter__(self) -> Self:
        self._open_ring()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Writer({self._ring!r}, closed={self.closed})"


def as_ring(ringbuffer: object) -> RingBuffer:
    """Return an argument that is a ring [ERR-4].

    Raises:
        TypeError: it is not.
    """
    if not is_of(ringbuffer, RingBuffer):
        raise wrong_type("ringbuffer", ringbuffer, "a RingBuffer")
    return cast("RingBuffer", ringbuffer)


def _check_length(name: str, length: int, ring: RingBuffer) -> None:
    """Make sure that a payload is no longer than the ring's size [RING-9].

    Raises:
        PayloadTooLarge: it is.
    """
    if length > ring.size:
        raise PayloadTooLarge(
            f"{name} is {length} bytes long: more than the ring's size {ring.size}; split the payload or make a ring "
            "of larger size"
        )
