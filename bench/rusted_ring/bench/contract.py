"""What all harnesses agree on: the works, the peers, and how a figure is named.

A figure is a number of nanoseconds an event, and its name is `work/peer/key=value/...`. One event is the whole of the
work. A name that is not in these tables is refused, so that a figure cannot be lost for being misspelt.

The tables also say what each peer guarantees and what `native` guarantees in each work. From these two follows how much
longer than a peer `native` may take.
"""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

Harness = Literal["c", "rust", "java", "python"]
Keys = Mapping[str, str]
Call = Literal["called", "inlined"]

NATIVE: Final = "native"
MACHINE: Final = "machine"
MEMORY: Final = "memory"
"""The one work without figures: bytes, and whether they grow."""
BATCHES: Final = (1, 16, 64, 256, 1_024)
"""Events a call, of the bulk calls from Python."""


class UnknownFigure(ValueError):
    """A name that the contract does not have: the message says which part."""


@dataclasses.dataclass(frozen=True)
class Guarantee:
    """Something that costs time, and that one peer does and another does not.

    Attributes:
        name: as it stands in the tables of works and peers.
        buys: what a program gets from it.
        lacking: what is said of a peer that does not give it, after "it has".
        mode: the mode of a ring in which `native` gives it; empty: in each.
    """

    name: str
    buys: str
    lacking: str
    mode: str = ""


GUARANTEES: Final[Mapping[str, Guarantee]] = {
    guarantee.name: guarantee
    for guarantee in (
        Guarantee(
            "generations",
            "the name of an event that is gone is refused, and not taken for its successor's",
            "no generations",
        ),
        Guarantee(
            "references",
            "an event has several owners, and its slot is free after the last of them",
            "no counted references",
        ),
        Guarantee(
            "overflow",
            "a reference too many is refused and changes nothing, so that no count wraps",
            "no refusal of a count's overflow",
        ),
        Guarantee(
            "full", "room is limited, and an event is refused only if there is none left", "no exact limit", "gated"
        ),
        Guarantee(
            "progress", "the other threads go on if one is stopped inside a call", "locks that a stopped thread keeps"
        ),
        Guarantee("lengths", "each event has a length and a type of its own", "no length and type of an event"),
        Guarantee(
            "laps",
            "a reader that was overtaken is told, with the exact number of events that it missed",
            "no laps",
            "overwrite",
        ),
        Guarantee("readers", "several readers each get every event", "a single reader of an event"),
        Guarantee("joining", "readers join, leave and are evicted while the writer runs", "no readers that join later"),
        Guarantee("waits", "a reader can sleep until there is something to read", "no sleeping readers"),
        Guarantee(
            "copies",
            "the event is bytes of its own, in memory that is not Python's",
            "no copy, since it hands over an object",
        ),
    )
}


@dataclasses.dataclass(frozen=True)
class Work:
    """What is measured.

    Attributes:
        name: as it stands in a figure's name.
        event: what one event is, in words.
        keys: the parameters, each with the value that it has where a name leaves it out, or None: it must be there.
        every: what each peer must give, as keys that a figure has among others; a harness may say that a peer cannot.
        two_threads: quoted beside the round trip of the same round alone, since virtual processors move.
        limits: the works of `machine` that belong to it.
        guarantees: what `native` guarantees in it.
        call: how the harness reaches the fast path of `native`: through a call of the library, or inlined.
    """

    name: str
    event: str
    keys: Mapping[str, str | None]
    every: tuple[Keys, ...] = ({},)
    two_threads: bool = False
    limits: tuple[str, ...] = ()
    guarantees: tuple[str, ...] = ()
    call: Call = "called"

    @property
    def of_python(self) -> bool:
        """Whether the Python harness measures it."""
        return self.name.startswith("python-")

    @property
    def is_limit(self) -> bool:
        """Whether it is of the machine itself."""
        return self.name.startswith("limit-")


