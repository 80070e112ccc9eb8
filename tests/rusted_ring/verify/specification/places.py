"""Where each clause is implemented and tested: the reference, the C core, the tests, the defects, the memory orders.

Everything is computed from the sources of a checkout. A line, a file or a function is never written down anywhere else,
so that a page or an answer that shows one is right for the sources that it was made from.
"""

import ast
import bisect
import io
import re
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rusted_ring.verify.citations import bracketed
from rusted_ring.verify.support.c_functions import COMMENT, functions_in

REFERENCE = ("reference/rusted_ring",)
BINDING = ("native/rusted_ring", "native/binding")
CORE = ("native/include", "native/src")
CHECKS = ("native/explorer", "tests/rusted_ring/verify")
TESTS = ("tests", "native/tests")
_SKIPPED = {"build", "__pycache__", "rusted_ring"}
_CITES = re.compile(r"\b[A-Z]{3,}-[1-9]")
_CITED_IN_COMMENT = re.compile(r"#.*\[[A-Z]{3,}-[1-9]")
_ATOMIC = re.compile(r"\batomic_(?P<what>load|store|exchange|compare_exchange|fetch|thread_fence|signal_fence)\w*\s*\(")
_KINDS = {
    "load": "load",
    "store": "store",
    "exchange": "rmw",
    "compare_exchange": "rmw",
    "fetch": "rmw",
    "thread_fence": "fence",
    "signal_fence": "fence",
}
_NAME = re.compile(r'name = "(.*)"')
_DECLARED = re.compile(r"[^;{}#/]*?\b(?P<name>\w+)\s*\(")
_ROW = re.compile(
    r"^\| (?P<function>\w+) (?P<kind>load|store|rmw|fence) (?P<number>\d+) "
    r"\| (?P<change>[^|]*) \| (?P<client>[^|]*) \| (?P<result>.*) \|$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One location in the sources.

    Attributes:
        path: the file, from the root of the checkout, with slashes.
        line: the line, counted from 1.
        name: the function, class, test or defect at that line, or the file's name if there is none.
    """

    path: str
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class SeededDefect:
    """One entry of the catalogue of defects that breaks a clause.

    Attributes:
        place: its location in the catalogue.
        function: the C function that it changes.
        old: the text that it replaces.
        new: the text that it inserts.
    """

    place: Place
    function: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Order:
    """One row of the matrix of memory orders: an order of the core, weakened.

    Attributes:
        site: the function, the kind of access and its number there.
        change: the order and the weaker one.
        result: the failure, without markup.
        page: the file that shows the execution, or an empty text if the row leads to a proof.
        place: the access in the sources.
    """

    site: str
    change: str
    result: str
    page: str
    place: Place | None

    @property
    def anchor(self) -> str:
        """The id of the row on the page of the matrix."""
        return anchor(self.site, self.change)


@dataclass(slots=True)
class Places:
    """The citations of one clause in the sources.

    Attributes:
        reference: functions and classes of the reference and the vocabulary that cite it.
        core: locations in the C library that cite it, header included.
        binding: locations in the Python binding that cite it.
        checks: locations in the explorer and in the other checks that cite it.
        tests: tests that cite it.
        defects: seeded defects that break it, each of which a test must detect.
        orders: memory orders whose access cites it, weakened.
        breaks: memory orders that break it if they are weakened.
    """

    reference: list[Place] = field(default_factory=list)
    core: list[Place] = field(default_factory=list)
    binding: list[Place] = field(default_factory=list)
    checks: list[Place] = field(default_factory=list)
    tests: list[Place] = field(default_factory=list)
    defects: list[SeededDefect] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    breaks: list[Order] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Access:
    """One atomic access of the core, as its source has it.

    Attributes:
        function: the function that it is in.
        kind: `load`, `store`, `rmw` or `fence`.
        number: which of its kind in the function, from 1.
        place: where it is.
        clauses: what the comment before it cites.
    """

    function: str
    kind: str
    number: int
    place: Place
    clauses: tuple[str, ...]


def anchor(site: str, change: str) -> str:
    """Return the id of a row of the matrix of memory orders."""
    return "order-" + re.sub(r"[^a-z0-9]+", "-", f"{site} {change}".lower().replace("->", "to")).strip("-")


def places(root: Path, clauses: Iterable[str]) -> dict[str, Places]:
    """Return what the sources of a checkout say about each of some clauses.

    Args:
        root: the root of the checkout.
        clauses: the ids of the clauses.
    """
    found = {clause: Places() for clause in clauses}
    rooms = {"reference": REFERENCE, "core": CORE, "binding": BINDING, "checks": CHECKS, "tests": TESTS}
    for name, folders in rooms.items():
        for path in source_files(root, folders):
            text = path.read_text(encoding="utf-8")
            if not _CITES.search(text):
                continue
            relative = path.relative_to(root).as_posix()
            if path.suffix in (".py", ".pyi"):
                cited = _marked(text, relative) if name == "tests" else _mentioned(text, relative)
            else:
                cited = _cited_in_c(text, path, relative)
            for clause, place in cited:
                if clause in found and place not in getattr(found[clause], name):
                    getattr(found[clause], name).append(place)
    _add_defects(root, found)
    _add_orders(root, found)
    return found


def source_files(root: Path, rooms: Iterable[str]) -> Iterator[Path]:
    """Yield the sources in Python and C below some folders of a checkout, without what builds leave behind."""
    for room in rooms:
        for path in sorted((root / room).rglob("*")):
            folders = path.relative_to(root / room).parts[:-1]
            if path.suffix in (".py", ".pyi", ".c", ".h", ".cpp") and not _SKIPPED.intersection(folders):
                yield path


def defined(root: Path) -> Iterator[Place]:
    """Yield the definitions of the C core's functions and of the reference's functions and classes."""
    for path in source_files(root, CORE):
        relative = path.relative_to(root).as_posix()
        line_of = _Lines(path.read_text(encoding="utf-8"))
        for function in functions_in(path):
            yield Place(relative, line_of(function.start), function.name)
    for path in source_files(root, REFERENCE):
        relative = path.relative_to(root).as_posix()
        for name, node in _definitions(ast.parse(path.read_text(encoding="utf-8"))):
            yield Place(relative, node.lineno, name)


# --- Python


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Yield the functions and classes of a module with their qualified names, outer ones first."""
    stack: list[tuple[str, ast.AST]] = [("", tree)]
    while stack:
        prefix, node = stack.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield prefix + child.name, child
                stack.append((f"{prefix}{child.name}.", child))


def _mentioned(text: str, path: str) -> Iterator[tuple[str, Place]]:
    """Yield the clauses that docstrings and comments of a Python file cite, with what cites them."""
    tree = ast.parse(text)
    module = Place(path, 1, Path(path).name)
    for clause in bracketed(ast.get_docstring(tree) or ""):
        yield clause, module
    spans = []
    for name, node in _definitions(tree):
        place = Place(path, node.lineno, name)
        spans.append((node.lineno, node.end_lineno or node.lineno, place))
        for clause in bracketed(ast.get_docstring(node) or ""):
            yield clause, place
    if not _CITED_IN_COMMENT.search(text):
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and (cited := bracketed(token.string)):
            line = token.start[0]
            inner = [place for first, last, place in spans if first <= line <= last]
            name = max(inner).name if inner else module.name
            for clause in cited:
                yield clause, Place(path, line, name)


def _marked(text: str, path: str) -> Iterator[tuple[str, Place]]:
    """Yield the clauses that markers of a test file cite, with the test that bears the marker."""
    tree = ast.parse(text)
    spans = []
    for name, node in _definitions(tree):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        spans.append((first, node.end_lineno or node.lineno, Place(path, node.lineno, name)))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "clause":
            inner = [place for first, last, place in spans if first <= call.lineno <= last]
            place = max(inner) if inner else Place(path, call.lineno, Path(path).name)
            for argument in call.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value, place


# --- C


class _Lines:
    """Lines of a text by offset."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def __call__(self, offset: int) -> int:
        return bisect.bisect_right(self._starts, offset)


def _cited_in_c(text: str, path: Path, relative: str) -> Iterator[tuple[str, Place]]:
    """Yield the clauses that the comments of a C file cite, with the function that the comment is in or before."""
    line_of = _Lines(text)
    functions = list(functions_in(path))
    for comment in COMMENT.finditer(text):
        cited = bracketed(re.sub(r"\n[ \t]*(?:\*|//)", "\n", comment[0]))
        if not cited:
            continue
        within = [function for function in functions if function.start <= comment.start() < function.end]
        place = Place(relative, line_of(comment.start()), within[0].name if within else path.name)
        # A comment outside of functions belongs to the declaration or definition that follows it at once.
        declared = None if within else _DECLARED.match(text, comment.end())
        if declared:
            place = Place(relative, line_of(declared.start("name")), declared["name"])
        for clause in cited:
            yield clause, place


def accesses(root: Path) -> list[Access]:
    """Return the atomic accesses of the core in the order of their files and lines."""
    found: list[Access] = []
    for path in sorted((root / "native" / "src").glob("*.[ch]")):
        text = path.read_text(encoding="utf-8")
        line_of = _Lines(text)
        comments = [(comment.end(), bracketed(comment[0])) for comment in COMMENT.finditer(text)]
        for function in functions_in(path):
            counted: dict[str, int] = defaultdict(int)
            body = _blanked(text)[function.start : function.end]
            for access in _ATOMIC.finditer(body):
                kind = _KINDS[access["what"]]
                counted[kind] += 1
                at = function.start + access.start()
                before = [cited for end, cited in comments if function.start <= end <= at and cited]
                place = Place(path.relative_to(root).as_posix(), line_of(at), function.name)
                found.append(Access(function.name, kind, counted[kind], place, tuple(before[-1]) if before else ()))
    return found


def _blanked(text: str) -> str:
    return COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)


# --- the catalogue of defects, the matrix of orders


def _add_defects(root: Path, found: Mapping[str, Places]) -> None:
    (path,) = (root / "tests/rusted_ring/verify").rglob("defects.toml")
    text = path.read_text(encoding="utf-8")
    lines = {name[1]: number for number, line in enumerate(text.splitlines(), 1) if (name := _NAME.match(line))}
    for entry in tomllib.loads(text)["defect"]:
        place = Place(path.relative_to(root).as_posix(), lines[entry["name"]], entry["name"])
        defect = SeededDefect(place, entry["function"], entry["old"], entry["new"])
        for clause in entry["clauses"]:
            if clause in found:
                found[clause].defects.append(defect)


def orders(root: Path) -> list[tuple[Order, tuple[str, ...], tuple[str, ...]]]:
    """Return the rows of the matrix of orders, each with the clauses that its access cites and those that it breaks."""
    by_site = {(access.function, access.kind, access.number): access for access in accesses(root)}
    text = (root / "spec" / "necessity.md").read_text(encoding="utf-8").partition("\n## Proofs\n")[0]
    found = []
    for row in _ROW.finditer(text):
        access = by_site.get((row["function"], row["kind"], int(row["number"])))
        page = re.search(r'href="witnesses/([^"]+)"', row["result"])
        words = re.sub(r"\[(proof: [^\]]*)\]\([^)]*\)", r"\1", re.sub(r"<[^>]*>", "", row["result"]))
        order = Order(
            f"{row['function']} {row['kind']} {row['number']}",
            row["change"].replace("&gt;", ">"),
            words.replace("&#124;", "|").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"),
            page[1] if page else "",
            access.place if access else None,
        )
        found.append((order, access.clauses if access else (), tuple(bracketed(words))))
    return found


def _add_orders(root: Path, found: Mapping[str, Places]) -> None:
    for order, cited, broken in orders(root):
        for clause in cited:
            if clause in found:
                found[clause].orders.append(order)
        for clause in broken:
            if clause in found:
                found[clause].breaks.append(order)
