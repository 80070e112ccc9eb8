"""Small C programs put to `rusted-ring explore` from end to end, each with what it must find and how many executions.

The counts of the families are those published for them: lastzero, indexer and readers in the papers on dynamic partial
order reduction (Abdulla et al., POPL 2014; Flanagan and Godefroid, POPL 2005), ainc, casrot and casw in the tests of
GenMC. The others were worked out by hand, or are the same from two compilers at several levels of optimisation.
"""

import contextlib
import importlib.util
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import cli

PROGRAMS = Path(__file__).parent / "programs"
COMPILERS = ("gcc", "clang")

pytestmark = [
    pytest.mark.desk(3),
    pytest.mark.skipif(shutil.which("objcopy") is None, reason="objcopy is not installed: install binutils"),
]


@dataclass(frozen=True)
class Case:
    """A program, and what must come of it.

    Attributes:
        file: the program; several are parted by blanks.
        flags: macros.
        executions: complete ones, or None where they depend on the compiler or on where it stops.
        blocked: or None, likewise.
        error: the kind of the first error, or nothing.
        clang: executions and blocked ones with clang, if they are others.
    """

    file: str
    flags: str
    executions: int | None
    blocked: int | None
    error: str = ""
    clang: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        return " ".join([self.file.split()[0].removesuffix(".c"), *self.flags.replace("memory_order_", "").split()])


RELEASE_ACQUIRE = "-DW=memory_order_release -DR=memory_order_acquire"
WEAK_UNLOCK = "-DUNLOCK=memory_order_relaxed"

FAMILIES = [
    Case("lastzero.c", "-DN=10", 3328, 0),
    *(Case("indexer.c", f"-DN={n}", count, 0) for n, count in ((11, 1), (12, 8), (13, 64), (14, 512))),
    *(Case("many.c", f"-DAINC -DN={n}", count, 0) for n, count in ((2, 2), (4, 24), (6, 720))),
    *(Case("many.c", f"-DCASROT -DN={n}", count, 0) for n, count in ((2, 2), (5, 43), (7, 523), (9, 8597))),
    *(Case("many.c", f"-DCASW -DN={n}", count, 0) for n, count in ((2, 6), (3, 66), (4, 1200))),
    Case("many.c", "-DREADERS -DN=8", 256, 0),
    Case("many.c", "-DBIG -DN=8", 6**4, 0),
    Case("many.c", "-DWCAS -DN=4", 5**4, 0),
    Case("many.c", "-DWRW -DN=2", 16, 0),
    Case("many.c", "-DCOA -DN=3", 16, 0),
    Case("many.c", "-DLOCKINC -DN=3 -DROUNDS=2", 90, 0),
    Case("eratosthenes.c", "-DN=6", 56, 0),
    Case("hwqueue.c", "-DN=2", 114, 0),
    Case("many.c", "-DSB -DN=4", 16, 0),
    Case("many.c", "-DSB -DN=4 -DORDER=memory_order_seq_cst", 15, 0),
    Case("many.c", "-DW22 -DN=4", 16, 0),
    Case("many.c", "-DW22 -DN=4 -DORDER=memory_order_seq_cst", 15, 0),
    Case("fib_bench.c", "-DN=3 -DLESS=", 1698, 0),
    Case("fib_bench.c", "-DN=3 -DLESS= -DORDER=memory_order_relaxed", 2800, 0),
    Case("fib_bench.c", "-DN=3 -DLESS=-1", None, 0, "assertion"),
    Case("litmus.c", "-DMP", None, 0, "assertion"),
    Case("litmus.c", "-DMP -DW=rel -DR=acq", 3, 0),
    Case("litmus.c", "-DMP_FENCES", 3, 0),
    Case("litmus.c", "-DLB", 3, 0),
    Case("litmus.c", "-DSB", None, 0, "assertion"),
    Case("litmus.c", "-DSB -DW=sc -DR=sc", 3, 0),
    Case("litmus.c", "-DSB_FENCES", 3, 0),
    Case("litmus.c", "-DIRIW -DW=rel -DR=acq", None, 0, "assertion"),
    Case("litmus.c", "-DIRIW -DW=sc -DR=sc", 15, 0),
    Case("litmus.c", "-DCORR", 6, 0),
    Case("litmus.c", "-DWRC", None, 0, "assertion"),
    Case("litmus.c", "-DWRC -DW=rel -DR=acq", 7, 0),
    Case("litmus.c", "-DRELEASE_SEQUENCE", 9, 0),
]

