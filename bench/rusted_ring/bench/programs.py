"""Programs of others: run with a time limit, and none left behind."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, Self

_REASON_LETTERS: Final = 200
_TELLING: Final = (
    re.compile(r"fatal error|cannot find|could not find|no such file|not found|no space left", re.IGNORECASE),
    re.compile(r"error", re.IGNORECASE),
)
"""What a line that says what went wrong has in it, the most telling first."""
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


class ProgramFailed(RuntimeError):
    """A program could not be started, failed, or ran out of time: the message says which and why, in one line."""


def which(program: str, package: str = "") -> str:
    """Return the path of a program.

    Args:
        program: its name.
        package: the package of Debian that brings it, for the message.

    Raises:
        ProgramFailed: it is not installed.
    """
    found = shutil.which(program)
    if found is None:
        raise ProgramFailed(f"no {program} on this machine" + (f": install it (Debian: {package})" if package else ""))
    return found


def telling_line(text: str) -> str:
    """Return the line of a program's output that says what went wrong, the last where none looks like it."""
    lines = [line for raw in text.splitlines() if (line := _COLOUR.sub("", raw).strip())]
    said = [line for telling in _TELLING for line in lines if telling.search(line)]
    found = (said or lines[-1:] or ["no word of why"])[0]
    return found if len(found) <= _REASON_LETTERS else f"{found[:_REASON_LETTERS]}..."


class Programs:
    """Starts programs from any thread, each in a process group of its own; on leaving, those that run are ended.

    They are out of reach of whoever ends this process by a signal. So where this is entered in the main thread, SIGTERM
    leaves it as Ctrl-C does.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ended = False
        self._before: Any = None

    def __enter__(self) -> Self:
        """Return itself."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, _leave)
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        with self._lock:
            self._ended = True
            running = list(self._running)
        for process in running:
            _kill(process)  # whoever runs it waits for its end
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def build_c(self, cmake: str, sources: Path, folder: Path, root: Path, seconds: float) -> None:
        """Configure and build programs in C beside the C library of a checkout.

        Args:
            cmake: the path of CMake.
            sources: the folder of their `CMakeLists.txt`.
            folder: what is built goes here.
            root: the checkout.
            seconds: how long each of the two steps may take.

        Raises:
            ProgramFailed: one of them failed.
        """
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        options = ["-DCMAKE_BUILD_TYPE=Release", f"-DRUSTED_RING_SOURCE={root}"]
        self.run([cmake, "-S", sources, "-B", folder, *generator, *options], seconds)
        self.run([cmake, "--build", folder, "--parallel", str(os.cpu_count() or 1)], seconds)

    def run(
        self,
        command: Sequence[str | Path],
        seconds: float,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program to its end and return what it printed on its standard output.

        Args:
            command: the program and its arguments.
            seconds: how long it may take.
            folder: where it works; None: here.
            environment: variables in addition to those of this process.

        Raises:
            ProgramFailed: it did not end well.
        """
        name = Path(command[0]).name
        with self._lock:
            if self._ended:
                raise ProgramFailed(f"{name}: not started any more")
            try:
                process = subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    cwd=folder,
                    env={**os.environ, **(environment or {})},
                    process_group=0,
                )
            except OSError as error:
                raise ProgramFailed(f"{name}: cannot be started: {error.strerror or error}") from None
            self._running.add(process)
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise ProgramFailed(f"{name}: did not end within {seconds:g} s") from None
        finally:
            if process.returncode is None:
                _end(process)
            with self._lock:
                self._running.discard(process)
        if process.returncode != 0:
            raise ProgramFailed(f"{name}: status {process.returncode}: {telling_line(errors + output)}")
        return output


def _leave(number: int, _: object) -> NoReturn:
    """End this process with the status that a shell gives to a signal."""
    sys.exit(128 + number)


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process with its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a process with its children, and let go of it."""
    _kill(process)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
