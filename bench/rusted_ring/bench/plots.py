"""A run as SVG: curves of cost as the work grows, and the peers beside `native`."""

import dataclasses
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rusted_ring.bench.contract import MACHINE, NATIVE, WORKS, Figure, Keys, parse
from rusted_ring.bench.measured import Measured, Quartiles

_DECADE: Final = 20
"""From so large a ratio of the greatest to the least on, an axis is logarithmic; otherwise it begins with 0."""


class NoPlots(RuntimeError):
    """Plots cannot be drawn here; the message says what is needed."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a plot: figures that differ in one parameter.

    Attributes:
        label: in the legend; empty: the peer's name.
        work: of the figures.
        keys: their parameters, but for the one that differs.
        peers: one line for each; empty: all peers that have at least two such figures.
        along: the parameter that differs; None: the limit is the same all along.
        prefer: parameters that decide where several figures have the others.
    """

    label: str
    work: str
    keys: Keys
    peers: Sequence[str] = ()
    along: str | None = None
    prefer: Keys = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Curve:
    """A plot of nanoseconds an event over a parameter.

    Attributes:
        name: of the file.
        title: above it.
        axis: below it.
        lines: what is in it.
        logarithmic: whether the parameter is.
    """

    name: str
    title: str
    axis: str
    lines: tuple[Line, ...]
    logarithmic: bool = True


def _one_pool(**keys: str) -> dict[str, str]:
    return {"payload": "64", "occupancy": "0", "threads": "1", "live": "0", **keys}


def _without(keys: Keys, key: str) -> dict[str, str]:
    return {name: value for name, value in keys.items() if name != key}


_CAPACITY: Final = {"capacity": "1024"}
_STREAM: Final = {"payload": "64", "capacity": "1024", "batch": "1", "mode": "gated"}

CURVES: Final = (
    Curve(
        "occupancy",
        "Allocate, fill 64 bytes, drop: the more of the pool is in use",
        "live events, percent of the pool",
        (Line("", "pool", _without(_one_pool(), "occupancy"), along="occupancy"),),
        logarithmic=False,
    ),
    Curve(
        "pool-payload",
        "Allocate, fill, drop: the larger the payload",
        "bytes",
        (
            Line("", "pool", _without(_one_pool(), "payload"), along="payload"),
            Line("memcpy", "limit-memcpy", {}, (MACHINE,), "payload"),
        ),
    ),
    Curve(
        "pool-threads",
        "Allocate, fill 64 bytes, drop: in several threads at once",
        "threads",
        (Line("", "pool", _without(_one_pool(), "threads"), along="threads"),),
        logarithmic=False,
    ),
    Curve(
        "ring-payload",
        "Add and next in one thread: the larger the payload",
        "bytes",
        (
            Line("native, overwriting", "ring", {"mode": "overwrite"}, (NATIVE,), "payload", _CAPACITY),
            Line("native, gated", "ring", {"mode": "gated"}, (NATIVE,), "payload", _CAPACITY),
            Line("copied in and out", "limit-copy", {}, (MACHINE,), "payload", _CAPACITY),
        ),
    ),
    Curve(
        "ring-size",
        "Add and next of 64 bytes in one thread: the larger the ring",
        "slots",
        (
            Line("native, overwriting", "ring", {"payload": "64", "mode": "overwrite"}, (NATIVE,), "capacity"),
            Line("native, gated", "ring", {"payload": "64", "mode": "gated"}, (NATIVE,), "capacity"),
            Line("copied in and out", "limit-copy", {"payload": "64"}, (MACHINE,), "capacity"),
        ),
    ),
    Curve(
        "stream-payload",
        "From one core to another, one at a time, gated: the larger the payload",
        "bytes",
        (
            Line(
                "native", "stream", _without(_without(_STREAM, "payload"), "capacity"), (NATIVE,), "payload", _CAPACITY
            ),
        ),
    ),
    Curve(
        "stream-size",
        "64 bytes from one core to another: the larger the ring",
        "slots",
        (
            *(
                Line(
                    f"native, {batch} at a time, {mode}",
                    "stream",
                    {"payload": "64", "batch": batch, "mode": mode},
                    (NATIVE,),
                    "capacity",
                )
                for batch in ("1", "64")
                for mode in ("gated", "overwrite")
            ),
            Line("a line, best", "limit-line-transfer", {"lines": "best"}, (MACHINE,)),
            Line("a line in bulk, best", "limit-line-transfer-bulk", {"lines": "best"}, (MACHINE,)),
        ),
    ),
    Curve(
        "readers",
        "64 bytes to several readers, an event of each",
        "readers",
        tuple(
            Line(
                f"{batch} at a time, {mode}",
                "readers",
                {"payload": "64", "batch": batch, "mode": mode},
                (NATIVE,),
                "readers",
            )
            for batch in ("1", "64")
            for mode in ("gated", "overwrite")
        ),
        logarithmic=False,
    ),
    Curve(
        "python-batch",
        "Python, 64 bytes: the more events a call",
        "events a call",
        (
            Line("", "python-ring-bulk", {"payload": "64"}, along="batch"),
            Line("native, pointers", "python-pointer-bulk", {"payload": "64"}, (NATIVE,), "batch"),
        ),
    ),
)
"""Cost as the work grows."""

