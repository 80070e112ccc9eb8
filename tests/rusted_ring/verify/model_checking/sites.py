"""The atomic accesses of the core: the location of each, its order, and the weaker orders [ORDER-1 to ORDER-23]."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rusted_ring.verify.explorer.engine import CannotRun

WEAKER: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "load": {"acq": ("rlx",), "sc": ("acq", "rlx")},
    "store": {"rel": ("rlx",), "sc": ("rel", "rlx")},
    "rmw": {
        "acq": ("rlx",),
        "rel": ("rlx",),
        "acq_rel": ("acq", "rel", "rlx"),
        "sc": ("acq_rel", "acq", "rel", "rlx"),
    },
    "fence": {
        "acq": ("rlx",),
        "rel": ("rlx",),
        "acq_rel": ("acq", "rel", "rlx"),
        "sc": ("acq_rel", "acq", "rel", "rlx"),
    },
}
"""By the kind of access, the orders that are weaker than each; a relaxed fence is no fence."""
_ORDER = re.compile(r"memory_order_(\w+)")
_SHORT = {"relaxed": "rlx", "acquire": "acq", "release": "rel", "acq_rel": "acq_rel", "seq_cst": "sc", "consume": "acq"}


@dataclasses.dataclass(frozen=True)
class Site:
    """One atomic access in the core's source.

    Attributes:
        file: the source file's name.
        line: the line at which the access begins.
        function: the C function that it is in.
        kind: `load`, `store`, `rmw` or `fence`.
        order: its order; of a compare-exchange the order on success.
        failure: of a compare-exchange the order on failure, otherwise empty.
        pcs: the addresses that it was compiled to; several if the function was inlined.
    """

    file: str
    line: int
    function: str
    kind: str
    order: str
    failure: str
    pcs: tuple[int, ...]

    @property
    def name(self) -> str:
        """The location in words: file, line and function."""
        return f"{self.file}:{self.line} {self.function}"

    def cells(self) -> Iterator["Cell"]:
        """Yield a cell for each weaker order."""
        for order in WEAKER[self.kind].get(self.order, ()):
            yield Cell(self, order, failure=False)
        for order in WEAKER["load"].get(self.failure, ()) if self.failure else ():
            yield Cell(self, order, failure=True)


@dataclasses.dataclass(frozen=True)
class Cell:
    """A site with a weaker order: one cell of the necessity matrix.

    Attributes:
        site: the site.
        order: the weaker order.
        failure: whether it is the failure order of a compare-exchange.
    """

    site: Site
    order: str
    failure: bool

    @property
    def weaken(self) -> tuple[str, ...]:
        """The arguments that give the site the weaker order in the engine."""
        return tuple(f"{pc}:{'fail:' if self.failure else ''}{self.order}" for pc in self.site.pcs)

    @property
    def change(self) -> str:
        """The change in words."""
        was = self.site.failure if self.failure else self.site.order
        return f"{was} -> {'none' if self.site.kind == 'fence' and self.order == 'rlx' else self.order}" + (
            " on failure" if self.failure else ""
        )


def keys_of(sites: Sequence[Site]) -> dict[Site, str]:
    """Name sites by function, kind and number within the function, in the order of the functions' names.

    A name stays the same if lines change or the function moves to another file.

    Raises:
        CannotRun: two files have a function of the same name.
    """
    files: dict[str, str] = {}
    counted: dict[tuple[str, str], int] = {}
    names = {}
    for site in sorted(sites, key=lambda site: (site.function, site.file, site.line)):
        if files.setdefault(site.function, site.file) != site.file:
            raise CannotRun(f"{site.function} is in {files[site.function]} and in {site.file}: rename one of them")
        at = (site.function, site.kind)
        counted[at] = counted.get(at, 0) + 1
        names[site] = f"{' '.join(at)} {counted[at]}"
    return names


def orders_at(lines: Sequence[str], line: int) -> list[str]:
    """Return the orders of the statement that a line of source belongs to.

    Args:
        lines: the file.
        line: a line of the statement, from 1.
    """
    text = ""
    for at in range(line - 1, min(line + 4, len(lines))):
        text += lines[at].partition("/*")[0] + "\n"
        found = _ORDER.findall(text)
        if found and text.count("(") <= text.count(")"):
            break
        if ";" in lines[at] and found:
            break
    return [_SHORT[order] for order in _ORDER.findall(text)]


def kind_of_entry(entry: str) -> str:
    """Return the kind of access that a function of the instrumentation stands for."""
    if entry.endswith("_load"):
        return "load"
    if entry.endswith("_store"):
        return "store"
    return "fence" if "fence" in entry else "rmw"
