"""Waiting on a reader's descriptor, on both implementations."""

import functools
import select
import selectors
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ring_events import MODES, make  # type: ignore[import-not-found, unused-ignore]
from waiting_threads import LONG, is_readable, later, open_descriptors, run_program  # type: ignore[import-not-found, unused-ignore]


@pytest.mark.clause("RING-35", "RING-60")
@pytest.mark.parametrize("mode", MODES)
def test_descriptor_says_when_to_look(backend: ModuleType, mode: str) -> None:
    _, writer, reader = make(backend, mode, capacity=4)
    descriptor = reader.fileno()
    assert isinstance(descriptor, int)
    assert reader.fileno() == descriptor
    assert is_readable(reader)  # the reader has not looked yet
    for turn in range(5):
        assert reader.next() is None
        assert not is_readable(reader)
        assert reader.next() is None
        writer.add(b"%d" % turn)
        writer.add(b"more")
        assert is_readable(descriptor)
        assert reader.next().data == b"%d" % turn
        assert is_readable(descriptor)
        assert [event.data for event in reader] == [b"more"]
        assert not is_readable(descriptor)
        assert len(reader.next_many(3)) == 0
        assert writer.add_many([b"1", b"2", b"3"]) == 3
        assert is_readable(descriptor)
        assert len(reader.next_many(2)) == 2
        assert is_readable(descriptor)
        assert len(reader.next_many(2)) == 1
        assert is_readable(descriptor)  # this call has found an event


@pytest.mark.clause("RING-60", "RING-11")
def test_descriptor_of_a_lapped_reader(backend: ModuleType) -> None:
    _, writer, reader = make(backend, capacity=2)
    reader.fileno()
    assert reader.next() is None
    writer.add_many([b"0", b"1", b"2", b"3"])
    assert is_readable(reader)
    with pytest.raises(backend.Lagged):
        reader.next()
    assert is_readable(reader)
    assert [event.data for event in reader] == [b"2", b"3"]
    assert not is_readable(reader)


@pytest.mark.clause("RING-60", "RING-6")
def test_descriptors_of_readers_are_apart(backend: ModuleType) -> None:
    ring, writer, reader = make(backend)
    other = backend.Reader(ring)
    assert reader.fileno() != other.fileno()
    assert reader.next() is None
    assert other.next() is None
    writer.add(b"for both")
    assert is_readable(reader)
    assert is_readable(other)
    assert len(list(reader)) == 1
    assert not is_readable(reader)
    assert is_readable(other)


@pytest.mark.clause("RING-60", "RING-32")
@pytest.mark.parametrize("end", ["close", "evict"])
def test_descriptor_of_a_reader_that_ends(backend: ModuleType, end: str) -> None:
    _, _, reader = make(backend, "gated")
    descriptor = reader.fileno()
    assert reader.next() is None
    thread = later(getattr(reader, end))
    assert is_readable(descriptor, LONG)
    thread.join()
    with pytest.raises(backend.RingClosed):
        reader.next()
    with pytest.raises(backend.RingClosed):
        reader.fileno()
    assert is_readable(descriptor)  # as long as there is the reader


@pytest.mark.clause("RING-35")
def test_descriptors_end_with_their_readers(backend: ModuleType, collect: Callable[[], None]) -> None:
    ring, writer, _ = make(backend)
    before = open_descriptors()
    for _ in range(50):
        reader = backend.Reader(ring)
        assert is_readable(reader)
        reader.next_many(100)
        assert reader.next() is None
        assert not is_readable(reader)
        del reader
        collect()
        writer.add(b"for no reader")
        assert open_descriptors() <= before + 2  # a ring may keep them for its next reader
    del ring, writer, _
    collect()
    assert open_descriptors() <= before


@pytest.mark.clause("RING-35", "RING-60")
@pytest.mark.parametrize("selector", [selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector])
def test_descriptor_in_a_selector(backend: ModuleType, selector: Any) -> None:
    """Registered once: it is readable again and again."""
    _, writer, reader = make(backend)
    with selector() as chosen:
        chosen.register(reader, selectors.EVENT_READ)
        for turn in range(20):
            while reader.next() is not None:
                pass
            assert chosen.select(0) == []
            thread = later(functools.partial(writer.add, b"%d" % turn), 0.001)
            (key, _), *rest = chosen.select(LONG)
            thread.join()
            assert key.fileobj is reader
            assert rest == []
            assert reader.next().data == b"%d" % turn


@pytest.mark.clause("RING-35", "ERR-8")
def test_forked_process_leaves_the_descriptor_to_its_parent(backend: ModuleType) -> None:
    printed = run_program(
        backend,
        """
        import os, select, warnings
        def is_readable(descriptor):
            return bool(select.select([descriptor], [], [], 0)[0])
        descriptor = reader.fileno()
        reader.next()
        child = os.fork()
        if child == 0:
            said = [is_readable(descriptor)]
            try:
                reader.fileno()
            except backend.ForkedCopy:
                said += ["forked"]
            reader.close()
            writer.close()
            del reader, writer, ring
            said += [is_readable(descriptor)]
            print(said, flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1], is_readable(descriptor), reader.next())
        writer.add(b"the parent's")
        print(is_readable(descriptor), reader.fileno() == descriptor, reader.next().data)
        """,
    )
    assert printed.splitlines() == [
        "[False, 'forked', False]",
        "0 False None",
        """True True b"the parent's\"""",
    ]


@pytest.mark.clause("RING-53", "RING-35")
@pytest.mark.parametrize("closes", [True, False])
def test_nothing_that_watched_a_reader_hears_of_the_next(
    backend: ModuleType, collect: Callable[[], None], closes: bool
) -> None:
    ring, writer, first = make(backend)
    with select.epoll() as watching:
        for _ in range(20):
            watching.register(first.fileno(), select.EPOLLIN)  # never `FileExistsError`
            assert first.next() is None
            if closes:
                first.close()
                assert len(watching.poll(0)) == 1  # it is told of the end, as long as there is the reader
            del first
            collect()
            other = backend.Reader(ring, start="latest")
            other.fileno()
            assert other.next() is None
            writer.add(b"for the other")
            assert is_readable(other)
            assert watching.poll(0) == []
            first, other = other, None
            assert first.next() is not None


@pytest.mark.clause("RING-53")
@pytest.mark.parametrize("selector", [selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector])
def test_closed_reader_can_be_unregistered(backend: ModuleType, selector: Any, collect: Callable[[], None]) -> None:
    ring, writer, reader = make(backend)
    with selector() as chosen:
        for turn in range(5):
            chosen.register(reader, selectors.EVENT_READ)
            assert reader.next() is None
            assert chosen.select(0) == []
            reader.close()
            assert [key.fileobj for key, _ in chosen.select(0)] == [reader]
            chosen.unregister(reader)
            reader = backend.Reader(ring, start="latest")
            collect()
            writer.add(b"%d" % turn)
            assert reader.next() is not None
