"""`rusted-ring verify`: every layer that can run here, each with its figures, and one closing table.

A layer answers one question. It passes, fails, or is skipped with the reason (no checkout, no compiler, a tool that is
not installed).
"""

import contextlib
import functools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rusted_ring.verify import citations, engine, explore
from rusted_ring.verify.backend import load_backend
from rusted_ring.verify.checkout import NoCheckout, checkout
from rusted_ring.verify.documents import InputError, Workload
from rusted_ring.verify.extras import remedy
from rusted_ring.verify.githistory import read_history
from rusted_ring.verify.processes import workspace
from rusted_ring.verify.replay import RouteResult, Settings, prefix
from rusted_ring.verify.report import print_table, progress
from rusted_ring.verify.results import PROFILES, clause_line, failure_lines, replay_as_dict, run_diffs, run_replay
from rusted_ring.verify.traces import generated_workload, read_workload

DATA_VARIABLE = "RUSTED_RING_DATA"
CALLS = 3
"""The greatest number of calls of the clients that are enumerated, by default."""
_WORKERS = 2
_BUILD_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each layer is done.

    Attributes:
        steps: operations of a differential run, a profile.
        native_events: events of a replay on the backend under test, at the most.
        reference_events: events of a replay on the reference, at the most.
        commits: commits of a git history, at the most.
        contracts: seconds that CrossHair may take a condition; 0 leaves the layer out.
        c_tests: whether the C library is built and tested on its own.
        defects: every how many-th seeded defect is built and tried; 0 leaves the layer out.
        litmus: generated litmus programs on which the engine is compared with the axioms; 0 leaves the explorer out.
        matrix: whether each order of the core is weakened.
        most: executions of each client of those that are enumerated, at the most.
    """

    steps: int
    native_events: int
    reference_events: int
    commits: int
    contracts: float
    c_tests: bool
    defects: int
    litmus: int
    matrix: bool
    most: int


SIZES = {
    "quick": Size(5_000, 5_000, 500, 50, 0, c_tests=False, defects=0, litmus=0, matrix=False, most=0),
    "default": Size(30_000, 50_000, 2_000, 500, 6, c_tests=True, defects=18, litmus=500, matrix=True, most=200),
    "full": Size(1_000_000, 10**9, 10**9, 10**9, 12, c_tests=True, defects=1, litmus=10_000, matrix=True, most=2_000),
}


class Skipped(Exception):
    """A layer cannot run here; the words say why."""


@dataclass(slots=True)
class Found:
    """What a layer found.

    Attributes:
        figures: what was counted, in a few words.
        problems: what is wrong, one line or several each; none means that the layer passed.
        data: everything, as JSON values.
    """

    figures: str
    problems: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """One row of the closing table."""

    layer: str
    question: str
    verdict: str
    figures: str
    seconds: float
    problems: list[str]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """A name, the question it answers, and how it is answered."""

    name: str
    question: str
    run: Callable[[], Found]


@dataclass(frozen=True, slots=True)
class Context:
    """What the layers are told: the backend under test, how much to do, the seed, and the checkout if there is one."""

    backend_name: str
    backend: Any
    reference: Any
    size: Size
    seed: int
    root: Path | None
    calls: int = CALLS


def run(
    *,
    backend_name: str = "native",
    size: str = "default",
    seed: int = 0,
    calls: int | None = None,
    as_json: bool = False,
) -> int:
    """Run the layers and print the closing table, or everything as JSON.

    Args:
        backend_name: the backend that is compared with the reference.
        size: `"quick"`, `"default"` or `"full"`.
        seed: of the differential runs.
        calls: the greatest number of calls of the clients that are enumerated; None for the default.
        as_json: print JSON instead of the table.

    Returns:
        0 if a layer ran and none failed, otherwise 1.

    Raises:
        InputError: the data that the environment points to cannot be read.
        BackendError: the backend cannot be found.
    """
    begun = time.monotonic()
    context = Context(
        backend_name,
        load_backend(backend_name),
        load_backend("reference"),
        SIZES[size],
        seed,
        checkout_or_none(),
        calls or CALLS,
    )
    outcomes: list[Outcome] = []
    for layer in layers(context):
        outcome = run_layer(layer)
        outcomes.append(outcome)
        if not as_json:
            print(f"{outcome.verdict:<8}{outcome.layer} ({outcome.seconds:.1f} s)", file=sys.stderr, flush=True)
    seconds = time.monotonic() - begun
    verdicts = {outcome.verdict for outcome in outcomes}
    ok = "passed" in verdicts and "FAILED" not in verdicts
    if as_json:
        print(json.dumps(as_dict(outcomes, context, size, seconds, ok=ok), indent=1))
    else:
        show(outcomes, context, seconds)
    return 0 if ok else 1


def checkout_or_none() -> Path | None:
    """Return the checkout that one works in or that this module is part of, or None."""
    try:
        return checkout()
    except NoCheckout:
        return None


def run_layer(layer: Layer) -> Outcome:
    """Run one layer.

    Whatever it raises is its failure, except input that cannot be used, and a missing module that an extra brings: such
    a layer is skipped.
    """
    begun = time.monotonic()
    verdict, figures, problems = "passed", "", list[str]()
    data: dict[str, Any] = {}
    try:
        found = layer.run()
        figures, problems, data = found.figures, found.problems, found.data
        verdict = "FAILED" if problems else "passed"
    except Skipped as reason:
        verdict, figures = "skipped", str(reason)
    except InputError:
        raise
    except Exception as error:  # a layer that breaks must not hide the others
        needs = remedy(error.name) if isinstance(error, ModuleNotFoundError) else None
        if needs is not None:
            verdict, figures = "skipped", needs
        else:
            verdict, figures, problems = "FAILED", "broke off", [f"{type(error).__name__}: {error}"]
    return Outcome(layer.name, layer.question, verdict, figures, time.monotonic() - begun, problems, data)


def layers(context: Context) -> list[Layer]:
    """Return every layer there is, in the order of the table."""
    name = context.backend_name
    found = [
        Layer(
            "spec",
            "is every clause of the spec cited by a test, and every public function by a clause?",
            functools.partial(spec, context),
        )
    ]
    found += [
        Layer(
            f"lock-step, {profile}",
            f"do {name} and the reference agree after each of many random operations?",
            functools.partial(lock_step, context, profile),
        )
        for profile in PROFILES
    ]
    found += [
        Layer(
            f"replay, {workload.name}",
            "does every consumer rebuild the document byte for byte, over every route, a slow one too?",
            functools.partial(replayed, context, workload),
        )
        for workload in inputs(context)
    ]
    return [
        *found,
        Layer(
            "contracts",
            "do the reference's own contracts hold for every input that a solver tries?",
            functools.partial(contracts, context),
        ),
        Layer(
            "explorer, axioms",
            "does the explorer come to just the executions that the memory model's axioms allow, each once?",
            functools.partial(explorer_axioms, context),
        ),
        Layer(
            "explorer, clients",
            "is the C core right in every execution of a corpus of small programs, stale reads and all?",
            functools.partial(explorer_clients, context),
        ),
        Layer(
            "explorer, every client",
            f"is the C core right in every execution of each client of up to {context.calls} calls?",
            functools.partial(explorer_every_client, context),
        ),
        Layer(
            "explorer, orders",
            "does each memory order of the C core have a program that needs it, or a reason?",
            functools.partial(explorer_orders, context),
        ),
        Layer("C tests", "does the C library pass its tests without Python?", functools.partial(c_tests, context)),
        Layer(
            "seeded defects",
            "does this suite catch one-line faults that are put into the C core?",
            functools.partial(defects, context),
        ),
    ]


# --- the spec


def spec(context: Context) -> Found:
    """Check who cites which clause."""
    if context.root is None:
        raise Skipped("needs a checkout: the tests are not installed")
    report = citations.examine(context.root)
    functions = sum(report.counted.values())
    return Found(
        f"{len(report.clauses)} clauses, {len(report.untested)} of them untested; {functions} public functions",
        report.failures,
        {
            "clauses": len(report.clauses),
            "untested": [clause.id for clause in report.untested],
            "functions": dict(report.counted),
            "citations_by_tests": len(report.tests),
        },
    )


# --- differential runs


def lock_step(context: Context, profile: str) -> Found:
    """Make one differential run."""
    try:
        (report,) = run_diffs(context.backend_name, [profile], context.size.steps, context.seed)
    except InputError as error:
        raise Skipped(str(error)) from None
    problems = ["\n".join(line for line in failure_lines(report) if line)] if report.failure else []
    errors = len(report.errors)
    never = [*report.never_reached, *report.errors_never_reached] if report.agrees else []
    return Found(
        f"{report.steps:,} operations, {len(problems) or 'no'} disagreement; "
        f"{len(report.clauses)} of {len(report.clauses) + len(report.never_reached)} clauses "
        f"and {errors} of {errors + len(report.errors_never_reached)} errors reached"
        + (f", not {', '.join(never)}" if never else ""),
        problems,
        report.to_json(),
    )


# --- replays


def inputs(context: Context) -> list[Workload]:
    """Find real input: recorded traces, the history of the checkout, or else a made-up session.

    Raises:
        InputError: the environment points to data that is missing or cannot be read.
    """
    found = [read_workload(path) for path in trace_files(context.root)]
    here = context.root or Path.cwd()
    with contextlib.suppress(InputError):  # not a git checkout: the others will do
        found.append(read_history(here, commits=context.size.commits))
    return found or [generated_workload()]


def trace_files(root: Path | None) -> list[Path]:
    """Return the traces that the environment names, or those that lie beside the checkout."""
    named = os.environ.get(DATA_VARIABLE)
    if named:
        path = Path(named)
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise InputError(f"{DATA_VARIABLE} is {named}: no such file or folder")
        files = sorted(path.glob("*.json.gz")) + sorted(path.glob("*.jsonl"))
        if not files:
            raise InputError(f"{DATA_VARIABLE} is {named}: no traces (*.json.gz, *.jsonl) in that folder")
        return files
    for base in (root, Path.cwd()):
        if base is not None:
            files = sorted((base.parent / "shared" / "data").glob("*.json.gz"))
            if files:
                return files
    return []


def replayed(context: Context, workload: Workload) -> Found:
    """Replay one input on the backend and on the reference, with a slow consumer."""
    settings = Settings(slow=True)
    results: list[RouteResult] = []
    for name, backend, limit in (
        (context.backend_name, context.backend, context.size.native_events),
        ("reference", context.reference, context.size.reference_events),
    ):
        if name != context.backend_name or backend is not context.reference or not results:
            results += run_replay({name: backend}, prefix(workload, limit), settings)
    run = [result for result in results if not result.left_out]
    good = sum(result.ok for result in run)
    lost = sum(consumer.skipped for result in run for consumer in result.consumers)
    events = [f"{count:,} on {name}" for name, count in {result.backend: result.events for result in run}.items()]
    return Found(
        f"events: {', '.join(events)}; {good} of {len(run)} routes identical; {lost:,} lapped and reread",
        [
            f"{result.backend}, {result.route}: {problem.text}{clause_line(problem.clause)}"
            for result in run
            for problem in result.problems
        ],
        replay_as_dict(workload, results),
    )


# --- contracts


def contracts(context: Context) -> Found:
    """Let CrossHair check the reference's contracts."""
    if not context.size.contracts:
        raise Skipped("left out by --quick")
    from rusted_ring.verify.contracts import run_contracts

    with progress("contracts") as update:
        report = run_contracts(
            seconds=context.size.contracts, progress=lambda done, total, name: update(done, total, name)
        )
    values = report.as_dict()
    return Found(
        f"{values['conditions']} conditions: {values['confirmed']} confirmed, {values['refuted']} refuted, "
        f"{values['not_confirmed']} not confirmed",
        list(report.problems),
        values,
    )


