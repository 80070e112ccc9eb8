"""The part of the chapter Rings on events that are read in place, on both implementations."""

import copy
import pickle
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from forked_objects import check_copy_in_child  # type: ignore[import-not-found, unused-ignore]


def gated(backend: ModuleType, size: int = 8, capacity: int = 4, **more: Any) -> tuple[Any, Any, Any]:
    """Make a gated ring with a writer and a reader."""
    ring = backend.RingBuffer(size, capacity, mode="gated", **more)
    return ring, backend.Writer(ring), backend.Reader(ring)


def payloads(peek: Any) -> list[bytes]:
    """Copy the payloads of a peek."""
    return [bytes(peek.slot(index)) for index in range(peek.count)]


@pytest.mark.clause("RING-71", "RING-73")
def test_events_are_as_many_as_there_are_up_to_the_rings_end(backend: ModuleType) -> None:
    _, writer, reader = gated(backend)
    assert reader.peek() is None
    assert reader.peek(3, timeout=0.01) is None
    writer.add_many([b"0", b"1", b"2"])
    seen = []
    for limit in (1, 9):
        with reader.peek(limit) as peek:
            seen.append((peek.first_sequence, payloads(peek)))
    writer.add_many([b"3", b"4", b"5"])
    for limit in (2**70, 1, 2):
        peek = reader.peek(limit)
        seen.append((peek.first_sequence, payloads(peek)))
        peek.release()
    assert seen == [(0, [b"0"]), (1, [b"1", b"2"]), (3, [b"3"]), (4, [b"4"]), (5, [b"5"])]
    assert reader.peek() is None


@pytest.mark.clause("RING-71", "RING-31", "RING-32", "RING-39")
def test_a_peek_waits_and_ends_as_next_does(backend: ModuleType) -> None:
    _, writer, reader = gated(backend)
    timer = threading.Timer(0.05, writer.add, (b"late",))
    timer.start()
    with reader.peek(3, 60) as peek:
        assert payloads(peek) == [b"late"]
    timer.join()
    timer = threading.Timer(0.05, writer.close, kwargs={"end": True})
    timer.start()
    with pytest.raises(backend.EndOfStream):
        reader.peek(timeout=None)
    timer.join()
    _, _, reader = gated(backend)
    timer = threading.Timer(0.05, reader.evict)
    timer.start()
    with pytest.raises(backend.RingClosed):
        reader.peek(1, 60)
    timer.join()
    with pytest.raises(backend.RingClosed):
        reader.peek()


@pytest.mark.clause("RING-71", "ERR-4", "ERR-6", "RING-38")
@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ((0,), ValueError, "limit is 0"),
        ((-(2**70),), ValueError, "limit"),
        ((True,), TypeError, "limit"),
        (("1",), TypeError, "limit"),
        ((1, -1), ValueError, "timeout"),
        ((0, "1"), TypeError, "timeout"),
        ((1, 0, 0), TypeError, "positional"),
    ],
)
def test_wrong_arguments_of_peek_are_refused(
    backend: ModuleType, arguments: tuple[Any, ...], error: type[Exception], named: str
) -> None:
    _, writer, reader = gated(backend)
    writer.add(b"x")
    with pytest.raises(error, match=named):
        reader.peek(*arguments)
    assert reader.next() == (b"x", 0)


