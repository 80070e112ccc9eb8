"""The part of the chapter Rings on events that are written in place, on both implementations."""

import asyncio
import copy
import pickle
import socket
import threading
import time
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from forked_objects import check_copy_in_child  # type: ignore[import-not-found, unused-ignore]


def gated(backend: ModuleType, size: int = 8, capacity: int = 4, **more: Any) -> Any:
    """Make a gated ring."""
    return backend.RingBuffer(size, capacity, mode="gated", **more)


def fill(reservation: Any, *payloads: bytes) -> None:
    """Write payloads into the slots of a reservation."""
    for index, payload in enumerate(payloads):
        reservation.slot(index)[: len(payload)] = payload


@pytest.mark.clause("RING-61")
def test_slots_are_as_many_as_there_is_room_for_up_to_the_rings_end(backend: ModuleType) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    counts = []
    for wanted in (1, 2, 9, 3, 2**70):
        reservation = writer.reserve(wanted)
        counts.append(reservation.count)
        reservation.commit()
        reader.skip_to_latest(0)
    assert counts == [1, 2, 1, 3, 1]
    assert writer.add(b"")
    assert writer.reserve(9).count == 3
    writer.close()


@pytest.mark.clause("RING-61", "RING-14")
def test_none_is_returned_without_room(backend: ModuleType) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    assert writer.add_many([b""] * 3) == 3
    writer.reserve(5).commit()
    assert writer.reserve() is None
    assert writer.reserve(2, timeout=0.01) is None
    reader.next()
    with writer.reserve(2) as reservation:
        assert reservation.count == 1


@pytest.mark.clause("RING-61", "RING-45")
def test_awaited_readers_limit_a_reservation(backend: ModuleType) -> None:
    ring = gated(backend, wait_for_readers=1)
    writer = backend.Writer(ring)
    writer.reserve(4).commit()
    assert writer.reserve() is None
    reader = backend.Reader(ring)
    assert writer.reserve() is None
    assert len(reader.next_many(9)) == 4
    assert writer.reserve(4).count == 4


@pytest.mark.clause("RING-61", "RING-46", "RING-48")
def test_a_reservation_waits_for_room(backend: ModuleType) -> None:
    ring = gated(backend, capacity=2)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    writer.add_many([b"a", b"b"])
    timer = threading.Timer(0.05, reader.next)
    timer.start()
    reservation = writer.reserve(2, timeout=60)
    timer.join()
    assert reservation.count == 1
    reservation.cancel()
    writer.add(b"c")
    timer = threading.Timer(0.05, writer.close)
    timer.start()
    with pytest.raises(backend.RingClosed):
        writer.reserve(timeout=None)
    timer.join()


@pytest.mark.clause("RING-61", "ERR-4", "ERR-6", "RING-38")
@pytest.mark.parametrize(
    ("arguments", "more", "error", "named"),
    [
        ((0,), {}, ValueError, "count is 0"),
        ((-(2**70),), {}, ValueError, "count"),
        ((True,), {}, TypeError, "count"),
        (("1",), {}, TypeError, "count"),
        ((1,), {"timeout": -1}, ValueError, "timeout"),
        ((0,), {"timeout": "1"}, TypeError, "timeout"),
        ((1, 0), {}, TypeError, "positional"),
        ((), {"many": 1}, TypeError, "many"),
    ],
)
def test_wrong_arguments_of_reserve_are_refused(
    backend: ModuleType, arguments: tuple[Any, ...], more: dict[str, Any], error: type[Exception], named: str
) -> None:
    writer = backend.Writer(gated(backend))
    with pytest.raises(error, match=named):
        writer.reserve(*arguments, **more)
    assert writer.add(b"x")


