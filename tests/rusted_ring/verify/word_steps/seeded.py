"""The seeded defects of the core, seen through the words: which ones write what no action of the model does."""

import concurrent.futures
import dataclasses
import shutil
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.clients.language import Client
from rusted_ring.verify.defects.catalogue import CatalogueError, Defect, applied
from rusted_ring.verify.defects.workshop import Workshop
from rusted_ring.verify.explorer.engine import CannotBuild, CannotRun
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.support.checkout import checkout
from rusted_ring.verify.word_steps.checking import Account
from rusted_ring.verify.word_steps.words import Projected, Projector

RECORDED: Final = Path(__file__).with_name("seeded.toml")
MOST: Final = 100
"""The most executions of a client that is used here; and those of the core with a defect that are looked at."""
SECONDS: Final = 120.0
"""The time for one defect."""
PROCESSES: Final = 2

Kind = Literal["rejected", "accepted", "unchanged", "unfinished"]
Sequences = frozenset[tuple[str, tuple[int, ...], int, tuple[tuple[int, int], ...]]]


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What the words show of a defect.

    Attributes:
        name: the defect's name.
        kind: `rejected` if a word takes a step that no action stands for; `accepted` if words have other histories than
            in the unchanged core, and an action stands for each step; `unchanged` if all words have histories of the
            unchanged core; `unfinished` if the time was up and no step was rejected by then.
        client: the client that shows it first; empty for the last two.
        step: what is rejected, with its site; otherwise empty.
    """

    name: str
    kind: Kind
    client: str = ""
    step: str = ""


def small_clients(projector: Projector, names: Iterable[str] = ()) -> dict[Client, Sequences]:
    """Return the clients that have few executions, with the histories of words in the unchanged core.

    Args:
        projector: the explorer of the unchanged core.
        names: the clients to choose from; by default the whole corpus.
    """
    wanted = set(names)
    found = {}
    for client in CLIENTS:
        if not wanted or client.name in wanted:
            projected = projector.project(client, most=MOST)
            if projected.exhaustive and not projected.errors:
                found[client] = sequences_of(projected)
    return found


def sequences_of(projected: Projected) -> Sequences:
    """Return the histories of words without their sites."""
    return frozenset(
        (one.word, one.place, one.initial, tuple((step.old, step.new) for step in one.steps))
        for one in projected.histories
    )


def see(workshop: Workshop, defect: Defect, clients: Mapping[Client, Sequences]) -> Seen:
    """Build the core with a defect, and look at the words in the executions of some clients.

    Args:
        workshop: the workshop that makes the copy.
        defect: the defect.
        clients: the clients, with the histories of words in the unchanged core.

    Raises:
        CatalogueError: the defect does not apply, or the core does not compile with it.
    """
    copy = workshop.copy(f"words-{defect.name}", *applied(defect, workshop.functions))
    work = copy.folder / "explorer"
    work.mkdir()
    try:
        with Explorer(copy.native.parent, work) as explorer:
            limit = threading.Timer(SECONDS, explorer.stop)
            limit.start()
            try:
                return _look(explorer, defect, clients)
            finally:
                limit.cancel()
    except CannotBuild as error:
        raise CatalogueError(f"{defect.name}: build failed: {error}") from error
    finally:
        shutil.rmtree(copy.folder)


def _look(explorer: Explorer, defect: Defect, clients: Mapping[Client, Sequences]) -> Seen:
    projector, other = Projector(explorer), ""
    for client, before in sorted(clients.items(), key=lambda one: one[0].name != defect.client):
        try:
            projected = projector.project(client, most=MOST)
        except CannotRun:
            if explorer.stopped:
                return Seen(defect.name, "unfinished")
            continue  # the engine refuses the client: its calls answer otherwise than the client expects
        account = Account()
        account.add(projected)
        if account.rejected:
            return Seen(defect.name, "rejected", client.name, account.rejected[0].splitlines()[0])
        if not other and not sequences_of(projected) <= before:
            other = client.name
    return Seen(defect.name, "accepted", other) if other else Seen(defect.name, "unchanged")


def see_all(
    defects: Sequence[Defect],
    clients: Iterable[str] = (),
    *,
    progress: Callable[[int, str], None] | None = None,
) -> list[Seen]:
    """Look at the words of the core with each of some defects.

    Args:
        defects: the defects.
        clients: the names of the clients to choose from; by default the whole corpus.
        progress: called with (defects done, name) after each.

    Raises:
        CatalogueError: a defect does not apply, or the core does not compile with it.
        CannotBuild: the unchanged core does not compile.
    """
    root = checkout()
    with tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder:
        work = Path(folder).resolve()
        for part in ("unchanged", "workshop"):
            (work / part).mkdir()
        with Explorer(root, work / "unchanged") as explorer:
            chosen = small_clients(Projector(explorer), clients)
        workshop = Workshop(root, work / "workshop")
        found: dict[str, Seen] = {}
        with concurrent.futures.ThreadPoolExecutor(max_workers=PROCESSES) as executor:
            running = [executor.submit(see, workshop, defect, chosen) for defect in defects]
            for future in concurrent.futures.as_completed(running):
                seen = future.result()
                found[seen.name] = seen
                if progress is not None:
                    progress(len(found), seen.name)
    return [found[defect.name] for defect in defects]


# --- the record


def read_recorded(path: Path = RECORDED) -> dict[str, Seen]:
    """Read what was seen of each defect, by name."""
    return {one["name"]: Seen(**one) for one in tomllib.loads(path.read_text(encoding="utf-8"))["defect"]}


def recorded_text(seen: Iterable[Seen]) -> str:
    """Return the file that records what was seen."""
    parts = [
        "# What the words show of each seeded defect (see seeded.py).\n"
        "# Written by: python -m rusted_ring.verify.word_steps --defects --write\n"
    ]
    for one in seen:
        values = {key: value for key, value in dataclasses.asdict(one).items() if value}
        parts.append("[[defect]]\n" + "".join(f"{key} = {_quoted(value)}\n" for key, value in values.items()))
    return "\n".join(parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def differences(seen: Iterable[Seen], recorded: Mapping[str, Seen]) -> list[str]:
    """Return where what was seen is not what is recorded: the kind, or the word that takes the rejected step."""
    problems = []
    for one in seen:
        known = recorded.get(one.name)
        if known is None:
            problems.append(f"{one.name}: is not in {RECORDED.name}: add it with --defects --write")
        elif (one.kind, _word(one)) != (known.kind, _word(known)):
            problems.append(f"{one.name}: {one.kind} {one.step}; {RECORDED.name} has {known.kind} {known.step}")
    return problems


def _word(seen: Seen) -> str:
    return seen.step.partition(":")[0]


def table(seen: Sequence[Seen]) -> str:
    """What was seen of each defect, as text."""
    rows = [f"{one.name}: {one.kind}{f' ({one.client})' if one.client else ''} {one.step}".rstrip() for one in seen]
    kinds = [one.kind for one in seen]
    rows.append(
        f"{len(seen)} defects: {kinds.count('rejected')} rejected; {kinds.count('accepted')} accepted, with other "
        f"histories of words than the unchanged core; {kinds.count('unchanged')} that write what the unchanged core "
        f"writes; {kinds.count('unfinished')} unfinished after {SECONDS:.0f} s"
    )
    return "\n".join(rows)
