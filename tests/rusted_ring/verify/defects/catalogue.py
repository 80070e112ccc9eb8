"""The catalogue of seeded defects: read, checked, and applied to the core's sources."""

import dataclasses
import pathlib
import tomllib
from collections.abc import Iterable

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.support.c_functions import Functions

CATALOGUE = pathlib.Path(__file__).with_name("defects.toml")
PROGRAMS = {
    "ctest": (),
    "spurious": ("-include", "{native}/tests/spurious.h"),
    "words": ("-DRR_COPY_WORDS",),
    "portable": ("-DRR_PORTABLE_WAITS",),
    "address": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
    "thread": ("-fsanitize=thread",),
}
"""The layers that run a C test, and the compiler flags of the test and the core: the builds that CI tests."""
LAYERS = ("diff", "round", *PROGRAMS, "explore")


class CatalogueError(ValueError):
    """The catalogue does not fit the source, or the core cannot be built."""


@dataclasses.dataclass(frozen=True)
class Defect:
    """One fault.

    Attributes:
        name: its name, words joined by hyphens.
        function: the function of `native/src` that it is in; the file does not matter.
        old: text that is in the definitions of that function exactly once.
        new: the text that replaces it.
        clauses: the clauses that it breaks.
        profile: the profile of the differential run that should catch it.
        layer: the check that catches it, one of `LAYERS`.
        program: the C test that catches it, for the layers of `PROGRAMS`.
        client: the client of the corpus that shows it to the explorer, for that layer.
    """

    name: str
    function: str
    old: str
    new: str
    clauses: tuple[str, ...]
    profile: str = "TINY"
    layer: str = "diff"
    program: str = ""
    client: str = ""


def read_catalogue(path: pathlib.Path = CATALOGUE) -> list[Defect]:
    """Read the catalogue.

    Raises:
        CatalogueError: an entry is incomplete, or two have the same name.
    """
    defects = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["defect"]:
        known = {field.name for field in dataclasses.fields(Defect)}
        if unknown := entry.keys() - known:
            raise CatalogueError(f"{entry.get('name')}: unknown keys {sorted(unknown)}; known are {sorted(known)}")
        try:
            defect = Defect(**{**entry, "clauses": tuple(entry["clauses"])})
        except (KeyError, TypeError) as error:
            raise CatalogueError(f"{entry.get('name')}: incomplete entry: {error}") from error
        if defect.layer not in LAYERS:
            raise CatalogueError(f"{defect.name}: layer is {defect.layer!r}: must be one of {LAYERS}")
        if (defect.layer in PROGRAMS) != bool(defect.program):
            raise CatalogueError(
                f"{defect.name}: program is {defect.program!r}: name a test of native/tests for the layers "
                f"{', '.join(PROGRAMS)}, and no test for another layer"
            )
        if (defect.layer == "explore") != bool(defect.client):
            raise CatalogueError(
                f"{defect.name}: client is {defect.client!r}: name a client of the corpus for the layer explore, and "
                "no client for another layer"
            )
        if defect.client and defect.client not in {client.name for client in CLIENTS}:
            raise CatalogueError(f"{defect.name}: client is {defect.client!r}: the corpus has no client of that name")
        defects.append(defect)
    names = [defect.name for defect in defects]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise CatalogueError(f"two defects are named {sorted(repeated)}")
    return defects


def share_of(defects: Iterable[Defect], share: int, part: int) -> list[Defect]:
    """Return part `part`, from 0, of `share` parts of some defects; each part has its share of every layer."""
    return sorted(defects, key=lambda defect: defect.layer)[part::share]


def applied(defect: Defect, functions: Functions) -> tuple[pathlib.Path, str]:
    """Insert a defect into the text of its file.

    Args:
        defect: the defect.
        functions: the functions of the core.

    Returns:
        The file, which stays unchanged, and its text with the defect.

    Raises:
        CatalogueError: there is no such function, the old text is not in it exactly once, or the new one is the same.
    """
    places = functions.definitions.get(defect.function, [])
    if not places:
        raise CatalogueError(f"{defect.name}: there is no function {defect.function}; name the one with the code now")
    texts = {place: functions.text(place) for place in places}
    if (count := sum(text.count(defect.old) for text in texts.values())) != 1:
        raise CatalogueError(
            f"{defect.name}: its text is in {defect.function} {count} times, not once; bring the entry up to date"
        )
    if defect.old == defect.new:
        raise CatalogueError(f"{defect.name}: changes nothing")
    place = next(place for place, text in texts.items() if defect.old in text)
    source = place.path.read_text(encoding="utf-8")
    return place.path, source[: place.start] + texts[place].replace(defect.old, defect.new) + source[place.end :]
