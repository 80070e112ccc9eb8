"""Shrinking: a client is made smaller as long as it still shows the violation."""

from collections.abc import Sequence

from rusted_ring.verify.clients.shrinking import shrinks
from rusted_ring.verify.explorer.engine import CannotRun
from rusted_ring.verify.model_checking.harness import Explorer, Violation


def shrunk(
    explorer: Explorer,
    violation: Violation,
    *,
    weaken: Sequence[str] = (),
    strict: bool = False,
    most: int | None = None,
) -> Violation:
    """Make a client smaller while it still shows a violation: fewer operations, threads, slots.

    A smaller client may wait for an event that none of its threads adds any more. So with `weaken` the smaller client
    must be clean under the core's own orders, and without `weaken` a client with a deadlock is not shrunk.

    Args:
        explorer: the core.
        violation: the violation of the client.
        weaken: the orders under which it occurs.
        strict: see `linearizability.judge`.
        most: the number of executions after which the smallest client so far is returned, or None.

    Returns:
        A violation of the smallest client found.
    """
    if violation.kind == "deadlock" and not weaken:
        return violation
    smallest = violation
    again = True
    spent = 0
    while again:
        again = False
        for client in shrinks(smallest.client):
            if most is not None and spent >= most:
                return smallest
            try:
                explored = explorer.explore(client, weaken=weaken, strict=strict)
            except CannotRun:
                continue
            spent += explored.executions
            found = explored.violation
            # Only the same fault counts: a smaller client may fail for another reason that is the client's own.
            if found is None or (found.kind, found.clause) != (violation.kind, violation.clause):
                continue
            if not weaken or explorer.explore(client, strict=strict).violation is None:
                smallest, again = found, True
                break
    return smallest