@pytest.mark.clause("RING-72")
@pytest.mark.parametrize(("size", "row"), [(1, 64), (8, 64), (64, 64), (65, 128), (200, 256)])
def test_views_show_the_events_and_cannot_be_written(backend: ModuleType, size: int, row: int) -> None:
    _, writer, reader = gated(backend, size)
    lengths = [size, 0, size // 2]
    writer.add_many(
        [bytes([number + 1]) * length for number, length in enumerate(lengths)], event_types=[7, 8, 2**32 - 1]
    )
    peek = reader.peek(3)
    data = peek.data
    assert (data.format, data.readonly, data.shape, data.c_contiguous) == ("B", True, (3, row), True)
    for index, length in enumerate(lengths):
        slot = peek.slot(index)
        assert (slot.format, slot.readonly, slot.ndim, slot.nbytes) == ("B", True, 1, length)
        assert bytes(slot) == bytes([index + 1]) * length
        assert bytes(np.asarray(data)[index, :length]) == bytes(slot)
        slot.release()
    for column, expected in ((peek.lengths, lengths), (peek.event_types, [7, 8, 2**32 - 1])):
        assert (column.format, column.readonly, list(column)) == ("I", True, expected)
    with pytest.raises(TypeError):
        data[0, 0] = 1
    with pytest.raises(TypeError):
        peek.slot(0)[0] = 1
    del data
    kept = peek.lengths
    peek.release()
    assert list(kept) == lengths


@pytest.mark.clause("RING-72", "ERR-4")
@pytest.mark.parametrize(
    ("index", "error"), [(2, IndexError), (-1, IndexError), (2**70, IndexError), ("0", TypeError), (True, TypeError)]
)
def test_events_that_are_not_there_are_refused(backend: ModuleType, index: object, error: type[Exception]) -> None:
    _, writer, reader = gated(backend)
    writer.add_many([b"", b""])
    with pytest.raises(error, match="index"):
        reader.peek(3).slot(index)


@pytest.mark.clause("RING-72", "RING-62")
def test_numpy_sees_many_events_without_a_copy(backend: ModuleType) -> None:
    _, writer, reader = gated(backend, 64, 6)
    reservation = writer.reserve(6)
    np.asarray(reservation.data).view("int64")[:] = np.arange(48).reshape(6, 8)
    reservation.commit()
    with reader.peek(6) as peek:
        total = int(np.asarray(peek.data).view("int64").sum())
    assert total == sum(range(48))


@pytest.mark.clause("RING-73", "RING-12", "RING-7")
@pytest.mark.parametrize(("arguments", "passed"), [((), 3), ((None,), 3), ((3,), 3), ((2,), 2), ((0,), 0)])
def test_release_moves_the_reader_on(backend: ModuleType, arguments: tuple[Any, ...], passed: int) -> None:
    _, writer, reader = gated(backend)
    writer.add_many([b"0", b"1", b"2"])
    peek = reader.peek(3)
    assert peek.release(*arguments) is None
    assert (peek.released, reader.cursor, reader.delivered, reader.skipped) == (True, passed, passed, 0)
    assert [event.data for event in reader] == [b"0", b"1", b"2"][passed:]


@pytest.mark.clause("RING-73", "ERR-1", "ERR-4", "ERR-6")
@pytest.mark.parametrize(
    ("arguments", "more", "error", "named"),
    [
        ((4,), {}, ValueError, "count is 4"),
        ((-1,), {}, ValueError, "count"),
        ((2**70,), {}, ValueError, "count"),
        ((True,), {}, TypeError, "count"),
        (("1",), {}, TypeError, "count"),
        ((1, 2), {}, TypeError, "positional"),
        ((), {"number": 1}, TypeError, "number"),
    ],
)
def test_a_release_that_is_refused_leaves_the_peek_open(
    backend: ModuleType, arguments: tuple[Any, ...], more: dict[str, Any], error: type[Exception], named: str
) -> None:
    _, writer, reader = gated(backend)
    writer.add_many([b"0", b"1", b"2"])
    peek = reader.peek(3)
    with pytest.raises(error, match=named):
        peek.release(*arguments, **more)
    assert (peek.released, peek.count, reader.cursor) == (False, 3, 0)
    peek.release(count=1)
    assert reader.next() == (b"1", 0)


@pytest.mark.clause("RING-80", "RING-14", "RING-48")
def test_a_peek_holds_the_writer_back_until_its_release(backend: ModuleType) -> None:
    ring, writer, reader = gated(backend)
    other = backend.Reader(ring)
    writer.add_many([b"0", b"1", b"2", b"3"])
    peek = reader.peek(4)
    assert len(other.next_many(9)) == 4
    assert (writer.add(b"4"), writer.reserve(), reader.cursor, reader.lag) == (False, None, 0, 4)
    timer = threading.Timer(0.05, peek.release, (2,))
    timer.start()
    assert writer.add(b"4", timeout=60)
    timer.join()
    assert writer.add_many([b"5", b"6"]) == 1
    assert [event.data for event in reader] == [b"2", b"3", b"4", b"5"]


@pytest.mark.clause("RING-74")
def test_an_open_peek_keeps_its_reader_from_reading(backend: ModuleType) -> None:
    _, writer, reader = gated(backend)
    writer.add_many([b"0", b"1"])
    peek = reader.peek()
    calls: list[Callable[[], object]] = [
        reader.next,
        lambda: reader.next(None),
        lambda: reader.next_many(1),
        lambda: reader.next_many(3, None),
        lambda: reader.next_many(0),
        lambda: next(iter(reader)),
        lambda: reader.skip_to_latest(0),
        lambda: reader.peek(),
        lambda: reader.peek(2, None),
    ]
    for call in calls:
        with pytest.raises(backend.PeekOpen, match="reader is"):
            call()
    assert (reader.cursor, reader.lag, reader.backlog, reader.at_eof, reader.fileno() >= 0) == (0, 2, 2, False, True)
    peek.release()
    assert reader.next() == (b"1", 0)


@pytest.mark.clause("RING-75", "VIEW-3", "VIEW-4")
def test_a_view_keeps_a_peek_from_ending(backend: ModuleType) -> None:
    _, writer, reader = gated(backend)
    writer.add_many([b"01234567"] * 2)
    makers: list[Callable[[Any], Any]] = [
        lambda peek: peek.data,
        lambda peek: peek.slot(1),
        lambda peek: peek.slot(0)[2:3],
        lambda peek: peek.slot(0).cast("Q"),
        lambda peek: np.asarray(peek.data),
        lambda peek: np.frombuffer(peek.slot(0), "uint32")[1:],
    ]
    for make in makers:
        peek = reader.peek(2)
        view = make(peek)
        for call in (peek.release, lambda: peek.__exit__(None, None, None), reader.close):  # noqa: B023
            with pytest.raises(backend.ViewsOutstanding, match="data"):
                call()
        assert (peek.released, reader.closed, reader.cursor) == (False, False, 0)
        del view
        peek.release(0)
    with (peek := reader.peek()).slot(0) as view:
        assert bytes(view) == b"01234567"
    peek.release()
    assert reader.cursor == 1


def leave(peek: Any) -> None:
    """Leave the block of a peek by an exception."""
    with pytest.raises(ZeroDivisionError), peek:
        raise ZeroDivisionError


@pytest.mark.clause("RING-76")
@pytest.mark.parametrize("way", ["leave", "collect"])
def test_a_peek_that_is_given_up_passes_no_event(backend: ModuleType, collect: Callable[[], None], way: str) -> None:
    _, writer, reader = gated(backend)
    writer.add_many([b"0", b"1"])
    peek = reader.peek(2)
    if way == "leave":
        leave(peek)
        assert peek.released
    else:
        del peek
        collect()
    assert (reader.cursor, reader.delivered) == (0, 0)
    assert [event.data for event in reader] == [b"0", b"1"]


@pytest.mark.clause("RING-76", "RING-80")
def test_a_view_of_a_peek_that_was_given_up_keeps_it(backend: ModuleType, collect: Callable[[], None]) -> None:
    _, writer, reader = gated(backend)
    writer.add_many([b"0", b"1", b"2", b"3"])
    peek = reader.peek(2)
    view = peek.slot(1)[:1]
    leave(peek)
    del peek
    collect()
    with pytest.raises(backend.PeekOpen):
        reader.next()
    assert not writer.add(b"4")
    assert bytes(view) == b"1"
    del view
    collect()
    assert reader.next() == (b"0", 0)


@pytest.mark.clause("RING-76", "RING-19")
def test_a_view_keeps_the_ring_and_the_readers_registration(backend: ModuleType, collect: Callable[[], None]) -> None:
    ring, writer, reader = gated(backend)
    writer.add_many([b"0", b"1", b"2", b"3"])
    view = reader.peek(4).slot(3)
    del reader
    collect()
    assert (ring.readers, writer.add(b"4"), bytes(view)) == (1, False, b"3")
    del view
    collect()
    assert (ring.readers, writer.add(b"4")) == (0, True)
    _, writer, reader = gated(backend, 300, 7)
    writer.add_many([b"x" * 300] * 7)
    view = reader.peek(7).data
    del writer, reader
    collect()
    assert int(np.asarray(view)[:, :300].sum()) == ord("x") * 2_100


@pytest.mark.clause("RING-77")
def test_after_its_end_a_peek_is_refused(backend: ModuleType) -> None:
    ring, writer, reader = gated(backend)
    writer.add_many([b"0", b"1", b"2"])
    ended = [reader.peek()]
    ended[0].release()
    ended.append(reader.peek())
    leave(ended[1])
    other = backend.Reader(ring)
    ended.append(other.peek())
    other.close()
    uses: list[Callable[[Any], object]] = [
        lambda peek: peek.release(),
        lambda peek: peek.release("wrong as well"),
        lambda peek: peek.slot(0),
        lambda peek: peek.slot("wrong as well"),
        lambda peek: peek.data,
        lambda peek: peek.lengths,
        lambda peek: peek.event_types,
        lambda peek: peek.first_sequence,
        lambda peek: peek.count,
        lambda peek: peek.__enter__(),
    ]
    for peek in ended:
        for use in uses:
            with pytest.raises(backend.ReleasedHandle, match="self is"):
                use(peek)
        peek.__exit__(None, None, None)
        assert peek.released
        assert "released" in repr(peek)
    assert ring.readers == 1


@pytest.mark.clause("RING-78", "RING-20")
def test_an_eviction_frees_the_slots_of_a_peek(backend: ModuleType, collect: Callable[[], None]) -> None:
    ring, writer, reader = gated(backend)
    writer.add_many([b"0" * 8] * 4)
    peek = reader.peek(4)
    view = peek.slot(2)
    assert not writer.add(b"1" * 8)
    reader.evict()
    assert writer.add_many([b"1" * 8] * 9) == 9
    assert bytes(view) in (b"0" * 8, b"1" * 8)
    with pytest.raises(backend.RingClosed, match="evicted"):
        peek.release()
    with pytest.raises(backend.RingClosed, match="evicted"):
        peek.__exit__(None, None, None)
    assert ring.readers == 0
    reader.close()
    assert peek.released
    del ring, writer, reader, peek
    collect()
    assert bytes(view) in (b"0" * 8, b"1" * 8)


@pytest.mark.clause("RING-71", "PTR-9")
def test_a_peek_is_made_by_a_reader_alone_and_not_copied(backend: ModuleType) -> None:
    with pytest.raises(TypeError, match="Peek"):
        backend.Peek()
    _, writer, reader = gated(backend)
    writer.add_many([b"0", b"1", b"2"])
    peek = reader.peek(3)
    assert type(peek) is backend.Peek
    assert "3" in repr(peek)
    for make in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            make(peek)


@pytest.mark.clause("RING-79")
def test_an_overwriting_ring_has_no_peek(backend: ModuleType) -> None:
    ring = backend.RingBuffer(8, 4)
    backend.Writer(ring).add(b"x")
    reader = backend.Reader(ring)
    with pytest.raises(ValueError, match="gated"):
        reader.peek()
    with pytest.raises(ValueError, match="limit"):
        reader.peek(0)
    assert reader.next() == (b"x", 0)
    reader.close()
    with pytest.raises(backend.RingClosed):
        reader.peek()


@pytest.mark.clause("RING-72", "RING-73", "RING-15", "RING-80")
def test_events_read_in_place_are_whole_and_in_order(backend: ModuleType, threads: Any) -> None:
    ring = backend.RingBuffer(64, 7, mode="gated", wait_for_readers=1)
    events = 3_000 if backend.__name__.endswith("native") else 400
    writer, reader = backend.Writer(ring), backend.Reader(ring)

    def write() -> None:
        for number in range(events):
            while not writer.add(number.to_bytes(8, "little") * 8, number, timeout=0.01):
                threads.check()

    def read() -> None:
        number = 0
        while number < events:
            threads.check()
            peek = reader.peek(4, 0.01)
            if peek is None:
                continue
            with peek:
                assert peek.first_sequence == number
                assert list(peek.event_types) == list(range(number, number + peek.count))
                for index in range(peek.count):
                    with peek.slot(index) as slot:
                        assert bytes(slot) == number.to_bytes(8, "little") * 8
                    number += 1

    threads.run(write, read)


@pytest.mark.clause("ERR-8")
def test_a_forked_child_cannot_use_a_peek(backend: ModuleType) -> None:
    _, writer, reader = gated(backend)
    writer.add_many([b"0", b"1"])
    held = [reader.peek(2)]
    check_copy_in_child(
        backend,
        held,
        [
            lambda peek: peek.release(),
            lambda peek: peek.slot(0),
            lambda peek: peek.data,
            lambda peek: peek.lengths,
            lambda peek: peek.count,
            lambda peek: peek.__enter__(),
            lambda _: reader.peek(),
        ],
        [repr, lambda peek: peek.__exit__(None, None, None)],
    )
    held[0].release(1)
    assert reader.next() == (b"1", 0)
