"""C++ programs: what the language and its library offer, with the right verdict, and a fault of each kind found.

`cxx.toml` lists them, in the form of `verdicts.toml`. What is shown of an error is in the user's words: its lines, not
those of the library's headers, and names as the language has them.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from verdict_table import (  # type: ignore[import-not-found, unused-ignore]
    CXX_ENTRIES,
    CXX_PROGRAMS,
    Entry,
    explore,
    verdict,
    wrong,
)

from rusted_ring.verify import cli
from rusted_ring.verify.explorer import cxx_library, symbols
from rusted_ring.verify.explorer.toolchain import CannotBuild, architecture

pytestmark = pytest.mark.desk(2)

LIBRARIES = {
    "boost_queues.cpp": ("boost/lockfree/queue.hpp", "libboost-dev"),
    "moodycamel_queues.cpp": ("concurrentqueue/concurrentqueue.h", "libconcurrentqueue-dev, libreaderwriterqueue-dev"),
}
COMPILERS = {"g++": "gcc", "clang++": "clang"}


# Under clang++ one entry of each kind and verdict stands for the others.
UNDER_CLANG = list({(entry.kind, entry.right): entry for entry in reversed(CXX_ENTRIES)}.values())

needs_cxx = pytest.mark.skipif(
    architecture() != "x86_64" or any(shutil.which(tool) is None for tool in ("g++", "objcopy", "c++filt")),
    reason="C++ programs are explored on x86-64, with g++ and binutils",
)
CLAUSES = {
    "containers": pytest.mark.clause("EXPLORE-38", "EXPLORE-2"),
    "exceptions": pytest.mark.clause("EXPLORE-40"),
    "futures": pytest.mark.clause("EXPLORE-38", "EXPLORE-40"),
    "heap": pytest.mark.clause("EXPLORE-41", "EXPLORE-18", "EXPLORE-21"),
    "libraries": pytest.mark.clause("EXPLORE-38"),
    "litmus": pytest.mark.clause("EXPLORE-38", "EXPLORE-1"),
    "locks": pytest.mark.clause("EXPLORE-38", "EXPLORE-23", "EXPLORE-25", "EXPLORE-26"),
    "pointers": pytest.mark.clause("EXPLORE-38", "EXPLORE-41"),
    "refused": pytest.mark.clause("EXPLORE-39"),
    "streams": pytest.mark.clause("EXPLORE-38", "EXPLORE-39"),
    "threads": pytest.mark.clause("EXPLORE-38", "EXPLORE-42", "EXPLORE-43"),
    "waiting": pytest.mark.clause("EXPLORE-38"),
}


@needs_cxx
@pytest.mark.parametrize(
    ("entry", "compiler"),
    [
        pytest.param(
            entry,
            compiler,
            marks=[CLAUSES[entry.kind], pytest.mark.share(2)],
            id=f"{entry.kind}: {entry.name}-{compiler}",
        )
        for compiler, entries in (("g++", CXX_ENTRIES), ("clang++", UNDER_CLANG))
        for entry in entries
    ],
)
def test_verdict(entry: Entry, compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    header, package = LIBRARIES.get(entry.file, ("", ""))
    if header and not Path("/usr/include", header).exists():
        pytest.skip(f"{header} is not installed: install {package}")
    status, found = explore(entry, COMPILERS[compiler])
    assert not wrong(entry, status, found), found


def test_the_table() -> None:
    assert len({entry.name for entry in CXX_ENTRIES}) == len(CXX_ENTRIES)
    assert CLAUSES.keys() == {entry.kind for entry in CXX_ENTRIES}
    assert {path.name for path in CXX_PROGRAMS.glob("*.cpp")} == {entry.file for entry in CXX_ENTRIES}
    faulty = {entry.kind for entry in CXX_ENTRIES if entry.right not in ("clean", "refused")}
    assert faulty == CLAUSES.keys() - {"refused"}
    assert {entry.kind for entry in CXX_ENTRIES if entry.right == "clean"} == CLAUSES.keys() - {"refused"}


def found(name: str) -> dict[str, Any]:
    """Explore an entry under g++ and return its first error."""
    _, answer = explore(next(entry for entry in CXX_ENTRIES if entry.name == name), "gcc")
    error: dict[str, Any] = answer["errors"][0]
    return error


def line_of(file: str, text: str) -> int:
    """The number of the first line that has a text."""
    lines = (CXX_PROGRAMS / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@needs_cxx
@pytest.mark.clause("EXPLORE-44")
@pytest.mark.slow
def test_an_error_in_a_header_is_shown_at_the_users_line() -> None:
    error = found("containers LIST NO_LOCK")
    assert error["line"] in (line_of("containers.cpp", "push_front"), line_of("containers.cpp", "for (int each"))
    assert "via std::" in error["message"]
    assert "::push_front" in error["message"]
    assert "_Z" not in error["message"]
    error = found("shared_pointer CYCLE")
    assert error["line"] == line_of("shared_pointer.cpp", "make_shared<node>")


@needs_cxx
@pytest.mark.clause("EXPLORE-40", "EXPLORE-44")
def test_an_exception_that_nobody_catches_is_shown_with_its_type_and_message() -> None:
    error = found("exceptions UNCAUGHT=1")
    assert error["line"] == line_of("exceptions.cpp", 'runtime_error("how')
    assert "std::runtime_error, what(): how is 1" in error["message"]
    error = found("exceptions UNCAUGHT=3")
    assert error["line"] == line_of("exceptions.cpp", ".at(5)")
    assert "std::out_of_range" in error["message"]
    assert "::at)" in error["message"]
    assert "type own" in found("exceptions UNCAUGHT=2")["message"]


@needs_cxx
@pytest.mark.clause("EXPLORE-38")
def test_c_and_cxx_sources_make_one_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "part.c").write_text("int shared;\nvoid add(void) { shared = shared + 1; }\n")
    main = tmp_path / "main.cc"
    main.write_text(
        '#include <mutex>\n#include <thread>\nextern "C" void add(void);\nstd::mutex lock;\n'
        "void work() { LOCK; add(); }\nint main() { std::thread other(work); work(); other.join(); }\n"
    )
    words = ["explore", str(main), str(tmp_path / "part.c"), "--compiler", "g++", "--"]
    assert cli.main([*words, "-DLOCK=std::lock_guard<std::mutex> guard(lock)"]) == 0
    assert cli.main([*words, "-DLOCK="]) == 1
    assert "data-race at part.c:2" in capsys.readouterr().out


@needs_cxx
@pytest.mark.clause("EXPLORE-34")
@pytest.mark.slow
def test_the_standard_decides_what_is_compiled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "program.cpp"
    source.write_text(
        "#include <cassert>\n#include <thread>\n"
        "int main() { std::thread one([] {}); one.join(); assert(__cplusplus / 100 % 100 == YEAR); }\n"
    )
    assert cli.main(["explore", str(source), "--", "-DYEAR=20"]) == 0
    assert cli.main(["explore", str(source), "--std", "c++17", "--", "-DYEAR=17"]) == 0
    assert cli.main(["explore", str(source), "--std", "c++17", "--", "-DYEAR=20"]) == 1
    capsys.readouterr()


def test_compilers_that_belong_together() -> None:
    if shutil.which("g++") is None or shutil.which("gcc") is None:
        pytest.skip("gcc and g++ are not installed")
    assert cxx_library.commands(["gcc"]) == cxx_library.commands(["g++"]) == (["gcc"], ["g++"])
    with pytest.raises(CannotBuild, match="not known"):
        cxx_library.commands(["tcc"])
    with pytest.raises(CannotBuild, match="install it"):
        cxx_library.commands(["nowhere-gcc-99"])


def test_names_and_places_of_libraries() -> None:
    if shutil.which("c++filt") is None:
        pytest.skip("c++filt is not installed: install binutils")
    assert symbols.demangle("_ZNSt6thread4joinEv") == "std::thread::join"
    assert symbols.demangle("_ZN3foo3bar17h0123456789abcdefE").startswith("foo::bar")
    assert symbols.demangle("plain_name") == "plain_name"
    assert symbols.is_library("/usr/include/c++/12/bits/stl_vector.h")
    assert symbols.is_library("")
    assert not symbols.is_library("/home/user/include/vector.hpp")


def test_words_of_an_answer() -> None:
    clean = next(entry for entry in CXX_ENTRIES if entry.executions == 9)
    assert verdict(0, {"errors": [], "exhaustive": True}) == "clean"
    assert "8 executions instead of 9" in wrong(clean, 0, {"errors": [], "exhaustive": True, "executions": 8})