# --- the explorer


def _needs_the_explorer(context: Context) -> Path:
    """Return the checkout, or skip with the reason why the explorer cannot run."""
    if not context.size.litmus:
        raise Skipped("left out by --quick")
    if context.backend_name != "native":
        raise Skipped("explores the C of the native backend")
    if context.root is None:
        raise Skipped("needs a checkout: the C sources are not installed")
    for tool in ("objcopy", "objdump", "addr2line"):
        if shutil.which(tool) is None:
            raise Skipped(f"needs {tool}, which is not installed: it comes with binutils")
    try:
        engine.find_compiler()
    except engine.CannotBuild as error:
        raise Skipped(str(error)) from None
    return context.root


def explorer_axioms(context: Context) -> Found:
    """Compare the engine with the axioms over the classics and over generated programs."""
    from rusted_ring.verify.classics import CLASSICS
    from rusted_ring.verify.litmus import compare
    from rusted_ring.verify.litmus_programs import generate

    _needs_the_explorer(context)
    programs = [classic.program for classic in CLASSICS] + list(generate(context.seed + 1, context.size.litmus))
    executions = 0
    with (
        tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder,
        engine.LineServer(engine.build_litmus(Path(folder))) as server,
        progress("explorer, axioms") as update,
    ):
        asked = 0

        def ask(program: str) -> dict[str, Any]:
            nonlocal executions, asked
            asked += 1
            update(min(asked, len(programs)), len(programs), "")
            answer = server.ask(program, graphs=1, keep_going=1)
            executions += answer["executions"]
            return answer

        found = compare(programs, ask, limit=3)
    return Found(
        f"{len(programs):,} programs, {len(CLASSICS)} of them from the literature: {executions:,} executions, "
        f"{len(found) or 'no'} disagreement",
        [str(one) for one in found],
        {"programs": len(programs), "executions": executions, "disagreements": len(found)},
    )


