"""The differential machine under Hypothesis: the reference and a backend in lock-step [ERR-1]."""

import random
import sys
import time
from collections.abc import Callable, Collection
from typing import Any, Final

from hypothesis import strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from rusted_ring.verify.lockstep.concrete import is_symbolic_run
from rusted_ring.verify.lockstep.coverage import Coverage
from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.registry import Operation
from rusted_ring.verify.lockstep.sequences import NUMBER, ORDER, Journal, Program, Step, Swarm, offered_operations
from rusted_ring.verify.lockstep.templates import Disagreement
from rusted_ring.verify.support.backend import backend_name

LONGEST_BURST: Final = 64

# The operations in which the reference branches on integers that a solver can choose. The others have buffers and
# batches, which CrossHair does not model faithfully (`memoryview`, `array`), or wrong types.
SYMBOLIC_OPERATIONS: Final = frozenset(
    {
        "allocate",
        "allocate_spilling",
        "clone",
        "commit",
        "construct",
        "construct_from_token",
        "construct_weak",
        "dec_ref_count",
        "downgrade",
        "drop",
        "estimate_size",
        "from_any_token",
        "from_token",
        "handle_ffi_event",
        "inc_ref_count",
        "into_token",
        "loan",
        "look_at_slot",
        "upgrade",
        "use_triple_of_loan",
        "add",
        "end_reader",
        "evict",
        "make_reader",
        "make_reader_at",
        "make_ring",
        "make_writer",
        "read_next",
        "read_reader",
        "read_ring",
    }
)


class Run:
    """The state that the examples of one run share [ERR-1].

    Attributes:
        steps: how many steps were done.
        examples: how many examples were begun.
        coverage: the counts of what was reached.
        failure: the first disagreement and the program that led to it.
    """

    def __init__(
        self,
        backend: Any,
        profile: str,
        *,
        name: str | None = None,
        most_steps: int | None = None,
        journal: Journal | None = None,
        watch: Callable[["Run"], None] | None = None,
    ) -> None:
        """Start an empty run.

        Args:
            backend: the namespace under test.
            profile: the profile's name.
            name: how a script imports the backend.
            most_steps: the number of steps after which bursts do nothing.
            journal: records each step before it is done.
            watch: called about every tenth of a second with this run.
        """
        self.backend = backend
        self.profile = profile
        self.name = name or backend_name(backend)
        self.most_steps = most_steps
        self.journal = journal
        self.watch = watch
        self.watched = time.monotonic()
        self.steps = 0
        self.examples = 0
        self.coverage = Coverage()
        self.failure: tuple[Disagreement, Program] | None = None
        self.operations, self.missing = offered_operations(backend, profile)

    def look(self) -> None:
        """Call the watcher if it is time."""
        if self.watch is not None and time.monotonic() - self.watched > 0.1:
            self.watched = time.monotonic()
            self.watch(self)

    @property
    def done(self) -> bool:
        """Whether all requested steps were done."""
        return self.most_steps is not None and self.steps >= self.most_steps


class LockstepMachine(RuleBasedStateMachine):
    """The reference and a backend in lock-step; made for one run by `machine_class` [ERR-1]."""

    run: Run
    symbolic: bool = False

    def __init__(self) -> None:
        """Make both worlds, without objects."""
        super().__init__()
        run = self.run
        run.examples += 1
        if run.journal is not None:
            run.journal.begin()
        self.program: Program = []
        self.failed = False
        self.swarm = Swarm(run.operations, 0)
        self.engine = self.guarded(
            lambda: Engine(run.backend, run.profile, name=run.name, coverage=run.coverage, backend_last=self.symbolic)
        )

    def guarded(self, act: Callable[[], Any]) -> Any:
        """Do something that may find a disagreement, and keep the first one."""
        try:
            return act()
        except Disagreement as error:
            self.failed = True
            if self.run.failure is None:
                self.run.failure = (error, list(self.program))
            raise

    def step(self, step: Step) -> None:
        """Make one step."""
        if self.run.journal is not None:
            self.run.journal.step(step)
        self.program.append(step)
        if self.guarded(lambda: self.engine.perform(ORDER[step[0]], step[1])):
            self.run.steps += 1
        else:
            self.program.pop()

    def teardown(self) -> None:
        """Delete everything, with comparisons to the end."""
        self.run.look()
        # A solver may abandon a path in the middle; its symbols are then invalid.
        given_up = self.symbolic and (sys.exc_info()[0] is not None or not is_symbolic_run())
        if not self.failed and not given_up and hasattr(self, "engine"):
            self.guarded(self.engine.finish)


class BurstMachine(LockstepMachine):
    """The machine for long runs: a rule makes many steps, drawn by the example's own swarm [ERR-1]."""

    @initialize(seed=strategies.integers(0, 2**32 - 1))
    def choose_swarm(self, seed: int) -> None:
        """Draw the operations and weights of this example."""
        self.swarm = Swarm(self.run.operations, seed)

    @rule(seed=strategies.integers(0, 2**32 - 1), count=strategies.integers(LONGEST_BURST // 4, LONGEST_BURST))
    def burst(self, seed: int, count: int) -> None:
        """Make many steps."""
        source = random.Random(seed)
        run, swarm = self.run, self.swarm
        for _ in range(count):
            if run.done:
                return
            self.step(swarm.draw(source))
        run.look()


def rule_of(operation: Operation, *, symbolic: bool) -> Any:
    """Return the rule that makes a step of one operation."""
    names = tuple(operation.kinds)
    number = NUMBER[operation.name]

    def act(self: LockstepMachine, **given: int) -> None:
        self.step((number, tuple(given[name] for name in names)))

    act.__name__ = operation.name
    act.__qualname__ = f"LockstepMachine.{operation.name}"
    act.__doc__ = operation.function.__doc__
    given_by: dict[str, Any] = {name: kind.strategy(symbolic=symbolic) for name, kind in operation.kinds.items()}
    make_rule: Any = rule
    return make_rule(**given_by)(act)


def machine_class(
    run: Run, *, bursts: bool = False, symbolic: bool = False, only: Collection[str] | None = None
) -> type[RuleBasedStateMachine]:
    """Make the machine of a run.

    Args:
        run: the state that its examples share, with the backend.
        bursts: many steps in one rule, for long runs; else one rule for each operation, for Hypothesis to draw and
            shrink.
        symbolic: let a solver choose the integers, and the reference run first if it can.
        only: the names of the operations to use; by default all, or those that a solver supports.

    Returns:
        A class for `hypothesis.stateful.run_state_machine_as_test`.
    """
    if bursts:
        return type("Lockstep", (BurstMachine,), {"run": run})
    if only is None and symbolic:
        only = SYMBOLIC_OPERATIONS
    operations = [operation for operation in run.operations if only is None or operation.name in only]
    rules = {operation.name: rule_of(operation, symbolic=symbolic) for operation in operations}
    return type("Lockstep", (LockstepMachine,), {"run": run, "symbolic": symbolic, **rules})
