"""The PEP 316 contracts of the reference and the vocabulary, checked by CrossHair and judged by counts.

`crosshair check` exits with 0 where it could not confirm a condition, so its exit status says nothing: every condition
that stands in the source is listed first, then `--report_all` is read, and each condition gets one verdict. Judged:

- a condition that is refuted fails;
- a condition that is not confirmed fails, unless `contracts.toml` lists it with the reason;
- an entry of `contracts.toml` that names no condition fails, and so does a function that must be confirmed and is not.

`python -m rusted_ring.verify.contracts [--json]` prints a table and exits with 0 (fine), 1 (not) or 2 (could not run).
"""

import argparse
import ast
import concurrent.futures
import dataclasses
import enum
import importlib.util
import json
import os
import pathlib
import pkgutil
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence

from rusted_ring.verify import extras

PACKAGES = ("rusted_ring.reference", "rusted_ring.vocabulary")
LISTED = pathlib.Path(__file__).with_name("contracts.toml")
SECONDS_A_CONDITION = 12.0
SECONDS_A_LISTED_CONDITION = 2.0
PROCESSES = 2

_HEADER = re.compile(r"^(\s*):?(post|pre|raises|inv)(?:\[[\w\s,.]*\])?::?\s*(.*?)\s*$")
_MESSAGE = re.compile(r"^(?P<file>.+?):(?P<line>\d+): (?P<kind>info|error): (?P<text>.*)$")


class Verdict(enum.Enum):
    """What CrossHair said of one condition."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    NOT_CONFIRMED = "not confirmed"
    UNREACHED = "precondition not met"
    SILENT = "no verdict"


@dataclasses.dataclass(frozen=True)
class Condition:
    """One condition of one function.

    Attributes:
        function: the function's full name, `package.module.Class.method`.
        line: the line of the condition (that of the function where only its preconditions and errors are written down).
        text: the condition as written; empty for "returns, or raises what it declares".
    """

    function: str
    line: int
    text: str

    @property
    def shown(self) -> str:
        """The condition in words that `contracts.toml` uses."""
        return self.text or "(returns, or raises what it declares)"


@dataclasses.dataclass(frozen=True)
class Message:
    """One line of `crosshair check --report_all`."""

    line: int
    verdict: Verdict
    text: str


@dataclasses.dataclass(frozen=True)
class Finding:
    """The verdict on one condition; `text` is CrossHair's own message."""

    condition: Condition
    verdict: Verdict
    text: str


@dataclasses.dataclass(frozen=True)
class Listing:
    """What `contracts.toml` says: the reasons, and what must be confirmed.

    Attributes:
        reasons: (function, condition) to the reason; the condition `*` stands for every condition of the function.
        required: functions, classes and modules whose every condition must be confirmed.
    """

    reasons: dict[tuple[str, str], str]
    required: tuple[str, ...]

    def reason(self, condition: Condition) -> str | None:
        """The reason why a condition is not confirmed, or None where none is listed."""
        return self.reasons.get((condition.function, condition.shown), self.reasons.get((condition.function, "*")))


@dataclasses.dataclass(frozen=True)
class ContractsReport:
    """All findings, what is wrong with them, and how long they took."""

    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems

    def count(self, *verdicts: Verdict) -> int:
        """How many conditions have one of the verdicts."""
        return sum(finding.verdict in verdicts for finding in self.findings)

    def as_dict(self) -> dict[str, object]:
        """The report as JSON values."""
        return {
            "layer": "contracts",
            "ok": self.ok,
            "conditions": len(self.findings),
            "functions": len({finding.condition.function for finding in self.findings}),
            "confirmed": self.count(Verdict.CONFIRMED),
            "refuted": self.count(Verdict.REFUTED),
            "not_confirmed": self.count(Verdict.NOT_CONFIRMED, Verdict.UNREACHED, Verdict.SILENT),
            "seconds": round(self.seconds, 1),
            "problems": list(self.problems),
            "notes": list(self.notes),
            "findings": [
                {
                    "function": finding.condition.function,
                    "line": finding.condition.line,
                    "condition": finding.condition.shown,
                    "verdict": finding.verdict.value,
                    "message": finding.text,
                }
                for finding in self.findings
            ],
        }


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


def parse_output(output: str) -> list[Message]:
    """Read the lines of `crosshair check --report_all`; a line that is no message is left out."""
    return [
        Message(int(match["line"]), _verdict(match["kind"], match["text"]), match["text"])
        for match in map(_MESSAGE.match, output.splitlines())
        if match is not None
    ]


