"""Transition systems: variables, actions with clauses and sites of the core, invariants, properties, mutations."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from rusted_ring.verify.proofs.formulas import Formula, Term
from rusted_ring.verify.proofs.words import BY_NAME, Relation

State = Any
"""The variables of a state, as attributes: terms of z3."""
Constants = Any
"""The constants of a system, widths and sizes among them, as attributes."""
Choices = Any
"""What an action chooses, as attributes."""
Condition = Callable[[State, Constants], Formula]


def always(state: State, choices: Choices, at: Constants) -> Formula:
    """The guard of an action that needs nothing."""
    return True


def nothing(state: State, choices: Choices, at: Constants) -> Mapping[str, Term]:
    """The update of an action that changes words alone."""
    return {}


@dataclasses.dataclass(frozen=True)
class WordUse:
    """An atomic write of an action: the relation of the word, and the variable for each of its fields."""

    relation: Relation
    fields: Mapping[str, str]


def writes(name: str, **fields: str) -> WordUse:
    """Return the use of an action of a word, by its name."""
    return WordUse(BY_NAME[name].relation, fields)


@dataclasses.dataclass(frozen=True)
class Action:
    """One atomic step.

    A variable that is a field of a word which the action writes is restricted by the word's relation; a variable in
    `update` gets that value; every other one stays as it is.

    Attributes:
        name: its name.
        sites: the functions of the core that do it, as `file.c:function`; none for a step of the environment.
        clauses: what it stands for.
        guard: when it is possible.
        update: the new values.
        words: the words that it writes.
        choices: the names of what it chooses; the guard restricts them.
    """

    name: str
    sites: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    guard: Callable[[State, Choices, Constants], Formula] = always
    update: Callable[[State, Choices, Constants], Mapping[str, Term]] = nothing
    words: tuple[WordUse, ...] = ()
    choices: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Conjunct:
    """A part of an invariant."""

    name: str
    holds: Condition


@dataclasses.dataclass(frozen=True)
class Property:
    """What the invariant has to imply about each state, for some clauses."""

    clauses: tuple[str, ...]
    statement: str
    holds: Condition


@dataclasses.dataclass(frozen=True)
class StepProperty:
    """What the invariant has to imply about each step of some actions, or of all if `actions` is empty."""

    clauses: tuple[str, ...]
    statement: str
    holds: Callable[[State, State, Constants], Formula]
    actions: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Enabled:
    """A condition under which an action has to be possible, whatever all other threads do."""

    clauses: tuple[str, ...]
    statement: str
    action: str
    when: Condition


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A wrong system: actions that replace those of the same names.

    Attributes:
        name: what is wrong.
        actions: the wrong actions.
        clause: the clause of the property that an execution of the wrong system violates.
        depth: the greatest number of steps of that execution.
    """

    name: str
    actions: tuple[Action, ...]
    clause: str
    depth: int = 8


@dataclasses.dataclass(frozen=True)
class System:
    """A transition system with its proof.

    Attributes:
        name: its name.
        title: what it is, in a sentence.
        constants: the names of the symbolic constants.
        fixed: constants with a value.
        assume: what is assumed of the constants.
        variables: the names of the variables.
        initial: the initial states.
        actions: its actions.
        invariant: the parts of the inductive invariant.
        properties: what the invariant implies.
        assumptions: under which assumptions the proof says something of the core.
        mutations: wrong systems, each of which has to be refuted.
        labels: the names of the values of some variables.
    """

    name: str
    title: str
    constants: tuple[str, ...]
    fixed: Mapping[str, Any]
    assume: Callable[[Constants], Formula]
    variables: tuple[str, ...]
    initial: Condition
    actions: tuple[Action, ...]
    invariant: tuple[Conjunct, ...]
    properties: tuple[Property | StepProperty | Enabled, ...]
    assumptions: tuple[str, ...]
    mutations: tuple[Mutation, ...]
    labels: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def mutated(self, mutation: Mutation) -> "System":
        """Return this system with the actions of a mutation.

        Raises:
            ValueError: the mutation replaces an action that is not there.
        """
        wrong = {action.name: action for action in mutation.actions}
        if unknown := wrong.keys() - {action.name for action in self.actions}:
            raise ValueError(f"{self.name} has no action {', '.join(sorted(unknown))}")
        actions = tuple(wrong.get(action.name, action) for action in self.actions)
        return dataclasses.replace(self, actions=actions, mutations=())
