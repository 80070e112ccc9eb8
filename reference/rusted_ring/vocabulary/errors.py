"""The errors both implementations raise [ERR-1, ERR-2, ERR-3]."""

import queue

from rusted_ring.vocabulary.shown import short


class RingError(Exception):
    """Base of every error of rings, pools and pointers; after one, nothing has changed [ERR-1, ERR-2]."""


class PayloadTooLarge(RingError, ValueError):
    """A payload does not fit its class, its ring or the heap's bound [SIZE-3, RING-9, ALLOC-8]."""


class PoolExhausted(RingError, queue.Full):
    """No slot of the pool was free at some moment during the call [ALLOC-3, ALLOC-7]."""


class LayoutError(RingError, ValueError):
    """Widths, capacities or storage are out of bounds [PARAM-2, PARAM-3, LAYOUT-7, RING-29]."""


class StaleHandle(RingError, ReferenceError):
    """The event that a triple of pool, slot and generation named is gone [WEAK-3, PTR-15]."""


class ReleasedHandle(RingError, ValueError):
    """A pointer or a loan is used after its end [PTR-6, LOAN-7]."""


class RefCountOverflow(RingError, OverflowError):
    """The slot's counter is full: one reference more cannot be counted [SLOT-10]."""


class RefCountUnderflow(RingError, ValueError):
    """A loose reference is given back that nobody left [PTR-14, ALLOC-17]."""


class ViewsOutstanding(RingError, BufferError):
    """A view is alive that would show what it must not show after the call [LOAN-6, PTR-17]."""


class WriterTaken(RingError, RuntimeError):
    """The ring has a writer already [RING-4]."""


class ReadersFull(RingError, RuntimeError):
    """Every reader place of the gated ring is taken [RING-21]."""


class RingClosed(RingError, ValueError):
    """A writer or a reader is used after its end [RING-56, RING-20, RING-27]."""


class EndOfStream(RingClosed, EOFError):
    """A writer has ended the stream: no event will follow those that were read [RING-39, RING-40]."""


class ForkedCopy(RingError, RuntimeError):
    """An object is used in a forked child that its parent made: the child has a copy that nobody else sees [ERR-8]."""


class Lagged(RingError, LookupError):
    """Events were overwritten before the reader got to them [RING-11, ERR-5].

    Attributes:
        skipped: how many events the reader missed, above 0.
        next_sequence: the sequence number of the event that the reader gets next.
    """

    def __init__(self, skipped: int, next_sequence: int) -> None:
        """Keep both numbers and say them in the message [ERR-5]."""
        super().__init__(
            f"{short(skipped)} events were overwritten before this reader got to them; "
            f"it goes on at sequence {short(next_sequence)}: call next() again, read more often, or use a gated ring"
        )
        self.skipped = skipped
        self.next_sequence = next_sequence

    def __reduce__(self) -> tuple[type["Lagged"], tuple[int, int]]:
        """Pickle by the two numbers [ERR-5]."""
        return (type(self), (self.skipped, self.next_sequence))
