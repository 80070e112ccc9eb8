"""How a replay is to be done, and what came of it, consumer by consumer."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

ROUTES = ("overwrite", "gated", "pointers", "tokens")
MAX_CONSUMERS = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How events are sent.

    Attributes:
        routes: names from `ROUTES`.
        consumers: how many there are, 1 to 64.
        slow: whether the last consumer is slow.
        size: the payload limit of a ring's slots, in bytes.
        capacity: the slots of a ring, and the places of a queue of pointers.
        batch: the events that the writer adds, and a consumer takes, in one turn.
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
    """What went wrong, and the clause that it breaks (empty where no single clause is to blame)."""

    clause: str
    text: str


@dataclass(slots=True)
class ConsumerResult:
    """What one consumer saw.

    Attributes:
        name: how the consumer is called in the table.
        delivered: entries it was given.
        skipped: entries that were overwritten before it came to them; it reread them from the journal.
        max_lag: the largest number of entries it was behind when its turn came.
        identical: whether the document it rebuilt is the expected one, byte for byte.
    """

    name: str
    delivered: int = 0
    skipped: int = 0
    max_lag: int = 0
    identical: bool = False


@dataclass(slots=True)
class RouteResult:
    """What one route on one backend showed.

    Attributes:
        backend: the name of the backend.
        route: the name of the route.
        events: the events of the workload.
        entries: the entries they made, fragments counted one by one.
        waits: the turns in which the writer found no room.
        seconds: from the first add to the last finished document.
        consumers: one result each.
        problems: what went wrong.
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
        """Whether every consumer has the document and nothing else went wrong."""
        return not self.problems and all(consumer.identical for consumer in self.consumers)

    @property
    def rate(self) -> float:
        """Events a second, the work of rebuilding every consumer's document included."""
        return self.events / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**asdict(self), "ok": self.ok, "events_per_second": round(self.rate)}


class Broken(Exception):
    """A backend that does not do what the specification says; carries the problem."""

    def __init__(self, clause: str, text: str) -> None:
        """Keep the clause and the words."""
        super().__init__(text)
        self.problem = Problem(clause, text)