_PAYLOAD: Final = {"payload": "64"}
_BULK_KEYS: Final[Mapping[str, str | None]] = {"payload": None, "batch": None}
_BULK: Final = tuple({"payload": "64", "batch": str(batch)} for batch in BATCHES)
_THREADS: Final[Mapping[str, str | None]] = {"oversubscribed": "0"}
_LINES: Final[Mapping[str, str | None]] = {"lines": "best", **_THREADS}
_COUNTED: Final = ("generations", "references", "full", "lengths")
"""What an event of a pool has, besides that threads do not wait for each other, which they do for the GIL."""
_RING: Final = ("full", "laps", "readers", "joining", "lengths", "waits")
_PYTHON_RING: Final = (*(name for name in _RING if name != "full"), "copies")
"""The rings of the Python harness overwrite."""
_IN_PLACE: Final = tuple({"payload": payload, "batch": batch} for payload in ("64", "4096") for batch in ("1", "16"))
_TRANSFER: Final = ("limit-round-trip", "limit-line-transfer", "limit-line-transfer-bulk")

WORKS: Final[Mapping[str, Work]] = {
    work.name: work
    for work in (
        Work("limit-locked-add", "one locked add without rivals", {}),
        Work("limit-locked-cas", "one compare-exchange without rivals", {}),
        Work("limit-locked-add-pair", "two locked adds without rivals", {}),
        Work("limit-memcpy", "the payload copied into a slot", {"payload": None}, (_PAYLOAD,)),
        Work(
            "limit-copy",
            "the payload copied into a slot and out of it",
            {"payload": None, "capacity": None},
            ({"payload": "64", "capacity": "1024"},),
        ),
        Work("limit-line-transfer", "a line of 64 bytes handed to another core, as a stream", _LINES, two_threads=True),
        Work(
            "limit-line-transfer-bulk",
            "the same with a cursor published every 64 lines",
            _LINES,
            two_threads=True,
        ),
        Work("limit-round-trip", "a line handed to another core and back", _THREADS, two_threads=True),
        Work(
            "pool",
            "allocate, fill, drop",
            {"payload": None, "occupancy": None, "threads": None, "live": "0"},
            tuple({"payload": "64", "occupancy": share, "threads": "1", "live": "0"} for share in ("0", "50", "99")),
            limits=("limit-memcpy", "limit-locked-add", "limit-locked-cas"),
            guarantees=(*_COUNTED, "progress"),
        ),
        Work(
            "clone",
            "clone and drop, of an event with so many references",
            {**_PAYLOAD, "references": "1"},
            limits=("limit-locked-add-pair",),
            guarantees=("references", "overflow"),
        ),
        Work(
            "ring",
            "add and next in one thread",
            {"payload": None, "capacity": None, "mode": "gated"},
            ({"payload": "64", "capacity": "1024"},),
            limits=("limit-copy",),
            guarantees=_RING,
        ),
        Work(
            "ring-bulk",
            "add_many and next_many in one thread, an event of them",
            {"payload": None, "batch": None, "capacity": None, "mode": "gated"},
            tuple({"payload": payload, "batch": "16", "mode": "overwrite"} for payload in ("64", "256", "1024")),
            limits=("limit-copy",),
            guarantees=_RING,
        ),
        Work(
            "ring-in-place",
            "in one thread events written where they lie, published, read there and released, an event of them",
            {"payload": None, "batch": None, "capacity": None, "mode": "gated"},
            _IN_PLACE,
            limits=("limit-memcpy",),
            guarantees=_RING,
        ),
        Work(
            "stream",
            "one event from a writer's thread to a reader's",
            {"payload": None, "batch": None, "capacity": None, "mode": "gated", **_THREADS},
            tuple({"payload": "64", "batch": batch, "capacity": "1024"} for batch in ("1", "64")),
            two_threads=True,
            limits=_TRANSFER,
            guarantees=_RING,
        ),
        Work(
            "readers",
            "one event to each of the readers",
            {"readers": None, "payload": None, "batch": None, "capacity": None, "mode": "gated", **_THREADS},
            tuple({"readers": readers, "payload": "64"} for readers in ("1", "2", "4")),
            two_threads=True,
            limits=_TRANSFER,
            guarantees=_RING,
        ),
        Work(
            "python-pointer",
            "Python: allocate, view, drop; of a queue put and get",
            {"payload": None},
            guarantees=(*_COUNTED, "copies"),
        ),
        Work(
            "python-ring",
            "Python: add and next; of a queue put and get",
            {"payload": None},
            guarantees=_PYTHON_RING,
        ),
        Work(
            "python-ring-bulk",
            "Python: add_many and next_many, an event of them",
            _BULK_KEYS,
            _BULK,
            guarantees=_PYTHON_RING,
        ),
        Work(
            "python-in-place",
            "Python: an event written where it lies, published, its first and last byte read where it lies, released",
            {"payload": None},
            ({"payload": "64"}, {"payload": "4096"}),
            guarantees=(*_RING, "copies"),
        ),
        Work(
            "python-pointer-bulk",
            "Python: allocate_many and drop_many, an event of them",
            _BULK_KEYS,
            _BULK,
            guarantees=(*_COUNTED, "copies"),
        ),
        Work(
            "python-busy",
            "Python: one small call, alone and beside a busy thread",
            {"payload": None, "calls": None, "busy": None},
            ({"busy": "0"}, {"busy": "1"}),
            guarantees=_PYTHON_RING,
        ),
        Work(
            "python-wake",
            "Python: from before an add to after the wait of another thread",
            {"how": None},
            guarantees=_PYTHON_RING,
        ),
    )
}

