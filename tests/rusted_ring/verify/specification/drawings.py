"""Drawings of the model, as SVG: a slot's states, the layout of pools and rings, the ring and the pool of the README.

The states and arrows are found by running the functions of `rusted_ring.reference.slot` on every slot that their
preconditions admit; lengths in bytes come from the layout functions of the reference. A drawing has classes and no
colours: a style sheet colours it on the site, and `standalone` puts the colours into a file of its own.

`python -m rusted_ring.verify.specification.drawings [--check]` writes the two files that the README shows, or compares
them with what it would write, from a checkout.
"""

import argparse
import functools
import html
import inspect
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rusted_ring.reference import slot as arrows
from rusted_ring.reference.layout import DESCRIPTOR_BYTES, heap_table_bytes, pool_bytes, ring_bytes, slot_bytes
from rusted_ring.reference.parameters import SEED
from rusted_ring.verify.support.checkout import checkout
from rusted_ring.vocabulary.layout import event_bytes, round64
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import EventSize
from rusted_ring.vocabulary.slots import SlotMetadata, SlotState

PICTURES: Final = "spec/_static/ring-and-pool-{scheme}.svg"
"""The files that the README shows."""

PALETTES: Final[Mapping[str, Mapping[str, str]]] = {
    "light": {
        "ink": "#1f2328",
        "soft": "#59636e",
        "line": "#8c959f",
        "fill": "#f6f8fa",
        "one": "#0550ae",
        "two": "#953800",
    },
    "dark": {
        "ink": "#f0f6fc",
        "soft": "#9198a1",
        "line": "#656c76",
        "fill": "#151b23",
        "one": "#79c0ff",
        "two": "#ffa657",
    },
}
"""The colours of each scheme, by class."""

_COUNTS, _GENERATIONS = 4, 4


@dataclass(frozen=True, slots=True, order=True)
class Arrow:
    """One transition between the states of a slot.

    Attributes:
        operation: the operation, by its name in the model.
        source: the state before.
        target: the state after.
        counted: the change of the reference count while the slot stays LIVE, otherwise 0.
        freed: whether the generation advances by one.
    """

    operation: str
    source: SlotState
    target: SlotState
    counted: int
    freed: bool


def slot_arrows() -> list[Arrow]:
    """Return the arrows of the model, by running each of its functions on every slot that its precondition admits."""
    found = set()
    for function in vars(arrows).values():
        described = inspect.getdoc(function) if inspect.isfunction(function) else None
        operation = re.match(r"Return the slot after (?:an? )?(.*?):", described or "")
        if described is None or operation is None:
            continue
        conditions = re.findall(r"^pre: (.*)$", described, re.MULTILINE)
        words = re.sub(r"\ban? |`", "", operation[1]).replace(" or ", ", ")
        for before in _every_slot():
            names = vars(arrows) | {"slot": before, "counts": _COUNTS, "generations": _GENERATIONS}
            if all(eval(condition, names) for condition in conditions):
                after = function(before, _COUNTS, _GENERATIONS)
                live = before.state == after.state == SlotState.LIVE
                counted = after.ref_count - before.ref_count if live else 0
                freed = after.generation == (before.generation + 1) % _GENERATIONS
                found.add(Arrow(words, before.state, after.state, counted, freed))
    return sorted(found)


def _every_slot() -> list[SlotMetadata]:
    return [
        SlotMetadata(count, generation, state)
        for state in SlotState
        for generation in range(_GENERATIONS)
        for count in range(_COUNTS)
        if arrows.is_slot(SlotMetadata(count, generation, state), _COUNTS, _GENERATIONS)
    ]


# --- SVG