@pytest.mark.clause("RING-62")
@pytest.mark.parametrize(("size", "row"), [(1, 64), (8, 64), (64, 64), (65, 128), (200, 256)])
def test_views_are_writable_and_show_the_same_memory(backend: ModuleType, size: int, row: int) -> None:
    writer = backend.Writer(gated(backend, size))
    reservation = writer.reserve(3)
    data = reservation.data
    assert (data.format, data.readonly, data.shape, data.c_contiguous) == ("B", False, (3, row), True)
    for index in range(3):
        slot = reservation.slot(index)
        assert (slot.format, slot.readonly, slot.ndim, slot.nbytes) == ("B", False, 1, size)
        slot[:] = bytes([index + 1]) * size
        assert data[index, 0] == data[index, size - 1] == index + 1
        data[index, 0] = 100
        assert slot[0] == 100
    array_over_it = np.asarray(data)
    array_over_it[:, size - 1] = 7
    assert [reservation.slot(index)[size - 1] for index in range(3)] == [7] * 3


@pytest.mark.clause("RING-62", "ERR-4")
@pytest.mark.parametrize(
    ("index", "error"), [(3, IndexError), (-1, IndexError), (2**70, IndexError), ("0", TypeError), (True, TypeError)]
)
def test_slots_that_are_not_reserved_are_refused(backend: ModuleType, index: object, error: type[Exception]) -> None:
    reservation = backend.Writer(gated(backend)).reserve(3)
    with pytest.raises(error, match="index"):
        reservation.slot(index)


@pytest.mark.clause("RING-62", "RING-63", "RING-28")
def test_what_was_written_in_place_is_what_readers_get(backend: ModuleType) -> None:
    ring = gated(backend, 70, 5)
    writer, readers = backend.Writer(ring), [backend.Reader(ring) for _ in range(2)]
    number = 0
    for turn in range(20):
        reservation = writer.reserve(1 + turn % 5)
        count, lengths = reservation.count, []
        for index in range(count):
            payload = bytes((number + place) % 251 for place in range(number % 71))
            fill_at = reservation.slot(index)
            fill_at[: len(payload)] = payload
            del fill_at
            lengths.append(len(payload))
            number += 1
        reservation.commit(lengths=lengths, event_types=range(number - count, number))
        for reader in readers:
            for event, kind in zip(reader.next_many(9), range(number - count, number), strict=True):
                assert event == (bytes((kind + place) % 251 for place in range(kind % 71)), kind)
    assert ring.write_cursor == number


@pytest.mark.clause("RING-62")
def test_a_socket_fills_a_slot(backend: ModuleType) -> None:
    ring = gated(backend, 100)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"from the wire")
        reservation = writer.reserve()
        received = other.recv_into(reservation.slot(0))
        reservation.commit(lengths=received)
    assert reader.next() == (b"from the wire", 0)


@pytest.mark.clause("RING-63")
@pytest.mark.parametrize(
    ("arguments", "more", "expected"),
    [
        ((), {}, [(b"one\0\0", 0), (b"two\0\0", 0), (b"three", 0)]),
        ((2,), {}, [(b"one\0\0", 0), (b"two\0\0", 0)]),
        ((0,), {}, []),
        ((None,), {"lengths": 3}, [(b"one", 0), (b"two", 0), (b"thr", 0)]),
        (
            (),
            {"lengths": [3, 3, 5], "event_types": 2**32 - 1},
            [(b"one", 2**32 - 1), (b"two", 2**32 - 1), (b"three", 2**32 - 1)],
        ),
        ((), {"lengths": (3,), "event_types": [9]}, [(b"one", 9)]),
        ((2,), {"lengths": array("I", [3, 0]), "event_types": array("I", [7, 8])}, [(b"one", 7), (b"", 8)]),
        ((), {"lengths": [], "event_types": []}, []),
        ((1,), {"lengths": 0, "event_types": range(4, 5)}, [(b"", 4)]),
        ((), {"count": 1, "lengths": np.array([2], "uint32")}, [(b"on", 0)]),
    ],
)
def test_commit_publishes_the_first_slots(
    backend: ModuleType, arguments: tuple[Any, ...], more: dict[str, Any], expected: list[tuple[bytes, int]]
) -> None:
    ring = gated(backend, 5)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    reservation = writer.reserve(3)
    fill(reservation, b"one\0\0", b"two\0\0", b"three")
    assert reservation.commit(*arguments, **more) is None
    assert reservation.released
    assert list(reader) == expected
    assert ring.write_cursor == len(expected)
    assert writer.reserve(9).count == 4 - len(expected)


