"""The chapter Sizes on both implementations."""

from types import ModuleType
from typing import Any

import pytest

LIMITS = {"XS": 64, "S": 256, "M": 1_024, "L": 4_096, "XL": 16_384, "XXL": 4_294_967_295}
NAMES = list(LIMITS)


@pytest.mark.clause("SIZE-1")
def test_classes_and_their_limits(backend: ModuleType) -> None:
    assert [(size.name, int(size)) for size in backend.EventSize] == list(LIMITS.items())
    assert LIMITS["XXL"] == 2**32 - 1


@pytest.mark.clause("SIZE-1", "SIZE-2")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_estimate_around_every_limit(backend: ModuleType, name: str, offset: int) -> None:
    length = LIMITS[name] + offset
    if length > LIMITS["XXL"]:
        with pytest.raises(backend.PayloadTooLarge):
            backend.EventAllocator.estimate_size(length)
        return
    expected = next(size for size, limit in LIMITS.items() if limit >= length)
    estimate = backend.EventAllocator.estimate_size(length)
    assert estimate is backend.EventSize[expected]


@pytest.mark.clause("SIZE-2")
def test_estimate_of_every_length_up_to_the_second_to_last_class(backend: ModuleType) -> None:
    for length in range(0, 17_000, 7):
        expected = next(name for name, limit in LIMITS.items() if limit >= length)
        assert backend.EventAllocator.estimate_size(length).name == expected


@pytest.mark.clause("SIZE-2")
@pytest.mark.parametrize("length", [0, 1])
def test_shortest_payloads_are_xs(backend: ModuleType, length: int) -> None:
    assert backend.EventAllocator.estimate_size(length) is backend.EventSize.XS


@pytest.mark.clause("SIZE-3")
@pytest.mark.parametrize("length", [-1, -(2**31), -(2**64)])
def test_estimate_below_zero_is_a_value_error(backend: ModuleType, length: int) -> None:
    with pytest.raises(ValueError, match="length") as caught:
        backend.EventAllocator.estimate_size(length)
    assert not isinstance(caught.value, backend.RingError)


@pytest.mark.clause("SIZE-3")
@pytest.mark.parametrize("length", [2**32, 2**63, 2**64, 2**200])
def test_estimate_above_the_largest_class_is_too_large(backend: ModuleType, length: int) -> None:
    with pytest.raises(backend.PayloadTooLarge):
        backend.EventAllocator.estimate_size(length)


@pytest.mark.clause("SIZE-4")
def test_pools_and_classes_are_one_to_one(backend: ModuleType) -> None:
    pools = [backend.PoolId.from_size(size) for size in backend.EventSize]
    assert [int(pool) for pool in pools] == [0, 1, 2, 3, 4, 5]
    assert [pool.size for pool in pools] == list(backend.EventSize)
    assert pools == list(backend.PoolId)


@pytest.mark.clause("SIZE-4")
@pytest.mark.parametrize("wrong", [64, 0, "XS", None, True])
def test_a_size_class_is_an_event_size_and_nothing_else(backend: ModuleType, wrong: Any) -> None:
    with pytest.raises(TypeError, match="size"):
        backend.PoolId.from_size(wrong)


@pytest.mark.clause("ERR-4", "SIZE-1", "SIZE-4")
@pytest.mark.parametrize("name", ["EventSize", "PoolId"])
@pytest.mark.parametrize("sign", [1, -1])
def test_message_of_a_number_of_thousands_of_digits_is_short(backend: ModuleType, name: str, sign: int) -> None:
    with pytest.raises(ValueError, match=f"about {'-' if sign < 0 else ''}10\\*\\*5000 is not a valid {name}"):
        getattr(backend, name)(sign * 10**5_000)
