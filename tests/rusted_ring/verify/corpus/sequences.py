"""Sequences of operations for every path that CrossHair found through the reference's slots, pools, cursors and lag.

`crosshair cover` runs the programs of `languages` on the reference with symbolic integers and prints a list of
integers for each path that it finds. The corpus keeps the shortest lists that together take every *step path*. A step
path is an operation's code, the lines of the reference that it ran, and the state that it left (how many slots are
live, how many events unread). The lists are in `tests/corpus/*.json` and are replayed on every backend.

`python -m rusted_ring.verify.corpus [--seconds S]`, from a checkout, searches again and writes the files; it keeps an
old sequence unless a shorter one takes the same step paths.
"""

import ast
import concurrent.futures
import functools
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FrameType
from typing import Any, Final

from rusted_ring.verify.corpus.languages import PROGRAMS, Answer, Operation, Session
from rusted_ring.verify.support.checkout import checkout

FOLDER: Final = pathlib.Path("tests") / "corpus"
SECONDS: Final = 90.0
ROUNDS: Final = 6
PROCESSES: Final = 2
WATCHED: Final = ("cursor", "generation", "heap", "pool", "reader", "ring", "slot")
TARGETS: Final = "rusted_ring.verify.corpus.targets"

Case = tuple[tuple[int, ...], tuple[Operation, ...]]
Line = tuple[str, int]
StepPath = tuple[int, frozenset[Line], object]


class CorpusError(ValueError):
    """The corpus is missing, or CrossHair found nothing."""


def load(name: str, folder: pathlib.Path | None = None) -> list[Case]:
    """Read the cases of a program.

    Raises:
        CorpusError: there is no such file.
    """
    path = (folder or checkout() / FOLDER) / f"{name}.json"
    if not path.is_file():
        raise CorpusError(f"no corpus at {path}: run python -m rusted_ring.verify.corpus")
    values = json.loads(path.read_text(encoding="utf-8"))
    return [
        (tuple(case["parameters"]), tuple((code, choice) for code, choice in case["operations"]))
        for case in values["cases"]
    ]


def save(name: str, cases: Iterable[Case], folder: pathlib.Path) -> None:
    """Write the cases of a program, one a line."""
    rows = [json.dumps({"parameters": list(numbers), "operations": list(operations)}) for numbers, operations in cases]
    text = f'{{"program": "{name}", "cases": [\n' + ",\n".join(rows) + "\n]}\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


# Replay


def play(api: Any, name: str, case: Case, **options: Any) -> Session:
    """Run a case on an implementation."""
    session = Session(api, **options)
    numbers, operations = case
    PROGRAMS[name].run(session, *numbers, operations)
    return session


def differences(api: Any, name: str, case: Case) -> tuple[list[Answer], list[Answer]]:
    """Run a case on a backend and on the reference, which follows the backend's choice of slots.

    Returns:
        The answers of both, equal unless they disagree.
    """
    from rusted_ring import reference

    actual = play(api, name, case)
    expected = play(reference, name, case, recorded_choices=actual.choices)
    return actual.answers, expected.answers


# Paths through the reference


class Watch:
    """Records which lines of the reference each step runs."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        for module in WATCHED:
            found = importlib.util.find_spec(f"rusted_ring.reference.{module}")
            assert found is not None
            assert found.origin is not None
            self.files[found.origin] = module
        self.lines: set[Line] = set()
        self.steps: list[frozenset[Line]] = []

    def __call__(self, act: Callable[[], Any]) -> Any:
        """Make a step's calls and record the lines that they run."""
        self.lines = set()
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return act()
        finally:
            sys.settrace(before)
            self.steps.append(frozenset(self.lines))

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        module = self.files.get(frame.f_code.co_filename)
        if module is None:
            return None

        def line(inner: FrameType, happened: str, _: Any) -> Any:
            if happened == "line":
                self.lines.add((module, inner.f_lineno))
            return line

        del event
        return line


def step_paths(name: str, case: Case) -> list[StepPath]:
    """Return the path that each step of a case takes through the reference."""
    from rusted_ring import reference

    watch = Watch()
    answers = play(reference, name, case, watcher=watch).answers
    signatures = map(PROGRAMS[name].signature, answers)
    return [
        (code, lines, signature) for (code, _), lines, signature in zip(case[1], watch.steps, signatures, strict=True)
    ]


