"""How programs are compiled: what compilers remove is told, weak compare-exchanges are told apart, the engine grows."""

import contextlib
import io
import json
import platform
import shutil
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import cli
from rusted_ring.verify.explorer import externals, linking, removed_accesses
from rusted_ring.verify.explorer.engine_library import Size
from rusted_ring.verify.explorer.engine_sources import engine_sources
from rusted_ring.verify.explorer.instrumenting import compile_instrumented
from rusted_ring.verify.explorer.removed_accesses import Place
from rusted_ring.verify.explorer.toolchain import find_compiler

COMPILERS = ("gcc", "clang")
PROGRAMS = Path(__file__).parent / "programs"

pytestmark = [
    pytest.mark.desk(2),
    pytest.mark.skipif(shutil.which("objcopy") is None, reason="objcopy is not installed: install binutils"),
]
on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="compares assembly of x86-64")


def need(compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")


def explore(source: Path, compiler: str, *words: str, flags: Sequence[str] = ()) -> tuple[int, dict[str, Any]]:
    need(compiler)
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(["explore", str(source), "--json", "--compiler", compiler, *words, "--", *flags])
    found: dict[str, Any] = json.loads(output.getvalue())
    return status, found


# --- what is removed

# Each line that loses an access says so, with the compilers that remove it.
CHANGED = """
#include <pthread.h>
#include <stdatomic.h>
struct node { int value; struct node *next; } *head;
int shared, other, array[8];
static _Atomic int flag;
static _Thread_local int own;
int unused(void)
{
    int seen = shared; // lost
    return seen & 0;
}
void merged(void)
{
    int one = shared;
    int two = shared;
    other = one + two;
}
void stored_twice(void)
{
    shared = 1;
    shared = 2;
}
void written_for_read(void)
{
    int seen = shared;
    (void)seen;
    shared = 3;
}
void parted(void)
{
    int seen = shared; // lost
    (void)seen;
    atomic_store(&flag, 1);
    other = shared;
}
void parted_by_a_fence(void)
{
    int seen = shared; // lost
    (void)seen;
    atomic_thread_fence(memory_order_acquire);
    other = shared;
}
void on_one_way_only(int way)
{
    int seen = shared; // lost by clang
    (void)seen;
    if (way) { other = shared; }
}
void on_both_ways(int way)
{
    int seen = shared;
    (void)seen;
    if (way) { other = shared; } else { other = shared + 1; }
}
int hoisted(void)
{
    int sum = 0;
    for (int i = 0; i < 10; ++i) { sum += shared; }
    return sum;
}
int after_a_loop(void)
{
    while (shared == 0) { atomic_store(&flag, 1); }
    int seen = shared;
    return seen;
}
int through_pointers(void)
{
    int a = head->value;
    int b = head->value;
    int c = head->next->value;
    int d = head->next->value;
    return a + b + c + d;
}
int walked(struct node *node)
{
    int sum = 0;
    while (node) { sum += node->value; node = node->next; }
    return sum;
}
void a_field_stored_twice(struct node *node)
{
    node->value = 1;
    node->value = 2;
}
void a_field_unread(struct node *node)
{
    int seen = node->value; // lost
    (void)seen;
    node->next = 0;
}
int elements(int i, int *all)
{
    int a = array[i];
    int b = array[i];
    int c = all[i];
    int d = all[i];
    return a + b + c + d;
}
void thread_local_too(void)
{
    ++own;
    other = own;
}
int get(void) { return shared; }
void called_for_nothing(void)
{
    get(); // lost by clang
}
void itself(void)
{
    shared = shared; // lost
}
static void *lend(void *given) { *(int *)given = 1; return given; }
int lent(void)
{
    pthread_t thread;
    int mine = 0;
    pthread_create(&thread, 0, lend, &mine);
    int seen = mine; // lost
    (void)seen;
    pthread_join(thread, 0);
    return 0;
}
int main(void) { return lent(); }
"""


def lines_of(text: str, compiler: str) -> list[int]:
    marks = ("// lost\n", f"// lost by {compiler}\n")
    return [number for number, line in enumerate(text.splitlines(keepends=True), 1) if line.endswith(marks)]


@on_x86
@pytest.mark.clause("EXPLORE-7", "EXPLORE-10")
@pytest.mark.parametrize("level", ["-O1", "-O2", "-O3", "-Os"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_optimisation_removes_is_told_and_nothing_else(compiler: str, level: str, tmp_path: Path) -> None:
    source = tmp_path / "changed.c"
    source.write_text(CHANGED, encoding="utf-8")
    status, found = explore(source, compiler, flags=[level])
    places = ", ".join(f"changed.c:{line}" for line in lines_of(CHANGED, compiler))
    assert status == 3, found
    assert found["covered"] == f"not exhaustive for data races: the compiler removed accesses at {places}"
    assert not found["exhaustive"]


@pytest.mark.clause("EXPLORE-2", "EXPLORE-10")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("flags", [[], ["-O0"], ["-DX", "-Wall", "-g"], ["-O2", "-O0"]], ids=" ".join)
def test_without_optimisation_nothing_is_removed(compiler: str, flags: list[str], tmp_path: Path) -> None:
    source = tmp_path / "unused.c"
    source.write_text(
        """
#include <pthread.h>
static int shared;
static void *run(void *u) { shared = 1; return u; }
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, run, 0);
    int seen = shared;
    (void)seen;
    pthread_join(t, 0);
    return 0;
}
""",
        encoding="utf-8",
    )
    status, found = explore(source, compiler, flags=flags)
    assert (status, [error["kind"] for error in found["errors"]]) == (1, ["data-race"])
    assert "unused.c:9" in found["errors"][0]["message"]
    if platform.machine() == "x86_64":
        status, found = explore(source, compiler, flags=["-O2"])
        assert (status, found["errors"]) == (3, [])
        assert found["covered"].startswith("not exhaustive for data races: the compiler removed accesses at ")
        assert "unused.c:9" in found["covered"]


@on_x86
@pytest.mark.clause("EXPLORE-10")
@pytest.mark.parametrize("level", ["-O1", "-O2", "-O3"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_programs_that_use_what_they_read_lose_nothing(compiler: str, level: str, tmp_path: Path) -> None:
    need(compiler)
    header = ["-include", str(engine_sources() / "weak.h")]
    command = [*find_compiler(compiler), "-O0", "-w", "-g", "-fno-pie", "-fsanitize=thread", "-fno-builtin", *header]
    for name, flags in (
        ("lastzero", ["-DN=4"]),
        ("indexer", ["-DN=12"]),
        ("treiber", []),
        ("ms_queue", []),
        ("c11_threads", []),
    ):
        units = []
        for more in ([], [level, "-fno-inline"]):
            output = tmp_path / "x.s"
            source = str(PROGRAMS / f"{name}.c")
            subprocess.run([*command, *flags, *more, "-S", source, "-o", str(output)], check=True)
            units.append(removed_accesses.read_unit(output.read_text(encoding="utf-8")))
        assert len(units[0].accesses) > 1
        assert removed_accesses.removed(*units) == [], name


def test_one_access_cannot_stand_for_two() -> None:
    text = """
\t.type f, @function
\t.file 1 "a.c"
f:
\t.loc 1 3 1
{}"""
    call = "\tmovl ${}, %edi\n\tcall __tsan_read4\n"
    plain = removed_accesses.read_unit(text.format(call.format("one") + call.format("two")))
    assert removed_accesses.removed(plain, removed_accesses.read_unit(text.format(call.format("one")))) == [
        Place("a.c", 3)
    ]
    unnamed = "\tmovq %rbx, %rdi\n\tcall __tsan_read4\n"
    assert removed_accesses.removed(plain, removed_accesses.read_unit(text.format(unnamed))) == [Place("a.c", 3)]
    assert removed_accesses.removed(plain, removed_accesses.read_unit(text.format(unnamed * 2))) == []
    assert removed_accesses.removed(plain, plain) == []


FRONT_END = """
#include <pthread.h>
#include <stdatomic.h>
struct big { long a[8]; };
struct big large, *pointer = &large;
int shared, array[4];
volatile int loud;
static _Atomic(int *) atomic = &array[1];
struct pair { int a, b; } one, *other = &one;
static struct big make(int x) { struct big b = {{x}}; return b; }
static int number(void) { return 3; }
static void *run(void *given)
{
    int i = 1, local = 3;
    shared; // lost by gcc
    (void)shared; // lost by gcc
    other->b; // lost by gcc
    (void)array[i]; // lost by gcc
    *other; // lost by gcc
    shared == 3;
    loud;
    (void)loud;
    (void)*(volatile int *)&shared;
    i += *atomic_load(&atomic);
    local;
    (void)local;
    (void)i;
    (void)given;
    shared = number();
    one.b = shared;
    struct big kept = make(3);
    i += (int)kept.a[1];
    return 0;
}
static void *write(void *given)
{
    large = make(4); // not written by gcc
    *pointer = make(5); // not written by gcc
    return given;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, run, 0);
    pthread_join(t, 0);
    pthread_create(&t, 0, write, 0);
    pthread_join(t, 0);
    return 0;
}
"""


@on_x86
@pytest.mark.clause("EXPLORE-7", "EXPLORE-10")
def test_what_gccs_front_end_removes_is_told(tmp_path: Path) -> None:
    source = tmp_path / "front.c"
    source.write_text(FRONT_END, encoding="utf-8")
    status, found = explore(source, "gcc")
    reads = ", ".join(f"front.c:{line}" for line in lines_of(FRONT_END, "gcc"))
    writes = ", ".join(
        f"front.c:{number}"
        for number, line in enumerate(FRONT_END.splitlines(), 1)
        if line.endswith("// not written by gcc")
    )
    assert status == 3
    assert found["covered"] == (
        f"not exhaustive for data races: the compiler removed reads at {reads}; "
        f"the compiler did not instrument writes at {writes}"
    )
    status, found = explore(source, "clang")
    assert (status, found["exhaustive"]) == (0, True)


# --- levels


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_users_level_wins(compiler: str, tmp_path: Path) -> None:
    source = tmp_path / "level.c"
    source.write_text(
        "#include <assert.h>\nint main(void) {\n#ifdef __OPTIMIZE__\nassert(0);\n#endif\nreturn 0; }\n",
        encoding="utf-8",
    )
    assert explore(source, compiler)[0] == 0
    assert explore(source, compiler, flags=["-O2"])[0] == 1
    assert explore(source, compiler, flags=["-O2", "-O0"])[0] == 0


# --- weak compare-exchanges

WEAK = r"""
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
static int called;
static const volatile void *told;
#define RUNTIME(bits, type) \
    int __tsan_atomic##bits##_compare_exchange_weak(volatile void *object, void *expected, type desired, int s, int f) \
    {                                                                                                            \
        (void)s;                                                                                                 \
        (void)f;                                                                                                 \
        ++called;                                                                                                \
        told = object;                                                                                           \
        if (*(volatile type *)object == *(type *)expected) {                                                     \
            *(volatile type *)object = desired;                                                                  \
            return 1;                                                                                            \
        }                                                                                                        \
        *(type *)expected = *(volatile type *)object;                                                            \
        return 0;                                                                                                \
    }
RUNTIME(8, unsigned char)
RUNTIME(16, unsigned short)
RUNTIME(32, unsigned)
RUNTIME(64, unsigned long long)
RUNTIME(128, unsigned long long)
static _Atomic int value;
static _Atomic(char *) pointer;
static int plain, expected, evaluated;
static _Atomic int *object(void) { ++evaluated; return &value; }
static int *old(void) { evaluated += 10; return &expected; }
static int new(void) { evaluated += 100; return 7; }
#define CHECK(condition) do { if (!(condition)) { printf("line %d\n", __LINE__); exit(1); } } while (0)
int main(void)
{
    CHECK(atomic_compare_exchange_weak(object(), old(), new()) && value == 7);
    CHECK(called == 1 && told == &value && evaluated == 111);
    CHECK(!atomic_compare_exchange_weak_explicit(object(), old(), new(), memory_order_relaxed, memory_order_relaxed));
    CHECK(called == 2 && expected == 7 && evaluated == 222);
    CHECK(atomic_compare_exchange_strong(&value, &expected, 8) && called == 2);
    expected = 0;
    CHECK(__atomic_compare_exchange_n(&plain, &expected, 3, 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED) && plain == 3);
    CHECK(called == 3 && told == &plain);
    expected = 3;
    int desired = 4;
    CHECK(__atomic_compare_exchange_n(&plain, &expected, 5, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED) && called == 3);
    expected = 5;
    CHECK(__atomic_compare_exchange(&plain, &expected, &desired, 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED) && called == 4);
    CHECK(plain == 4);
    char *none = NULL, text[] = "a";
    CHECK(atomic_compare_exchange_weak(&pointer, &none, text) && called == 5 && pointer == text && told == &pointer);
    none = text;
    CHECK(atomic_compare_exchange_weak(&pointer, &none, 0) && pointer == NULL);
    return 0;
}
"""


@pytest.mark.clause("EXPLORE-27")
def test_the_header_tells_weak_from_strong(tmp_path: Path) -> None:
    need("clang")
    source, program = tmp_path / "weak.c", tmp_path / "weak"
    source.write_text(WEAK, encoding="utf-8")
    header = ["-include", str(engine_sources() / "weak.h")]
    command = ["clang", "-std=c11", "-fno-strict-aliasing", "-Werror", *header, str(source), "-o", str(program)]
    subprocess.run(command, check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.clause("EXPLORE-27")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_weak_compare_exchange_is_marked_in_an_object(compiler: str, tmp_path: Path) -> None:
    need(compiler)
    for kind in ("weak", "strong"):
        source, output = tmp_path / f"{kind}.c", tmp_path / f"{kind}.o"
        source.write_text(
            "#include <stdatomic.h>\n_Atomic int v;\n"
            f"int main(void) {{ int e = 0; return atomic_compare_exchange_{kind}(&v, &e, 1); }}\n",
            encoding="utf-8",
        )
        assert compile_instrumented(source, output, compiler=find_compiler(compiler)) == []
        assert ("__tsan_atomic32_compare_exchange_weak" in externals.read_symbols(output).undefined) is (kind == "weak")


# --- the engine's size


@pytest.mark.clause("EXPLORE-12")
def test_sizes() -> None:
    size: Size | None = Size()
    seen = []
    while size is not None:
        seen.append(size.threads)
        size = size.grown("threads")
    assert seen == [16, 32, 128, 512]
    assert Size().flags == []
    larger = Size().grown("events")
    assert larger is not None
    assert larger.flags == ["-DEXPLORER_CLOCK=int32_t"]
    assert larger.grown("events") is None
    both = larger.grown("threads")
    assert both is not None
    assert both.flags == ["-DEXPLORER_THREADS=32", "-DEXPLORER_CLOCK=int32_t"]


@pytest.mark.clause("EXPLORE-12")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.slow
def test_the_engine_grows_with_the_threads(workers: int) -> None:
    words = ["--bound", "10", "--workers", str(workers)]
    status, found = explore(PROGRAMS / "refused.c", "gcc", *words, flags=["-DTHREADS=40"])
    assert (status, found["exhaustive"]) == (3, False), found
    assert found["executions"] >= 10
    said = explore(PROGRAMS / "refused.c", "gcc", *words, flags=["-DTHREADS=600"])[1]["cannot_run"]
    assert said.startswith("refused: ")
    assert "511 threads" in said


# --- standards

SEQUENCE = """
#include <pthread.h>
#include <stdatomic.h>
static int data;
static _Atomic int flag;
static void *give(void *u)
{
    data = 1;
    atomic_store_explicit(&flag, 1, memory_order_release);
    atomic_store_explicit(&flag, 2, memory_order_relaxed);
    return u;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, give, 0);
    int seen = 0;
    if (atomic_load_explicit(&flag, memory_order_acquire) == FLAG) { seen = data; }
    pthread_join(t, 0);
    return seen & 0;
}
"""


@pytest.mark.clause("EXPLORE-34")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_race_that_only_the_newer_standard_has_says_so(compiler: str, tmp_path: Path) -> None:
    source = tmp_path / "sequence.c"
    source.write_text(SEQUENCE, encoding="utf-8")
    status, found = explore(source, compiler, flags=["-DFLAG=2"])
    assert (status, found["standard"], found["exhaustive"]) == (0, "c11", True)
    status, found = explore(source, compiler, "--std", "c++20", flags=["-DFLAG=2"])
    assert (status, found["standard"]) == (1, "c++20")
    assert [error["kind"] for error in found["errors"]] == ["data-race"]
    assert "by C++20's release sequences alone" in found["errors"][0]["message"]
    replayed = explore(source, compiler, "--std", "c++20", "--replay", found["errors"][0]["replay"], flags=["-DFLAG=2"])
    assert replayed[1]["errors"] == found["errors"]
    racy = SEQUENCE.replace("memory_order_release", "memory_order_relaxed")
    source.write_text(racy, encoding="utf-8")
    status, found = explore(source, compiler, "--std", "c++20", flags=["-DFLAG=2"])
    assert status == 1
    assert "C++20" not in found["errors"][0]["message"]


# --- loops that go on


@pytest.mark.clause("EXPLORE-7", "EXPLORE-33")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_bound_of_turns_is_told(compiler: str, tmp_path: Path) -> None:
    source = tmp_path / "turns.c"
    source.write_text(
        """
#include <pthread.h>
#include <stdatomic.h>
static _Atomic int flag;
static void *turn(void *u)
{
    while (atomic_fetch_add(&flag, 1) < 1000) {}
    return u;
}
int main(void) { pthread_t t; pthread_create(&t, 0, turn, 0); pthread_join(t, 0); return 0; }
""",
        encoding="utf-8",
    )
    status, found = explore(source, compiler, "--unroll", "3")
    assert (status, found["exhaustive"]) == (3, False), found
    assert found["bounded"] > 0
    assert "bounded: every loop was followed for 3 turns; " in found["covered"]
    assert "%" not in found["covered"]


@pytest.mark.parametrize("flags", [[], ["-flto"]], ids=["plain", "link-time-optimisation"])
def test_symbols_are_those_that_a_file_has_now(tmp_path: Path, flags: list[str]) -> None:
    source, output = tmp_path / "part.c", tmp_path / "part.o"
    for name in ("one", "two"):
        source.write_text(f"int {name}(void) {{ return 1; }}\n", encoding="utf-8")
        subprocess.run(["gcc", *flags, "-c", str(source), "-o", str(output)], check=True)
        assert externals.read_symbols(output).defined == {name: "T"}
    assert externals.read_symbols(tmp_path / "none.o").defined == {}


@pytest.mark.slow
def test_a_program_can_be_run_though_other_threads_start_processes(tmp_path: Path) -> None:
    """Eleven of 300 could not when this process wrote the program itself."""
    program = tmp_path / "program"
    over = threading.Event()

    def start() -> None:
        while not over.is_set():
            subprocess.run(["true"], check=True)

    others = [threading.Thread(target=start) for _ in range(4)]
    for other in others:
        other.start()
    try:
        for _ in range(300):
            subprocess.run(["cp", "/bin/true", str(program)], check=True)
            linking._take_constructors(program)
            subprocess.run([str(program)], check=True)
    finally:
        over.set()
        for other in others:
            other.join()
