"""A run as data: operations and their integers, drawn at random, recorded in a journal, replayed and shrunk [ERR-1].

Every operation accepts any integers (they select from the existing handles), so every part of a program is a program.
So a failing program is easy to shrink.
"""

import bisect
import itertools
import mmap
import os
import pathlib
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from rusted_ring.verify.lockstep.coverage import Coverage
from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations import POOL_OPERATIONS, RING_OPERATIONS
from rusted_ring.verify.lockstep.registry import Operation
from rusted_ring.verify.lockstep.templates import Disagreement
from rusted_ring.verify.support.backend import offers

OPERATIONS: Final[dict[str, Operation]] = {**POOL_OPERATIONS, **RING_OPERATIONS}
ORDER: Final[tuple[Operation, ...]] = tuple(OPERATIONS.values())
NUMBER: Final[dict[str, int]] = {operation.name: number for number, operation in enumerate(ORDER)}

Step = tuple[int, tuple[int, ...]]
Program = list[Step]

BASIC: Final = frozenset(
    {"allocate", "make_ring", "make_writer", "make_reader", "add", "read_next", "end_reservation", "end_peek"}
)
JOURNAL_BYTES: Final = 16 * 2**20


def offered_operations(backend: object, profile: str) -> tuple[list[Operation], dict[str, list[str]]]:
    """Return the operations that a backend supports, and by name of the others what the backend lacks."""
    usable: list[Operation] = []
    missing: dict[str, list[str]] = {}
    for operation in ORDER:
        if operation.profiles and profile not in operation.profiles:
            continue
        lacking = [need for need in operation.needs if not offers(backend, need)]
        if lacking:
            missing[operation.name] = lacking
        else:
            usable.append(operation)
    return usable, missing


class Swarm:
    """An example's own choice of operations and weights, so that some examples go deep and others go wide."""

    def __init__(self, operations: Sequence[Operation], seed: int) -> None:
        """Draw the weights.

        Args:
            operations: the operations that the backend supports.
            seed: the seed of the draw.
        """
        source = random.Random(seed)
        group = source.choice(("pools", "rings", "both"))
        if not any(operation.group == group for operation in operations):
            group = "both"
        self.operations = [operation for operation in operations if group in ("both", operation.group)]
        weights = []
        for operation in self.operations:
            factor = source.choice((0.0, 0.0, 0.3, 1.0, 1.0, 1.0, 3.0, 8.0))
            if operation.name in BASIC:
                factor = max(factor, 0.5)
            weights.append(operation.weight * factor)
        self.cumulative = list(itertools.accumulate(weights))

    def draw(self, source: random.Random) -> Step:
        """Draw a step."""
        at = bisect.bisect(self.cumulative, source.random() * self.cumulative[-1])
        operation = self.operations[min(at, len(self.operations) - 1)]
        return NUMBER[operation.name], tuple([kind.sample(source) for kind in operation.kinds.values()])


class Journal:
    """The steps of the current example in a file that outlives the process; a step costs one memory write."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Map a new file.

        Args:
            path: the file.
        """
        with open(path, "wb+") as file:
            file.truncate(JOURNAL_BYTES)
            self.memory = mmap.mmap(file.fileno(), JOURNAL_BYTES)
        self.position = 0

    def begin(self) -> None:
        """Start a new example."""
        self.position = 0
        self.memory[0] = 0

    def step(self, step: Step) -> None:
        """Record a step before it is done."""
        line = b"%d %s\n\0" % (step[0], " ".join(map(str, step[1])).encode())
        end = self.position + len(line)
        if end < JOURNAL_BYTES:
            self.memory[self.position : end] = line
            self.position = end - 1

    @staticmethod
    def read(path: str | os.PathLike[str]) -> Program:
        """Return the steps in a journal."""
        text = pathlib.Path(path).read_bytes().split(b"\0", 1)[0].decode()
        program: Program = []
        for line in text.splitlines():
            number, *arguments = map(int, line.split())
            program.append((number, tuple(arguments)))
        return program


def replay(
    backend: Any,
    profile: str,
    program: Iterable[Step],
    *,
    name: str | None = None,
    coverage: Coverage | None = None,
) -> Disagreement | None:
    """Run a program in lock-step.

    Args:
        backend: the namespace under test.
        profile: the profile's name.
        program: the steps.
        name: how a script imports the backend.
        coverage: counts to add to.

    Returns:
        The disagreement that ends it, or None.
    """
    try:
        engine = Engine(backend, profile, name=name, coverage=coverage)
        for number, arguments in program:
            engine.perform(ORDER[number], arguments)
        engine.finish()
    except Disagreement as error:
        return error.with_traceback(None)
    return None


def render(profile: str, program: Iterable[Step], name: str, ending: str) -> str:
    """Return a program as a script without running the backend: the reference runs in both worlds.

    Args:
        profile: the profile's name.
        program: the steps.
        name: how the script imports the backend.
        ending: a comment for the end.
    """
    from rusted_ring import reference

    engine = Engine(reference, profile, name=name)
    try:
        for number, arguments in program:
            engine.perform(ORDER[number], arguments)
    except Disagreement as error:
        return error.script
    engine.script.line(ending)
    return engine.script.source()


def shrink(program: Program, fails: Callable[[Program], bool], *, seconds: float) -> Program:
    """Make a failing program smaller: fewer steps first, then smaller integers.

    Args:
        program: a program that fails.
        fails: whether a program fails.
        seconds: the time limit.

    Returns:
        A program that fails and, unless the time ran out, passes without any one of its steps.
    """
    deadline = time.monotonic() + seconds

    def still_fails(candidate: Program) -> bool:
        return time.monotonic() < deadline and fails(candidate)

    chunk = max(1, len(program) // 2)
    while chunk:
        start = len(program)
        removed = False
        while start > 0:
            start = max(0, start - chunk)
            candidate = program[:start] + program[start + chunk :]
            if len(candidate) < len(program) and still_fails(candidate):
                program = candidate
                removed = True
        if not removed or chunk > 1:
            chunk = chunk // 2 if not (removed and chunk == 1) else 1
        if time.monotonic() > deadline:
            return program
    for at in range(len(program)):
        number, arguments = program[at]
        for index, (value, kind) in enumerate(zip(arguments, ORDER[number].kinds.values(), strict=True)):
            for smaller in sorted({0, 1, 2, 3, *kind.telling}):
                if not (kind.low <= smaller <= kind.high and 0 <= smaller < abs(value)):
                    continue
                changed = (number, (*program[at][1][:index], smaller, *program[at][1][index + 1 :]))
                candidate = [*program[:at], changed, *program[at + 1 :]]
                if still_fails(candidate):
                    program = candidate
                    break
    return program
