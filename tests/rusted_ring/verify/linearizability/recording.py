"""Histories recorded from real threads: Python threads run a client on an implementation of the Python interface.

One counter numbers the begin and the return of each call. A call precedes another if it returned before the other
began. The rest is as under the explorer, and the same judge judges both [SLOT-1, RING-1].
"""

import itertools
import select
import sys
import threading
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, Final

from rusted_ring.reference.token import generation_of_token, pool_of_token, slot_of_token, token_of
from rusted_ring.verify.clients.language import (
    GATED,
    HEAP_CUT,
    HEAP_LENGTH,
    HELD_EVENT,
    POOL_CUT,
    POOL_LENGTH,
    Client,
    event_bytes,
)
from rusted_ring.verify.clients.operations import LATEST, Operation
from rusted_ring.verify.clients.statuses import SKIPPED, STATUS_OF_ERROR, TORN, Status
from rusted_ring.verify.linearizability.history import Call, History

SWITCH_SECONDS: Final = 1e-6
"""The interpreter's switch interval while a client is recorded, in seconds."""

UNSUPPORTED: Final = frozenset({"destroypool", "destroyring", "wait", "timedwait", "waitat", "room", "timedroom"})
"""Operations that the Python interface does not have: its objects end with their last reference, and its waits are part
of the calls that take or add events."""

MOST_SECONDS: Final = 60
"""How long a thread may wait on a descriptor before the recording fails, in seconds."""


class _Skip(Exception):
    """A variable that the operation needs is empty, or one that it sets is not."""


def can_record(client: Client) -> bool:
    """Return whether the Python interface has all operations of a client and returns all that the judge needs.

    `drop_many` does not report which of its tokens was refused, so only a `dmany` of one token can be recorded. A
    client cannot choose whether the system has a fence of all threads.
    """
    return not (client.ring is not None and client.ring.fenced) and not any(
        operation.name in UNSUPPORTED or (operation.name == "dmany" and operation.arguments[1] != "1")
        for thread in client.threads
        for operation in thread
    )


def record(client: Client, module: ModuleType, rounds: int = 1, *, threads: bool = True) -> Iterator[History]:
    """Run a client several times and yield the history of each run [SLOT-1].

    Args:
        client: the client.
        module: the implementation, `rusted_ring.native` or `rusted_ring.reference`.
        rounds: the number of runs.
        threads: whether its threads run concurrently; else one after another.

    Raises:
        ValueError: the client has an operation that cannot be recorded, see `can_record`.
    """
    if not can_record(client):
        unsupported = ", ".join((*sorted(UNSUPPORTED), "fenced=1"))
        raise ValueError(f"client is {client}: it has {unsupported} or a dmany of several tokens; give another client")
    for _ in range(rounds):
        yield Run(client, module).history(threads)


