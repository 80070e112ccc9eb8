"""An event and its loose reference come into being in one step [PTR-11]: the one fact that joins two objects.

The judge orders a slot and its loose references apart, as two objects. So it lets a call be told that the event is
there and that its loose reference is not, although the allocation that made the event made the reference with it. What
excuses the answer is named here; an answer without excuse is wrong.
"""

from collections.abc import Iterator
from typing import Any

from rusted_ring.verify.linearizability.client_state import Problem
from rusted_ring.verify.linearizability.search import Step
from rusted_ring.verify.linearizability.subhistories import Subhistories
from rusted_ring.vocabulary.sizes import PoolId


def lone_events(subhistories: Subhistories) -> Iterator[Problem]:
    """Yield each call that found an event without the loose reference that was made with it [PTR-11, PTR-14].

    A call may be told that there is no loose reference if a call that may come before it took one, if it may have met
    an event that was made without one, or if no allocation may come before it, which the slot's own order refuses.
    """
    for kind, pool, slot in [subject for subject in subhistories.lanes if subject[0] == "loose"]:
        loose = _calls(subhistories, (kind, pool, slot))
        states = _calls(subhistories, ("slot", pool, slot))
        takers = {call for call, step in loose if step[0] == "claim"} | {c for c, step in states if step[0] == "stale"}
        makers = {call for call, step in loose if step[0] == "loosen"}
        taken = [call for call, step in states if step[0] == "take"]
        made = [(call, step[1]) for call, step in states if step[0] in ("publish", "commit")]
        generations = {call: step[1] for call, step in states if step[0] == "live"}
        for refused in [call for call, step in loose if step[0] == "none"]:
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
                name = f"loose references of slot {slot} of {PoolId(pool).name}"
                made_by = " or ".join(subhistories.name(call) for call in met)
                found = f"found the event of {made_by}, and not the loose reference made with it"
                words = f"{subhistories.name(refused)} {found}"
                yield Problem(name, "PTR-11", words, (refused, *met))


def _calls(subhistories: Subhistories, subject: tuple[Any, ...]) -> list[tuple[int, Step]]:
    lanes = subhistories.lanes.get(subject, {})
    return [(point.call, point.step) for lane in lanes.values() for point in lane]


def _precedes(subhistories: Subhistories, first: int, second: int) -> bool:
    return bool(subhistories.predecessors[second] >> first & 1)


def _may_precede(subhistories: Subhistories, first: int, second: int) -> bool:
    return not _precedes(subhistories, second, first)