CALLS: Final[Mapping[str, str]] = {
    "ring": "Writer.add and Reader.next",
    "pointer": "EventAllocator.allocate and RingPtr.drop",
    "queue": "put and get, or append and popleft",
}
"""The small calls of `python-busy`, by the value of `calls`: two of them by turns, and each counts as one."""


@dataclasses.dataclass(frozen=True)
class Peer:
    """Who is measured.

    Attributes:
        name: as it stands in a figure's name.
        harness: which one measures it; `native` is measured by two.
        works: what it must give.
        source: where its version is to be asked for: a package of Debian (`deb:`), of crates.io (`crate:`), of Maven
            (`maven:`), of PyPI (`pypi:`), or nothing: part of the system, the language or this project.
        guarantees: which of `GUARANTEES` it gives as it is measured here.
        most: how many times as long as it `native` may take where it gives less; None: as long as other peers.
    """

    name: str
    harness: Harness
    works: tuple[str, ...]
    source: str = ""
    guarantees: tuple[str, ...] = ()
    most: float | None = None


_LIMITS: Final = tuple(work for work in WORKS if work.startswith("limit-"))
_RINGS: Final = ("ring", "stream")
_ONE_BY_ONE: Final = ("python-pointer", "python-ring")
_OBJECTS: Final = ("references", "lengths", "waits")
"""Of queues of Python's objects, which are counted, have lengths and types, and which a thread can wait for."""