class Run:
    """One run of a client."""

    def __init__(self, client: Client, module: ModuleType) -> None:
        self.client = client
        self.module = module
        self.allocator = None if client.pool is None else module.EventAllocator(client.pool.profile())
        self.ring: Any = None
        if client.ring is not None:
            shape = client.ring
            mode = "gated" if shape.mode == GATED else "overwrite"
            awaited = {"wait_for_readers": shape.awaited} if shape.awaited else {}
            self.ring = module.RingBuffer(shape.size, shape.capacity, mode=mode, max_readers=shape.readers, **awaited)
        self.holdings: dict[tuple[int, str], Any] = {}
        self.descriptors: dict[tuple[int, str], int] = {}
        self.held: list[int] = []
        self.counter = itertools.count()
        self.records: list[list[tuple[int, int, Call]]] = [[] for _ in range(len(client.threads) + 1)]

    def history(self, threads: bool) -> History:
        """Run the setup, the threads and the finish, and return their history."""
        setup, finish = self.client.setup, self.client.finish()
        self._run(0, setup, 0)
        if threads:
            self._threads()
        else:
            for number, operations in enumerate(self.client.threads, 1):
                self._run(number, operations, 0)
        self._run(0, finish, len(setup))
        rows = sorted(itertools.chain.from_iterable(self.records), key=lambda row: row[0])
        before = tuple(
            (first, second)
            for first, (_, ended, one) in enumerate(rows)
            for second, (began, _, other) in enumerate(rows)
            if ended < began and one.thread != other.thread
        )
        return History(tuple(call for _, _, call in rows), before)

    def _threads(self) -> None:
        barrier = threading.Barrier(len(self.client.threads))

        def body(number: int, operations: Sequence[Operation]) -> None:
            barrier.wait()
            self._run(number, operations, 0)

        workers = [
            threading.Thread(target=body, args=(number, operations))
            for number, operations in enumerate(self.client.threads, 1)
        ]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        finally:
            sys.setswitchinterval(interval)

    def _run(self, thread: int, operations: Sequence[Operation], first: int) -> None:
        for op, operation in enumerate(operations, first):
            began = next(self.counter)
            results = self._perform(thread, operation)
            self.records[thread].append((began, next(self.counter), Call(thread, op, results)))

    def _perform(self, thread: int, operation: Operation) -> tuple[int, ...]:
        try:
            method = getattr(self, f"_do_{operation.name}")
            found: tuple[int, ...] = method(thread, *operation.arguments)
        except _Skip:
            return (SKIPPED,)
        except Exception as error:
            if type(error).__name__ == "Lagged":
                lagged: Any = error
                return (
                    Status.LAGGED,
                    lagged.next_sequence - lagged.skipped,
                    lagged.next_sequence,
                    lagged.skipped,
                    0,
                    0,
                )
            if type(error).__name__ not in STATUS_OF_ERROR:
                raise
            return self._refused(thread, operation, STATUS_OF_ERROR[type(error).__name__])
        return tuple(map(int, found))

    def _refused(self, thread: int, operation: Operation, status: Status) -> tuple[int, ...]:
        """Return the results of a call that failed, as the C harness reports them."""
        if operation.name in ("next", "nextmany", "take", "peek"):
            cursor = self._get(thread, operation.arguments[0]).cursor
            return (status, cursor, cursor, 0, 0, 0)
        if operation.name in ("amany", "dmany"):  # the index of the event or token that failed
            return (status, 0)
        return (status,)

    # Variables

    def _key(self, thread: int, name: str) -> tuple[int, str]:
        if name[0].isdigit():
            return int(name[0]), name[1:]
        return (-1 if name[0] == "s" else thread), name

    def _get(self, thread: int, name: str, at: int = 0) -> Any:
        owner, variable = self._key(thread, name)
        found = self.holdings.get((owner, f"{variable[0]}{int(variable[1:]) + at}"))
        if found is None:
            raise _Skip
        return found

    def _free(self, thread: int, name: str) -> None:
        if self._key(thread, name) in self.holdings:
            raise _Skip

    def _set(self, thread: int, name: str, value: Any, at: int = 0) -> None:
        owner, variable = self._key(thread, name)
        self.holdings[owner, f"{variable[0]}{int(variable[1:]) + at}"] = value

    def _take(self, thread: int, name: str) -> Any:
        found = self._get(thread, name)
        del self.holdings[self._key(thread, name)]
        return found

    def _pools(self) -> Any:
        if self.allocator is None:
            raise _Skip
        return self.allocator.pools

    # Pools

    def _pointer(self, thread: int, name: str, pointer: Any) -> tuple[int, ...]:
        self._set(thread, name, pointer)
        return (Status.OK, _token(pointer))

    def _allocate(self, thread: int, name: str, event: str, length: int) -> tuple[int, ...]:
        self._free(thread, name)
        assert self.allocator is not None
        return self._pointer(thread, name, self.allocator.allocate(event_bytes(int(event), length), int(event)))

    def _do_alloc(self, thread: int, name: str, event: str) -> tuple[int, ...]:
        return self._allocate(thread, name, event, POOL_LENGTH)

    def _do_heap(self, thread: int, name: str, event: str) -> tuple[int, ...]:
        return self._allocate(thread, name, event, HEAP_LENGTH)

    def _do_ffi(self, thread: int, name: str, event: str) -> tuple[int, ...]:
        token = self.module.handle_ffi_event(self.allocator, event_bytes(int(event), POOL_LENGTH), int(event))
        self._set(thread, name, token)
        return (Status.OK, token)

    def _do_amany(self, thread: int, name: str, count: str, event: str) -> tuple[int, ...]:
        assert self.allocator is not None
        events = range(int(event), int(event) + int(count))
        payloads = [event_bytes(number, POOL_LENGTH) for number in events]
        tokens = list(self.allocator.allocate_many(payloads, event_types=list(events)))
        for at, token in enumerate(tokens):
            self._set(thread, name, token, at)
        return (Status.OK, *tokens)

    def _do_dmany(self, thread: int, name: str, count: str) -> tuple[int, ...]:
        tokens = [self._get(thread, name, at) for at in range(int(count))]
        assert self.allocator is not None
        self.allocator.drop_many(tokens)
        return (Status.OK,)

    def _do_clone(self, thread: int, name: str, source: str) -> tuple[int, ...]:
        pointer = self._get(thread, source)
        self._free(thread, name)
        return self._pointer(thread, name, pointer.clone())

    def _do_drop(self, thread: int, name: str) -> tuple[int, ...]:
        self._take(thread, name).drop()
        # In the reference, the next step releases the slot of a dropped pointer.
        self._pools().slot_metadata(0, 0)
        return (Status.OK,)

    def _do_read(self, thread: int, name: str) -> tuple[int, ...]:
        pointer = self._get(thread, name)
        data, event_type = pointer.bytes, pointer.event_type
        return (Status.OK, _event_of(data, event_type), len(data), event_type)

    def _do_count(self, thread: int, name: str) -> tuple[int, ...]:
        return (Status.OK, self._get(thread, name).ref_count)

    def _do_weak(self, thread: int, name: str, source: str) -> tuple[int, ...]:
        token = self._get(thread, source).downgrade().token
        self._set(thread, name, token)
        return (Status.OK, token)

    def _do_into(self, thread: int, name: str, source: str) -> tuple[int, ...]:
        token = self._take(thread, source).into_token()
        self._set(thread, name, token)
        return (Status.OK, token)

    def _do_upgrade(self, thread: int, name: str, source: str) -> tuple[int, ...]:
        token = self._get(thread, source)
        self._free(thread, name)
        return self._pointer(thread, name, self.module.WeakRingPtr.from_token(token, self.allocator).upgrade())

    def _do_from(self, thread: int, name: str, source: str) -> tuple[int, ...]:
        token = self._get(thread, source)
        self._free(thread, name)
        return self._pointer(thread, name, self.module.RingPtr.from_token(token, self.allocator))

    def _triple(self, thread: int, name: str) -> tuple[int, int, int]:
        token = self._get(thread, name)
        return pool_of_token(token), slot_of_token(token), generation_of_token(token)

    def _do_inc(self, thread: int, name: str) -> tuple[int, ...]:
        return (Status.OK, self._pools().inc_ref_count(*self._triple(thread, name)))

    def _do_incany(self, thread: int, name: str) -> tuple[int, ...]:
        return (Status.OK, self._pools().inc_ref_count(*self._triple(thread, name)[:2]))

    def _do_dec(self, thread: int, name: str) -> tuple[int, ...]:
        return (Status.OK, self._pools().dec_ref_count(*self._triple(thread, name)))

    def _do_decany(self, thread: int, name: str) -> tuple[int, ...]:
        return (Status.OK, self._pools().dec_ref_count(*self._triple(thread, name)[:2]))

    def _do_meta(self, thread: int, name: str) -> tuple[int, ...]:
        found = self._pools().slot_metadata(*self._triple(thread, name)[:2])
        return (Status.OK, found.ref_count, found.generation, int(found.state))

    def _lend(self, thread: int, name: str, event: str, length: int) -> tuple[int, ...]:
        self._free(thread, name)
        assert self.allocator is not None
        loan = self.allocator.loan(length, int(event))
        self._set(thread, name, loan)
        with loan.data as view:
            zero = not any(view)
            view[:] = event_bytes(int(event), length)
        return (Status.OK, _token(loan), int(zero))

    def _do_loan(self, thread: int, name: str, event: str) -> tuple[int, ...]:
        return self._lend(thread, name, event, POOL_LENGTH)

    def _do_hloan(self, thread: int, name: str, event: str) -> tuple[int, ...]:
        return self._lend(thread, name, event, HEAP_LENGTH)

    def _do_commit(self, thread: int, name: str, source: str) -> tuple[int, ...]:
        self._get(thread, source)
        self._free(thread, name)
        return self._pointer(thread, name, self._take(thread, source).commit())

    def _do_cut(self, thread: int, name: str, source: str) -> tuple[int, ...]:
        loan = self._get(thread, source)
        self._free(thread, name)
        length = HEAP_CUT if loan.len == HEAP_LENGTH else POOL_CUT
        return self._pointer(thread, name, self._take(thread, source).commit(length))

    def _do_abort(self, thread: int, name: str) -> tuple[int, ...]:
        self._take(thread, name).abort()
        self._pools().slot_metadata(0, 0)
        return (Status.OK,)

    def _do_hold(self, thread: int, count: str) -> tuple[int, ...]:
        del thread
        assert self.allocator is not None
        assert self.client.pool is not None
        self.held = list(self.allocator.allocate_many([event_bytes(HELD_EVENT, POOL_LENGTH)] * int(count)))
        slots = [slot_of_token(token) for token in self.held]
        words = range(-(-self.client.pool.slots // 64))
        return (Status.OK, *(sum(1 << slot % 64 for slot in slots if slot // 64 == word) for word in words))

    def _do_unhold(self, thread: int) -> tuple[int, ...]:
        del thread
        assert self.allocator is not None
        self.allocator.drop_many(self.held)
        return (Status.OK,)

    def _do_sweep(self, thread: int) -> tuple[int, ...]:
        del thread
        pools, entries, total = self._pools(), [], 0
        for pool in (0, 5):
            for slot in range(pools.capacity(pool)):
                detached = 0
                try:
                    while True:
                        pools.dec_ref_count(pool, slot)
                        detached += 1
                except self.module.RefCountUnderflow:
                    total += detached
                if detached:
                    entries.append((pool << 32) + (slot << 16) + detached)
        return (total, *entries[:7])

    def _do_stats(self, thread: int) -> tuple[int, ...]:
        del thread
        found = self._pools().stats()
        return tuple(
            number
            for pool in self.module.PoolId
            if pool in (0, 5)
            for number in (found[pool].live, found[pool].free, found[pool].allocations, found[pool].failures)
        )

    def _do_refill(self, thread: int) -> tuple[int, ...]:
        del thread
        assert self.allocator is not None
        taken = []
        try:
            while True:
                taken.append(self.allocator.allocate(event_bytes(HELD_EVENT, POOL_LENGTH), HELD_EVENT))
        except self.module.PoolExhausted:
            tokens = [_token(pointer) for pointer in taken]
        for pointer in taken:
            pointer.drop()
        return (len(tokens), *tokens[:7])

    def _do_destroypool(self, thread: int) -> tuple[int, ...]:
        del thread
        live = sum(found.live for found in self._pools().stats().values())
        return (Status.BUSY if live else Status.OK,)

    # Rings

    def _do_open(self, thread: int, name: str) -> tuple[int, ...]:
        self._free(thread, name)
        self._set(thread, name, self.module.Writer(self.ring))
        return (Status.OK,)

    def _do_close(self, thread: int, name: str) -> tuple[int, ...]:
        self._take(thread, name).close()
        self.descriptors.pop(self._key(thread, name), None)
        return (Status.OK,)

    def _do_shut(self, thread: int, name: str) -> tuple[int, ...]:
        self._get(thread, name).close()
        return (Status.OK,)

    def _do_end(self, thread: int, name: str) -> tuple[int, ...]:
        self._take(thread, name).close(end=True)
        return (Status.OK,)

    def _do_add(self, thread: int, name: str, event: str) -> tuple[int, ...]:
        assert self.client.ring is not None
        added = self._get(thread, name).add(event_bytes(int(event), self.client.ring.event_length()), int(event))
        return (Status.OK if added else Status.FULL, self.ring.write_cursor)

    def _do_addmany(self, thread: int, name: str, count: str, event: str) -> tuple[int, ...]:
        assert self.client.ring is not None
        events = range(int(event), int(event) + int(count))
        payloads = [event_bytes(number, self.client.ring.event_length()) for number in events]
        added = self._get(thread, name).add_many(payloads, event_types=list(events))
        return (Status.OK, added, self.ring.write_cursor)

    def _do_put(self, thread: int, name: str, count: str, event: str) -> tuple[int, ...]:
        assert self.client.ring is not None
        writer, length, added = self._get(thread, name), self.client.ring.event_length(), 0
        while added < int(count) and (reservation := writer.reserve(int(count) - added)) is not None:
            events = range(int(event) + added, int(event) + added + reservation.count)
            for index, number in enumerate(events):
                with reservation.slot(index) as slot:
                    slot[:length] = event_bytes(number, length)
            reservation.commit(lengths=length, event_types=events)
            added += len(events)
        return (Status.OK, added, self.ring.write_cursor)

    def _do_join(self, thread: int, name: str, at: str) -> tuple[int, ...]:
        self._free(thread, name)
        if at.isdigit():
            reader = self.module.Reader(self.ring, cursor=int(at))
        else:
            reader = self.module.Reader(self.ring, start="latest" if at == LATEST else "oldest")
        self._set(thread, name, reader)
        return (Status.OK, reader.start)

    def _do_next(self, thread: int, name: str) -> tuple[int, ...]:
        reader = self._get(thread, name)
        event = reader.next()
        cursor = reader.cursor
        if event is None:
            return (Status.EMPTY, cursor, cursor, 0, 0, 0)
        return (Status.OK, cursor - 1, cursor, 0, 1, _event_of(event.data, event.event_type))

    def _do_nextmany(self, thread: int, name: str, count: str) -> tuple[int, ...]:
        reader = self._get(thread, name)
        batch = reader.next_many(int(count))
        cursor = reader.cursor
        packed = sum(_event_of(event.data, event.event_type) << 8 * at for at, event in enumerate(batch))
        status = Status.OK if len(batch) else Status.EMPTY
        return (status, cursor - len(batch), cursor, 0, len(batch), packed)

    _do_take = _do_nextmany

    def _do_peek(self, thread: int, name: str, count: str) -> tuple[int, ...]:
        assert self.client.ring is not None
        reader, first, events = self._get(thread, name), None, list[int]()
        while len(events) < int(count):
            if events and reader.cursor % self.client.ring.capacity != 0:
                break
            try:
                peek = reader.peek(int(count) - len(events))
            except self.module.EndOfStream:
                if not events:
                    raise
                break
            if peek is None:
                break
            found = [_event_of(bytes(peek.slot(at)), event_type) for at, event_type in enumerate(peek.event_types)]
            first = peek.first_sequence if first is None else first
            peek.release()
            events += found
        packed = sum(event << 8 * at for at, event in enumerate(events))
        cursor = reader.cursor
        status = Status.OK if events else Status.EMPTY
        return (status, cursor if first is None else first, cursor, 0, len(events), packed)

    def _do_skip(self, thread: int, name: str) -> tuple[int, ...]:
        reader = self._get(thread, name)
        return (Status.OK, reader.skip_to_latest(keep=0), reader.cursor)

    def _do_leave(self, thread: int, name: str) -> tuple[int, ...]:
        self._get(thread, name).close()
        return (Status.OK,)

    def _do_free(self, thread: int, name: str) -> tuple[int, ...]:
        self._take(thread, name).close()
        self.descriptors.pop(self._key(thread, name), None)
        return (Status.OK,)

    def _do_evict(self, thread: int, name: str) -> tuple[int, ...]:
        self._get(thread, name).evict()
        return (Status.OK,)

    def _do_evicted(self, thread: int, name: str) -> tuple[int, ...]:
        return (Status.OK, int(self._get(thread, name).evicted))

    def _do_left(self, thread: int, name: str) -> tuple[int, ...]:
        return (Status.OK, int(self._get(thread, name).closed))

    def _do_watch(self, thread: int, name: str) -> tuple[int, ...]:
        reader = self._get(thread, name)
        self.descriptors.pop(self._key(thread, name), None)
        self.descriptors[self._key(thread, name)] = reader.fileno()
        return (Status.OK,)

    def _do_poll(self, thread: int, name: str) -> tuple[int, ...]:
        descriptor = self.descriptors.get(self._key(thread, name))
        if self._key(thread, name) not in self.holdings or descriptor is None:
            raise _Skip
        if not select.select([descriptor], [], [], MOST_SECONDS)[0]:
            raise AssertionError(
                f"poll {name} of thread {thread} in {self.client} waited {MOST_SECONDS} s [RING-35, RING-49]"
            )
        return (Status.OK,)

    _do_watchroom, _do_pollroom = _do_watch, _do_poll

    def _do_lag(self, thread: int, name: str) -> tuple[int, ...]:
        reader = self._get(thread, name)
        return (Status.OK, reader.lag, reader.backlog)

    def _do_look(self, thread: int) -> tuple[int, ...]:
        del thread
        return (Status.OK, self.ring.write_cursor, self.ring.retained, self.ring.readers)

    def _do_state(self, thread: int) -> tuple[int, ...]:
        del thread
        return (Status.OK, int(self.ring.has_writer), int(self.ring.ended))

    def _do_tally(self, thread: int, name: str) -> tuple[int, ...]:
        reader = self._get(thread, name)
        return (Status.OK, reader.start, reader.cursor, reader.delivered, reader.skipped)

    def _do_destroyring(self, thread: int) -> tuple[int, ...]:
        del thread
        return (Status.OK,)


def _token(handle: Any) -> int:
    return token_of(int(handle.pool_id), handle.slot_index, handle.generation)


def _event_of(data: Any, event_type: int) -> int:
    """Return the number of the event that a payload belongs to, `TORN` if the payload is torn."""
    payload = bytes(data)
    event = payload[0] // 16 if payload else TORN
    return event if event == event_type and payload == event_bytes(event, len(payload)) else TORN