def explorer_clients(context: Context) -> Found:
    """Run the corpus of clients in every way, and judge what they answered."""
    from rusted_ring.verify.client_corpus import CLIENTS
    from rusted_ring.verify.exploring import Explorer

    root = _needs_the_explorer(context)
    problems = []
    executions = distinct = blocked = histories = 0
    with (
        tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder,
        Explorer(root, Path(folder)) as explorer,
        progress("explorer, clients") as update,
    ):
        for number, client in enumerate(CLIENTS):
            update(number, len(CLIENTS), client.name)
            explored = explorer.explore(client)
            executions += explored.executions
            distinct += explored.distinct
            blocked += explored.blocked
            histories += explored.histories
            if explored.violation is not None:
                violation = explored.violation
                problems.append(
                    f"{client.name}: {client}\n{violation.kind}: {violation.message}"
                    f"{clause_line(violation.clause)}\nreplay: {violation.replay}"
                )
            elif not explored.exhaustive:
                problems.append(f"{client.name}: not exhausted in {explored.executions:,} executions")
    return Found(
        f"{len(CLIENTS)} clients exhausted: {executions:,} executions, {distinct:,} distinct; "
        f"{histories:,} histories judged",
        problems,
        {
            "clients": len(CLIENTS),
            "executions": executions,
            "distinct": distinct,
            "blocked": blocked,
            "histories": histories,
        },
    )


