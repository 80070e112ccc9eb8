"""The writer of a ring [RING-4, RING-5, RING-9, RING-10, RING-14, RING-25, RING-27]."""

import functools
from collections.abc import Sequence
from typing import Self

from rusted_ring.reference.arguments import (
    as_number,
    batch_arguments,
    buffer_view,
    check_contiguous,
    check_event_type,
    wrong_type,
)
from rusted_ring.reference.errors import PayloadTooLarge, RingClosed
from rusted_ring.reference.event import PooledEvent
from rusted_ring.reference.ring import RingBuffer, WriterPlace
from rusted_ring.reference.unpicklable import Unpicklable


class Writer(Unpicklable):
    """The one writer of a ring, until it is closed or collected [RING-4]."""

    __slots__ = ("__weakref__", "_place", "_ring")

    _place: WriterPlace | None

    def __init__(self, ringbuffer: RingBuffer) -> None:
        """Take the ring's place for a writer [RING-4].

        Args:
            ringbuffer: the ring.

        Raises:
            TypeError: `ringbuffer` is not a `RingBuffer`.
            WriterTaken: the ring has a writer.
        """
        self._place = None
        self._ring = as_ring(ringbuffer)
        with self._ring._step:
            self._place = self._ring._take_writer_place()

    def __del__(self) -> None:
        place = getattr(self, "_place", None)
        if place is not None:
            self._ring._step.left.put(functools.partial(self._ring._leave_writer_place, place))

    def _open_ring(self) -> RingBuffer:
        """Return the ring.

        Raises:
            RingClosed: the writer was closed [RING-27].
        """
        if self._place is None:
            raise RingClosed(f"writer is {self!r}: it was closed; make a new Writer of the ring")
        return self._ring

    def add(self, data: object, event_type: int = 0) -> bool:
        """Publish an event [RING-5, RING-10, RING-14].

        Args:
            data: any C-contiguous buffer; its bytes are the payload.
            event_type: an unsigned 32-bit number.

        Returns:
            True, or False where a gated ring's slowest reader is `capacity` events behind and nothing was published.

        Raises:
            RingClosed: the writer was closed [RING-27].
            TypeError: an argument has a wrong type.
            ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
            PayloadTooLarge: the payload is longer than the ring's size [RING-9].
        """
        ring = self._open_ring()
        view = buffer_view("data", data)
        event_type = as_number("event_type", event_type)
        check_contiguous("data", view)
        check_event_type(event_type)
        _check_length("data", view.nbytes, ring)
        event = PooledEvent(view.tobytes(), event_type)
        with ring._step:
            return self._open_ring()._publish_prefix([event]) == 1

    def add_many(
        self,
        data: object,
        *,
        lengths: int | Sequence[int] | object | None = None,
        event_types: int | Sequence[int] | object = 0,
    ) -> int:
        """Publish the events of a batch in order, as many as fit [RING-25].

        Args:
            data: a buffer of payloads back to back, or a list or tuple of buffers.
            lengths: bytes of each payload of a buffer: one integer above 0 for all, or a sequence or buffer of one
                each; None for a buffer that is one event, and for a list.
            event_types: one integer for all, or a sequence or buffer of one each.

        Returns:
            How many were published: all in an overwriting ring, the longest prefix that fits in a gated one.

        Raises:
            RingClosed: the writer was closed [RING-27].
            TypeError: an argument, or an item of one, has a wrong type.
            ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.
            PayloadTooLarge: a payload is longer than the ring's size; nothing was published [RING-9].
        """
        ring = self._open_ring()
        batch = batch_arguments(data, lengths, event_types)
        for place, payload in enumerate(batch.payloads):
            _check_length(f"data[{place}]", len(payload), ring)
        events = list(map(PooledEvent, batch.payloads, batch.event_types))
        with ring._step:
            return self._open_ring()._publish_prefix(events)

    def close(self) -> None:
        """Give the ring's place for a writer back; a second time, do nothing [RING-27]."""
        with self._ring._step:
            if self._place is not None:
                self._ring._leave_writer_place(self._place)
                self._place = None

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

    def __repr__(self) -> str:
        return f"Writer({self._ring!r}, closed={self.closed})"


def as_ring(ringbuffer: object) -> RingBuffer:
    """Return an argument that is a ring [ERR-4].

    Raises:
        TypeError: it is not.
    """
    if not isinstance(ringbuffer, RingBuffer):
        raise wrong_type("ringbuffer", ringbuffer, "a RingBuffer")
    return ringbuffer


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
