"""A run as Markdown: what was to be reached, the peers work by work, and the machine."""

from collections.abc import Iterable, Sequence

from rusted_ring.bench.against import Change
from rusted_ring.bench.ahead import Row, beside, comparable, compare, guaranteed
from rusted_ring.bench.contract import CALLS, MACHINE, MEMORY, NATIVE, WORKS, Figure, harness_of, parse
from rusted_ring.bench.measured import Measured, Quartiles
from rusted_ring.bench.targets import Unit, Verdict, judge

PEER_COLUMNS = ("work", "peer", "ahead", "times the peer", "quartiles", "at most", "reached", "reason")
CHANGE_COLUMNS = ("figure", "ns then", "quartiles then", "ns now", "quartiles now", "times then", "moved")
TARGET_COLUMNS = ("work", "to reach", "measured", "quartiles", "reached", "beside")


def number(value: float) -> str:
    """Return a number with three figures that count, and no more behind the point than it has."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.2g}"


def amount(value: float, unit: Unit) -> str:
    """Return a measured value with its unit."""
    if unit == "ratio":
        return f"{value:.3f}"
    return f"{number(value)} {unit}"


def spread(value: Quartiles, unit: Unit = "ratio") -> str:
    """Return the quartiles, without a unit."""
    if value.low == value.high:
        return ""
    if unit == "ratio":
        return f"{times(value.low)} to {times(value.high)}"
    return f"{number(value.low)} to {number(value.high)}"


def target_row(verdict: Verdict) -> list[str]:
    """Return a verdict as the cells of `TARGET_COLUMNS`."""
    target, value = verdict.target, verdict.value
    if value is None:
        return [target.text, target.bound, "not measured", "", "-", verdict.why]
    reached = "yes" if verdict.reached else "NO"
    return [
        target.text,
        target.bound,
        amount(value.median, target.unit),
        spread(value, target.unit),
        reached,
        verdict.why,
    ]


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> list[str]:
    """Return a table as lines of Markdown."""
    rule = ["---:" if column in right else "---" for column in columns]
    every = [columns, rule, *([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in every]


def times(ratio: float) -> str:
    """Return a ratio with two digits behind the point, or more where there would be nothing to see of it."""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def change_row(change: Change) -> list[str]:
    """Return a figure that moved as the cells of `CHANGE_COLUMNS`."""
    cells = [change.name]
    for value in (change.before, change.now):
        cells += [number(value.median), spread(value, "us")]
    return [*cells, times(change.ratio), "slower" if change.ratio > 1 else "faster"]


def peer_row(row: Row) -> list[str]:
    """Return a comparison with a peer as the cells of `PEER_COLUMNS`; the figures are those of its worst case."""
    most = f"{row.most:g}"
    lacks = f"it has {', '.join(one.lacking for one in row.lacks)}" if row.lacks else "it guarantees as much"
    if not row.cases:
        return [row.work, row.peer, "-", "not measured", "", most, "-", f"{row.why_not}; {lacks}"]
    worst, total = row.worst, len(row.cases)
    where = f"{'worst of ' + str(total) + ' cases' if total > 1 else 'one case'}: {_title(worst.peer)}"
    if 0 < row.ahead < total:
        where += f"; ahead in {row.ahead}"
    where += worst.by_pair
    return [
        *(row.work, row.peer, "yes" if row.ahead == total else "NO"),
        *(times(worst.ratio.median), spread(worst.ratio), most, "yes" if row.reached else "NO"),
        f"{lacks}; {where}",
    ]


def ahead(rows: Sequence[Row]) -> str:
    """Return in one sentence how many of the rows hold."""
    seen = [row for row in rows if row.cases]
    ahead_of = sum(row.ahead == len(row.cases) for row in seen)
    reached = sum(row.reached for row in seen)
    said = ("yes" if ahead_of == len(seen) else "NO") if seen else "not measured"
    return (
        f"Ahead of every peer: {said}. Native is ahead in {ahead_of} of "
        f"{len(seen)} rows, and within what it may take in {reached}; {len(rows) - len(seen)} were not measured."
    )


def peers_to_reach(measured: Measured) -> list[str]:
    """Return the comparison with every peer as lines of Markdown, with what native guarantees and they do not."""
    rows = compare(measured)
    if not rows:
        return []
    bought = [[one.name, one.buys, ", ".join(f"`{work}`" for work in works)] for one, works in guaranteed(rows)]
    return [
        ahead(rows),
        "",
        *markdown_table(PEER_COLUMNS, map(peer_row, rows), right=("times the peer", "at most")),
        "",
        "What native guarantees in these works, and what it buys:",
        "",
        *markdown_table(("guarantee", "what it buys", "works"), bought),
        "",
        "### Beside the machine's limits, and other targets",
        "",
    ]


def targets(measured: Measured) -> str:
    """Return the tables of what is to be reached: beside the peers, and beside limits and constants."""
    rows = [target_row(verdict) for verdict in judge(measured)]
    return "\n".join([*peers_to_reach(measured), *markdown_table(TARGET_COLUMNS, rows, right=("measured",))]) + "\n"


# --- peers

_UNSAID = {"live": "0", "references": "1", "oversubscribed": "0"}
"""Parameters that are named only where they are not this."""


def _title(figure: Figure) -> str:
    return ", ".join(f"{key}={value}" for key, value in figure.keys.items() if _UNSAID.get(key) != value)


def limit_of(figure: Figure) -> Figure | None:
    """Return the machine's limit that a figure is compared with, None where none fits."""
    keys = figure.keys
    if figure.work == "pool":
        return Figure("limit-memcpy", MACHINE, {"payload": keys["payload"]})
    if figure.work == "clone":
        return Figure("limit-locked-add-pair", MACHINE, {})
    if figure.work in ("ring", "ring-bulk"):
        return Figure("limit-copy", MACHINE, {"payload": keys["payload"], "capacity": keys["capacity"]})
    if figure.work in ("stream", "readers") and keys["payload"] == "64" and keys["oversubscribed"] == "0":
        work = "limit-line-transfer" if keys["batch"] == "1" else "limit-line-transfer-bulk"
        return Figure(work, MACHINE, {"lines": "best", "oversubscribed": "0"})
    return None


