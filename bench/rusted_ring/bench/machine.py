"""Where it was measured, and with what: the processor, the compilers, the versions of the peers."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rusted_ring.bench.contract import PEERS

_SOURCES = Path(__file__).resolve().parent
_SECONDS = 30


def facts() -> dict[str, Any]:
    """Return what there is to know of the machine before anything runs."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cpus": sorted(os.sched_getaffinity(0)),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "load": list(os.getloadavg()),
        "python": platform.python_version(),
        "rusted-ring": importlib.metadata.version("rusted-ring"),
        "tools": tools(),
    }


def has_avx() -> bool:
    """Whether the processor has the registers of AVX."""
    return re.search(r"^flags\s*:.*\bavx\b", _cpuinfo(), re.MULTILINE) is not None


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""


def _processor() -> str:
    named = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return named.group(1) if named else platform.processor() or "unknown"


def first_line(command: Sequence[str]) -> str:
    """Return the first line that a program prints, or nothing where it is not there or fails."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)  # Maven writes its name in bold
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0] if lines and done.returncode == 0 else ""


def tools() -> dict[str, str]:
    """Return what each tool says of its version; those that are not there are left out."""
    asked = {
        "CMake": ("cmake", "--version"),
        "Rust": ("rustc", "--version"),
        "Java": ("java", "-version"),
        "Maven": ("mvn", "--batch-mode", "--version"),
    }
    found = {name: first_line(command) for name, command in asked.items()}
    return {name: said for name, said in found.items() if said}


def compilers(build: Path) -> dict[str, str]:
    """Return the compilers that CMake chose in a folder, with their versions."""
    try:
        cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    except OSError:
        return {}
    found = {}
    for name, key in (("C", "CMAKE_C_COMPILER"), ("C++", "CMAKE_CXX_COMPILER")):
        chosen = re.search(rf"^{key}:\w+=(.+)$", cache, re.MULTILINE)
        if chosen:
            found[name] = first_line([chosen.group(1), "--version"])
    return found


def versions() -> dict[str, str]:
    """Return the versions of the peers that are packages of a system or of a registry; not those of PyPI."""
    crates, maven = _crates(), _maven()
    found = {}
    for peer in PEERS.values():
        kind, _, package = peer.source.partition(":")
        if kind == "deb":
            version = first_line(["dpkg-query", "--show", "--showformat=${Version}\\n", package])
        elif kind == "crate":
            # One crate may be there in two versions, each a peer that bears its own.
            version = next((version for version in crates.get(package, []) if peer.name.endswith(version)), "")
            version = version or next(iter(crates.get(package, [])), "")
        else:
            version = maven.get(package, "") if kind == "maven" else ""
        if version:
            found[peer.name] = version
    return found


def _crates() -> dict[str, list[str]]:
    try:
        lock = tomllib.loads((_SOURCES / "rust" / "Cargo.lock").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found: dict[str, list[str]] = {}
    for package in lock.get("package", []):
        found.setdefault(package["name"], []).append(package["version"])
    return found


def _maven() -> dict[str, str]:
    space = "{http://maven.apache.org/POM/4.0.0}"
    try:
        root = ElementTree.parse(_SOURCES / "java" / "pom.xml").getroot()
    except (OSError, ElementTree.ParseError):
        return {}
    return {
        dependency.findtext(f"{space}artifactId", ""): dependency.findtext(f"{space}version", "")
        for dependency in root.iter(f"{space}dependency")
    }