def lines_reached(names: Iterable[str], folder: pathlib.Path | None = None) -> set[Line]:
    """Return the lines of the reference that the corpus runs, those that make and observe the objects included."""
    from rusted_ring import reference

    watch = Watch()
    reached: set[Line] = set()
    for name in names:
        for case in load(name, folder):
            for choices in (None, play(reference, name, case).choices):
                watch(functools.partial(play, reference, name, case, recorded_choices=choices))
                reached |= watch.lines
    return reached


def lines_of(module: str) -> set[int]:
    """Return the executable lines in the functions of a module of the reference."""
    found = importlib.util.find_spec(f"rusted_ring.reference.{module}")
    assert found is not None
    assert found.origin is not None
    source = pathlib.Path(found.origin).read_text(encoding="utf-8")
    code = compile(source, found.origin, "exec")
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    bodies = {
        line
        for function in functions
        for statement in function.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    }
    return {line for line in _code_lines(code) if line in bodies}


def _code_lines(code: Any) -> Iterator[int]:
    yield from (line for _, _, line in code.co_lines() if line is not None)
    for constant in code.co_consts:
        if hasattr(constant, "co_lines"):
            yield from _code_lines(constant)


def select(name: str, cases: Iterable[Case]) -> list[Case]:
    """Keep cases that together take every step path, short ones first, each cut after its last new step path."""
    kept: list[Case] = []
    taken: set[StepPath] = set()
    for numbers, operations in sorted(set(cases), key=lambda case: (len(case[1]), case)):
        paths = step_paths(name, (numbers, operations))
        new = [number for number, path in enumerate(paths) if path not in taken]
        if new:
            # The steps after the last new one are of no use.
            end = new[-1] + 1
            kept.append((numbers, operations[:end]))
            taken.update(paths[:end])
    return kept


# Looking for paths


def parse_calls(name: str, output: str, starts: Sequence[Case]) -> list[Case]:
    """Read the calls that `crosshair cover` printed, each a start and the operations after it."""
    program = PROGRAMS[name]
    cases = []
    for line in output.splitlines():
        if not line.startswith(f"{name}("):
            continue
        call = ast.parse(line, mode="eval").body
        assert isinstance(call, ast.Call)
        start, codes, choices = [ast.literal_eval(argument) for argument in call.args]
        if 0 <= start < len(starts) and len(choices) <= len(codes):
            parameters, operations = starts[start]
            cases.append((parameters, (*operations, *program.operations(codes, choices))))
    return [case for case in cases if case[1]]


def find_cases(name: str, starts: Sequence[Case], seconds: float) -> list[Case]:
    """Let CrossHair search for paths through a program.

    Args:
        name: the program.
        starts: parameters, and the operations after which the search begins.
        seconds: the processor time limit.

    Raises:
        CorpusError: CrossHair found none.
    """
    command = [sys.executable, "-m", "crosshair", "cover", "--coverage_type", "path"]
    command += ["--per_condition_timeout", str(seconds), f"{TARGETS}.{name}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder:
        file = pathlib.Path(folder) / "starts.json"
        file.write_text(json.dumps({name: starts}), encoding="utf-8")
        environment["RUSTED_RING_STARTS"] = str(file)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    cases = parse_calls(name, done.stdout, starts)
    if not cases:
        complaint = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CorpusError(f"crosshair cover found no path through {name}: {complaint}")
    return cases


def grow(name: str, known: Sequence[Case], seconds: float) -> list[Case]:
    """Search for paths in rounds, each from the ends of the paths of the round before."""
    cases = select(name, known)
    beginnings: list[Case] = [(parameters, ()) for parameters in PROGRAMS[name].beginnings()]
    starts = [*beginnings, *cases]
    for _ in range(ROUNDS):
        before = set(cases)
        cases = select(name, [*cases, *find_cases(name, starts, seconds / ROUNDS)])
        new = [case for case in cases if case not in before]
        starts = new or [*beginnings, *cases]
    return cases


def regenerate(
    folder: pathlib.Path, *, seconds: float = SECONDS, names: Sequence[str] = tuple(PROGRAMS)
) -> dict[str, int]:
    """Search for paths again and write the corpus.

    Returns:
        The number of cases of each program.
    """
    known = [load(name, folder) if (folder / f"{name}.json").is_file() else [] for name in names]
    with concurrent.futures.ThreadPoolExecutor(max_workers=PROCESSES) as executor:
        found = list(executor.map(lambda name, cases: grow(name, cases, seconds), names, known))
    for name, cases in zip(names, found, strict=True):
        save(name, cases, folder)
    return {name: len(cases) for name, cases in zip(names, found, strict=True)}
