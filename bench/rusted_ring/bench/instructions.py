"""How many instructions the hot calls of the C library execute, beside a recorded baseline.

    python -m rusted_ring.bench.instructions             # count, and fail where a call executes over 5 % more
    python -m rusted_ring.bench.instructions --record    # count, and write the baseline anew

Counts are steady where times are not. They depend on the compiler and its version, on the architecture, and on whether
the processor has AVX (the copies use it), so a baseline holds for these three; the file may hold several. Callgrind
counts inside the functions of `c/hot_calls/hot_calls.c`, which make each call many times in one thread; in a count are
the four or five instructions of the loop. Exit status: 0 no count rose by more than 5 %, 1 one did, 2 cannot count, 3
nothing to compare with.
"""

import argparse
import dataclasses
import json
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rusted_ring.bench import machine
from rusted_ring.bench.programs import ProgramFailed, Programs, which
from rusted_ring.verify.support.checkout import NoCheckout, checkout
from rusted_ring.verify.support.report import print_table

RISE: Final = 0.05
"""By how much a count may be above its baseline."""
SECONDS: Final = 300
FORMAT: Final = 1
RECORD: Final = "python -m rusted_ring.bench.instructions --record"


class Unusable(ValueError):
    """A baseline that is none: the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What counts depend on.

    Attributes:
        compiler: what it says of its version.
        architecture: of the processor.
        avx: whether the processor has these registers.
    """

    compiler: str
    architecture: str
    avx: bool

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.compiler}, {self.architecture}{' with AVX' if self.avx else ''}"


Counts = Mapping[str, float]
"""Instructions of one call (of bulk calls: of one event), by the call's name."""


def count(root: Path, programs: Programs) -> tuple[Setting, dict[str, float]]:
    """Build the hot calls of a checkout and count their instructions.

    Raises:
        ProgramFailed: a tool is not there or failed.
    """
    cmake, valgrind = which("cmake", "cmake"), which("valgrind", "valgrind")
    with tempfile.TemporaryDirectory(prefix="rusted-ring-instructions-") as folder:
        build, counted = Path(folder) / "build", Path(folder) / "callgrind.out"
        sources = root / "bench" / "rusted_ring" / "bench" / "c" / "hot_calls"
        programs.build_c(cmake, sources, build, root, SECONDS)
        said = programs.run(
            [
                *(valgrind, "--tool=callgrind", f"--callgrind-out-file={counted}", "--toggle-collect=count_*"),
                *("--compress-strings=no", "--compress-pos=no", build / "hot_calls"),
            ],
            SECONDS,
            environment={"LD_BIND_NOW": "1"},  # or the first call of each function would be that of the dynamic linker
        )
        calls: dict[str, int] = json.loads(said)
        totals = inclusive(counted.read_text(encoding="utf-8").splitlines(), "count_")
        absent = sorted(calls.keys() - totals.keys())
        if absent:
            raise ProgramFailed(f"callgrind: no count of {', '.join(absent)}: was it inlined or merged?")
        compiler = machine.compilers(build).get("C", "")
    setting = Setting(compiler, platform.machine(), machine.has_avx())
    return setting, {name: round(totals[name] / number, 2) for name, number in calls.items()}


def inclusive(lines: Iterable[str], prefix: str) -> dict[str, int]:
    """Return what functions with such names executed, with all that they called, by the rest of the name.

    Args:
        lines: of a file of callgrind's without compression: `fn=NAME`, then lines `position cost`, of which those after
            `calls=` are the cost of a callee.
        prefix: what the names begin with.
    """
    found: dict[str, int] = {}
    name = None
    for line in lines:
        if line.startswith("fn="):
            function = line.removeprefix("fn=").partition("'")[0]
            name = function.removeprefix(prefix) if function.startswith(prefix) else None
        elif name is not None and (cost := re.fullmatch(r"\d+ (\d+)", line)):
            found[name] = found.get(name, 0) + int(cost[1])
    return found


# --- the baseline


