"""Writes the page `spec/necessity.md` and a page for each witness from a matrix."""

import html
import re
from pathlib import Path
from typing import Final

from rusted_ring.verify.explorer.page import render
from rusted_ring.verify.explorer.trace import parse as parse_trace
from rusted_ring.verify.model_checking.harness import Explorer, Violation
from rusted_ring.verify.necessity.matrix import Matrix, Row

PAGE: Final = "spec/necessity.md"
_LONGEST: Final = 160

_HEAD = """# Which orders are needed

`python -m rusted_ring.verify.necessity --write` generates this page from a run of the explorer over the corpus of
clients. CI compares the page with a new run for one commit in two. For each atomic site of the core whose order is
not relaxed, and for each weaker order, the run gives that order to this one site of the compiled core. A row shows
the smallest client that then goes wrong, and what goes wrong. On the site that CI builds, this is a link to the
execution, event by event.

Some clients have too many executions for a run of the matrix. For each of them one execution is *recorded*. Each run
replays it twice: with the weaker order it must go wrong, and with the core's own order it must not. For a few orders,
no execution that the [memory model](memory-model.md) allows goes wrong without the order. The row of such an order
links to a proof below the table, which also says why the core keeps the order.

`rusted_ring.verify.clients.language` describes the notation of a client: first its pool or ring, then the setup, then
each thread. With `plain=1`, plain accesses copy the payloads of a gated ring. The model forbids load buffering
({need}`MODEL-15`), so with atomic copies no execution shows an event that is overwritten too early. With plain copies
it shows as a data race between the copy and the write.

"""


def page_name(key: str) -> str:
    """Return the name of the file that shows a cell's witness."""
    return re.sub(r"[^a-z0-9]+", "-", key.lower().replace("->", "to")).strip("-") + ".html"


def _cell(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "&#124;").replace("\n", " ")


def _words(violation: Violation) -> str:
    first = violation.message.splitlines()[0]
    # Numbers of threads and addresses are the same in each run; lines of the source are left out of the page.
    words = re.sub(r" \([a-z_]+\.[ch]:\d+(?:, [a-z_]+\.[ch]:\d+)*\)", "", f"{violation.kind}: {first}")
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rpartition(' ')[0]} ..."


def _link(name: str, words: str) -> str:
    return f'<a href="witnesses/{page_name(name)}">{_cell(words)}</a>'


def _anchor(row: Row) -> str:
    return "proof-" + page_name(row.key).removesuffix(".html")


def page_text(matrix: Matrix) -> str:
    """Return the page of the specification."""
    lines = [_HEAD, "## Orders\n\n", "| site | order | client | what goes wrong |\n", "| --- | --- | --- | --- |\n"]
    for row in matrix.rows:
        site, _, change = row.key.partition(", ")
        witness = row.tried.witness
        if witness is not None:
            note = "recorded: " if row.recorded else ""
            shown = f"<code>{_cell(str(witness.client))}</code>", note + _link(row.key, _words(witness))
        elif row.proof is not None:
            bounds = f"no failure in {row.tried.executions:,} executions of {row.tried.clients} clients"
            shown = bounds, f"[proof: {_cell(row.proof.title)}](#{_anchor(row)})"
        else:
            shown = "none", "neither a witness nor a proof"
        lines.append(f"| {_cell(site)} | {_cell(change)} | {shown[0]} | {shown[1]} |\n")
    lines += ["\n## Proofs\n"]
    for row in matrix.rows:
        if row.proof is not None:
            lines.append(f"\n({_anchor(row)})=\n### {row.key}\n\n{row.proof.text.strip()}\n")
    lines += [
        "\n## Widths\n\nThe clauses {need}`WEAK-5` and {need}`ALLOC-3` allow a failure if a field is too narrow. The "
        "table shows clients that fail at a width, and the same clients at a greater width, where they do not.\n\n",
        "| width | client | what happens |\n| --- | --- | --- |\n",
    ]
    for width in matrix.widths:
        if width.violation is not None:
            shown_width = _link(width.name, _words(width.violation))
        else:
            how = "all" if width.exhaustive else "not all"
            shown_width = f"no failure in {width.executions:,} executions ({how} of them)"
        lines.append(f"| {_cell(width.name)} | <code>{_cell(str(width.client))}</code> | {shown_width} |\n")
    return "".join(lines)


def write_pages(explorer: Explorer, matrix: Matrix, folder: Path) -> int:
    """Write a page for each witness; return the number of pages."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [(row.key, row.tried.witness, row.tried.cell.weaken) for row in matrix.rows]
    shown += [(width.name, width.violation, ()) for width in matrix.widths]
    count = 0
    for key, violation, weaken in shown:
        if violation is None:
            continue
        trace = parse_trace(explorer.trace(violation, weaken))
        attempt = violation.message.splitlines() if violation.history is not None else None
        text = render(trace, title=key, linearization=attempt, clause=violation.clause or None)
        (folder / page_name(key)).write_text(text, encoding="utf-8")
        count += 1
    return count
