"""The layers of the verification: each answers one question about a backend, the core or the explorer."""

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rusted_ring.verify import citations
from rusted_ring.verify.explorer import engine, executors
from rusted_ring.verify.lockstep.reports import PROFILES
from rusted_ring.verify.lockstep.results import failure_lines, run_diffs
from rusted_ring.verify.replay.documents import Workload
from rusted_ring.verify.replay.editing_traces import generated_workload, read_workload
from rusted_ring.verify.replay.git_history import check_history, read_history
from rusted_ring.verify.replay.outcomes import RouteResult, Settings
from rusted_ring.verify.replay.results import replay_as_dict, run_replay
from rusted_ring.verify.replay.routes import prefix
from rusted_ring.verify.support.backend import load_backend
from rusted_ring.verify.support.clauses import clause_line
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.processes import workspace
from rusted_ring.verify.support.report import progress

DATA_VARIABLE = "RUSTED_RING_DATA"
CALLS = 3
"""The greatest number of calls of the clients that are enumerated, by default."""
_BUILD_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each layer is done. If a layer does one part in n, the seed decides which part.

    Attributes:
        steps: operations of a differential run, for each profile.
        native_events: the greatest number of events of all replays on the backend under test.
        reference_events: the greatest number of events of all replays on the reference.
        commits: the greatest number of commits of a git history.
        contracts: CrossHair's time limit for a condition, in seconds; 0 leaves the layer out.
        functions: one in this many functions with contracts is checked.
        c_tests: whether the C library is built and tested on its own.
        defects: one in this many seeded defects is built and tried; 0 leaves the layer out.
        litmus: generated litmus programs on which the engine is compared with the axioms; 0 leaves the explorer out.
        corpus: one in this many clients of the corpus is explored.
        enumerated: one in this many enumerated clients is explored.
        most: the greatest number of executions of each enumerated client.
        orders: one in this many orders of the core is weakened; 0 leaves the layer out.
        wrong_systems: one in this many wrong transition systems is refuted; 0 leaves the proofs out.
        models: one in this many TLA+ models is checked; 0 leaves the layer out.
    """

    steps: int
    native_events: int
    reference_events: int
    commits: int
    contracts: float
    functions: int
    c_tests: bool
    defects: int
    litmus: int
    corpus: int
    enumerated: int
    most: int
    orders: int
    wrong_systems: int
    models: int


SIZES = {
    "quick": Size(5_000, 5_000, 500, 50, 0, 1, False, 0, 0, 1, 1, 0, 0, 0, 0),
    "default": Size(6_000, 20_000, 1_000, 100, 6, 4, True, 52, 200, 4, 16, 200, 8, 8, 5),
    "full": Size(1_000_000, 10**9, 10**9, 10**9, 12, 1, True, 1, 10_000, 1, 1, 2_000, 1, 1, 1),
}
FULL = SIZES["full"]


class Skipped(Exception):
    """A layer cannot run here; the message says why."""


@dataclass(slots=True)
class Found:
    """The findings of a layer.

    Attributes:
        figures: its counts, in a few words.
        problems: its failures, one line or several each; none means that the layer passed.
        data: all findings, as JSON values.
        share: how much of the work of `--full` was done, from 0 to 1.
    """

    figures: str
    problems: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its name, the question it answers, the function that answers it, and roughly its relative duration."""

    name: str
    question: str
    run: Callable[[], Found]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Context:
    """The arguments of the layers, in a form that can be sent to another process.

    Attributes:
        backend_name: the backend under test.
        size: how much to do.
        seed: the seed of all random draws, and of the choice of a part.
        root: the checkout, or None.
        calls: the greatest number of calls of the enumerated clients.
        processes: how many processes one layer may keep busy.
        inputs: how many inputs are replayed; they share the events.
    """

    backend_name: str
    size: Size
    seed: int
    root: Path | None
    calls: int = CALLS
    processes: int = 1
    inputs: int = 1

    def part(self, share: int) -> int:
        """Return which part of several is done, from 0."""
        return self.seed % share


