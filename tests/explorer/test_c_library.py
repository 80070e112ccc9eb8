"""What functions of the C library read and write, and what the library keeps, in programs put to `rusted-ring explore`.

Errors that do not end an execution are put together: a program calls many functions, and each line that has an error
says so in a comment. The numbers that the library draws are compared with those of the machine's own glibc.
"""

import contextlib
import io
import json
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import cli

PROGRAMS = Path(__file__).parent / "programs" / "libc"
COMPILERS = ("gcc", "clang")
CANNOT_RUN = 2

pytestmark = [
    pytest.mark.desk(3),
    pytest.mark.skipif(shutil.which("objcopy") is None, reason="objcopy is not installed: install binutils"),
]

CLEAN = [
    ("strings.c", "-DCLEAN", 2),
    ("strings.c", "-DUNTIL_DIFFERENT", 2),
    ("formats.c", "-DCLEAN", 2),
    ("formats.c", "-DPRECISION", 2),
    ("formats.c", "-DSCAN", 2),
    ("numbers.c", "-DCLEAN", 2),
    ("numbers.c", "-DRAND", 2),
    ("numbers.c", "-DRAND_TWO -DTHREAD=rand()", 4),
    ("times.c", "-DCLEAN", 2),
    ("times.c", "-DCLOCK_FIRST", 2),
    ("times.c", "-DSOME_MEMBERS", 2),
]

# Each group is a function of the program; each of its lines with a comment has that error.
LINES = [
    *(("races.c", group) for group in ("strings", "formats", "others", "clocks")),
    *(("blocks.c", group) for group in ("freed", "unwritten", "filled")),
]

# What one thread does, and the other, with what the library keeps for all of them.
SHARED_STATE = [
    ("strings.c", 'strtok(shared, " ")', 'strtok(other, " ")'),
    ("times.c", "gmtime(&moment)", "localtime(&moment)"),
    ("times.c", "asctime(&broken)", "asctime(&broken)"),
    ("times.c", "ctime(&moment)", "ctime(&moment)"),
    ("numbers.c", "qsort(numbers, 8, 4, compare)", "qsort(numbers, 8, 4, compare)"),
    ("numbers.c", "qsort(keys, 2, 4, compare_shared)", "shared[3] = 1"),
    ("numbers.c", "bsearch(keys, numbers, 8, 4, compare_shared)", "strcpy(shared, shared)"),
]

# Depends on which thread comes first.
ORDERS = [
    ("numbers.c", "-DRAND_FIRST -DTHREAD=rand()"),
    ("times.c", "-DCLOCK_FIRST -DTHREAD=clock()"),
]

