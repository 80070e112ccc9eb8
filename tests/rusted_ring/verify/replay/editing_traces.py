"""Reading editing traces and JSON lines [RING-5].

An editing trace (`.json` or `.json.gz`, of the public editing-traces collection) is an object `{startContent,
endContent, txns: [{patches: [[position, deleted, inserted], ...]}, ...]}`. In a sequential trace every patch is an
event: the payload is the patch as JSON, the type is 0, and the document is the edited text. A concurrent trace (several
agents, `parents`) cannot be applied in file order: there every transaction is an event, its type is the agent, and the
document is the merged text.

JSON lines: each line is an object with `"data"` (text, taken as UTF-8) or `"base64"` (bytes), and perhaps
`"event_type"` (0 to 4,294,967,294, by default 0). The document is the stream of events: type, length and payload of
each.
"""

import base64
import binascii
import gzip
import json
import random
import string
import zlib
from pathlib import Path
from typing import IO, Any

from rusted_ring.verify.replay.documents import (
    MAX_BYTES,
    MORE,
    Event,
    MergeError,
    StreamDocument,
    TextDocument,
    TooLarge,
    Workload,
    stream_of,
)
from rusted_ring.verify.replay.merge import MergedDocument
from rusted_ring.verify.support.errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"
_LINE_SUFFIXES = {".jsonl", ".ndjson"}


def read_workload(path: Path, *, max_bytes: int = MAX_BYTES) -> Workload:
    """Read an editing trace or JSON lines; the file's contents decide which it is.

    Args:
        path: the file; gzip is recognised by its first bytes.
        max_bytes: the greatest length of the unpacked text in bytes. No more than that is read.

    Raises:
        InputError: the file cannot be read, is too large, is neither, or its patches do not lead to its `endContent`.
    """
    text = _text(path, max_bytes)
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if suffixes & _LINE_SUFFIXES:
        return _read_lines(path, text)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.lineno > 1 and _is_event(text.lstrip().split("\n", 1)[0]):
            return _read_lines(path, text)
        raise InputError(f"{path}: not JSON (line {error.lineno}, column {error.colno}: {error.msg})") from None
    except RecursionError:
        raise InputError(f"{path}: JSON that is nested too deeply to be a trace") from None
    except ValueError:  # int() refuses some thousands of digits
        raise InputError(f"{path}: JSON with a number too long to be one of a trace") from None
    if isinstance(found, dict) and "txns" in found:
        return _read_trace(path, found)
    if isinstance(found, dict) and found.keys() & {"data", "base64"}:
        return _read_lines(path, text)
    raise InputError(
        f"{path}: neither an editing trace (an object with txns and endContent) "
        f"nor JSON lines (objects with data or base64)"
    )


def generated_workload(events: int = 5_000, seed: int = 0) -> Workload:
    """Generate an editing session with payloads of every class, for use without real input.

    Args:
        events: the number of patches.
        seed: the same seed gives the same session.
    """
    source = random.Random(seed)
    patches: list[Event] = []
    text = ""
    for number in range(events):
        # Mostly keystrokes; sometimes a paste, with lengths from all classes.
        length = int(2 ** source.uniform(5, 15.5)) if number % 97 == 0 else source.randrange(3)
        inserted = "".join(source.choices(string.ascii_lowercase + " \n\u00e9\u4e2d", k=length))
        position = source.randrange(len(text) + 1)
        deleted = min(len(text) - position, source.randrange(20_000) if len(text) > 60_000 else source.randrange(3))
        text = text[:position] + inserted + text[position + deleted :]
        patches.append(Event(json.dumps([position, deleted, inserted]).encode("ascii")))
    return Workload(
        name="generated session",
        kind=f"made-up editing session (seed {seed}); each patch an event, the document is the text",
        events=patches,
        expected=text.encode(),
        new_document=TextDocument,
    )


def _text(path: Path, max_bytes: int) -> str:
    try:
        with path.open("rb") as file:
            packed = file.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
            source: IO[bytes] = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
            raw = source.read(max_bytes + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory; give files, or a git history by --git") from None
    except EOFError:
        raise InputError(f"{path}: truncated gzip") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > max_bytes:
        raise TooLarge(path, max_bytes)
    if path.suffix.lower() == ".gz" and not packed:
        raise InputError(f"{path}: not gzip, although its name says so")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}), so neither JSON nor JSON lines") from None
    if not text.strip():
        raise InputError(f"{path}: is empty")
    return text


