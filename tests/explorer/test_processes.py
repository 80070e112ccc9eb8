"""The explorer's processes: they end in time, whatever the program does, and with the command, however it is ended."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import cli
from rusted_ring.verify.explorer import caching, running
from rusted_ring.verify.support import janitor, processes
from rusted_ring.verify.support.processes import Deadline, TooLong, run_child

PROGRAMS = Path(__file__).parent / "programs"
LONG = [str(PROGRAMS / "fib_bench.c"), "--", "-DN=8", "-DLESS="]

pytestmark = [
    pytest.mark.desk(3),
    pytest.mark.skipif(
        shutil.which("gcc") is None or shutil.which("objcopy") is None, reason="needs gcc and objcopy (binutils)"
    ),
]


def explore(*words: str) -> tuple[int, dict[str, Any]]:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(["explore", "--json", "--compiler", "gcc", *words])
    found: dict[str, Any] = json.loads(output.getvalue())
    return status, found


def program(folder: Path, body: str) -> str:
    """Write a program whose thread does something, and return its name."""
    path = folder / "given.c"
    path.write_text(
        f"""
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
static _Atomic int turns;
static void *run(void *u) {{ {body} return u; }}
int main(void) {{ pthread_t t; pthread_create(&t, 0, run, 0); pthread_join(t, 0); return 0; }}
""",
        encoding="utf-8",
    )
    return str(path)


def descendants(folder: Path) -> list[str]:
    """The command lines of all processes that have this folder in their environment or their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                known = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                if str(folder).encode() in known:
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def wait_for(condition: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


# --- the time


@pytest.mark.clause("EXPLORE-35")
@pytest.mark.slow
def test_a_program_that_computes_ends_in_time(tmp_path: Path) -> None:
    source = program(tmp_path, "for (unsigned long n = 0; n < ~0ul; ++n) {}")
    explore(source, "--bound", "1", "--timeout", "0.01")
    begun = time.monotonic()
    status, found = explore(source, "--timeout", "6")
    assert time.monotonic() - begun < 20
    assert status == 3
    assert "the time was up" in found["covered"]
    assert "nothing was covered" in found["covered"]
    assert "%" not in found["covered"]


@pytest.mark.clause("EXPLORE-35")
def test_the_time_holds_for_the_compiler(tmp_path: Path) -> None:
    source = tmp_path / "large.c"
    source.write_text(
        "#define A(x) x+x\n#define B(x) A(A(A(A(x))))\n#define C(x) B(B(B(B(x))))\nint main(void) { return C(C(0)); }\n"
    )
    begun = time.monotonic()
    status, found = explore(str(source), "--timeout", "0.5")
    assert time.monotonic() - begun < 10
    assert status == 3
    assert found["covered"] == "the time was up before the program was built"


@pytest.mark.clause("EXPLORE-35")
@pytest.mark.parametrize("more", [[], ["--workers", "2"], ["--keep-going"]])
@pytest.mark.slow
def test_the_time_holds_for_runs(more: Sequence[str]) -> None:
    explore(LONG[0], "--bound", "1", *LONG[1:])  # the engine is compiled
    begun = time.monotonic()
    status, found = explore(LONG[0], "--timeout", "6", *more, *LONG[1:])
    assert time.monotonic() - begun < 20
    assert status == 3
    assert "the time was up" in found["covered"]
    assert found["executions"] > 0
    assert not found["exhaustive"]


@pytest.mark.clause("EXPLORE-35")
@pytest.mark.slow
def test_what_was_found_before_the_time_was_up_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "racy.c"
    text = (PROGRAMS / "fib_bench.c").read_text(encoding="utf-8")
    racy = "static int racy; static void *race(void *u) { racy = 1; return u; }\n"
    text = text.replace("int main(", f"{racy}int main(", 1)
    at = text.index("{", text.index("int main(")) + 1
    path.write_text(f"{text[:at]} pthread_t r; pthread_create(&r, 0, race, 0); racy = 2;{text[at:]}", encoding="utf-8")
    status, found = explore(str(path), "--keep-going", "--timeout", "6", *LONG[1:])
    assert status == 1
    assert {error["kind"] for error in found["errors"]} == {"data-race"}
    assert not found["exhaustive"]


def test_a_program_that_kills_itself_is_not_said_to_be_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = processes.Ended("", "", -signal.SIGKILL, in_time=True)
    monkeypatch.setattr(running, "run_child", lambda *_, **__: ended)
    status, found = explore(program(tmp_path, ""), "--timeout", "60")
    assert status == 2
    assert found["cannot_run"] == "the program ended with signal 9 (SIGKILL) and without an answer"


def test_a_child_that_kills_itself() -> None:
    ended = run_child(
        [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"], deadline=Deadline(60)
    )
    assert (ended.in_time, ended.how) == (True, "signal 9 (SIGKILL)")


@pytest.mark.clause("EXPLORE-36")
def test_a_child_that_blocks_signals_is_killed_with_what_it_started() -> None:
    text = """
import signal, subprocess, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "of-the-child"])
print("ready", flush=True)
time.sleep(600)
"""
    begun = time.monotonic()
    ended = run_child([sys.executable, "-c", text], deadline=Deadline(2))
    assert time.monotonic() - begun < 20
    assert not ended.in_time
    assert ended.output == "ready\n"
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "of-the-child" not in left


def test_a_child_that_writes_without_end_is_not_read_without_end() -> None:
    text = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    with pytest.raises(TooLong):
        run_child([sys.executable, "-c", text], deadline=Deadline(60), most=1 << 20)


def test_input_and_both_outputs() -> None:
    heard: list[str] = []
    text = "import sys; sys.stderr.write('one\\ntwo\\n'); print(sys.stdin.read()[::-1])"
    ended = run_child([sys.executable, "-c", text], text="abc", listen=heard.append)
    assert (ended.output, ended.status, heard) == ("cba\n", 0, ["one", "two"])
    ended = run_child([sys.executable, "-c", "import sys; sys.exit('wrong')"])
    assert (ended.complaints, ended.how) == ("wrong\n", "status 1")


# --- the end of the command


@pytest.mark.clause("EXPLORE-36")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("more", [[], ["--workers", "2"]])
def test_nothing_is_left_of_a_command_that_is_killed(number: signal.Signals, more: list[str], tmp_path: Path) -> None:
    explore(LONG[0], "--bound", "1", *LONG[1:])  # the engine is compiled
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "rusted_ring.verify", "explore", LONG[0], "--compiler", "gcc", *more, *LONG[1:]]
    child = subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # What started these tests may ignore them.
        preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in (signal.SIGHUP, signal.SIGTERM)],
    )
    try:
        assert wait_for(lambda: any(f"{temporary}/" in words for words in descendants(temporary)), 60)
        assert wait_for(lambda: sum("/program" in words for words in descendants(temporary)) >= 1, 60)
        time.sleep(0.2)
        child.send_signal(number)
        output = child.communicate(timeout=60)[0].decode()
    finally:
        child.kill()
        child.wait()
    if number == signal.SIGINT:
        assert child.returncode == 130
        assert output.count("\n") == 1
    else:
        assert child.returncode == -number
    if number != signal.SIGKILL:
        assert not any("/program" in words for words in descendants(temporary)), "it did not clean up itself"
    assert wait_for(lambda: not descendants(temporary), 10), descendants(temporary)
    assert list(temporary.iterdir()) == []


