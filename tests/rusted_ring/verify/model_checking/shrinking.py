"""A client made smaller while it still shows what is wrong."""

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

    A smaller client may wait for what none of its threads does any more. So with `weaken` it must be without fault
    under its own orders, and without `weaken` a deadlock stays as large as it is.

    Args:
        explorer: the core.
        violation: what a client showed.
        weaken: the orders under which it did.
        strict: see `linearizability.judge`.
        most: executions after which the smallest client so far is the answer, or None.

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
            # The same fault: a smaller client may be wrong in another way, being no proper client any more.
            if found is None or (found.kind, found.clause) != (violation.kind, violation.clause):
                continue
            if not weaken or explorer.explore(client, strict=strict).violation is None:
                smallest, again = found, True
                break
    return smallest