@pytest.mark.clause("RING-63", "RING-9", "ERR-1", "ERR-4", "ERR-6")
@pytest.mark.parametrize(
    ("arguments", "more", "error", "named"),
    [
        ((4,), {}, "ValueError", "count is 4"),
        ((-1,), {}, "ValueError", "count"),
        ((2**70,), {}, "ValueError", "count"),
        ((True,), {}, "TypeError", "count"),
        (("1",), {"lengths": -1}, "TypeError", "count"),
        ((1, 2), {}, "TypeError", "positional"),
        ((), {"length": 1}, "TypeError", "length"),
        ((), {"lengths": 6}, "PayloadTooLarge", "lengths"),
        ((), {"lengths": [1, 6]}, "PayloadTooLarge", r"lengths\[1\] is 6"),
        ((), {"lengths": array("I", [6])}, "PayloadTooLarge", r"lengths\[0\] is 6"),
        ((), {"lengths": -1}, "ValueError", "lengths"),
        ((), {"lengths": 2**32}, "ValueError", "lengths"),
        ((), {"lengths": [1] * 4}, "ValueError", "count is 4"),
        ((1,), {"lengths": [1, 1]}, "ValueError", "lengths"),
        ((), {"lengths": [1, -1]}, "ValueError", r"lengths\[1\]"),
        ((), {"lengths": "12"}, "TypeError", "lengths"),
        ((), {"lengths": [1.0]}, "TypeError", "lengths"),
        ((), {"event_types": [1, 2]}, "ValueError", "event_types"),
        ((), {"event_types": -1}, "ValueError", "event_types"),
        ((), {"event_types": [0, 0, 2**32]}, "ValueError", r"event_types\[2\]"),
        ((), {"event_types": None}, "TypeError", "event_types"),
        ((), {"lengths": 6, "event_types": -1}, "ValueError", "event_types"),
    ],
)
def test_a_commit_that_is_refused_leaves_the_reservation_open(
    backend: ModuleType, arguments: tuple[Any, ...], more: dict[str, Any], error: str, named: str
) -> None:
    ring = gated(backend, 5)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    reservation = writer.reserve(3)
    fill(reservation, b"first")
    kind = {"TypeError": TypeError, "ValueError": ValueError}.get(error) or getattr(backend, error)
    with pytest.raises(kind, match=named) as caught:
        reservation.commit(*arguments, **more)
    assert type(caught.value) is kind
    assert (reservation.released, reservation.count, ring.write_cursor) == (False, 3, 0)
    reservation.commit(1)
    assert reader.next() == (b"first", 0)


def leave(reservation: Any) -> None:
    """Leave the block of a reservation by an exception."""
    with pytest.raises(ZeroDivisionError), reservation:
        raise ZeroDivisionError


@pytest.mark.clause("RING-64")
@pytest.mark.parametrize("way", ["cancel", "leave", "leave by an exception", "collect"])
def test_without_a_commit_nothing_is_published(backend: ModuleType, way: str) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    for _ in range(3):
        reservation = writer.reserve(4)
        fill(reservation, b"lost")
        if way == "cancel":
            reservation.cancel()
            reservation.cancel()
        elif way == "leave":
            with reservation as same:
                assert same is reservation
            del same
        elif way == "leave by an exception":
            leave(reservation)
        else:
            reservation = None
        assert reservation is None or reservation.released
        assert (ring.write_cursor, reader.next(), reader.lag) == (0, None, 0)
    assert writer.add_many([b"kept"] * 9) == 4
    assert [event.data for event in reader] == [b"kept"] * 4


