"""Histories: the results of a client's calls, and which calls returned before which others began [SLOT-1].

The order is partial. The calls of one thread follow one another; for calls of two threads a history lists the pairs
that are ordered. Under the explorer the order is happens-before, on real threads it is that of the clock.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class HistoryError(ValueError):
    """The value is not a history, or not a history of the given client: the message names the call."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a client and its results.

    Attributes:
        thread: the thread, 0 for the setup and the finish.
        op: the index of the operation in its thread; the operations of the finish come after those of the setup.
        results: the status, then the operation's results, which `judge` lists.
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
        calls: every call; the calls of one thread are in its order.
        before: pairs of indices into `calls`: all of the first call happened before all of the second.
        replay: the string that repeats the execution, empty if there is none.
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
            HistoryError: it is not a history; the message names what is wrong.
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
            for index in pair:
                if not 0 <= index < len(calls):
                    raise HistoryError(f"before names call {index} of {len(calls)}; give indices of calls")
        return cls(calls, before, replay)

    @classmethod
    def from_text(cls, text: str) -> "History":
        """Return the history of a JSON text.

        Raises:
            HistoryError: it is not JSON, or not a history.
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
        """Return for each call the calls that returned before it began, as a bit mask.

        Args:
            more: ordered pairs in addition to those of the history.

        Raises:
            HistoryError: a call would be before itself.
        """
        masks = [0] * len(self.calls)
        last: dict[int, int] = {}
        for index, call in enumerate(self.calls):
            if call.thread in last:
                masks[index] |= 1 << last[call.thread]
            last[call.thread] = index
        for first, second in self.before:
            masks[second] |= 1 << first
        for first, second in more:
            masks[second] |= 1 << first
        return closed(masks)


def closed(masks: Sequence[int]) -> list[int]:
    """Return the transitive closure of a relation: bit i of mask j says that i is before j.

    Raises:
        HistoryError: a call is before itself.
    """
    found = list(masks)
    for middle, mask in enumerate(found):
        bit = 1 << middle
        if mask & bit:
            raise HistoryError(
                f"call {middle} is before itself; give pairs of calls of which the first returned before the second"
            )
        for index, other in enumerate(found):
            if other & bit:
                found[index] = other | found[middle]
    for index, mask in enumerate(found):
        if mask >> index & 1:
            raise HistoryError(
                f"call {index} is before itself; give pairs of calls of which the first returned before the second"
            )
    return found


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is not a number from 0")
    return value