PEERS: Final[Mapping[str, Peer]] = {
    peer.name: peer
    for peer in (
        Peer(MACHINE, "c", _LIMITS),
        Peer(NATIVE, "c", tuple(work for work in WORKS if work not in _LIMITS), guarantees=tuple(GUARANTEES)),
        Peer("glibc", "c", ("pool",), "deb:libc6"),
        Peer("jemalloc", "c", ("pool",), "deb:libjemalloc-dev"),
        Peer("mimalloc", "c", ("pool",), "deb:libmimalloc-dev", ("progress",)),
        Peer("ck_ring", "c", _RINGS, "deb:libck-dev", ("full",)),
        Peer("boost-spsc", "c", _RINGS, "deb:libboost-dev", ("full",)),
        Peer("readerwriterqueue", "c", _RINGS, "deb:libreaderwriterqueue-dev"),
        Peer("concurrentqueue", "c", _RINGS, "deb:libconcurrentqueue-dev"),
        Peer("rte_ring", "c", _RINGS, "deb:libdpdk-dev", ("full",)),
        Peer("Arc", "rust", ("pool", "clone"), guarantees=("references",)),
        Peer(
            "rusted-ring-0.3.2",
            "rust",
            ("pool", "clone"),
            "crate:rusted-ring",
            ("references", "progress", "lengths"),
        ),
        Peer("rusted-ring-0.5.6", "rust", _RINGS, "crate:rusted-ring", ("readers", "joining", "lengths")),
        Peer("rtrb", "rust", (*_RINGS, "ring-in-place"), "crate:rtrb", ("full",)),
        Peer("crossbeam-array-queue", "rust", _RINGS, "crate:crossbeam", ("full",)),
        Peer("disruptor-rs", "rust", _RINGS, "crate:disruptor", ("full", "readers")),
        Peer("lmax-disruptor", "java", _RINGS, "maven:disruptor", ("full", "readers", "joining")),
        Peer("queue.Queue", "python", (*_ONE_BY_ONE, "python-busy"), guarantees=_OBJECTS),
        Peer(
            "SimpleQueue",
            "python",
            (*_ONE_BY_ONE, "python-busy", "python-wake"),
            guarantees=_OBJECTS,
            most=1.5,
        ),
        Peer(
            "deque",
            "python",
            (*_ONE_BY_ONE, "python-ring-bulk", "python-busy"),
            guarantees=("references", "lengths"),
        ),
        Peer("numpy", "python", (*_ONE_BY_ONE, "python-ring-bulk"), "pypi:numpy", ("copies",)),
        Peer("ringbuf", "python", (*_ONE_BY_ONE, "python-ring-bulk"), "pypi:ringbuf", ("full", "copies")),
        Peer(
            "iceoryx2",
            "python",
            (*_ONE_BY_ONE, "python-in-place"),
            "pypi:iceoryx2",
            ("references", "readers", "joining", "copies"),
        ),
        Peer("faster-fifo", "python", _ONE_BY_ONE, "pypi:faster-fifo", ("full", "lengths", "waits", "copies")),
        Peer("bare-extension", "python", _ONE_BY_ONE, guarantees=("copies",)),
        Peer("multiprocessing.Queue", "python", _ONE_BY_ONE, guarantees=("lengths", "waits", "copies")),
        Peer("asyncio-queue", "python", ("python-wake",), guarantees=_OBJECTS),
        Peer("reference", "python", _ONE_BY_ONE, guarantees=tuple(GUARANTEES)),
    )
}

EQUAL: Final = 1.0
"""How many times as long as a peer `native` may take that guarantees as much."""
LESS: Final[Mapping[Call, float]] = {"called": 2.0, "inlined": 1.5}
"""The same of a peer that guarantees less, by how the fast path of `native` is reached."""

OURS: Final = (MACHINE, NATIVE)
"""Always measured, since everything is measured against them."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure's name, or the part of one that several have in common.

    Attributes:
        work: the name of a work.
        peer: the name of a peer.
        keys: parameters; of a whole name all of the work's, those left out with their value of old.
    """

    work: str
    peer: str
    keys: Keys

    def __str__(self) -> str:
        """Return it in the form of a name."""
        return "/".join([self.work, self.peer, *(f"{key}={value}" for key, value in self.keys.items())])

    def among(self, other: "Figure") -> bool:
        """Whether the other one is this one, perhaps with more parameters."""
        same = (self.work, self.peer) == (other.work, other.peer)
        return same and all(other.keys.get(key) == value for key, value in self.keys.items())


@functools.cache
def parse(name: str) -> Figure:
    """Return the figure of a whole name, with all of its work's parameters.

    Raises:
        UnknownFigure: the name is not in the contract.
    """
    part = parse_part(name)
    work = WORKS[part.work]
    if part.work not in PEERS[part.peer].works:
        raise UnknownFigure(f"figure {name!r}: {part.peer} takes part in {', '.join(PEERS[part.peer].works)} alone")
    keys = {key: part.keys.get(key, value) for key, value in work.keys.items()}
    absent = [key for key, value in keys.items() if value is None]
    if absent:
        raise UnknownFigure(f"figure {name!r}: {absent[0]} is not given, and a figure of {part.work} has it")
    return Figure(part.work, part.peer, {key: value for key, value in keys.items() if value is not None})