def explorer_every_client(context: Context) -> Found:
    """Run every client of a few calls in every way, and judge what it answered."""
    from rusted_ring.verify import campaign

    root = _needs_the_explorer(context)
    chosen = campaign.Campaign(context.calls, most=context.size.most)
    with (
        workspace() as folder,
        explore.executor(_WORKERS, None) as tasks,
        progress("explorer, every client") as update,
    ):
        program = engine.build_client(root, folder)
        total = sum(1 for _ in chosen.lines())
        account = campaign.run(
            program, chosen, tasks, progress=lambda account: update(account.clients, total, account.rate())
        )
    return Found(account.words(), [campaign.wrong_words(one) for one in account.wrong], asdict(account))


def explorer_orders(context: Context) -> Found:
    """Weaken each order of the core, and look for a client that shows it."""
    from rusted_ring.verify import necessity
    from rusted_ring.verify.exploring import Explorer

    root = _needs_the_explorer(context)
    if not context.size.matrix:
        raise Skipped("left out by --quick")
    if shutil.which(necessity.COMPILER) is None:
        raise Skipped(f"needs {necessity.COMPILER}: the recorded witnesses are executions of its code")
    with (
        tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder,
        Explorer(root, Path(folder), compiler=necessity.COMPILER) as explorer,
        progress("explorer, orders") as update,
    ):
        matrix = necessity.make_matrix(explorer, progress=update)
    values = matrix.as_dict()
    return Found(
        f"{values['cells']} orders weakened: {values['witnessed']} shown to be needed, {values['recorded']} by a "
        f"recorded execution; {values['proved']} proved to make no difference",
        list(matrix.problems),
        values,
    )


# --- the C library alone


