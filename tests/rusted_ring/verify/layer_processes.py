"""Layers side by side, each in a process of its own: a layer that crashes or hangs does not affect the others."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from rusted_ring.verify.layers import Layer, Skipped
from rusted_ring.verify.support import report
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.extras import remedy
from rusted_ring.verify.support.processes import begin_worker, token, unwound_by_signals

_ENDING_SECONDS: Final = 10
_MESSAGE_SECONDS: Final = 0.1
_INTERRUPTED: Final = 130


@dataclass(slots=True)
class Outcome:
    """The outcome of a layer: one row of the final table."""

    layer: str
    question: str
    verdict: str
    figures: str
    seconds: float
    problems: list[str]
    data: dict[str, Any]
    share: float = 1.0


def run_layer(layer: Layer) -> Outcome:
    """Run one layer in this process.

    An exception of the layer is its failure, with two exceptions: an InputError propagates, and if a module of an extra
    is missing, the layer is skipped.
    """
    begun = time.monotonic()
    verdict, figures, problems, share = "passed", "", list[str](), 0.0
    data: dict[str, Any] = {}
    try:
        found = layer.run()
        figures, problems, data, share = found.figures, found.problems, found.data, found.share
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
    return Outcome(layer.name, layer.question, verdict, figures, time.monotonic() - begun, problems, data, share)


def run_layers(layers: Sequence[Layer], workers: int, board: report.Board) -> list[Outcome]:
    """Run layers side by side, those that take long first.

    Args:
        layers: the layers.
        workers: how many run at a time.
        board: shows the progress of each layer.

    Returns:
        The outcome of each layer, in the order of `layers`.

    Raises:
        InputError: a layer has input that cannot be used.
    """
    outcomes: dict[str, Outcome] = {}
    left = sorted(layers, key=lambda layer: layer.weight)
    running: dict[Connection, _Running] = {}
    try:
        while left or running:
            while left and len(running) < workers:
                layer = left.pop()
                board.begin(layer.name)
                process = _Running(layer)
                running[process.connection] = process
            for connection in multiprocessing.connection.wait(list(running), timeout=_MESSAGE_SECONDS):
                assert isinstance(connection, Connection)
                process = running[connection]
                said = process.read()
                if isinstance(said, Outcome):
                    del running[connection]
                    process.join()
                    outcomes[process.layer.name] = said
                    board.end(said.layer, said.verdict, said.seconds, said.figures)
                elif isinstance(said, InputError):
                    raise said
                else:
                    board.update(process.layer.name, *said)
            board.tick()
    finally:
        for process in running.values():
            process.terminate()
    return [outcomes[layer.name] for layer in layers]


class _Running:
    """A layer that runs in a process."""

    def __init__(self, layer: Layer) -> None:
        context = multiprocessing.get_context("spawn")
        self.layer = layer
        self._begun = time.monotonic()
        self.connection, theirs = context.Pipe(duplex=False)
        self._process: SpawnProcess = context.Process(
            target=_work, args=(layer, theirs, os.getpid(), token()), name=layer.name
        )
        self._process.start()
        theirs.close()

    def read(self) -> Outcome | InputError | tuple[int, int, str]:
        """Return the layer's progress or its outcome; if its process died, an outcome that says so."""
        try:
            said: Outcome | InputError | tuple[int, int, str] = self.connection.recv()
        except EOFError:
            self._process.join()
            status = self._process.exitcode or 0
            how = signal.Signals(-status).name if status < 0 else f"status {status}"
            problem = f"its process ended by {how} before it had an outcome"
            seconds = time.monotonic() - self._begun
            return Outcome(self.layer.name, self.layer.question, "FAILED", "broke off", seconds, [problem], {}, 0.0)
        return said

    def join(self) -> None:
        """Wait for the process to end, which it does soon after its outcome.

        This does not terminate it: that would also end the programs of the other layers, which carry the same token.
        """
        self.connection.close()
        self._process.join(_ENDING_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def terminate(self) -> None:
        """Terminate the process and the programs that it runs."""
        self._process.terminate()
        self.join()


def _work(layer: Layer, answers: Connection, parent: int, carried: str) -> None:
    """Run a layer in this process, which was started for it; send its progress, then its outcome."""
    begin_worker(parent, carried)
    shown = 0.0

    def tell(done: int, total: int, words: str) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _MESSAGE_SECONDS:
            shown = now
            answers.send((done, total, words))

    try:
        with unwound_by_signals(), _progress_to(tell):
            try:
                said: Outcome | InputError = run_layer(layer)
            except InputError as error:
                said = error
            answers.send(said)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(_INTERRUPTED)  # the terminal interrupts this process and its parent: the parent reports it


@contextmanager
def _progress_to(listener: Callable[[int, int, str], None]) -> Iterator[None]:
    report.listeners.append(listener)
    try:
        yield
    finally:
        report.listeners.pop()
