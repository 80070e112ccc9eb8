"""Smaller clients of a client: the steps by which a failing client is shrunk."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from rusted_ring.verify.clients.language import OVERWRITE, Client, ClientError
from rusted_ring.verify.clients.operations import (
    POOL_OPERATIONS,
    RING_OPERATIONS,
    Operation,
)

# Smaller clients


def shrinks(client: Client) -> Iterator[Client]:
    """Yield clients that are each smaller in one respect, the greatest steps first.

    One thread less, one operation less (of the threads, then of the setup), a smaller pool or ring, narrower widths.
    """
    for index in range(len(client.threads)):
        if len(client.threads) > 1:
            yield from _valid(
                client, threads=_without_thread(client, index + 1), setup=_setup_without(client, index + 1)
            )
    for index, thread in enumerate(client.threads):
        for at in reversed(range(len(thread))):
            shorter = (*thread[:at], *thread[at + 1 :])
            yield from _valid(client, threads=(*client.threads[:index], shorter, *client.threads[index + 1 :]))
    for at in reversed(range(len(client.setup))):
        yield from _valid(client, setup=(*client.setup[:at], *client.setup[at + 1 :]))
    yield from _smaller_bulk(client)
    pool, ring = client.pool, client.ring
    if pool is not None:
        if not any(o.name in POOL_OPERATIONS for group in (client.setup, *client.threads) for o in group):
            yield from _valid(client, pool=None)
        for field in ("slots", "heap_slots", "ref_bits", "generation_bits", "tag_bits"):
            value = getattr(pool, field)
            least = 0 if field == "tag_bits" else 1
            for smaller in sorted({least, value // 2, value - 1}):
                if least <= smaller < value:
                    yield from _valid(client, pool=dataclasses.replace(pool, **{field: smaller}))
    if ring is not None:
        if not any(o.name in RING_OPERATIONS for group in (client.setup, *client.threads) for o in group):
            yield from _valid(client, ring=None)
        for field in ("capacity", "awaited", "readers", "size", "length"):
            value = getattr(ring, field)
            if value > (field not in ("length", "awaited")) and not (field == "readers" and ring.mode == OVERWRITE):
                awaited = min(ring.awaited, value - 1) if field in ("readers", "awaited") else ring.awaited
                yield from _valid(client, ring=dataclasses.replace(ring, **{field: value - 1, "awaited": awaited}))


def _valid(client: Client, **changes: Any) -> Iterator[Client]:
    try:
        yield dataclasses.replace(client, name="", **changes)
    except ClientError:
        return


def _renumbered(argument: str, kind: str, gone: int) -> str:
    """Return the name of a variable after a thread was removed."""
    if kind in ("n", "e", "at") or not argument[0].isdigit() or int(argument[0]) < gone:
        return argument
    return f"{int(argument[0]) - 1}{argument[1:]}"


def _rename(operation: Operation, gone: int) -> Operation:
    arguments = zip(operation.kinds(), operation.arguments, strict=True)
    return Operation(operation.name, tuple(_renumbered(argument, kind, gone) for kind, argument in arguments))


def _without_thread(client: Client, gone: int) -> tuple[tuple[Operation, ...], ...]:
    return tuple(
        tuple(_rename(operation, gone) for operation in thread if not _mentions(operation, gone))
        for number, thread in enumerate(client.threads, 1)
        if number != gone
    )


def _setup_without(client: Client, gone: int) -> tuple[Operation, ...]:
    """Return the setup for one thread less, without what it made for that thread, unless other calls need it."""
    kept = []
    for operation in client.setup:
        if not _mentions(operation, gone):
            kept.append(_rename(operation, gone))
        elif any(kind[0] in "pt" for kind in operation.kinds()):
            # A pointer that is cloned, or whose token is shared, stays, as a variable of the setup's own thread.
            arguments = zip(operation.kinds(), operation.arguments, strict=True)
            moved = [
                f"0{argument[1:]}" if kind[0] in "pl" and argument.startswith(str(gone)) else argument
                for kind, argument in arguments
            ]
            kept.append(_rename(Operation(operation.name, tuple(moved)), gone))
    return tuple(kept)


def _mentions(operation: Operation, thread: int) -> bool:
    arguments = zip(operation.kinds(), operation.arguments, strict=True)
    return any(kind not in ("n", "e", "at") and argument.startswith(str(thread)) for kind, argument in arguments)


def _smaller_bulk(client: Client) -> Iterator[Client]:
    groups = (client.setup, *client.threads)
    for number, operations in enumerate(groups):
        for at, operation in enumerate(operations):
            for index, kind in enumerate(operation.kinds()):
                if kind == "n" and int(operation.arguments[index]) > 1:
                    less = str(int(operation.arguments[index]) - 1)
                    arguments = (*operation.arguments[:index], less, *operation.arguments[index + 1 :])
                    changed = (*operations[:at], Operation(operation.name, arguments), *operations[at + 1 :])
                    every = [*groups[:number], changed, *groups[number + 1 :]]
                    yield from _valid(client, setup=every[0], threads=tuple(every[1:]))