BEYOND_THE_BLOCK = [
    ("strings.c", "strlen(open_block())"),
    ("strings.c", "strnlen(open_block(), 5)"),
    ("strings.c", "strcpy(other, open_block())"),
    ("strings.c", 'strcpy(open_block(), "long")'),
    ("strings.c", 'stpcpy(open_block(), "long")'),
    ("strings.c", 'strncpy(open_block(), "x", 5)'),
    ("strings.c", 'strcat(text_block(), "x")'),
    ("strings.c", 'strncat(text_block(), "xyz", 1)'),
    ("strings.c", 'strcmp(open_block(), "abcd")'),
    ("strings.c", 'strncmp("abcde", open_block(), 5)'),
    ("strings.c", "strchr(open_block(), 'x')"),
    ("strings.c", 'strstr(open_block(), "x")'),
    ("strings.c", 'strspn(open_block(), "abcd")'),
    ("strings.c", "memchr(open_block(), 'x', 5)"),
    ("strings.c", "rawmemchr(open_block(), 'x')"),
    ("strings.c", 'memcmp(open_block(), "abcde", 5)'),
    ("strings.c", "memset(open_block(), 0, 5)"),
    ("strings.c", "mempcpy(other, open_block(), 5)"),
    ("strings.c", 'memccpy(open_block(), "12345", 0, 5)'),
    ("strings.c", "strdup(open_block())"),
    ("strings.c", 'strtok(open_block(), "x")'),
    ("formats.c", 'printf("%s", open_block())'),
    ("formats.c", 'printf("%.5s", open_block())'),
    ("formats.c", "printf(open_block())"),
    ("formats.c", 'sprintf(open_block(), "%d", 1234)'),
    ("formats.c", 'snprintf(open_block(), 5, "%d", 123456)'),
    ("formats.c", 'printf("%ln", (long *)(void *)open_block())'),
    ("formats.c", "puts(open_block())"),
    ("formats.c", "fwrite(open_block(), 5, 1, stdout)"),
    ("formats.c", "write(1, open_block(), 5)"),
    ("formats.c", 'sscanf(open_block(), "%*s")'),
    ("formats.c", 'sscanf("abcd", "%s", open_block())'),
    ("formats.c", 'sscanf("5", "%ld", (long *)(void *)open_block())'),
    ("numbers.c", "strtol(open_block(), NULL, 10)"),
    ("numbers.c", "strtod(open_block(), NULL)"),
    ("numbers.c", "atoi(open_block())"),
    ("numbers.c", "strtol(shared, (char **)(void *)open_block(), 10)"),
    ("numbers.c", "qsort(int_block(3), 4, sizeof(int), compare)"),
    ("times.c", "time(malloc(4))"),
    ("times.c", "clock_gettime(CLOCK_REALTIME, malloc(12))"),
    ("times.c", "gmtime_r(&moment, malloc(40))"),
    ("times.c", "asctime_r(&broken, malloc(20))"),
    ("times.c", 'strftime(malloc(3), 10, "%Y", &broken)'),
]

INVALID = [
    ("strings.c", 'strtok(NULL, "x")'),
    ("strings.c", "strlen(NULL)"),
    ("strings.c", 'strcpy(NULL, "x")'),
    ("strings.c", 'strcmp("x", NULL)'),
    ("formats.c", "puts(NULL)"),
    ("formats.c", 'sscanf("1", "%d", NULL)'),
    ("numbers.c", "atoi(NULL)"),
    ("numbers.c", "qsort(NULL, 2, 4, compare)"),
    ("times.c", "gmtime(NULL)"),
]

REFUSED = [
    ("strings.c", "strerror(9999)", "error 9999"),
    ("strings.c", "strsignal(999)", "signal 999"),
    ("formats.c", 'fprintf((FILE *)shared, "x")', "fprintf() on a stream"),
    ("formats.c", 'fputs("x", stdin)', "fputs() on a stream"),
    ("formats.c", 'dprintf(7, "x")', "dprintf() on descriptor 7"),
    ("formats.c", 'printf("%1$d", 1)', "numbers its arguments"),
    ("formats.c", 'sscanf("x", "%ms", &made)', "%m"),
    ("formats.c", 'sscanf("x", "%ls", made)', "%ls"),
    ("formats.c", "read(0, shared, 8)", "read() on descriptor 0"),
    ("formats.c", "write(7, shared, 8)", "write() on descriptor 7"),
    ("formats.c", "close(7)", "close() on descriptor 7"),
    ("numbers.c", 'setlocale(LC_ALL, "de_DE")', "setlocale()"),
    ("numbers.c", 'strtol("0b1", NULL, 0)', "0b"),
    ("times.c", "clock_gettime(99, &spec)", "clock 99"),
]