@pytest.mark.clause("EXPLORE-36")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_arrives_in_a_finalizer_is_not_lost(number: signal.Signals) -> None:
    text = """
import signal, sys, time
from rusted_ring.verify.support.processes import unwound_by_signals

class Dropped:
    def __del__(self):
        signal.raise_signal(int(sys.argv[1]))

for one in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(one, signal.SIG_DFL)
try:
    with unwound_by_signals():
        try:
            Dropped()
            time.sleep(60)
        finally:
            print("unwound", flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""
    command = [sys.executable, "-c", text, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("unwound\n", "")
    assert done.returncode == (130 if number == signal.SIGINT else -number)


def test_what_else_a_finalizer_raises_is_reported_as_ever() -> None:
    class Wrong:
        def __del__(self) -> None:
            raise ValueError("of the finalizer")

    reported: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda found: reported.append(found.exc_value)
    try:
        with processes.unwound_by_signals():
            Wrong()
    finally:
        sys.unraisablehook = before
    assert [str(one) for one in reported] == ["of the finalizer"]


def test_a_hangup_that_is_ignored_ends_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with processes.unwound_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.clause("EXPLORE-36")
def test_the_janitor_removes_what_is_left(tmp_path: Path) -> None:
    kept, removed = tmp_path / "kept", tmp_path / "removed"
    for folder in (kept, removed):
        folder.mkdir()
        (folder / "file").touch()
    carrying = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env={**os.environ, janitor.VARIABLE: "of-this-test"}
    )
    try:
        lines = f"+{kept}\n+{removed}\n-{kept}\n".encode()
        command = [sys.executable, "-I", "-S", janitor.__file__, "of-this-test"]
        subprocess.run(command, input=lines, check=True, timeout=30)
        assert carrying.wait(timeout=10) == -signal.SIGKILL
    finally:
        carrying.kill()
        carrying.wait()
    assert kept.is_dir()
    assert not removed.exists()


# --- the cache


def cache(monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setattr(caching, "_private", {})
    return caching.kept_folder("0123")


@pytest.mark.clause("EXPLORE-37")
def test_the_engine_is_kept_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache(monkeypatch, tmp_path)
    assert folder == tmp_path / "rusted-ring" / "explorer" / "0123"
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in (folder, folder.parent, folder.parent.parent))
    made = tmp_path / "made"
    made.write_text("text")
    caching.keep(made, folder / "kept")
    assert [path.name for path in folder.iterdir()] == ["kept"]
    assert cache(monkeypatch, tmp_path) == folder


@pytest.mark.clause("EXPLORE-37")
def test_what_others_can_write_to_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache(monkeypatch, tmp_path)
    for path in (folder, folder.parent, folder.parent.parent):
        path.chmod(0o770)
        other = cache(monkeypatch, tmp_path)
        assert tmp_path not in other.parents
        assert other.stat().st_mode & 0o777 == 0o700
        path.chmod(0o700)
    (folder / "kept").touch()
    (folder / "kept").chmod(0o666)
    assert tmp_path not in cache(monkeypatch, tmp_path).parents


@pytest.mark.clause("EXPLORE-37")
def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "rusted-ring").symlink_to(tmp_path / "elsewhere")
    assert tmp_path not in cache(monkeypatch, tmp_path).parents


def test_without_a_cache_there_is_a_folder_of_this_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    folder = cache(monkeypatch, tmp_path / "file")
    assert folder.is_dir()
    assert tmp_path not in folder.parents
    assert caching.kept_folder("0123") == folder


@pytest.mark.clause("EXPLORE-37")
def test_a_shared_folder_above_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    assert tmp_path not in cache(monkeypatch, shared / "cache").parents
    shared.chmod(0o1777)
    assert cache(monkeypatch, shared / "cache2") == shared / "cache2" / "rusted-ring" / "explorer" / "0123"
