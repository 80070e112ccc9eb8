"""Helpers of the operations: payloads in several forms, tokens, batches, and checks of what a backend offers."""

import array
from typing import Any, Final

from rusted_ring.reference.token import pool_of_token, slot_of_token
from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.registry import (
    Skip,
)
from rusted_ring.verify.lockstep.script import Literal, payload

LIMITS: Final = (64, 256, 1_024, 4_096, 16_384)


def triple(result: Any) -> list[tuple[int, int]]:
    """Return the slot of a new pointer or loan."""
    return [(int(result.pool_id), result.slot_index)]


def token_slots(result: Any) -> list[tuple[int, int]]:
    """Return the pools and slots of one token or of a batch of them."""
    return [(pool_of_token(token), slot_of_token(token)) for token in ([result] if isinstance(result, int) else result)]


def pool_of(length: int) -> int:
    """Return the number of the pool that serves a payload of that length."""
    return sum(length > limit for limit in LIMITS)


def form(data: Literal, choice: int) -> Literal:
    """Return a payload as another kind of buffer."""
    length = len(data.value)
    if choice == 1:
        return Literal(bytearray(data.value), f"bytearray({data.source})")
    if choice == 2 and length % 4 == 0 and length:
        return Literal(memoryview(data.value).cast("I"), f"memoryview({data.source}).cast('I')")
    if choice == 3 and length % 8 == 0 and length:
        return Literal(
            memoryview(data.value).cast("B", (length // 8, 8)),
            f"memoryview({data.source}).cast('B', ({length // 8}, 8))",
        )
    return data


def require(engine: Engine, *needs: str) -> None:
    """Skip the step if the backend lacks what it needs."""
    if not all(engine.offers(need) for need in needs):
        raise Skip


UNPICKLABLE: Final = ("pickle.dumps({0})", "copy.deepcopy({0})", "{0}.__reduce_ex__(4)")


def batch(first: int, second: int, count: int, tag: int, choice: int) -> tuple[str, tuple[Literal, ...]]:
    """Return a batch's arguments: `count` events of two alternating lengths, in one of the forms of a batch."""
    lengths = [second if index % 2 else first for index in range(count)]
    if choice < 2:
        items = [payload(length, (tag + index) % 250) for index, length in enumerate(lengths)]
        data = Literal([item.value for item in items], f"[{', '.join(item.source for item in items)}]")
        return ("{1}", (data,)) if choice else ("{1}, event_types={2}", (data, same(list(range(count)))))
    if choice < 4 and first:
        return "{1}, lengths={2}, event_types={3}", (payload(first * count, tag), same(first), same(tag))
    if choice == 4:
        words = Literal(array.array("I", lengths), f"array.array('I', {lengths})")
        return "{1}, lengths={2}, event_types={2}", (payload(sum(lengths), tag), words)
    if choice == 5:
        return "{1}, event_types={2}", (payload(first, tag), same(2**32 - 1))
    return "{1}, lengths={2}", (payload(sum(lengths), tag), same(lengths))


def same(value: object) -> Literal:
    """Return a value whose source is its repr."""
    return Literal(value, repr(value))
