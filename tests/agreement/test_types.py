"""What a type checker says of calls that the implementations refuse: `mypy --strict` runs over this file too.

A comment that ignores an error which a checker does not find is an error of its own.
"""

import numpy
import pytest

import rusted_ring.native as native
import rusted_ring.reference as reference


@pytest.mark.clause("ERR-4")
def test_text_is_no_payload() -> None:
    mine, model = native.EventAllocator(native.TINY), reference.EventAllocator(reference.TINY)
    writer, model_writer = native.Writer(native.RingBuffer(8, 4)), reference.Writer(reference.RingBuffer(8, 4))
    with pytest.raises(TypeError, match="data"):
        writer.add("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data"):
        model_writer.add("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data"):
        writer.add_many(["text"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="data"):
        model_writer.add_many(["text"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="data"):
        mine.allocate("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data"):
        model.allocate("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data"):
        native.handle_ffi_event(mine, "text", 0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data"):
        reference.handle_ffi_event(model, "text", 0)  # type: ignore[arg-type]


@pytest.mark.clause("ALLOC-5", "RING-25")
def test_buffers_of_every_kind_are() -> None:
    writer, model_writer = native.Writer(native.RingBuffer(8, 4)), reference.Writer(reference.RingBuffer(8, 4))
    array = numpy.arange(4, dtype="u1")
    for added in (
        writer.add(b"abcd"),
        writer.add(bytearray(4)),
        writer.add(memoryview(b"abcd")),
        writer.add(array),
        writer.add_many([b"a", array]) == 2,
        model_writer.add(array),
        model_writer.add_many([memoryview(b"a"), array]) == 2,
    ):
        assert added
