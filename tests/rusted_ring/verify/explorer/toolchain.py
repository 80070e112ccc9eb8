"""Finds and calls the compilers and the tools of binutils."""

import functools
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rusted_ring.verify.support.processes import Deadline, TimeUp, run_child

_COMPILERS = ("gcc", "clang", "cc")
_BUILD_SECONDS = 300.0


class CannotBuild(ValueError):
    """A program or the engine does not compile, or cannot be explored as it is; the message says why."""


def find_compiler(name: str | None = None) -> list[str]:
    """Return the command of a C compiler.

    Args:
        name: a command, perhaps with flags; by default the environment's `CC`, gcc, clang or cc.

    Raises:
        CannotBuild: it is not installed.
    """
    wanted = [name] if name else [os.environ.get("CC", ""), *_COMPILERS]
    for candidate in wanted:
        words = shlex.split(candidate)
        if words and shutil.which(words[0]) is not None:
            return words
    raise CannotBuild(f"no C compiler: {name or ', '.join(_COMPILERS)} is not installed; install gcc or clang")


def need_tools() -> None:
    """Check that binutils are installed.

    Raises:
        CannotBuild: one of them is missing.
    """
    for tool in ("objcopy", "objdump", "nm", "ar"):
        if shutil.which(tool) is None:
            raise CannotBuild(f"{tool} is not installed: install binutils")


@functools.lru_cache(maxsize=8)
def version(compiler: tuple[str, ...]) -> str:
    """Return what a compiler says of its version."""
    return subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=False).stdout


def family(compiler: Sequence[str]) -> str:
    """Return `gcc` or `clang`."""
    return "clang" if "clang" in version(tuple(compiler)).lower() else "gcc"


def architecture() -> str:
    """Return the name of this machine's architecture, as `x86_64`."""
    return platform.machine()


def call(command: Sequence[str], *, deadline: Deadline | None = None, temporary: Path | None = None) -> str:
    """Run a compiler or a tool, and return its output.

    Raises:
        CannotBuild: it fails; the message is its first error.
        TimeUp: the deadline passed.
    """
    left = deadline.left if deadline is not None else None
    limit = Deadline(_BUILD_SECONDS if left is None else min(left, _BUILD_SECONDS))
    done = run_child(command, deadline=limit, temporary=temporary)
    if not done.in_time:
        if deadline is not None and deadline.passed:
            raise TimeUp
        raise CannotBuild(f"{command[0]} took more than {_BUILD_SECONDS:.0f} s")
    if done.status != 0:
        lines = [line for line in (done.complaints or done.output).splitlines() if line.strip()]
        telling = [line for line in lines if "error" in line.lower() or "undefined" in line.lower()]
        raise CannotBuild((telling or lines or [f"{command[0]} failed with {done.how}"])[0].strip())
    return done.output