ALGORITHMS = [
    Case("exclusion.c", "", 4, 6),
    Case("exclusion.c", RELEASE_ACQUIRE, None, None, "data-race"),
    # How often a loop is gone round before it is seen to wait depends on what a compiler leaves in registers.
    Case("exclusion.c", "-DDEKKER", None, None),
    Case("exclusion.c", f"-DDEKKER {RELEASE_ACQUIRE}", None, None, "data-race"),
    Case("treiber.c", "", 28, 4),
    Case("treiber.c", "-DREUSE", None, None, "use-after-free"),
    # Failed turns of loops that try again are not explored: temporary values on the stack that were not written before
    # do not make two states different.
    Case("ms_queue.c", "", 3, 1),
    Case("ms_queue.c", "-DTWO", None, None),
    Case("ms_queue.c", "-DBROKEN", None, None, "data-race"),
    Case("locks.c", "-DTICKET -DN=2", 2, 2),
    Case("locks.c", "-DTICKET -DN=3", 6, 24),
    Case("locks.c", f"-DTICKET {WEAK_UNLOCK}", None, None, "data-race"),
    # clang keeps two temporary values of a byte in one word of the stack: the turn that writes the second is explored.
    Case("locks.c", "-DFLAG -DN=2", 2, 2, clang=(4, 2)),
    Case("locks.c", "-DFLAG -DN=3", 6, 18, clang=(42, 72)),
    Case("locks.c", f"-DFLAG {WEAK_UNLOCK}", None, None, "data-race"),
    Case("locks.c", "-DN=2", 4, 4),
    Case("locks.c", "-DN=3", 36, 72),
    Case("locks.c", WEAK_UNLOCK, None, None, "data-race"),
    Case("seqlock.c", "", 2, 16),  # as of ms_queue
    Case("seqlock.c", "-DBROKEN", None, None, "assertion"),
    Case("once.c", "", 4, 0),
    Case("once.c", "-DBROKEN", None, None, "data-race"),
]

LIBRARY = [
    # No execution ends with a thread that waits for a lock that is given back.
    *(Case("posix.c", f"-DMUTEX -DN={n}", count, 0) for n, count in ((2, 2), (3, 6))),
    *(Case("posix.c", f"-DSPIN -DN={n}", count, 0) for n, count in ((2, 2), (3, 6))),
    *(Case("posix.c", f"-DTRYLOCK -DN={n}", count, 0) for n, count in ((2, 4), (3, 21))),
    *(
        Case("posix.c", f"-D{what} -DN={n}", None, None)
        for what in ("RWLOCK", "ONCE", "SEMAPHORE", "TRY_SEMAPHORE", "TRY_RWLOCK", "TIMED")
        for n in (2, 3)
    ),
    *(Case("posix.c", f"-DBARRIER -DN={n}", 1, 0) for n in (2, 3)),  # nobody can tell who came first
    *(Case("posix.c", f"-DCONDITION -DN={n}", count, blocked) for n, count, blocked in ((2, 2, 0), (3, 10, 2))),
    Case("c11_threads.c", "", 8, 1),
    Case("posix.c", "-DCONDITION -DN=3 -DSIGNAL_ONE", None, None, "deadlock"),
    # Store buffering without the outcome that the fences forbid; the one that is blocked sleeps before it is woken.
    Case("futex.c", "", 5, 2),
    Case("futex.c", "-DEVENTFD", 3, 1),
    Case("futex.c", "-DTIMED", 6, 1),
]

