"""`rusted-ring spec`: prints a clause with its explanation and its citations in the sources, or searches the clauses.

The clauses and their explanations are in the wheel. The sources are in a checkout alone; without one the answer says
so.
"""

import argparse
import json
import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rusted_ring.verify.specification.places import Order, Place, Places, SeededDefect, places
from rusted_ring.verify.support.checkout import NoCheckout, checkout
from rusted_ring.verify.support.clauses import ID_PATTERN, Clause, load_clauses, spec_directory
from rusted_ring.verify.support.errors import InputError

_ROLE = re.compile(r"\{\w+\}`([^`]+)`")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_WIDEST = 100


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser of `rusted-ring`."""
    command = commands.add_parser("spec", help="print a clause and where it is implemented and tested, or search")
    command.add_argument(
        "words", nargs="+", metavar="CLAUSE|WORD", help="a clause's number (RING-11), or words to look for"
    )
    command.add_argument("--json", action="store_true", help="print the result as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the named clauses, or those that a search finds.

    Returns:
        0, or 1 if a search finds nothing.

    Raises:
        InputError: no clause has the number.
    """
    clauses = load_clauses()
    named = [word.upper() for word in options.words if ID_PATTERN.fullmatch(word.upper())]
    if len(named) < len(options.words):
        return _search(clauses, options.words, as_json=options.json)
    named_clauses(named, clauses)
    found, missing = _places(named)
    if options.json:
        print(json.dumps([_as_dict(clauses[one], found[one] if found else None, missing) for one in named], indent=1))
        return 0
    print("\n\n".join(_shown(clauses[one], found[one] if found else None, missing) for one in named))
    return 0


def named_clauses(words: Sequence[str], clauses: Mapping[str, Clause]) -> list[str]:
    """Return the ids of clauses, in capitals.

    Raises:
        InputError: no clause has such a number.
    """
    named = [word.upper() for word in words]
    for word, identifier in zip(words, named, strict=True):
        if not ID_PATTERN.fullmatch(identifier):
            raise InputError(f"{word!r} is not the number of a clause: give one such as RING-11")
        if identifier not in clauses:
            raise InputError(_no_such(identifier, clauses))
    return named


def explanation(clause: Clause, directory: Path | None = None) -> str:
    """Return the text between a clause and the next one or the next heading, in Markdown."""
    path = (directory or spec_directory()) / f"{clause.chapter}.md"
    text = path.read_text(encoding="utf-8")
    begin = re.search(rf"^:id: {clause.id}$.*?^:::$", text, re.MULTILINE | re.DOTALL)
    if begin is None:
        return ""
    rest = text[begin.end() :]
    end = re.search(r"^(?::::\{clause\}|#+ |\([\w-]+\)=$)", rest, re.MULTILINE)
    return rest[: end.start() if end else len(rest)].strip()


