"""The settings of a replay, and its results for each consumer."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

ROUTES = ("overwrite", "gated", "pointers", "tokens")
MAX_CONSUMERS = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a replay.

    Attributes:
        routes: names from `ROUTES`.
        consumers: the number of consumers, 1 to 64.
        slow: whether the last consumer is slow.
        size: the payload limit of a ring's slots, in bytes.
        capacity: the number of slots of a ring, and the length of a queue of pointers.
        batch: how many events the writer adds, and a consumer takes, in one turn.
        threads: whether each consumer is a thread.
    """

    routes: tuple[str, ...] = ROUTES
    consumers: int = 3
    slow: bool = False
    size: int = 256
    capacity: int = 1_024
    batch: int = 64
    threads: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure in words, and the clause that it breaks (empty if it cannot be attributed to one clause)."""

    clause: str
    text: str


@dataclass(slots=True)
class ConsumerResult:
    """The result of one consumer.

    Attributes:
        name: the consumer's name in the table.
        delivered: how many entries it received.
        skipped: how many entries were overwritten before it read them; it reread them from the journal.
        max_lag: the largest number of entries that it was behind at the begin of a turn.
        identical: whether it rebuilt the expected document, byte for byte.
    """

    name: str
    delivered: int = 0
    skipped: int = 0
    max_lag: int = 0
    identical: bool = False


@dataclass(slots=True)
class RouteResult:
    """The result of one route on one backend.

    Attributes:
        backend: the name of the backend.
        route: the name of the route.
        events: the number of events of the workload.
        entries: the number of entries, in which each fragment counts.
        waits: the number of turns in which the writer found no room.
        seconds: the time from the first add to the last finished document.
        consumers: the result of each consumer.
        problems: the failures.
        left_out: why the route was not run; empty if it was.
    """

    backend: str
    route: str
    events: int = 0
    entries: int = 0
    waits: int = 0
    seconds: float = 0.0
    consumers: list[ConsumerResult] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: str = ""

    @property
    def ok(self) -> bool:
        """Whether every consumer has the document and there are no problems."""
        return not self.problems and all(consumer.identical for consumer in self.consumers)

    @property
    def rate(self) -> float:
        """Events per second, with the work of rebuilding every consumer's document included."""
        return self.events / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**asdict(self), "ok": self.ok, "events_per_second": round(self.rate)}


class Broken(Exception):
    """A backend violates the specification; the exception carries the problem."""

    def __init__(self, clause: str, text: str) -> None:
        """Keep the clause and the words."""
        super().__init__(text)
        self.problem = Problem(clause, text)
