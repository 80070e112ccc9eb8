"""The writer of a ring: publishing, and waiting for room.

[RING-4, RING-5, RING-9, RING-10, RING-14, RING-25, RING-27, RING-39 to RING-41, RING-46 to RING-51, RING-55,
RING-61, RING-65, RING-69]
"""

import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Self

from rusted_ring.reference.arguments import as_flag, as_seconds, batch_arguments, check_event_type, check_seconds
from rusted_ring.reference.in_place import Reservation, ending_at_close, lend_slots
from rusted_ring.reference.monitor import Found
from rusted_ring.reference.once import check_uninitialized, initializing
from rusted_ring.reference.ring import RingBuffer, WriterRegistration, new_waiter
from rusted_ring.reference.waiting import until
from rusted_ring.vocabulary.arguments import as_instance, as_number, buffer_view, check_contiguous
from rusted_ring.vocabulary.errors import PayloadTooLarge, ReservationOpen, RingClosed
from rusted_ring.vocabulary.event import Payload, PooledEvent
from rusted_ring.vocabulary.modes import GATED
from rusted_ring.vocabulary.unpicklable import Unpicklable


class Writer(Unpicklable):
    """The one writer of a ring, until it is closed or collected [RING-4]."""

    __slots__ = ("__weakref__", "_registration", "_ring", "_sentinel")

    _registration: WriterRegistration | None
    _ring: RingBuffer
    _sentinel: object

    def __init__(self, ringbuffer: RingBuffer) -> None:
        """Become the ring's writer [RING-4].

        Args:
            ringbuffer: the ring.

        Raises:
            TypeError: `ringbuffer` is not a `RingBuffer`.
            WriterTaken: the ring has a writer.
            EndOfStream: the ring's stream has ended [RING-40].
        """
        ring = as_instance("ringbuffer", ringbuffer, RingBuffer, "a RingBuffer")

        def look() -> Found[None]:
            check_uninitialized(self, "_registration")
            registration = WriterRegistration()
            sentinel, arm = ring._monitor.deferred_finalizer(partial(ring._unregistering_writer, registration))
            changes = initializing(self, _ring=ring, _sentinel=sentinel, _registration=registration)
            return None, [*changes, ring._registering_writer(registration), arm]

        ring._monitor.run(look)

    def _open_registration(self) -> WriterRegistration:
        """Return the writer's registration in its ring.

        Raises:
            ForkedCopy: a parent process made the writer [ERR-8].
            RingClosed: the writer was closed [RING-27].
        """
        self._ring._monitor.check_process()
        registration = self._registration
        if registration is None:
            raise RingClosed(f"writer is {self!r}: it was closed; make a new Writer of the ring")
        return registration

    def _open_ring(self) -> RingBuffer:
        """Return the ring if the writer is open; raise as `_open_registration`."""
        self._open_registration()
        return self._ring

    def _free_registration(self) -> WriterRegistration:
        """Return the writer's registration; called within a step that is to publish or reserve something.

        Raises:
            RingClosed: the writer was closed.
            ReservationOpen: a reservation of the writer is open [RING-65].
        """
        registration = self._open_registration()
        if registration.lent is not None:
            remedy = "commit or cancel it first, and release its views"
            raise ReservationOpen(f"writer is {self!r}: a reservation of it is open; {remedy}")
        return registration

    def _may_publish(self) -> bool:
        """Whether the writer is open, and no reservation of it is."""
        registration = self._registration
        return registration is not None and registration.lent is None

    def _publish_in_time(self, events: Sequence[PooledEvent], timeout: float | None) -> int:
        """Publish events as room becomes free, and return how many [RING-14, RING-25, RING-46, RING-47].

        Raises:
            RingClosed: the writer was closed before an event was published.
            ReservationOpen: a reservation was open before an event was published.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        waiter = new_waiter()
        count = 0

        def look() -> Found[int]:
            if count > 0 and not self._may_publish():
                return 0, []
            return self._ring._publishing(events[count:], self._free_registration(), waiter)

        while True:
            count += self._ring._monitor.run(look)
            if count == len(events) or not self._may_publish() or not self._ring._wait(waiter, until):
                return count

    def add(self, data: Payload, event_type: int = 0, *, timeout: float | None = 0) -> bool:
        """Publish an event [RING-5, RING-10, RING-14].

        Args:
            data: any C-contiguous buffer; its bytes are the payload.
            event_type: an unsigned 32-bit number.
            timeout: the most seconds to wait for room; 0 does not wait, None waits for ever [RING-46].

        Returns:
            True if the event was published; False if the gated ring was full until the timeout.

        Raises:
            RingClosed: the writer was closed, before the call or while it waited [RING-27, RING-48].
            TypeError: an argument has a wrong type.
            ValueError: the buffer is not contiguous, `event_type` is out of its bounds, or `timeout` is below 0 or
                NaN [RING-38].
            PayloadTooLarge: the payload is longer than the ring's size [RING-9].
            ReservationOpen: a reservation of the writer is open [RING-65].
        """
        ring = self._open_ring()
        # An error's traceback keeps this frame alive, so the view must be released before the error leaves [ERR-1].
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
        """Publish an event; if there is no room, wait in the running event loop until there is [RING-50, RING-51].

        Args:
            data: as in `add`.
            event_type: as in `add`.

        Raises:
            RingClosed: the writer was closed, before the call or while it waited [RING-27, RING-48].
            TypeError: an argument has a wrong type.
            ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
            PayloadTooLarge: the payload is longer than the ring's size [RING-9].
            ReservationOpen: a reservation of the writer is open [RING-65].
            OSError: the system has no descriptors left.
        """
        await until(lambda: self.add(data, event_type), self)

    def fileno(self) -> int:
        """Return a descriptor that is readable if there may be room; wait on it, but do not read or close it [RING-49].

        Raises:
            RingClosed: the writer was closed.
            OSError: the system has no descriptors left.
        """
        return self._ring._monitor.run(lambda: self._ring._descriptor_of(self._open_registration()))

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
            lengths: the length of each payload in a buffer, in bytes: one integer above 0 for all, or a sequence or
                buffer with an integer for each; None if the buffer is one event, or if `data` is a list or tuple.
            event_types: one integer for all events, or a sequence or buffer with an integer for each.
            timeout: the most seconds to wait for room for the whole batch; 0 does not wait, None waits for ever
                [RING-47].

        Returns:
            How many events were published: all of them in an overwriting ring; in a gated ring the longest prefix for
            which there was room before the timeout.

        Raises:
            RingClosed: the writer was closed before an event was published [RING-27, RING-47].
            TypeError: an argument, or an item of one, has a wrong type.
            ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.
            PayloadTooLarge: a payload is longer than the ring's size; nothing was published [RING-9].
            ReservationOpen: a reservation of the writer was open before an event was published [RING-65].
        """
        ring = self._open_ring()
        wanted = as_seconds("timeout", timeout)
        batch = batch_arguments(data, lengths, event_types)
        seconds = check_seconds("timeout", wanted)
        for index, payload in enumerate(batch.payloads):
            _check_length(f"data[{index}]", len(payload), ring)
        events = list(map(PooledEvent, batch.payloads, batch.event_types))
        return self._publish_in_time(events, seconds)

    def reserve(self, count: int = 1, *, timeout: float | None = 0) -> Reservation | None:
        """Reserve the slots of the next events of a gated ring, to be filled in place [RING-61].

        Args:
            count: the most slots; the reservation also ends at the ring's last slot, and where there is no more room.
            timeout: the most seconds to wait for room; 0 does not wait, None waits for ever [RING-46].

        Returns:
            A reservation of one slot or more; None if the ring was full until the timeout.

        Raises:
            RingClosed: the writer was closed, before the call or while it waited [RING-27, RING-48].
            TypeError: an argument has a wrong type.
            ValueError: the ring is an overwriting one [RING-69], `count` is below 1, or `timeout` is below 0 or NaN.
            ReservationOpen: a reservation of the writer is open [RING-65].
        """
        ring = self._open_ring()
        wanted = as_number("count", count)
        seconds = as_seconds("timeout", timeout)
        if wanted < 1:
            raise ValueError(f"count is {wanted}: below 1; pass the number of slots to reserve")
        seconds = check_seconds("timeout", seconds)
        if ring.mode != GATED:
            why = "a reader that was lapped may be reading its slots"
            raise ValueError(f"ringbuffer is {ring!r}: {why}; call add(), or make a ring with mode={GATED!r}")
        until = math.inf if seconds is None else time.monotonic() + seconds
        waiter = new_waiter()

        def look() -> Found[Reservation | None]:
            registration = self._free_registration()
            room, changes = ring._reserving(wanted, registration, waiter)
            if room == 0:
                return None, changes
            slots, lending = lend_slots(ring, registration, room, self._sentinel)
            return Reservation._holding(ring, registration, slots), [*changes, *lending]

        while True:
            reservation = ring._monitor.run(look)
            if reservation is not None or not ring._wait(waiter, until):
                return reservation

    def close(self, *, end: bool = False) -> None:
        """Unregister the writer, and end its reservation; a second call does nothing [RING-27, RING-64].

        Args:
            end: whether to end the stream: no event will follow, and the ring accepts no other writer [RING-39,
                RING-40].

        Raises:
            TypeError: `end` is not a bool.
            RingClosed: `end` is True, and this writer was closed before without ending the stream [RING-41].
            ViewsOutstanding: a view of the writer's reservation is alive [RING-66].
        """
        end = as_flag("end", end)
        if self._ring._monitor.is_forked:
            self._registration = None
            return

        def look() -> Found[None]:
            registration, ring = self._registration, self._ring
            if end and registration is None and not ring._ended:
                remedy = "close another Writer with end=True"
                return RingClosed(f"writer is {self!r}: it was closed and cannot end the stream; {remedy}"), []
            cancelling = () if registration is None else ending_at_close(registration)
            leaving = () if registration is None else ring._unregistering_writer(registration)
            ending = ring._ending() if end and not ring._ended else ()
            return None, [*cancelling, *leaving, *ending, partial(setattr, self, "_registration", None)]

        self._ring._monitor.run(look)

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring [RING-4]."""
        return self._open_ring()

    @property
    def closed(self) -> bool:
        """Whether the writer was closed [RING-27]."""
        return self._registration is None

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


def _check_length(name: str, length: int, ring: RingBuffer) -> None:
    """Make sure that a payload is no longer than the ring's size [RING-9].

    Raises:
        PayloadTooLarge: it is.
    """
    if length > ring.size:
        raise PayloadTooLarge(
            f"{name} is {length} bytes long: more than the ring's size {ring.size}; split the payload, or make a ring "
            "with a larger size"
        )
