"""Where an exploration gives up by itself: the numbers of the spec, each just reached and just not exceeded.

The program's thread asserts that it goes round less than LIMIT times. The greatest number of turns that some execution
has is the LIMIT at which the assertion fails for the last time.
"""

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import cli

pytestmark = [
    pytest.mark.desk(1),
    pytest.mark.skipif(shutil.which("objcopy") is None, reason="objcopy is not installed: install binutils"),
]
COMPILERS = ("gcc", "clang")

HEAD = """
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
static atomic_int flag, other;
static int turns, ready, woken;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static void *work(void *u)
{
    int expected = 0;
    (void)expected;
    @THREAD@;
    return u;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, work, 0);
    @MAIN@;
    pthread_join(t, 0);
    return 0;
}
"""


def explore(
    folder: Path, compiler: str, thread: str, main: str, limit: int, *options: str
) -> tuple[int, dict[str, Any]]:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    source = folder / "bounds.c"
    source.write_text(HEAD.replace("@THREAD@", thread).replace("@MAIN@", main), encoding="utf-8")
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(
            ["explore", str(source), "--json", "--compiler", compiler, *options, "--", f"-DLIMIT={limit}"]
        )
    found: dict[str, Any] = json.loads(output.getvalue())
    return status, found


def check(
    folder: Path, compiler: str, thread: str, main: str, most: int, *options: str, bounded: bool = True
) -> dict[str, Any]:
    """Check that some execution has `most` turns and none has more, and return the answer where none is too long."""
    status, found = explore(folder, compiler, thread, main, most, *options)
    assert (status, [error["kind"] for error in found["errors"]]) == (1, ["assertion"])
    status, found = explore(folder, compiler, thread, main, most + 1, *options)
    assert (status, found["errors"], found["exhaustive"]) == (3 if bounded else 0, [], not bounded)
    assert (found["bounded"] > 0) is bounded
    assert found.get("covered", "").startswith("bounded: ") is bounded
    return found


@pytest.mark.clause("EXPLORE-7", "EXPLORE-32")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.slow
def test_an_older_write_is_read_32_times_in_a_row(compiler: str, tmp_path: Path) -> None:
    thread = "while (!atomic_load_explicit(&flag, memory_order_relaxed)) turns++; assert(turns < LIMIT)"
    main = "atomic_store_explicit(&flag, 1, memory_order_relaxed)"
    assert check(tmp_path, compiler, thread, main, 32)["executions"] == 33


@pytest.mark.clause("EXPLORE-7", "EXPLORE-32")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.slow
def test_the_latest_write_is_read_8192_times_in_a_row_by_the_last_thread(compiler: str, tmp_path: Path) -> None:
    thread = "while (!atomic_load_explicit(&flag, memory_order_relaxed)) { turns++; assert(turns < LIMIT); }"
    assert "nothing was covered" in check(tmp_path, compiler, thread, "", 8192)["covered"]


@pytest.mark.clause("EXPLORE-7", "EXPLORE-27")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_weak_compare_exchange_fails_three_times_in_a_row(compiler: str, tmp_path: Path) -> None:
    thread = (
        "while (!atomic_compare_exchange_weak(&flag, &expected, 1)) { expected = 0; turns++; } assert(turns < LIMIT)"
    )
    assert check(tmp_path, compiler, thread, "", 3)["executions"] == 4
    status, found = explore(tmp_path, compiler, thread, "", 1, "--no-spurious")
    assert (status, found["executions"], found["exhaustive"]) == (0, 1, True)
    # A failed turn that changes nothing is waiting: nothing is given up.
    thread = "while (!atomic_compare_exchange_weak(&flag, &expected, 1)) expected = 0"
    status, found = explore(tmp_path, compiler, thread, "", 0)
    assert (status, found["bounded"], found["exhaustive"]) == (0, 0, True)


@pytest.mark.clause("EXPLORE-26")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_sleeper_wakes_for_no_reason_once_in_a_row(compiler: str, tmp_path: Path) -> None:
    thread = """pthread_mutex_lock(&mutex);
        while (!ready) { pthread_cond_wait(&condition, &mutex); woken++; }
        assert(woken < LIMIT);
        pthread_mutex_unlock(&mutex)"""
    main = """pthread_mutex_lock(&mutex);
        ready = 1;
        pthread_cond_signal(&condition);
        pthread_mutex_unlock(&mutex)"""
    check(tmp_path, compiler, thread, main, 1, bounded=False)
    check(tmp_path, compiler, thread, main, 2, "--spurious", bounded=False)


@pytest.mark.clause("EXPLORE-7", "EXPLORE-33")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("turns", [1, 5])
def test_as_many_turns_as_are_unrolled(turns: int, compiler: str, tmp_path: Path) -> None:
    thread = "while (atomic_fetch_add(&other, 1) < 100) { turns++; assert(turns < LIMIT); }"
    check(tmp_path, compiler, thread, "", turns, "--unroll", str(turns))
