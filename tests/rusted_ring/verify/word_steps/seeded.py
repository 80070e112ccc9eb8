"""The seeded defects of the core, seen through the words: which ones write what no action of the model does."""

import dataclasses
import shutil
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
from rusted_ring.verify.word_steps.checking import Account
from rusted_ring.verify.word_steps.words import Projected, Projector

RECORDED: Final = Path(__file__).with_name("seeded.toml")
MOST: Final = 400
"""The executions of each client at the most, with a defect: those of a core that goes wrong may be without end."""

Kind = Literal["rejected", "accepted", "unchanged"]
Sequences = frozenset[tuple[str, tuple[int, ...], int, tuple[tuple[int, int], ...]]]


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What the words show of a defect.

    Attributes:
        name: the defect's name.
        kind: `rejected` if a word takes a step that no action stands for; `accepted` if words have other histories than
            in the unchanged core, and each step is an action; `unchanged` if every word has the same histories.
        client: the client that shows it first; empty if it is unchanged.
        step: what is rejected, with its site; otherwise empty.
    """

    name: str
    kind: Kind
    client: str = ""
    step: str = ""


def small_clients(projector: Projector, most: int = MOST) -> dict[Client, Sequences]:
    """Return the clients of the corpus that have few executions, with the histories of the words of the unchanged core."""
    found = {}
    for client in CLIENTS:
        projected = projector.project(client, most=most)
        if projected.exhaustive and not projected.errors:
            found[client] = sequences_of(projected)
    return found


def sequences_of(projected: Projected) -> Sequences:
    """Return the histories of words without their sites."""
    return frozenset(
        (one.word, one.place, one.initial, tuple((step.old, step.new) for step in one.steps))
        for one in projected.histories
    )


def see(
    workshop: Workshop, defect: Defect, clients: Mapping[Client, Sequences], *, whole: bool = True
) -> Seen:
    """Build the core with a defect, and look at the words in the executions of some clients.

    Args:
        workshop: the workshop that makes the copy.
        defect: the defect.
        clients: the clients, with their histories in the unchanged core.
        whole: whether to go on, after a client with other histories, to one in which a step is rejected.

    Raises:
        CatalogueError: the defect does not apply, or the core does not compile with it.
    """
    copy = workshop.copy(f"words-{defect.name}", *applied(defect, workshop.functions))
    other = ""
    try:
        work = copy.folder / "explorer"
        work.mkdir()
        with Explorer(copy.native.parent, work) as explorer:
            projector = Projector(explorer)
            for client, before in sorted(clients.items(), key=lambda one: one[0].name != defect.client):
                try:
                    projected = projector.project(client, most=MOST)
                except CannotRun:
                    continue  # refused, or the engine broke off
                account = Account()
                account.add(projected)
                if account.rejected:
                    return Seen(defect.name, "rejected", client.name, account.rejected[0].splitlines()[0])
                if not other and not sequences_of(projected) <= before:
                    other = client.name
                    if not whole:
                        break
    except CannotBuild as error:
        raise CatalogueError(f"{defect.name}: build failed: {error}") from error
    finally:
        shutil.rmtree(copy.folder)
    return Seen(defect.name, "accepted", other) if other else Seen(defect.name, "unchanged")


def read_recorded(path: Path = RECORDED) -> dict[str, Seen]:
    """Read what was seen of each defect, by name."""
    return {one["name"]: Seen(**one) for one in tomllib.loads(path.read_text(encoding="utf-8"))["defect"]}


def recorded_text(seen: Iterable[Seen]) -> str:
    """Return the file that records what was seen."""
    parts = [
        "# What the words show of each seeded defect: written by `python -m rusted_ring.verify.word_steps --defects --write`.\n"
    ]
    for one in seen:
        values = {key: value for key, value in dataclasses.asdict(one).items() if value}
        parts.append("[[defect]]\n" + "".join(f"{key} = {_quoted(value)}\n" for key, value in values.items()))
    return "\n".join(parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def differences(seen: Sequence[Seen], recorded: Mapping[str, Seen]) -> list[str]:
    """Return where what was seen is not what is recorded: the kind, or the word of the rejected step."""
    problems = []
    for one in seen:
        known = recorded.get(one.name)
        if known is None:
            problems.append(f"{one.name}: is not in {RECORDED.name}: run --defects --write")
        elif (one.kind, one.step.partition(":")[0]) != (known.kind, known.step.partition(":")[0]):
            problems.append(f"{one.name}: {one.kind} {one.step}; {RECORDED.name} has {known.kind} {known.step}")
    return problems


Progress = Callable[[int, str], None]
