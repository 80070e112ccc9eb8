"""Child processes of the explorer: they end in time, and they end with their parent.

Each child has a session of its own, so that all of it can be killed at once, whatever signals it blocks. It carries a
token in its environment, by which the janitor finds it after this process was killed (see `janitor`).
"""

import contextlib
import ctypes
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Final, NoReturn

from rusted_ring.verify.support import janitor

ANSWER_BYTES: Final = 1 << 28
"""The greatest number of bytes that are read from a child."""

_LINE_BYTES = 1 << 16
_PR_SET_PDEATHSIG = 1
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_AGAIN_SECONDS = 0.05


class TimeUp(Exception):
    """The deadline has passed."""


class TooLong(ValueError):
    """A child writes more than the limit."""


class Terminated(BaseException):
    """A signal asks this process to end; the exception unwinds it, so that it cleans up."""

    def __init__(self, number: int) -> None:
        """Keep the number of the signal."""
        super().__init__(signal.Signals(number).name)
        self.number = number


class Deadline:
    """A time at which everything ends, or none."""

    def __init__(self, seconds: float | None = None) -> None:
        """Begin to count."""
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float | None:
        """Return how many seconds are left, at least 0; None without a deadline."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Return whether the deadline has passed."""
        return self.left == 0.0


class _Janitor:
    """The janitor of this process and the pipe to it; a worker uses the janitor of the process that started it."""

    def __init__(self, token: str = "") -> None:
        self.owner = os.getpid()
        self.token = token or secrets.token_hex(16)
        self._pipe = -1
        if token:
            return
        command = [sys.executable, "-I", "-S", str(Path(janitor.__file__).resolve()), self.token]
        reads, self._pipe = os.pipe()
        # Not by subprocess.Popen, whose objects complain if the child outlives them, as this one has to.
        os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, reads, 0),
                *((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)),
            ],
            setsid=True,
        )
        os.close(reads)

    def tell(self, sign: str, folder: Path) -> None:
        """Tell it that a folder was made (`+`) or removed (`-`)."""
        with contextlib.suppress(OSError):  # a worker has no pipe, and makes no folders
            os.write(self._pipe, os.fsencode(f"{sign}{folder}\n"))


_lock = threading.Lock()
_janitors: list[_Janitor] = []