def _is_event(line: str) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return False
    return isinstance(found, dict) and bool(found.keys() & {"data", "base64"})


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _read_trace(path: Path, found: dict[str, Any]) -> Workload:
    start, end, transactions = found.get("startContent", ""), found.get("endContent"), found["txns"]
    if not isinstance(start, str) or not isinstance(end, str) or not isinstance(transactions, list):
        raise InputError(f"{path}: startContent and endContent must be text and txns a list")
    for number, transaction in enumerate(transactions):
        _check_transaction(path, number, transaction)
    if any(t.get("parents", [n - 1]) != ([n - 1] if n else []) and "parents" in t for n, t in enumerate(transactions)):
        return _concurrent(path, start, end, transactions)
    events = [
        Event(
            json.dumps(patch).encode("ascii")
        )  # as written by default, so that size classes are those of the collection's notes
        for transaction in transactions
        for patch in transaction["patches"]
    ]
    if not events:
        raise InputError(f"{path}: a trace without patches has no events to replay")
    text = start
    for number, transaction in enumerate(transactions):
        for position, deleted, inserted in transaction["patches"]:
            if position + deleted > len(text):
                where = f"{path}: txns[{number}]"
                raise InputError(f"{where} deletes {deleted} characters at {position} of a text of {len(text)}")
            text = text[:position] + inserted + text[position + deleted :]
    if text != end:
        raise InputError(f"{path}: its patches do not lead to its endContent, so a replay could prove nothing")
    return Workload(
        name=path.name,
        kind="editing trace, one author; each patch an event, the document is the text",
        events=events,
        expected=end.encode("utf-8", "surrogatepass"),
        new_document=lambda: TextDocument(start),
    )


def _check_transaction(path: Path, number: int, transaction: object) -> None:
    if not isinstance(transaction, dict) or not isinstance(transaction.get("patches"), list):
        raise InputError(f"{path}: txns[{number}] is not an object with a list of patches")
    for patch in transaction["patches"]:
        if not isinstance(patch, list) or len(patch) != 3 or not isinstance(patch[2], str):
            raise InputError(f"{path}: txns[{number}] has a patch that is not [position, deleted, inserted]")
        for name, value in zip(("position", "deleted"), patch[:2], strict=True):
            if not _count(value):
                raise InputError(
                    f"{path}: txns[{number}] has a patch whose {name} is {value!r}: it must be a whole number from 0"
                )


def _concurrent(path: Path, start: str, end: str, transactions: list[dict[str, Any]]) -> Workload:
    events: list[Event] = []
    for number, transaction in enumerate(transactions):
        agent, parents = transaction.get("agent", 0), transaction.get("parents", [])
        if not _count(agent) or agent >= MORE:
            raise InputError(f"{path}: txns[{number}] has the agent {agent!r}: it must be a whole number from 0")
        if not isinstance(parents, list) or not all(_count(parent) and parent < number for parent in parents):
            raise InputError(
                f"{path}: txns[{number}] has the parents {parents!r}: they must be numbers of txns before it"
            )
        kept = {"parents": parents, "patches": transaction["patches"]}
        events.append(Event(json.dumps(kept).encode("ascii"), agent))
    authors = len({event.event_type for event in events})
    document = MergedDocument(start)
    for event in events:
        document.apply(*event)
    try:
        merged = document.content() == end.encode("utf-8", "surrogatepass")
    except MergeError as error:
        raise InputError(f"{path}: {error}") from None
    workload = Workload(
        name=path.name,
        kind=f"editing trace, {authors} authors at once; each transaction an event, the document is the merged text",
        events=events,
        expected=end.encode("utf-8", "surrogatepass"),
        new_document=lambda: MergedDocument(start),
    )
    if not merged:
        # Concurrent edits at one position have no order of their own, and the writer of endContent chose another one.
        workload.kind = (
            f"editing trace, {authors} authors at once; each transaction an event, the document is their stream"
        )
        workload.expected, workload.new_document = stream_of(events), StreamDocument
        workload.notes.append("merged in another order than its endContent: the stream of events is compared instead")
    return workload


def _read_lines(path: Path, text: str) -> Workload:
    events: list[Event] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            events.append(_event(f"{path}: line {number}", line))
    return Workload(
        name=path.name,
        kind="JSON lines; each line an event, the document is the stream of events",
        events=events,
        expected=stream_of(events),
        new_document=StreamDocument,
    )


def _event(where: str, line: str) -> Event:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: not JSON") from None
    if not isinstance(found, dict) or len(found.keys() & {"data", "base64"}) != 1:
        raise InputError(f"{where}: must be an object with either data or base64")
    unknown = sorted(found.keys() - {"data", "base64", "event_type"})
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}; an event has data or base64, and event_type")
    event_type = found.get("event_type", 0)
    if not _count(event_type) or event_type >= MORE:
        raise InputError(f"{where}: event_type is {event_type!r}: it must be a whole number from 0 to {MORE - 1}")
    value = found.get("data", found.get("base64"))
    if not isinstance(value, str):
        raise InputError(f"{where}: data and base64 must be text")
    if "data" in found:
        return Event(value.encode("utf-8", "surrogatepass"), event_type)
    try:
        return Event(base64.b64decode(value, validate=True), event_type)
    except (binascii.Error, ValueError):
        raise InputError(f"{where}: base64 is not base64") from None
