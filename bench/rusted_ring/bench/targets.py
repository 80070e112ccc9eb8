"""What is to be reached, in one table, and whether it was.

Each target compares a figure with another of the same rounds (or with a constant), and is judged by the median.
"""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Final, Literal

from rusted_ring.bench.contract import MACHINE, MEMORY, NATIVE, Figure, Harness, harness_of
from rusted_ring.bench.measured import Measured, Quartiles

NOISE: Final = 0.05
"""By how much the time of a reader may be above that of one alone: what two runs of one program differ by."""
PAGES: Final = 8
"""Pages by which memory may be off the formula: the ends of five pools or a ring, and the allocator's own records."""
PAGE_BYTES: Final = 4_096
SMALL_CALLS: Final = 1_000_000
"""Small calls a second beside a busy thread."""
WAKE_NS: Final = 100_000
"""The end of tens of microseconds."""

Unit = Literal["ratio", "calls/s", "us", "bytes"]


@dataclasses.dataclass(frozen=True)
class Target:
    """One line of the table.

    Attributes:
        text: what is compared with what.
        figure: what is judged.
        beside: what it is divided by; None: it is judged by itself.
        bound: in words.
        least: the least that is good, or None.
        most: the most that is good, or None.
        below: whether the most itself is too much.
        inverse: divide the other way round: how many times faster it is.
        unit: of the measured value.
        two_threads: whether it is quoted with the round trip of the same rounds.
        times: how many of `beside` the figure stands for.
    """

    text: str
    figure: Figure
    beside: Figure | None
    bound: str
    least: float | None = None
    most: float | None = None
    below: bool = False
    inverse: bool = False
    unit: Unit = "ratio"
    two_threads: bool = False
    times: float = 1.0

    def holds(self, value: float) -> bool:
        """Whether a value is good enough."""
        if self.least is not None and value < self.least:
            return False
        return self.most is None or value < self.most or (value == self.most and not self.below)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What was measured for a target.

    Attributes:
        target: the target.
        value: the measured value, or None.
        reached: whether it was reached; None where it was not measured.
        why: why it was not measured, or what else is to be known.
    """

    target: Target
    value: Quartiles | None
    reached: bool | None
    why: str = ""


def _native(work: str, **keys: str) -> Figure:
    return Figure(work, NATIVE, keys)


def _limit(work: str, **keys: str) -> Figure:
    return Figure(work, MACHINE, keys)


_EMPTY: Final = {"payload": "64", "occupancy": "0", "threads": "1", "live": "0"}


def targets(processors: int) -> Iterator[Target]:
    """Give the whole table.

    Args:
        processors: how many the machine has: as many readers are compared with one.
    """
    yield from _one_thread()
    yield from _two_threads()
    yield from _readers(processors)
    yield from _payloads()
    yield from _python()


def _one_thread() -> Iterator[Target]:
    empty, full = _EMPTY, {**_EMPTY, "occupancy": "99"}
    yield Target(
        "allocate + fill 64 B + drop, beside mimalloc's malloc + fill + free",
        _native("pool", **empty),
        Figure("pool", "mimalloc", empty),
        "at most 0.9",
        most=0.9,
    )
    yield Target(
        "the same with 99% of the pool in use, beside an empty one",
        _native("pool", **full),
        _native("pool", **empty),
        "0.9 to 1.1",
        least=0.9,
        most=1.1,
    )
    yield Target(
        "clone + drop, beside two locked adds",
        _native("clone", payload="64", references="1"),
        _limit("limit-locked-add-pair"),
        "at most 1.15",
        most=1.15,
    )
    yield Target(
        "add + next in one thread, 64 B, lap-checked, beside copying 64 B in and out",
        _native("ring", payload="64", capacity="1024", mode="overwrite"),
        _limit("limit-copy", payload="64", capacity="1024"),
        "at most 1.5",
        most=1.5,
    )


def _two_threads() -> Iterator[Target]:
    for batch, words, limit, most in (
        ("1", "one at a time", "limit-line-transfer", 1.8),
        ("64", "64 at a time", "limit-line-transfer-bulk", 1.1),
    ):
        for mode in ("gated", "overwrite"):
            for lines, beside, times in (
                ("best", "a line", 1.0),
                ("1024", "its 72 bytes (length and type too) in as many lines as the ring has", 72 / 64),
            ):
                yield Target(
                    f"writer and reader on two cores, 64 B, {words}, {mode}, beside the transfer of {beside}",
                    _native("stream", payload="64", batch=batch, capacity="1024", mode=mode),
                    _limit(limit, lines=lines),
                    f"at most {most}",
                    most=most,
                    two_threads=True,
                    times=times,
                )


def _readers(processors: int) -> Iterator[Target]:
    for mode, batch in itertools.product(("gated", "overwrite"), ("1", "64")):
        keys = {"payload": "64", "batch": batch, "capacity": "1024", "mode": mode}
        for readers in range(2, processors + 1):
            crowded = readers == processors
            if mode == "overwrite" and crowded:
                continue  # not measured: a writer that waits for nobody leaves a reader without a processor nothing
            words = f"one writer, {readers} readers{' (a thread more than processors)' if crowded else ''}"
            yield Target(
                f"{words}, {mode}, {batch} at a time: an event of each reader, beside a reader alone",
                _native("readers", readers=str(readers), **keys),
                _native("readers", readers="1", **keys),
                f"at most 1, noise {NOISE:g}",
                most=1 + NOISE,
                two_threads=True,
            )


def _payloads() -> Iterator[Target]:
    for payload in ("256", "1024", "4096", "16384"):
        yield Target(
            f"allocate + fill {payload} B + drop, beside memcpy of them",
            _native("pool", **{**_EMPTY, "payload": payload}),
            _limit("limit-memcpy", payload=payload),
            "at most 1.2",
            most=1.2,
        )
        yield Target(
            f"add + next in one thread, {payload} B, beside memcpy in and out",
            _native("ring", payload=payload, mode="overwrite"),
            _limit("limit-copy", payload=payload),
            "at most 1.2",
            most=1.2,
        )
    yield Target(
        "add_many + next_many of 16 in one thread, 256 B, an event, beside memcpy of each in and out",
        _native("ring-bulk", payload="256", batch="16", mode="overwrite"),
        _limit("limit-copy", payload="256"),
        "at most 1.2",
        most=1.2,
    )


def _python() -> Iterator[Target]:
    pointer = _native("python-pointer", payload="64")
    for peer, words, least in (
        ("queue.Queue", "queue.Queue put + get", 2.5),
        ("iceoryx2", "an iceoryx2 loan + send + receive", 8.0),
    ):
        yield Target(
            f"Python: allocate + view + drop, how many times faster than {words}",
            pointer,
            Figure("python-pointer", peer, {"payload": "64"}),
            f"at least {least:g}",
            least=least,
            inverse=True,
        )
    bulk = {"payload": "64", "batch": "256"}
    yield Target(
        "Python: add_many + next_many of 256, an event, beside deque append + popleft",
        _native("python-ring-bulk", **bulk),
        Figure("python-ring-bulk", "deque", bulk),
        "below 1",
        most=1.0,
        below=True,
    )
    for calls, words in (("ring", "add, next"), ("pointer", "allocate, drop")):
        yield Target(
            f"Python: small calls ({words}) beside a busy Python thread",
            _native("python-busy", payload="64", calls=calls, busy="1"),
            None,
            f"at least {SMALL_CALLS:,} a second",
            least=SMALL_CALLS,
            unit="calls/s",
        )
    for how in ("thread", "asyncio"):
        yield Target(
            f"Python: a waiting reader is woken ({how})",
            _native("python-wake", how=how),
            None,
            "tens of microseconds",
            most=WAKE_NS / 1e3,
            unit="us",
            below=True,
        )


def judge(measured: Measured) -> list[Verdict]:
    """Return a verdict on each target whose work was to be measured."""
    verdicts = []
    chosen = measured.selection
    for target in targets(len(measured.machine.get("cpus", ()))):
        peers = {target.figure.peer, *([target.beside.peer] if target.beside else [])}
        if target.figure.work in chosen.works and peers <= set(chosen.peers):
            verdicts.append(_verdict(measured, target))
    if MEMORY in measured.selection.works:
        verdicts += memory_verdicts(measured)
    return verdicts


def _verdict(measured: Measured, target: Target) -> Verdict:
    names = []
    for figure in (target.figure, target.beside):
        if figure is None:
            continue
        name = measured.find(figure)
        if name is None:
            return Verdict(target, None, None, measured.why_not(figure) or f"no figure {figure}")
        names.append(name)
    if target.beside is None:
        value = measured.quartiles(names[0])
        if target.unit == "calls/s":
            value = Quartiles(1e9 / value.high, 1e9 / value.median, 1e9 / value.low)
        else:
            value = value.over(1e3)
    else:
        ratio = measured.ratio(*(reversed(names) if target.inverse else names))
        if ratio is None:
            return Verdict(target, None, None, f"no round has both {names[0]} and {names[1]} on one pair of processors")
        value = ratio.over(target.times)
    why = ""
    if target.two_threads:
        harness = harness_of(target.figure.work, target.figure.peer)
        trip = measured.round_trip(harness)
        if trip is not None:
            why = f"round trip {trip.median:.0f} ns ({trip.low:.0f} to {trip.high:.0f})"
            why += said_by_pair(measured, harness, names[0], names[1], target.times)
    return Verdict(target, value, target.holds(value.median), why)


def said_by_pair(measured: Measured, harness: Harness, numerator: str, denominator: str, times: float = 1.0) -> str:
    """Return a ratio for each pair of processors that a harness had, in words; empty where there was one.

    Args:
        measured: the run.
        harness: whose round trips tell the pairs apart.
        numerator: a figure.
        denominator: another one.
        times: how many of the second the first stands for.
    """
    pairs = measured.pairs(harness)
    if len(pairs) < 2:
        return ""
    said = []
    for pair in pairs:
        ratio, trip = pair.ratio(numerator, denominator), pair.round_trip(harness)
        if ratio is not None and trip is not None:
            said.append(f"{ratio.median / times:.2f} at {trip.median:.0f} ns")
    return f"; by pair: {', '.join(said)}" if said else ""


def memory_verdicts(measured: Measured) -> list[Verdict]:
    """Return the verdicts on what pools and rings take, and on its growth."""
    verdicts = []
    for subject in ("pools", "ring"):
        figure = Figure(MEMORY, NATIVE, {"of": subject})
        found = measured.memory.get(subject)
        above = Target(
            f"memory of {subject}: resident bytes above the spec's formula",
            figure,
            None,
            f"within {PAGES} pages",
            least=-PAGES * PAGE_BYTES,
            most=PAGES * PAGE_BYTES,
            unit="bytes",
        )
        grown = Target(f"memory of {subject}: growth while it is used", figure, None, "0", most=0, unit="bytes")
        if found is None:
            why = measured.missing.get(MEMORY, "no figures of memory")
            verdicts += [Verdict(above, None, None, why), Verdict(grown, None, None, why)]
            continue
        over = float(found["resident"] - found["formula"])
        growth = float(max(*found["during"], found["end"]) - found["start"])
        for target, value, why in (
            (above, over, f"formula {found['formula']:,} bytes"),
            (grown, growth, f"over {found['operations']:,} operations"),
        ):
            verdicts.append(Verdict(target, Quartiles.of([value]), target.holds(value), why))
    return verdicts