class _Canvas:
    """The elements of a drawing."""

    def __init__(self, name: str, title: str, width: int) -> None:
        self._head = name, title, width
        self._parts: list[str] = []

    def add(self, tag: str, content: str = "", /, **attributes: object) -> None:
        shown = "".join(
            f' {name.rstrip("_").replace("_", "-")}="{_shown(value)}"' for name, value in attributes.items()
        )
        self._parts.append(f"<{tag}{shown}>{content}</{tag}>" if content else f"<{tag}{shown}/>")

    def text(
        self,
        x: float,
        y: float,
        words: str,
        kind: str = "ink",
        *,
        at: str = "middle",
        size: float = 13,
        bold: bool = False,
    ) -> None:
        weight = {"font_weight": 600} if bold else {}
        self.add("text", html.escape(words), x=x, y=y, text_anchor=at, font_size=size, class_=f"rr-{kind}", **weight)

    def box(self, x: float, y: float, width: float, height: float, kind: str = "box", *, round_: float = 3) -> None:
        self.add("rect", x=x, y=y, width=width, height=height, rx=round_, class_=f"rr-{kind}")

    def arrow(self, path: str, kind: str = "edge") -> None:
        self.add("path", d=path, class_=f"rr-{kind}", marker_end=f"url(#{self._head[0]}-head)")

    def svg(self, height: float) -> str:
        name, title, width = self._head
        marker = (
            f'<defs><marker id="{name}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" class="rr-head"/></marker></defs>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_shown(height)}" role="img" '
            f'aria-label="{html.escape(title)}" class="rr-drawing" font-family="system-ui, sans-serif">'
            f"<title>{html.escape(title)}</title>{marker}{''.join(self._parts)}</svg>"
        )


def _shown(value: object) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else html.escape(str(value))


def standalone(svg: str, palette: Mapping[str, str]) -> str:
    """Return a drawing with embedded colours, for a page without a style sheet."""
    rules = (
        f".rr-ink{{fill:{palette['ink']}}}.rr-soft{{fill:{palette['soft']}}}.rr-one{{fill:{palette['one']}}}"
        f".rr-two{{fill:{palette['two']}}}.rr-box{{fill:{palette['fill']};stroke:{palette['line']}}}"
        f".rr-full{{fill:{palette['one']};fill-opacity:.22;stroke:{palette['one']}}}"
        f".rr-warm{{fill:{palette['two']};fill-opacity:.22;stroke:{palette['two']}}}"
        f".rr-edge{{fill:none;stroke:{palette['soft']};stroke-width:1.4}}.rr-head{{fill:{palette['soft']}}}"
    )
    return svg.replace("<title>", f"<style>{rules}</style><title>", 1) + "\n"


# --- the slot


def slot_states() -> str:
    """Draw the states of a slot and the arrows between them."""
    canvas = _Canvas("slot", "The states of a slot and the operations that change them", 360)
    spots: dict[SlotState, tuple[float, float]] = {
        SlotState.FREE: (58, 60),
        SlotState.LIVE: (302, 60),
        SlotState.LOANED: (180, 236),
    }
    labels = {SlotState.FREE: "FREE(g)", SlotState.LIVE: "LIVE(g, n)", SlotState.LOANED: "LOANED(g)"}
    # The path of an arrow between two different states, and the position of its label.
    runs: dict[tuple[SlotState, SlotState], tuple[str, float, float, str]] = {
        (SlotState.FREE, SlotState.LIVE): ("M104,46 L254,46", 180, 38, "middle"),
        (SlotState.LIVE, SlotState.FREE): ("M254,74 L106,74", 180, 91, "middle"),
        (SlotState.FREE, SlotState.LOANED): ("M66,82 C76,140 110,190 140,214", 84, 178, "end"),
        (SlotState.LOANED, SlotState.FREE): ("M162,214 C140,180 106,130 92,84", 144, 150, "start"),
        (SlotState.LOANED, SlotState.LIVE): ("M216,214 C250,190 284,140 296,84", 272, 184, "start"),
    }
    for state, (x, y) in spots.items():
        canvas.box(x - 48, y - 22, 96, 44, "full" if state is SlotState.LIVE else "box", round_=22)
        canvas.text(x, y + 5, labels[state], bold=True, size=14)
    loops = 0
    for arrow in slot_arrows():
        note = _note(arrow)
        if arrow.source == arrow.target:
            # Two loops at LIVE: one above it and one below.
            above = loops == 0
            loops += 1
            path = "M282,38 C276,4 328,4 322,38" if above else "M322,82 C328,116 284,116 288,84"
            canvas.arrow(path)
            canvas.text(268 if above else 356, 16 if above else 126, note, "soft", at="end", size=11)
            continue
        path, x, y, at = runs[arrow.source, arrow.target]
        canvas.arrow(path)
        words, _, condition = note.partition("; ")
        canvas.text(x, y, words, "one" if not arrow.freed else "two", at=at, size=12)
        if condition:
            canvas.text(x, y + 14, condition, "soft", at=at, size=11)
    return canvas.svg(266)


