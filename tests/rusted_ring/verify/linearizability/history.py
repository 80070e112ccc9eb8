"""Histories: what the calls of a client answered, and which of them were over before which others began [SLOT-1].

The order is a partial one. Calls of one thread follow one another; for calls of two threads a history says which pairs
are ordered. Under the explorer that is happens-before, on real threads it is the clock.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class HistoryError(ValueError):
    """What was given is no history, or none of the client that it is said to be of: the message names the call."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a client and what it answered.

    Attributes:
        thread: the thread, 0 for the setup and the finish.
        op: the number of the operation in its thread; those of the finish come after those of the setup.
        results: the status and what the operation shows; see `judge` for each operation's results.
    """

    thread: int
    op: int
    results: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.thread}.{self.op}"


@dataclass(frozen=True, slots=True)
class History:
    """The calls of one execution.

    Attributes:
        calls: every call; those of one thread stand in their order.
        before: pairs of places in `calls`: all of the first call happened before all of the second.
        replay: the string that repeats the execution, empty where there is none.
    """

    calls: tuple[Call, ...]
    before: tuple[tuple[int, int], ...] = ()
    replay: str = field(default="", compare=False)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "History":
        """Return the history that the engine printed.

        Args:
            value: the object, as `json.loads` returns it.

        Raises:
            HistoryError: it is none; the message names what is wrong.
        """
        try:
            calls = tuple(
                Call(_number(call["thread"]), _number(call["op"]), tuple(map(_number, call["results"])))
                for call in value["calls"]
            )
            before = tuple((_number(first), _number(second)) for first, second in value["before"])
            replay = str(value.get("replay", ""))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HistoryError(f"{str(value)[:200]} is no history: {error!r}; give what the engine printed") from error
        for pair in before:
            for place in pair:
                if not 0 <= place < len(calls):
                    raise HistoryError(f"before names call {place} of {len(calls)}; give places of calls")
        return cls(calls, before, replay)

    @classmethod
    def from_text(cls, text: str) -> "History":
        """Return the history of a JSON text.

        Raises:
            HistoryError: it is no JSON, or no history.
        """
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise HistoryError(f"{text[:200]!r} is no JSON: {error}; give what the engine printed") from error
        return cls.from_json(value)

    def to_json(self) -> dict[str, Any]:
        """Return the history as the engine prints it."""
        return {
            "calls": [{"thread": call.thread, "op": call.op, "results": list(call.results)} for call in self.calls],
            "before": [list(pair) for pair in self.before],
            "replay": self.replay,
        }

    def predecessors(self, more: Iterable[tuple[int, int]] = ()) -> list[int]:
        """Return for each call the calls that were over before it, as the bits of an integer.

        Args:
            more: pairs that are ordered beside those of the history.

        Raises:
            HistoryError: a call would be before itself.
        """
        masks = [0] * len(self.calls)
        last: dict[int, int] = {}
        for place, call in enumerate(self.calls):
            if call.thread in last:
                masks[place] |= 1 << last[call.thread]
            last[call.thread] = place
        for first, second in self.before:
            masks[second] |= 1 << first
        for first, second in more:
            masks[second] |= 1 << first
        return closed(masks)


def closed(masks: Sequence[int]) -> list[int]:
    """Return a relation made transitive: bit i of mask j says that i is before j.

    Raises:
        HistoryError: something is before itself.
    """
    found = list(masks)
    for middle, mask in enumerate(found):
        bit = 1 << middle
        if mask & bit:
            raise HistoryError(
                f"call {middle} is before itself; give pairs of calls that were over before others began"
            )
        for place, other in enumerate(found):
            if other & bit:
                found[place] = other | found[middle]
    for place, mask in enumerate(found):
        if mask >> place & 1:
            raise HistoryError(f"call {place} is before itself; give pairs of calls that were over before others began")
    return found


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is not a number from 0")
    return value