_LIMITS = {
    "pool": "`limit-memcpy` of the payload",
    "clone": "`limit-locked-add-pair`",
    "ring": "`limit-copy` of the payload",
    "ring-bulk": "`limit-copy` of each payload alone",
    "stream": "`limit-line-transfer` one at a time, `limit-line-transfer-bulk` in bulk; for 64 bytes, which are a line",
    "readers": "`limit-line-transfer` one at a time, `limit-line-transfer-bulk` in bulk",
}


def work_table(measured: Measured, work: str) -> list[str]:
    """Return a work's figures, each beside that of `native` with the same parameters and beside the machine's limit."""
    figures = {name: parse(name) for name in measured.names() if parse(name).work == work}
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, figure in figures.items():
        groups.setdefault(comparable(figure), []).append(name)
    two, limited, own = WORKS[work].two_threads, work in _LIMITS, not WORKS[work].is_limit
    columns = ["parameters", "peer", "ns", "quartiles"]
    columns += (["times native"] if own else []) + (["times the limit"] if limited else [])
    columns += ["round trip, ns"] if two else []
    rows = []
    for names in groups.values():
        for name in sorted(names, key=lambda name: figures[name].peer != NATIVE):
            figure, harness = figures[name], harness_of(work, figures[name].peer)
            # Of two threads a row for each pair of processors that the rounds had.
            for part in (measured.pairs(harness) if two else []) or [measured]:
                if not part.values(name):
                    continue
                value = part.quartiles(name)
                row = [_title(figure), figure.peer, number(value.median), spread(value, "us")]
                row += [_beside(part, name)] if own else []
                row += [_beside_limit(part, name)] if limited else []
                if two:
                    trip = part.round_trip(harness)
                    row.append(f"{number(trip.median)}{_bracketed(spread(trip, 'us'))}" if trip else "")
                rows.append(row)
    return markdown_table(columns, rows, right=columns[2:])


def _ratio(measured: Measured, name: str, other: str) -> str:
    ratio = measured.ratio(name, other)
    return f"{ratio.median:.2f}{_bracketed(spread(ratio))}" if ratio else ""


def _bracketed(text: str) -> str:
    return f" ({text})" if text else ""


def _beside(measured: Measured, name: str) -> str:
    """Return a figure's ratio to that of `native`."""
    native = beside(measured, name) if parse(name).peer != NATIVE else None
    return _ratio(measured, name, native) if native else ""


def _beside_limit(measured: Measured, name: str) -> str:
    limit = limit_of(parse(name))
    found = measured.find(limit) if limit else None
    return _ratio(measured, name, found) if found else ""


def peers(measured: Measured) -> str:
    """Return a table for each work, the limits' own among them, and what is missing."""
    lines = []
    for work in measured.selection.works:
        if work == MEMORY or not any(parse(name).work == work for name in measured.names()):
            continue
        lines += [f"### {work}", "", f"An event: {WORKS[work].event}.", ""]
        if work in _LIMITS:
            lines += [f"The limit: {_LIMITS[work]}.", ""]
        if work == "python-busy":
            said = "; ".join(f"{name}: {words}" for name, words in CALLS.items())
            lines += [f"Two calls by turns, each counted as an event, in wall time of the calling thread ({said}).", ""]
        lines += [*work_table(measured, work), ""]
        about = [note for note in measured.notes if note.case.split("/")[0] == work]
        lines += [f"- `{note.case}`: {note.text}" for note in about] + ([""] if about else [])
    lines += ["### Missing", ""]
    missing = [f"- {peer}: {reason}" for peer, reason in measured.missing_peers().items()]
    chosen = measured.selection
    cannot = [
        f"- `{note.case}`: {note.text}"
        for note in measured.cannot
        if note.case.split("/")[0] in chosen.works and note.case.split("/")[1] in chosen.peers
    ]
    lines += [*missing, *cannot] or ["Nothing."]
    return "\n".join(lines) + "\n"


# --- the machine


def _rounds(measured: Measured) -> str:
    whole = sum(one.only is None for one in measured.rounds)
    if measured.smoke:
        return f"{whole} (a smoke: says nothing of speed)"
    more = len(measured.rounds) - whole
    return f"{whole}, and up to {more} more of figures with wide quartiles" if more else str(whole)


def machine(measured: Measured) -> str:
    """Return where it was measured, and with what, as a table."""
    facts = measured.machine
    rows = [
        ["processor", str(facts.get("processor", ""))],
        ["processors used", str(len(facts.get("cpus", [])))],
        ["architecture", str(facts.get("architecture", ""))],
        ["kernel", str(facts.get("kernel", ""))],
        ["load at the start", ", ".join(f"{load:.1f}" for load in facts.get("load", []))],
        ["rounds", _rounds(measured)],
        ["Python", str(facts.get("python", ""))],
        ["rusted-ring", str(facts.get("rusted-ring", ""))],
    ]
    rows += [[f"{name} compiler", version] for name, version in facts.get("compilers", {}).items()]
    rows += [[name, version] for name, version in facts.get("tools", {}).items()]
    versions = {**facts.get("peers", {}), **facts.get("python_peers", {})}
    rows += [[name, version] for name, version in versions.items() if name in measured.selection.peers]
    return "\n".join(markdown_table(("what", "which"), rows)) + "\n"
