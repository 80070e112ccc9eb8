"""Checks the projected executions against the actions of the model."""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from rusted_ring.verify.clients.language import Client
from rusted_ring.verify.explorer.engine import CannotRun
from rusted_ring.verify.model_checking.sites import Site
from rusted_ring.verify.proofs import words as model
from rusted_ring.verify.word_steps import actions
from rusted_ring.verify.word_steps.shape import Shape
from rusted_ring.verify.word_steps.words import Projected, Projector, WordHistory, WordStep

MOST_REJECTED: Final = 8
"""The number of rejected steps of one client that are shown."""

NOT_SHOWN: Final = (
    "Each word by itself, in its modification order: what spans several words, and which values a read may see, is not "
    "shown by this."
)


@dataclasses.dataclass
class Account:
    """What was checked, and what is wrong.

    Attributes:
        clients: how many clients.
        executions: their complete executions.
        blocked: executions that could not complete, which are projected as far as they came.
        bounded: executions that were cut off, which are not projected.
        histories: distinct histories of words, by client.
        steps: by distinct step, with its widths and sizes, the action that stands for it there.
        taken: by site, the actions that it took; for a site of a statistic or a hint, no action.
        rejected: the steps and first values that the model has not, each with the execution.
        problems: what else is wrong.
    """

    clients: int = 0
    executions: int = 0
    blocked: int = 0
    bounded: int = 0
    histories: int = 0
    steps: dict[tuple[WordStep, Shape], str | None] = dataclasses.field(default_factory=dict)
    taken: dict[str, set[str]] = dataclasses.field(default_factory=lambda: collections.defaultdict(set))
    rejected: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """The figures as JSON values."""
        return {
            "clients": self.clients,
            "executions": self.executions,
            "blocked": self.blocked,
            "bounded": self.bounded,
            "histories": self.histories,
            "steps": len(self.steps),
            "actions": len(self.actions()),
            "sites": len(self.taken),
            "rejected": self.rejected,
            "problems": self.problems,
        }

    def words(self) -> str:
        """The figures in a few words."""
        return (
            f"{self.clients} clients: {self.executions:,} executions, and {self.blocked:,} blocked ones as far as they "
            f"came ({self.bounded:,} cut off and left out); {self.histories:,} distinct histories of single words, "
            f"{len(self.steps):,} distinct steps by {len(self.taken)} sites, {len(self.actions())} actions"
        )

    def actions(self) -> set[str]:
        """Return the actions that were taken."""
        return {name for names in self.taken.values() for name in names if name}

    def add(self, projected: Projected) -> None:
        """Check the histories of one client."""
        shape = Shape.of(projected.client)
        self.clients += 1
        self.executions += projected.executions
        self.blocked += projected.blocked
        self.bounded += projected.bounded
        self.histories += len(projected.histories)
        if projected.errors:
            self.problems.append(f"{projected.client}: {', '.join(projected.errors)}")
        elif not projected.exhaustive:
            self.problems.append(f"{projected.client}: not every execution was covered")
        rejected = [
            f"{text}\nclient: {projected.client}\nreplay: {history.replay}"
            for history in projected.histories
            for text in self._rejected(history, shape)
        ]
        self.rejected += rejected[:MOST_REJECTED]

    def _rejected(self, history: WordHistory, shape: Shape) -> Iterator[str]:
        """Yield what is wrong with a history: its first value, a step, or a change between two steps."""
        value = history.initial
        if not actions.is_statistic(history.word):
            made = actions.begins(history.word, history.place, shape)
            if made != value:
                was, wanted = (actions.in_words(history.word, one, shape) for one in (value, made))
                yield f"{history.word}: begins with ({was}), not ({wanted})"
        for step in history.steps:
            if step.old != value:
                was, now = (actions.in_words(step.word, one, shape) for one in (value, step.old))
                yield f"{step.word}: changes from ({was}) to ({now}) by no atomic write before {step.site}"
            value = step.new
            if (key := (step, shape)) not in self.steps:
                name = self.steps[key] = actions.action_of(step.word, step.site, step.old, step.new, shape)
                if name is not None:
                    self.taken[step.site].add(name)
            if self.steps[key] is None:
                yield rejected_step(step, shape)

    def gaps(self, writing: Mapping[str, Site]) -> list[str]:
        """Return what the executions of the whole corpus have to show and do not.

        Args:
            writing: the sites of the core that write to a word.
        """
        done = {(actions.function_of(site), name) for site, names in self.taken.items() for name in names}
        found = [
            f"{function} is said to {action.name}, and does so in no execution"
            for action in model.ACTIONS
            for function in action.sites
            if (function, action.name) not in done
        ]
        standing = {function for action in model.ACTIONS for function in action.sites}
        for key, site in writing.items():
            if site.file == actions.PAYLOADS:
                continue
            if key not in actions.STATISTICS and actions.function_of(key) not in standing:
                found.append(f"{key} (line {site.line}) writes to a word, and no action stands for it")
            elif key not in self.taken:
                found.append(f"{key} (line {site.line}) writes to a word, and no execution shows what it does")
        found += [f"{key} writes to a statistic, and is not there" for key in actions.STATISTICS if key not in writing]
        return found


def rejected_step(step: WordStep, shape: Shape) -> str:
    """Return a step that no action stands for, in words."""
    old, new = (actions.in_words(step.word, value, shape) for value in (step.old, step.new))
    return f"{step.word}: {step.site} takes ({old}) to ({new}), and no action that stands there does"


def check(
    projector: Projector,
    clients: Iterable[Client],
    *,
    whole: bool,
    progress: Callable[[int, str], None] | None = None,
) -> Account:
    """Check every execution of some clients.

    Args:
        projector: the explorer.
        clients: the clients.
        whole: whether these are the whole corpus, which has to take every action and reach every site that writes.
        progress: called with the number of clients done and the name of the next.
    """
    account = Account()
    for number, client in enumerate(clients):
        if progress is not None:
            progress(number, client.name)
        try:
            account.add(projector.project(client))
        except CannotRun as error:
            account.problems.append(f"{client}: {error}")
    if whole:
        account.problems += account.gaps(projector.writing)
    return account