def parse_part(name: str) -> Figure:
    """Return what a beginning of a name says, or a name without some of its parameters.

    Raises:
        UnknownFigure: the work, the peer or a parameter is not in the contract.
    """
    parts = [part for part in name.split("/") if part]
    work_name, peer_name = [*parts, "", ""][:2]
    work, peer = WORKS.get(work_name), PEERS.get(peer_name)
    if work is None:
        raise UnknownFigure(f"figure {name!r}: no work {work_name!r} is known, but {', '.join(WORKS)}")
    if peer is None:
        raise UnknownFigure(f"figure {name!r}: no peer {peer_name!r} is known, but {', '.join(PEERS)}")
    keys = {part.partition("=")[0]: part.partition("=")[2] for part in parts[2:]}
    if len(keys) != len(parts) - 2:
        raise UnknownFigure(f"figure {name!r}: a parameter is given twice")
    for key, value in keys.items():
        if key not in work.keys or not value:
            raise UnknownFigure(f"figure {name!r}: {key}={value} is no parameter of {work_name}")
    return Figure(work_name, peer_name, keys)


def lacking(native: Figure, peer: str) -> list[Guarantee]:
    """Return what `native` guarantees in a figure of its own and a peer does not."""
    mode = native.keys.get("mode", "")
    return [
        guarantee
        for guarantee in map(GUARANTEES.__getitem__, WORKS[native.work].guarantees)
        if guarantee.name not in PEERS[peer].guarantees and ("" in (mode, guarantee.mode) or guarantee.mode == mode)
    ]


def most(work: str, peer: str, lacks: bool) -> float:
    """Return how many times as long as a peer `native` may take in a work.

    Args:
        work: the work.
        peer: the peer.
        lacks: whether the peer guarantees less than `native` does in it.
    """
    return (PEERS[peer].most or LESS[WORKS[work].call]) if lacks else EQUAL


def harness_of(work: str, peer: str) -> Harness:
    """Return which harness measures a peer in a work."""
    return "python" if WORKS[work].of_python else PEERS[peer].harness


@dataclasses.dataclass(frozen=True)
class Selection:
    """What is to be measured.

    Attributes:
        works: works, the limits that belong to them among them.
        peers: peers, `native` and `machine` among them.
    """

    works: tuple[str, ...]
    peers: tuple[str, ...]

    def pairs(self, harness: Harness | None = None) -> list[tuple[str, str]]:
        """Return each work with each peer that has it, those of one harness or all."""
        return [
            (work, peer)
            for work in self.works
            if work != MEMORY
            for peer in self.peers
            if work in PEERS[peer].works and harness in (None, harness_of(work, peer))
        ]

    def required(self) -> list[Figure]:
        """Return what must be there: of each a figure with these parameters among its own."""
        return [Figure(work, peer, keys) for work, peer in self.pairs() for keys in WORKS[work].every]


def select(works: Sequence[str] = (), peers: Sequence[str] = ()) -> Selection:
    """Return the works and peers that are asked for, with what they are measured against.

    Args:
        works: names of works; none: all.
        peers: names of peers; none: all.

    Raises:
        UnknownFigure: there is no such work or peer, or no work that one of the peers takes part in.
    """
    _known("works", works, [*WORKS, MEMORY])
    _known("peers", peers, PEERS)
    chosen = set(works) or {*WORKS, MEMORY}
    for work in list(chosen - {MEMORY}):
        chosen.update(WORKS[work].limits)
        if WORKS[work].two_threads:
            chosen.add("limit-round-trip")
    selection = Selection(
        tuple(work for work in [*WORKS, MEMORY] if work in chosen),
        tuple(peer for peer in PEERS if not peers or peer in peers or peer in OURS),
    )
    taking_part = {peer for _, peer in selection.pairs()}
    for peer in peers:
        if peer not in (taking_part | set(OURS)):
            works = ", ".join(PEERS[peer].works)
            raise UnknownFigure(f"argument --peers: {peer} takes part in none of the works chosen, but in {works}")
    return selection


def _known(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownFigure(f"argument --{option}: {name!r} is none of {', '.join(known)}")
