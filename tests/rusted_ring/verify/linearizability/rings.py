"""The judge of the events that a ring delivers, by the clauses of rings [RING-1 to RING-49].

No order of all calls is searched for a ring: a reader may rightly see an announcement before it sees an earlier
publication. Instead, the result of each call must lie between what surely happened before it and what did not surely
happen after it, and the calls of each reader must add up.
"""

from collections.abc import Callable

from rusted_ring.reference.cursor import oldest_overwriting, oldest_unread
from rusted_ring.verify.clients.language import GATED
from rusted_ring.verify.clients.operations import OLDEST
from rusted_ring.verify.clients.statuses import Status
from rusted_ring.verify.linearizability.client_state import RingAdd, RingReader
from rusted_ring.verify.linearizability.subhistories import Subhistories


class RingJudge:
    """The clauses of rings, between what surely happened before a call and what did not surely happen after it."""

    def __init__(self, subhistories: Subhistories) -> None:
        self.subhistories = subhistories
        shape = subhistories.client.ring
        assert shape is not None
        self.shape = shape
        self.gated = shape.mode == GATED
        self.before = subhistories.predecessors
        self.after = [0] * len(self.before)
        for index, mask in enumerate(self.before):
            for other in range(len(self.before)):
                if mask >> other & 1:
                    self.after[other] |= 1 << index
        self.published: list[tuple[int, int]] = []  # a call, and how many events were published by its end
        self.claimed: list[tuple[int, int]] = []  # a call, and how many events were announced by its end
        self.events: list[tuple[int, int]] = []  # by sequence number: the event, and the call that added it

    def judge(self) -> None:
        """Note each problem."""
        self._publications()
        self._observations()
        for add in self.subhistories.adds:
            self._add(add)
        for kind, index, reader, results in self.subhistories.reads:
            method: Callable[[int, RingReader | None, tuple[int, ...]], None] = getattr(self, f"_{kind}")
            method(index, reader, results)

    def _problem(self, clause: str, message: str, index: int) -> None:
        self.subhistories._problem("ring", clause, message, index)

    # How many events were published at a call

    def _publications(self) -> None:
        total = 0
        for add in sorted(self.subhistories.adds, key=lambda add: (add.first, add.end)):
            if not add.events:
                continue
            if add.first != total:
                self._problem("RING-1", f"published from sequence {add.first} on, but {total} was the next", add.call)
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
        for kind, index, reader, results in self.subhistories.reads:
            if kind == "next" and results[0] == Status.OK:
                self.published.append((index, results[2]))
            elif kind == "next" and results[0] == Status.LAGGED:
                self.claimed.append((index, results[2] + capacity))
            elif kind == "skip" and results[1] > 0:
                self.published.append((index, results[2]))
            elif kind == "look":
                self.published.append((index, results[1]))
            elif kind == "wait" and reader is not None:
                self.published.append((index, reader.cursor_by(self.before[index]) + 1))
            elif kind == "waitat" and results[0] == Status.OK:
                self.published.append((index, results[1]))
            elif kind == "lag" and reader is not None:
                self.published.append((index, results[1] + reader.cursor_by(self.before[index])))

    def _published_by(self, index: int) -> int:
        """Return how many events were surely published when a call began."""
        return max((count for call, count in self.published if self.before[index] >> call & 1), default=0)

    def _claimed_by(self, index: int) -> int:
        """Return up to which sequence the writer had surely announced events when a call began."""
        found = max((count for call, count in self.claimed if self.before[index] >> call & 1), default=0)
        return max(found, self._published_by(index))

    def _published_at_most(self, index: int) -> int:
        """Return how many events may have been announced or published before a call returned."""
        after = self.after[index]
        return max((add.end for add in self.subhistories.adds if not after >> add.call & 1), default=0)

    def _taken_at_most(self, index: int) -> int:
        """Return up to which sequence a call may have found slots taken, those of a concurrent refused add included."""
        beside = ~self.after[index] & ~self.before[index]
        refused = [add.end - len(add.events) + add.offered for add in self.subhistories.adds if beside >> add.call & 1]
        return max([self._published_at_most(index), *refused])

    # Which readers were registered at a call

    def _surely(self, index: int) -> list[RingReader]:
        """Return the readers that were registered during all of a call."""
        return [
            reader
            for reader in self.subhistories.every_reader
            if self.before[index] >> reader.number & 1 and all(self.after[index] >> end & 1 for end in reader.ends)
        ]

    def _maybe(self, index: int) -> list[RingReader]:
        """Return the readers that may have been registered at some point of a call."""
        return [
            reader
            for reader in self.subhistories.every_reader
            if reader.number != index
            and not self.after[index] >> reader.number & 1
            and not any(self.before[index] >> end & 1 for end in reader.ends)
        ]

    def _awaits(self, index: int) -> tuple[bool, bool]:
        """Return whether awaited readers surely, and whether they maybe, had yet to join at a call [RING-45]."""
        readers, awaited = self.subhistories.every_reader, self.shape.awaited
        before = sum(self.before[index] >> reader.number & 1 for reader in readers)
        by_then = sum(reader.number != index and not self.after[index] >> reader.number & 1 for reader in readers)
        return by_then < awaited, before < awaited

    def _may_lack(self, index: int, sequence: int) -> bool:
        """Return whether all awaited readers may have joined and left or passed an event when a call returned."""
        passed = [
            reader
            for reader in self.subhistories.every_reader
            if reader.number != index
            and not self.after[index] >> reader.number & 1
            and (
                self._most_cursor(reader, index) > sequence
                or not all(self.after[index] >> end & 1 for end in reader.ends)
            )
        ]
        return len(passed) >= self.shape.awaited

    def _least_cursor(self, reader: RingReader, index: int) -> int:
        return reader.cursor_by(self.before[index])

    def _most_cursor(self, reader: RingReader, index: int) -> int:
        return reader.cursor_by(~self.after[index])

    def _oldest(self, index: int) -> tuple[int, int]:
        """Return the bounds of the oldest event retained during a call [RING-10, RING-17]."""
        surely_awaits, maybe_awaits = self._awaits(index)
        if surely_awaits:
            return 0, 0
        low, high = self._oldest_of_those_there(index)
        return 0 if maybe_awaits else low, high

    def _oldest_of_those_there(self, index: int) -> tuple[int, int]:
        """Return the bounds of `_oldest` once all awaited readers have joined."""
        capacity, least, most = self.shape.capacity, self._claimed_by(index), self._published_at_most(index)
        if not self.gated:
            return oldest_overwriting(least, capacity), oldest_overwriting(most, capacity)
        surely, maybe = self._surely(index), self._maybe(index)
        if surely:
            return (
                min(self._least_cursor(reader, index) for reader in maybe),
                min(self._most_cursor(reader, index) for reader in surely),
            )
        # Without a reader, the events that the last reader to leave had read are released: at least those that the last
        # reader to have surely left had read, at most those that any reader that may have left had read.
        gone = [
            reader
            for reader in self.subhistories.every_reader
            if reader.number != index
            and not self.after[index] >> reader.number & 1
            and not all(self.after[index] >> end & 1 for end in reader.ends)
        ]
        surely_gone = [reader for reader in gone if any(self.before[index] >> end & 1 for end in reader.ends)]
        cursors = [self._least_cursor(reader, index) for reader in maybe]
        # A reader that surely joined and has not surely left is still registered, or has raised the low-water mark.
        joined_before = any(self.before[index] >> reader.number & 1 for reader in maybe)
        low_water_mark = min(
            (
                self._least_cursor(reader, index)
                for reader in surely_gone
                if not any(self._went_before(reader, other) for other in surely_gone)
            ),
            default=min(cursors) if joined_before else 0,
        )
        ceiling = max((self._most_cursor(reader, index) for reader in gone), default=0)
        low = oldest_unread(least, capacity, min(low_water_mark, least))
        high = oldest_unread(self._taken_at_most(index), capacity, min(ceiling, most))
        return min([low, *cursors]), max([high, *(self._most_cursor(reader, index) for reader in maybe)])

    def _went_before(self, reader: RingReader, other: RingReader) -> bool:
        """Return whether a reader's registration surely ended before that of another one."""
        return all(any(self.before[later] >> end & 1 for end in reader.ends) for later in other.ends)

    # The calls

    def _add(self, add: RingAdd) -> None:
        capacity, index = self.shape.capacity, add.call
        if not self.gated:
            if len(add.events) != add.offered:
                self._problem("RING-10", f"added {len(add.events)} of {add.offered} events", index)
            return
        surely_awaits, maybe_awaits = self._awaits(index)
        if surely_awaits and add.end > capacity:
            self._problem("RING-45", f"added up to {add.end} before the awaited readers had joined", index)
        if len(add.events) < add.offered and not (maybe_awaits and add.end >= capacity):
            slow = [reader for reader in self._maybe(index) if self._least_cursor(reader, index) + capacity <= add.end]
            if not slow:
                self._problem("RING-14", f"was refused at {add.end}, but no reader was {capacity} events behind", index)
        if add.events:
            for reader in self._surely(index):
                cursor = self._most_cursor(reader, index)
                if cursor + capacity < add.end:
                    self._problem("RING-14", f"added up to {add.end} while a reader was at {cursor}", index)

    def _join(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        at = self.subhistories.operations[index].arguments[1]
        least, most = self._published_by(index), self._published_at_most(index)
        if at.isdigit():
            cursor = int(at)
            if reader is None and cursor <= least:
                self._problem("RING-18", f"was refused although {least} events were published", index)
            elif reader is not None and (cursor > most or reader.start != cursor):
                self._problem("RING-18", f"began at {reader.start} when at most {most} were published", index)
            return
        assert reader is not None
        low, high = self._oldest(index) if at == OLDEST else (least, most)
        if self.gated and at == OLDEST and results[1] > 0 and not self._may_lack(index, results[1] - 1):
            self._problem("RING-45", f"began at {results[1]}, to which the awaited readers had not yet read", index)
        if self.gated and at == OLDEST:
            # A concurrent add may already have taken slots, even if it is refused in the end.
            reached = [
                add.first + min(add.offered, self.shape.capacity)
                for add in self.subhistories.adds
                if not (self.before[index] | self.after[index]) >> add.call & 1
            ]
            high = max([high, *(end - self.shape.capacity for end in reached)])
        if not low <= results[1] <= high:
            self._problem("RING-16", f"began at {results[1]}, not from {low} to {high}", index)

    def _next(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        status, sequence, following, skipped, count, packed = results[:6]
        operation = self.subhistories.operations[index]
        limit = int(operation.arguments[1]) if operation.name in ("nextmany", "take", "peek") else 1
        least, most, capacity = self._published_by(index), self._published_at_most(index), self.shape.capacity
        cursor = reader.cursor
        if sequence != cursor:
            self._problem("RING-13", f"continued at {sequence}, but {cursor} was the next", index)
        if status == Status.END_OF_STREAM:
            self._end(index, reader, results)
            return
        if status == Status.EMPTY:
            self._not_ended(index)
            if cursor < least:
                self._problem("RING-7", f"found nothing at {cursor}, although {least} events were published", index)
            return
        reader.cursor = following
        if status == Status.LAGGED:
            reader.skipped += skipped
            if self.gated:
                self._problem("RING-15", f"lost {skipped} events", index)
            elif skipped < 1 or following != cursor + skipped:
                self._problem("RING-12", f"skipped {skipped} events from {cursor} to {following}", index)
            elif following + capacity > most:
                self._problem("RING-11", f"lost events up to {following}, but at most {most} were published", index)
            return
        if status != Status.OK:
            self._problem("ERR-1", f"answered with status {status}, which it never does", index)
            return
        reader.delivered += count
        events = [packed >> 8 * at & 0xFF for at in range(count)]
        if not 1 <= count <= limit or following != cursor + count:
            self._problem("RING-26", f"delivered {count} events of at most {limit} from {cursor} to {following}", index)
        if following > most or following > len(self.events):
            self._problem("RING-5", f"delivered events up to {following}, but at most {most} were published", index)
            return
        wanted = [event for event, _ in self.events[cursor:following]]
        if events != wanted:
            clause = "RING-15" if self.gated else "RING-13"
            self._problem(clause, f"delivered the events {events} from {cursor} on, not {wanted}", index)
        if not self.gated and cursor + capacity < self._claimed_by(index):
            self._problem("RING-11", f"delivered event {cursor}, which was overwritten", index)
        if count < limit and following < least and (self.gated or most <= following + capacity):
            self._problem("RING-26", f"stopped at {following} of {least} events", index)

    def _skip(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        skipped, following = results[1:3]
        least, most = self._published_by(index), self._published_at_most(index)
        if following != reader.cursor + skipped:
            self._problem("RING-12", f"skipped {skipped} events from {reader.cursor} to {following}", index)
        elif not max(reader.cursor, least) <= following <= max(reader.cursor, most):
            self._problem("RING-43", f"skipped up to {following} of {least} to {most} events", index)
        reader.cursor = following
        reader.skipped += skipped

    def _end(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        del results
        self._ended_at(index, reader.cursor_by(self.before[index]))

    def _ended_at(self, index: int, cursor: int) -> None:
        """Note a problem if a call reported the end of the stream at a cursor too early."""
        if all(self.after[index] >> end & 1 for end in self.subhistories.stream_ends):
            self._problem("RING-39", "reported the end of a stream that had not ended", index)
        elif cursor < len(self.events):
            self._problem("RING-39", f"reported the end at {cursor} of {len(self.events)} events", index)

    def _not_ended(self, index: int) -> None:
        """Note a problem if a call found no event although the stream had surely ended."""
        if any(self.before[index] >> end & 1 for end in self.subhistories.stream_ends):
            self._problem("RING-39", "found nothing after the end of the stream, and did not report the end", index)

    def _wait(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        del results
        most = self._published_at_most(index)
        if most <= reader.cursor:
            self._problem("RING-31", f"returned at {reader.cursor}, but at most {most} events were published", index)

    def _timeout(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        del results
        least, cursor = self._published_by(index), reader.cursor_by(self.before[index])
        self._not_ended(index)
        if least > cursor:
            self._problem("RING-31", f"timed out at {cursor} although {least} events were published", index)

    def _waitat(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        status, wanted = results
        most = self._published_at_most(index)
        if status == Status.END_OF_STREAM:
            self._ended_at(index, wanted - 1)
        if status == Status.OK and most < wanted:
            self._problem("RING-31", f"returned for event {wanted}, but at most {most} were published", index)
        ended = any(self.before[index] >> end & 1 for end in reader.ends)
        may_have_ended = not all(self.after[index] >> end & 1 for end in reader.ends)
        if ended if status != Status.RING_CLOSED else not may_have_ended:
            self._problem("RING-32", "was refused without need, or not refused after the reader's end", index)

    def _room(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        del reader
        status, writer = results
        capacity, end = self.shape.capacity, self.subhistories.ends_of_writers.get(writer)
        if status == Status.RING_CLOSED:
            if end is None or self.after[index] >> end & 1:
                self._problem("RING-48", "was refused before the writer's end", index)
            return
        if end is not None and self.before[index] >> end & 1:
            self._problem("RING-48", "was not refused after the writer's end", index)
        if status == Status.OK:
            least = self._published_by(index)
            holding = [reader for reader in self._surely(index) if self._most_cursor(reader, index) + capacity <= least]
            awaits = self._awaits(index)[0] and least >= capacity
            if self.gated and (holding or awaits):
                self._problem("RING-46", f"returned at {least} while a reader was {capacity} events behind", index)
        else:
            most = self._published_at_most(index)
            slow = [reader for reader in self._maybe(index) if self._least_cursor(reader, index) + capacity <= most]
            if not slow and not (self._awaits(index)[1] and most >= capacity):
                self._problem("RING-46", f"timed out at {most}, but no reader was {capacity} events behind", index)

    def _lag(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        published = results[1] + reader.cursor_by(self.before[index])
        least, most = self._published_by(index), self._published_at_most(index)
        if not least <= published <= most:
            self._problem("RING-22", f"is {results[1]} behind, at {published}, not from {least} to {most}", index)
        if results[2] > self.shape.capacity or results[2] > max(results[1], most):
            self._problem("RING-23", f"has a backlog of {results[2]} of {results[1]}", index)

    def _look(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        del reader
        published, retained, readers = results[1:4]
        least, most = self._published_by(index), self._published_at_most(index)
        if not least <= published <= most:
            self._problem("RING-1", f"saw {published} events published, not from {least} to {most}", index)
        low, high = self._oldest(index)
        if not max(0, least - high) <= retained <= min(self.shape.capacity, max(0, most - low)):
            self._problem(
                "RING-30", f"saw {retained} events retained of {published}, the oldest {low} to {high}", index
            )
        fewest, most_readers = (len(self._surely(index)), len(self._maybe(index))) if self.gated else (0, 0)
        if not fewest <= readers <= most_readers:
            self._problem("RING-21", f"saw {readers} readers, not from {fewest} to {most_readers}", index)

    def _tally(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        assert reader is not None
        wanted = (reader.start, reader.cursor, reader.delivered, reader.skipped)
        if results[1:5] != wanted or wanted[2] + wanted[3] != wanted[1] - wanted[0]:
            self._problem("RING-12", f"has start, cursor, delivered and skipped {results[1:5]}, not {wanted}", index)

    def _destroyed(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        del reader, results
        for made, ended in self.subhistories.handles:
            if self.after[index] >> made & 1:
                continue
            if all(self.after[index] >> end & 1 for end in ended):
                self._problem(
                    "ERR-1", f"destroyed the ring while what {self.subhistories.name(made)} made used it", index
                )

    def _busy(self, index: int, reader: RingReader | None, results: tuple[int, ...]) -> None:
        del reader, results
        if all(
            self.after[index] >> made & 1 or any(self.before[index] >> end & 1 for end in ended)
            for made, ended in self.subhistories.handles
        ):
            self._problem("ERR-1", "was refused although no writer and no reader used the ring", index)
