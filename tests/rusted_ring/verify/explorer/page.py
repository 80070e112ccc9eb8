"""One execution as a self-contained HTML page: threads as columns, edges on hover or focus, calls, the clause broken.

The page is `page.html`, beside this module, with the execution embedded as JSON. It loads no other resource, and its
content security policy enforces that.
"""

import html
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from rusted_ring.verify.explorer.trace import Event, Sources, Trace, action
from rusted_ring.verify.support.clauses import SpecError, load_clauses

LIMIT = 200_000
"""The limit of a page's size in bytes."""

_MARGIN = 2  # lines of source shown above and below that of the chosen event
_TEXT_LIMIT = 4_000  # characters of a title, a message, a replay string
_LINE_LIMIT = 160  # characters of a source line


class PageError(ValueError):
    """The page cannot be made small enough: the message says what is too large."""


def render(
    trace: Trace,
    *,
    title: str,
    linearization: Sequence[str] | None = None,
    stuck: str | None = None,
    clause: str | None = None,
    sources: Sources | None = None,
) -> str:
    """Return an execution as an HTML page, encoded in UTF-8 below `LIMIT` bytes.

    If everything does not fit, the page leaves out, in this order: the lines around those of the events, plain accesses
    without a part in the error, and the earliest events. It states what is left out.

    Args:
        trace: the execution.
        title: the page's heading.
        linearization: the calls in an order that agrees with the reference, a line each; None if none was searched.
        stuck: a sentence on the point at which that order could not be continued.
        clause: the id of the clause that is broken; its text is looked up in the spec.
        sources: the source lines; by default they are read from the files.

    Raises:
        PageError: the linearization alone is too large.
    """
    template = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    sources = sources or Sources()
    heading = html.escape(_short(title)).encode("utf-8", "replace").decode()
    about = {
        "linearization": None if linearization is None else list(linearization),
        "stuck": stuck,
        "clause": _clause(clause),
    }
    parts: dict[str, str] = {"TITLE": heading}
    for events, margin, left_out in _ever_less(trace):
        content = _content(trace, events, sources, margin) | about | {"left_out": left_out}
        # In one substitution, since a title or a source line may contain such a word itself.
        parts["TRACE"] = _embedded(content)
        page = re.sub("@(TITLE|TRACE)@", lambda found: parts[found[1]], template)
        if len(page.encode()) < LIMIT:
            return page
    raise PageError(f"the page does not fit into {LIMIT:,} bytes even without events: shorten the linearization")


def _ever_less(trace: Trace) -> Iterator[tuple[Sequence[Event], int, str]]:
    """Yield ever smaller selections: the events, the number of lines around theirs, and words on what is left out."""
    yield trace.events, _MARGIN, ""
    yield trace.events, 0, ""
    dull = _dull(trace)
    some = [event for event in trace.events if event.id not in dull]
    yield some, 0, f"Left out, to keep the page small: {len(dull)} plain accesses"
    kept = len(some)
    while kept:
        kept //= 2
        last = {event.id for event in some[len(some) - kept :]}
        shown = [event for event in some if event.id in last or event.id in trace.of_the_fault]
        yield shown, 0, f"Left out, to keep the page small: {len(trace.events) - len(shown)} earlier events"


def _dull(trace: Trace) -> Collection[int]:
    """Return the ids of the plain accesses without a part in the error."""
    return {event.id for event in trace.events if event.plain and event.id not in trace.of_the_fault}


def _content(trace: Trace, events: Sequence[Event], sources: Sources, margin: int) -> dict[str, Any]:
    files = sorted({event.file for event in events if event.line})
    number = {file: at for at, file in enumerate(files)}
    lines: dict[int, dict[int, str]] = {}
    for event in events:
        if event.line:
            near = sources.around(event.file, event.line, margin)
            lines.setdefault(number[event.file], {}).update(
                {at: text[:_LINE_LIMIT] for at, text in sorted(near.items())}
            )
    dull = _dull(trace)
    inside = {identity for call in trace.calls for identity in call.events[1:]}
    inside -= {event.id for event in events if event.kind == "return"}
    shown = {event.id for event in events}
    return {
        "threads": trace.threads,
        "count": len(trace.events),
        "switches": trace.switches,
        "files": files,
        "lines": lines,
        "events": [_event(trace, event, number, dull, inside) for event in events],
        "calls": [
            {"thread": call.thread, "text": _short(call.text), "first": call.events[0]}
            | ({} if call.result is None else {"result": _short(call.result)})
            for call in trace.calls
            if call.events[0] in shown
        ],
        "fault": None
        if trace.fault is None
        else {
            "kind": trace.fault.kind,
            "message": _short(trace.fault.message),
            "events": [identity for identity in trace.fault.events if identity in shown],
        },
        "replay": trace.replay,
    }


def _event(
    trace: Trace, event: Event, files: dict[str, int], dull: Collection[int], inside: Collection[int]
) -> dict[str, Any]:
    """Return the fields of an event that the page needs, without those that do not apply."""
    newer = trace.passed_over.get(event.id)
    content: dict[str, Any] = {
        "id": event.id,
        "thread": event.thread,
        "place": event.place,
        "kind": event.kind,
        "does": _short(action(trace, event)),
        "order": event.order,
        "location": event.location,
        "size": event.size or None,
        "read": _exact(event.read),
        "written": _exact(event.written),
        "rf": event.rf,
        "over": newer.id if newer else None,
        "mo": event.mo,
        "hb": event.hb,
        "function": event.function or None,
        "file": files[event.file] if event.line else None,
        "line": event.line or None,
        "dull": True if event.id in dull else None,
        "inside": True if event.id in inside else None,
    }
    return {key: thing for key, thing in content.items() if thing is not None}


def _exact(number: int | None) -> int | str | None:
    """Return a value for a script, whose numbers are exact only up to 2^53; larger ones are passed as text."""
    return number if number is None or abs(number) < 2**53 else str(number)


def _clause(identifier: str | None) -> dict[str, str] | None:
    if not identifier:
        return None
    try:
        clause = load_clauses().get(identifier)
    except SpecError:
        clause = None
    return {"id": identifier, "title": clause.title, "text": clause.text} if clause else {"id": identifier}


def _embedded(content: dict[str, Any]) -> str:
    """Return JSON for a script element: nothing in it can end the element or open a comment.

    Characters outside ASCII are escaped, also the line separators of Unicode, which some script parsers refuse.
    """
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
