"""What the explorer tells about the words of the core: their values in modification order, and the sites that wrote."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rusted_ring.verify.clients.language import Client
from rusted_ring.verify.explorer.engine import CannotRun
from rusted_ring.verify.model_checking.harness import MOST_EXECUTIONS, Explorer
from rusted_ring.verify.model_checking.sites import Site, keys_of

_FIELD: Final = re.compile(r"atomic_\w+_explicit\(\s*&\w+->(\w+)\s*,")


@dataclasses.dataclass(frozen=True, slots=True)
class WordStep:
    """What one atomic write did to one word.

    Attributes:
        word: the kind of word.
        site: what wrote it: `file.c:function`, the kind of access, and its number in the function.
        old: the value before it in modification order.
        new: the value that it wrote.
    """

    word: str
    site: str
    old: int
    new: int


@dataclasses.dataclass(frozen=True, slots=True)
class WordHistory:
    """All that happened to one word in an execution, in modification order.

    Attributes:
        word: the kind of word.
        place: which of several words it is, if what it begins with depends on that.
        initial: its value after its initialisation.
        steps: the writes.
        replay: the string that repeats an execution with it.
    """

    word: str
    place: tuple[int, ...]
    initial: int
    steps: tuple[WordStep, ...]
    replay: str


@dataclasses.dataclass(frozen=True, slots=True)
class Projected:
    """What the executions of one client did to the words.

    Attributes:
        client: the client.
        executions: its complete executions.
        blocked: executions that could not complete; their words are followed as far as they came.
        bounded: executions that were cut off; nothing is known of their words.
        exhaustive: whether these are all executions.
        errors: the errors of the explorer.
        histories: the distinct histories of single words.
    """

    client: Client
    executions: int
    blocked: int
    bounded: int
    exhaustive: bool
    errors: tuple[str, ...]
    histories: tuple[WordHistory, ...]


class Projector:
    """Projects the executions of clients onto the words of the core.

    Attributes:
        explorer: the harness of clients.
        writing: the sites of the core that write to a word, as `WordStep.site` names them.
    """

    def __init__(self, explorer: Explorer) -> None:
        """Take the sites from the explorer's binary."""
        self.explorer = explorer
        self.writing = {
            f"{site.file}:{key}": site for site, key in keys_of(explorer.sites).items() if site.kind in ("store", "rmw")
        }
        self._sites = {pc: (key, site) for key, site in self.writing.items() for pc in site.pcs}

    def project(self, client: Client, *, most: int = MOST_EXECUTIONS) -> Projected:
        """Explore every execution of a client, up to the first error.

        Args:
            client: the client.
            most: the greatest number of executions.

        Raises:
            CannotRun: the engine refuses the client, or a site of the core writes to a word that has no name.
        """
        answer = self.explorer.words(client, most=most)
        histories = (history for raw in answer["words"] for history in self._histories(raw))
        return Projected(
            client=client,
            executions=answer["executions"],
            blocked=answer["blocked"],
            bounded=answer["bounded"] + answer["cut"],
            exhaustive=answer["exhaustive"],
            errors=tuple(error["kind"] for error in answer["errors"]),
            histories=tuple(histories),
        )

    def _histories(self, raw: Mapping[str, Any]) -> Iterator[WordHistory]:
        """Yield the history of one word; several if the word was initialised again."""
        kind, *place = raw["word"].split("/")
        steps: Sequence[tuple[int, int, int]] = raw["steps"]
        if not any(pc in self._sites for pc, _, _ in steps):
            return  # of the engine or the harness, or initialised and never written
        word = kind if kind != "object" else self._named([pc for pc, _, _ in steps])
        initial, found = steps[0][1], list[WordStep]()
        for pc, old, new in steps:
            if pc not in self.explorer.initialisations:
                key = self._sites[pc][0] if pc in self._sites else "a plain write"
                found.append(WordStep(word, key, old, new))
                continue
            if found:
                yield WordHistory(word, tuple(map(int, place)), initial, tuple(found), raw["replay"])
            initial, found = new, []
        yield WordHistory(word, tuple(map(int, place)), initial, tuple(found), raw["replay"])

    def _named(self, pcs: Sequence[int]) -> str:
        """Name a word of a reader, a writer or a notifier by the field that the sites name."""
        fields = {self._field(self._sites[pc][1]) for pc in pcs if pc in self._sites}
        if len(fields) != 1:
            raise CannotRun(f"one word is {' and '.join(sorted(fields))} at different sites")
        return fields.pop()

    def _field(self, site: Site) -> str:
        lines = next(lines for path, lines in self.explorer.sources.items() if path == self._path(site))
        found = _FIELD.search(" ".join(lines[site.line - 1 : site.line + 1]))
        if found is None:
            raise CannotRun(f"{site.name}: writes to a word that has no name: name it in client_words.c")
        return found[1]

    def _path(self, site: Site) -> Path:
        return (self.explorer.root / "native" / "src" / site.file).resolve()