BESIDE: Final[dict[str, Keys]] = {
    "pool": _one_pool(),
    "clone": {"payload": "64", "references": "1"},
    "ring": {"payload": "64", "capacity": "1024"},
    "stream": {"payload": "64", "capacity": "1024", "batch": "1"},
    "stream-64": {"payload": "64", "capacity": "1024", "batch": "64"},
    "python-pointer": {"payload": "64"},
    "python-ring": {"payload": "64"},
    "python-ring-bulk": {"payload": "64", "batch": "256"},
}
"""The figures that are set beside `native`, by the name of the file; it begins with the name of the work."""


def points(measured: Measured, line: Line, peer: str) -> list[tuple[float, Quartiles]]:
    """Return the points of a line for one peer, from left to right; of a limit that is the same all along, one."""
    if line.along is None:
        name = measured.find(Figure(line.work, peer, line.keys))
        return [(0.0, measured.quartiles(name))] if name else []
    along = line.along
    figures = [figure for figure in map(parse, measured.names()) if (figure.work, figure.peer) == (line.work, peer)]
    places = {figure.keys[along] for figure in figures if line.keys.items() <= figure.keys.items()}
    found = []
    for place in sorted(places, key=float):
        name = measured.find(Figure(line.work, peer, {**line.keys, along: place}), line.prefer)
        if name is not None:
            found.append((float(place), measured.quartiles(name)))
    return found


def beside_native(measured: Measured, work: str, keys: Keys) -> list[tuple[str, Quartiles]]:
    """Return what each peer takes as a multiple of what `native` takes, the quickest first; nothing without `native`.

    Of two figures of one peer that differ in the mode only, the first counts, and `native` is taken in the mode that
    loses nothing, since nothing is lost in any peer's.
    """
    first: dict[str, str] = {}
    for name in measured.names():
        figure = parse(name)
        mode = figure.keys.get("mode", "gated")
        if figure.work == work and keys.items() <= figure.keys.items() and (figure.peer != NATIVE or mode == "gated"):
            first.setdefault(figure.peer, name)
    if NATIVE not in first:
        return []
    own = first.pop(NATIVE)
    ratios = {peer: measured.ratio(name, own) for peer, name in first.items()}
    found = [(peer, ratio) for peer, ratio in ratios.items() if ratio is not None]
    return sorted(found, key=lambda one: one[1].median)


