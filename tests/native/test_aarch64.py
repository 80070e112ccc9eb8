"""The C library on aarch64: its own tests, cross-compiled and run under emulation."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rusted_ring.verify.support.checkout import checkout

CROSS_COMPILER = "aarch64-linux-gnu-gcc"
EMULATOR = "qemu-aarch64"
CROSS_LIBRARIES = "/usr/aarch64-linux-gnu"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["test_sizes", "test_pools", "test_rings", "test_gated_rings", "test_bulk_calls", "test_in_place"]
)
def test_the_c_tests_pass_on_aarch64_under_emulation(name: str, tmp_path: Path) -> None:
    for tool in (CROSS_COMPILER, EMULATOR):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}, which is not installed")
    native = checkout() / "native"
    program = tmp_path / name
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    include = [f"-I{native / 'include'}", f"-I{native / 'src'}"]
    sources = [str(path) for path in sorted((native / "src").glob("*.c"))]
    flags = ["-std=c11", "-O2", "-pthread", *warnings, *include]
    subprocess.run(
        [CROSS_COMPILER, *flags, str(native / "tests" / f"{name}.c"), *sources, "-o", str(program)], check=True
    )
    done = subprocess.run([EMULATOR, "-L", CROSS_LIBRARIES, str(program)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