SHAPES = [
    Case("shapes.c", "-DASSUME", 1, 1),
    Case("shapes.c", "-DWEAK_CAS", 4, 0),
    Case("shapes.c", "-DFENCES", 3, 0),
    Case("shapes.c", "-DASYMMETRIC", 3, 0),
    Case("shapes.c", "-DINIT_LATER", 3, 0),
    Case("shapes.c", "-DFENCE_OF_ALL", 3, 0),
    Case("shapes.c", "-DMUTEX_RECURSIVE", 2, 0),
    *(
        Case("shapes.c", f"-D{name}", 2, 0)
        for name in (
            *(
                "MAIN_RETURNS",
                "MAIN_EXITS",
                "THREAD_EXITS",
                "THREAD_LOCAL",
                "NESTED",
                "RECURSION",
                "STRUCTS",
                "POINTERS",
            ),
            *("INITIALISERS", "VOLATILE", "WIDTHS", "ON_STACK", "PRINTS", "DETACHED"),
            *("ATOMIC_THREAD_LOCAL", "ATTRIBUTES"),
        )
    ),
    Case("part_one.c part_two.c", "", 2, 0),
    # Threads that are created only where a certain value is read.
    *(Case("creation.c", f"-DWHEN={condition}", 6, 0) for condition in (">=0", "==0", "==1", "==3")),
    *(Case("heap.c", f"-D{name}", 1, 0) for name in ("CALLOC", "COPIED_UNINITIALIZED", "ATOMICS")),
    *(Case("spins.c", f"-D{name}", 1, 1) for name in ("WHILE", "FOR_BREAK", "FENCE_AFTER", "CAS", "CALLS", "TRYLOCK")),
    Case("spins.c", "-DDO_TWO", 1, 2),
    *(Case("spins.c", f"-D{name}", 4, 0) for name in ("COUNTED", "BACKOFF", "COUNTED_IN_MEMORY")),
]

FAULTS = [
    *(
        Case("faulty.c", f"-DRACE_{name}", None, None, "data-race")
        for name in ("WRITES", "READ", "ATOMIC", "BEFORE_FIRST_EVENT", "AFTER_LAST_EVENT", "MEMSET", "BYTES")
    ),
    *(
        Case("faulty.c", f"-D{name}", None, None, "use-after-free")
        for name in ("USE_AFTER_FREE", "USED_BEFORE_FREE", "FREE_WHILE_ATOMIC")
    ),
    Case("faulty.c", "-DDOUBLE_FREE", None, None, "double-free"),
    Case("faulty.c", "-DCLOSED_DESCRIPTOR", None, None, "closed-descriptor"),
    Case("faulty.c", "-DCLOSED_AFTER_USE", None, None),
    *(
        Case("faulty.c", f"-D{name}", None, None, "deadlock")
        for name in ("AB_BA", "MISSING_UNLOCK", "LOST_WAKEUP", "ENDLESS_SPIN")
    ),
    Case("spins.c", "-DWHILE -DALONE", 0, 1, "deadlock"),
    *(Case("futex.c", f"-DFENCE=memory_order_acq_rel {what}", None, None, "deadlock") for what in ("", "-DEVENTFD")),
    Case("faulty.c", "-DNULL_POINTER", None, None, "invalid-access"),
    Case("faulty.c", "-DABORT", None, None, "abort"),
    Case("faulty.c", "-DASSERTION", None, None, "assertion"),
    Case("faulty.c", "-DDIVISION", None, None, "crash"),
    Case("faulty.c", "-DSTACK_OF_ENDED", None, None, "use-after-return"),
    Case("creation.c", "-DWHEN===3 -DFAULT", None, None, "assertion"),
    Case("heap.c", "-DLEAK", None, None, "leak"),
    Case("heap.c", "-DLEAK_SETUP", None, None, "leak"),
    Case("heap.c", "-DUNINITIALIZED", None, None, "uninitialized-read"),
    Case("heap.c", "-DUNINITIALIZED_ATOMIC", None, None, "uninitialized-read"),
    Case("heap.c", "-DOUT_OF_BOUNDS", None, None, "out-of-bounds"),
    Case("heap.c", "-DBEFORE_BLOCK", None, None, "out-of-bounds"),
    Case("heap.c", "-DMEMCPY_TOO_LONG", None, None, "out-of-bounds"),
    Case("heap.c", "-DINVALID_FREE", None, None, "invalid-free"),
    Case("heap.c", "-DFREE_TWICE", None, None, "double-free"),
    Case("heap.c", "-DREALLOC_OLD", None, None, "use-after-free"),
]