def plain(markdown: str) -> str:
    """Return a text without the markup that a terminal does not show."""
    markdown = re.sub(r"^```\{\w+\}.*?^```$\n?", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return _LINK.sub(r"\1", _ROLE.sub(r"\1", markdown)).strip()


def _no_such(identifier: str, clauses: Mapping[str, Clause]) -> str:
    chapter = identifier.rsplit("-", 1)[0]
    last = [one for one in clauses if one.rsplit("-", 1)[0] == chapter]
    if last:
        greatest = max(int(one.rsplit("-", 1)[1]) for one in last)
        return f"there is no clause {identifier}: {chapter} has {chapter}-1 to {chapter}-{greatest}"
    known = ", ".join(dict.fromkeys(one.rsplit("-", 1)[0] for one in clauses))
    return f"there is no clause {identifier}: the chapters are {known}"


def _places(named: Sequence[str]) -> tuple[dict[str, Places] | None, str]:
    try:
        root = checkout()
    except NoCheckout:
        return None, "The sources are not installed: in a checkout this lists the code, the tests and the defects."
    return places(root, named), ""


# --- output


def _width() -> int:
    return max(40, min(_WIDEST, shutil.get_terminal_size().columns))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith(("    ", "|", "```")):
            yield paragraph
            continue
        for item in re.split(r"\n(?=- )", paragraph):
            hanging = "  " if item.startswith("- ") else ""
            yield textwrap.fill(" ".join(item.split()), _width(), subsequent_indent=hanging, break_on_hyphens=False)


def _shown(clause: Clause, found: Places | None, missing: str) -> str:
    lines = [f"{clause.id}  {clause.title}  ({clause.chapter}.md)", ""]
    lines += [textwrap.fill(plain(clause.text), _width(), break_on_hyphens=False)]
    if why := plain(explanation(clause)):
        lines += ["", *"\n\n".join(_paragraphs(why)).split("\n")]
    if found is None:
        return "\n".join([*lines, "", missing])
    for title, entries in _groups(found):
        if entries:
            lines += ["", title]
            wide = max(len(place) for place, _ in entries)
            lines += [f"  {place:<{wide}}  {what}".rstrip() for place, what in entries]
    return "\n".join(lines)


def _groups(found: Places) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        ("Reference", [_line(place) for place in found.reference]),
        ("C core", [_line(place) for place in found.core]),
        ("Python binding", [_line(place) for place in found.binding]),
        ("Explorer and checks", [_line(place) for place in found.checks]),
        ("Tests", [_line(place) for place in found.tests]),
        ("Seeded defects that break it", [_defect(defect) for defect in found.defects]),
        ("Its memory orders, each weakened", [_order(order) for order in found.orders]),
        ("Memory orders that keep it, each weakened", [_order(order) for order in found.breaks]),
    ]


def _line(place: Place) -> tuple[str, str]:
    return f"{place.path}:{place.line}", place.name


def _defect(defect: SeededDefect) -> tuple[str, str]:
    return f"{defect.place.path}:{defect.place.line}", f"{defect.place.name}, in {defect.function}"


def _order(order: Order) -> tuple[str, str]:
    where = f"{order.place.path}:{order.place.line}" if order.place else ""
    return where, f"{order.site}, {order.change}: {textwrap.shorten(order.result, 100, placeholder=' ...')}"


def _as_dict(clause: Clause, found: Places | None, missing: str) -> dict[str, Any]:
    return {
        **asdict(clause),
        "explanation": plain(explanation(clause)),
        "places": asdict(found) if found else None,
        **({"note": missing} if missing else {}),
    }


# --- the search


def _search(clauses: Mapping[str, Clause], words: Sequence[str], *, as_json: bool) -> int:
    """Print the clauses that contain all of the words; those with the words in the title come first."""
    wanted = [re.compile(rf"\b{re.escape(word.lower())}") for word in words]
    ranked: list[tuple[int, Clause]] = []
    for clause in clauses.values():
        title, text = f"{clause.id} {clause.title}".lower(), clause.text.lower()
        why = plain(explanation(clause)).lower()
        if all(any(word.search(part) for part in (title, text, why)) for word in wanted):
            rank = 0 if all(word.search(title) for word in wanted) else 1
            rank = rank if rank == 0 or all(word.search(f"{title} {text}") for word in wanted) else 2
            ranked.append((rank, clause))
    ranked.sort(key=lambda pair: pair[0])
    if as_json:
        print(json.dumps([asdict(clause) for _, clause in ranked], indent=1))
    elif not ranked:
        print(f"no clause speaks of {' '.join(words)}")
    else:
        wide = max(len(clause.id) for _, clause in ranked)
        for _, clause in ranked:
            text = textwrap.shorten(
                plain(clause.text), max(20, _width() - wide - len(clause.title) - 4), placeholder=" ..."
            )
            print(f"{clause.id:<{wide}}  {clause.title}: {text}")
        print(f"\n{len(ranked)} clauses; rusted-ring spec {ranked[0][1].id} shows one of them")
    return 0 if ranked else 1
