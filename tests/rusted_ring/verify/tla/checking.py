"""Checks the models of the manifest, and compares what TLC finds with it."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.tla import tlc
from rusted_ring.verify.tla.manifest import Model, folder, read_manifest
from rusted_ring.verify.tla.words import actions_of

SECONDS = 600.0
"""The time after which a model is given up: many times what the slowest one needs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one model; it unpacks into its fields.

    Attributes:
        name: the model's name.
        ok: whether TLC found what the manifest says.
        detail: what TLC found, and how that differs from the manifest.
        seconds: how long it took.
    """

    name: str
    ok: bool
    detail: str
    seconds: float

    def __iter__(self) -> Iterator[str | bool | float]:
        """Yield the fields."""
        return iter((self.name, self.ok, self.detail, self.seconds))


def compare(model: Model, verdict: tlc.Verdict) -> list[str]:
    """Return how a verdict differs from the manifest, one line for each difference."""
    found = [
        ("violated property", model.violated or "none", verdict.violated or "none"),
        ("distinct states", f"{model.states:,}", f"{verdict.states:,}"),
        ("depth", f"{model.depth:,}", f"{verdict.depth:,}"),
    ]
    differences = [f"{what}: {got} instead of {wanted}" for what, wanted, got in found if wanted != got]
    if model.actions:
        taken, refused = actions_of(verdict.steps, model.module, model.configuration())
        differences += refused
        differences += [f"no step is the action {name!r}" for name in model.actions if name not in taken]
        differences += [f"a step is the action {name!r}" for name in sorted(taken - set(model.actions))]
    return differences


def check(model: Model, java: str, jar: Path) -> Outcome:
    """Check one model."""
    begun = time.monotonic()
    try:
        configuration = model.configuration() + ("ACTION_CONSTRAINT Told\n" if model.actions else "")
        verdict = tlc.run_tlc(java, jar, folder(), model.root, configuration, seconds=SECONDS)
    except tlc.Unreadable as error:
        return Outcome(model.name, False, str(error), time.monotonic() - begun)
    differences = compare(model, verdict)
    says = f"violates {verdict.violated}" if verdict.violated else "holds"
    words = f"{says}; {verdict.states:,} distinct states, depth {verdict.depth} ({model.bound})"
    if model.actions:
        words += f"; {len(verdict.steps)} distinct steps of words, {len(model.actions)} actions of the proofs"
    if differences and verdict.trace and not model.violated:
        differences.append(verdict.trace)
    return Outcome(model.name, not differences, "\n".join([words, *differences]), time.monotonic() - begun)


def chosen(names: Sequence[str] = (), *, quick: bool = False) -> list[Model]:
    """Return the models with these names, or all.

    Args:
        names: names of models; none for all.
        quick: only the quick ones.

    Raises:
        InputError: there is no model with a name.
    """
    models = read_manifest()
    unknown = sorted(set(names) - {model.name for model in models})
    if unknown:
        raise InputError(f"no model {', '.join(unknown)}: there are {', '.join(model.name for model in models)}")
    return [model for model in models if (not names or model.name in names) and (model.quick or not quick)]


def run(
    names: Sequence[str] = (), *, quick: bool = False, processes: int = 1, fetch: bool = False
) -> Iterator[Outcome]:
    """Check models, and yield the outcome of each in the manifest's order.

    Args:
        names: names of models; none for all.
        quick: only the quick ones.
        processes: how many run at once.
        fetch: whether to bring TLC by Maven if it is not there.

    Raises:
        InputError: there is no model with a name.
        Missing: Java or TLC is not there.
    """
    models = chosen(names, quick=quick)
    java = tlc.find_java()
    jar = tlc.fetch_jar() if fetch else tlc.find_jar()
    with ThreadPoolExecutor(processes) as pool:
        yield from pool.map(lambda model: check(model, java, jar), models)
