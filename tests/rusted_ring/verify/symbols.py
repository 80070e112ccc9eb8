"""Where the addresses of a program come from: names of objects, files and lines, and traces in these words."""

import bisect
import dataclasses
import functools
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an instruction comes from: the innermost function that was inlined there."""

    file: str
    line: int
    function: str


class Symbols:
    """What the debug information of a program says of its addresses."""

    def __init__(self, program: Path) -> None:
        """Read the names of the program's objects; places are looked up when they are asked for."""
        self.program = program
        self._places: dict[int, Place] = {}

    @functools.cached_property
    def _objects(self) -> list[tuple[int, int, str]]:
        said = subprocess.run(["nm", "-S", str(self.program)], capture_output=True, text=True, check=False).stdout
        found = []
        for line in said.splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in "bBdDrRsSgG":
                found.append((int(words[0], 16), int(words[1], 16), words[3].removesuffix(".program")))
        return sorted(found)

    def name(self, address: int) -> str:
        """Name the object at an address, with the offset into it; an address outside every object is a number."""
        at = bisect.bisect_right(self._objects, (address, sys.maxsize, "")) - 1
        if at >= 0:
            start, size, name = self._objects[at]
            if start <= address < start + size:
                return name if address == start else f"{name}+{address - start}"
        return f"0x{address:x}"

    def places(self, pcs: Iterable[int]) -> dict[int, Place]:
        """Look up return addresses: the call is what stands before them."""
        pcs = list(pcs)
        wanted = sorted({pc for pc in pcs if pc > 1} - self._places.keys())
        if wanted:
            asked = "\n".join(f"0x{pc - 1:x}" for pc in wanted)
            said = subprocess.run(
                ["addr2line", "-e", str(self.program), "-f"], input=asked, capture_output=True, text=True, check=False
            ).stdout.splitlines()
            for number, pc in enumerate(wanted):
                function, _, where = (
                    said[2 * number],
                    "",
                    said[2 * number + 1] if 2 * number + 1 < len(said) else "??:0",
                )
                file, _, line = where.partition(" ")[0].rpartition(":")
                known = line.isdigit() and file not in ("", "??")
                self._places[pc] = Place(file if known else "", int(line) if known else 0, function if known else "")
        return {pc: self._places.get(pc, Place("", 0, "")) for pc in pcs}


def place_in_object(file: Path, section: str, offset: int) -> str:
    """Return where an instruction of an object file comes from, as `file.c:12`; empty if that is not known.

    Of what was inlined, it is the place of the outermost call, so that a header of intrinsics does not stand there.
    """
    command = ["addr2line", "-i", "-e", str(file), *(["-j", section] if section else []), f"0x{offset:x}"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines() or [""]
    name, _, line = said[-1].partition(" ")[0].rpartition(":")
    return f"{Path(name).name}:{line}" if line.isdigit() and line != "0" and name not in ("", "??") else ""


def readable_trace(
    raw: Mapping[str, Any], symbols: Symbols, error: Mapping[str, Any] | None, replay: str
) -> dict[str, Any]:
    """Turn the engine's trace into the one that `trace.parse` reads: addresses become names and lines."""
    events = [dict(event) for event in raw["events"]]
    places = symbols.places(event["pc"] for event in events if "pc" in event)
    first_allocations: dict[int, str] = {}
    for event in events:
        pc = event.pop("pc", 0)
        place = places.get(pc)
        if place is not None and place.file:
            event |= {"file": place.file, "line": place.line, "function": place.function}
        if event["kind"] in ("call", "return"):
            event.setdefault("text", f"operation {event.pop('op', 0)}")
        address = event.pop("address", None)
        if address is not None:
            name = symbols.name(address)
            if name.startswith("0x") and address >= 0x200000000000:
                name = first_allocations.setdefault(address, f"heap:{address & 0xFFFFFF:x}")
            event["location"] = name
        event.setdefault("order", "na" if event["kind"] in ("read", "write") else "")
    fault = None
    if error is not None:
        pcs = {error.get("pc"), error.get("other_pc")} - {0, None}
        last: dict[tuple[int, int], int] = {}
        for event in raw["events"]:
            if event.get("pc") in pcs and event["kind"] != "assert":
                last[event["pc"], event["thread"]] = event["id"]
        ids = sorted(last.values())[-2:] or [event["id"] for event in raw["events"][-1:]]
        fault = {"kind": error["kind"], "message": error["message"], "events": ids}
    return {"replay": replay, "threads": raw["threads"], "events": events, "error": fault}