def _the_janitor() -> _Janitor:
    with _lock:
        if not _janitors or _janitors[-1].owner != os.getpid():
            _janitors.append(_Janitor())
        return _janitors[-1]


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A new folder for temporary files, as a context manager; it is removed even if this process is killed."""
    folder = make_folder()
    try:
        yield folder
    finally:
        janitor.remove(str(folder))
        _the_janitor().tell("-", folder)


def make_folder() -> Path:
    """Make a folder that exists until this process ends."""
    folder = Path(tempfile.gettempdir()).absolute() / f"rusted-ring-{secrets.token_hex(8)}"
    _the_janitor().tell("+", folder)  # before the folder is made: a kill in between must not leave it behind
    folder.mkdir(mode=0o700)
    return folder


def kill_children() -> None:
    """Kill every child of this process that is left."""
    if _janitors and _janitors[-1].owner == os.getpid():
        janitor.sweep(_janitors[-1].token)


def start(
    command: Sequence[str], *, stdin: IO[bytes] | int, stderr: int | None, temporary: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, with a pipe from its standard output.

    Args:
        command: the program and its arguments.
        stdin: the source of its standard input.
        stderr: the target of its standard error; None for that of this process.
        temporary: the folder of its temporary files.
    """
    environment = {**os.environ, janitor.VARIABLE: _the_janitor().token}
    if temporary is not None:
        environment["TMPDIR"] = str(temporary)
    return subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True, env=environment
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a child and its descendants, and wait for it; do nothing if it was already waited for."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome of a child.

    Attributes:
        output: its standard output.
        complaints: its standard error, if there was no `listen`.
        status: its exit status, or minus the signal that ended it.
        in_time: whether it ended by itself.
    """

    output: str
    complaints: str
    status: int
    in_time: bool

    @property
    def how(self) -> str:
        """Return in words how it ended."""
        if self.status >= 0:
            return f"status {self.status}"
        try:
            return f"signal {-self.status} ({signal.Signals(-self.status).name})"
        except ValueError:
            return f"signal {-self.status}"


def run_child(
    command: Sequence[str],
    *,
    deadline: Deadline | None = None,
    text: str = "",
    listen: Callable[[str], None] | None = None,
    temporary: Path | None = None,
    most: int = ANSWER_BYTES,
) -> Ended:
    """Run a program to its end, or kill it when the time is up.

    Args:
        command: the program and its arguments.
        deadline: the time at which it is killed.
        text: its standard input.
        listen: called with each line of its standard error.
        temporary: the folder of its temporary files.
        most: the greatest number of bytes that it may write.

    Raises:
        TooLong: it wrote more, and was killed.
    """
    deadline = deadline or Deadline()
    with tempfile.TemporaryFile() as given:
        given.write(text.encode())
        given.seek(0)
        process = start(command, stdin=given, stderr=subprocess.PIPE, temporary=temporary)
    try:
        output, complaints, in_time = _read(process, deadline, listen, most)
        if in_time:
            try:
                process.wait(deadline.left)
            except subprocess.TimeoutExpired:
                in_time = False
    finally:
        kill(process)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    return Ended(output, complaints, process.returncode, in_time)


def _read(
    process: subprocess.Popen[bytes], deadline: Deadline, listen: Callable[[str], None] | None, most: int
) -> tuple[str, str, bool]:
    """Read both streams of a child to their ends; the third result is False if the deadline passed before."""
    output, complaints = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(deadline.left)
            if not ready and deadline.passed:
                return output.decode(errors="replace"), complaints.decode(errors="replace"), False
            for key, _ in ready:
                some = os.read(key.fd, _LINE_BYTES)
                if not some:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    output += some
                    if len(output) > most:
                        raise TooLong(f"the program writes more than {most:,} bytes")
                elif listen is None:
                    complaints += some[: _LINE_BYTES - len(complaints)]
                else:
                    *lines, rest = (complaints + some).split(b"\n")
                    complaints[:] = rest[-_LINE_BYTES:]
                    for line in lines:
                        listen(line.decode(errors="replace"))
    return output.decode(errors="replace"), complaints.decode(errors="replace"), True


def token() -> str:
    """Return the token that the children of this process carry in their environment."""
    return _the_janitor().token


def begin_worker(parent: int, carried: str) -> None:
    """Make this process a worker: it and the programs that it runs end when its parent ends.

    Args:
        parent: the parent's process id.
        carried: the parent's token.
    """
    with _lock:
        _janitors.append(_Janitor(carried))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before this process asked for the signal
        os._exit(1)


@contextlib.contextmanager
def unwound_by_signals() -> Iterator[None]:
    """On SIGTERM and SIGHUP, unwind and clean up, and then end by that signal; lose no SIGINT either.

    A handler can raise in a finalizer too, and the interpreter drops what a finalizer raises. The signal of such an
    exception is sent again.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> NoReturn:
        for other in _ENDING_SIGNALS:  # a second signal must not interrupt the cleanup
            signal.signal(other, signal.SIG_IGN)
        raise Terminated(number)

    def dropped(found: "sys.UnraisableHookArgs") -> None:
        if isinstance(found.exc_value, Terminated):
            number = found.exc_value.number
            for other in before:
                signal.signal(other, end)
        elif isinstance(found.exc_value, KeyboardInterrupt):
            number = signal.SIGINT
        else:
            report_unraisable(found)
            return
        # Not sent from this hook: the interpreter would drop that exception too.
        again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    before = {}
    report_unraisable, sys.unraisablehook = sys.unraisablehook, dropped
    for number in _ENDING_SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:  # unless nohup or the caller set another handler
            before[number] = signal.signal(number, end)
    try:
        yield
    except Terminated as ending:
        kill_children()
        signal.signal(ending.number, signal.SIG_DFL)
        os.kill(os.getpid(), ending.number)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook = report_unraisable
