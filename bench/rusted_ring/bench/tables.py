"""A run as Markdown: what was to be reached, the peers work by work, and the machine."""

from collections.abc import Iterable, Sequence

from rusted_ring.bench.contract import CALLS, MEMORY, NATIVE, WORKS, Figure, harness_of, parse
from rusted_ring.bench.measured import Measured, Quartiles
from rusted_ring.bench.targets import Unit, Verdict, judge

TARGET_COLUMNS = ("work", "to reach", "measured", "quartiles", "reached", "beside")


def number(value: float) -> str:
    """Return a number with three figures that count, and no more behind the point than it has."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.2g}"


def amount(value: float, unit: Unit) -> str:
    """Return a measured value with its unit."""
    if unit == "ratio":
        return f"{value:.2f}"
    return f"{number(value)} {unit}"


def spread(value: Quartiles, unit: Unit = "ratio") -> str:
    """Return the quartiles, without a unit."""
    show = f"{value.low:.2f} to {value.high:.2f}" if unit == "ratio" else f"{number(value.low)} to {number(value.high)}"
    return show if value.low != value.high else ""


def target_row(verdict: Verdict) -> list[str]:
    """Return a verdict as the cells of `TARGET_COLUMNS`."""
    target, value = verdict.target, verdict.value
    if value is None:
        return [target.text, target.bound, "not measured", "", "-", verdict.why]
    reached = "yes" if verdict.reached else "NO"
    return [target.text, target.bound, amount(value.median, target.unit), spread(value, target.unit), reached, verdict.why]


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> list[str]:
    """Return a table as lines of Markdown."""
    rule = ["---:" if column in right else "---" for column in columns]
    every = [columns, rule, *([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in every]


def targets(measured: Measured) -> str:
    """Return the table of what is to be reached."""
    rows = [target_row(verdict) for verdict in judge(measured)]
    return "\n".join(markdown_table(TARGET_COLUMNS, rows, right=("measured",))) + "\n"


# --- peers


def _title(figure: Figure) -> str:
    return ", ".join(f"{key}={value}" for key, value in figure.keys.items())


def _limits(measured: Measured, figure: Figure) -> list[str]:
    """Return the names of the limits that a work is compared with, at its own parameters."""
    found = []
    for work in WORKS[figure.work].limits:
        keys = {key: value for key, value in figure.keys.items() if key in WORKS[work].keys}
        name = measured.find(work, "machine", prefer={"lines": "best"}, **keys)
        if name is not None and work != "limit-round-trip":
            found.append(name)
    return found


def _comparable(figure: Figure) -> tuple[tuple[str, str], ...]:
    """Return what two figures must have in common to be compared: peers differ in their mode, and in what is called."""
    return tuple((key, value) for key, value in figure.keys.items() if key not in ("mode", "calls"))


def work_table(measured: Measured, work: str) -> list[str]:
    """Return a work's figures beside those of `native` of the same parameters, and beside the machine's limits."""
    figures = {name: parse(name) for name in measured.names() if parse(name).work == work}
    own = {name: figure for name, figure in figures.items() if figure.peer == NATIVE}
    limits = list(dict.fromkeys(limit for figure in figures.values() for limit in _limits(measured, figure)))
    limit_works = list(dict.fromkeys(parse(limit).work for limit in limits))
    two = WORKS[work].two_threads
    columns = ["parameters", "peer", "ns", "quartiles", "beside native", *(f"beside {limit}" for limit in limit_works)]
    columns += ["round trip, ns"] if two else []
    rows = []
    for name, figure in figures.items():
        value = measured.quartiles(name)
        row = [_title(figure), figure.peer, number(value.median), spread(value, "us"), _beside_own(measured, name, own)]
        near = {parse(limit).work: limit for limit in _limits(measured, figure)}
        for limit in limit_works:
            ratio = measured.ratio(name, near[limit]) if limit in near else None
            row.append(f"{ratio.median:.2f}" if ratio else "")
        if two:
            trip = measured.round_trip(harness_of(work, figure.peer))
            row.append(f"{number(trip.median)} ({spread(trip, 'us')})" if trip else "")
        rows.append(row)
    return markdown_table(columns, rows, right=columns[2:])


def _beside_own(measured: Measured, name: str, own: dict[str, Figure]) -> str:
    """Return a figure's ratio to that of `native` at the same parameters, in the same mode where there is one."""
    figure = parse(name)
    same = [other for other, theirs in own.items() if _comparable(theirs) == _comparable(figure)]
    same.sort(key=lambda other: own[other].keys.get("mode") != figure.keys.get("mode"))
    if not same or figure.peer == NATIVE:
        return ""
    ratio = measured.ratio(name, same[0])
    return f"{ratio.median:.2f} ({spread(ratio)})" if ratio else ""


def peers(measured: Measured) -> str:
    """Return a table for each work, the limits' own among them, and what is missing."""
    lines = []
    for work in measured.selection.works:
        if work == MEMORY or not any(parse(name).work == work for name in measured.names()):
            continue
        lines += [f"## {work}", "", f"An event: {WORKS[work].event}.", ""]
        if work == "python-busy":
            said = "; ".join(f"{name}: {words}" for name, words in CALLS.items())
            lines += [f"Two calls by turns, each counted as an event, in wall time of the calling thread ({said}).", ""]
        lines += [*work_table(measured, work), ""]
        about = [note for note in measured.notes if note.case.split("/")[0] == work]
        lines += [f"- `{note.case}`: {note.text}" for note in about] + ([""] if about else [])
    lines += ["## Missing", ""]
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


def machine(measured: Measured) -> str:
    """Return where it was measured, and with what, as a table."""
    facts = measured.machine
    rows = [
        ["processor", str(facts.get("processor", ""))],
        ["processors used", str(len(facts.get("cpus", [])))],
        ["architecture", str(facts.get("architecture", ""))],
        ["kernel", str(facts.get("kernel", ""))],
        ["load at the start", ", ".join(f"{load:.1f}" for load in facts.get("load", []))],
        ["rounds", str(len(measured.rounds)) + (" (a smoke: says nothing of speed)" if measured.smoke else "")],
        ["Python", str(facts.get("python", ""))],
        ["rusted-ring", str(facts.get("rusted-ring", ""))],
    ]
    rows += [[f"{name} compiler", version] for name, version in facts.get("compilers", {}).items()]
    rows += [[name, version] for name, version in facts.get("tools", {}).items()]
    versions = {**facts.get("peers", {}), **facts.get("python_peers", {})}
    rows += [[name, version] for name, version in versions.items() if name in measured.selection.peers]
    return "\n".join(markdown_table(("what", "which"), rows)) + "\n"
