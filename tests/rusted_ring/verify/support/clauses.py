"""The clauses of the spec, read from its chapters.

A clause is one `clause` directive of a chapter:

    :::{clause} Title
    :id: PTR-2

    One sentence that can be false.
    :::
"""

import re
from dataclasses import dataclass
from pathlib import Path

ID_PATTERN = re.compile(r"[A-Z]{3,}-[1-9][0-9]*")
"""The form of a clause's id: a chapter's word of three letters or more, a hyphen, a number from 1."""

_OPENING = re.compile(r":::\{clause\}\s*(?P<title>.*)")
_OPTION = re.compile(r":(?P<name>[a-z_]+):\s*(?P<value>.*)")


class SpecError(ValueError):
    """A chapter of the spec cannot be read: the message names the file, the line and the fault."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One numbered sentence of the spec.

    Attributes:
        id: the number it is cited by, such as `PTR-2`.
        title: its heading, a few words.
        text: the sentence, its line breaks turned into spaces.
        chapter: the name of its file without the ending, such as `pointers`.
    """

    id: str
    title: str
    text: str
    chapter: str


def spec_directory() -> Path:
    """Return the folder of the chapters: the copy in `rusted_ring.verify` (in a wheel), or the checkout's `spec/`.

    Raises:
        SpecError: neither is there.
    """
    here = Path(__file__).resolve()
    candidates = (here.parents[1] / "spec", here.parents[4] / "spec")
    for candidate in candidates:
        if (candidate / "sizes.md").is_file():
            return candidate
    raise SpecError(f"no chapters in {candidates[0]} nor in {candidates[1]}: reinstall rusted-ring")


def load_clauses(directory: Path | None = None) -> dict[str, Clause]:
    """Return every clause of the spec by its id, chapter by chapter in the order of the files' names.

    Args:
        directory: the folder of the chapters; by default that of `spec_directory`.

    Raises:
        SpecError: a clause has no id, no title or no text, is not closed, or has an id that is malformed or taken.
    """
    clauses: dict[str, Clause] = {}
    for path in sorted((directory or spec_directory()).glob("*.md")):
        for clause, line in _read_chapter(path):
            if clause.id in clauses:
                raise SpecError(
                    f"{path.name}:{line}: the id {clause.id} is taken by chapter {clauses[clause.id].chapter}"
                )
            clauses[clause.id] = clause
    return clauses


def _read_chapter(path: Path) -> list[tuple[Clause, int]]:
    """Return the clauses of one chapter, each with the number of its first line."""
    found: list[tuple[Clause, int]] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opening = _OPENING.fullmatch(lines[number].rstrip())
        number += 1
        if opening is None:
            continue
        first = number
        body: list[str] = []
        while number < len(lines) and lines[number].rstrip() != ":::":
            body.append(lines[number].rstrip())
            number += 1
        if number == len(lines):
            raise SpecError(f"{path.name}:{first}: the clause is not closed by a line :::")
        number += 1
        found.append((_parse(opening["title"].strip(), body, path, first), first))
    return found


def _parse(title: str, body: list[str], path: Path, line: int) -> Clause:
    """Turn the lines between the fences into a clause."""
    options: dict[str, str] = {}
    start = 0
    for text in body:
        option = _OPTION.fullmatch(text)
        if option is None:
            break
        options[option["name"]] = option["value"].strip()
        start += 1
    identifier = options.get("id", "")
    if ID_PATTERN.fullmatch(identifier) is None:
        raise SpecError(f"{path.name}:{line}: the clause's id is {identifier!r}, not of the form PTR-2")
    sentence = " ".join(" ".join(body[start:]).split())
    if not title or not sentence:
        raise SpecError(f"{path.name}:{line}: the clause {identifier} has no {'title' if not title else 'text'}")
    return Clause(identifier, title, sentence, path.stem)


def clause_line(identifier: str) -> str:
    """Return the id and text of a clause, to append to a sentence; empty if there is none."""
    if not identifier:
        return ""
    try:
        clause = load_clauses().get(identifier)
    except SpecError:
        clause = None
    return f" [{identifier}: {clause.text}]" if clause else f" [{identifier}]"
