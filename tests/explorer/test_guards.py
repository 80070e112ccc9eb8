"""What the explorer could not see of a program is refused by name and line, and ordinary programs are not."""

import contextlib
import io
import json
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import cli
from rusted_ring.verify.explorer import externals, guards
from rusted_ring.verify.explorer.engine import engine_sources
from rusted_ring.verify.explorer.toolchain import CannotBuild

COMPILERS = ("gcc", "clang")

HEAD = """
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
static int shared;
static void f(void);
static void *run(void *u) { f(); return u; }
int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); f(); pthread_join(t, 0); return 0; }
"""
LINE = HEAD.count("\n") + 1

pytestmark = [
    pytest.mark.desk(2),
    pytest.mark.skipif(shutil.which("objcopy") is None, reason="objcopy is not installed: install binutils"),
    pytest.mark.clause("EXPLORE-11"),
]
on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="instructions of x86-64")


def explore(source: Path, compiler: str, flags: Sequence[str] = ()) -> tuple[int, dict[str, Any]]:
    if shutil.which(compiler.split()[0]) is None:
        pytest.skip(f"{compiler} is not installed")
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(["explore", str(source), "--json", "--compiler", compiler, "--", *flags])
    found: dict[str, Any] = json.loads(output.getvalue())
    return status, found


def refusal(text: str, folder: Path, compiler: str, flags: Sequence[str] = (), before: str = "") -> str:
    """Return why a program is refused, or nothing."""
    source = folder / "given.c"
    source.write_text(f"{before}{HEAD}{text}\n", encoding="utf-8")
    status, found = explore(source, compiler, flags)
    assert (status == 2) is ("cannot_run" in found)
    return str(found.get("cannot_run", ""))


ASSEMBLY = {
    "store": '__asm__ volatile("movl $1, %0" : "=m"(shared));',
    "load through a register": 'int *p = &shared, v; __asm__ volatile("mov (%1), %0" : "=r"(v) : "r"(p));',
    "locked": '__asm__ volatile("lock; incl %0" : "+m"(shared));',
    "exchange": 'int v = 1; __asm__ volatile("xchg %0, %1" : "+r"(v), "+m"(shared));',
    "barrier": '__asm__ volatile("mfence" ::: "memory");',
    "clock": 'unsigned a, d; __asm__ volatile("rdtsc" : "=a"(a), "=d"(d));',
    "system call": 'long r; __asm__ volatile("syscall" : "=a"(r) : "0"(24) : "rcx", "r11", "memory");',
    "string": 'void *p = &shared; long n = 4; __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(0) : "memory");',
    "push": '__asm__ volatile("push %%rax; pop %%rax" ::: "memory");',
    "call": '__asm__ volatile("call abort" ::: "memory");',
    "after a harmless one": '__asm__ volatile("" ::: "memory"); __asm__ volatile("incl %0" : "+m"(shared));',
}


@on_x86
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("case", ASSEMBLY)
def test_inline_assembly(case: str, compiler: str, tmp_path: Path) -> None:
    said = refusal(f"static void f(void) {{ {ASSEMBLY[case]} }}", tmp_path, compiler)
    assert said.startswith(f"refused: inline assembly at given.c:{LINE} (")
    assert said.endswith("), which the explorer does not follow")


@on_x86
@pytest.mark.parametrize("compiler", COMPILERS)
def test_inline_assembly_has_its_own_line(compiler: str, tmp_path: Path) -> None:
    text = 'static void f(void)\n{\n    int v = 0;\n    __asm__ volatile("incl %0" : "+m"(v));\n}'
    assert f"inline assembly at given.c:{LINE + 3} (" in refusal(text, tmp_path, compiler)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("keyword", ["__asm__", "asm", "__asm"])
def test_assembly_at_file_scope(keyword: str, compiler: str, tmp_path: Path) -> None:
    text = f'{keyword}(".globl hidden; hidden: ret"); void hidden(void); static void f(void) {{ hidden(); }}'
    said = refusal(text, tmp_path, compiler)
    assert said == f"refused: assembly at file scope at given.c:{LINE}, which the explorer does not follow"


INSTRUCTIONS = {
    "barrier": ("mfence", "__builtin_ia32_mfence();"),
    "clock": ("rdtsc", "shared = (int)__builtin_ia32_rdtsc();"),
    "beside the cache": ("movnti", "_mm_stream_si32(&shared, 3);"),
    "cache line": ("clflush", "_mm_clflush(&shared);"),
}