# With what is explored unless the user says otherwise: a weak compare-exchange fails once a loop for no reason. If the
# loop then tries again, the execution is blocked, since what follows is explored without the failure.
USUAL = [
    Case("lastzero.c", "-DN=10", 3328, 0),
    Case("many.c", "-DCASW -DN=2", 6, 0),
    Case("treiber.c", "", 28, 69),
    Case("locks.c", "-DN=2", 4, 11),
    Case("posix.c", "-DCONDITION -DN=2", 2, 0),
    Case("futex.c", "", 5, 2),
    Case("shapes.c", "-DWEAK_CAS", 4, 7),
    Case("spins.c", "-DCAS", 1, 2),
    Case("spins.c", "-DFAILED_FOR_NO_REASON -DALONE", 1, 1),
    Case("faulty.c", "-DLOST_WAKEUP", None, None, "deadlock"),
]

REFUSED = [
    ("-DMIXED -DTHREADS=2", "mixed-size atomic accesses: 4 and 8 bytes"),
    ("-DMIXED_INSIDE -DTHREADS=2", "overlap"),
    ("-DWIDE_128 -DTHREADS=2", "atomic access of more than 8 bytes"),
    ("-DWIDE_192 -DTHREADS=2", "atomic access of more than 8 bytes"),
    ("-DRUNS -DTHREADS=2", "the program did not repeat itself"),
    ("-DSYNTAX -DTHREADS=2", "refused.c:"),
    ("-DLARGE_STACK -DTHREADS=2", "a stack of 67108864 bytes"),
    ("-DSYSTEM_CALL -DTHREADS=2", "the program makes system call"),
    ("-DBLOCKING_EVENTFD -DTHREADS=2", "an eventfd that blocks"),
    ("-DPOLL_IN_TIME -DTHREADS=2", "poll() is followed for one eventfd"),
    ("-DTHREADS=600", "more than 511 threads besides main"),
]


def explore(file: str, *options: str, compiler: str = "gcc", flags: Sequence[str] = ()) -> tuple[int, dict[str, Any]]:
    """Run the command and return its exit status and the object that it printed."""
    files = [str(PROGRAMS / name) for name in file.split()]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(["explore", *files, "--json", "--compiler", compiler, *options, "--", *flags])
    found: dict[str, Any] = json.loads(output.getvalue())
    return status, found


