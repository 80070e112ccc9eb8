"""Checks a transition system by z3: its invariant is inductive and implies its properties; refutes wrong systems."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Final

from rusted_ring.verify.proofs.formulas import Formula, both, either, no, solver_module
from rusted_ring.verify.proofs.systems import Action, Enabled, Mutation, Property, StepProperty, System

SECONDS: Final = 30
"""The time limit of one question to z3."""
MEGABYTES: Final = 2048
"""The memory limit of z3."""
STEPS: Final = 12
"""The greatest number of steps within which an execution has to take each action."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One question to the solver, and what came of it.

    Attributes:
        name: the question.
        ok: whether the answer is the wanted one.
        detail: why not: the state that breaks it, or that the solver gave no answer.
    """

    name: str
    ok: bool
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """The answers to all questions about a system, and the duration in seconds."""

    system: str
    checks: tuple[Check, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether everything is proved."""
        return all(check.ok for check in self.checks)


@dataclasses.dataclass(frozen=True)
class Refutation:
    """What is known of a wrong system.

    Attributes:
        mutation: its name.
        broken: the state and the step that break the invariant, in words; empty if the invariant is inductive.
        execution: an execution from an initial state to a violated property, in words; empty if none was found.
        clauses: the clauses of the property that it violates.
        seconds: the duration.
    """

    mutation: str
    broken: str
    execution: str
    clauses: tuple[str, ...]
    seconds: float


def _solver(seconds: float) -> Any:
    z3 = solver_module()
    z3.set_param("memory_max_size", MEGABYTES)
    solver = z3.Solver()
    solver.set("timeout", int(seconds * 1000))
    return solver


def _ask(solver: Any) -> str:
    """Ask for a model: "sat", "unsat", or why there is no answer."""
    z3 = solver_module()
    try:
        answer = solver.check()
    except z3.Z3Exception as error:
        return f"no answer: {error}"
    return str(answer) if answer != z3.unknown else f"no answer: {solver.reason_unknown()}"