@on_x86
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("case", INSTRUCTIONS)
def test_intrinsics(case: str, compiler: str, level: str, tmp_path: Path) -> None:
    instruction, body = INSTRUCTIONS[case]
    text = f"__attribute__((noinline)) static void f(void) {{ {body} }}"
    said = refusal(text, tmp_path, compiler, [level], before="#include <immintrin.h>")
    if (case, compiler) == ("beside the cache", "clang") and not said:
        return  # a store like others, which is instrumented
    assert said == f"refused: the instruction {instruction} in f() at given.c:{LINE}, which is not instrumented"


@on_x86
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_masked_store(compiler: str, tmp_path: Path) -> None:
    body = "static int m[8]; _mm256_maskstore_epi32(m, _mm256_set1_epi32(-1), _mm256_set1_epi32(2));"
    text = f'__attribute__((target("avx2"))) static void f(void) {{ {body} }}'
    assert "the instruction vpmaskmovd in f()" in refusal(text, tmp_path, compiler, before="#include <immintrin.h>")


ATTRIBUTES = {
    "gcc's": '__attribute__((no_sanitize("thread"))) static void f(void) { ++shared; }',
    "its alias": "__attribute__((noinline, __no_sanitize_thread__)) static void f(void) { ++shared; }",
    "standard syntax": "[[gnu::no_sanitize_thread]] static void f(void) { ++shared; }",
    "over lines": '__attribute__((noinline,\n no_sanitize(\n"thread"))) static void f(void) { ++shared; }',
    "by a macro": "#define QUIET __attribute__((no_sanitize_thread))\nQUIET static void f(void) { ++shared; }",
    "naked": "__attribute__((naked)) static void f(void) { }",
    "pragma": (
        '#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)\n'
        "static void f(void) { ++shared; }\n#pragma clang attribute pop"
    ),
}


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("case", ATTRIBUTES)
def test_attributes(case: str, compiler: str, tmp_path: Path) -> None:
    said = refusal(ATTRIBUTES[case], tmp_path, compiler)
    assert said.startswith("refused: the attribute ")
    assert f" at given.c:{LINE + (case == 'by a macro')}, " in said


def test_attributes_that_change_nothing() -> None:
    for text in (
        "int naked, no_sanitize_thread(int naked);",
        '__attribute__((no_sanitize("address", "undefined"))) void f(void);',
        "__attribute__((noinline)) int f(int no_sanitize) { return naked; }",
        'extern int g(void) __asm__("renamed"); int x; static int h(void) { __asm__("" ::: "memory"); }',
        "[[gnu::cold]] int f(int naked);",
        'char *text = "} asm("; int y;',
        '# 1 "/usr/include/x.h" 1 3\n__attribute__((no_sanitize_thread)) void f(void);\n# 2 "a.c" 2\nint z;',
    ):
        assert guards.check_source(f'# 1 "a.c"\n{text}\n') == []


@pytest.mark.clause("EXPLORE-10")
def test_a_level_of_its_own_is_told() -> None:
    text = '# 1 "a.c"\nint x;\n__attribute__((optimize("O2"))) void f(void);\n#pragma GCC optimize ("O3")\n'
    assert guards.check_source(text) == ["a.c:2", "a.c:3"]


FLAGS = [
    *(["-fno-sanitize=thread"], ["-fsanitize=address"], ["-mllvm", "-tsan-instrument-atomics=0"], ["-flto"]),
    *(["-Xclang", "-disable-llvm-passes"], ["-fsanitize-ignorelist=x"], ["--param", "tsan-distinguish-volatile=1"]),
    *(["-fplugin=x.so"], ["-E"], ["-S"], ["-o", "x"], ["-x", "c++"], ["@file"], ["-Wa,--defsym,a=1"]),
]


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_flags(flags: list[str], tmp_path: Path) -> None:
    said = refusal("static void f(void) { }", tmp_path, "gcc", flags)
    assert said.startswith("refused: the flag ")
    assert flags[-1] in said or flags[0] in said


def test_flags_of_the_compilers_command(tmp_path: Path) -> None:
    source = tmp_path / "given.c"
    source.write_text(HEAD + "static void f(void) { }\n", encoding="utf-8")
    said = explore(source, "clang -Xclang -disable-llvm-passes" if shutil.which("clang") else "gcc -flto")[1][
        "cannot_run"
    ]
    assert said.startswith("refused: the flag ")


def test_flags_that_change_nothing() -> None:
    guards.check_flags(["-DX=-S", "-D", "-fno-sanitize=thread", "-I", "@x", "-include", "-E", "-MMD", "-MP", "-Wp,-DX"])
    guards.check_flags(["-Wall", "-O2", "-march=native", "-std=gnu11", "-pthread", "-fno-strict-aliasing", "-c"])


