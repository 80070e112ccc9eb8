"""Maps the addresses of a program to names of objects, files and lines, and rewrites traces with them.

Names are demangled (`c++filt` of binutils), and locations are in the user's code: an access in a library's header or
source is shown at the user's line that called it, with the library's function.
"""

import bisect
import dataclasses
import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Headers and sources outside the user's code: those of the system, of the compilers, of Rust's standard library and of
# crates from a registry, and the explorer's own.
_INSTALLED = (
    r"/usr/(?:local/)?(?:include|lib\w*)/|/build/gcc|/rustc/|.*/rustlib/src/|.*/\.?cargo/registry/src/"
    r"|.*/rusted-ring-\w+/library/"
)
_LIBRARY = re.compile(_INSTALLED + r"|.*/native/explorer/(?:cxx/|rust_front\.rs)")
# In Rust's names: which build of a crate it is.
_HASHES = re.compile(r"\[[0-9a-f]{8,16}\]|::h[0-9a-f]{16}$")
_MOST_NAMES = 2_000
_LONG_NAME = 120


def is_library(file: str) -> bool:
    """Return whether a source file belongs to a library and not to the user; True if it is not known."""
    return not file or _LIBRARY.match(os.path.normpath(file)) is not None


def without_hashes(name: str) -> str:
    """Return a demangled name without the hashes of Rust's crates."""
    return _HASHES.sub("", name)


@functools.lru_cache(maxsize=_MOST_NAMES)
def _demangled(name: str) -> str:
    done = subprocess.run(["c++filt", "-p", "--", name], capture_output=True, text=True, check=False)
    return without_hashes(done.stdout.strip()) or name


def demangle(name: str) -> str:
    """Return a symbol demangled as C++ or Rust, without the types of the parameters; any other name unchanged."""
    return _demangled(name) if name.startswith(("_Z", "_R")) else name


def _shortened(name: str) -> str:
    return name if len(name) <= _LONG_NAME else name[: _LONG_NAME - 3] + "..."


@dataclasses.dataclass(frozen=True)
class Place:
    """The source location of an instruction.

    Attributes:
        file: the source file, empty if it is not known.
        line: the line, 0 if it is not known.
        function: the innermost function that was inlined there, demangled.
        via: the library's function that the user's code called there, empty if the access is in the user's code.
    """

    file: str
    line: int
    function: str
    via: str = ""

    @property
    def words(self) -> str:
        """Return the location as `file.cpp:12`, with the library's function."""
        return f"{Path(self.file).name}:{self.line}" + (f" via {_shortened(self.via)}" if self.via else "")


class Symbols:
    """The debug information on the addresses of a program."""

    def __init__(self, program: Path) -> None:
        """Read the names of the program's objects; locations are looked up on demand."""
        self.program = program
        self._frames: dict[int, tuple[Place, ...]] = {}

    @functools.cached_property
    def _objects(self) -> list[tuple[int, int, str]]:
        said = subprocess.run(["nm", "-S", str(self.program)], capture_output=True, text=True, check=False).stdout
        found = []
        for line in said.splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in "bBdDrRsSgGuvV":
                found.append((int(words[0], 16), int(words[1], 16), words[3].removesuffix(".program")))
        return sorted(found)

    def name(self, address: int) -> str:
        """Name the object at an address, with the offset into it; an address outside every object is a number."""
        at = bisect.bisect_right(self._objects, (address, sys.maxsize, "")) - 1
        if at >= 0:
            start, size, name = self._objects[at]
            if start <= address < start + size:
                name = demangle(name)
                return name if address == start else f"{name}+{address - start}"
        return f"0x{address:x}"

    def _look_up(self, pcs: Iterable[int]) -> None:
        """Look up return addresses: the call is the instruction before each."""
        wanted = sorted({pc for pc in pcs if pc > 1} - self._frames.keys())
        if not wanted:
            return
        asked = "\n".join(f"0x{pc - 1:x}" for pc in wanted)
        command = ["addr2line", "-e", str(self.program), "-a", "-i", "-f"]
        said = subprocess.run(command, input=asked, capture_output=True, text=True, check=False).stdout
        found: dict[int, list[Place]] = {}
        frames: list[Place] = []
        function = ""
        for line in said.splitlines():
            if re.fullmatch(r"0x[0-9a-f]+", line):
                frames = found.setdefault(int(line, 16) + 1, [])
                function = ""
            elif not function:
                function = line
            else:
                file, _, number = line.partition(" (disc")[0].rpartition(":")
                known = number.isdigit() and file not in ("", "??")
                name = demangle(function.removesuffix(".program")) if function != "??" else ""
                frames.append(Place(file if known else "", int(number) if known else 0, name))
                function = ""
        self._frames |= {pc: tuple(found.get(pc, ())) for pc in wanted}

    def places(self, pcs: Iterable[int]) -> dict[int, Place]:
        """Return the locations of the calls before return addresses, in the innermost inlined function."""
        pcs = list(pcs)
        self._look_up(pcs)
        unknown = Place("", 0, "")
        return {pc: (self._frames.get(pc) or (unknown,))[0] for pc in pcs}

    def user_place(self, pcs: Sequence[int]) -> Place:
        """Return the innermost location of a stack that is in the user's code, or else the innermost one.

        Args:
            pcs: the return addresses of the stack, innermost first.
        """
        self._look_up(pcs)
        frames = [frame for pc in pcs for frame in self._frames.get(pc, ())]
        for at, frame in enumerate(frames):
            if not is_library(frame.file):
                via = next((inner.function for inner in reversed(frames[:at]) if inner.function), "")
                via = "" if via.startswith("_") else via  # what the compiler calls, as to throw
                return dataclasses.replace(frame, via=via)
        return next((frame for frame in frames if frame.file), Place("", 0, ""))


def place_in_object(file: Path, section: str, offset: int) -> str:
    """Return the source location of an instruction of an object file, as `file.c:12`; empty if it is not known.

    For inlined code it is the location of the outermost call, so that it does not name a header of intrinsics.
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
    symbols.places(pc for event in events for pc in (event.get("pc", 0), *event.get("callers", ())))  # all at once
    first_allocations: dict[int, str] = {}
    for event in events:
        pc = event.pop("pc", 0)
        place = symbols.user_place(event.pop("callers", None) or [pc])
        if place.file:
            via = f" via {place.via}" if place.via else ""
            event |= {"file": place.file, "line": place.line, "function": place.function + via}
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
