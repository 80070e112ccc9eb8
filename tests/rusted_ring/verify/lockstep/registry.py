"""The operations of the machine: their arguments, the clauses that they check, the errors that they can get [ERR-1]."""

import dataclasses
import random
from collections.abc import Callable, Mapping
from typing import Protocol

from hypothesis import strategies

from rusted_ring.reference.token import token_of


class Skip(Exception):
    """There is no handle for the operation; the step does not count."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """The values of an argument.

    Attributes:
        low: the least value of the range.
        high: the greatest value.
        telling: values that are drawn far more often than others, repeated by weight.
    """

    low: int
    high: int
    telling: tuple[int, ...] = ()

    def sample(self, random_source: random.Random) -> int:
        """Draw a value without Hypothesis."""
        if self.telling and random_source.random() < 0.9:
            return self.telling[int(random_source.random() * len(self.telling))]
        return self.low + int(random_source.random() * (self.high - self.low + 1))

    def strategy(self, *, symbolic: bool) -> strategies.SearchStrategy[int]:
        """Return the Hypothesis strategy; a symbolic one leaves the whole range to the solver."""
        whole = strategies.integers(self.low, self.high)
        if symbolic or not self.telling:
            return whole
        return strategies.one_of(strategies.sampled_from(sorted(set(self.telling), key=self.telling.index)), whole)


CHOICE = Kind(0, 255)
SMALL = Kind(0, 8, (0, 1, 1, 2, 3))
TAG = Kind(0, 250)
FLAG = Kind(0, 7)
EVENT_TYPE = Kind(0, 2**32 - 1, (0, 1, 2, 255, 256, 2**32 - 1))
LENGTH = Kind(
    0,
    70_000,
    (0, 1, 5, 63, 64) * 4
    + (65, 255, 256) * 3
    + (257, 1_023, 1_024) * 2
    + (1_025, 4_095, 4_096, 4_097, 16_383, 16_384, 16_385, 20_000, 40_000, 65_536, 65_537),
)
RING_LENGTH = Kind(0, 300, (0, 1, 2, 3, 7, 8, 9, 16, 33, 64, 65))
POOL = Kind(-1, 7, (0, 0, 0, 1, 1, 2, 3, 4, 5, 5))
SLOT = Kind(-1, 2_200, (0, 0, 0, 1, 1, 2, 3, 5, 63))
GENERATION = Kind(-1, 2**41, (0, 0, 0, 1, 1, 2, 3, 4, 5))
TOKEN = Kind(-1, 2**64, (0, 1, token_of(0, 0, 0), token_of(0, 1, 0), 2**63, 2**64 - 1))


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of the machine.

    Attributes:
        name: its name, unique.
        function: called with the engine and the arguments; raises `Skip` if there is no handle to use.
        kinds: the kinds of its arguments, by name.
        clauses: the clauses that every call that returns checks; a wrong state would break the first.
        errors: the clauses that a call that raises checks, by the error's name.
        reaches: further clauses that some calls reach.
        needs: what the backend must offer, as dotted paths.
        weight: how often it is drawn, relative to the others.
        profiles: the profiles for which it exists; empty for all.
        group: `"pools"` or `"rings"`.
    """

    name: str
    function: Callable[..., None]
    kinds: Mapping[str, Kind]
    clauses: tuple[str, ...]
    errors: Mapping[str, tuple[str, ...]]
    reaches: tuple[str, ...]
    needs: tuple[str, ...]
    weight: float
    profiles: tuple[str, ...]
    group: str


Registry = dict[str, Operation]


Function = Callable[..., None]


class Register(Protocol):
    """The decorator of an operation; its arguments are those of `Operation`, with the kinds as keywords."""

    def __call__(
        self,
        *clauses: str,
        errors: Mapping[str, str] | None = None,
        reaches: str = "",
        needs: str = "",
        weight: float = 1.0,
        profiles: str = "",
        **kinds: Kind,
    ) -> Callable[[Function], Function]:
        """Register a function as an operation."""
        ...


def registrar(registry: Registry, group: str) -> Register:
    """Return the decorator that registers functions as operations of a group."""

    def operation(
        *clauses: str,
        errors: Mapping[str, str] | None = None,
        reaches: str = "",
        needs: str = "",
        weight: float = 1.0,
        profiles: str = "",
        **kinds: Kind,
    ) -> Callable[[Function], Function]:
        def enter(function: Function) -> Function:
            name = function.__name__
            if name in registry:
                raise ValueError(f"two operations are named {name}")
            registry[name] = Operation(
                name=name,
                function=function,
                kinds=kinds,
                clauses=clauses,
                errors={error: tuple(cited.split()) for error, cited in (errors or {}).items()},
                reaches=tuple(reaches.split()),
                needs=tuple(needs.split()),
                weight=weight,
                profiles=tuple(profiles.split()),
                group=group,
            )
            return function

        return enter

    return operation