class Prover:
    """The formulas of one system."""

    def __init__(self, system: System, seconds: float = SECONDS) -> None:
        """Make the constants.

        Args:
            system: the system.
            seconds: the time limit of each question.
        """
        z3 = solver_module()
        self._int = z3.Int
        self.system = system
        self.seconds = seconds
        constants = {name: z3.Int(name) for name in system.constants}
        self.at = SimpleNamespace(**constants, **system.fixed)

    def state(self, mark: object) -> Any:
        """Return the variables of a state."""
        return SimpleNamespace(**{name: self._int(f"{name}#{mark}") for name in self.system.variables})

    def choices(self, action: Action, mark: object) -> Any:
        """Return what an action chooses."""
        return SimpleNamespace(**{name: self._int(f"{action.name}/{name}#{mark}") for name in action.choices})

    def step(self, action: Action, before: Any, now: Any, mark: object = "") -> Formula:
        """The relation of an action between two states."""
        choices = self.choices(action, mark)
        update = action.update(before, choices, self.at)
        written = {variable for use in action.words for variable in use.fields.values()}
        if unknown := (written | update.keys()) - set(self.system.variables):
            raise ValueError(f"{self.system.name}, {action.name}: no variable {', '.join(sorted(unknown))}")
        parts = [action.guard(before, choices, self.at)]
        for use in action.words:
            old, new = (
                SimpleNamespace(**{field: getattr(state, name) for field, name in use.fields.items()})
                for state in (before, now)
            )
            parts.append(use.relation(old, new, self.at))
        for name in self.system.variables:
            if name in update:
                parts.append(getattr(now, name) == update[name])
            elif name not in written:
                parts.append(getattr(now, name) == getattr(before, name))
        return both(*parts)

    def invariant(self, state: Any) -> Formula:
        """The whole invariant."""
        return both(*(conjunct.holds(state, self.at) for conjunct in self.system.invariant))

    # --- the proof

    def checks(self) -> Iterator[Check]:
        """Ask everything that the proof consists of."""
        system, at = self.system, self.at
        before, now = self.state("0"), self.state("1")
        initial = both(system.assume(at), system.initial(before, at))
        inside = both(system.assume(at), self.invariant(before))
        yield self._possible("there is an initial state", initial, before, None)
        for conjunct in system.invariant:
            yield self._holds(f"initially: {conjunct.name}", initial, conjunct.holds(before, at), before, None)
        for action in system.actions:
            yield from self.preserved(action)
        yield from self.reached()
        for wanted in system.properties:
            yield self._property(wanted, inside, before, now)

    def preserved(self, action: Action) -> Iterator[Check]:
        """Ask whether an action is possible in the invariant, and preserves each part of it."""
        before, now = self.state("0"), self.state("1")
        step = both(self.system.assume(self.at), self.invariant(before), self.step(action, before, now))
        yield self._possible(f"{action.name}: is possible", step, before, now)
        # at once, which is faster; one by one to tell which part is broken
        whole = self._holds("", step, self.invariant(now), before, now, action)
        for conjunct in self.system.invariant:
            name = f"{action.name}: preserves: {conjunct.name}"
            if whole.ok:
                yield Check(name, ok=True)
            else:
                yield self._holds(name, step, conjunct.holds(now, self.at), before, now, action)

    def _property(self, wanted: Property | StepProperty | Enabled, inside: Formula, before: Any, now: Any) -> Check:
        z3 = solver_module()
        name = f"implied: {wanted.statement} [{'] ['.join(wanted.clauses)}]"
        if isinstance(wanted, Property):
            return self._holds(name, inside, wanted.holds(before, self.at), before, None)
        if isinstance(wanted, StepProperty):
            for action in self._actions(wanted):
                step = both(inside, self.step(action, before, now))
                check = self._holds(name, step, wanted.holds(before, now, self.at), before, now, action)
                if not check.ok:
                    return check
            return Check(name, ok=True)
        action = next(action for action in self.system.actions if action.name == wanted.action)
        bound = [*vars(now).values(), *vars(self.choices(action, "")).values()]
        possible = z3.Exists(bound, self.step(action, before, now))
        return self._holds(name, both(inside, wanted.when(before, self.at)), possible, before, None)

    def _actions(self, wanted: StepProperty) -> Sequence[Action]:
        if unknown := set(wanted.actions) - {action.name for action in self.system.actions}:
            raise ValueError(f"{self.system.name} has no action {', '.join(sorted(unknown))}")
        return [action for action in self.system.actions if not wanted.actions or action.name in wanted.actions]

    def _possible(self, name: str, formula: Formula, before: Any, now: Any) -> Check:
        solver = _solver(self.seconds)
        solver.add(formula)
        answer = _ask(solver)
        return Check(name, answer == "sat", "" if answer == "sat" else f"never possible ({answer})")

    def _holds(
        self, name: str, assumed: Formula, wanted: Formula, before: Any, now: Any, action: Action | None = None
    ) -> Check:
        solver = _solver(self.seconds)
        solver.add(assumed, no(wanted))
        answer = _ask(solver)
        if answer == "unsat":
            return Check(name, ok=True)
        if answer != "sat":
            return Check(name, ok=False, detail=f"not proved: {answer}")
        return Check(name, ok=False, detail=self.show(solver.model(), before, now, action))

    def show(self, model: Any, before: Any, now: Any, action: Action | None) -> str:
        """Return the states of a model in words; of the second one, what has changed."""
        first = self._values(model, before)
        constants = self._values(
            model, SimpleNamespace(**{name: getattr(self.at, name) for name in self.system.constants})
        )
        lines = ["  with " + self._listed(constants)] if constants else []
        lines.append("  " + self._listed(first))
        if now is not None and action is not None:
            changed = {name: value for name, value in self._values(model, now).items() if value != first[name]}
            lines.append(f"  --{action.name}--> " + (self._listed(changed) or "(the same)"))
        return "\n".join(lines)

    def _values(self, model: Any, state: Any) -> dict[str, int]:
        return {name: model.eval(term, model_completion=True).as_long() for name, term in vars(state).items()}

    def _listed(self, values: dict[str, int]) -> str:
        return ", ".join(f"{name} {self._labelled(name, value)}" for name, value in values.items())

    def _labelled(self, name: str, value: int) -> str:
        labels = self.system.labels.get(name, ())
        return labels[value] if 0 <= value < len(labels) else str(value)

    # --- executions

    def _unrolled(self, solver: Any, depth: int) -> Iterator[tuple[list[Any], list[Any]]]:
        """Yield the states and the numbers of the actions of every execution of 1, 2, ... steps, which it adds."""
        states = [self.state(0)]
        taken: list[Any] = []
        solver.add(self.system.assume(self.at), self.system.initial(states[0], self.at))
        for number in range(1, depth + 1):
            states.append(self.state(number))
            taken.append(self._int(f"action#{number}"))
            before, now = states[-2:]
            steps = (self.step(action, before, now, number) for action in self.system.actions)
            solver.add(either(*(both(taken[-1] == index, step) for index, step in enumerate(steps))))
            yield states, taken

    def reached(self) -> Iterator[Check]:
        """Ask whether each action is taken in an execution from an initial state."""
        left = dict(enumerate(self.system.actions))
        solver = _solver(self.seconds)
        for _, taken in self._unrolled(solver, STEPS):
            while left:
                solver.push()
                solver.add(either(*(taken[-1] == index for index in left)))
                found = _ask(solver) == "sat"
                if found:
                    left.pop(solver.model().eval(taken[-1]).as_long())
                solver.pop()
                if not found:
                    break
            if not left:
                break
        missing = {action.name for action in left.values()}
        for action in self.system.actions:
            ok = action.name not in missing
            detail = "" if ok else f"in no execution of {STEPS} steps, or no answer"
            yield Check(f"{action.name}: is taken in an execution", ok, detail)

    def execution(self, depth: int, clause: str) -> tuple[str, tuple[str, ...]]:
        """Search for an execution from an initial state that violates a property.

        Args:
            depth: the greatest number of steps.
            clause: a clause of the property.

        Returns:
            The execution in words and the clauses of the property; empty if there is none.
        """
        solver = _solver(self.seconds)
        for states, taken in self._unrolled(solver, depth):
            for wanted in self.system.properties:
                if clause not in wanted.clauses:
                    continue
                violated = self._violated(wanted, states[-2], states[-1], taken[-1])
                if violated is None:
                    continue
                solver.push()
                solver.add(violated)
                if _ask(solver) == "sat":
                    return self._told(solver.model(), states, taken), wanted.clauses
                solver.pop()
        return "", ()

    def _violated(self, wanted: Property | StepProperty | Enabled, before: Any, now: Any, taken: Any) -> Formula | None:
        if isinstance(wanted, Property):
            return no(wanted.holds(now, self.at))
        if isinstance(wanted, StepProperty):
            chosen = self._actions(wanted)
            numbers = [index for index, action in enumerate(self.system.actions) if action in chosen]
            return both(either(*(taken == index for index in numbers)), no(wanted.holds(before, now, self.at)))
        return None

    def _told(self, model: Any, states: list[Any], taken: list[Any]) -> str:
        values = [self._values(model, state) for state in states]
        constants = self._values(
            model, SimpleNamespace(**{name: getattr(self.at, name) for name in self.system.constants})
        )
        lines = ["  with " + self._listed(constants)] if constants else []
        lines.append("  " + self._listed(values[0]))
        for number, term in enumerate(taken):
            action = self.system.actions[model.eval(term, model_completion=True).as_long()]
            changed = {name: value for name, value in values[number + 1].items() if value != values[number][name]}
            lines.append(f"  --{action.name}--> " + (self._listed(changed) or "(the same)"))
        return "\n".join(lines)


def prove(system: System, seconds: float = SECONDS) -> Report:
    """Prove a system: its invariant is inductive, and implies its properties.

    Args:
        system: the system.
        seconds: the time limit of each question.
    """
    began = time.monotonic()
    checks = tuple(Prover(system, seconds).checks())
    return Report(system.name, checks, time.monotonic() - began)


def refute(system: System, mutation: Mutation, seconds: float = SECONDS) -> Refutation:
    """Refute a wrong system: by a step that breaks the invariant, and by an execution that violates a property.

    Args:
        system: the right system.
        mutation: what is wrong.
        seconds: the time limit of each question.
    """
    began = time.monotonic()
    prover = Prover(system.mutated(mutation), seconds)
    names = {action.name for action in mutation.actions}
    broken = next(
        (
            f"{check.name}\n{check.detail}"
            for action in prover.system.actions
            if action.name in names
            for check in prover.preserved(action)
            if not check.ok and "-->" in check.detail
        ),
        "",
    )
    execution, clauses = prover.execution(mutation.depth, mutation.clause)
    return Refutation(mutation.name, broken, execution, clauses, time.monotonic() - began)
