"""An object of the core is made once: making it anew in place would free what another thread is in a call on."""

from types import ModuleType

import pytest


@pytest.mark.clause("PTR-8", "ERR-1")
def test_no_object_is_made_anew_in_its_place(native: ModuleType) -> None:
    allocator, ring = native.EventAllocator(native.TINY), native.RingBuffer(8, 2)
    pools, writer, reader = native.EventPools(native.TINY), native.Writer(ring), native.Reader(ring)
    pointer = allocator.allocate(b"kept")
    for thing, arguments in ((allocator, ()), (pools, ()), (ring, (8, 2)), (writer, (ring,)), (reader, (ring,))):
        with pytest.raises(TypeError, match="made already"):
            thing.__init__(*arguments)
    writer.add(b"event")
    assert (pointer.bytes, allocator.profile.name, pools.profile.name) == (b"kept", "tiny", "tiny")
    assert reader.next() == (b"event", 0)


@pytest.mark.clause("ERR-1")
def test_a_writer_that_could_not_be_made_can_be_shown(native: ModuleType) -> None:
    ring = native.RingBuffer(8, 2)
    first = native.Writer(ring)
    second = native.Writer.__new__(native.Writer)
    with pytest.raises(native.WriterTaken):
        second.__init__(ring)
    assert "Writer of" in repr(second)
    first.close()
    second.__init__(ring)
    assert second.add(b"x")
