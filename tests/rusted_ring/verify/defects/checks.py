"""The checks of a copy of the core, each in processes of its own."""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from typing import Any

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.defects.catalogue import PROGRAMS, CatalogueError, Defect
from rusted_ring.verify.defects.workshop import Copy
from rusted_ring.verify.model_checking import harness, shrinking

SECONDS_A_DEFECT = 60.0
STEPS = 60_000
SHRINK_SECONDS = 0.0
SECONDS_WITHOUT_LIFE = 15.0
_MOST_SHRINKING = 20_000
"""The number of executions after which the shrinking of a witness stops."""

# The program of a check's process. The copy comes first on the path, and the finders of an editable install go, since
# they would find the unchanged native backend.
CHILD = """
import json, sys
copy, roots, result, arguments = json.loads(sys.argv[1])
sys.meta_path[:] = [f for f in sys.meta_path if isinstance(f, type) or "editable" not in type(f).__module__]
sys.path[:0] = [copy, *roots]
from rusted_ring import native
if not native.__file__.startswith(copy):
    raise SystemExit(f"loaded {native.__file__}, which is not the copy")
from rusted_ring.verify.defects.checks import check_in_child
check_in_child(result, **arguments)
"""


def check_by_program(copy: Copy, name: str, layer: str, seconds: float) -> tuple[str, str, str]:
    """Build a C test against a copy's core and run it; the result has the form of `check_package`'s.

    Args:
        copy: the copy.
        name: the test.
        layer: how it is built, one of `PROGRAMS`.
        seconds: how long it may take.
    """
    program = copy.program(name, layer)
    try:
        done = subprocess.run([str(program)], capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return (f"{layer}: hang", "", f"{name} did not end within {seconds:.0f} s")
    if done.returncode == 0:
        return ("", "", "")
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    # A failing check aborts these programs.
    kind = "failure" if done.returncode > 0 or -done.returncode == signal.SIGABRT else "crash"
    return (f"{layer}: {kind}", "", said[-1].replace(f"{copy.folder}/", "") if said else name)


def check_in_child(result: str, *, layer: str, profile: str, steps: int, seed: int) -> None:
    """Check the native backend of this process and write the finding.

    Args:
        result: the JSON file to write: `clause` and `message` if the check failed. Its modification time is the sign of
            life.
        layer: `diff` or `round`.
        profile: the profile's name.
        steps: the steps of a differential run.
        seed: the seed of all random draws.
    """
    from rusted_ring import native
    from rusted_ring.verify.lockstep.differential import run_diff
    from rusted_ring.verify.lockstep.reports import Progress

    path = pathlib.Path(result)

    def alive(_: Progress) -> None:
        os.utime(path)

    path.write_text("", encoding="utf-8")
    if layer == "round":
        found = check_round(native)
    else:
        report = run_diff(
            native,
            profile=profile,
            steps=steps,
            seed=seed,
            progress=alive,
            isolate=False,
            shrink_seconds=SHRINK_SECONDS,
        )
        failure = report.failure
        found = None if failure is None else (failure.clause, f"{failure.message} (after {report.steps} steps)")
    clause, message = found or ("", "")
    path.write_text(json.dumps({"clause": clause, "message": message, "failed": found is not None}), encoding="utf-8")


def check_round(backend: Any) -> tuple[str, str] | None:
    """Check that a pool takes every slot that stays FREE once before it takes any slot a third time [ALLOC-10].

    Returns:
        The clause and a message, or None if the check passes.
    """
    for profile in (backend.TINY, backend.SEED):
        for length, pool_id in ((0, 0), (65, 1), (1025, 3)):
            allocator = backend.EventAllocator(profile)
            capacity = allocator.pools.capacity(pool_id)
            kept = [allocator.allocate(bytes(length)) for _ in range(capacity // 3)]
            taken = [0] * capacity
            for pointer in kept:
                taken[pointer.slot_index] = -(2**30)
            for _ in range(5 * capacity):
                with allocator.allocate(bytes(length)) as pointer:
                    slot_index = pointer.slot_index
                taken[slot_index] += 1
                if taken[slot_index] == 3:
                    never = [index for index, count in enumerate(taken) if count == 0]
                    if never:
                        where = f"slot {slot_index} of pool {pool_id} of {profile.name} was taken a third time"
                        return ("ALLOC-10", f"{where} while slot {never[0]} and {len(never) - 1} more were never taken")
                    taken = [min(count, 0) for count in taken]
            del kept
    return None


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of the search for a defect.

    Attributes:
        seconds: the time after which a defect that was not caught counts as survived.
        steps: the steps of a differential run.
        seed: the seed of all random draws.
    """

    seconds: float = SECONDS_A_DEFECT
    steps: int = STEPS
    seed: int = 1


def check_package(copy: Copy, layer: str, profile: str, limits: Limits) -> tuple[str, str, str]:
    """Load a copy's native package in a process of its own and check it.

    Returns:
        How the copy was caught (empty if it was not), the clause and the message.
    """
    result = copy.folder / f"{layer}-{profile}.json"
    arguments = {"layer": layer, "profile": profile, "steps": limits.steps, "seed": limits.seed}
    given = json.dumps([str(copy.package()), copy.workshop.roots, str(result), arguments])
    command = [sys.executable, "-X", "faulthandler", "-c", CHILD, given]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=copy.folder)
        hung = late = False
        begun = time.monotonic()
        while process.poll() is None:
            now = time.time()
            started = result.exists()
            quiet = now - result.stat().st_mtime if started else 0.0
            late = time.monotonic() - begun > limits.seconds
            hung = quiet > SECONDS_WITHOUT_LIFE or (late and not started)
            if hung or late:
                process.kill()
                process.wait()
                break
            time.sleep(0.05)
        code = process.returncode
        said.seek(0)
        words = said.read().decode(errors="replace").strip().splitlines()
    written = result.read_text(encoding="utf-8") if result.exists() else ""
    if written and (found := json.loads(written))["failed"]:
        return (f"{layer}: disagreement", found["clause"], found["message"])
    if hung:
        return (f"{layer}: hang", "", f"no sign of life for {SECONDS_WITHOUT_LIFE:.0f} s")
    if late:
        # It still makes steps, and none of them failed: the defect survived.
        return ("", "", "")
    if code < 0:
        return (f"{layer}: crash", "", signal.Signals(-code).name)
    if code != 0:
        return (f"{layer}: error", "", words[-1] if words else f"exit status {code}")
    if not written:
        raise CatalogueError(f"the check of {copy.folder.name} ended without a verdict: {' '.join(words[-3:])}")
    return ("", "", "")


def check_by_explorer(copy: Copy, clients: Collection[str]) -> tuple[str, str, str]:
    """Explore clients of the corpus on a copy's core; the result has the form of `check_package`'s.

    The witness in the message is the first client that fails, shrunk if possible.
    """
    work = copy.folder / "explorer"
    work.mkdir()
    with harness.Explorer(copy.native.parent, work) as explorer:
        for client in CLIENTS:
            violation = explorer.explore(client).violation if client.name in clients else None
            if violation is not None:
                witness = shrinking.shrunk(explorer, violation, most=_MOST_SHRINKING)
                return (
                    f"explore: {witness.kind}",
                    witness.clause,
                    f"{witness.client}: {witness.message.splitlines()[0]}",
                )
    return ("", "", "")


@dataclasses.dataclass(frozen=True, order=True)
class Check:
    """A check of a copy.

    Attributes:
        layer: one of `LAYERS`.
        profile: the profile of a differential run.
        program: the name of a C test.
        clients: the clients to explore, by their names in the corpus.
    """

    layer: str
    profile: str = ""
    program: str = ""
    clients: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return its name: `diff TINY`, `ctest test_pools`, ..."""
        return " ".join(word for word in (self.layer, self.profile, self.program) if word)

    @classmethod
    def of(cls, defect: Defect) -> "Check":
        """Return the check that should catch a defect."""
        profile = defect.profile if defect.layer == "diff" else ""
        return cls(defect.layer, profile, defect.program, (defect.client,) if defect.client else ())

    def __call__(self, copy: Copy, limits: Limits) -> tuple[str, str, str]:
        """Check a copy; the result has the form of `check_package`'s."""
        if self.layer in PROGRAMS:
            return check_by_program(copy, self.program, self.layer, limits.seconds)
        if self.layer == "explore":
            return check_by_explorer(copy, self.clients)
        return check_package(copy, self.layer, self.profile, limits)