def need(compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")


def check(case: Case, status: int, found: dict[str, Any], compiler: str = "gcc") -> None:
    kinds = [error["kind"] for error in found["errors"]]
    assert kinds == ([case.error] if case.error else []), found["errors"]
    assert status == (1 if case.error else 0)
    assert found["ok"] is not bool(case.error)
    assert found["exhaustive"] is not bool(case.error)
    assert found["distinct"] == found["executions"]
    assert found["redundant"] == 0
    executions, blocked = case.clang if case.clang and compiler == "clang" else (case.executions, case.blocked)
    if executions is not None:
        assert found["executions"] == executions
    if blocked is not None:
        assert found["blocked"] == blocked
    if case.error:
        assert found["errors"][0]["file"].endswith(case.file)
        assert found["errors"][0]["line"] > 1


@pytest.mark.clause("EXPLORE-1", "EXPLORE-2", "EXPLORE-3", "EXPLORE-4", "EXPLORE-18")
@pytest.mark.parametrize("compiler", ["gcc", pytest.param("clang", marks=pytest.mark.share(4))])
@pytest.mark.parametrize("case", [*FAMILIES, *ALGORITHMS, *LIBRARY, *SHAPES, *FAULTS], ids=lambda case: case.name)
def test_program(case: Case, compiler: str) -> None:
    need(compiler)
    status, found = explore(case.file, "--no-spurious", "--timeout", "120", compiler=compiler, flags=case.flags.split())
    check(case, status, found, compiler)


@pytest.mark.clause("EXPLORE-1", "EXPLORE-2")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("case", USUAL, ids=lambda case: case.name)
def test_program_with_the_usual_options(case: Case, compiler: str) -> None:
    need(compiler)
    status, found = explore(case.file, "--timeout", "120", compiler=compiler, flags=case.flags.split())
    check(case, status, found, compiler)


@pytest.mark.parametrize("level", ["-O0", "-O2", "-O3"])
@pytest.mark.parametrize(
    "case",
    [case for case in [*FAMILIES, *SHAPES] if case.executions is not None and "DO_TWO" not in case.flags][::3],
    ids=lambda case: case.name,
)
def test_optimisation_changes_no_count(case: Case, level: str) -> None:
    need("gcc")
    check(case, *explore(case.file, "--no-spurious", flags=[level, *case.flags.split()]))


@pytest.mark.clause("EXPLORE-4")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_loops_that_wait_are_found_without_optimisation_too(compiler: str) -> None:
    """Where a compiler keeps a value that is used no more, a loop may be gone round once more; it ends all the same."""
    need(compiler)
    for flags in ("-DTICKET -DN=3", "-DFLAG -DN=3", "-DN=3"):
        status, found = explore("locks.c", "--timeout", "60", compiler=compiler, flags=["-O0", *flags.split()])
        assert (status, found["exhaustive"], found["redundant"]) == (0, True, 0)


@pytest.mark.clause("EXPLORE-5")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("flags", "words"), REFUSED)
def test_what_cannot_be_explored_is_refused(flags: str, words: str, compiler: str) -> None:
    need(compiler)
    status, found = explore("refused.c", compiler=compiler, flags=flags.split())
    assert status == 2
    assert words in found["cannot_run"]
    assert found["errors"] == []


@pytest.mark.clause("EXPLORE-12")
def test_as_many_threads_as_there_may_be() -> None:
    need("gcc")
    status, found = explore("refused.c", "--bound", "10", flags=["-DTHREADS=15"])
    assert (status, found["executions"], found["exhaustive"]) == (3, 10, False)
    assert "bound" in found["covered"]


@pytest.mark.clause("EXPLORE-3")
@pytest.mark.slow
def test_a_program_that_computes_for_ever() -> None:
    need("gcc")
    status, found = explore("faulty.c", flags=["-DHANG"])
    assert (status, [error["kind"] for error in found["errors"]]) == (1, ["no-progress"])


# --- not exhaustive


@pytest.mark.clause("EXPLORE-7")
def test_a_bound() -> None:
    need("gcc")
    status, found = explore("lastzero.c", "--bound", "100", flags=["-DN=10"])
    assert (status, found["executions"], found["exhaustive"], found["ok"]) == (3, 100, False, True)
    assert "100" in found["covered"]


@pytest.mark.clause("EXPLORE-7")
def test_a_timeout() -> None:
    need("gcc")
    status, found = explore("fib_bench.c", "--timeout", "1.5", flags=["-DN=8", "-DLESS="])
    assert (status, found["exhaustive"], found["ok"]) == (3, False, True)
    assert "time" in found["covered"]
    assert found["executions"] > 0


