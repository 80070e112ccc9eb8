"""One execution as columns for a terminal: a column for each thread, a row for each event, in order of execution.

      #    main        T1                     T2                                  source
      1    create T1   |                      |                                   mp.c:19  pthread_create(...)
      3    |           write data = 1         |                                   mp.c:7   data = 1;
      ...

A row has the event's number, its operation, the write that it reads from (`<- #4`; `<- init` for the initial value;
`not #6` if a newer write is above it), and its source line. Rows of the error are marked in the margin. An arrow leads
from one thread to the next at each context switch. The text depends only on the execution and the arguments.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rusted_ring.verify.explorer.trace import Event, Sources, Trace, action, place_in_source, source_of_read

LEAST_WIDTH = 60
_LEAST_COLUMN, _MOST_COLUMN = 10, 40
_LEAST_SOURCE = 24
_GAP = 2

_BOLD, _RED, _DIM, _PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class _Signs:
    """The characters that lines are drawn with."""

    column: str
    turn: str
    run: str
    to_right: str
    from_right: str
    to_left: str
    cut: str


_DRAWN = _Signs("│", "└", "─", "▶", "┘", "◀", "…")
_ASCII = _Signs("|", "+", "-", ">", "+", "<", "~")


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the table before the layout: an event, or several events folded into one line."""

    thread: int
    number: str
    words: str
    source: tuple[str, str]
    marked: bool
    dim: bool


def columns(
    trace: Trace,
    *,
    width: int = 140,
    every: bool = False,
    sources: Sources | None = None,
    color: bool = False,
    ascii_only: bool = False,
) -> list[str]:
    """Return an execution as lines of text.

    Args:
        trace: the execution.
        width: the greatest number of characters in a line; less than 60 counts as 60.
        every: whether each plain access without a part in the error gets a row; otherwise consecutive ones are folded
            into one.
        sources: the source lines; by default they are read from the files.
        color: whether to use the terminal's colours.
        ascii_only: whether to draw only with ASCII characters.
    """
    signs = _ASCII if ascii_only else _DRAWN
    paint = _painter(color)
    sources = sources or Sources()
    rows = _rows(trace, sources, every=every)
    layout = _Layout(trace, rows, max(width, LEAST_WIDTH), signs)
    lines = [paint(layout.heading(), _BOLD)]
    for at, row in enumerate(rows):
        if at and rows[at - 1].thread != row.thread:
            lines.append(paint(layout.switch(rows[at - 1].thread, row.thread, at), _DIM))
        lines.append(paint(layout.line(row, at), _RED if row.marked else _DIM if row.dim else ""))
    lines += _below(trace, paint)
    return lines


def can_draw(encoding: str | None) -> bool:
    """Return whether a stream of this encoding can print the characters that lines are drawn with."""
    try:
        "│└─▶┘◀…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _painter(color: bool) -> Callable[[str, str], str]:
    return (lambda text, code: f"{code}{text}{_PLAIN}" if code else text) if color else (lambda text, _: text)


# --- the rows


def _rows(trace: Trace, sources: Sources, *, every: bool) -> list[_Row]:
    inside = {identity for call in trace.calls for identity in call.events[1:]}
    returns = {event.id for event in trace.events if event.kind == "return"}
    rows: list[_Row] = []
    run: list[Event] = []

    def finish_run() -> None:
        if len(run) == 1:
            rows.append(_row(trace, run[0], sources, indent=run[0].id in inside))
        elif run:
            rows.append(_folded(run, indent=run[0].id in inside))
        run.clear()

    for event in trace.events:
        if event.plain and not every and event.id not in trace.of_the_fault:
            if run and run[-1].thread != event.thread:
                finish_run()
            run.append(event)
            continue
        finish_run()
        rows.append(_row(trace, event, sources, indent=event.id in inside and event.id not in returns))
    finish_run()
    return rows


def _row(trace: Trace, event: Event, sources: Sources, *, indent: bool) -> _Row:
    words = [action(trace, event), _order_of_writes(trace, event), source_of_read(trace, event)]
    return _Row(
        event.thread,
        f"#{event.id}",
        ("  " if indent else "") + "  ".join(word for word in words if word),
        (place_in_source(event), sources.line(event.file, event.line)),
        marked=trace.fault is not None and event.id in trace.fault.events,
        dim=event.plain and event.id not in trace.of_the_fault,
    )


def _folded(run: Sequence[Event], *, indent: bool) -> _Row:
    first, last = run[0].id, run[-1].id
    reads = sum(event.kind == "read" for event in run)
    counts = [f"{count} plain {word}" for count, word in ((reads, "reads"), (len(run) - reads, "writes")) if count]
    words = ("  " if indent else "") + ", ".join(counts)
    places = list(dict.fromkeys(filter(None, (place_in_source(event) for event in run))))
    told = places[0] if len(places) == 1 else f"{places[0]} to {places[-1].rpartition(':')[2]}" if places else ""
    return _Row(run[0].thread, f"#{first}-{last}", words, (told, ""), marked=False, dim=True)


def _order_of_writes(trace: Trace, event: Event) -> str:
    """Return the index in the modification order if it differs from the order of the rows."""
    return f"mo {event.mo}" if event.mo is not None and event.location in trace.reordered else ""


# --- the layout


