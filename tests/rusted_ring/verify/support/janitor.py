"""Cleans up after a process of the explorer, however that process ended.

`processes` runs this file as a program, with a token as its argument. Lines on its standard input name folders: `+PATH`
for one that was made, `-PATH` for one that was removed. The input ends when no process holds the other end of the pipe.
Then the janitor kills every process that carries the token in its environment and removes the remaining folders. It
imports only the standard library, so that it starts in a few milliseconds.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

VARIABLE = "RUSTED_RING_EXPLORER"


def sweep(token: str) -> None:
    """Kill all other processes that carry a token, until there are none."""
    carried = f"{VARIABLE}={token}".encode()
    for _ in range(20):
        found = False
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if carried in file.read().split(b"\0"):
                    found = True
                    os.kill(int(name), signal.SIGKILL)
        if not found:
            return
        time.sleep(0.01)


def remove(folder: str) -> None:
    """Remove a folder with its contents; a process that was just killed may still write a last file."""
    import shutil

    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.01)


def wait(token: str, lines: Iterable[bytes]) -> None:
    """Keep track of the folders until the input ends, then clean up."""
    folders: set[str] = set()
    for line in lines:
        path = os.fsdecode(line[1:].rstrip(b"\n"))
        (folders.add if line[:1] == b"+" else folders.discard)(path)
    sweep(token)
    for folder in folders:
        remove(folder)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wait(sys.argv[1], sys.stdin.buffer)
