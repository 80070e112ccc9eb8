"""The errors that both implementations raise [ERR-1, ERR-2, ERR-3]."""

import queue

from rusted_ring.vocabulary.shown import short


class RingError(Exception):
    """Base class of all errors of rings, pools and pointers; a call that raises one has no effect [ERR-1, ERR-2]."""


class PayloadTooLarge(RingError, ValueError):
    """A payload is longer than its size class, its ring or the heap allows [SIZE-3, RING-9, ALLOC-8]."""


class PoolExhausted(RingError, queue.Full):
    """At some moment during the call no slot of the pool was FREE [ALLOC-3, ALLOC-7]."""


class LayoutError(RingError, ValueError):
    """A width, a capacity or the size of a storage is out of its bounds [PARAM-2, PARAM-3, LAYOUT-7, RING-29]."""


class StaleHandle(RingError, ReferenceError):
    """The event that a triple of pool, slot and generation names is gone [WEAK-3, PTR-15]."""


class ReleasedHandle(RingError, ValueError):
    """A pointer, a loan, a reservation or a peek was used after its end [PTR-6, LOAN-7, RING-68, RING-77]."""


class RefCountOverflow(RingError, OverflowError):
    """The slot's reference count is at its maximum, so that another reference cannot be counted [SLOT-10]."""


class RefCountUnderflow(RingError, ValueError):
    """A call would release a detached reference that does not exist [PTR-14, ALLOC-17]."""


class ViewsOutstanding(RingError, BufferError):
    """The call needs that no view of the data is alive, and one is [LOAN-6, PTR-17, RING-66, RING-75]."""


class WriterTaken(RingError, RuntimeError):
    """The ring has a writer, and can have only one [RING-4]."""


class ReservationOpen(RingError, RuntimeError):
    """A reservation of the writer is open: the writer publishes nothing else until its end [RING-65]."""


class PeekOpen(RingError, RuntimeError):
    """A peek of the reader is open: the reader reads nothing else until its end [RING-74]."""


class ReadersFull(RingError, RuntimeError):
    """The gated ring has `max_readers` readers [RING-21]."""


class RingClosed(RingError, ValueError):
    """A writer or a reader was used after its end [RING-56, RING-20, RING-27]."""


class EndOfStream(RingClosed, EOFError):
    """A writer has ended the stream: all events were read, and no event will follow [RING-39, RING-40]."""


class ForkedCopy(RingError, RuntimeError):
    """A forked child used an object that its parent made: the child has only a copy of its own [ERR-8]."""


class Lagged(RingError, LookupError):
    """Events were overwritten before the reader read them [RING-11, ERR-5].

    Attributes:
        skipped: how many events the reader missed, above 0.
        next_sequence: the sequence number of the event that the reader returns next.
    """

    def __init__(self, skipped: int, next_sequence: int) -> None:
        """Keep both numbers and put them in the message [ERR-5]."""
        super().__init__(
            f"{short(skipped)} events were overwritten before the reader read them; the next one has "
            f"sequence {short(next_sequence)}: call next() again, read more often, or use a gated ring"
        )
        self.skipped = skipped
        self.next_sequence = next_sequence

    def __reduce__(self) -> tuple[type["Lagged"], tuple[int, int]]:
        """Make copies and pickles from the two numbers [ERR-5]."""
        return (type(self), (self.skipped, self.next_sequence))
