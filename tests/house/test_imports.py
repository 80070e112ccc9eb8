"""Which part imports which: the contracts of import-linter in pyproject.toml, and imports with a part missing."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("reference", "native", "tests", "bench")
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(root: Path, config: Path) -> subprocess.CompletedProcess[str]:
    """Hold the sources below a folder against the contracts.

    The packages are read from the checkout: `-S` leaves out the finder of an editable install, which takes the whole
    checkout for a part of `rusted_ring.verify`.
    """
    folders = [str(root / room) for room in ROOMS] + [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    command = [sys.executable, "-S", "-c", LINT, "--no-cache", "--no-logo", "--config", str(config)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)


needs_import_linter = pytest.mark.skipif(
    importlib.util.find_spec("importlinter") is None, reason="needs import-linter: pip install 'rusted-ring[lint]'"
)


@needs_import_linter
def test_no_import_points_upwards_or_in_a_circle() -> None:
    done = lint(ROOT, ROOT / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


WRONG = {
    Path("reference/rusted_ring/vocabulary/errors.py"): "reference.ring",
    Path("reference/rusted_ring/reference/cursor.py"): "native.rings",
    Path("native/rusted_ring/native/rings.py"): "reference.slot",
    Path("reference/rusted_ring/reference/slot.py"): "verify.support.report",
    Path("bench/rusted_ring/bench/machine.py"): "verify.cli",
    Path("tests/rusted_ring/verify/support/errors.py"): "bench.run",
    Path("tests/rusted_ring/verify/support/report.py"): "verify.lockstep.results",
    Path("tests/rusted_ring/verify/litmus/comparison.py"): "verify.replay.routes",
    Path("tests/rusted_ring/verify/clients/language.py"): "verify.explorer.engine",
    Path("reference/rusted_ring/reference/monitor.py"): "reference.pool",
}
"""Imports that the contracts forbid: the file, and what it would import."""


@needs_import_linter
def test_wrong_imports_are_found(tmp_path: Path) -> None:
    """Wherever they stand: an import within a function is one."""
    for room in ROOMS:
        for source in (ROOT / room / "rusted_ring").rglob("*.py"):
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
            if (wrong := WRONG.get(copy.relative_to(tmp_path))) is not None:
                with copy.open("a", encoding="utf-8") as file:
                    file.write(f"\n\ndef late():\n    import rusted_ring.{wrong}\n")
    done = lint(tmp_path, ROOT / "pyproject.toml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept, 5 broken" in done.stdout
    for path, wrong in WRONG.items():
        importer = ".".join(path.with_suffix("").parts[1:])
        # Within one package of modules there are no layers, but no circles either.
        within = importer.split(".")[1:-1] == wrong.split(".")[:-1]
        found = (
            f"No cycles are allowed in rusted_ring.{wrong.rpartition('.')[0]}."
            if within
            else f"{importer} -> rusted_ring.{wrong} "
        )
        assert found in done.stdout, (importer, wrong, done.stdout)


@pytest.mark.parametrize(("wanted", "missing"), [("native", "reference"), ("reference", "native")])
def test_each_implementation_is_imported_without_the_other(wanted: str, missing: str) -> None:
    program = f"""
        import sys

        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name == "rusted_ring.{missing}" or name.startswith("rusted_ring.{missing}."):
                    raise ImportError(name + " is not there")

        sys.meta_path.insert(0, Missing())
        import rusted_ring.{wanted} as backend
        for name in backend.__all__:
            getattr(backend, name)
        ring = backend.RingBuffer(64, 8)
        writer, reader = backend.Writer(ring), backend.Reader(ring)
        assert writer.add_many([b"a", b"b"]) == 2 and writer.add(b"c")
        assert reader.next_many(2)[1] == backend.PooledEvent(b"b") and reader.next().data == b"c"
        with backend.EventAllocator(backend.TINY).allocate(b"x") as pointer:
            assert pointer.downgrade().upgrade().bytes == b"x"
        assert not any(name.startswith("rusted_ring.{missing}") for name in sys.modules)
        print("well")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "well\n", done.stderr