def require() -> None:
    """Say whether plots can be drawn.

    Raises:
        NoPlots: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise NoPlots("plots need matplotlib: pip install 'rusted-ring[bench]'")


def draw(measured: Measured, folder: Path) -> list[Path]:
    """Write a file for each plot of which there is something to see, and return them.

    Raises:
        NoPlots: matplotlib is not installed.
    """
    require()
    import matplotlib
    from matplotlib.figure import Figure as Sheet

    written = []
    # The same figures give the same bytes: ids are made from a fixed salt, and the date is left out.
    with matplotlib.rc_context({"svg.hashsalt": "rusted-ring", "svg.fonttype": "none", "font.size": 9}):
        for curve in CURVES:
            sheet = Sheet(figsize=(6.4, 3.8), layout="constrained")
            if _draw_curve(sheet.add_subplot(), measured, curve):
                written.append(_save(sheet, folder / f"{curve.name}.svg"))
        for name, keys in BESIDE.items():
            work = max((work for work in WORKS if name.startswith(work)), key=len)
            found = beside_native(measured, work, keys)
            if found:
                sheet = Sheet(figsize=(6.4, 1.3 + 0.25 * len(found)), layout="constrained")
                _draw_ratios(sheet.add_subplot(), found, f"{WORKS[work].event}\n{_said(keys)}")
                written.append(_save(sheet, folder / f"peers-{name}.svg"))
    return written


def _said(keys: Keys) -> str:
    return ", ".join(f"{key}={value}" for key, value in keys.items() if key != "live")


def _draw_curve(axes: Any, measured: Measured, curve: Curve) -> bool:
    """Draw the lines that have at least two points, and the limits beside them; return whether there is one."""
    lines, limits, places = [], [], set()
    for line in curve.lines:
        for peer in line.peers or measured.selection.peers:
            found = points(measured, line, peer)
            if line.along is None:
                limits += [(line.label, found[0][1])] if found else []
            elif len(found) > 1:
                lines.append((line.label or peer, peer, found))
                places |= {place for place, _ in found}
    if not lines:
        return False
    for label, peer, found in lines:
        style = (
            {"color": "black", "linestyle": "--"} if peer == MACHINE else {"linewidth": 2.5 if peer == NATIVE else 1}
        )
        (drawn,) = axes.plot(
            [place for place, _ in found],
            [value.median for _, value in found],
            marker="o",
            markersize=3,
            label=label,
            **style,
        )
        axes.fill_between(
            [place for place, _ in found],
            [value.low for _, value in found],
            [value.high for _, value in found],
            color=drawn.get_color(),
            alpha=0.15,
            linewidth=0,
        )
    for (label, value), dashes in zip(limits, ("--", ":"), strict=False):
        axes.axhline(value.median, color="black", linestyle=dashes, linewidth=1, label=label)
    values = [getattr(value, part) for _, _, found in lines for _, value in found for part in ("low", "high")]
    if max(values) > _DECADE * min(values):
        _plain_log(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    if curve.logarithmic:
        axes.set_xscale("log", base=2)
    axes.set_xticks(sorted(places), [f"{place:g}" for place in sorted(places)])
    axes.xaxis.minorticks_off()
    axes.set(title=curve.title, xlabel=curve.axis, ylabel="ns an event")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small", frameon=False)
    return True


def _plain_log(axis: Any) -> None:
    """Make an axis logarithmic, with numbers written out at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def _draw_ratios(axes: Any, found: Sequence[tuple[str, Quartiles]], title: str) -> None:
    places = range(len(found))
    medians = [ratio.median for _, ratio in found]
    spread = ([ratio.median - ratio.low for _, ratio in found], [ratio.high - ratio.median for _, ratio in found])
    axes.errorbar(medians, places, xerr=spread, fmt="o", markersize=5, capsize=2)
    axes.axvline(1, color="black", linewidth=1)
    _plain_log(axes.xaxis)
    axes.set_xlim(min(0.7, 0.7 * min(medians)), max(1.5, 1.5 * max(medians)))
    axes.set_yticks(places, [peer for peer, _ in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set(title=title, xlabel="times native (right of the line: slower than native)")
    axes.grid(visible=True, alpha=0.3)


def _save(sheet: Any, path: Path) -> Path:
    sheet.savefig(path, metadata={"Date": None})
    return path