class _Layout:
    """The widths of the margin, of each thread's column, and of the source.

    If there are many threads for the width, or long texts, a row's text continues to the right over other columns.
    """

    def __init__(self, trace: Trace, rows: Sequence[_Row], width: int, signs: _Signs) -> None:
        self._signs = signs
        self._width = width
        self._names = trace.threads
        self._margin = 2 + max([len(row.number) for row in rows] + [1]) + _GAP
        self._place = max([len(row.source[0]) for row in rows] + [0])
        # A line runs down the column of each thread, from its first row to its last.
        self._lives: dict[int, tuple[int, int]] = {}
        for at, row in enumerate(rows):
            self._lives[row.thread] = (self._lives.get(row.thread, (at, at))[0], at)
        self._shown = sorted(self._lives) or [0]
        longest = {
            thread: max([len(row.words) for row in rows if row.thread == thread] + [len(self._names[thread])]) + _GAP
            for thread in self._shown
        }
        told = max([self._place + 2 + len(row.source[1]) for row in rows] + [len("source")])
        least = min(told, max(_LEAST_SOURCE, self._place + _LEAST_SOURCE // 2))
        self._columns = {thread: min(max(longest[thread], _LEAST_COLUMN), _MOST_COLUMN) for thread in self._shown}
        self._shrink(longest, _LEAST_COLUMN, width - min(told, width // 3))
        self._shrink(longest, 4, width - least)
        self._source = min(self._end(longest), width - least)

    def _end(self, longest: Mapping[int, int]) -> int:
        """Return the leftmost position of the source that cuts no text."""
        return max(self._margin + self._before(thread) + longest[thread] for thread in self._shown)

    def _shrink(self, longest: Mapping[int, int], least: int, end: int) -> None:
        """Narrow the widest columns until the text of every column ends in time; it continues over other columns."""
        while self._end(longest) > end:
            # The text of the last column can use the room up to the source anyway.
            widest = max(self._shown[:-1], key=lambda thread: self._columns[thread], default=None)
            if widest is None or self._columns[widest] <= least:
                return
            self._columns[widest] -= 1

    def _before(self, thread: int) -> int:
        return sum(column for other, column in self._columns.items() if other < thread)

    def heading(self) -> str:
        names = [
            _cut(self._names[thread], column - 1, self._signs).ljust(column) for thread, column in self._columns.items()
        ]
        head = ("  #".ljust(self._margin) + "".join(names))[: self._source].ljust(self._source)
        return f"{head}source".rstrip()

    def line(self, row: _Row, at: int) -> str:
        start = self._start(row.thread)
        words = _cut(row.words, self._source - start - 1, self._signs)
        chart = self._chart(at)
        chart[start : start + len(words) + 1] = list(words + " ")
        chart[: self._margin] = list(f"{'>' if row.marked else ' '} {row.number}".ljust(self._margin))
        place, text = row.source
        source = _cut(f"{place:<{self._place}}  {text}".rstrip(), self._width - self._source, self._signs)
        return ("".join(chart)[: self._source].ljust(self._source) + source).rstrip()

    def switch(self, thread: int, following: int, at: int) -> str:
        """Return the line between two rows of different threads; `at` is the index of the row below it."""
        chart = self._chart(at, between=True)
        start, end = self._start(thread), self._start(following)
        signs = self._signs
        if start < end:
            chart[start : end + 1] = [signs.turn, *signs.run * (end - start - 1), signs.to_right]
        else:
            chart[end : start + 1] = [signs.to_left, *signs.run * (start - end - 1), signs.from_right]
        return "".join(chart)[: self._source].rstrip()

    def _start(self, thread: int) -> int:
        return min(self._margin + self._before(thread), self._source - 4)

    def _chart(self, at: int, *, between: bool = False) -> list[str]:
        chart = [" "] * self._source
        for thread, (first, last) in self._lives.items():
            if first < at <= last or (first == at and not between):
                chart[self._start(thread)] = self._signs.column
        return chart


def _cut(text: str, width: int, signs: _Signs) -> str:
    text = _tame(text)
    return text if len(text) <= width else text[: max(width - 1, 0)] + signs.cut


def _tame(text: str) -> str:
    """Replace characters that move the cursor or change the terminal's colours; a source line may contain them."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in text)


# --- below the table


def _below(trace: Trace, paint: Callable[[str, str], str]) -> Iterable[str]:
    if trace.calls:
        yield ""
        yield paint("calls", _BOLD)
        width = max(len(trace.threads[call.thread]) for call in trace.calls)
        for call in trace.calls:
            outcome = "did not return" if call.result is None else f"-> {call.result}" if call.result else "returned"
            rows = f"#{call.events[0]}" + (f"-{call.events[-1]}" if len(call.events) > 1 else "")
            yield _tame(f"  {trace.threads[call.thread]:<{width}}  {call.text}  {outcome}  ({rows})")
    yield ""
    count = len(trace.events)
    yield f"{count} event{'s' * (count != 1)}, {trace.switches} context switch{'es' * (trace.switches != 1)}"
    if trace.fault is not None:
        where = ", ".join(
            f"#{event.id} ({trace.threads[event.thread]}{', ' * bool(place)}{place})"
            for event in (trace.by_id[identity] for identity in trace.fault.events)
            for place in [place_in_source(event)]
        )
        said = f": {trace.fault.message}" if trace.fault.message else ""
        yield paint(_tame(f"> {trace.fault.kind}{said}{': ' * bool(where)}{where}"), _RED)