# A stub refuses what is neither followed nor known to touch nothing.
NOT_FOLLOWED = [
    ("formats.c", 'fopen("x", "r")', "fopen"),
    ("formats.c", "fgets(shared, 8, stdin)", "fgets"),
    ("formats.c", "getchar()", "getchar"),
    ("formats.c", 'scanf("%d", &number)', "scanf"),
    ("formats.c", "getline(&made, NULL, stdin)", "getline"),
    ("formats.c", 'popen("true", "r")', "popen"),
    ("formats.c", 'execlp("true", "true", NULL)', "execlp"),
    ("formats.c", "fork()", "fork"),
    ("formats.c", "getcwd(shared, 8)", "getcwd"),
    ("formats.c", 'wcslen(L"x")', "wcslen"),
    ("numbers.c", 'system("true")', "system"),
    ("numbers.c", 'setenv("A", "B", 1)', "setenv"),
    ("numbers.c", "putenv(shared)", "putenv"),
    ("numbers.c", "unsetenv(shared)", "unsetenv"),
    ("numbers.c", "lcong48(state_48)", "lcong48"),
    ("times.c", "clock_settime(CLOCK_REALTIME, &spec)", "clock_settime"),
    ("times.c", "setitimer(ITIMER_REAL, NULL, NULL)", "setitimer"),
]


def explore(file: str, *options: str, compiler: str = "gcc", flags: list[str]) -> tuple[int, dict[str, Any]]:
    """Run the command and return its exit status and the object that it printed."""
    output = io.StringIO()
    arguments = ["explore", str(PROGRAMS / file), "--json", "--compiler", compiler, *options, "--", "-O0", *flags]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(arguments)
    found: dict[str, Any] = json.loads(output.getvalue())
    return status, found


def need(compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")


def kinds(found: dict[str, Any]) -> list[str]:
    return [error["kind"] for error in found["errors"]]


def line_of(file: str, text: str) -> int:
    return (PROGRAMS / file).read_text(encoding="utf-8").splitlines().index(text) + 1


def wanted_errors(file: str, group: str) -> set[tuple[int, str]]:
    lines = (PROGRAMS / file).read_text(encoding="utf-8").splitlines()
    begin = lines.index(f"static void {group}(void)")
    end = lines.index("}", begin)
    wanted = set()
    for number in range(begin, end):
        _, found, comment = (
            lines[number].partition("; /*") if ";  " not in lines[number] else lines[number].partition("/*")
        )
        word = comment.removesuffix("*/").strip()
        if found and word in ("race", "use-after-free", "uninitialized-read"):
            wanted.add((number + 1, "data-race" if word == "race" else word))
    return wanted


@pytest.mark.clause("EXPLORE-13", "EXPLORE-15")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("file", "flags", "executions"), CLEAN)
def test_what_is_right_is_clean_in_each_execution(file: str, flags: str, executions: int, compiler: str) -> None:
    """More than one execution: what the library keeps is as new in each of them."""
    need(compiler)
    status, found = explore(file, compiler=compiler, flags=flags.split())
    assert (status, found["errors"], found["executions"], found["exhaustive"]) == (0, [], executions, True)


@pytest.mark.clause("EXPLORE-2", "EXPLORE-13", "EXPLORE-18", "EXPLORE-21")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("file", "group"), LINES)
def test_each_line_with_an_error_is_found_and_no_other(file: str, group: str, compiler: str) -> None:
    need(compiler)
    wanted = wanted_errors(file, group)
    assert len(wanted) > 10 or group == "filled"
    _, found = explore(file, "--keep-going", compiler=compiler, flags=[f"-DGROUP={group}"])
    assert {(error["line"], error["kind"]) for error in found["errors"]} == wanted


@pytest.mark.clause("EXPLORE-2", "EXPLORE-13")
@pytest.mark.parametrize(("file", "one", "other"), SHARED_STATE)
def test_threads_race_for_what_the_library_keeps(file: str, one: str, other: str) -> None:
    need("gcc")
    status, found = explore(file, flags=[f"-DALONE={one}", f"-DTHREAD={other}"])
    assert (status, kinds(found)) == (1, ["data-race"])


@pytest.mark.clause("EXPLORE-16")
@pytest.mark.parametrize(("file", "flags"), ORDERS)
def test_which_thread_comes_first_is_explored(file: str, flags: str) -> None:
    need("gcc")
    status, found = explore(file, flags=flags.split())
    assert (status, kinds(found)) == (1, ["assertion"])


