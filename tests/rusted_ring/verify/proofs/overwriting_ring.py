"""The overwriting ring's announcement, publication and lap check."""

from typing import Final

from rusted_ring.verify.proofs.formulas import both, choose, either, implies, within
from rusted_ring.verify.proofs.pool_systems import INTERLEAVINGS
from rusted_ring.verify.proofs.systems import (
    Action,
    Conjunct,
    Enabled,
    Mutation,
    Property,
    StepProperty,
    System,
    writes,
)
from rusted_ring.verify.proofs.words import BATCH

_ANNOUNCE: Final = Action(
    "announce",
    ("writer.c:announce",),
    ("RING-10", "ORDER-9"),
    guard=lambda s, c, at: both(s.stored == s.published, s.end == s.published, within(1, c.count, BATCH)),
    update=lambda s, c, at: {"claim": s.published + c.count, "end": s.published + c.count},
    words=(writes("announce", value="claim"),),
    choices=("count",),
)
_PUBLISH: Final = Action(
    "publish",
    ("writer.c:publish",),
    ("ORDER-7", "RING-1"),
    guard=lambda s, c, at: both(s.stored == s.end, s.end > s.published),
    update=lambda s, c, at: {"published": s.end},
    words=(writes("publish events", value="published"),),
)
_DELIVER: Final = Action(
    "check, and deliver",
    ("delivery.c:is_intact", "delivery.c:move_on"),
    ("RING-13", "ORDER-9"),
    guard=lambda s, c, at: both(s.copying == 1, s.claim <= s.cursor + at.capacity),
    update=lambda s, c, at: {
        "copying": 0,
        "cursor": s.cursor + 1,
        "delivered": s.delivered + 1,
        "last": s.cursor,
        "wrong": s.torn,
    },
)

