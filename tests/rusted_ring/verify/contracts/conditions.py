"""The PEP 316 conditions in the docstrings of a source."""

import ast
import dataclasses
import importlib.util
import pathlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence

PACKAGES = ("rusted_ring.reference", "rusted_ring.vocabulary")

_HEADER = re.compile(r"^(\s*):?(post|pre|raises|inv)(?:\[[\w\s,.]*\])?::?\s*(.*?)\s*$")


@dataclasses.dataclass(frozen=True)
class Condition:
    """One condition of one function.

    Attributes:
        function: the function's full name, `package.module.Class.method`.
        line: the line of the condition (that of the function if it declares only preconditions and errors).
        text: the condition as written; empty for "returns, or raises what it declares".
    """

    function: str
    line: int
    text: str

    @property
    def shown(self) -> str:
        """The condition in words that `contracts.toml` uses."""
        return self.text or "(returns, or raises what it declares)"


def conditions_of_source(module: str, source: str) -> list[Condition]:
    """List the conditions that CrossHair should judge in a module's source.

    A function with preconditions alone has one condition, that it returns or raises what it declares. The invariants of
    a class are conditions of each of its methods that has a contract, and of `__init__`.
    """
    lines = source.splitlines()
    return [
        condition
        for node in ast.parse(source).body
        for condition in _conditions_of_node(module, node, lines, invariants=())
    ]


def _conditions_of_node(
    prefix: str, node: ast.stmt, lines: Sequence[str], invariants: Sequence[tuple[int, str]]
) -> Iterator[Condition]:
    if isinstance(node, ast.ClassDef):
        own = list(_section(_doc_lines(node, lines), "inv"))
        for child in node.body:
            yield from _conditions_of_node(f"{prefix}.{node.name}", child, lines, invariants=own)
    elif isinstance(node, ast.FunctionDef):
        documentation = _doc_lines(node, lines)
        conditions = list(_section(documentation, "post"))
        if not conditions and any(_section(documentation, "pre")):
            conditions = [(min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]), "")]
        if conditions or (invariants and node.name == "__init__"):
            for line, text in [*invariants, *conditions]:
                yield Condition(f"{prefix}.{node.name}", line, text)


def _doc_lines(node: ast.FunctionDef | ast.ClassDef, lines: Sequence[str]) -> list[tuple[int, str]]:
    if ast.get_docstring(node, clean=False) is None:
        return []
    documentation = node.body[0]
    last = documentation.end_lineno or documentation.lineno
    return [(number, lines[number - 1]) for number in range(documentation.lineno, last + 1)]


def _section(documentation: Iterable[tuple[int, str]], wanted: str) -> Iterator[tuple[int, str]]:
    """Yield the conditions of one kind: on the header's line, or on the lines below it that are indented more."""
    indent: int | None = None
    for number, line in documentation:
        stripped = line.strip()
        deep = len(line) - len(line.lstrip())
        if indent is not None and stripped and deep > indent:
            if not stripped.startswith("#"):
                yield number, stripped
            continue
        indent = None
        header = _HEADER.match(line)
        if header is None:
            continue
        if header[2] == wanted:
            indent = deep
            if header[3] and not header[3].startswith("#"):
                yield number, header[3]


def module_names(packages: Iterable[str] = PACKAGES) -> list[str]:
    """The modules of some packages, in order."""
    names: list[str] = []
    for package in packages:
        found = importlib.util.find_spec(package)
        if found is None or found.submodule_search_locations is None:
            raise ModuleNotFoundError(f"package {package} is not installed: pip install rusted-ring[verify]")
        modules = pkgutil.iter_modules(found.submodule_search_locations)
        names += sorted(f"{package}.{module.name}" for module in modules)
    return names


def conditions_of_modules(modules: Iterable[str]) -> dict[str, list[Condition]]:
    """The conditions of each function of the modules, from their sources."""
    functions: dict[str, list[Condition]] = {}
    for module in modules:
        found = importlib.util.find_spec(module)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(f"module {module} has no source to read")
        source = pathlib.Path(found.origin).read_text(encoding="utf-8")
        for condition in conditions_of_source(module, source):
            functions.setdefault(condition.function, []).append(condition)
    return functions
