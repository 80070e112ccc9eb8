"""What a ring passes on, judged by the clauses of rings [RING-1 to RING-49].

Rings are not judged by an order of all calls: a reader may know of an announcement before it knows of the publication
that came before it, and that is as it should be. What is asked of each call is that it lies between what surely was
before it and what was not surely after it, and of each reader that its calls add up.
"""

from collections.abc import Callable

from rusted_ring.reference.cursor import oldest_overwriting, oldest_unread
from rusted_ring.verify.clients.language import GATED
from rusted_ring.verify.clients.operations import OLDEST
from rusted_ring.verify.clients.statuses import Status
from rusted_ring.verify.linearizability.client_state import RingAdd, RingReader
from rusted_ring.verify.linearizability.subhistories import Subhistories


class RingJudge:
    """The clauses of rings, between what surely was before a call and what was not surely after it."""

    def __init__(self, subhistories: Subhistories) -> None:
        self.subhistories = subhistories
        shape = subhistories.client.ring
        assert shape is not None
        self.shape = shape
        self.gated = shape.mode == GATED
        self.before = subhistories.predecessors
        self.after = [0] * len(self.before)
        for place, mask in enumerate(self.before):
            for other in range(len(self.before)):
                if mask >> other & 1:
                    self.after[other] |= 1 << place
        self.published: list[tuple[int, int]] = []  # calls that knew that so many events were published
        self.claimed: list[tuple[int, int]] = []  # likewise, that so many were announced
        self.events: list[tuple[int, int]] = []  # of each sequence number: the event, and the call that added it

    def judge(self) -> None:
        """Note what is wrong."""
        self._publications()
        self._observations()
        for add in self.subhistories.adds:
            self._add(add)
        for kind, place, reader, results in self.subhistories.reads:
            method: Callable[[int, RingReader | None, tuple[int, ...]], None] = getattr(self, f"_{kind}")
            method(place, reader, results)

    def _problem(self, clause: str, message: str, place: int) -> None:
        self.subhistories._problem("ring", clause, message, place)

    # What was published when

    def _publications(self) -> None:
        total = 0
        for add in sorted(self.subhistories.adds, key=lambda add: (add.first, add.end)):
            if not add.events:
                continue
            if add.first != total:
                self._problem("RING-1", f"published from sequence {add.first} on, where {total} was the next", add.call)
                return
            total = add.end
            self.events += [(event, add.call) for event in add.events]
        for add in self.subhistories.adds:
            earlier = [other.end for other in self.subhistories.adds if self.before[add.call] >> other.call & 1]
            if add.first < max(earlier, default=0):
                self._problem("RING-1", f"published from {add.first} on after an add up to {max(earlier)}", add.call)

    def _observations(self) -> None:
        capacity = self.shape.capacity
        self.published = [(add.call, add.end) for add in self.subhistories.adds]
        for kind, place, reader, results in self.subhistories.reads:
            if kind == "next" and results[0] == Status.OK:
                self.published.append((place, results[2]))
            elif kind == "next" and results[0] == Status.LAGGED:
                self.claimed.append((place, results[2] + capacity))
            elif kind == "skip" and results[1] > 0:
                self.published.append((place, results[2]))
            elif kind == "look":
                self.published.append((place, results[1]))
            elif kind == "wait" and reader is not None:
                self.published.append((place, reader.cursor_by(self.before[place]) + 1))
            elif kind == "waitat" and results[0] == Status.OK:
                self.published.append((place, results[1]))
            elif kind == "lag" and reader is not None:
                self.published.append((place, results[1] + reader.cursor_by(self.before[place])))

    def _published_by(self, place: int) -> int:
        """Return how many events surely were published when a call began."""
        return max((count for call, count in self.published if self.before[place] >> call & 1), default=0)

    def _claimed_by(self, place: int) -> int:
        """Return up to where the writer surely had announced when a call began."""
        found = max((count for call, count in self.claimed if self.before[place] >> call & 1), default=0)
        return max(found, self._published_by(place))

    def _published_at_most(self, place: int) -> int:
        """Return how many events may have been announced or published before a call was over."""
        after = self.after[place]
        return max((add.end for add in self.subhistories.adds if not after >> add.call & 1), default=0)

    def _taken_at_most(self, place: int) -> int:
        """Return up to where a call may have found slots taken; what an add in progress gives up again is included."""
        beside = ~self.after[place] & ~self.before[place]
        refused = [add.end - len(add.events) + add.offered for add in self.subhistories.adds if beside >> add.call & 1]
        return max([self._published_at_most(place), *refused])

    # Who was registered when

    def _surely(self, place: int) -> list[RingReader]:
        """Return the readers that were in their places during all of a call."""
        return [
            reader
            for reader in self.subhistories.every_reader
            if self.before[place] >> reader.number & 1 and all(self.after[place] >> end & 1 for end in reader.ends)
        ]

    def _maybe(self, place: int) -> list[RingReader]:
        """Return the readers that may have been in their places at a point of a call."""
        return [
            reader
            for reader in self.subhistories.every_reader
            if reader.number != place
            and not self.after[place] >> reader.number & 1
            and not any(self.before[place] >> end & 1 for end in reader.ends)
        ]

    def _awaits(self, place: int) -> tuple[bool, bool]:
        """Return whether readers surely, and whether they maybe, had yet to join at a point of a call [RING-45]."""
        readers, awaited = self.subhistories.every_reader, self.shape.awaited
        before = sum(self.before[place] >> reader.number & 1 for reader in readers)
        by_then = sum(reader.number != place and not self.after[place] >> reader.number & 1 for reader in readers)
        return by_then < awaited, before < awaited

    def _may_lack(self, place: int, sequence: int) -> bool:
        """Return whether all that had to join may have done so, and be gone or past an event, when a call is over."""
        passed = [
            reader
            for reader in self.subhistories.every_reader
            if reader.number != place
            and not self.after[place] >> reader.number & 1
            and (
                self._most_cursor(reader, place) > sequence
                or not all(self.after[place] >> end & 1 for end in reader.ends)
            )
        ]
        return len(passed) >= self.shape.awaited

    def _least_cursor(self, reader: RingReader, place: int) -> int:
        return reader.cursor_by(self.before[place])

    def _most_cursor(self, reader: RingReader, place: int) -> int:
        return reader.cursor_by(~self.after[place])

    def _oldest(self, place: int) -> tuple[int, int]:
        """Return between which bounds the oldest event retained was during a call [RING-10, RING-17]."""
        surely_awaits, maybe_awaits = self._awaits(place)
        if surely_awaits:
            return 0, 0
        low, high = self._oldest_of_those_there(place)
        return 0 if maybe_awaits else low, high

    def _oldest_of_those_there(self, place: int) -> tuple[int, int]:
        """Return the bounds of `_oldest` once nobody has yet to join."""
        capacity, least, most = self.shape.capacity, self._claimed_by(place), self._published_at_most(place)
        if not self.gated:
            return oldest_overwriting(least, capacity), oldest_overwriting(most, capacity)
        surely, maybe = self._surely(place), self._maybe(place)
        if surely:
            return (
                min(self._least_cursor(reader, place) for reader in maybe),
                min(self._most_cursor(reader, place) for reader in surely),
            )
        # With no reader left, what the last one to go had read is gone: at the least what the last of those who surely
        # went had read, at the most what any who may have gone had.
        gone = [
            reader
            for reader in self.subhistories.every_reader
            if reader.number != place
            and not self.after[place] >> reader.number & 1
            and not all(self.after[place] >> end & 1 for end in reader.ends)
        ]
        surely_gone = [reader for reader in gone if any(self.before[place] >> end & 1 for end in reader.ends)]
        cursors = [self._least_cursor(reader, place) for reader in maybe]
        # Who surely joined before, and is not surely gone, is there still or has noted how far all had read.
        joined_before = any(self.before[place] >> reader.number & 1 for reader in maybe)
        floor = min(
            (
                self._least_cursor(reader, place)
                for reader in surely_gone
                if not any(self._went_before(reader, other) for other in surely_gone)
            ),
            default=min(cursors) if joined_before else 0,
        )
        ceiling = max((self._most_cursor(reader, place) for reader in gone), default=0)
        low = oldest_unread(least, capacity, min(floor, least))
        high = oldest_unread(self._taken_at_most(place), capacity, min(ceiling, most))
        return min([low, *cursors]), max([high, *(self._most_cursor(reader, place) for reader in maybe)])

    def _went_before(self, reader: RingReader, other: RingReader) -> bool:
        """Return whether a reader surely was out before another one was taken out."""
        return all(any(self.before[later] >> end & 1 for end in reader.ends) for later in other.ends)

    # The calls

    def _add(self, add: RingAdd) -> None:
        capacity, place = self.shape.capacity, add.call
        if not self.gated:
            if len(add.events) != add.offered:
                self._problem("RING-10", f"added {len(add.events)} of {add.offered} events", place)
            return
        surely_awaits, maybe_awaits = self._awaits(place)
        if surely_awaits and add.end > capacity:
            self._problem("RING-45", f"added up to {add.end} before the readers that are awaited had joined", place)
        if len(add.events) < add.offered and not (maybe_awaits and add.end >= capacity):
            slow = [reader for reader in self._maybe(place) if self._least_cursor(reader, place) + capacity <= add.end]
            if not slow:
                self._problem("RING-14", f"was refused at {add.end}, and no reader was {capacity} events behind", place)
        if add.events:
            for reader in self._surely(place):
                cursor = self._most_cursor(reader, place)
                if cursor + capacity < add.end:
                    self._problem("RING-14", f"added up to {add.end} over a reader that was at {cursor}", place)

    def _join(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        at = self.subhistories.operations[place].arguments[1]
        least, most = self._published_by(place), self._published_at_most(place)
        if at.isdigit():
            cursor = int(at)
            if reader is None and cursor <= least:
                self._problem("RING-18", f"was refused where {least} events were published", place)
            elif reader is not None and (cursor > most or reader.start != cursor):
                self._problem("RING-18", f"began at {reader.start} where at most {most} were published", place)
            return
        assert reader is not None
        low, high = self._oldest(place) if at == OLDEST else (least, most)
        if self.gated and at == OLDEST and results[1] > 0 and not self._may_lack(place, results[1] - 1):
            self._problem("RING-45", f"began at {results[1]}, before all that are awaited had read so far", place)
        if self.gated and at == OLDEST:
            # An add that is under way may have taken its slots already, though it turns out to be refused.
            reached = [
                add.first + min(add.offered, self.shape.capacity)
                for add in self.subhistories.adds
                if not (self.before[place] | self.after[place]) >> add.call & 1
            ]
            high = max([high, *(end - self.shape.capacity for end in reached)])
        if not low <= results[1] <= high:
            self._problem("RING-16", f"began at {results[1]}, not from {low} to {high}", place)

    def _next(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        status, sequence, following, skipped, count, packed = results[:6]
        operation = self.subhistories.operations[place]
        limit = int(operation.arguments[1]) if operation.name in ("nextmany", "take") else 1
        least, most, capacity = self._published_by(place), self._published_at_most(place), self.shape.capacity
        cursor = reader.cursor
        if sequence != cursor:
            self._problem("RING-13", f"went on at {sequence}, where {cursor} was to come", place)
        if status == Status.END_OF_STREAM:
            self._end(place, reader, results)
            return
        if status == Status.EMPTY:
            self._not_ended(place)
            if cursor < least:
                self._problem("RING-7", f"found nothing at {cursor}, where {least} events were published", place)
            return
        reader.cursor = following
        if status == Status.LAGGED:
            reader.skipped += skipped
            if self.gated:
                self._problem("RING-15", f"lost {skipped} events", place)
            elif skipped < 1 or following != cursor + skipped:
                self._problem("RING-12", f"skipped {skipped} events from {cursor} to {following}", place)
            elif following + capacity > most:
                self._problem("RING-11", f"lost events up to {following}, and {most} were published at most", place)
            return
        if status != Status.OK:
            self._problem("ERR-1", f"answered with status {status}, which it never does", place)
            return
        reader.delivered += count
        events = [packed >> 8 * at & 0xFF for at in range(count)]
        if not 1 <= count <= limit or following != cursor + count:
            self._problem("RING-26", f"delivered {count} events of at most {limit} from {cursor} to {following}", place)
        if following > most or following > len(self.events):
            self._problem("RING-5", f"delivered events up to {following}, and {most} were published at most", place)
            return
        wanted = [event for event, _ in self.events[cursor:following]]
        if events != wanted:
            clause = "RING-15" if self.gated else "RING-13"
            self._problem(clause, f"delivered the events {events} from {cursor} on, not {wanted}", place)
        if not self.gated and cursor + capacity < self._claimed_by(place):
            self._problem("RING-11", f"delivered event {cursor}, which was overwritten", place)
        if count < limit and following < least and (self.gated or most <= following + capacity):
            self._problem("RING-26", f"stopped at {following} of {least} events", place)

    def _skip(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        skipped, following = results[1:3]
        least, most = self._published_by(place), self._published_at_most(place)
        if following != reader.cursor + skipped:
            self._problem("RING-12", f"skipped {skipped} events from {reader.cursor} to {following}", place)
        elif not max(reader.cursor, least) <= following <= max(reader.cursor, most):
            self._problem("RING-43", f"skipped up to {following} of {least} to {most} events", place)
        reader.cursor = following
        reader.skipped += skipped

    def _end(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        del results
        self._ended_at(place, reader.cursor_by(self.before[place]))

    def _ended_at(self, place: int, cursor: int) -> None:
        """Note where a call was told that no event will come after so many."""
        if all(self.after[place] >> end & 1 for end in self.subhistories.stream_ends):
            self._problem("RING-39", "was told of the end of a stream that had not ended", place)
        elif cursor < len(self.events):
            self._problem("RING-39", f"was told of the end at {cursor} of {len(self.events)} events", place)

    def _not_ended(self, place: int) -> None:
        """Note where a call was told that there is nothing now, and the stream surely had ended."""
        if any(self.before[place] >> end & 1 for end in self.subhistories.stream_ends):
            self._problem("RING-39", "found nothing after the end of the stream, and was not told of it", place)

    def _wait(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        del results
        most = self._published_at_most(place)
        if most <= reader.cursor:
            self._problem("RING-31", f"came back at {reader.cursor}, and {most} events were published at most", place)

    def _timeout(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        del results
        least, cursor = self._published_by(place), reader.cursor_by(self.before[place])
        self._not_ended(place)
        if least > cursor:
            self._problem("RING-31", f"gave up at {cursor} while {least} events were published", place)

    def _waitat(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        status, wanted = results
        most = self._published_at_most(place)
        if status == Status.END_OF_STREAM:
            self._ended_at(place, wanted - 1)
        if status == Status.OK and most < wanted:
            self._problem("RING-31", f"came back for event {wanted}, and {most} were published at most", place)
        ended = any(self.before[place] >> end & 1 for end in reader.ends)
        may_have_ended = not all(self.after[place] >> end & 1 for end in reader.ends)
        if ended if status != Status.RING_CLOSED else not may_have_ended:
            self._problem("RING-32", "was refused without need, or not refused after the reader's end", place)

    def _room(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        del reader
        status, writer = results
        capacity, end = self.shape.capacity, self.subhistories.ends_of_writers.get(writer)
        if status == Status.RING_CLOSED:
            if end is None or self.after[place] >> end & 1:
                self._problem("RING-48", "was refused before the writer's end", place)
            return
        if end is not None and self.before[place] >> end & 1:
            self._problem("RING-48", "was not refused after the writer's end", place)
        if status == Status.OK:
            least = self._published_by(place)
            holding = [reader for reader in self._surely(place) if self._most_cursor(reader, place) + capacity <= least]
            awaits = self._awaits(place)[0] and least >= capacity
            if self.gated and (holding or awaits):
                self._problem("RING-46", f"came back at {least} while a reader was {capacity} events behind", place)
        else:
            most = self._published_at_most(place)
            slow = [reader for reader in self._maybe(place) if self._least_cursor(reader, place) + capacity <= most]
            if not slow and not (self._awaits(place)[1] and most >= capacity):
                self._problem("RING-46", f"gave up at {most}, and no reader was {capacity} events behind", place)

    def _lag(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        published = results[1] + reader.cursor_by(self.before[place])
        least, most = self._published_by(place), self._published_at_most(place)
        if not least <= published <= most:
            self._problem("RING-22", f"is {results[1]} behind, at {published}, not from {least} to {most}", place)
        if results[2] > self.shape.capacity or results[2] > max(results[1], most):
            self._problem("RING-23", f"has a backlog of {results[2]} of {results[1]}", place)

    def _look(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        del reader
        published, retained, readers = results[1:4]
        least, most = self._published_by(place), self._published_at_most(place)
        if not least <= published <= most:
            self._problem("RING-1", f"saw {published} events published, not from {least} to {most}", place)
        low, high = self._oldest(place)
        if not max(0, least - high) <= retained <= min(self.shape.capacity, max(0, most - low)):
            self._problem(
                "RING-30", f"saw {retained} events retained of {published}, the oldest {low} to {high}", place
            )
        fewest, most_readers = (len(self._surely(place)), len(self._maybe(place))) if self.gated else (0, 0)
        if not fewest <= readers <= most_readers:
            self._problem("RING-21", f"saw {readers} readers, not from {fewest} to {most_readers}", place)

    def _tally(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        wanted = (reader.start, reader.cursor, reader.delivered, reader.skipped)
        if results[1:5] != wanted or wanted[2] + wanted[3] != wanted[1] - wanted[0]:
            self._problem("RING-12", f"has start, cursor, delivered and skipped {results[1:5]}, not {wanted}", place)

    def _destroyed(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        del reader, results
        for made, ended in self.subhistories.handles:
            if self.after[place] >> made & 1:
                continue
            if all(self.after[place] >> end & 1 for end in ended):
                self._problem("ERR-1", f"ended under what {self.subhistories.name(made)} made", place)

    def _busy(self, place: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        del reader, results
        if all(
            self.after[place] >> made & 1 or any(self.before[place] >> end & 1 for end in ended)
            for made, ended in self.subhistories.handles
        ):
            self._problem("ERR-1", "was refused while nobody used the ring", place)
