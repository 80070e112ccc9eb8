"""The page of the evidence: `clause-evidence` makes the table, `claims` the list below it, `trusted-base` the rest.

All is computed by `rusted_ring.verify.prove` from the sources. A method whose claims cannot be read fails the build: a
table without it would say too little.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from reference_pages import as_rst
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from rusted_ring.verify.prove import table
from rusted_ring.verify.prove.evidence import Evidence, collect
from rusted_ring.verify.prove.methods import available, claims_of
from rusted_ring.verify.prove.trusted import TRUSTED
from rusted_ring.verify.support.clauses import load_clauses

SPEC = Path(__file__).resolve().parents[1]


class ClauseEvidence(SphinxDirective):
    """The table of all clauses."""

    def run(self) -> list[nodes.Node]:
        """Make a row of each clause."""
        evidence = collect(SPEC.parent, load_clauses(SPEC).values())
        lines = [".. list-table::", "   :header-rows: 1", ""]
        lines += _row(table.COLUMNS)
        for one in evidence:
            lines += _row([f":need:`{one.clause.id}`", *map(as_rst, table.cells(one)[1:])])
        return self.parse_text_to_nodes("\n".join([*lines, "", _only_tested(evidence)]))


class Claims(SphinxDirective):
    """What each method shows, with assumptions and bounds."""

    def run(self) -> list[nodes.Node]:
        """Make an entry of each claim."""
        lines: list[str] = []
        for method in available():
            lines += [f"**{method.title[0].upper()}{method.title[1:]}**, by {method.by}:", ""]
            for claim in claims_of(method):
                clauses = ", ".join(f":need:`{clause}`" for clause in claim.clauses)
                lines += [f"- ``{claim.name}`` ({clauses}): {as_rst(claim.statement)}. Bound: {as_rst(claim.bound)}. "]
                lines[-1] += f"Assumes: {as_rst('; '.join(claim.assumptions))}."
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines))


class TrustedBase(SphinxDirective):
    """What the verdicts rest on."""

    def run(self) -> list[nodes.Node]:
        """Make an entry of each method."""
        return self.parse_text_to_nodes("\n".join(f"- **{title}**: {as_rst(text)}." for title, text in TRUSTED))


def _row(cells: Any) -> list[str]:
    return [f"   {'* -' if number == 0 else '  -'} {cell}".rstrip() for number, cell in enumerate(cells)]


def _only_tested(evidence: list[Evidence]) -> str:
    only = [one for one in evidence if one.only_tested]
    lines = [f"{len(only)} of {len(evidence)} clauses are shown by tests alone. They are about:", ""]
    for group, clauses in table.apart(only):
        needs = ", ".join(f":need:`{clause}`" for clause in clauses)
        lines.append(f"- *{group.title}* ({len(clauses)}): {as_rst(group.reason)}. {needs}.")
    return "\n".join(lines)


def outdated(_app: Sphinx, env: BuildEnvironment, *_: Any) -> list[str]:
    """Return the page: it changes with the sources."""
    return sorted({"evidence"} & env.found_docs)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("clause-evidence", ClauseEvidence)
    app.add_directive("claims", Claims)
    app.add_directive("trusted-base", TrustedBase)
    app.connect("env-get-outdated", outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
