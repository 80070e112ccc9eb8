"""Calls on a ring as candidate linearization points of its places, and as what they added and read [RING-1]."""

from rusted_ring.verify.clients.language import (
    GATED,
)
from rusted_ring.verify.clients.operations import Operation
from rusted_ring.verify.clients.statuses import Status
from rusted_ring.verify.linearizability.client_state import ClientState, RingAdd, RingReader


class RingCalls(ClientState):
    """What each call on a ring, its writers and its readers says of each place."""

    def _at_place(self, reader: RingReader, call: int, kind: str, *told: int) -> None:
        """Note what a call did at a reader's place, or learnt of it.

        A look that finds a reader in its place is a step of this place alone: two threads that evict each other's
        readers may then each find its own in place, since neither look synchronizes with the other's eviction. All else
        is a step of the places together, which also say whether one more reader has room [RING-20, ORDER-8].
        """
        step = (kind, reader.number, *told)
        self._lane(("reader", reader.number), call, step)
        if kind != "look" and told != (0,):
            self._lane(("readers",), call, step)

    def _moved(self, reader: RingReader, call: int, status: int) -> None:
        """Note that a call moved a reader on, which a compare-exchange of its place did, or what it learnt."""
        if status == Status.OK:
            self._at_place(reader, call, "use")
        else:
            self._seen(reader, call, status)

    def _seen(self, reader: RingReader, call: int, status: int) -> None:
        """Note what a call that reads nothing learnt of a reader's place."""
        self._at_place(reader, call, "closed" if status == Status.RING_CLOSED else "look")

    def _do_open(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        words = {Status.OK: "open", Status.WRITER_TAKEN: "taken", Status.END_OF_STREAM: "ended"}
        if results[0] not in words:
            self._problem("writer's place", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        self._lane(("writer",), place, (words[Status(results[0])],))
        if results[0] == Status.OK:
            variable = self._variable(place, operation.arguments[0])
            self.writers.add(variable)
            self.handle_of[variable] = len(self.handles)
            self.handles.append((place, []))

    def _do_close(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        refused = operation.name == "end" and variable in self.shut
        if results[0] != (Status.RING_CLOSED if refused else Status.OK):
            self._problem("writer's place", "ERR-1", f"answered with status {results[0]}, which it never does", place)
        self._end_of_writer(place, variable, operation.name)
        self.shut.discard(variable)
        self.writers.discard(variable)
        self.watched.discard(variable)
        self.handles[self.handle_of[variable]][1].append(place)

    _do_end = _do_close

    def _do_shut(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of_writer(place, self._variable(place, operation.arguments[0]), "close")

    def _end_of_writer(self, place: int, variable: tuple[int, str], step: str) -> None:
        if variable not in self.shut:
            self.shut.add(variable)
            self.ends_of_writers[self.handle_of[variable]] = place
            self._lane(("writer",), place, (step,))
            if step == "end":
                self.stream_ends.append(place)

    def _refused_writer(self, place: int, operation: Operation, status: int) -> bool:
        """Return whether a call on a thread's own writer was refused, with a problem if it was not as it should be."""
        refused = status == Status.RING_CLOSED
        if refused != (self._variable(place, operation.arguments[0]) in self.shut):
            self._problem("ring", "RING-27", "was refused without need, or not refused after the writer's end", place)
        return refused

    def _do_add(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        many = operation.name == "addmany"
        offered = int(operation.arguments[1]) if many else 1
        first_event = int(operation.arguments[-1])
        if self._refused_writer(place, operation, results[0]):
            return
        if results[0] not in (Status.OK, Status.FULL) or (many and results[0] != Status.OK):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        accepted = results[1] if many else int(results[0] == Status.OK)
        end = results[-1]
        if accepted > offered or accepted > end:
            self._problem("ring", "RING-1", f"added {accepted} of {offered} events up to {end}", place)
            return
        events = tuple(range(first_event, first_event + accepted))
        self.adds.append(RingAdd(place, end - accepted, end, offered, events))

    _do_addmany = _do_add

    def _do_join(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        if results[0] == Status.OK:
            reader = RingReader(place, results[1], results[1])
            variable = self._variable(place, operation.arguments[0])
            self.readers[variable] = reader
            self.every_reader.append(reader)
            self.handle_of[variable] = len(self.handles)
            self.handles.append((place, []))
            if gated:
                self._at_place(reader, place, "join")
            self.reads.append(("join", place, reader, results))
        elif results[0] == Status.READERS_FULL and gated:
            self._lane(("readers",), place, ("no place",))
        elif results[0] == Status.BAD_ARGUMENT and operation.arguments[1].isdigit():
            self.reads.append(("join", place, None, results))
        else:
            self._problem("readers' places", "ERR-1", f"answered with status {results[0]}, which it never does", place)

    def _do_next(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        out = results[0] == Status.RING_CLOSED
        if gated:
            self._moved(reader, place, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", place)
        if not out:
            self.reads.append(("next", place, reader, results))
            if results[0] in (Status.OK, Status.LAGGED):
                reader.steps.append((place, results[2]))

    _do_nextmany = _do_next
    _do_take = _do_next

    def _do_skip(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        out = results[0] == Status.RING_CLOSED
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._moved(reader, place, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", place)
        if results[0] == Status.OK:
            self.reads.append(("skip", place, reader, results))
            reader.steps.append((place, results[2]))
        elif not out:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)

    def _do_watch(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        reader = self.readers[variable]
        out = results[0] == Status.RING_CLOSED
        if operation.name == "watch":
            (self.watched.discard if out else self.watched.add)(variable)
        ended = operation.name != "watch" and results[0] == Status.END_OF_STREAM
        if results[0] not in (Status.OK, Status.RING_CLOSED) and not ended:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
        elif self.client.ring is not None and self.client.ring.mode == GATED:
            self._seen(reader, place, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", place)

    def _do_wait(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        self._do_watch(place, operation, results)
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if results[0] == Status.OK:
            self.reads.append(("wait", place, reader, results))
        elif results[0] == Status.END_OF_STREAM:
            self.reads.append(("end", place, reader, results))

    def _do_timedwait(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        if results[0] != Status.EMPTY:
            self._do_wait(place, operation, results)
            return
        self._do_watch(place, operation, (Status.OK,))
        reader = self.readers[self._variable(place, operation.arguments[0])]
        self.reads.append(("timeout", place, reader, results))

    def _do_waitat(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if results[0] not in (Status.OK, Status.RING_CLOSED, Status.END_OF_STREAM):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._seen(reader, place, results[0])
        self.reads.append(("waitat", place, reader, (results[0], int(operation.arguments[1]))))

    def _do_poll(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        """It comes back or it does not, and may come back for nothing."""

    _do_pollroom = _do_poll

    def _do_room(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        usual = (Status.OK, Status.RING_CLOSED, *((Status.FULL,) if operation.name == "timedroom" else ()))
        if results[0] not in usual:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        writer = self.handle_of[self._variable(place, operation.arguments[0])]
        self.reads.append(("room", place, None, (results[0], writer)))

    _do_timedroom = _do_room

    def _do_watchroom(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        refused = self._refused_writer(place, operation, results[0])
        (self.watched.discard if refused else self.watched.add)(variable)
        if results[0] not in (Status.OK, Status.RING_CLOSED):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)

    def _end_of(self, place: int, operation: Operation, kind: str) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        reader.ends.append(place)
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_place(reader, place, kind)

    def _do_leave(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of(place, operation, "leave")
        self.readers[self._variable(place, operation.arguments[0])].left = True

    def _do_free(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of(place, operation, "leave")
        variable = self._variable(place, operation.arguments[0])
        self.handles[self.handle_of[variable]][1].append(place)
        del self.readers[variable]
        self.watched.discard(variable)

    def _do_evict(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        if (results[0] == Status.OK) != gated:
            self._problem("readers' places", "RING-20", f"answered with status {results[0]}", place)
        elif gated:
            self._end_of(place, operation, "evict")

    def _do_evicted(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_place(reader, place, operation.name, results[1])

    _do_left = _do_evicted

    def _do_lag(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if results[0] == Status.OK:
            self.reads.append(("lag", place, reader, results))
        elif self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_place(reader, place, "closed")

    def _do_tally(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        self.reads.append(("tally", place, reader, results))

    def _do_look(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self.reads.append(("look", place, None, results))

    def _do_destroyring(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        if results[0] == Status.OK:
            self.destroyed["ring"] = self.history.calls[place].thread
        self.reads.append(("destroyed" if results[0] == Status.OK else "busy", place, None, results))
