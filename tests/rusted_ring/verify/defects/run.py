"""Tries every defect on a copy of its own, after the unchanged core."""

import concurrent.futures
import dataclasses
import pathlib
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable

from rusted_ring.verify.defects.catalogue import CatalogueError, Defect, applied, read_catalogue
from rusted_ring.verify.defects.checks import Check, Limits
from rusted_ring.verify.defects.workshop import Workshop
from rusted_ring.verify.explorer.engine import CannotBuild
from rusted_ring.verify.support.checkout import checkout

STEPS_OF_THE_UNCHANGED = 3_000
PROCESSES = 2


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of one fault.

    Attributes:
        name: the fault's name.
        caught_by: `disagreement`, `crash`, `hang` or `error`, with the layer; empty if it survived.
        clause: the clause that the check named; empty for a crash or a hang.
        message: the check's message.
        seconds: how long the build and the check took.
    """

    name: str
    caught_by: str
    clause: str
    message: str
    seconds: float

    @property
    def survived(self) -> bool:
        """True if no check caught the fault."""
        return not self.caught_by


@dataclasses.dataclass(frozen=True)
class DefectsReport:
    """All outcomes; each of `problems` fails the run."""

    outcomes: tuple[Outcome, ...]
    problems: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """True if every fault was caught."""
        return not self.problems

    def as_dict(self) -> dict[str, object]:
        """The report as JSON values."""
        return {
            "layer": "defects",
            "ok": self.ok,
            "defects": len(self.outcomes),
            "caught": sum(not outcome.survived for outcome in self.outcomes),
            "survived": [outcome.name for outcome in self.outcomes if outcome.survived],
            "slowest_seconds": round(max((outcome.seconds for outcome in self.outcomes), default=0.0), 1),
            "seconds": round(self.seconds, 1),
            "problems": list(self.problems),
            "outcomes": [dataclasses.asdict(outcome) for outcome in self.outcomes],
        }


def try_defect(workshop: Workshop, defect: Defect, limits: Limits) -> Outcome:
    """Make a copy with a defect and run its check.

    Raises:
        CatalogueError: the defect does not apply, or the core does not compile with it.
    """
    file, text = applied(defect, workshop.functions)
    begun = time.monotonic()
    copy = workshop.copy(defect.name, file, text)
    try:
        caught_by, clause, message = Check.of(defect)(copy, limits)
    except CannotBuild as error:
        raise CatalogueError(f"{defect.name}: build failed: {error}") from error
    except CatalogueError as error:
        raise CatalogueError(f"{defect.name}: {error}") from error
    finally:
        shutil.rmtree(copy.folder)
    return Outcome(defect.name, caught_by, clause, message, round(time.monotonic() - begun, 2))


def check_unchanged(workshop: Workshop, defects: Collection[Defect], limits: Limits, processes: int) -> list[str]:
    """Run the checks of some defects on the unchanged core; return the problems."""
    copy = workshop.copy("unchanged")
    clients = tuple(sorted({defect.client for defect in defects} - {""}))
    every = sorted({Check.of(defect) for defect in defects if not defect.client})
    if clients:  # one build for all of them, which takes longest
        every.insert(0, Check("explore", clients=clients))
    if any(check.layer in ("diff", "round") for check in every):
        copy.package()
    problems = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=processes) as executor:
        found = executor.map(lambda check: check(copy, limits), every)
    for check, (caught_by, clause, message) in zip(every, found, strict=True):
        if caught_by:
            problems.append(f"the unchanged core does not pass ({check}): {caught_by} {clause} {message}")
    return problems


def run_defects(
    defects: Iterable[Defect] | None = None,
    *,
    limits: Limits | None = None,
    processes: int = PROCESSES,
    progress: Callable[[int, int, str], None] | None = None,
) -> DefectsReport:
    """Try every defect, after the unchanged core has passed the same checks.

    Args:
        defects: the defects to try; by default the whole catalogue.
        limits: the limits of the search for each.
        processes: how many are tried at once.
        progress: called with (defects done, defects, name) after each.

    Raises:
        CatalogueError: there are no C sources, or they cannot be built as they are.
    """
    begun = time.monotonic()
    root = checkout()
    chosen = read_catalogue() if defects is None else list(defects)
    limits = Limits() if limits is None else limits
    problems: list[str] = []
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder:
        workshop = Workshop(root, pathlib.Path(folder).resolve())
        # A few thousand steps show whether the copies work at all; `rusted-ring diff` does the rest.
        short = dataclasses.replace(limits, steps=min(limits.steps, STEPS_OF_THE_UNCHANGED))
        problems += check_unchanged(workshop, chosen, short, processes)
        if problems:
            # A defect that is caught now may be caught for the wrong reason.
            return DefectsReport((), tuple(problems), time.monotonic() - begun)
        with concurrent.futures.ThreadPoolExecutor(max_workers=processes) as executor:
            running = {executor.submit(try_defect, workshop, defect, limits): defect for defect in chosen}
            for number, future in enumerate(concurrent.futures.as_completed(running), start=1):
                defect = running[future]
                try:
                    outcomes[defect.name] = future.result()
                except CatalogueError as error:
                    problems.append(str(error))
                if progress is not None:
                    progress(number, len(running), defect.name)
    ordered = tuple(outcomes[defect.name] for defect in chosen if defect.name in outcomes)
    problems += [f"{outcome.name}: survived" for outcome in ordered if outcome.survived]
    return DefectsReport(ordered, tuple(problems), time.monotonic() - begun)


def table(report: DefectsReport) -> str:
    """The report as text."""
    width = max((len(outcome.name) for outcome in report.outcomes), default=6)
    rows = [f"{'defect':<{width}}  {'caught by':<20}  {'clause':<9}  seconds"]
    rows += [
        f"{outcome.name:<{width}}  {outcome.caught_by or 'SURVIVED':<20}  {outcome.clause:<9}  {outcome.seconds:>7.1f}"
        for outcome in report.outcomes
    ]
    rows += [f"FAIL: {problem}" for problem in report.problems]
    caught = sum(not outcome.survived for outcome in report.outcomes)
    rows.append(f"{caught} of {len(report.outcomes)} defects caught in {report.seconds:.0f} s")
    return "\n".join(rows)