def _note(arrow: Arrow) -> str:
    if arrow.counted:
        return f"{arrow.operation}: n {'+' if arrow.counted > 0 else '-'} 1"
    parts = ["n = 1"] if arrow.source is SlotState.LIVE else []
    if arrow.freed:
        parts.append("g + 1")
    return "; ".join([arrow.operation, ", ".join(parts)] if parts else [arrow.operation])


# --- the layout


def _cells(
    canvas: _Canvas, y: float, cells: Sequence[tuple[str, str, float, str]], *, x: float = 8, width: float = 344
) -> None:
    """Draw cells side by side; each is (its contents, its length, its share of the width, its class)."""
    whole = sum(share for _, _, share, _ in cells)
    for words, length, share, kind in cells:
        wide = width * share / whole
        canvas.box(x, y, wide, 34, kind)
        if words:
            canvas.text(x + wide / 2, y + 21, words, size=11)
        if length:
            canvas.text(x + wide / 2, y + 49, length, "soft", size=10)
        x += wide


def pool_layout(size: EventSize = EventSize.XS, capacity: int = SEED.capacities[0]) -> str:
    """Draw the storage of a pool, and one slot of it, with their lengths in bytes."""
    payload = int(size)
    slot = slot_bytes(payload)
    event, header = event_bytes(payload), pool_bytes(capacity, slot) - capacity * slot
    words = DESCRIPTOR_BYTES // 2
    canvas = _Canvas("pool", f"The storage of a pool of {capacity:,} slots for payloads of {payload} bytes", 360)
    canvas.text(8, 18, f"pool {size.name}: {pool_bytes(capacity, slot):,} bytes", at="start", bold=True)
    _cells(
        canvas,
        28,
        [
            ("header", str(header), 2, "box"),
            ("slot 0", str(slot), 2.5, "full"),
            ("slot 1", str(slot), 2.5, "box"),
            ("...", "", 1, "box"),
            (f"slot {capacity - 1:,}", str(slot), 2.8, "box"),
        ],
    )
    canvas.arrow("M110,80 L110,104")
    canvas.text(8, 118, f"one slot: {slot} bytes, {slot // 64} cache lines", at="start", bold=True)
    _cells(
        canvas,
        128,
        [
            ("metadata", str(slot - event), 2.6, "warm"),
            ("payload", str(payload), 3, "full"),
            ("len", str(words), 1, "full"),
            ("type", str(words), 1, "full"),
            ("unused", str(event - payload - DESCRIPTOR_BYTES), 1.8, "box"),
        ],
    )
    canvas.text(8, 200, "The metadata holds the slot word: state, count, generation.", "soft", at="start", size=11)
    return canvas.svg(208)