def test_random_executions_are_those_of_the_seed() -> None:
    need("gcc")
    words = ("--random", "300")
    for more in ((), ("--pct", "3")):
        status, first = explore("many.c", *words, *more, "--seed", "5", flags=["-DCASW", "-DN=4"])
        again = explore("many.c", *words, *more, "--seed", "5", flags=["-DCASW", "-DN=4"])[1]
        other = explore("many.c", *words, *more, "--seed", "6", flags=["-DCASW", "-DN=4"])[1]
        assert (status, first["executions"], first["exhaustive"], first["seed"]) == (3, 300, False, 5)
        assert first["distinct"] == again["distinct"]
        assert 1 < first["distinct"] <= 300
        assert other["distinct"] > 1


def test_random_executions_find_an_error() -> None:
    need("gcc")
    for more in ((), ("--pct", "2")):
        words = ("--random", "2000", "--seed", "1", *more)
        status, found = explore("litmus.c", *words, flags=["-DMP"])
        assert status == 1
        assert found["errors"][0]["kind"] == "assertion"
        status, again = explore("litmus.c", "--replay", found["errors"][0]["replay"], flags=["-DMP"])
        assert (status, again["errors"][0]["kind"]) == (1, "assertion")


def test_going_on_after_an_error() -> None:
    need("gcc")
    status, found = explore("litmus.c", "--keep-going", flags=["-DIRIW"])
    assert (status, found["exhaustive"]) == (1, True)
    assert found["executions"] == 16
    status, found = explore("exclusion.c", "--keep-going", flags=RELEASE_ACQUIRE.split())
    assert status == 1
    assert len(found["errors"]) > 1


# --- several processes


def test_workers_count_the_same() -> None:
    need("gcc")
    cases = [Case("lastzero.c", "-DN=10", 3328, 0), Case("many.c", "-DCASROT -DN=9", 8597, 0)]
    for case in (*cases, Case("creation.c", "-DWHEN===1", 6, 0)):
        check(case, *explore(case.file, "--workers", "2", flags=case.flags.split()))
    status, found = explore("litmus.c", "--workers", "2", flags=["-DWRC"])
    assert (status, found["errors"][0]["kind"]) == (1, "assertion")


def test_a_dask_cluster_counts_the_same() -> None:
    need("gcc")
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("distributed is not installed: pip install distributed")
    distributed: Any = importlib.import_module("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        case = Case("lastzero.c", "-DN=10", 3328, 0)
        check(case, *explore(case.file, "--dask", cluster.scheduler_address, flags=case.flags.split()))


# --- replay


@pytest.mark.clause("EXPLORE-6")
@pytest.mark.parametrize("case", [case for case in [*FAULTS, *ALGORITHMS] if case.error], ids=lambda case: case.name)
def test_an_error_is_replayed(case: Case) -> None:
    need("gcc")
    flags = case.flags.split()
    error = explore(case.file, flags=flags)[1]["errors"][0]
    for _ in range(2):
        status, again = explore(case.file, "--replay", error["replay"] or ";", flags=flags)
        assert status == 1
        assert again["errors"][0] == error


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "0C;0C;1",
        "0C;0C;1S@i;1S@2",
        "0C;0C;9L<i",
        "0C;0C;1S@7",
        "1S@i;1S@0;2L<9999",
        ";;;",
        "0C;0C;1W@i",
        "0C1;0C1",
        "0C;0C99",
    ],
)
def test_a_replay_string_that_does_not_fit(text: str) -> None:
    need("gcc")
    status, found = explore("litmus.c", "--replay", text, flags=["-DMP"])
    assert status == 2
    assert "replay" in found["cannot_run"] or "repeat" in found["cannot_run"]


def test_a_page(tmp_path: Path) -> None:
    need("gcc")
    for flags in (["-DMP"], ["-DMP", "-DW=rel", "-DR=acq"]):
        page = tmp_path / "page.html"
        explore("litmus.c", "--html", str(page), flags=flags)
        text = page.read_text(encoding="utf-8")
        assert 1000 < len(text.encode()) < 200_000
        assert "litmus.c" in text
