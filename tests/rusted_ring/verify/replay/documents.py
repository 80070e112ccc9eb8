"""Events, and the documents that consumers rebuild from them [RING-5, PTR-7].

A `Workload` is a list of events with the document that they produce. Every consumer starts with an empty document of
its own, applies each delivered event in order, and has to end with exactly the bytes that the workload expects.
"""

import collections
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from rusted_ring.verify.support.errors import InputError

CLASS_LIMITS = {"XS": 64, "S": 256, "M": 1_024, "L": 4_096, "XL": 16_384}
"""The largest payload of each class below XXL, in bytes [SIZE-1]."""

MORE = 0xFFFF_FFFF
"""The event type of a fragment that is followed by another one of the same event; no event of a workload has it."""

MAX_BYTES = 128 << 20
"""The default limit of an input in bytes: the objects in Python take about ten times as much."""

_FRAME = struct.Struct("<II")


class TooLarge(InputError):
    """Input of more bytes than the caller allows."""

    def __init__(self, name: object, limit: int, remedy: str = "") -> None:
        """Name the input, the limit in bytes, and another remedy besides a higher limit."""
        super().__init__(f"{name}: has more than {limit:,} bytes: allow more by --max-bytes{remedy}")


class MergeError(ValueError):
    """An event that does not fit the document as it stands: one was lost, repeated, reordered or damaged [RING-13]."""


class Event(NamedTuple):
    """One event of a workload: a payload and an event type from 0 to 4,294,967,294 [ALLOC-23]."""

    data: bytes
    event_type: int = 0


class Document(Protocol):
    """A document that a consumer rebuilds."""

    def apply(self, data: bytes, event_type: int) -> None:
        """Apply the next event.

        Raises:
            MergeError: the event does not fit the document.
        """

    def content(self) -> bytes:
        """Return the current document as bytes."""
        raise NotImplementedError


@dataclass(slots=True)
class Workload:
    """Events, and the document that they produce.

    Attributes:
        name: the name by which the user gave the input.
        kind: a description in a few words.
        events: the events, in order.
        expected: the bytes of the final document.
        new_document: makes the empty document that a consumer starts with.
        notes: remarks for the user, such as omissions, one line each.
    """

    name: str
    kind: str
    events: list[Event]
    expected: bytes
    new_document: Callable[[], Document]
    notes: list[str] = field(default_factory=list)

    @property
    def payload_bytes(self) -> int:
        """Return the length of all payloads together, in bytes."""
        return sum(len(event.data) for event in self.events)

    def classes(self) -> dict[str, int]:
        """Return the number of events of each class, XS to XXL [SIZE-2]."""
        counted = collections.Counter(class_of(len(event.data)) for event in self.events)
        return {name: counted[name] for name in (*CLASS_LIMITS, "XXL")}


def class_of(length: int) -> str:
    """Return the name of the class of a payload length, without asking the implementations under test [SIZE-2]."""
    return next((name for name, limit in CLASS_LIMITS.items() if length <= limit), "XXL")


class StreamDocument:
    """The delivered events themselves, each as type, length (u32 each, little-endian) and payload [RING-5]."""

    def __init__(self) -> None:
        """Start with an empty stream."""
        self._parts: list[bytes] = []

    def apply(self, data: bytes, event_type: int) -> None:
        """Append the event."""
        self._parts.append(_FRAME.pack(event_type, len(data)))
        self._parts.append(data)

    def content(self) -> bytes:
        """Return every event, back to back."""
        return b"".join(self._parts)


def stream_of(events: Sequence[Event]) -> bytes:
    """Return the content of a `StreamDocument` after some events."""
    document = StreamDocument()
    for event in events:
        document.apply(event.data, event.event_type)
    return document.content()


class TextDocument:
    """A text that is edited by patches, each the JSON of `[position, deleted, inserted]`, in characters."""

    def __init__(self, start: str = "") -> None:
        """Start with a text."""
        self._text = start

    def apply(self, data: bytes, event_type: int) -> None:
        """Apply one patch."""
        if event_type != 0:
            raise MergeError(f"a patch has the event type {event_type}, not 0")
        try:
            position, deleted, inserted = json.loads(data)
        except ValueError as error:
            raise MergeError(f"a patch is no longer JSON: {data[:40]!r} ({error})") from None
        text = self._text
        if position + deleted > len(text):
            raise MergeError(f"a patch at {position} deletes {deleted} of a text of {len(text)} characters")
        self._text = text[:position] + inserted + text[position + deleted :]

    def content(self) -> bytes:
        """Return the text as UTF-8."""
        return self._text.encode("utf-8", "surrogatepass")