def ring_layout(payload: int = 64, capacity: int = 1000, places: int = 2) -> str:
    """Draw the storage of a gated ring with its lengths in bytes."""
    whole = ring_bytes(capacity, payload, places)
    payloads, words = capacity * round64(payload), round64(capacity * DESCRIPTOR_BYTES)
    lines = ring_bytes(capacity, payload, 0) - payloads - words
    reader = (ring_bytes(capacity, payload, places) - ring_bytes(capacity, payload, 0)) // places
    canvas = _Canvas("ring", f"The storage of a ring of {capacity:,} events of {payload} bytes", 360)
    canvas.text(8, 18, f"ring of {capacity:,} events, {places} readers: {whole:,} bytes", at="start", bold=True)
    line = lines // 3
    _cells(
        canvas,
        28,
        [
            ("shape", str(line), 1.4, "box"),
            ("cursors", str(line), 1.6, "warm"),
            ("membership", str(line), 2.6, "box"),
            *((f"reader {number}", str(reader), 1.8, "warm") for number in range(places)),
        ],
    )
    _cells(
        canvas,
        98,
        [
            ("payload 0", str(round64(payload)), 2.4, "full"),
            ("payload 1", str(round64(payload)), 2.4, "full"),
            ("...", "", 1, "full"),
            (f"payload {capacity - 1:,}", str(round64(payload)), 2.8, "full"),
        ],
    )
    _cells(
        canvas,
        168,
        [
            ("len, type of 0", str(DESCRIPTOR_BYTES), 2.4, "full"),
            ("len, type of 1", str(DESCRIPTOR_BYTES), 2.4, "full"),
            ("...", "", 1, "full"),
            (f"of {capacity - 1:,}", str(DESCRIPTOR_BYTES), 2.4, "full"),
        ],
    )
    canvas.text(8, 240, "Three parts, one after the other in memory.", "soft", at="start", size=11)
    return canvas.svg(248)


def word_layout(profile: Profile = SEED) -> str:
    """Draw the bits of a slot word of a profile."""
    count, generation = profile.ref_bits, profile.generation_bits
    state = arrows.pack_word(SlotMetadata(1, 0, SlotState.FREE), 2**count).bit_length() - 1
    canvas = _Canvas("word", "The bits of a slot word", 360)
    canvas.text(8, 18, "slot word: 64 bits, one atomic", at="start", bold=True)
    _cells(
        canvas,
        28,
        [
            ("", f"{64 - state - count - generation}", 1.6, "box"),
            ("generation", f"{generation}", 3, "warm"),
            ("count", f"{count}", 2, "full"),
            ("state", f"{state}", 1.2, "box"),
        ],
    )
    return canvas.svg(86)


def memory_of_the_pools(profile: Profile = SEED) -> str:
    """Draw how much storage each pool of a profile takes."""
    sizes = [size for size in EventSize if size is not EventSize.XXL]
    lengths = [
        (size, capacity, pool_bytes(capacity, slot_bytes(size)))
        for size, capacity in zip(sizes, profile.capacities, strict=True)
    ]
    most = max(length for _, _, length in lengths)
    canvas = _Canvas("memory", "The storage of each pool", 360)
    y = 8.0
    for size, capacity, length in lengths:
        wide = 150 * length / most
        canvas.text(8, y + 17, f"{size.name}: {capacity:,} x {size:,}", at="start", size=12)
        canvas.box(118, y + 2, wide, 20, "full")
        canvas.text(126 + wide, y + 17, f"{length:,}", "soft", at="start", size=12)
        y += 28
    canvas.text(
        8,
        y + 17,
        f"XXL: a table of {heap_table_bytes(profile.heap_slots):,} bytes, payloads on the heap",
        "soft",
        at="start",
        size=12,
    )
    return canvas.svg(y + 28)


# --- the picture of the README


def ring_and_pool(*, narrow: bool = False) -> str:
    """Draw a ring with its writer and readers, and a pool, one of whose slots a token in the ring names.

    Args:
        narrow: the pool below the ring, for a phone, and not beside it.
    """
    title = "A ring passes events from one writer to many readers; a pool holds events by counted references"
    canvas = _Canvas("narrow" if narrow else "both", title, 430 if narrow else 820)
    _ring(canvas)
    right, down = (-420, 300) if narrow else (0, 0)
    _pool(canvas, right, down)
    if narrow:
        canvas.arrow("M290,222 C430,212 450,385 348,395")
        at = 400, 308
    else:
        canvas.arrow("M286,212 C380,216 410,204 474,196")
        at = 396, 226
    canvas.text(at[0], at[1], "token", "two", size=13, bold=True, at="end" if narrow else "middle")
    canvas.text(at[0], at[1] + 16, "one integer", "soft", size=12, at="end" if narrow else "middle")
    return canvas.svg(586 if narrow else 316)


