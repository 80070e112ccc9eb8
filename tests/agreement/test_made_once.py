"""An object is initialized once, from arguments of the right types: no second `__init__`, no mocks."""

import gc
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, Mock, create_autospec

import pytest


def arguments(backend: ModuleType) -> dict[str, Callable[[], tuple[Any, ...]]]:
    """Return, by class, what makes the arguments of an object of it."""
    allocator = backend.EventAllocator()
    return {
        "EventAllocator": tuple,
        "EventPools": lambda: (backend.TINY,),
        "RingBuffer": lambda: (8, 2),
        "Writer": lambda: (backend.RingBuffer(8, 2),),
        "Reader": lambda: (backend.RingBuffer(8, 2, mode="gated", max_readers=2),),
        "RingPtr": lambda: (0, backend.allocate_to_pool(allocator, b"x", 0), 0, allocator),
        "WeakRingPtr": lambda: (0, 0, 0, allocator),
    }


NAMES = ("EventAllocator", "EventPools", "RingBuffer", "Writer", "Reader", "RingPtr", "WeakRingPtr")


@pytest.mark.clause("ERR-9", "PTR-8", "ERR-1")
def test_no_object_is_initialized_twice(backend: ModuleType) -> None:
    allocator, ring = backend.EventAllocator(backend.TINY), backend.RingBuffer(8, 2)
    pools, writer, reader = backend.EventPools(backend.TINY), backend.Writer(ring), backend.Reader(ring)
    pointer = allocator.allocate(b"kept")
    weak = pointer.downgrade()
    detached = backend.allocate_to_pool(allocator, b"detached", 0)
    triple = (0, detached, 0, allocator)
    for thing, again in (
        *((allocator, ()), (pools, ()), (ring, (8, 2)), (writer, (ring,)), (writer, (backend.RingBuffer(8, 2),))),
        *((reader, (ring,)), (pointer, triple), (weak, triple)),
    ):
        with pytest.raises(TypeError, match="initialized already"):
            thing.__init__(*again)
    writer.add(b"event")
    assert (pointer.bytes, allocator.profile.name, pools.profile.name) == (b"kept", "tiny", "tiny")
    assert reader.next() == (b"event", 0)
    assert weak.upgrade().bytes == b"kept"
    with backend.RingPtr(*triple) as other:
        assert other.bytes == b"detached"


@pytest.mark.clause("ERR-9")
@pytest.mark.parametrize("name", NAMES)
def test_of_many_threads_one_makes_an_object(backend: ModuleType, name: str) -> None:
    make = arguments(backend)[name]
    kind = getattr(backend, name)
    for _ in range(20):
        thing, given = kind.__new__(kind), [make() for _ in range(4)]
        gate = threading.Barrier(4)
        outcomes: list[str] = []

        def init(own: tuple[Any, ...], thing: Any = thing, gate: Any = gate, outcomes: list[str] = outcomes) -> None:
            gate.wait()
            try:
                thing.__init__(*own)
                outcomes.append("made")
            except TypeError:
                outcomes.append("refused")

        threads = [threading.Thread(target=init, args=(own,)) for own in given]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["made", "refused", "refused", "refused"]
        assert repr(thing)


@pytest.mark.clause("ERR-9", "ERR-1")
def test_a_constructor_entered_from_within(backend: ModuleType) -> None:
    class Again:
        """An integer that makes the same object while it is being asked for."""

        def __init__(self, thing: Any, *inner: Any) -> None:
            self.thing, self.inner = thing, inner

        def __index__(self) -> int:
            self.thing.__init__(*self.inner)
            return 0

    ring = backend.RingBuffer.__new__(backend.RingBuffer)
    with pytest.raises((TypeError, backend.LayoutError)):
        ring.__init__(Again(ring, 8, 2), 4)
    assert (ring.size, ring.capacity) == (8, 2)
    source = backend.RingBuffer(8, 2)
    reader = backend.Reader.__new__(backend.Reader)
    with pytest.raises(TypeError, match="initialized already"):
        reader.__init__(source, cursor=Again(reader, source))
    backend.Writer(source).add(b"x")
    assert reader.next() == (b"x", 0)
    allocator = backend.EventAllocator(backend.TINY)
    inner, outer = (backend.allocate_to_pool(allocator, name, 0) for name in (b"inner", b"outer"))
    pointer = backend.RingPtr.__new__(backend.RingPtr)
    with pytest.raises(TypeError, match="initialized already"):
        pointer.__init__(Again(pointer, 0, inner, 0, allocator), outer, 0, allocator)
    assert pointer.bytes == b"inner"
    with backend.RingPtr(0, outer, 0, allocator) as left:
        assert left.bytes == b"outer"
    del pointer, left
    gc.collect()
    assert allocator.stats()[0].live == 0


@pytest.mark.clause("ERR-1", "ERR-9")
def test_an_object_that_could_not_be_made_can_be_made_later(backend: ModuleType) -> None:
    ring = backend.RingBuffer(8, 2)
    first, second = backend.Writer(ring), backend.Writer.__new__(backend.Writer)
    with pytest.raises(backend.WriterTaken):
        second.__init__(ring)
    first.close()
    second.__init__(ring)
    assert second.add(b"x")


@pytest.mark.clause("ERR-4", "ALLOC-24")
@pytest.mark.parametrize("mocked", [Mock, MagicMock, create_autospec, "class", "stranger"])
def test_mocks_are_no_objects(backend: ModuleType, mocked: Any) -> None:
    """`isinstance` believes `__class__`, which mocks change; what a call needs is looked for in the type itself."""

    def pretended(kind: type) -> Any:
        if mocked == "class":
            return type("Pretender", (), {"__class__": kind})()
        if mocked == "stranger":
            return kind
        return mocked(spec=kind) if mocked is not create_autospec else mocked(kind, instance=True)

    ring, allocator = pretended(backend.RingBuffer), pretended(backend.EventAllocator)
    calls: list[Callable[[], Any]] = [
        lambda: backend.Writer(ring),
        lambda: backend.Reader(ring),
        lambda: backend.Reader(ring, start="latest", cursor=None),
        lambda: backend.EventAllocator(pretended(type(backend.TINY))),
        lambda: backend.EventPools(pretended(type(backend.TINY))),
        lambda: backend.RingPtr(0, 0, 0, allocator),
        lambda: backend.RingPtr.from_token(2**61, allocator),
        lambda: backend.WeakRingPtr(0, 0, 0, allocator),
        lambda: backend.WeakRingPtr.from_token(2**61, allocator),
        lambda: backend.allocate_from_pool(allocator, b"x", 0),
        lambda: backend.allocate_to_pool(allocator, b"x", 0),
        lambda: backend.handle_ffi_event(allocator, b"x", 0),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"ringbuffer|allocator|profile"):
            call()


@pytest.mark.clause("ERR-4")
def test_objects_of_the_other_implementation_are_strangers(reference: ModuleType, native: ModuleType) -> None:
    for one, two in ((reference, native), (native, reference)):
        with pytest.raises(TypeError, match="ringbuffer"):
            one.Writer(two.RingBuffer(8, 2))
        with pytest.raises(TypeError, match="allocator"):
            one.RingPtr(0, 0, 0, two.EventAllocator())
