"""The citations of clauses in tests and sources, and those that are missing.

There are three failures: a clause that no test cites, a citation of a clause that does not exist, and a public function
of an implementation (Python, or the C header) that cites no clause. Run as `python -m rusted_ring.verify.citations`,
from a checkout: the tests and the C sources are not in the wheel.
"""

import argparse
import ast
import functools
import importlib
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ClassMethodDescriptorType, FunctionType, GetSetDescriptorType, MethodDescriptorType, ModuleType

from rusted_ring.verify.support.checkout import NoCheckout, checkout
from rusted_ring.verify.support.clauses import Clause, SpecError, load_clauses

IMPLEMENTATIONS = ("rusted_ring.reference", "rusted_ring.native")
"""The modules whose public functions must cite a clause."""

HEADER = Path("native/include/rusted_ring.h")
"""The header whose public functions must cite a clause."""

_ID = r"[A-Z]{3,}-[1-9][0-9]*"
_BRACKETS = re.compile(rf"\[({_ID}(?:(?:\s*,\s*|\s+to\s+){_ID})*)\]")
_RANGE = re.compile(rf"({_ID})(?:\s+to\s+({_ID}))?")
_C_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_C_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
_C_FUNCTION = re.compile(r"\b(?P<name>rr_\w+)\s*\(")
_C_SUFFIXES = (".c", ".h", ".cpp")
_PYTHON_ROOMS = ("reference", "native", "tests", "bench")
_FUNCTIONS = (
    FunctionType,
    MethodDescriptorType,
    ClassMethodDescriptorType,
    property,
    GetSetDescriptorType,
    functools.cached_property,
)
_SKIPPED_FOLDERS = {"build", "__pycache__", "node_modules"}


@dataclass(frozen=True, slots=True, order=True)
class Citation:
    """One mention of one clause.

    Attributes:
        clause: the id that is cited.
        where: the file and line, or the qualified name, that cites it.
    """

    clause: str
    where: str


@dataclass(slots=True)
class Report:
    """The citations found in one checkout.

    Attributes:
        clauses: the spec, by id.
        tests: citations by markers of tests.
        functions: citations by public functions, Python's and C's.
        mentions: every other citation, in docstrings and comments.
        uncited_functions: public functions that cite no clause.
        problems: a sentence for each source that could not be read.
        counted: how many public functions were examined, by implementation.
    """

    clauses: dict[str, Clause]
    tests: list[Citation] = field(default_factory=list)
    functions: list[Citation] = field(default_factory=list)
    mentions: list[Citation] = field(default_factory=list)
    uncited_functions: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=lambda: Counter[str]())

    @property
    def untested(self) -> list[Clause]:
        """The clauses that no test cites, in the order of the spec."""
        cited = {citation.clause for citation in self.tests}
        return [clause for clause in self.clauses.values() if clause.id not in cited]

    @property
    def unknown(self) -> list[Citation]:
        """The citations of clauses that do not exist, sorted."""
        found = {*self.tests, *self.functions, *self.mentions}
        return sorted(citation for citation in found if citation.clause not in self.clauses)

    @property
    def failures(self) -> list[str]:
        """Every failure, one line each; empty if there is none."""
        return [
            *self.problems,
            *(f"{clause.id} ({clause.title}, {clause.chapter}.md): no test cites it" for clause in self.untested),
            *(f"{citation.where}: cites {citation.clause}, which is no clause" for citation in self.unknown),
            *(f"{name}: public, and cites no clause" for name in self.uncited_functions),
        ]


def bracketed(text: str) -> list[str]:
    """Return the ids cited in square brackets: `[PTR-2]`, `[PTR-2, PTR-3]`, and `[PTR-2 to PTR-4]` spelled out.

    A range whose ends are of different chapters, or that runs backwards, yields only its two ends.
    """
    found: list[str] = []
    for brackets in _BRACKETS.finditer(text):
        for ends in _RANGE.finditer(brackets[1]):
            first, last = ends[1], ends[2] or ends[1]
            chapter, low = first.rsplit("-", 1)
            other, high = last.rsplit("-", 1)
            if chapter == other and int(low) <= int(high):
                found += [f"{chapter}-{number}" for number in range(int(low), int(high) + 1)]
            else:
                found += [first, last]
    return found