@pytest.mark.clause("RING-64", "RING-27", "RING-39")
@pytest.mark.parametrize("end", [False, True])
def test_closing_the_writer_ends_its_reservation(backend: ModuleType, end: bool) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    reservation = writer.reserve(2)
    writer.close(end=end)
    assert reservation.released
    with pytest.raises(backend.ReleasedHandle):
        reservation.commit()
    reservation.cancel()
    assert (ring.has_writer, ring.write_cursor, ring.ended) == (False, 0, end)
    if not end:
        other = backend.Writer(ring)
        assert other.reserve(9).count == 4
        assert reader.next() is None


@pytest.mark.clause("RING-65")
def test_an_open_reservation_keeps_its_writer_from_publishing(backend: ModuleType) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    reservation = writer.reserve(2)
    calls: list[Callable[[], object]] = [
        lambda: writer.add(b"x"),
        lambda: writer.add(b"x", 1, timeout=None),
        lambda: writer.add(bytes(8), timeout=3),
        lambda: writer.add_many([b"x"]),
        lambda: writer.add_many([]),
        lambda: writer.add_many(bytes(70_000), lengths=1, timeout=None),
        lambda: asyncio.run(writer.add_async(b"x")),
        lambda: writer.reserve(),
        lambda: writer.reserve(1, timeout=None),
    ]
    for call in calls:
        with pytest.raises(backend.ReservationOpen, match="writer is"):
            call()
    with pytest.raises(backend.PayloadTooLarge):
        writer.add(bytes(9))
    with pytest.raises(backend.PayloadTooLarge):
        writer.add_many([b"x", bytes(9)])
    fill(reservation, b"first", b"second")
    reservation.commit(lengths=[5, 6])
    assert writer.add(b"third")
    assert [event.data for event in reader] == [b"first", b"second", b"third"]


@pytest.mark.clause("RING-65", "RING-47")
def test_a_batch_that_waits_ends_when_another_thread_reserves(backend: ModuleType) -> None:
    ring = gated(backend, 8, 2)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(writer.add_many([b"a"] * 5, timeout=60)))
    thread.start()
    deadline = time.monotonic() + 60
    while ring.write_cursor < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    reservation = None
    published = 2
    while reservation is None and published < 5 and time.monotonic() < deadline:
        reader.next()
        reservation = writer.reserve()
        published = ring.write_cursor
    if reservation is not None:
        thread.join(60)
        assert results == [published]
        reservation.cancel()
    thread.join(60)
    assert not thread.is_alive()
    assert results == [ring.write_cursor]


@pytest.mark.clause("RING-66")
def test_a_view_keeps_a_reservation_from_ending(backend: ModuleType) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    makers: list[Callable[[Any], Any]] = [
        lambda reservation: reservation.data,
        lambda reservation: reservation.slot(1),
        lambda reservation: reservation.slot(0)[2:3],
        lambda reservation: reservation.slot(0).cast("Q"),
        lambda reservation: np.asarray(reservation.data),
        lambda reservation: np.frombuffer(reservation.slot(0), "uint32")[1:],
    ]
    for make in makers:
        reservation = writer.reserve(2)
        view = make(reservation)
        for call in (reservation.commit, reservation.cancel, writer.close, lambda: writer.close(end=True)):
            with pytest.raises(backend.ViewsOutstanding, match="data"):
                call()
        assert (reservation.released, writer.closed, ring.ended, ring.write_cursor) == (False, False, False, 0)
        del view
        reservation.cancel()
    with (reservation := writer.reserve()).slot(0) as view:
        view[:3] = b"yes"
    reservation.commit(lengths=3)
    assert reader.next() == (b"yes", 0)


