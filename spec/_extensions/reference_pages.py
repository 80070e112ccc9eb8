"""What the reference pages are made of: the C header, docstrings, drawings of the model.

`c-header` lists what `native/include/rusted_ring.h` declares, with its comments; `drawing NAME` draws the model. In
docstrings and comments code becomes literal, and a cited clause a link to it.
"""

import argparse
import builtins
import functools
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import clause_places
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from rusted_ring.verify import cli
from rusted_ring.verify.specification import c_header
from rusted_ring.verify.specification.drawings import DRAWINGS

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "native" / "include" / "rusted_ring.h"
_ID = r"[A-Z]{3,}-[1-9][0-9]*"
_CITATION = re.compile(rf"\[({_ID}(?:(?:\s*,\s*|\s+to\s+){_ID})*)\]")
_CONTRACT = re.compile(r"^(?:pre|post|raises): .*$", re.MULTILINE)


def as_rst(text: str) -> str:
    """Turn a comment or a docstring into reStructuredText."""
    text = text.replace("\\", "\\\\")
    text = re.sub(r"(?<![`:\w])`([^`\n]+)`(?![`\w])", r"``\1``", text)
    pieces = re.split(r"(``.*?``)", text)
    pieces[::2] = [re.sub(r"[*|]|(?<=\w)_(?=\W|$)", r"\\\g<0>", piece) for piece in pieces[::2]]
    return _CITATION.sub(_links, "".join(pieces))


def _links(found: re.Match[str]) -> str:
    return "[" + re.sub(_ID, r":need:`\g<0>`", " ".join(found[1].split())) + "]"


class CHeader(SphinxDirective):
    """Lists what the C header declares."""

    def run(self) -> list[nodes.Node]:
        """Make a section of each section of the header."""
        self.env.note_dependency(str(HEADER))
        head, sections = c_header.read(HEADER.read_text(encoding="utf-8"))
        lines = ["Conventions", "-----------", ""]
        lines += _conventions(head)
        for section in sections:
            title = section.title[0].upper() + section.title[1:]
            lines += [title, "-" * len(title), ""]
            for item in section.items:
                lines += _described(item)
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _conventions(head: str) -> list[str]:
    """Turn the comment at the header's head into paragraphs: a word alone on its line is the title of what follows."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", head)[1:]:
        first, _, rest = paragraph.partition("\n")
        if rest and re.fullmatch(r"\w+", first.strip()):
            lines += [f"**{first.strip()}**", ""]
            body = textwrap.dedent(rest)
            # A list of words: each entry begins at the margin, a word of it ends at two spaces.
            if entries := re.findall(r"^(\S[^\n]*?) {2,}(\S.*(?:\n +.*)*)", body, re.MULTILINE):
                for word, meaning in entries:
                    lines += [as_rst(word), f"   {as_rst(' '.join(meaning.split()))}", ""]
                continue
            paragraph = body
        lines += [as_rst(" ".join(paragraph.split())), ""]
    return lines


def _described(item: c_header.Item) -> list[str]:
    lines = [f".. c:{item.kind}:: {item.declaration}", ""]
    # A sentence that begins with what is returned, or with the arguments, is a paragraph of its own.
    comment = re.sub(r"(?<=[.\]])\n(?=(?:Args|NULL|RR_[A-Z_]+)\b)", "\n\n", item.comment)
    lines += [f"   {line}".rstrip() for line in as_rst(comment).split("\n")] + [""]
    inner = "enumerator" if item.kind == "enum" else "member"
    for member in item.members:
        lines += [
            f"   .. c:{inner}:: {member.declaration}",
            "",
            f"      {as_rst(' '.join(member.comment.split()))}",
            "",
        ]
    return lines


class Drawing(Directive):
    """Draws the model, in the colours of the site."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Put the drawing into the page."""
        name = self.arguments[0]
        if name not in DRAWINGS:
            raise self.error(f"no drawing is named {name}: {', '.join(DRAWINGS)}")
        return [nodes.raw("", f'<div class="rr-frame" id="drawing-{name}">{DRAWINGS[name]()}</div>', format="html")]


class CommandHelp(SphinxDirective):
    """Shows the `--help` of each command."""

    def run(self) -> list[nodes.Node]:
        """Make a section of each command."""
        found: list[nodes.Node] = []
        (commands,) = (action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction))
        for name, parser in commands.choices.items():
            section = nodes.section("", nodes.title(name, name), ids=[f"command-{name}"], names=[])
            parser.formatter_class = functools.partial(argparse.HelpFormatter, width=78, max_help_position=28)
            text = parser.format_help().strip()
            section += nodes.literal_block(text, text, language="text")
            found.append(section)
        return found


class SourceRole(SphinxRole):
    """A link to the definition of a function: of the C core by its name, of the reference by its qualified name."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link, or report that there is no such function, or more than one."""
        found = clause_places.definitions().get(self.text, [])
        if len(found) != 1:
            message = f"{len(found)} functions are named {self.text}"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        return [clause_places.source_link(place=found[0])], []


def read_docstring(_app: Sphinx, what: str, _name: str, _value: Any, _options: Any, lines: list[str]) -> None:
    """Convert a docstring; contracts are left out, since the source shows them."""
    text = _CONTRACT.sub("", "\n".join(lines))
    lines[:] = as_rst(text).split("\n")
    if what in ("attribute", "property", "data"):
        lines.insert(0, "")  # else what stands before a colon in the first line is taken for a type


def skip(_app: Sphinx, _what: str, _name: str, value: Any, *_: Any) -> bool | None:
    """Leave out what has no docstring of its own and only gets one from a class of Python's."""
    if not inspect.isroutine(value) and not isinstance(value, property) and not inspect.isdatadescriptor(value):
        return None
    return None if getattr(value, "__doc__", None) else True


def without_builtins(_app: Sphinx, doctree: nodes.document) -> None:
    """Take out references to Python's own types, which Sphinx would look for among the attributes of the class."""
    for reference in list(doctree.findall(addnodes.pending_xref)):
        if reference.get("refdomain") == "py" and reference.get("reftarget") in dir(builtins):
            shown = [child for child in reference.children if not isinstance(child, addnodes.pending_xref_condition)]
            shown = shown or [nodes.Text(reference["reftarget"])]
            reference.replace_self(shown)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("c-header", CHeader)
    app.add_directive("drawing", Drawing)
    app.add_directive("command-help", CommandHelp)
    app.add_role("source", SourceRole())
    app.connect("autodoc-process-docstring", read_docstring, priority=100)
    app.connect("doctree-read", without_builtins)
    app.connect("autodoc-skip-member", skip)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