def _verdict(kind: str, text: str) -> Verdict:
    if kind == "error":
        return Verdict.REFUTED
    for words, verdict in (
        ("Confirmed over all paths", Verdict.CONFIRMED),
        ("Not confirmed", Verdict.NOT_CONFIRMED),
        ("Unable to meet precondition", Verdict.UNREACHED),
    ):
        if text.startswith(words):
            return verdict
    return Verdict.SILENT


def match_messages(conditions: Sequence[Condition], messages: Sequence[Message], remark: str = "") -> list[Finding]:
    """Give each condition of one function its verdict.

    A message at another line counts for every condition of the function that was not judged by itself: an exception is
    reported where it was raised, and a precondition that was never met at its own line.

    Args:
        conditions: all conditions of one function.
        messages: CrossHair's messages on that function.
        remark: what to say where there was no message.
    """
    lines = {condition.line for condition in conditions}
    general = (Verdict.REFUTED, Verdict.UNREACHED)
    stray = [message for message in messages if message.line not in lines and message.verdict in general]
    findings = []
    for condition in conditions:
        said = [message for message in messages if message.line == condition.line] or stray
        worst = next(
            (message for message in said if message.verdict is not Verdict.CONFIRMED), said[0] if said else None
        )
        if worst is None:
            findings.append(Finding(condition, Verdict.SILENT, remark or "CrossHair said nothing"))
        else:
            findings.append(Finding(condition, worst.verdict, worst.text))
    return findings


def judge(findings: Sequence[Finding], listing: Listing) -> tuple[list[str], list[str]]:
    """Return what is wrong with the findings (each of these fails the run) and what is only worth a note."""
    problems: list[str] = []
    notes: list[str] = []
    functions: dict[str, list[Finding]] = {}
    for finding in findings:
        functions.setdefault(finding.condition.function, []).append(finding)
        condition = finding.condition
        where = f"{condition.function}, line {condition.line}: {condition.shown}"
        if finding.verdict is Verdict.REFUTED:
            problems.append(f"refuted: {where}: {finding.text}")
        elif finding.verdict is not Verdict.CONFIRMED and listing.reason(condition) is None:
            problems.append(
                f"{finding.verdict.value}, and not listed: {where}; confirm it, or list it in {LISTED.name} with why"
            )
    for (function, text), reason in listing.reasons.items():
        named = [f for f in functions.get(function, []) if text in ("*", f.condition.shown)]
        if not named:
            problems.append(f"listed in {LISTED.name}, but there is no such condition: {function}: {text}; take it out")
        elif all(finding.verdict is Verdict.CONFIRMED for finding in named):
            notes.append(f"listed as not confirmed, but confirmed this time: {function}: {text}")
        if len(reason.split()) < 4:
            problems.append(f"the reason for {function}: {text} in {LISTED.name} is no sentence: {reason!r}")
    for name in listing.required:
        named = [f for f in findings if f.condition.function == name or f.condition.function.startswith(f"{name}.")]
        if not named:
            problems.append(f"must be confirmed, but has no contract: {name}")
        for finding in named:
            if finding.verdict not in (Verdict.CONFIRMED, Verdict.REFUTED):
                condition = finding.condition
                problems.append(f"must be confirmed: {condition.function}: {condition.shown}: {finding.verdict.value}")
    if not findings:
        problems.append("no contract was found at all")
    return problems, notes


