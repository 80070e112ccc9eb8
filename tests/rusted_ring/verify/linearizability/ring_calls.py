"""Calls on a ring as candidate linearization points of its registrations, and what they added and read [RING-1]."""

from rusted_ring.verify.clients.language import (
    GATED,
)
from rusted_ring.verify.clients.operations import Operation
from rusted_ring.verify.clients.statuses import Status
from rusted_ring.verify.linearizability.client_state import ClientState, RingAdd, RingReader


class RingCalls(ClientState):
    """The candidate linearization points, adds and reads of each call on a ring, its writers and its readers."""

    def _at_registration(self, reader: RingReader, call: int, kind: str, *told: int) -> None:
        """Note what a call did to a reader registration, or what its result says of it.

        A look that finds a reader registered is a step of this one registration: if two threads evict each other's
        readers, each may still find its own reader registered, since neither look synchronizes with the other's
        eviction. Every other step is one of all registrations together, which also decide whether one more reader can
        join [RING-20, ORDER-8].
        """
        step = (kind, reader.number, *told)
        self._add_points(("reader", reader.number), call, step)
        if kind != "look" and told != (0,):
            self._add_points(("readers",), call, step)

    def _moved(self, reader: RingReader, call: int, status: int) -> None:
        """Note a call that moves a reader by a compare-exchange of its registration, or that failed to."""
        if status == Status.OK:
            self._at_registration(reader, call, "use")
        else:
            self._seen(reader, call, status)

    def _seen(self, reader: RingReader, call: int, status: int) -> None:
        """Note what the result of a call that reads nothing says of a reader registration."""
        self._at_registration(reader, call, "closed" if status == Status.RING_CLOSED else "look")

    def _do_open(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        words = {Status.OK: "open", Status.WRITER_TAKEN: "taken", Status.END_OF_STREAM: "ended"}
        if results[0] not in words:
            self._problem(
                "writer registration", "ERR-1", f"answered with status {results[0]}, which it never does", index
            )
            return
        self._add_points(("writer",), index, (words[Status(results[0])],))
        if results[0] == Status.OK:
            variable = self._variable(index, operation.arguments[0])
            self.writers.add(variable)
            self.handle_of[variable] = len(self.handles)
            self.handles.append((index, []))

    def _do_close(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(index, operation.arguments[0])
        again = operation.name == "end" and variable in self.shut
        if results[0] not in ((Status.OK, Status.RING_CLOSED) if again else (Status.OK,)):
            self._problem(
                "writer registration", "ERR-1", f"answered with status {results[0]}, which it never does", index
            )
        if again:  # of a closed writer: refused unless the stream has ended
            self._add_points(("writer",), index, ("ends again", int(results[0] == Status.OK)))
        self._end_of_writer(index, variable, operation.name)
        self.shut.discard(variable)
        self.writers.discard(variable)
        self.watched.discard(variable)
        self.handles[self.handle_of[variable]][1].append(index)

    _do_end = _do_close

    def _do_shut(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of_writer(index, self._variable(index, operation.arguments[0]), "close")

    def _end_of_writer(self, index: int, variable: tuple[int, str], step: str) -> None:
        if variable not in self.shut:
            self.shut.add(variable)
            self.ends_of_writers[self.handle_of[variable]] = index
            self._add_points(("writer",), index, (step,))
            if step == "end":
                self.stream_ends.append(index)

    def _refused_writer(self, index: int, operation: Operation, status: int) -> bool:
        """Return whether a call on a thread's own writer was refused, with a problem if it was not as it should be."""
        refused = status == Status.RING_CLOSED
        if refused != (self._variable(index, operation.arguments[0]) in self.shut):
            self._problem("ring", "RING-27", "was refused without need, or not refused after the writer's end", index)
        return refused

    def _do_add(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        many = operation.name in ("addmany", "put")
        offered = int(operation.arguments[1]) if many else 1
        first_event = int(operation.arguments[-1])
        if self._refused_writer(index, operation, results[0]):
            return
        if results[0] not in (Status.OK, Status.FULL) or (many and results[0] != Status.OK):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", index)
            return
        accepted = results[1] if many else int(results[0] == Status.OK)
        end = results[-1]
        if accepted > offered or accepted > end:
            self._problem("ring", "RING-1", f"added {accepted} of {offered} events up to {end}", index)
            return
        events = tuple(range(first_event, first_event + accepted))
        self.adds.append(RingAdd(index, end - accepted, end, offered, events))

    _do_addmany = _do_add
    _do_put = _do_add

    def _do_join(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        if results[0] == Status.OK:
            reader = RingReader(index, results[1], results[1])
            variable = self._variable(index, operation.arguments[0])
            self.readers[variable] = reader
            self.every_reader.append(reader)
            self.handle_of[variable] = len(self.handles)
            self.handles.append((index, []))
            if gated:
                self._at_registration(reader, index, "join")
            self.reads.append(("join", index, reader, results))
        elif results[0] == Status.READERS_FULL and gated:
            self._add_points(("readers",), index, ("no registration",))
        elif results[0] == Status.BAD_ARGUMENT and operation.arguments[1].isdigit():
            self.reads.append(("join", index, None, results))
        else:
            self._problem(
                "reader registrations", "ERR-1", f"answered with status {results[0]}, which it never does", index
            )

    def _do_next(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(index, operation.arguments[0])]
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        out = results[0] == Status.RING_CLOSED
        if gated:
            self._moved(reader, index, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", index)
        if not out:
            self.reads.append(("next", index, reader, results))
            if results[0] in (Status.OK, Status.LAGGED):
                reader.steps.append((index, results[2]))

    _do_nextmany = _do_next
    _do_take = _do_next
    _do_peek = _do_next

    def _do_skip(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(index, operation.arguments[0])]
        out = results[0] == Status.RING_CLOSED
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._moved(reader, index, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", index)
        if results[0] == Status.OK:
            self.reads.append(("skip", index, reader, results))
            reader.steps.append((index, results[2]))
        elif not out:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", index)

    def _do_watch(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(index, operation.arguments[0])
        reader = self.readers[variable]
        out = results[0] == Status.RING_CLOSED
        if operation.name == "watch":
            (self.watched.discard if out else self.watched.add)(variable)
        ended = operation.name != "watch" and results[0] == Status.END_OF_STREAM
        if results[0] not in (Status.OK, Status.RING_CLOSED) and not ended:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", index)
        elif self.client.ring is not None and self.client.ring.mode == GATED:
            self._seen(reader, index, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", index)

    def _do_wait(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        self._do_watch(index, operation, results)
        reader = self.readers[self._variable(index, operation.arguments[0])]
        if results[0] == Status.OK:
            self.reads.append(("wait", index, reader, results))
        elif results[0] == Status.END_OF_STREAM:
            self.reads.append(("end", index, reader, results))

    def _do_timedwait(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        if results[0] != Status.EMPTY:
            self._do_wait(index, operation, results)
            return
        self._do_watch(index, operation, (Status.OK,))
        reader = self.readers[self._variable(index, operation.arguments[0])]
        self.reads.append(("timeout", index, reader, results))

    def _do_waitat(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(index, operation.arguments[0])]
        if results[0] not in (Status.OK, Status.RING_CLOSED, Status.END_OF_STREAM):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", index)
            return
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._seen(reader, index, results[0])
        self.reads.append(("waitat", index, reader, (results[0], int(operation.arguments[1]))))

    def _do_poll(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        """A poll adds no candidate point: it may return spuriously, and a poll that never returns is a deadlock."""

    _do_pollroom = _do_poll

    def _do_room(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        usual = (Status.OK, Status.RING_CLOSED, *((Status.FULL,) if operation.name == "timedroom" else ()))
        if results[0] not in usual:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", index)
            return
        writer = self.handle_of[self._variable(index, operation.arguments[0])]
        self.reads.append(("room", index, None, (results[0], writer)))

    _do_timedroom = _do_room

    def _do_watchroom(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(index, operation.arguments[0])
        refused = self._refused_writer(index, operation, results[0])
        (self.watched.discard if refused else self.watched.add)(variable)
        if results[0] not in (Status.OK, Status.RING_CLOSED):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", index)

    def _end_of(self, index: int, operation: Operation, kind: str) -> None:
        reader = self.readers[self._variable(index, operation.arguments[0])]
        reader.ends.append(index)
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_registration(reader, index, kind)

    def _do_leave(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of(index, operation, "leave")
        self.readers[self._variable(index, operation.arguments[0])].left = True

    def _do_free(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of(index, operation, "leave")
        variable = self._variable(index, operation.arguments[0])
        self.handles[self.handle_of[variable]][1].append(index)
        del self.readers[variable]
        self.watched.discard(variable)

    def _do_evict(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        if (results[0] == Status.OK) != gated:
            self._problem("reader registrations", "RING-20", f"answered with status {results[0]}", index)
        elif gated:
            self._end_of(index, operation, "evict")

    def _do_evicted(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(index, operation.arguments[0])]
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_registration(reader, index, operation.name, results[1])

    _do_left = _do_evicted

    def _do_lag(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(index, operation.arguments[0])]
        if results[0] == Status.OK:
            self.reads.append(("lag", index, reader, results))
        elif self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_registration(reader, index, "closed")

    def _do_tally(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(index, operation.arguments[0])]
        self.reads.append(("tally", index, reader, results))

    def _do_look(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self.reads.append(("look", index, None, results))

    def _do_state(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self._add_points(("writer",), index, ("has writer", results[1]), ("has ended", results[2]))

    def _do_destroyring(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        if results[0] == Status.OK:
            self.destroyed["ring"] = self.history.calls[index].thread
        self.reads.append(("destroyed" if results[0] == Status.OK else "busy", index, None, results))
