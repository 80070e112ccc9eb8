"""What the reference takes for a number, a buffer, a batch and tokens."""

import ctypes
from array import array
from typing import Any

import pytest

from rusted_ring.reference.arguments import as_flag, as_text, batch_arguments, check_event_type, token_numbers
from rusted_ring.vocabulary.arguments import as_number, buffer_view, check_contiguous, number_between


class Five:
    """Something with `__index__`."""

    def __index__(self) -> int:
        """Return five."""
        return 5


@pytest.mark.clause("ERR-6")
def test_number_is_whatever_has_an_index_but_a_bool() -> None:
    assert as_number("n", 3) == 3
    assert as_number("n", Five()) == 5
    assert type(as_number("n", Five())) is int
    for value in (True, False, 1.0, "1", b"1", None, [1]):
        with pytest.raises(TypeError, match=r"^n is "):
            as_number("n", value)


@pytest.mark.clause("ERR-4")
def test_bounds_belong_to_the_range() -> None:
    assert [number_between("n", value, 2, 4, "x") for value in (2, 3, 4)] == [2, 3, 4]
    for value in (1, 5):
        with pytest.raises(ValueError, match=rf"^n is {value}: not from 2 to 4; give less"):
            number_between("n", value, 2, 4, "give less")


@pytest.mark.clause("ALLOC-23")
def test_event_type_is_a_u32() -> None:
    assert [check_event_type(value) for value in (0, 2**32 - 1)] == [0, 2**32 - 1]
    for value in (-1, 2**32):
        with pytest.raises(ValueError, match="event_type is"):
            check_event_type(value)


@pytest.mark.clause("ERR-4")
def test_flags_and_texts_are_of_their_types() -> None:
    assert as_flag("spill", True) is True
    assert as_text("mode", "gated") == "gated"
    with pytest.raises(TypeError, match="spill is 1"):
        as_flag("spill", 1)
    with pytest.raises(TypeError, match="mode is b'gated'"):
        as_text("mode", b"gated")


@pytest.mark.clause("ALLOC-5", "ERR-4")
def test_buffer_is_anything_with_one_and_must_be_contiguous() -> None:
    for value in (b"ab", bytearray(b"ab"), array("B", b"ab"), memoryview(b"ab"), (ctypes.c_char * 2)(b"a", b"b")):
        assert buffer_view("data", value).tobytes() == b"ab"
    for wrong in (None, "ab", 2, [1, 2]):
        with pytest.raises(TypeError, match=r"^data is "):
            buffer_view("data", wrong)
    with pytest.raises(ValueError, match=r"^data is .*copy"):
        check_contiguous("data", memoryview(b"abcd")[::2])
    released = memoryview(b"ab")
    released.release()
    with pytest.raises(ValueError, match=r"^data is "):
        buffer_view("data", released)


@pytest.mark.clause("ALLOC-14", "RING-25")
def test_batches_in_every_form() -> None:
    u32 = array("I", [2, 0, 1])
    forms: list[tuple[Any, Any, Any, list[bytes], list[int]]] = [
        (b"abc", None, 0, [b"abc"], [0]),
        (b"", None, 0, [b""], [0]),
        (b"abcd", 2, 5, [b"ab", b"cd"], [5, 5]),
        (b"", 2, [], [], []),
        (b"abc", u32, [7, 8, 9], [b"ab", b"", b"c"], [7, 8, 9]),
        (b"abc", (2, Five() and 0, 1), u32, [b"ab", b"", b"c"], [2, 0, 1]),
        ([b"ab", bytearray(b"c")], None, (1, 2), [b"ab", b"c"], [1, 2]),
        ((), None, 0, [], []),
        (array("H", [1, 2]), 2, 0, [array("H", [1]).tobytes(), array("H", [2]).tobytes()], [0, 0]),
    ]
    for data, lengths, event_types, payloads, types in forms:
        assert batch_arguments(data, lengths, event_types) == (payloads, types)


@pytest.mark.clause("ALLOC-14", "RING-25", "ERR-4", "ERR-6", "ALLOC-23")
@pytest.mark.parametrize(
    ("data", "lengths", "event_types", "error", "named"),
    [
        ("abc", None, 0, TypeError, "data"),
        (None, None, 0, TypeError, "data"),
        ([b"a", None], None, 0, TypeError, r"data\[1\]"),
        (b"abc", True, 0, TypeError, "lengths"),
        (b"abc", 1.0, 0, TypeError, "lengths"),
        (b"abc", [1, 2.0], 0, TypeError, r"lengths\[1\]"),
        (b"abc", "3", 0, TypeError, "lengths"),
        (b"abc", 1, "0", TypeError, "event_types"),
        (b"abc", 1, [0, 0, False], TypeError, r"event_types\[2\]"),
        (memoryview(b"abcd")[::2], "bad type first", 0, TypeError, "lengths"),
        (memoryview(b"abcd")[::2], 1, 0, ValueError, "data"),
        ([b"a", memoryview(b"abcd")[::2]], None, 0, ValueError, r"data\[1\]"),
        (b"abc", 0, 0, ValueError, "lengths"),
        (b"abc", -1, 0, ValueError, "lengths"),
        (b"abc", 2, 0, ValueError, "lengths"),
        (b"abc", [1, 1], 0, ValueError, "lengths"),
        (b"abc", [4, -1], 0, ValueError, r"lengths\[1\]"),
        (b"abc", [2**32], 0, ValueError, r"lengths\[0\]"),
        ([b"abc"], 3, 0, ValueError, "lengths"),
        (b"abc", 1, -1, ValueError, "event_types"),
        (b"abc", 1, 2**32, ValueError, "event_types"),
        (b"abc", 1, [0, 0], ValueError, "event_types"),
        (b"abc", 1, [0, 0, 2**32], ValueError, r"event_types\[2\]"),
    ],
)
def test_batches_that_are_none(data: Any, lengths: Any, event_types: Any, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=f"^{named} is "):
        batch_arguments(data, lengths, event_types)


@pytest.mark.clause("ALLOC-15", "ERR-4")
def test_tokens_in_every_form() -> None:
    numbers = [1, 2**63, 2**64 - 1]
    buffer = array("Q", numbers)
    for value in (buffer, memoryview(buffer), memoryview(buffer).toreadonly(), numbers, tuple(numbers), iter(numbers)):
        assert token_numbers(value) == numbers
    assert token_numbers((ctypes.c_uint64 * 3)(*numbers)) == numbers
    assert token_numbers([]) == token_numbers(array("Q")) == []
    numpy = pytest.importorskip("numpy")
    assert token_numbers(numpy.array(numbers, dtype=numpy.uint64)) == numbers


@pytest.mark.clause("ALLOC-15", "ERR-4", "ERR-6")
@pytest.mark.parametrize("value", [None, 5, "5", b"12345678", array("q", [1]), array("I", [1]), [True], [1.0], ["1"]])
def test_tokens_of_wrong_types(value: object) -> None:
    with pytest.raises(TypeError, match=r"^tokens"):
        token_numbers(value)


@pytest.mark.clause("ALLOC-15")
def test_tokens_of_a_strided_buffer_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^tokens"):
        token_numbers(memoryview(array("Q", [1, 2, 3]))[::2])