def _ring(canvas: _Canvas) -> None:
    centre_x, centre_y, radius, slots, taken = 190.0, 178.0, 92.0, 12, 8
    canvas.text(centre_x, 28, "ring", bold=True, size=17)
    canvas.text(centre_x, 47, "one writer, every reader sees every event", "soft", size=13)
    for number in range(slots):
        angle = 2 * math.pi * number / slots - math.pi / 2
        x, y = centre_x + radius * math.cos(angle), centre_y + radius * math.sin(angle)
        full = 0 < number <= taken
        canvas.box(x - 19, y - 15, 38, 30, "full" if full else "box", round_=5)
        canvas.text(x, y + 5, str(number), "ink" if full else "soft", size=13)
    canvas.text(centre_x, centre_y - 4, "add", "two", size=14, bold=True)
    canvas.text(centre_x, centre_y + 15, "copies in", "soft", size=12)
    canvas.text(36, 132, "writer", "two", size=14, bold=True)
    canvas.arrow("M38,140 C40,162 52,174 74,178")
    for x, y, name, path in (
        (352, 150, "reader A", "M318,148 L292,138"),
        (352, 262, "reader B", "M318,257 L260,259"),
        (60, 300, "reader C", "M92,292 L124,270"),
    ):
        canvas.text(x, y, name, "one", size=14, bold=True)
        canvas.arrow(path)
    canvas.text(352, 168, "next", "soft", size=12)


def _pool(canvas: _Canvas, right: float, down: float) -> None:
    canvas.text(620 + right, 28 + down, "pool", bold=True, size=17)
    canvas.text(620 + right, 47 + down, "slots in size classes, counted references", "soft", size=13)
    counts = {(0, 1): 2, (0, 5): 1, (1, 3): 1, (2, 0): 3, (2, 4): 1}
    for row in range(3):
        for column in range(6):
            count = counts.get((row, column), 0)
            x, y = 480 + right + column * 48, 76 + down + row * 50
            canvas.box(x, y, 42, 38, "full" if count else "box", round_=5)
            if count:
                canvas.text(x + 21, y + 24, f"x{count}", size=13)
    canvas.text(620 + right, 250 + down, "RingPtr", "one", size=14, bold=True)
    canvas.text(620 + right, 268 + down, "clone, drop; the last drop frees the slot", "soft", size=12)
    for start, bend, end in (
        ((590, 240), ((560, 230), (548, 150)), (552, 118)),
        ((640, 236), ((650, 220), (646, 190)), (648, 168)),
    ):
        points = [f"{x + right},{y + down}" for x, y in (start, *bend, end)]
        canvas.arrow(f"M{points[0]} C{' '.join(points[1:])}")


DRAWINGS: Final[Mapping[str, Callable[[], str]]] = {
    "slot-states": slot_states,
    "slot-word": word_layout,
    "pool-layout": pool_layout,
    "ring-layout": ring_layout,
    "memory-of-the-pools": memory_of_the_pools,
    "ring-and-pool": ring_and_pool,
    "ring-and-pool-narrow": functools.partial(ring_and_pool, narrow=True),
}
"""Every drawing, by its name on the pages."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the README's two files, or compare them.

    Returns:
        0, or 1 if `--check` finds another drawing than the one of this model.
    """
    parser = argparse.ArgumentParser(prog="python -m rusted_ring.verify.specification.drawings")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is not up to date")
    options = parser.parse_args(arguments)
    stale = False
    for scheme, palette in PALETTES.items():
        path: Path = checkout() / PICTURES.format(scheme=scheme)
        text = standalone(ring_and_pool(), palette)
        if options.check:
            stale = stale or not path.is_file() or path.read_text(encoding="utf-8") != text
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