def test_flags_for_dependencies_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "given.c"
    source.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert explore(source, "gcc", ["-MD", "-MF", "given.d", "-MP", "-c"])[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["given.c"]


HARMLESS = """
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
struct big { long v[40]; } g, h;
struct bits { unsigned a : 3, b : 5; } bits;
static int shared;
static _Atomic int counted;
static _Thread_local int own;
static const int table[] = {1, 2, 3};
static inline void relax(void) { __asm__ volatile("pause"); __asm__ volatile("rep; nop" ::: "memory"); }
static inline int swapped(int x) { __asm__("bswap %0" : "+r"(x)); return x; }
static inline unsigned highest(unsigned x) { unsigned r; __asm__("bsr %1, %0" : "=r"(r) : "r"(x)); return r; }
static struct big made(int x) { struct big s = {{x}}; return s; }
static int sum(int n, ...)
{
    va_list l;
    va_start(l, n);
    int s = 0;
    while (n--) { s += va_arg(l, int); }
    va_end(l);
    return s;
}
static int letter(const char *text, int i) { return text[i]; }
static void *run(void *u)
{
    struct big local = made(3);
    memcpy(&h, &local, sizeof h);
    g = h;
    __sync_synchronize();
    atomic_thread_fence(memory_order_seq_cst);
    shared = swapped(table[shared & 1]) + sum(2, 3, 4) + letter("abc", 1);
    bits.b = 3;
    relax();
    __builtin_ia32_pause();
    __asm__ volatile("" ::: "memory");
    atomic_fetch_add(&counted, (int)highest(4));
    own = shared;
    __int128 wide = shared;
    wide = wide * wide / 3;
    return wide == sqrt(2.0) ? u : 0;
}
int main(void) { pthread_t t; pthread_create(&t, 0, run, 0); pthread_join(t, 0); return 0; }
"""


@on_x86
@pytest.mark.parametrize("flags", ["-O0", "-O1", "-O2", "-O3 -march=native", "-Os", "-std=c11 -O0"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_an_ordinary_program_is_not_refused(compiler: str, flags: str, tmp_path: Path) -> None:
    source = tmp_path / "harmless.c"
    source.write_text(HARMLESS, encoding="utf-8")
    _, found = explore(source, compiler, flags.split())
    assert "cannot_run" not in found
    assert found["errors"] == []


def test_an_object_without_instrumentation_is_refused(tmp_path: Path) -> None:
    source, file = tmp_path / "a.c", tmp_path / "a.o"
    source.write_text("int x; void f(void) { __atomic_fetch_add(&x, 1, 5); }\n", encoding="utf-8")
    subprocess.run(["cc", "-O1", "-g", "-c", str(source), "-o", str(file)], check=True)
    with pytest.raises(CannotBuild, match=r"refused: the instruction \w+ in f\(\) at a\.c:1"):
        guards.check_instructions(file, "a.c")


# --- main


@pytest.mark.clause("EXPLORE-5")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_program_has_one_main(compiler: str, tmp_path: Path) -> None:
    source = tmp_path / "none.c"
    source.write_text("int x;\n", encoding="utf-8")
    assert explore(source, compiler)[1]["cannot_run"] == "none.c has no main()"
    two = [tmp_path / name for name in ("one.c", "two.c")]
    for path in two:
        path.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        assert cli.main(["explore", *map(str, two), "--json", "--compiler", compiler]) == 2
    assert json.loads(output.getvalue())["cannot_run"] == (
        "one.c and two.c both define main(): leave one out, or choose a project's by --main FILE"
    )


@pytest.mark.parametrize("compiler", COMPILERS)
def test_names_of_the_engine_and_of_the_library_are_free(compiler: str, tmp_path: Path) -> None:
    names = ("graph", "control", "report", "explore", "index", "read", "y0", "free_list", "run_once")
    variables = "".join(f"int {name} = 1;\n" for name in names)
    source = tmp_path / "names.c"
    uses = " + ".join(names)
    source.write_text(
        f"{variables}int refuse(int x) {{ return x; }}\n"
        "#include <assert.h>\n#include <pthread.h>\nstatic void *run(void *u) { ++graph; return u; }\n"
        f"int main(void) {{ pthread_t t; pthread_create(&t, 0, run, 0); pthread_join(t, 0); "
        f"assert(refuse({uses}) == {len(names) + 1}); return 0; }}\n",
        encoding="utf-8",
    )
    status, found = explore(source, compiler)
    assert (status, found["executions"]) == (0, 1), found


# --- what it calls

CALLS = """
#include <pthread.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/mman.h>
static void *run(void *u) { return u; }
int outside(void);
int nowhere(void);
extern int outside_data;
extern char *program_invocation_name;
int main(int argc, char **argv)
{
    pthread_t t;
    pthread_create(&t, 0, run, 0);
    pthread_join(t, 0);
    if (argc == 77) { (void)munmap(argv, 0); }
#ifdef POINTER
    ssize_t (*called)(void *, size_t, unsigned) = getrandom;
    called(argv, 0, 0);
#endif
#ifdef USE
    USE;
#endif
    return 0;
}
"""


@pytest.fixture
def calling(tmp_path: Path) -> Path:
    # Without the list nothing would be refused.
    assert externals.pure(engine_sources() / "intercept" / "pure.txt")
    path = tmp_path / "calling.c"
    path.write_text(CALLS, encoding="utf-8")
    return path


def line_of(text: str) -> int:
    return CALLS[: CALLS.index(text)].count("\n") + 1


@pytest.mark.clause("EXPLORE-14")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_call_is_refused_when_it_is_made(compiler: str, calling: Path) -> None:
    status, found = explore(calling, compiler)
    assert (status, found["exhaustive"]) == (0, True), "munmap() is not called"
    said = explore(calling, compiler, ["-DUSE=getrandom(argv, 0, 0)"])[1]["cannot_run"]
    line = line_of("    USE;")
    assert said == f"refused: the program calls getrandom() at calling.c:{line}, which the explorer does not follow"
    said = explore(calling, compiler, ["-DPOINTER"])[1]["cannot_run"]
    line = line_of("called(argv")
    assert said == f"refused: the program calls getrandom() at calling.c:{line}, which the explorer does not follow"


@pytest.mark.clause("EXPLORE-14")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_variables_of_the_library(compiler: str, calling: Path) -> None:
    said = explore(calling, compiler, ["-DUSE=return program_invocation_name[0]"])[1]["cannot_run"]
    line = line_of("    USE;")
    assert said == (
        f"refused: the program uses the variable program_invocation_name of the C library at calling.c:{line}, "
        "which the explorer does not follow"
    )
    assert "undefined reference to" in explore(calling, compiler, ["-DUSE=nowhere()"])[1]["cannot_run"]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    source = tmp_path / "outside.c"
    source.write_text("int outside_data; int outside(void) { return ++outside_data & 0; }\n", encoding="utf-8")
    for command in (
        ["cc", "-O1", "-c", "outside.c", "-o", "plain.o"],
        ["cc", "-O1", "-fsanitize=thread", "-fno-pie", "-c", "outside.c", "-o", "seen.o"],
        ["ar", "rcs", "libplain.a", "plain.o"],
        ["ar", "rcs", "libseen.a", "seen.o"],
        ["cc", "-shared", "-fPIC", "outside.c", "-o", "libshared.so"],
    ):
        subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("given", ["plain.o", "libplain.a", "libshared.so", "-lplain", "-lshared"])
def test_what_is_linked_and_not_instrumented(given: str, compiler: str, calling: Path, outside: Path) -> None:
    flags = [f"-L{outside}", given] if given.startswith("-l") else [str(outside / given)]
    assert explore(calling, compiler, flags)[0] == 0, "it is not used"
    said = explore(calling, compiler, ["-DUSE=outside()", *flags])[1]["cannot_run"]
    line = line_of("    USE;")
    assert said == f"refused: the program calls outside() at calling.c:{line}, which the explorer does not follow"
    said = explore(calling, compiler, ["-DUSE=return outside_data", *flags])[1]["cannot_run"]
    assert said.startswith("refused: the program uses the variable outside_data of ")
    assert f"at calling.c:{line}" in said


@pytest.mark.clause("EXPLORE-7")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("given", ["seen.o", "-lseen"])
def test_what_is_linked_and_instrumented(given: str, compiler: str, calling: Path, outside: Path) -> None:
    flags = [f"-L{outside}", given] if given.startswith("-l") else [str(outside / given)]
    status, found = explore(calling, compiler, ["-DUSE=outside()", *flags])
    assert (status, found["executions"]) == (3, 1)
    assert found["covered"].startswith("not exhaustive for data races: what the compiler removed before ")


def test_what_is_linked_is_there(calling: Path) -> None:
    assert explore(calling, "gcc", ["-lnothing"])[1]["cannot_run"] == "-lnothing: there is no such library"
    assert explore(calling, "gcc", ["none.o"])[1]["cannot_run"] == "none.o: no such file"