def baseline_path(root: Path) -> Path:
    """Return where a checkout has the baseline."""
    return root / "bench" / "rusted_ring" / "bench" / "instructions.json"


def read(path: Path) -> dict[Setting, dict[str, float]]:
    """Return the recorded counts by what they depend on; nothing where there is no file.

    Raises:
        Unusable: the file is no baseline.
    """
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}, not {FORMAT}")
        return {
            Setting(str(one["compiler"]), str(one["architecture"]), bool(one["avx"])): {
                str(name): float(value) for name, value in one["counts"].items()
            }
            for one in document["baselines"]
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"{path}: not a baseline ({error!r}): remove it and record anew: {RECORD}") from None


def write(path: Path, recorded: Mapping[Setting, Counts]) -> None:
    """Write the recorded counts."""
    baselines: list[dict[str, Any]] = [
        {**dataclasses.asdict(setting), "counts": dict(counts)} for setting, counts in recorded.items()
    ]
    path.write_text(json.dumps({"format": FORMAT, "baselines": baselines}, indent=1) + "\n", encoding="utf-8")


def rows(counts: Counts, baseline: Counts) -> list[list[str]]:
    """Return a row for each call: its name, its baseline, its count, the ratio, and what is to be said of it."""
    found = []
    for name in dict.fromkeys([*counts, *baseline]):
        now, before = counts.get(name), baseline.get(name)
        cells = ["" if value is None else f"{value:.2f}" for value in (before, now)]
        if now is None:
            verdict, ratio = "NOT COUNTED", ""
        elif before is None:
            verdict, ratio = "NO BASELINE", ""
        else:
            ratio = f"{now / before:.3f}"
            verdict = "ROSE" if now > before * (1 + RISE) else "fell" if now < before * (1 - RISE) else ""
        found.append([name, *cells, ratio, verdict])
    return found


def compare(setting: Setting, counts: Counts, recorded: Mapping[Setting, Counts], path: Path) -> int:
    """Print the counts beside the baseline, what is wrong with them, and return the exit status."""
    baseline = recorded.get(setting)
    if baseline is None:
        others = "; ".join(map(str, recorded)) or "none"
        print(f"CANNOT COMPARE: no baseline for {setting}; {path} has: {others}")
        print(f"To record one, at a commit whose counts are known to be good: {RECORD}")
        return 3
    table = rows(counts, baseline)
    print_table("", ("call", "baseline", "now", "ratio", ""), table, right=("baseline", "now", "ratio"))
    for name, before, now, _, verdict in table:
        if verdict == "ROSE":
            print(f"ROSE by more than {RISE:.0%}: {name}: {before} instructions in the baseline, {now} now")
        elif verdict in ("NO BASELINE", "NOT COUNTED"):
            print(f"{verdict}: {name}: it cannot be compared; record anew: {RECORD}")
    verdicts = {row[-1] for row in table}
    if "ROSE" in verdicts:
        print(f"If it has to be so: {RECORD}")
        return 1
    if verdicts & {"NO BASELINE", "NOT COUNTED"}:
        return 3
    if "fell" in verdicts:
        print(f"Counts that fell may rise again unseen until they are recorded: {RECORD}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, and compare or record."""
    parser = argparse.ArgumentParser(description="Count the instructions of the hot calls beside a recorded baseline.")
    parser.add_argument("--record", action="store_true", help="write the counts as the baseline of this compiler")
    options = parser.parse_args(arguments)
    try:
        root = checkout()
        path = baseline_path(root)
        recorded = read(path)
        with Programs() as programs:
            setting, counts = count(root, programs)
    except (ProgramFailed, NoCheckout, Unusable) as error:
        print(f"instructions: {error}", file=sys.stderr)
        return 2
    if options.record:
        write(path, {**recorded, setting: counts})
        print(f"recorded {len(counts)} calls for {setting} in {path}")
        return 0
    return compare(setting, counts, recorded, path)


if __name__ == "__main__":
    sys.exit(main())