@pytest.mark.clause("RING-66", "VIEW-3")
def test_a_view_cannot_change_an_event_after_its_commit(backend: ModuleType) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    reservation = writer.reserve()
    view = reservation.slot(0)
    view[:] = b"original"
    with pytest.raises(backend.ViewsOutstanding):
        reservation.commit()
    view[:] = b"changed!"
    view.release()
    reservation.commit()
    with pytest.raises(ValueError, match="released"):
        view[0] = 1
    assert reader.next() == (b"changed!", 0)


@pytest.mark.clause("RING-67", "RING-65")
@pytest.mark.parametrize("leaves", [True, False])
def test_a_reservation_left_with_a_view_ends_after_it(
    backend: ModuleType, collect: Callable[[], None], leaves: bool
) -> None:
    ring = gated(backend)
    writer = backend.Writer(ring)
    reservation = writer.reserve(2)
    view = reservation.slot(1)[2:]
    if leaves:
        with reservation:
            pass
        assert reservation.released
    del reservation
    collect()
    with pytest.raises(backend.ReservationOpen):
        writer.add(b"x")
    view[:] = b"mine, 6"[:6]
    assert bytes(view) == b"mine, "
    del view
    collect()
    assert writer.add(b"x")


@pytest.mark.clause("RING-67", "RING-4")
def test_a_view_keeps_the_ring_and_the_writers_registration(backend: ModuleType, collect: Callable[[], None]) -> None:
    ring = gated(backend)
    view = backend.Writer(ring).reserve(4).data
    collect()
    assert ring.has_writer
    with pytest.raises(backend.WriterTaken):
        backend.Writer(ring)
    del view
    collect()
    assert not ring.has_writer
    view = backend.Writer(gated(backend, 300, 7)).reserve(7).data
    collect()
    np.asarray(view)[:] = 5
    assert view[6, 319] == 5


@pytest.mark.clause("RING-67")
def test_a_reservation_in_a_cycle_is_collected(backend: ModuleType, collect: Callable[[], None]) -> None:
    writer = backend.Writer(gated(backend))
    cycle: list[Any] = [writer.reserve()]
    cycle.append(cycle)
    with pytest.raises(backend.ReservationOpen):
        writer.add(b"x")
    del cycle
    collect()
    assert writer.add(b"x")


@pytest.mark.clause("RING-68")
def test_after_its_end_a_reservation_is_refused(backend: ModuleType) -> None:
    writer = backend.Writer(gated(backend))
    ended = [writer.reserve(2)]
    ended[0].commit()
    ended.append(writer.reserve())
    ended[1].cancel()
    ended.append(writer.reserve())
    with ended[2]:
        pass
    uses: list[Callable[[Any], object]] = [
        lambda reservation: reservation.commit(),
        lambda reservation: reservation.commit("wrong as well"),
        lambda reservation: reservation.slot(0),
        lambda reservation: reservation.slot("wrong as well"),
        lambda reservation: reservation.data,
        lambda reservation: reservation.count,
        lambda reservation: reservation.__enter__(),
    ]
    for reservation in ended:
        for use in uses:
            with pytest.raises(backend.ReleasedHandle, match="self is"):
                use(reservation)
        reservation.cancel()
        reservation.__exit__(None, None, None)
        assert reservation.released
        assert "released" in repr(reservation)


@pytest.mark.clause("RING-61", "PTR-9")
def test_a_reservation_is_made_by_a_writer_alone_and_not_copied(backend: ModuleType) -> None:
    with pytest.raises(TypeError, match="Reservation"):
        backend.Reservation()
    reservation = backend.Writer(gated(backend)).reserve(3)
    assert type(reservation) is backend.Reservation
    assert "3" in repr(reservation)
    for make in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            make(reservation)


