"""Tables and progress for a terminal, and plain lines for everything else.

`rich` is used where it is installed and the stream is a terminal. Progress goes to stderr, so that stdout holds results
alone.
"""

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

Update = Callable[[int, int, str], None]
"""Called with what is done, what there is to do, and a few words on how it goes."""

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
        rows: the cells, as many a row as there are columns.
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
    """Show how far something is: a bar in a terminal, otherwise a line every few seconds.

    Args:
        title: what is being done.

    Yields:
        The function to call as often as one likes.
    """
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
