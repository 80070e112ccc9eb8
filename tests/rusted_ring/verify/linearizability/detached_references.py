"""An allocation makes an event and its detached reference in one step [PTR-11]: the one fact that joins two objects.

The judge orders a slot and its detached references separately, as two objects. Either order alone accepts a call that
finds the event but not its detached reference, although the allocation made both in one step. This module lists the
reasons for which that answer is right; without such a reason it is wrong.
"""

from collections.abc import Iterator
from typing import Any

from rusted_ring.verify.linearizability.client_state import Problem
from rusted_ring.verify.linearizability.search import Step
from rusted_ring.verify.linearizability.subhistories import Subhistories
from rusted_ring.vocabulary.sizes import PoolId


def lone_events(subhistories: Subhistories) -> Iterator[Problem]:
    """Yield a problem for each call that found an event without the detached reference made with it [PTR-11, PTR-14].

    A call may find no detached reference if a call that may precede it took one, if it may have found an event that was
    made without one, or if no allocation may precede it. The slot's own order excludes the last case.
    """
    for kind, pool, slot in [subject for subject in subhistories.points if subject[0] == "detached"]:
        detached = _calls(subhistories, (kind, pool, slot))
        states = _calls(subhistories, ("slot", pool, slot))
        takers = {call for call, step in detached if step[0] == "claim"} | {
            c for c, step in states if step[0] == "stale"
        }
        makers = {call for call, step in detached if step[0] == "detach"}
        taken = [call for call, step in states if step[0] == "take"]
        made = [(call, step[1]) for call, step in states if step[0] in ("publish", "commit")]
        generations = {call: step[1] for call, step in states if step[0] == "live"}
        for refused in [call for call, step in detached if step[0] == "none"]:
            generation = generations.get(refused, -1)
            if generation < 0 or any(_may_precede(subhistories, taker, refused) for taker in takers):
                continue
            met = [
                call
                for call, of in made
                if of == generation
                and _may_precede(subhistories, call, refused)
                and not any(
                    _precedes(subhistories, call, other) and _precedes(subhistories, other, refused) for other in taken
                )
            ]
            if met and makers.issuperset(met):
                name = f"detached references of slot {slot} of {PoolId(pool).name}"
                made_by = " or ".join(subhistories.name(call) for call in met)
                found = f"found the event of {made_by}, but not the detached reference made with it"
                words = f"{subhistories.name(refused)} {found}"
                yield Problem(name, "PTR-11", words, (refused, *met))


def _calls(subhistories: Subhistories, subject: tuple[Any, ...]) -> list[tuple[int, Step]]:
    by_thread = subhistories.points.get(subject, {})
    return [(point.call, point.step) for listed in by_thread.values() for point in listed]


def _precedes(subhistories: Subhistories, first: int, second: int) -> bool:
    return bool(subhistories.predecessors[second] >> first & 1)


def _may_precede(subhistories: Subhistories, first: int, second: int) -> bool:
    return not _precedes(subhistories, second, first)
