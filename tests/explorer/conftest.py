"""Executions made by hand, as the engine prints them: what the tests of the columns and of the page show.

The happens-before counts are worked out from the events themselves by the few lines of `Author`: program order, create,
join, and acquire loads that read from release stores. The C sources that they point to are written beside them.

The tests of this folder import its helpers by name.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify.explorer.trace import Trace, parse

sys.path.insert(0, str(Path(__file__).parent))


@dataclass
class Author:
    """Writes an execution event by event."""

    file: str
    threads: list[str]
    events: list[dict[str, Any]] = field(default_factory=list)
    clocks: dict[int, list[int]] = field(default_factory=dict)

    def add(self, thread: int, kind: str, line: int, after: tuple[int, ...] = (), **keys: Any) -> int:
        """Add an event, which happens after the events of `after` (ids) and those of its own thread."""
        clock = self.clocks.setdefault(thread, [0] * len(self.threads))
        for identity in after:
            clock[:] = [max(pair) for pair in zip(clock, self.events[identity]["hb"], strict=True)]
        clock[thread] += 1
        identity = len(self.events)
        at = {"file": self.file, "line": line} if line else {}
        self.events.append({"id": identity, "thread": thread, "kind": kind, **at, **keys, "hb": list(clock)})
        return identity

    def finish(self, replay: str, error: dict[str, Any] | None) -> dict[str, Any]:
        # Through JSON and back, since that is how it comes from the engine.
        content = {"replay": replay, "threads": self.threads, "events": self.events, "error": error}
        found: dict[str, Any] = json.loads(json.dumps(content))
        return found


MESSAGE_PASSING = """\
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static int data;
static atomic_int flag;

static void *writer(void *unused)
{
    data = 42;
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
    return unused;
}

static void *reader(void *unused)
{
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1)
        printf("%d\\n", data);
    return unused;
}

int main(void)
{
    pthread_t one, two;
    pthread_create(&one, NULL, writer, NULL);
    pthread_create(&two, NULL, reader, NULL);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    return 0;
}
"""

STORE_BUFFERING = """\
#include <assert.h>
#include <stdatomic.h>
#include <threads.h>

static atomic_int x, y;
static int left, right;

static int first(void *unused) {
    atomic_store_explicit(&x, 1, memory_order_release);
    left = atomic_load_explicit(&y, memory_order_acquire);
    return 0;
}

static int second(void *unused) {
    atomic_store_explicit(&y, 1, memory_order_release);
    right = atomic_load_explicit(&x, memory_order_acquire);
    return 0;
}

int main(void) {
    thrd_t one, two;
    thrd_create(&one, first, NULL);
    thrd_create(&two, second, NULL);
    thrd_join(one, NULL);
    thrd_join(two, NULL);
    assert(left == 1 || right == 1);
}
"""

CLIENT = """\
bool rr_ring_add(rr_ring *ring, const uint8_t *data, uint32_t length)
{
    uint64_t cursor = atomic_load_explicit(&ring->cursor, memory_order_relaxed);
    memcpy(ring->slots[cursor % ring->capacity].data, data, length);   // </script><script>alert("\u2028")</script>
    atomic_store_explicit(&ring->cursor, cursor + 1, memory_order_relaxed);
    return true;
}