def layers(context: Context) -> list[Layer]:
    """Return every layer, in the order of the table.

    Raises:
        InputError: the environment points to data that is missing.
    """
    name = context.backend_name
    sources = inputs(context)
    context = replace(context, inputs=len(sources))
    return [
        Layer(
            "spec",
            "is every clause of the spec cited by a test, and every public function by a clause?",
            functools.partial(spec, context),
            4,
        ),
        *(
            Layer(
                f"lock-step, {profile}",
                f"do {name} and the reference agree after each random operation?",
                functools.partial(lock_step, context, profile),
                8,
            )
            for profile in PROFILES
        ),
        *(
            Layer(
                f"replay, {source}",
                "does every consumer, a slow one too, rebuild the document byte for byte over every route?",
                functools.partial(replayed, context, read),
                6 / len(sources),
            )
            for source, read in sources
        ),
        Layer(
            "contracts",
            "do the reference's own contracts hold for every input that a solver tries?",
            functools.partial(contracts, context),
            12,
        ),
        Layer(
            "explorer, axioms",
            "does the explorer visit exactly the executions that the memory model's axioms allow, each once?",
            functools.partial(explorer_axioms, context),
            4,
        ),
        Layer(
            "explorer, clients",
            "is the C core right in every execution of a corpus of small programs, stale reads included?",
            functools.partial(explorer_clients, context),
            14,
        ),
        Layer(
            "explorer, word steps",
            "does every execution of the corpus change each word of the C core as the model's actions do?",
            functools.partial(explorer_word_steps, context),
            6,
        ),
        Layer(
            "explorer, every client",
            f"is the C core right in every execution of each client of up to {context.calls} calls?",
            functools.partial(explorer_every_client, context),
            14,
        ),
        Layer(
            "explorer, orders",
            "does each memory order of the C core have a program that needs it, or a reason?",
            functools.partial(explorer_orders, context),
            14,
        ),
        Layer(
            "proofs",
            "are the protocols of the C core right for any number of threads, references, laps and readers?",
            functools.partial(proofs, context),
            8,
        ),
        Layer(
            "TLA+ models",
            "does each model of the specification have the properties that it should, and each faulty one not?",
            functools.partial(tla_models, context),
            8,
        ),
        Layer("C tests", "does the C library pass its tests without Python?", functools.partial(c_tests, context), 16),
        Layer(
            "seeded defects",
            "does this suite catch one-line faults that are put into the C core?",
            functools.partial(defects, context),
            20,
        ),
    ]


def _of(done: int, every: int) -> str:
    return f"{done:,}" if done == every else f"{done:,} of {every:,}"


# --- the spec


def spec(context: Context) -> Found:
    """Check the citations of clauses."""
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
        min(1.0, context.size.steps / FULL.steps),
    )


# --- replays


def inputs(context: Context) -> list[tuple[str, Callable[[], Workload]]]:
    """Find real input: recorded traces, the history of the checkout, or else a generated session.

    Returns:
        The name of each input, and a function that reads it.

    Raises:
        InputError: the environment points to data that is missing.
    """
    found: list[tuple[str, Callable[[], Workload]]] = [
        (path.name, functools.partial(read_workload, path)) for path in trace_files(context.root)
    ]
    here = context.root or Path.cwd()
    with contextlib.suppress(InputError):  # not a git checkout: use the other inputs
        check_history(here)
        read = functools.partial(read_history, here, commits=context.size.commits)
        found.append((here.resolve().name or str(here), read))
    return found or [("generated session", generated_workload)]


def trace_files(root: Path | None) -> list[Path]:
    """Return the traces that the environment names, or those beside the checkout."""
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


