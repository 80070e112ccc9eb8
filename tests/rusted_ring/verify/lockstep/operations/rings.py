"""Operations of rings [RING-1]."""

import dataclasses
from typing import Final

from rusted_ring.verify.lockstep.engine import READER_FIGURES, RING_FIGURES, Engine
from rusted_ring.verify.lockstep.registry import (
    CHOICE,
    FLAG,
    Kind,
    Registry,
    registrar,
)
from rusted_ring.verify.lockstep.script import Pair

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "rings")


RINGS: Final = 2
READERS: Final = 8
SIZE: Final = Kind(1, 300, (1, 7, 8, 64, 64, 65, 100))
CAPACITY: Final = Kind(1, 40, (1, 2, 2, 3, 4, 5, 7, 8))
PLACES: Final = Kind(1, 6, (1, 2, 2, 3))
LIMIT: Final = Kind(0, 100, (0, 1, 2, 3, 5, 8, 100))


@dataclasses.dataclass
class RingNote:
    """The engine's data on a ring and on its writer and readers.

    Attributes:
        size: the largest payload.
        capacity: the number of slots.
        gated: whether the ring is gated.
        ring: the ring's pair.
        figures: the properties that the backend offers.
    """

    size: int
    capacity: int
    gated: bool
    ring: Pair | None
    figures: frozenset[str]


def note_for(engine: Engine, of: RingNote, class_name: str) -> RingNote:
    """Return a note for a writer or reader of a ring."""
    names = [name for name, _ in READER_FIGURES if engine.offers(f"{class_name}.{name}")]
    return dataclasses.replace(of, figures=frozenset(names))


# Rings


@operation(
    "RING-29",
    "LAYOUT-6",
    "RING-3",
    reaches="RING-45",
    needs="RingBuffer",
    weight=1.5,
    size=SIZE,
    capacity=CAPACITY,
    places=PLACES,
    choice=FLAG,
)
def make_ring(engine: Engine, size: int, capacity: int, places: int, choice: int) -> None:
    """Make a ring; if there are several, forget the oldest with its writer and readers."""
    gated = choice % 2 == 1 and engine.offers("RingBuffer.gated")
    if gated:
        awaited = min((0, 2, 1, 3)[choice // 2 % 4], places)
        template = "backend.RingBuffer({0}, {1}, mode='gated', max_readers={2})"
        if awaited and engine.offers("RingBuffer.readers_awaited"):
            engine.clause = "RING-45"
            engine.reached("RING-45")
            template = f"{template[:-1]}, wait_for_readers={awaited})"
        made = engine.call(template, size, capacity, places, keep="ring")
    else:
        made = engine.call("backend.RingBuffer({0}, {1})", size, capacity, keep="ring")
    if made is None:
        return
    names = [name for name, _ in RING_FIGURES if engine.offers(f"RingBuffer.{name}")]
    made.note = RingNote(size, capacity, gated, made, frozenset(names))
    engine.rings.append(made)
    engine.touched_rings = True
    if engine.offers("RingBuffer.memory_usage"):
        engine.clause = "LAYOUT-6"
        engine.call("{0}.memory_usage()", made)
    if len(engine.rings) > RINGS:
        let_go(engine, engine.rings[0])


def let_go(engine: Engine, ring: Pair) -> None:
    """Forget a ring, its writer and its readers."""
    engine.rings.remove(ring)
    gone = [ring]
    for pair in engine.reservations + engine.peeks:
        if pair.note.ring is ring:
            gone += pair.note.views
    for pairs in (
        engine.reservations,
        engine.peeks,
        engine.writers,
        engine.readers,
        engine.ended_writers,
        engine.ended_readers,
    ):
        belonging = [pair for pair in pairs if pair.note.ring is ring]
        for pair in belonging:
            pairs.remove(pair)
        gone += belonging
    engine.forget(*gone)


RING_PROPERTIES: Final = (
    "{0}.size",
    "{0}.capacity",
    "{0}.mode",
    "{0}.max_readers",
    "{0}.write_cursor",
    "{0}.retained",
    "{0}.readers",
    "{0}.memory_usage()",
    "type(repr({0}))",
)


@operation(
    "RING-29",
    "PARAM-4",
    "LAYOUT-6",
    needs="RingBuffer.memory_usage RingBuffer.max_readers",
    index=CHOICE,
    choice=CHOICE,
)
def read_ring(engine: Engine, index: int, choice: int) -> None:
    """Read one property of a ring."""
    engine.call(RING_PROPERTIES[choice % len(RING_PROPERTIES)], engine.pick(engine.rings, index))