def c_tests(context: Context) -> Found:
    """Build the C library by CMake in a temporary folder, and run CTest."""
    if not context.size.c_tests:
        raise Skipped("left out by --quick")
    if context.root is None or not (context.root / "native" / "CMakeLists.txt").is_file():
        raise Skipped("needs a checkout: the C sources are not installed")
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    cmake, ctest = shutil.which("cmake", path=search), shutil.which("ctest", path=search)
    if cmake is None or ctest is None:
        raise Skipped("needs cmake, which is not installed")
    with tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder:
        commands = [
            [cmake, "-S", str(context.root / "native"), "-B", folder, "-DCMAKE_BUILD_TYPE=Release"],
            [cmake, "--build", folder, "--parallel", "2"],
            [ctest, "--test-dir", folder, "--output-on-failure", "--no-tests=error"],
        ]
        said = ""
        for number, command in enumerate(commands):
            with progress("C tests") as update:
                update(number, len(commands), " ".join(command[1:3]))
                try:
                    done = subprocess.run(
                        command,
                        stdin=subprocess.DEVNULL,
                        capture_output=True,
                        text=True,
                        timeout=_BUILD_SECONDS,
                        check=False,
                    )
                except subprocess.TimeoutExpired:
                    return Found("not finished", [f"{Path(command[0]).name} took more than {_BUILD_SECONDS} s"])
            said = done.stdout + done.stderr
            if done.returncode != 0:
                return Found(f"{Path(command[0]).name} failed", ["\n".join(said.strip().splitlines()[-30:])])
    numbers = re.search(r"tests passed\b.* out of (\d+)", said)
    total = int(numbers[1]) if numbers else 0
    return Found(f"{total} test programs", [] if total else ["CTest ran nothing"], {"tests": total})


# --- seeded defects


def defects(context: Context) -> Found:
    """Build and try the seeded defects, or a sample of them that goes round with the seed."""
    every = context.size.defects
    if not every:
        raise Skipped("left out by --quick")
    if context.backend_name != "native":
        raise Skipped("the catalogue is of the native backend's faults")
    from rusted_ring.verify import defects as catalogue

    if shutil.which(os.environ.get("CC", "cc").split()[0]) is None:
        raise Skipped("needs a C compiler, and there is no cc")
    if context.root is None:
        raise Skipped("needs a checkout: the C sources are not installed")
    whole = catalogue.read_catalogue()
    chosen = whole[context.seed % every :: every]
    with progress("seeded defects") as update:
        report = catalogue.run_defects(chosen, progress=lambda done, total, name: update(done, total, name))
    values = report.as_dict()
    sample = f", a sample of {len(whole)}" if len(chosen) < len(whole) else ""
    return Found(f"{values['caught']} of {len(chosen)} caught{sample}", list(report.problems), values)


# --- the closing table


def as_dict(outcomes: Sequence[Outcome], context: Context, size: str, seconds: float, *, ok: bool) -> dict[str, Any]:
    """Return everything as JSON values."""
    return {
        "command": "verify",
        "ok": ok,
        "size": size,
        "backend": context.backend_name,
        "seed": context.seed,
        "seconds": round(seconds, 1),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "layers": [{**asdict(outcome), "seconds": round(outcome.seconds, 2)} for outcome in outcomes],
    }


def show(outcomes: Sequence[Outcome], context: Context, seconds: float) -> None:
    """Print the problems, the closing table, and what it means."""
    for outcome in outcomes:
        if outcome.problems:
            print(f"\n{outcome.layer} FAILED: {outcome.question}")
            for problem in outcome.problems:
                print(problem)
    print()
    rows = [[o.layer, o.verdict, f"{o.seconds:.1f} s", o.figures] for o in outcomes]
    print_table("", ["layer", "verdict", "time", "figures"], rows, right=["time"])
    print()
    width = max(len(outcome.layer) for outcome in outcomes)
    for number, outcome in enumerate(outcomes):
        if number == 0 or outcome.question != outcomes[number - 1].question:
            print(f"{outcome.layer.partition(',')[0]:<{width}}  {outcome.question}")
    print()
    counts = {
        verdict: sum(outcome.verdict == verdict for outcome in outcomes) for verdict in ("passed", "FAILED", "skipped")
    }
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    print(f"{told} in {seconds:.0f} s: {conclusion(context.backend_name, outcomes)}")


def conclusion(backend: str, outcomes: Sequence[Outcome]) -> str:
    """Return what the layers that ran say of the backend, and which did not run."""
    ran = sum(outcome.verdict != "skipped" for outcome in outcomes)
    skipped = [outcome.layer for outcome in outcomes if outcome.verdict == "skipped"]
    if not ran:
        return f"no layer could run, so nothing is known of {backend}"
    if any(outcome.verdict == "FAILED" for outcome in outcomes):
        said = f"{backend} does NOT do what the specification says, or the suite is not in order: see above"
    else:
        said = f"{backend} does what the specification says, as far as the {ran} layers that ran can tell"
    return f"{said}; not run: {'; '.join(skipped)}" if skipped else said