@pytest.mark.clause("RING-69")
def test_an_overwriting_ring_has_no_reservations(backend: ModuleType) -> None:
    writer = backend.Writer(backend.RingBuffer(8, 4))
    with pytest.raises(ValueError, match="gated"):
        writer.reserve()
    with pytest.raises(ValueError, match="count"):
        writer.reserve(0)
    assert writer.add(b"x")
    writer.close()
    with pytest.raises(backend.RingClosed):
        writer.reserve()


@pytest.mark.clause("RING-70", "RING-17", "RING-30")
def test_events_in_reserved_slots_are_no_longer_retained(backend: ModuleType) -> None:
    ring = gated(backend)
    writer = backend.Writer(ring)
    assert writer.add_many([bytes([number]) for number in range(6)]) == 6
    assert ring.retained == 4
    reservation = writer.reserve(2)
    assert ring.retained == 2
    fill(reservation, b"over", b"over")
    late = backend.Reader(ring)
    reservation.cancel()
    assert ring.retained == 2
    assert [event.data for event in late] == [b"\x04", b"\x05"]
    late.close()
    assert backend.Reader(ring).next() is None
    assert ring.retained == 0
    writer.reserve(2).commit(1)
    assert ring.retained == 1


@pytest.mark.clause("RING-70", "RING-15", "RING-16")
def test_a_reader_that_joins_during_a_reservation_gets_what_is_committed(backend: ModuleType) -> None:
    ring = gated(backend)
    writer = backend.Writer(ring)
    writer.add_many([b"old"] * 4)
    reservation = writer.reserve(3)
    oldest, latest = backend.Reader(ring), backend.Reader(ring, start="latest")
    assert oldest.cursor == 3
    fill(reservation, b"new 0", b"new 1", b"new 2")
    reservation.commit(lengths=5)
    assert [event.data for event in oldest] == [b"old", b"new 0", b"new 1", b"new 2"]
    assert [event.data for event in latest] == [b"new 0", b"new 1", b"new 2"]


@pytest.mark.clause("RING-63", "RING-32")
def test_a_commit_wakes_a_waiting_reader(backend: ModuleType) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    reservation = writer.reserve()
    fill(reservation, b"awaited!")
    timer = threading.Timer(0.05, reservation.commit)
    timer.start()
    assert reader.next(60) == (b"awaited!", 0)
    timer.join()


@pytest.mark.clause("RING-63", "RING-5", "RING-15")
def test_events_written_in_place_arrive_whole_and_in_order(backend: ModuleType, threads: Any) -> None:
    ring, events = gated(backend, 64, 7), 3_000 if backend.__name__.endswith("native") else 400
    writer, reader = backend.Writer(ring), backend.Reader(ring)

    def write() -> None:
        number = 0
        while number < events:
            threads.check()
            reservation = writer.reserve(min(3, events - number), timeout=0.01)
            if reservation is None:
                continue
            count = reservation.count
            for index in range(count):
                with reservation.slot(index) as slot:
                    slot[:] = (number + index).to_bytes(8, "little") * 8
            reservation.commit(event_types=range(number, number + count))
            number += count

    def read() -> None:
        for number in range(events):
            while (event := reader.next(0.01)) is None:
                threads.check()
            assert event == (number.to_bytes(8, "little") * 8, number)

    threads.run(write, read)


@pytest.mark.clause("ERR-8")
def test_a_forked_child_cannot_use_a_reservation(backend: ModuleType) -> None:
    ring = gated(backend)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    held = [writer.reserve(2)]
    fill(held[0], b"parent's")
    check_copy_in_child(
        backend,
        held,
        [
            lambda reservation: reservation.commit(),
            lambda reservation: reservation.slot(0),
            lambda reservation: reservation.data,
            lambda reservation: reservation.count,
            lambda reservation: reservation.__enter__(),
            lambda _: writer.reserve(),
        ],
        [repr, lambda reservation: reservation.cancel(), lambda reservation: reservation.__exit__(None, None, None)],
    )
    held[0].commit(1)
    assert reader.next() == (b"parent's", 0)