def marker_citations(source: str, name: str) -> tuple[list[Citation], list[str]]:
    """Return the clauses cited by `pytest.mark.clause(...)` in one test file, and the problems of these calls.

    The file is parsed and not imported. A marker may be on a function, a class or a parameter, or in `pytestmark`.

    Args:
        source: the text of the file.
        name: the name of the file in the result.
    """
    citations: list[Citation] = []
    problems: list[str] = []
    for node in ast.walk(ast.parse(source, filename=name)):
        if not isinstance(node, ast.Call) or not _is_clause_marker(node.func):
            continue
        where = f"{name}:{node.lineno}"
        if not node.args or node.keywords:
            problems.append(f"{where}: a clause marker takes one id or more and no keywords")
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                citations.append(Citation(argument.value, where))
            else:
                problems.append(f"{where}: a clause marker's ids must be literal strings")
    return citations, problems


def _is_clause_marker(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "clause"
        and isinstance(node.value, ast.Attribute)
        and (node.value.attr == "mark")
    )


def python_mentions(source: str, name: str) -> list[Citation]:
    """Return the bracketed citations in the docstrings and comments of one Python file."""
    found: list[Citation] = []
    for node in ast.walk(ast.parse(source, filename=name)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            line = 1 if isinstance(node, ast.Module) else node.lineno
            found += [Citation(clause, f"{name}:{line}") for clause in bracketed(ast.get_docstring(node) or "")]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            found += [Citation(clause, f"{name}:{token.start[0]}") for clause in bracketed(token.string)]
    return found


def c_mentions(source: str, name: str) -> list[Citation]:
    """Return the bracketed citations in the comments of one C file."""
    source = _blank_strings(source)
    return [
        Citation(clause, f"{name}:{source.count(chr(10), 0, comment.start()) + 1}")
        for comment in _C_COMMENT.finditer(source)
        for clause in bracketed(_unstarred(comment[0]))
    ]


def header_functions(source: str) -> dict[str, str]:
    """Return the functions that a C header declares or defines, each with the comment right above it ("" for none)."""
    functions: dict[str, str] = {}
    source = _blank_strings(source)
    source = re.sub(
        r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda line: "\n" * line[0].count("\n"), source, flags=re.MULTILINE
    )
    comment = ""
    statement = ""
    depth = 0
    at = 0
    while at < len(source):
        passage = _C_COMMENT.match(source, at)
        if passage is not None:
            if depth == 0 and not statement.strip():
                # Consecutive line comments are one comment; a block comment is one by itself.
                adjoining = comment.startswith("//") and source[:at].rstrip(" \t").endswith("\n")
                comment = comment + "\n" + passage[0] if adjoining and passage[0].startswith("//") else passage[0]
            at = passage.end()
            continue
        character = source[at]
        at += 1
        if character == "{":
            if depth == 0 and statement.split() in (["extern"], ["extern", '""']):
                statement = comment = ""
                continue
            depth += 1
        elif character == "}":
            depth = max(0, depth - 1)
            if depth == 0 and "(" in statement:
                statement = _note_function(statement, comment, functions)
                comment = ""
        elif depth == 0 and character == ";":
            statement = _note_function(statement, comment, functions)
            comment = ""
        elif depth == 0:
            statement += character
    return functions


def _note_function(statement: str, comment: str, functions: dict[str, str]) -> str:
    """Add the function that a statement declares, if any, to the functions, and return the empty statement."""
    declared = _C_FUNCTION.search(statement)
    if declared is not None and not statement.lstrip().startswith(("typedef", "_Static_assert", "static_assert")):
        functions[declared["name"]] = comment
    return ""


def _blank_strings(source: str) -> str:
    """Empty every string literal outside comments, so that its text is not taken for a comment."""
    both = re.compile(f"{_C_COMMENT.pattern}|{_C_STRING.pattern}", re.DOTALL)
    return both.sub(lambda found: '""' if found[0].startswith('"') else found[0], source)


def _unstarred(comment: str) -> str:
    """Remove the decoration from the lines of a block comment, so that a citation may continue on the next line."""
    return re.sub(r"\n[ \t]*(?:\*|//)", "\n", comment)


def public_functions(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield the qualified name and the docstring of every public function, class, method and property of a module.

    Public are the names that can be reached from `__all__` without a leading underscore. Inherited members count if the
    base class is one of `rusted_ring`; constants, fields and members of an enumeration are not functions.
    """
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, type):
            yield f"{module.__name__}.{name}", value.__dict__.get("__doc__") or ""
            for attribute, documented in _methods(value).items():
                yield f"{module.__name__}.{name}.{attribute}", documented
        elif callable(value):
            yield f"{module.__name__}.{name}", getattr(value, "__doc__", None) or ""


def _methods(owner: type) -> dict[str, str]:
    """Return the public methods and properties of a class with their docstrings."""
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        if not base.__module__.startswith("rusted_ring."):
            continue
        for name, value in vars(base).items():
            if isinstance(value, staticmethod | classmethod):
                value = value.__func__
            if name.startswith("_") or not isinstance(value, _FUNCTIONS):
                continue
            found[name] = value.__doc__ or ""
    return found


def examine(root: Path, modules: Sequence[str] = IMPLEMENTATIONS, header: Path | None = HEADER) -> Report:
    """Read a checkout and return its citations.

    Args:
        root: the checkout, with `spec/`, `tests/` and the sources in it.
        modules: the importable modules whose public functions must cite a clause.
        header: the C header whose functions must cite a clause, relative to `root`; None for none.

    Raises:
        SpecError: the spec is missing or cannot be read.
    """
    clauses = load_clauses(root / "spec")
    if not clauses:
        raise SpecError(f"no clause in {root / 'spec'}: give a checkout of rusted-ring by --root")
    report = Report(clauses)
    for path in _files(root, ["tests"], (".py",)):
        name = path.relative_to(root).as_posix()
        citations, problems = marker_citations(path.read_text(encoding="utf-8"), name)
        report.tests += citations
        report.problems += problems
    _read_mentions(report, root, _PYTHON_ROOMS, (".py", ".pyi"), python_mentions)
    _read_mentions(report, root, ("native", "tests", "bench"), _C_SUFFIXES, c_mentions)
    for module in modules:
        _examine_module(report, module)
    if header is not None:
        _examine_header(report, root, header)
    return report


def _read_mentions(
    report: Report,
    root: Path,
    rooms: Iterable[str],
    suffixes: tuple[str, ...],
    read: Callable[[str, str], list[Citation]],
) -> None:
    for path in _files(root, rooms, suffixes):
        report.mentions += read(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())


def _files(root: Path, rooms: Iterable[str], suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files of a checkout's top-level folders with one of the suffixes, without the products of builds."""
    for room in rooms:
        for path in sorted((root / room).rglob("*")):
            folders = path.relative_to(root).parts[:-1]
            hidden = any(part in _SKIPPED_FOLDERS or part.startswith(".") for part in folders)
            if path.suffix in suffixes and path.is_file() and not hidden:
                yield path


def _examine_module(report: Report, name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        report.problems.append(f"{name} cannot be imported ({error}): install it, then check again")
        return
    if not hasattr(module, "__all__"):
        report.problems.append(f"{name} has no __all__: its public names are unknown")
        return
    for function, documented in public_functions(module):
        _count(report, name, function, bracketed(documented))


def _examine_header(report: Report, root: Path, header: Path) -> None:
    path = root / header
    if not path.is_file():
        report.problems.append(f"{header.as_posix()} is missing")
        return
    for function, comment in header_functions(path.read_text(encoding="utf-8")).items():
        _count(report, header.as_posix(), f"{header.as_posix()}: {function}", bracketed(_unstarred(comment)))


def _count(report: Report, implementation: str, function: str, cited: list[str]) -> None:
    report.counted[implementation] += 1
    report.functions += [Citation(clause, function) for clause in cited]
    if not cited:
        report.uncited_functions.append(function)


def summary(report: Report) -> str:
    """Return the table of chapters and implementations, and every failure below it."""
    tested = Counter(citation.clause for citation in set(report.tests))
    implemented = {citation.clause for citation in report.functions}
    lines = [f"{'chapter':<16}{'clauses':>9}{'tested':>9}{'markers':>9}{'in code':>9}"]
    chapters = dict.fromkeys(clause.chapter for clause in report.clauses.values())
    rows = [(chapter, [c.id for c in report.clauses.values() if c.chapter == chapter]) for chapter in chapters]
    for chapter, ids in [*rows, ("all", list(report.clauses))]:
        cited = sum(1 for clause in ids if clause in tested)
        markers = sum(tested[clause] for clause in ids)
        in_code = sum(1 for clause in ids if clause in implemented)
        lines.append(f"{chapter:<16}{len(ids):>9}{cited:>9}{markers:>9}{in_code:>9}")
    lines.append("")
    lines += [f"{name}: {count} public functions" for name, count in report.counted.items()]
    failures = report.failures
    lines += [f"FAILED {failure}" for failure in failures]
    lines.append(f"{len(failures)} failures" if failures else "every clause is tested, every citation is of a clause")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the summary; return 0, or 1 if there are failures, or 2 if the checkout cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.citations", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--root", type=Path, help="the checkout to read (default: the one this module or the shell is in)"
    )
    options = parser.parse_args(arguments)
    try:
        report = examine(options.root.resolve() if options.root else checkout())
    except (NoCheckout, SpecError) as error:
        print(f"citations: {error}", file=sys.stderr)
        return 2
    print(summary(report))
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
