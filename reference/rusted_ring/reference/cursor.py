"""The arithmetic of sequence numbers: slots, retained events, readers' positions [RING-2, RING-12]."""

from typing import NamedTuple


def slot_of_sequence(sequence: int, capacity: int) -> int:
    """Return the slot of the event with a sequence number [RING-2].

    pre: sequence >= 0
    pre: capacity >= 1
    post: 0 <= _ < capacity
    """
    return sequence % capacity


def oldest_overwriting(published: int, capacity: int) -> int:
    """Return the sequence number of the oldest event that an overwriting ring retains [RING-10].

    pre: published >= 0
    pre: capacity >= 1
    post: 0 <= _ <= published
    post: published - _ == min(published, capacity)
    """
    return max(0, published - capacity)


def oldest_unread(published: int, capacity: int, low_water_mark: int) -> int:
    """Return the sequence number of the oldest event that a gated ring without readers retains [RING-17].

    All events below `low_water_mark` were read by every reader that was registered at that time.

    pre: capacity >= 1
    pre: 0 <= low_water_mark <= published
    post: low_water_mark <= _ <= published
    post: published - _ <= capacity
    post: _ == low_water_mark or published - _ == capacity
    """
    return max(low_water_mark, oldest_overwriting(published, capacity))


def room(published: int, slowest: int, capacity: int) -> int:
    """Return how many events a gated ring accepts before its slowest reader moves [RING-14].

    pre: capacity >= 1
    pre: 0 <= published - slowest <= capacity
    post: 0 <= _ <= capacity
    post: published + _ - slowest == capacity
    """
    return slowest + capacity - published


def accepted(published: int, slowest: int, capacity: int, offered: int) -> int:
    """Return how many of the events offered a gated ring accepts: the longest prefix that fits [RING-14, RING-25].

    pre: capacity >= 1
    pre: 0 <= published - slowest <= capacity
    pre: offered >= 0
    post: 0 <= _ <= offered
    post: published + _ - slowest <= capacity
    post: _ == offered or published + _ - slowest == capacity
    """
    return min(offered, room(published, slowest, capacity))


def contiguous(published: int, capacity: int, wanted: int) -> int:
    """Return how many of the next events wanted lie side by side, up to the ring's last slot [RING-61].

    pre: published >= 0
    pre: capacity >= 1
    pre: wanted >= 1
    post: 1 <= _ <= wanted
    post: slot_of_sequence(published, capacity) + _ <= capacity
    post: _ == wanted or slot_of_sequence(published + _, capacity) == 0
    """
    return min(wanted, capacity - slot_of_sequence(published, capacity))


def lag_of(published: int, cursor: int) -> int:
    """Return how many published events a reader has not read or skipped, overwritten ones included [RING-22].

    pre: 0 <= cursor <= published
    post: _ >= 0
    post: cursor + _ == published
    """
    return published - cursor


def backlog_of(published: int, cursor: int, capacity: int) -> int:
    """Return how many retained events a reader has not read [RING-23].

    pre: capacity >= 1
    pre: 0 <= cursor <= published
    post: 0 <= _ <= capacity
    post: _ == published - max(cursor, oldest_overwriting(published, capacity))
    """
    return min(lag_of(published, cursor), capacity)


class ReaderPosition(NamedTuple):
    """The position of a reader [RING-12].

    Attributes:
        start: the reader's first cursor.
        cursor: the sequence number of its next event.
        delivered: how many events it returned.
        skipped: how many events it missed or skipped.
    """

    start: int
    cursor: int
    delivered: int
    skipped: int


def joined(cursor: int) -> ReaderPosition:
    """Return the position of a reader that begins at `cursor` [RING-12, RING-16].

    pre: cursor >= 0
    post: is_conserved(_)
    post: _.start == cursor and _.cursor == cursor
    """
    return ReaderPosition(start=cursor, cursor=cursor, delivered=0, skipped=0)


def is_conserved(position: ReaderPosition) -> bool:
    """Return whether every event from the start to the cursor was delivered or skipped [RING-12].

    post: _ == (position.delivered + position.skipped == position.cursor - position.start)
    """
    return position.cursor - position.start == position.delivered + position.skipped


def delivered(position: ReaderPosition, count: int) -> ReaderPosition:
    """Return the position after `count` more events were returned [RING-7, RING-12].

    pre: is_conserved(position)
    pre: count >= 0
    post: is_conserved(_)
    post: _.cursor == position.cursor + count
    post: _.start == position.start and _.skipped == position.skipped
    """
    return position._replace(cursor=position.cursor + count, delivered=position.delivered + count)


def is_lapped(position: ReaderPosition, oldest: int) -> bool:
    """Return whether the reader's next event is no longer retained [RING-11].

    post: _ == (oldest > position.cursor)
    """
    return position.cursor < oldest


def caught_up(position: ReaderPosition, oldest: int) -> ReaderPosition:
    """Return the position of a reader that moves on to a later event and skips the rest [RING-11, RING-12, RING-43].

    pre: is_conserved(position)
    pre: is_lapped(position, oldest)
    post: is_conserved(_)
    post: _.cursor == oldest
    post: _.skipped > position.skipped
    post: _.start == position.start and _.delivered == position.delivered
    """
    return position._replace(cursor=oldest, skipped=position.skipped + oldest - position.cursor)