def replayed(context: Context, read: Callable[[], Workload]) -> Found:
    """Replay one input on the backend and on the reference, with a slow consumer.

    Raises:
        InputError: the input cannot be read.
    """
    settings = Settings(slow=True)
    workload = read()
    limits = {"reference": context.size.reference_events, context.backend_name: context.size.native_events}
    results: list[RouteResult] = []
    for name in dict.fromkeys((context.backend_name, "reference")):
        most = max(1, limits[name] // context.inputs)
        results += run_replay({name: load_backend(name)}, prefix(workload, most), settings)
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
        min(1.0, max(1, limits[context.backend_name] // context.inputs) / len(workload.events)),
    )


# --- contracts


def contracts(context: Context) -> Found:
    """Let CrossHair check the reference's contracts."""
    if not context.size.contracts:
        raise Skipped("left out by --quick")
    from rusted_ring.verify.contracts.checking import run_contracts

    with progress("contracts") as update:
        report = run_contracts(
            seconds=context.size.contracts,
            share=context.size.functions,
            part=context.part(context.size.functions),
            processes=context.processes,
            progress=lambda done, total, name: update(done, total, name),
        )
    values = report.as_dict()
    return Found(
        f"{_of(len(report.findings), report.every)} conditions: {values['confirmed']} confirmed, "
        f"{values['refuted']} refuted, {values['not_confirmed']} not confirmed",
        list(report.problems),
        values,
        len(report.findings) / (report.every or 1),
    )


# --- the proofs


def proofs(context: Context) -> Found:
    """Prove the transition systems by z3, and refute wrong ones."""
    share = context.size.wrong_systems
    if not share:
        raise Skipped("left out by --quick")
    if context.backend_name != "native":
        raise Skipped("proves the protocols of the native backend")
    from rusted_ring.verify.proofs.command import NEEDS_Z3, has_solver, prove_and_refute

    if not has_solver():
        raise Skipped(NEEDS_Z3)
    with progress("proofs") as update:
        found = prove_and_refute(share, context.part(share), update)
    return Found(found.words(), list(found.problems), asdict(found), found.share)


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
    from rusted_ring.verify.litmus.classics import CLASSICS
    from rusted_ring.verify.litmus.comparison import compare
    from rusted_ring.verify.litmus.generation import generate

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
        min(1.0, len(programs) / (len(CLASSICS) + FULL.litmus)),
    )


def explorer_clients(context: Context) -> Found:
    """Explore every execution of the clients of the corpus, and judge their histories."""
    from rusted_ring.verify.clients.corpus import CLIENTS
    from rusted_ring.verify.model_checking.harness import Explorer

    root = _needs_the_explorer(context)
    problems = []
    chosen = CLIENTS[context.part(context.size.corpus) :: context.size.corpus]
    executions = distinct = blocked = histories = 0
    with (
        tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder,
        Explorer(root, Path(folder)) as explorer,
        progress("explorer, clients") as update,
    ):
        for number, client in enumerate(chosen):
            update(number, len(chosen), client.name)
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
        f"{_of(len(chosen), len(CLIENTS))} clients exhausted: {executions:,} executions, {distinct:,} distinct; "
        f"{histories:,} histories judged",
        problems,
        {
            "clients": len(chosen),
            "executions": executions,
            "distinct": distinct,
            "blocked": blocked,
            "histories": histories,
        },
        len(chosen) / len(CLIENTS),
    )


def explorer_word_steps(context: Context) -> Found:
    """Check what every execution of the clients of the corpus does to the words of the core against the actions."""
    from rusted_ring.verify.clients.corpus import CLIENTS
    from rusted_ring.verify.model_checking.harness import Explorer
    from rusted_ring.verify.word_steps.checking import check
    from rusted_ring.verify.word_steps.words import Projector

    root = _needs_the_explorer(context)
    chosen = CLIENTS[context.part(context.size.corpus) :: context.size.corpus]
    with (
        tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder,
        Explorer(root, Path(folder)) as explorer,
        progress("explorer, word steps") as update,
    ):
        account = check(
            Projector(explorer),
            chosen,
            whole=len(chosen) == len(CLIENTS),
            progress=lambda done, name: update(done, len(chosen), name),
        )
    return Found(account.words(), [*account.rejected, *account.problems], account.as_dict(), len(chosen) / len(CLIENTS))


def explorer_every_client(context: Context) -> Found:
    """Explore every execution of every client of a few calls, and judge their histories."""
    from rusted_ring.verify import campaign

    root = _needs_the_explorer(context)
    share = context.size.enumerated
    chosen = campaign.Campaign(context.calls, most=context.size.most, share=share, part=context.part(share))
    with (
        workspace() as folder,
        executors.executor(context.processes, None) as tasks,
        progress("explorer, every client") as update,
    ):
        program = engine.build_client(root, folder)
        total = sum(1 for _ in chosen.lines())
        account = campaign.run(
            program, chosen, tasks, progress=lambda account: update(account.clients, total, account.rate())
        )
    words = account.words() if share == 1 else f"one in {share}: {account.words()}"
    return Found(words, [campaign.wrong_words(one) for one in account.wrong], asdict(account), 1 / share)


