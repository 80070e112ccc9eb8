"""Parses the C header for a reference page: sections, each with its functions, types and constants.

The header has one form: a comment is right above the declaration that it describes, or after a member of a structure or
enumeration; a line of hyphens with a word at its end begins a section.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(r"/\*.*?\*/|^#define[^\n]*|^#[^\n]*|[^;{}/#]+|[;{}/#]", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"/\* -{8,} ?(?P<title>[\w ]+?) \*/")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a structure, or a constant of an enumeration: its declaration and its comment."""

    declaration: str
    comment: str


@dataclass(frozen=True, slots=True)
class Item:
    """A declaration of the header.

    Attributes:
        kind: `function`, `struct`, `enum`, `type` or `macro`.
        declaration: the declaration of a function, otherwise the name.
        comment: the comment above it, without its decoration.
        members: of a structure or an enumeration.
    """

    kind: str
    declaration: str
    comment: str
    members: tuple[Member, ...] = ()


@dataclass(slots=True)
class Section:
    """A section of the header: its title and its declarations."""

    title: str
    items: list[Item] = field(default_factory=list)


def plain(comment: str) -> str:
    """Return the text of a comment without its decoration; further indentation of a line is kept."""
    lines = comment.removeprefix("/*").removesuffix("*/").split("\n")
    return "\n".join(re.sub(r"^[ \t]*\* ?", "", line).rstrip() for line in lines).strip()


def read(text: str) -> tuple[str, list[Section]]:
    """Return the comment at the head of a header, and its sections in their order."""
    head = re.match(r"/\*.*?\*/", text, re.DOTALL)
    sections = [Section("versions and limits")]
    for section, item in _items(text[head.end() if head else 0 :]):
        if section:
            sections.append(Section(section))
        if item:
            sections[-1].items.append(item)
    return plain(head[0]) if head else "", [section for section in sections if section.items]


def _items(text: str) -> Iterator[tuple[str, Item | None]]:
    """Yield the titles of sections, and the declarations."""
    comment = ""
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            position += 1
            continue
        word = token[0]
        position = token.end()
        if word.startswith("/*"):
            if section := _SECTION.fullmatch(word):
                yield section["title"].strip(), None
                comment = ""
            else:
                comment = plain(word)
        elif macro := re.match(r"#define (RR_(?!API)\w+) +([^\s/][^/\n]*?)(?: */\* (.*) \*/)?$", word):
            yield "", Item("macro", macro[1], f"{macro[3] or comment}\n\n{macro[2].strip()}")
            comment = ""
        elif word.startswith("#") or not word.strip() or word in ";}{":
            continue
        elif word.lstrip().startswith("typedef"):
            end = _end(text, token.start() + len(word) - len(word.lstrip()))
            yield "", _typedef(text[token.start() : end], comment)
            position, comment = end, ""
        elif word.lstrip().startswith("RR_API"):
            end = text.index(";", token.start()) + 1
            declaration = " ".join(text[token.start() : end].split()).removeprefix("RR_API ").removesuffix(";")
            yield "", Item("function", declaration, comment)
            position, comment = end, ""


def _end(text: str, start: int) -> int:
    """Return the end of a declaration, which may have braces."""
    brace, semicolon = text.find("{", start), text.index(";", start)
    return semicolon + 1 if brace == -1 or brace > semicolon else text.index(";", text.index("}", brace)) + 1


def _typedef(text: str, comment: str) -> Item:
    whole = re.match(r"\s*typedef (?P<kind>struct|enum) (?P<name>\w+)\s*(?:\{(?P<body>.*)\})?", text, re.DOTALL)
    if whole is None:
        raise ValueError(f"a declaration of an unknown form: {' '.join(text.split())}")
    if whole["body"] is None:
        return Item("type", whole["name"], comment)
    separator = ";" if whole["kind"] == "struct" else ","
    members = []
    # A member's comment follows its separator; the last constant of an enumeration has none.
    for found in re.finditer(
        rf"(?P<what>[A-Za-z_][^{separator}/]*?)\s*(?:{separator}|(?=/\*)|$)[ \t]*(?P<note>/\*.*?\*/)?",
        whole["body"],
        re.DOTALL,
    ):
        members.append(Member(" ".join(found["what"].split()), plain(found["note"] or "")))
    return Item(whole["kind"], whole["name"], comment, tuple(members))
