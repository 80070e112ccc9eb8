"""Tables and progress for a terminal, and plain lines for everything else.

`rich` is used if it is installed and the stream is a terminal. Progress goes to stderr, so that stdout has only
results.
"""

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Self, TextIO

Update = Callable[[int, int, str], None]
"""Called with the units done, all units, and a few words on the progress."""

listeners: list[Update] = []
"""Listeners that receive all progress of this process instead of the terminal; the last one counts."""

_PLAIN_SECONDS = 5.0
_LIVE_SECONDS = 0.1


def _has_rich(stream: TextIO) -> bool:
    if not stream.isatty():
        return False
    return importlib.util.find_spec("rich") is not None


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Print a table to stdout.

    Args:
        title: a line above it; empty for none.
        columns: the headings.
        rows: the cells; each row has one for each column.
        right: the headings of the columns that are aligned to the right.
    """
    if _has_rich(sys.stdout):
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, title_justify="left", title_style="bold")
        for column in columns:
            table.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell, style=_style(cell)) for cell in row))
        Console().print(table)
        return
    print("\n".join(plain_table(title, columns, rows, right=right)))


def _style(cell: str) -> str:
    return {"yes": "green", "passed": "green", "NO": "bold red", "FAILED": "bold red", "skipped": "yellow"}.get(
        cell, ""
    )


def plain_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> list[str]:
    """Return a table as lines; the last column is not padded."""
    widths = [max(len(row[at]) for row in [columns, *rows]) for at in range(len(columns))]
    lines = [title] if title else []
    for row in [columns, ["-" * width for width in widths], *rows]:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


@contextlib.contextmanager
def progress(title: str) -> Iterator[Update]:
    """Show progress: a bar in a terminal, otherwise a line every few seconds.

    Args:
        title: the name of the work.

    Yields:
        The function that updates the progress; it may be called at any rate.
    """
    if listeners:
        yield listeners[-1]
        return
    if _has_rich(sys.stderr):
        with _live(title) as live:
            yield live
        return
    begun = shown = time.monotonic()

    def update(done: int, total: int, words: str) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _PLAIN_SECONDS:
            shown = now
            said = f", {words}" if words else ""
            print(f"{title}: {done:,} of {total:,} in {now - begun:.0f} s{said}", file=sys.stderr, flush=True)

    yield update


@contextlib.contextmanager
def _live(title: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[words]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, words="")
        shown = 0.0

        def update(done: int, total: int, words: str) -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown >= _LIVE_SECONDS or done >= total:
                shown = now
                bar.update(task, completed=done, total=total, words=words)

        yield update


class Board:
    """Shows the progress of several concurrent tasks on stderr: a line every few seconds, and one at each end."""

    def __init__(self) -> None:
        """Begin to count the seconds."""
        self._begun = self._shown = time.monotonic()
        self._running: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def begin(self, name: str) -> None:
        """Show that a task begins."""
        self._running[name] = ""

    def update(self, name: str, done: int, total: int, words: str) -> None:
        """Show the progress of a task."""
        self._running[name] = f" {done:,} of {total:,}" + (f" ({words})" if words else "")

    def end(self, name: str, verdict: str, seconds: float, figures: str) -> None:
        """Show the outcome of a task."""
        del self._running[name]
        print(f"{verdict:<8}{name} ({seconds:.1f} s): {figures}", file=sys.stderr, flush=True)

    def tick(self) -> None:
        """Show the running tasks, if it is time to."""
        now = time.monotonic()
        if now - self._shown >= _PLAIN_SECONDS and self._running:
            self._shown = now
            told = "; ".join(f"{name}{far}" for name, far in self._running.items())
            print(f"{now - self._begun:.0f} s: {told}", file=sys.stderr, flush=True)


class _LiveBoard(Board):
    """The same in a terminal: a line for each task, with a bar while it runs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn

        self._bars = Progress(
            TextColumn("{task.fields[verdict]}"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[words]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {
            name: self._bars.add_task(name, total=1, start=False, verdict="waits  ", words="") for name in names
        }

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, name: str) -> None:
        self._bars.start_task(self._tasks[name])
        self._bars.update(self._tasks[name], verdict="runs   ", total=None)

    def update(self, name: str, done: int, total: int, words: str) -> None:
        self._bars.update(self._tasks[name], completed=done, total=total, words=f"{done:,} of {total:,} {words}")

    def end(self, name: str, verdict: str, seconds: float, figures: str) -> None:
        style = _style(verdict) or "red"
        self._bars.update(
            self._tasks[name],
            total=1,
            completed=1,
            verdict=f"[{style}]{verdict:<7}[/]",
            words=f"{seconds:.0f} s: {figures}",
        )

    def tick(self) -> None:
        """Do nothing: the bars refresh by themselves."""


def board(names: Sequence[str]) -> Board:
    """Return a board for several tasks: a line for each in a terminal, else plain lines.

    Args:
        names: the tasks, in the order in which they are shown.
    """
    return _LiveBoard(names) if _has_rich(sys.stderr) else Board()