def explorer_orders(context: Context) -> Found:
    """Weaken each order of the core, and search for a client that then fails."""
    from rusted_ring.verify.model_checking.harness import Explorer
    from rusted_ring.verify.necessity.matrix import COMPILER, make_matrix

    root = _needs_the_explorer(context)
    share = context.size.orders
    if not share:
        raise Skipped("left out by --quick")
    if shutil.which(COMPILER) is None:
        raise Skipped(f"needs {COMPILER}: the recorded witnesses are executions of its code")
    with (
        tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder,
        Explorer(root, Path(folder), compiler=COMPILER) as explorer,
        progress("explorer, orders") as update,
    ):
        matrix = make_matrix(
            explorer, share=share, part=context.part(share), processes=context.processes, progress=update
        )
    values = matrix.as_dict()
    return Found(
        f"{_of(len(matrix.rows), matrix.cells)} orders weakened: {values['witnessed']} shown to be needed, "
        f"{values['recorded']} by a recorded execution; {values['proved']} proved to make no difference",
        list(matrix.problems),
        values,
        len(matrix.rows) / matrix.cells,
    )


# --- the models


def tla_models(context: Context) -> Found:
    """Let TLC check the TLA+ models, or a part of them that the seed selects."""
    from rusted_ring.verify.tla import checking, tlc
    from rusted_ring.verify.tla.manifest import read_manifest

    share = context.size.models
    if not share:
        raise Skipped("left out by --quick")
    models = read_manifest()
    chosen = models[context.part(share) :: share]
    total = len(models)
    outcomes = []
    try:
        with progress("TLA+ models") as update:
            for outcome in checking.run([one.name for one in chosen], processes=context.processes):
                outcomes.append(outcome)
                update(len(outcomes), len(chosen), outcome.name)
    except tlc.Missing as error:
        raise Skipped(str(error)) from None
    failing = sum(bool(model.violated) for model in chosen)
    return Found(
        f"{_of(len(chosen), total)} models checked within their bounds, {failing} of them wrong on purpose",
        [f"{outcome.name}: {outcome.detail}" for outcome in outcomes if not outcome.ok],
        {"models": len(chosen), "wrong_on_purpose": failing},
        len(chosen) / total,
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
        raise Skipped("needs cmake: pip install cmake")
    with tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder:
        commands = {
            "configure": [cmake, "-S", str(context.root / "native"), "-B", folder, "-DCMAKE_BUILD_TYPE=Release"],
            "build": [cmake, "--build", folder, "--parallel", str(context.processes)],
            "run": [ctest, "--test-dir", folder, "--output-on-failure", "--no-tests=error"],
        }
        said = ""
        for number, (step, command) in enumerate(commands.items()):
            with progress("C tests") as update:
                update(number, len(commands), step)
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
    """Build and try the seeded defects, or a sample of them that the seed selects."""
    every = context.size.defects
    if not every:
        raise Skipped("left out by --quick")
    if context.backend_name != "native":
        raise Skipped("the catalogue is of the native backend's faults")
    from rusted_ring.verify.defects.catalogue import read_catalogue
    from rusted_ring.verify.defects.run import run_defects

    if shutil.which(os.environ.get("CC", "cc").split()[0]) is None:
        raise Skipped("needs a C compiler, and there is no cc")
    if context.root is None:
        raise Skipped("needs a checkout: the C sources are not installed")
    whole = read_catalogue()
    chosen = whole[context.part(every) :: every]
    with progress("seeded defects") as update:
        report = run_defects(
            chosen, processes=context.processes, progress=lambda done, total, name: update(done, total, name)
        )
    values = report.as_dict()
    return Found(
        f"{values['caught']} caught of {_of(len(chosen), len(whole))}",
        list(report.problems),
        values,
        len(chosen) / len(whole),
    )