def read_listing(path: pathlib.Path = LISTED) -> Listing:
    """Read `contracts.toml`: `required`, and `[[not_confirmed]]` with `function`, `condition` and `reason`."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    reasons = {(entry["function"], entry["condition"]): entry["reason"] for entry in content.get("not_confirmed", [])}
    return Listing(reasons=reasons, required=tuple(content["required"]))


def module_names(packages: Iterable[str] = PACKAGES) -> list[str]:
    """The modules of some packages, in order."""
    names: list[str] = []
    for package in packages:
        found = importlib.util.find_spec(package)
        if found is None or found.submodule_search_locations is None:
            raise ModuleNotFoundError(f"package {package} is not installed: pip install rusted-ring[test]")
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


def check_function(function: str, conditions: Sequence[Condition], seconds: float) -> list[Finding]:
    """Run `crosshair check` on one function, in a process of its own.

    Args:
        function: its full name.
        conditions: its conditions.
        seconds: the processor time that each condition may take.
    """
    command = [sys.executable, "-m", "crosshair", "check", "--report_all", "--analysis_kind", "PEP316"]
    command += ["--per_condition_timeout", str(seconds), "--per_path_timeout", str(seconds / 2), function]
    # The module may come from PYTHONPATH or from a directory that only this process looks in.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"}
    limit = 30 + 4 * seconds * len(conditions)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return match_messages(conditions, [], remark=f"CrossHair was stopped after {limit:.0f} s")
    complaint = (done.stderr.strip().splitlines() or [f"CrossHair said nothing and exited with {done.returncode}"])[-1]
    return match_messages(conditions, parse_output(done.stdout), remark=complaint)


def run_contracts(
    modules: Iterable[str] | None = None,
    *,
    listing: Listing | None = None,
    processes: int = PROCESSES,
    seconds: float = SECONDS_A_CONDITION,
    progress: Callable[[int, int, str], None] | None = None,
) -> ContractsReport:
    """Check every contract of the modules and judge the verdicts.

    Args:
        modules: names of modules; those of the reference by default.
        listing: what may stay unconfirmed and what must not; `contracts.toml` by default.
        processes: how many CrossHair processes run at once.
        seconds: the processor time that a condition may take; one that is listed as not confirmed gets less.
        progress: called with (functions done, functions, name) after each function.

    Raises:
        ModuleNotFoundError: CrossHair is not installed.
    """
    extras.require("crosshair")
    begun = time.monotonic()
    chosen = read_listing() if listing is None else listing
    functions = conditions_of_modules(module_names() if modules is None else modules)

    def check(function: str) -> list[Finding]:
        conditions = functions[function]
        hopeless = all(chosen.reason(condition) is not None for condition in conditions)
        return check_function(function, conditions, min(seconds, SECONDS_A_LISTED_CONDITION) if hopeless else seconds)

    findings: dict[str, list[Finding]] = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=processes) as executor:
        # Functions with much to judge go first, so that the last process does not run alone for long.
        order = sorted(functions, key=lambda function: -len(functions[function]))
        running = {executor.submit(check, function): function for function in order}
        for number, future in enumerate(concurrent.futures.as_completed(running), start=1):
            findings[running[future]] = future.result()
            if progress is not None:
                progress(number, len(running), running[future])
    ordered = [finding for function in functions for finding in findings[function]]
    problems, notes = judge(ordered, chosen)
    return ContractsReport(tuple(ordered), tuple(problems), tuple(notes), time.monotonic() - begun)


def table(report: ContractsReport) -> str:
    """The report as text: one line a function, what is not confirmed, what is wrong, and one closing line."""
    functions: dict[str, list[Finding]] = {}
    for finding in report.findings:
        functions.setdefault(finding.condition.function, []).append(finding)
    width = max(map(len, functions), default=8)
    rows = [f"{'function':<{width}}  confirmed  refuted  not confirmed"]
    for function, findings in functions.items():
        confirmed = sum(finding.verdict is Verdict.CONFIRMED for finding in findings)
        refuted = sum(finding.verdict is Verdict.REFUTED for finding in findings)
        rows.append(f"{function:<{width}}  {confirmed:>9}  {refuted:>7}  {len(findings) - confirmed - refuted:>13}")
    totals = report.as_dict()
    rows.append(f"{'all':<{width}}  {totals['confirmed']:>9}  {totals['refuted']:>7}  {totals['not_confirmed']:>13}")
    for finding in report.findings:
        if finding.verdict not in (Verdict.CONFIRMED, Verdict.REFUTED):
            condition = finding.condition
            rows.append(f"{finding.verdict.value}: {condition.function}: {condition.shown}")
    rows += [f"note: {note}" for note in report.notes]
    rows += [f"FAIL: {problem}" for problem in report.problems]
    verdict = "contracts hold" if report.ok else f"{len(report.problems)} problem(s)"
    rows.append(f"{verdict}: {len(report.findings)} conditions of {len(functions)} functions in {report.seconds:.0f} s")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the contracts from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.contracts",
        description="Check the reference's contracts by CrossHair and judge them by counts.",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--seconds", type=float, default=SECONDS_A_CONDITION, help="processor seconds a condition")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"--seconds is {options.seconds}: it must be above 0")

    def progress(done: int, every: int, function: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{done}/{every} {function}", end="" if done < every else "\n", file=sys.stderr, flush=True)

    try:
        report = run_contracts(seconds=options.seconds, progress=progress)
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=1) if options.json else table(report))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