OVERWRITING: Final = System(
    name="overwriting-ring",
    title="the writer of an overwriting ring, and one of any number of readers, over any number of laps",
    constants=("capacity",),
    fixed={"gated": False},
    assume=lambda at: at.capacity >= 1,
    variables=(
        *("published", "claim", "end", "stored", "touched"),
        *("start", "cursor", "delivered", "skipped", "last", "copying", "torn", "wrong"),
    ),
    initial=lambda s, at: both(
        *(s.published == 0, s.claim == 0, s.end == 0, s.stored == 0, s.touched == 0, s.start == 0, s.cursor == 0),
        *(s.delivered == 0, s.skipped == 0, s.last == -1, s.copying == 0, s.torn == 0, s.wrong == 0),
    ),
    actions=(
        _ANNOUNCE,
        Action(
            "store a word of the next event",
            ("ring.h:event_descriptor_store", "copies.h:copy_in"),
            ("ORDER-9",),
            guard=lambda s, c, at: s.stored < s.end,
            update=lambda s, c, at: {"touched": s.stored + 1},
        ),
        Action(
            "store the last word of the event",
            ("ring.h:event_descriptor_store",),
            ("ORDER-9",),
            guard=lambda s, c, at: s.touched == s.stored + 1,
            update=lambda s, c, at: {"stored": s.stored + 1},
        ),
        _PUBLISH,
        Action(
            "join",
            ("reader.c:rr_reader_join",),
            ("RING-18",),
            guard=lambda s, c, at: within(0, c.cursor, s.published),
            update=lambda s, c, at: {
                "start": c.cursor,
                "cursor": c.cursor,
                "delivered": 0,
                "skipped": 0,
                "last": c.cursor - 1,
                "copying": 0,
            },
            choices=("cursor",),
        ),
        Action(
            "find an event",
            ("delivery.c:ready",),
            ("RING-7", "ORDER-7"),
            guard=lambda s, c, at: both(s.copying == 0, s.cursor < s.published),
            update=lambda s, c, at: {"copying": 1, "torn": 0},
        ),
        Action(
            "copy a word",
            ("copies.h:copy_out", "ring.h:event_descriptor_load"),
            ("ORDER-9",),
            guard=lambda s, c, at: s.copying == 1,
            # the slot has, or may have, a word of a later lap, or the event is not complete
            update=lambda s, c, at: {
                "torn": choose(either(s.touched > s.cursor + at.capacity, s.stored <= s.cursor), 1, s.torn)
            },
        ),
        _DELIVER,
        Action(
            "check, and report what is lost",
            ("delivery.c:is_intact", "delivery.c:lagged"),
            ("RING-11",),
            guard=lambda s, c, at: both(s.copying == 1, s.claim > s.cursor + at.capacity),
            update=lambda s, c, at: {
                "copying": 0,
                "skipped": s.skipped + s.claim - at.capacity - s.cursor,
                "cursor": s.claim - at.capacity,
            },
        ),
    ),
    invariant=(
        Conjunct(
            "the writer's numbers follow one another",
            lambda s, at: both(
                s.published >= 0,
                s.published <= s.stored,
                within(s.stored, s.touched, s.stored + 1),
                s.touched <= s.end,
                s.end <= s.published + at.capacity,
                s.end <= s.published + BATCH,
            ),
        ),
        Conjunct("what is written was announced", lambda s, at: s.claim == s.end),
        Conjunct(
            "the reader's numbers follow one another",
            lambda s, at: both(
                s.start >= 0,
                s.start <= s.cursor,
                s.cursor <= s.published,
                within(0, s.copying, 1),
                implies(s.copying == 1, s.cursor < s.published),
                s.last < s.cursor,
            ),
        ),
        Conjunct(
            "a torn copy is behind the announcement",
            lambda s, at: implies(both(s.copying == 1, s.torn != 0), s.claim > s.cursor + at.capacity),
        ),
        Conjunct("nothing torn was delivered", lambda s, at: s.wrong == 0),
        Conjunct("every event is accounted for", lambda s, at: s.delivered + s.skipped == s.cursor - s.start),
    ),
    properties=(
        Property(("RING-13",), "no event that is delivered is torn or of another lap", lambda s, at: s.wrong == 0),
        StepProperty(
            ("RING-13",),
            "events are delivered in order, and none twice",
            lambda s, n, at: n.last > s.last,
            ("check, and deliver",),
        ),
        Property(
            ("RING-12",),
            "delivered + skipped = cursor - start",
            lambda s, at: s.delivered + s.skipped == s.cursor - s.start,
        ),
        StepProperty(
            ("RING-11",),
            "a reader that lost events continues, after at least one of them, at the oldest whose slot no add takes",
            lambda s, n, at: both(n.cursor > s.cursor, n.cursor + at.capacity == s.claim, n.cursor <= s.published),
            ("check, and report what is lost",),
        ),
        Enabled(
            ("RING-10",),
            "between two adds the writer can begin the next one, whatever the readers do",
            "announce",
            lambda s, at: s.end == s.published,
        ),
    ),
    assumptions=(INTERLEAVINGS, "the numbers of events are unbounded (in C they are below 2^64)"),
    mutations=(
        Mutation(
            "no announcement",
            (
                Action(
                    "announce",
                    guard=_ANNOUNCE.guard,
                    update=lambda s, c, at: {"end": s.published + c.count},
                    choices=("count",),
                ),
            ),
            "RING-13",
            10,
        ),
        Mutation(
            "the check is off by one",
            (
                Action(
                    _DELIVER.name,
                    guard=lambda s, c, at: both(s.copying == 1, s.claim <= s.cursor + at.capacity + 1),
                    update=_DELIVER.update,
                ),
            ),
            "RING-13",
            10,
        ),
        Mutation(
            "an event is published before it is written",
            (
                Action(
                    "publish",
                    guard=lambda s, c, at: s.end > s.published,
                    update=_PUBLISH.update,
                    words=_PUBLISH.words,
                ),
            ),
            "RING-13",
        ),
        Mutation(
            "no check after the copy",
            (Action(_DELIVER.name, guard=lambda s, c, at: s.copying == 1, update=_DELIVER.update),),
            "RING-13",
            10,
        ),
    ),
    labels={},
)
