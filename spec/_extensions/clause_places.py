"""Below each clause: where it is implemented and tested, from the sources, and its entry in the search.

The places are those of `rusted_ring.verify.specification.places`; the pages that they lead to are those of
`source_pages`.
"""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import source_pages
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.writers.html5 import HTML5Translator
from sphinx_needs.nodes import Need

from rusted_ring.verify.specification.places import Order, Place, Places, anchor, defined, places
from rusted_ring.verify.support.clauses import Clause, load_clauses

SPEC = Path(__file__).resolve().parents[1]
ROOT = SPEC.parent
_SHOWN = 400


class clause_places(nodes.General, nodes.Element):  # noqa: N801 - the names of nodes are in small letters
    """What stands below the clause whose id its attribute `clause` is."""


class source_link(nodes.Inline, nodes.Element):  # noqa: N801 - as above
    """A link to a place in the sources, its attribute `place`."""


class ClauseDomain(Domain):
    """The clauses as objects, so that the search finds them by number and title."""

    name = "clause"
    label = "Specification"
    object_types: ClassVar[dict[str, ObjType]] = {"clause": ObjType("clause")}
    data_version = 1

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Yield each clause with its page and anchor."""
        # The name differs from the anchor: the search would take the shown name for an anchor that is the name.
        for clause in _clauses().values():
            yield f"clause.{clause.id}", f"{clause.id}: {clause.title}", "clause", clause.chapter, clause.id, 0

    def resolve_any_xref(self, *_: Any) -> list[Any]:
        """Find nothing: clauses are linked by the role `need`."""
        return []

    def merge_domaindata(self, docnames: set[str], otherdata: dict[str, Any]) -> None:
        """Nothing is kept by page."""


_cache: dict[str, Any] = {}


def _clauses() -> dict[str, Clause]:
    if "clauses" not in _cache:
        _cache["clauses"] = load_clauses(SPEC)
    found: dict[str, Clause] = _cache["clauses"]
    return found


def _places() -> dict[str, Places]:
    if "places" not in _cache:
        _cache["places"] = places(ROOT, _clauses())
    found: dict[str, Places] = _cache["places"]
    return found


def definitions() -> dict[str, list[Place]]:
    """Return where the functions of the core and of the reference are defined, by name."""
    if "definitions" not in _cache:
        found: dict[str, list[Place]] = {}
        for place in defined(ROOT):
            found.setdefault(place.name, []).append(place)
        _cache["definitions"] = found
    by_name: dict[str, list[Place]] = _cache["definitions"]
    return by_name


def insert(app: Sphinx, doctree: nodes.document) -> None:
    """Put a node below each clause of a page, and name the rows of the matrix of orders."""
    for need in list(doctree.findall(Need)):
        identifier = need["ids"][0]
        if identifier in _clauses():
            below = clause_places(clause=identifier)
            need.parent.insert(need.parent.index(need) + 1, below)
    if app.env.docname == "necessity":
        _mark_rows(app, doctree)


def _mark_rows(app: Sphinx, doctree: nodes.document) -> None:
    """Give the rows of the matrix ids, and take out links to executions that were not written for this build."""
    for row in doctree.findall(nodes.row):
        cells = [cell.astext() for cell in row.findall(nodes.entry)]
        if len(cells) == 4:
            row["ids"].append(anchor(cells[0], cells[1]))
    if not _has_witnesses(app):
        for raw in doctree.findall(nodes.raw):
            if raw.astext().startswith('<a href="witnesses/'):
                follower = raw.parent[raw.parent.index(raw) + 2 : raw.parent.index(raw) + 3]
                raw.replace_self(nodes.raw("", "<span>", format="html"))
                if follower and follower[0].astext() == "</a>":
                    follower[0].replace_self(nodes.raw("", "</span>", format="html"))


def _has_witnesses(app: Sphinx) -> bool:
    return any((Path(folder) / "witnesses").is_dir() for folder in app.config.html_extra_path)


def visit(self: HTML5Translator, node: nodes.Element) -> None:
    """Write what stands below a clause."""
    identifier = node["clause"]
    found = _places()[identifier]
    here = self.builder.current_docname
    groups = [
        ("reference", "Reference", [_line(self, here, place) for place in found.reference]),
        ("core", "C core", [_line(self, here, place) for place in found.core]),
        ("binding", "Python binding", [_line(self, here, place) for place in found.binding]),
        ("explorer", "Explorer and checks", [_line(self, here, place) for place in found.checks]),
        ("tests", "Tests", [_line(self, here, place) for place in found.tests]),
        (
            "defects",
            "Seeded defects that break it, each detected by a test",
            [
                f"{_line(self, here, defect.place)} in <code>{html.escape(defect.function)}</code>"
                for defect in found.defects
            ],
        ),
        ("orders", "Its memory orders, each weakened", [_order(self, here, order) for order in found.orders]),
        ("breaks", "Memory orders that keep it, each weakened", [_order(self, here, order) for order in found.breaks]),
    ]
    groups = [group for group in groups if group[2]]
    short = {"reference": "reference", "core": "C", "binding": "binding", "explorer": "checks", "tests": "tests",
             "defects": "defects", "orders": "orders", "breaks": "orders that keep it"}  # fmt: skip
    counts = " · ".join(f"{short[kind]} {len(lines)}" for kind, _, lines in groups)
    self.body.append(
        f'<details class="clause-places" id="{identifier}-places"><summary>'
        f'<span class="clause-places-head">In the sources</span> {counts}</summary>'
    )
    for kind, title, lines in groups:
        items = "".join(f"<li>{line}</li>" for line in lines)
        self.body.append(f'<p class="rubric">{title}</p><ul class="{kind}">{items}</ul>')
    self.body.append("</details>")
    raise nodes.SkipNode


def visit_link(self: HTML5Translator, node: nodes.Element) -> None:
    """Write a link to a line of a source."""
    place = node["place"]
    uri = self.builder.get_relative_uri(self.builder.current_docname, source_pages.page_of(place.path))
    self.body.append(f'<a class="source" href="{uri}#{source_pages.id_of(place.line)}"><code>{place.name}</code></a>')
    raise nodes.SkipNode


def _line(self: HTML5Translator, here: str, place: Place) -> str:
    uri = self.builder.get_relative_uri(here, source_pages.page_of(place.path))
    folder, _, name = place.path.rpartition("/")
    return (
        f'<a href="{uri}#{source_pages.id_of(place.line)}"><code>{html.escape(place.name)}</code></a> '
        f'<span class="where" title="{html.escape(folder)}">{html.escape(name)}:{place.line}</span>'
    )


def _order(self: HTML5Translator, here: str, order: Order) -> str:
    row = self.builder.get_relative_uri(here, "necessity") + "#" + order.anchor
    where = f" {_line(self, here, order.place)}" if order.place else ""
    result = html.escape(order.result if len(order.result) <= _SHOWN else order.result[:_SHOWN] + " ...")
    if order.page and _has_witnesses(self.builder.app):
        witness = self.builder.get_relative_uri(here, "necessity").rpartition("/")[0]
        result = f'<a href="{witness + "/" if witness else ""}witnesses/{order.page}">{result}</a>'
    return f'<a href="{row}">{html.escape(order.site)}, {html.escape(order.change)}</a>:{where} {result}'


def skip(*_: Any) -> None:
    """Write nothing in other formats."""
    raise nodes.SkipNode


def collect(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the pages of the sources."""
    files = {place.path for found in _places().values() for place in _all(found)}
    files |= {found[0].path for found in definitions().values() if len(found) == 1}
    chapters = {clause.id: clause.chapter for clause in _clauses().values()}
    yield from source_pages.pages(app, ROOT, files, chapters)


def _all(found: Places) -> Iterator[Place]:
    yield from (*found.reference, *found.core, *found.binding, *found.checks, *found.tests)
    yield from (defect.place for defect in found.defects)
    yield from (order.place for order in (*found.orders, *found.breaks) if order.place)


def outdated(_app: Sphinx, env: BuildEnvironment, *_: Any) -> list[str]:
    """Return every chapter: what stands below a clause changes with the sources."""
    return sorted({clause.chapter for clause in _clauses().values()} & env.found_docs)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_node(clause_places, html=(visit, None), text=(skip, None))
    app.add_node(source_link, html=(visit_link, None), text=(skip, None))
    app.add_domain(ClauseDomain)
    app.connect("doctree-read", insert)
    app.connect("html-collect-pages", collect)
    app.connect("env-get-outdated", outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