@pytest.mark.clause("EXPLORE-33")
@pytest.mark.parametrize(
    ("file", "loop"),
    [
        ("numbers.c", "while (rand() >= 0) {}"),
        ("numbers.c", "while (drand48() < 2) {}"),
        ("times.c", "while (clock()) {}"),
    ],
)
def test_loops_that_only_call_the_library_can_be_bounded(file: str, loop: str) -> None:
    need("gcc")
    status, found = explore(file, "--unroll", "3", "--timeout", "60", flags=[f"-DALONE={loop}"])
    assert (status, found["errors"], found["exhaustive"]) == (3, [], False)
    assert "bound" in found["covered"]


@pytest.mark.clause("EXPLORE-13", "EXPLORE-18")
@pytest.mark.parametrize(("file", "call"), BEYOND_THE_BLOCK)
def test_beyond_the_block(file: str, call: str) -> None:
    need("gcc")
    status, found = explore(file, flags=[f"-DALONE={call}"])
    assert (status, kinds(found)) == (1, ["out-of-bounds"])
    assert found["errors"][0]["line"] == line_of(file, "    ALONE;")


@pytest.mark.clause("EXPLORE-13", "EXPLORE-18")
def test_beyond_the_block_through_a_list_of_arguments() -> None:
    need("gcc")
    status, found = explore("formats.c", flags=['-DALONE=through_list(open_block(), 5, "%d", 1234)'])
    assert (status, kinds(found)) == (1, ["out-of-bounds"])
    assert found["errors"][0]["line"] == line_of(
        "formats.c", "    int length = vsnprintf(to, size, format, arguments);"
    )


@pytest.mark.clause("EXPLORE-18")
@pytest.mark.parametrize(("file", "call"), INVALID)
def test_pointers_that_are_none(file: str, call: str) -> None:
    need("gcc")
    status, found = explore(file, flags=[f"-DALONE={call}"])
    assert (status, kinds(found)) == (1, ["invalid-access"])


@pytest.mark.clause("EXPLORE-14")
@pytest.mark.parametrize(("file", "call", "words"), REFUSED)
def test_what_is_not_followed_is_refused_by_name_and_line(file: str, call: str, words: str) -> None:
    need("gcc")
    status, found = explore(file, flags=[f"-DALONE={call}"])
    assert (status, found["errors"]) == (CANNOT_RUN, [])
    assert words in found["cannot_run"]
    assert f"{file}:{line_of(file, '    ALONE;')}" in found["cannot_run"]


@pytest.mark.clause("EXPLORE-14")
@pytest.mark.parametrize(("file", "call", "name"), NOT_FOLLOWED)
def test_what_is_not_known_is_refused_by_name_and_line(file: str, call: str, name: str) -> None:
    need("gcc")
    status, found = explore(file, flags=[f"-DALONE={call}"])
    assert (status, found["errors"]) == (CANNOT_RUN, [])
    assert f"{name}() at {file}:{line_of(file, '    ALONE;')}" in found["cannot_run"]


@pytest.mark.clause("EXPLORE-16")
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the numbers are glibc's: run it there")
def test_the_numbers_drawn_are_those_of_the_c_library(tmp_path: Path) -> None:
    need("gcc")
    program = tmp_path / "sequences"
    subprocess.run(["gcc", str(PROGRAMS / "sequences.c"), "-pthread", "-o", str(program)], check=True)
    expected = int(subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout)
    status, found = explore("sequences.c", flags=[f"-DEXPECTED={expected}U"])
    assert (status, found["errors"], found["executions"]) == (0, [], 2)
    status, found = explore("sequences.c", flags=[f"-DEXPECTED={expected ^ 1}U"])
    assert (status, kinds(found)) == (1, ["assertion"])