int rr_reader_next(rr_reader *reader, uint8_t *out)
{
    uint64_t cursor = atomic_load_explicit(&reader->ring->cursor, memory_order_acquire);
    if (reader->next == cursor) return RR_NOTHING;
    memcpy(out, reader->ring->slots[reader->next % reader->ring->capacity].data, 8);
    return 0;
}
"""


def message_passing(folder: Path) -> dict[str, Any]:
    """A race: the flag is stored relaxed, so that the plain write is not ordered before the plain read."""
    path = folder / "mp.c"
    path.write_text(MESSAGE_PASSING)
    author = Author(str(path), ["main", "T1", "T2"])
    one = author.add(0, "create", 25, function="main", text="T1")
    two = author.add(0, "create", 26, function="main", text="T2")
    plain: dict[str, Any] = {"order": "na", "location": "data", "size": 4}
    flag: dict[str, Any] = {"location": "flag", "size": 4}
    write = author.add(1, "write", 10, (one,), function="writer", written=42, **plain)
    store = author.add(1, "store", 11, function="writer", order="rlx", written=1, mo=1, **flag)
    author.add(2, "load", 17, (two,), function="reader", order="acq", read=1, rf=store, **flag)
    read = author.add(2, "read", 18, function="reader", read=42, rf=write, **plain)
    message = "data is read by T2 while T1 writes it"
    return author.finish("mp:1.0.1", {"kind": "data-race", "message": message, "events": [write, read]})


def store_buffering(folder: Path) -> dict[str, Any]:
    """Both threads miss each other's store: no interleaving does that, release and acquire allow it."""
    path = folder / "sb.c"
    path.write_text(STORE_BUFFERING)
    author = Author(str(path), ["main", "T1", "T2"])
    one = author.add(0, "create", 22, text="T1")
    two = author.add(0, "create", 23, text="T2")
    author.add(1, "store", 9, (one,), order="rel", location="x", size=4, written=1, mo=1)
    author.add(1, "load", 10, order="acq", location="y", size=4, read=0, rf=None)
    author.add(1, "write", 10, order="na", location="left", size=4, written=0)
    author.add(2, "store", 15, (two,), order="rel", location="y", size=4, written=1, mo=1)
    author.add(2, "load", 16, order="acq", location="x", size=4, read=0, rf=None)
    author.add(2, "write", 16, order="na", location="right", size=4, written=0)
    author.add(0, "join", 24, (4,), text="T1")
    author.add(0, "join", 25, (7,), text="T2")
    author.add(0, "read", 26, order="na", location="left", size=4, read=0, rf=4)
    author.add(0, "read", 26, order="na", location="right", size=4, read=0, rf=7)
    failed = author.add(0, "assert", 26, text="left == 1 || right == 1")
    error = {"kind": "assertion", "message": "left == 1 || right == 1 does not hold", "events": [failed]}
    return author.finish("sb:0.0", error)


def client(folder: Path) -> dict[str, Any]:
    """Calls on a ring whose cursor is published relaxed; its source holds what would end a script of the page."""
    path = folder / "rings.c"
    path.write_text(CLIENT)
    author = Author(str(path), ["main", "T1", "T2"])
    cursor: dict[str, Any] = {"location": "0x7f0000001040", "size": 8}
    first = author.add(1, "call", 0, text='add("</script><b>a")')
    author.add(1, "load", 3, function="rr_ring_add", order="rlx", read=0, rf=None, **cursor)
    writes = [
        author.add(1, "write", 4, order="na", location=f"0x7f00000020{at:02x}", size=1, written=at) for at in range(8)
    ]
    store = author.add(1, "store", 5, function="rr_ring_add", order="rlx", written=1, mo=1, **cursor)
    author.add(1, "return", 6, text="true")
    author.add(2, "call", 0, text="next()")
    author.add(2, "load", 11, function="rr_reader_next", order="acq", read=0, rf=None, **cursor)
    author.add(2, "return", 12, text="nothing")
    author.add(2, "call", 0, text="next()")
    author.add(2, "load", 11, function="rr_reader_next", order="acq", read=1, rf=store, **cursor)
    read = author.add(2, "read", 13, order="na", location="0x7f0000002000", size=1, read=0, rf=writes[0])
    assert first == 0
    error = {
        "kind": "data-race",
        "message": "a byte of a slot is read and written at once",
        "events": [writes[0], read],
    }
    return author.finish("client:2.1.0.2", error)


@pytest.fixture
def race(tmp_path: Path) -> Trace:
    """Message passing with a relaxed flag."""
    return parse(message_passing(tmp_path))


@pytest.fixture
def buffering(tmp_path: Path) -> Trace:
    """Store buffering, both reads old."""
    return parse(store_buffering(tmp_path))


@pytest.fixture
def calls(tmp_path: Path) -> Trace:
    """A client of a ring."""
    return parse(client(tmp_path))


@pytest.fixture
def samples(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Each sample by its name, as JSON values."""
    written = {"race": message_passing, "buffering": store_buffering, "calls": client}
    return lambda name: written[name](tmp_path)
