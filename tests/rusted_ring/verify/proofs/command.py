"""The proofs from the command line.

`python -m rusted_ring.verify.proofs [NAME...]` proves the transition systems, all of them if none is named, and refutes
their mutations. Exit status: 0 all is proved and refuted, 1 otherwise, 2 cannot run.
"""

import argparse
import dataclasses
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rusted_ring.verify.proofs import prover
from rusted_ring.verify.proofs.catalogue import SYSTEMS
from rusted_ring.verify.proofs.claims import BOUNDS, TIE
from rusted_ring.verify.proofs.systems import Mutation, System

NEEDS_Z3: Final = "needs z3, which is not installed: pip install 'rusted-ring[verify]'"


def has_solver() -> bool:
    """Whether z3 is installed."""
    return importlib.util.find_spec("z3") is not None


def chosen(names: Sequence[str]) -> tuple[System, ...]:
    """Return the systems of these names; all if there are none.

    Raises:
        ValueError: there is no such system.
    """
    if unknown := set(names) - {system.name for system in SYSTEMS}:
        raise ValueError(f"no system {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SYSTEMS)}")
    return tuple(system for system in SYSTEMS if not names or system.name in names)


def bound_of(system: System) -> str:
    """Up to which bound the proof of a system goes."""
    return BOUNDS.get(system.name, "none")


def run(names: Sequence[str] = (), *, mutations: bool = True) -> Iterator[tuple[str, bool, str, float]]:
    """Prove systems, and refute their mutations.

    Args:
        names: the names of the systems; all if there are none.
        mutations: whether the mutations are refuted too.

    Yields:
        The name of the system or of the mutation, whether it came out right, what was found, and the seconds.

    Raises:
        ValueError: there is no such system.
    """
    for system in chosen(names):
        report = prover.prove(system)
        wrong = [f"{check.name}\n{check.detail}" for check in report.checks if not check.ok]
        said = f"proved: {len(system.actions)} actions, {len(report.checks)} questions, bound: {bound_of(system)}"
        yield system.name, report.ok, "\n".join(["NOT PROVED", *wrong]) if wrong else said, report.seconds
        for mutation in system.mutations if mutations else ():
            yield refutation(system, mutation)


def refutation(system: System, mutation: Mutation) -> tuple[str, bool, str, float]:
    """Refute a wrong system; returns what `run` yields."""
    refuted = prover.refute(system, mutation)
    found = [
        f"the step that breaks the invariant: {refuted.broken}" if refuted.broken else "NO STEP BREAKS THE INVARIANT",
        f"an execution that violates [{mutation.clause}]:\n{refuted.execution}"
        if refuted.execution
        else f"NO EXECUTION OF {mutation.depth} STEPS VIOLATES {mutation.clause}",
    ]
    ok = bool(refuted.broken and refuted.execution)
    return f"{system.name}, wrong: {mutation.name}", ok, "\n".join(found), refuted.seconds


@dataclasses.dataclass(frozen=True)
class Account:
    """What was proved and refuted.

    Attributes:
        proved: how many systems were proved, of how many.
        refuted: how many wrong systems were refuted, of how many that were tried.
        wrong_systems: how many wrong systems there are.
        problems: what is not proved or not refuted.
    """

    proved: tuple[int, int]
    refuted: tuple[int, int]
    wrong_systems: int
    problems: tuple[str, ...]

    @property
    def share(self) -> float:
        """Which part of all that there is was tried."""
        return (self.proved[1] + self.refuted[1]) / (self.proved[1] + self.wrong_systems)

    def words(self) -> str:
        """The figures in a few words."""
        return (
            f"{self.proved[0]} of {self.proved[1]} systems proved, under the assumptions that "
            f"`python -m rusted_ring.verify.proofs` prints; {self.refuted[0]} of {self.refuted[1]} wrong ones refuted "
            f"(of {self.wrong_systems})"
        )


def prove_and_refute(share: int, part: int, progress: Callable[[int, int, str], None]) -> Account:
    """Prove every system, and refute a part of the wrong ones.

    Args:
        share: one in this many wrong systems is refuted.
        part: which of them, from 0.
        progress: called with what is done, how much there is, and the name of the next.
    """
    every = [(system, mutation) for system in SYSTEMS for mutation in system.mutations]
    tried = every[part::share]
    total = len(SYSTEMS) + len(tried)
    problems: list[str] = []
    for number, system in enumerate(SYSTEMS):
        progress(number, total, system.name)
        problems += [f"{name}: {detail}" for name, ok, detail, _ in run([system.name], mutations=False) if not ok]
    unproved = len(problems)
    for number, (system, mutation) in enumerate(tried, len(SYSTEMS)):
        progress(number, total, mutation.name)
        name, ok, detail, _ = refutation(system, mutation)
        if not ok:
            problems.append(f"{name}: {detail}")
    return Account(
        (len(SYSTEMS) - unproved, len(SYSTEMS)),
        (len(tried) - len(problems) + unproved, len(tried)),
        len(every),
        tuple(problems),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.proofs",
        description="Inductive invariants of the core's protocols, proved by z3; wrong variants are refuted.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these systems")
    parser.add_argument("--show", action="store_true", help="print the states that refute the wrong variants")
    options = parser.parse_args(arguments)
    try:
        systems = chosen(options.names)
    except ValueError as error:
        parser.error(str(error))
    if not has_solver():
        print(f"rusted-ring: {NEEDS_Z3}", file=sys.stderr)
        return 2
    good = True
    for name, ok, detail, seconds in run(options.names):
        good = good and ok
        wrong = ", wrong: " in name
        verdict = ("refuted" if wrong else detail) if ok else "FAIL"
        print(f"{name}: {verdict} ({seconds:.1f} s)")
        if not ok or (wrong and options.show):
            print(detail)
    print("\nAssumptions:")
    for system in systems:
        print(f"- {system.name}: {system.title}")
        for assumption in system.assumptions:
            print(f"    {assumption}")
    print(f"- all: {TIE}")
    return 0 if good else 1
