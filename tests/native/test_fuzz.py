"""The generated fuzzer over the whole API: seconds at a desk, minutes under ASan and UBSan in CI, hours by option."""

import os
import shutil
import subprocess
import sys

import pytest

from rusted_ring import native
from rusted_ring.verify.fuzz.fuzzer import CLASSES

SECONDS = float(os.environ.get("RUSTED_RING_FUZZ_SECONDS", "60"))


def fuzz(*arguments: str, seconds: float) -> str:
    """Run the fuzzer in a process of its own, which must find nothing, and return what it said."""
    command = [
        sys.executable,
        "-X",
        "faulthandler",
        "-m",
        "rusted_ring.verify.fuzz",
        "--seconds",
        str(seconds),
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600 + 2 * seconds, check=False)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-6_000:]}"
    assert "without a finding" in done.stdout
    return done.stdout


@pytest.mark.clause("ERR-1", "ERR-4", "ERR-9", "ERR-10", "PTR-8")
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.slow
def test_nothing_crashes_hangs_or_lies(seed: int) -> None:
    fuzz("--seed", str(seed), seconds=6)


@pytest.mark.clause("ERR-1", "ERR-4", "ERR-9", "ERR-10")
@pytest.mark.slow
def test_nothing_in_the_reference_does() -> None:
    fuzz("--seed", "3", "--backend", "reference", seconds=5)


@pytest.mark.slow
@pytest.mark.clause("PTR-8", "ERR-1")
@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc, whose ASan and UBSan the extension is built with")
def test_nothing_is_found_under_sanitizers() -> None:
    fuzz("--sanitize", "--seed", "100", seconds=SECONDS)


def test_every_class_with_methods_is_fuzzed() -> None:
    """The fuzzer's list holds each class of the API whose objects do something; the others only hold values."""
    values = {native.EventSize, native.PoolId, native.PooledEvent, native.PoolStats, native.Profile}
    values |= {native.SlotMetadata, native.SlotState}
    public = {name for name in native.__all__ if isinstance(getattr(native, name), type)}
    kinds = {name for name in public if not issubclass(getattr(native, name), BaseException)}
    assert kinds - {kind.__name__ for kind in values} == set(CLASSES)


def test_a_finding_is_one(tmp_path: "os.PathLike[str]") -> None:
    """A backend whose `allocate` raises what no clause names, and one that dies: both are said."""
    for name, body in (("lies", "raise SystemError('wrong')"), ("dies", "import os; os.kill(os.getpid(), 11)")):
        text = f"""
from rusted_ring.native import *
from rusted_ring import native
class EventAllocator(native.EventAllocator):
    def allocate(self, *given, **named):
        {body}
"""
        with open(os.path.join(tmp_path, f"broken_{name}.py"), "w", encoding="utf-8") as file:
            file.write(text)
        program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import broken_{name}
from rusted_ring.verify.fuzz.command import main
sys.modules["broken.{name}"] = broken_{name}
sys.exit(main(["--backend", "broken.{name}", "--seconds", "20", "--seed", "2"]))
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == (1 if name == "lies" else -11), done.stderr
        assert ("SystemError: wrong" if name == "lies" else "Segmentation fault") in done.stderr
