"""The gated ring's readers, which join, leave and are evicted, and its gating sequence."""

from typing import Final

from rusted_ring.verify.proofs.formulas import both, choose, either, implies, within
from rusted_ring.verify.proofs.pool_systems import INTERLEAVINGS
from rusted_ring.verify.proofs.systems import (
    Action,
    Conjunct,
    Enabled,
    Mutation,
    Property,
    System,
    writes,
)
from rusted_ring.verify.proofs.words import ACTIVE, BATCH, FREE, JOINING

_REGISTRATION: Final = {"state": "registration", "cursor": "cursor", "tag": "tag"}
NOT_RAISING, SCANS, HAS_SCANNED, HAS_RAISED, HAS_SCANNED_AGAIN = 0, 1, 2, 3, 4
REGISTERED, HAS_TO_LOOK, HAS_LOOKED = 0, 1, 2

_SCAN: Final = ("reader_registrations.c:slowest_reader",)
_ADMITTED_FIRST: Final = Action(
    "first scan: admit the reader",
    _SCAN,
    ("ORDER-10",),
    guard=lambda s, c, at: both(
        s.raising == SCANS,
        s.published <= s.cursor + at.capacity,
        within(s.published, c.target, s.published + at.capacity),
        c.target <= s.cursor + at.capacity,
    ),
    update=lambda s, c, at: {"raising": HAS_SCANNED, "target": c.target},
    words=(writes("admit", **_REGISTRATION),),
    choices=("target",),
)
_ADMITTED: Final = Action(
    "second scan: admit the reader",
    _SCAN,
    ("ORDER-10",),
    guard=lambda s, c, at: both(
        s.raising == HAS_RAISED,
        s.published <= s.cursor + at.capacity,
        within(s.published, c.target, s.target),
        c.target <= s.cursor + at.capacity,
    ),
    update=lambda s, c, at: {"raising": HAS_SCANNED_AGAIN, "target": c.target},
    words=(writes("admit", **_REGISTRATION),),
    choices=("target",),
)
_PASSED: Final = Action(
    "second scan: no reader here",
    _SCAN,
    ("ORDER-10",),
    guard=lambda s, c, at: both(
        s.raising == HAS_RAISED,
        either(s.registration == FREE, both(s.registration == JOINING, s.published > s.cursor + at.capacity)),
        within(s.published, c.target, s.target),
    ),
    update=lambda s, c, at: {"raising": HAS_SCANNED_AGAIN, "target": c.target},
    choices=("target",),
)
_RAISE: Final = Action(
    "raise the gating sequence",
    ("writer.c:raise_gating_sequence",),
    ("ORDER-10",),
    guard=lambda s, c, at: both(s.raising == HAS_SCANNED, s.target > s.limit),
    update=lambda s, c, at: {"raising": HAS_RAISED, "gate": s.target},
    words=(writes("raise the gating sequence", value="gate"),),
)
_SETTLE: Final = Action(
    "keep the gating sequence",
    ("writer.c:raise_gating_sequence",),
    ("ORDER-10",),
    guard=lambda s, c, at: both(s.raising == HAS_SCANNED_AGAIN, s.target == s.gate),
    update=lambda s, c, at: {"raising": NOT_RAISING, "limit": s.target},
)
_ADMITS_ITSELF: Final = Action(
    "admit itself",
    ("reader_registrations.c:register_reader",),
    ("ORDER-10",),
    guard=lambda s, c, at: both(s.joining == HAS_LOOKED, s.seen <= s.cursor + at.capacity),
    update=lambda s, c, at: {"joining": REGISTERED},
    words=(writes("admit", **_REGISTRATION),),
)
_LEAVE: Final = Action(
    "leave, or be evicted",
    ("reader_registrations.c:deregister",),
    ("RING-19", "RING-20"),
    guard=lambda s, c, at: both(s.joining == REGISTERED, within(0, c.follow, 1)),
    update=lambda s, c, at: {
        "gone": choose(c.follow == 1, s.tag, s.gone),
        "ended": choose(c.follow == 1, 1, choose(s.ended == at.tag_mask, 0, s.ended + 1)),
    },
    words=(writes("end a registration", **_REGISTRATION),),
    choices=("follow",),
)

GATED: Final = System(
    name="gated-ring",
    title="the writer of a gated ring, and one of any number of registrations, with its readers one after another",
    constants=("capacity", "tag_mask"),
    fixed={"gated": True, "advance": lambda old, new: new - old},
    assume=lambda at: both(at.capacity >= 1, at.tag_mask >= 1),
    variables=(
        *("counted", "published", "touched", "limit", "gate", "target", "raising"),
        *("registration", "cursor", "tag", "joining", "seen", "gone", "ended"),
    ),
    # a new ring, or one that has no reader, between two adds
    initial=lambda s, at: both(
        s.counted >= 0,
        *(s.published == s.counted, s.touched == s.counted, s.limit == s.counted, s.gate == s.counted),
        *(s.target == 0, s.raising == NOT_RAISING, s.registration == FREE, s.cursor == 0, s.tag == 0),
        *(s.joining == REGISTERED, s.seen == 0, s.gone == 0, s.ended == 0),
    ),
    actions=(
        Action(
            "store to the slot of the next event",
            ("copies.h:copy_in",),
            ("RING-14",),
            guard=lambda s, c, at: both(s.raising == NOT_RAISING, s.touched < s.limit),
            update=lambda s, c, at: {"touched": s.touched + 1},
        ),
        Action(
            "publish events by their descriptors",
            ("ring.h:event_descriptor_store",),
            ("ORDER-17",),
            guard=lambda s, c, at: both(
                s.raising == NOT_RAISING,
                s.published == s.counted,
                within(s.published + 1, c.events, s.touched),
                c.events <= s.counted + BATCH,
            ),
            update=lambda s, c, at: {"published": c.events},
            choices=("events",),
        ),
        Action(
            "count them",
            ("writer.c:publish",),
            ("ORDER-23",),
            guard=lambda s, c, at: s.published > s.counted,
            update=lambda s, c, at: {"counted": s.published},
            words=(writes("publish events", value="counted"),),
        ),
        Action(
            "reach the gating sequence",
            (),
            ("ORDER-10",),
            guard=lambda s, c, at: both(s.raising == NOT_RAISING, s.touched == s.counted),
            update=lambda s, c, at: {"raising": SCANS},
        ),
        _ADMITTED_FIRST,
        Action(
            "first scan: count the reader",
            _SCAN,
            ("ORDER-8",),
            guard=lambda s, c, at: both(
                s.raising == SCANS,
                s.registration == ACTIVE,
                within(s.published, c.target, s.published + at.capacity),
                c.target <= s.cursor + at.capacity,
            ),
            update=lambda s, c, at: {"raising": HAS_SCANNED, "target": c.target},
            choices=("target",),
        ),
        Action(
            "first scan: no reader here",
            _SCAN,
            ("ORDER-10",),
            guard=lambda s, c, at: both(
                s.raising == SCANS,
                either(
                    s.registration == FREE,
                    both(s.registration == JOINING, s.published > s.cursor + at.capacity),
                ),
                within(s.published, c.target, s.published + at.capacity),
            ),
            update=lambda s, c, at: {"raising": HAS_SCANNED, "target": c.target},
            choices=("target",),
        ),
        _RAISE,
        Action(
            "first scan: readers are awaited",
            ("reader_registrations.c:awaits_readers",),
            ("RING-45",),
            guard=lambda s, c, at: both(s.raising == SCANS, s.published <= at.capacity),
            update=lambda s, c, at: {"raising": HAS_SCANNED, "target": at.capacity},
        ),
        Action(
            "second scan: readers are awaited",
            ("reader_registrations.c:awaits_readers",),
            ("RING-45",),
            guard=lambda s, c, at: both(s.raising == HAS_RAISED, s.published <= at.capacity),
            update=lambda s, c, at: {
                "raising": HAS_SCANNED_AGAIN,
                "target": choose(at.capacity < s.target, at.capacity, s.target),
            },
        ),
        Action(
            "leave it as it is",
            (),
            ("ORDER-10",),
            guard=lambda s, c, at: both(s.raising == HAS_SCANNED, s.target <= s.limit),
            update=lambda s, c, at: {"raising": HAS_SCANNED_AGAIN},
        ),
        _ADMITTED,
        Action(
            "second scan: count the reader",
            _SCAN,
            ("ORDER-8",),
            guard=lambda s, c, at: both(
                s.raising == HAS_RAISED,
                s.registration == ACTIVE,
                within(s.published, c.target, s.target),
                c.target <= s.cursor + at.capacity,
            ),
            update=lambda s, c, at: {"raising": HAS_SCANNED_AGAIN, "target": c.target},
            choices=("target",),
        ),
        _PASSED,
        Action(
            "lower the gating sequence",
            ("writer.c:raise_gating_sequence",),
            ("ORDER-10",),
            guard=lambda s, c, at: s.raising == HAS_SCANNED_AGAIN,
            update=lambda s, c, at: {"raising": NOT_RAISING, "limit": s.target, "gate": s.target},
            words=(writes("lower the gating sequence", value="gate"),),
        ),
        _SETTLE,
        Action(
            "join",
            ("reader_registrations.c:register_reader",),
            ("RING-16", "ORDER-10"),
            guard=lambda s, c, at: within(0, c.cursor, s.published),
            update=lambda s, c, at: {"cursor": c.cursor, "joining": HAS_TO_LOOK},
            words=(writes("join", **_REGISTRATION),),
            choices=("cursor",),
        ),
        Action(
            "look at the gating sequence",
            ("reader_registrations.c:register_reader",),
            ("ORDER-10",),
            guard=lambda s, c, at: s.joining == HAS_TO_LOOK,
            update=lambda s, c, at: {"seen": s.gate, "joining": HAS_LOOKED},
        ),
        _ADMITS_ITSELF,
        Action(
            "move up",
            ("reader_registrations.c:register_reader",),
            ("ORDER-10",),
            guard=lambda s, c, at: both(
                s.joining == HAS_LOOKED,
                s.seen > s.cursor + at.capacity,
                within(s.seen - at.capacity, c.cursor, s.published),
            ),
            update=lambda s, c, at: {"cursor": c.cursor, "joining": HAS_TO_LOOK},
            words=(writes("move up", **_REGISTRATION),),
            choices=("cursor",),
        ),
        Action(
            "find itself admitted",
            ("reader_registrations.c:register_reader",),
            ("ORDER-10",),
            guard=lambda s, c, at: both(s.joining == HAS_LOOKED, s.registration == ACTIVE),
            update=lambda s, c, at: {"joining": REGISTERED},
        ),
        Action(
            "move on",
            ("delivery.c:move_on",),
            ("ORDER-8", "RING-15"),
            guard=lambda s, c, at: both(s.joining == REGISTERED, c.cursor <= s.published),
            update=lambda s, c, at: {"cursor": c.cursor},
            words=(writes("move on", **_REGISTRATION),),
            choices=("cursor",),
        ),
        _LEAVE,
    ),
    invariant=(
        Conjunct(
            "the writer's numbers follow one another",
            lambda s, at: both(
                s.counted >= 0,
                s.counted <= s.published,
                s.published <= s.counted + BATCH,
                s.published <= s.touched,
                s.touched <= s.limit,
                s.limit <= s.counted + at.capacity,
            ),
        ),
        Conjunct(
            "the writer scans between two adds",
            lambda s, at: both(
                within(NOT_RAISING, s.raising, HAS_SCANNED_AGAIN),
                implies(s.raising != NOT_RAISING, s.touched == s.counted),
            ),
        ),
        Conjunct(
            "the gating sequence",
            lambda s, at: both(
                implies(s.raising <= HAS_SCANNED, s.gate == s.limit),
                implies(s.raising == HAS_RAISED, both(s.gate == s.target, s.target > s.limit)),
                implies(s.raising == HAS_SCANNED_AGAIN, both(s.target <= s.gate, s.limit <= s.gate)),
                implies(s.raising >= HAS_SCANNED, within(s.published, s.target, s.published + at.capacity)),
                s.gate <= s.counted + at.capacity,
            ),
        ),
        Conjunct(
            "the registration",
            lambda s, at: both(
                within(FREE, s.registration, ACTIVE),
                within(REGISTERED, s.joining, HAS_LOOKED),
                implies(s.registration == FREE, both(s.cursor == 0, s.joining == REGISTERED)),
                implies(s.registration == JOINING, s.joining != REGISTERED),
                within(0, s.cursor, s.published),
                implies(s.joining == HAS_LOOKED, s.seen <= s.published + at.capacity),
            ),
        ),
        Conjunct(
            "the writer stays within a lap of a registered reader",
            lambda s, at: implies(
                s.registration == ACTIVE,
                both(
                    s.touched <= s.cursor + at.capacity,
                    implies(
                        s.raising != HAS_SCANNED_AGAIN,
                        either(
                            s.limit <= s.cursor + at.capacity,
                            both(s.raising == HAS_SCANNED, s.target <= s.cursor + at.capacity),
                        ),
                    ),
                    implies(s.raising == HAS_SCANNED_AGAIN, s.target <= s.cursor + at.capacity),
                ),
            ),
        ),
        Conjunct(
            "and of a joining reader that has seen a gating sequence within a lap",
            lambda s, at: implies(
                both(s.registration == JOINING, s.joining == HAS_LOOKED, s.seen <= s.cursor + at.capacity),
                both(
                    s.touched <= s.cursor + at.capacity,
                    implies(s.raising != HAS_SCANNED_AGAIN, s.limit <= s.cursor + at.capacity),
                    implies(s.raising == HAS_SCANNED_AGAIN, s.target <= s.cursor + at.capacity),
                ),
            ),
        ),
        Conjunct(
            "the tag counts the registrations that have ended since the reader that is followed left",
            lambda s, at: both(
                within(0, s.tag, at.tag_mask),
                within(0, s.gone, at.tag_mask),
                within(0, s.ended, at.tag_mask),
                either(s.tag == s.gone + s.ended, s.tag == s.gone + s.ended - at.tag_mask - 1),
            ),
        ),
    ),
    properties=(
        Property(
            ("RING-14", "RING-15", "ORDER-8"),
            "the writer never stores to a slot with an event that a registered reader has yet to pass",
            lambda s, at: implies(s.registration == ACTIVE, s.touched <= s.cursor + at.capacity),
        ),
        Property(
            ("ORDER-10",),
            "while the writer adds without a scan, its gating sequence is within a lap of every registered reader",
            lambda s, at: implies(
                both(s.registration == ACTIVE, s.raising == NOT_RAISING), s.limit <= s.cursor + at.capacity
            ),
        ),
        Property(
            ("RING-15", "RING-16"),
            "a reader stands at an event that is published, or at the next one",
            lambda s, at: within(0, s.cursor, s.published),
        ),
        Property(
            ("RING-20",),
            "a reader that left or was evicted does not take another's registration for its own, unless a multiple of "
            "2^22 registrations ended since",
            lambda s, at: implies(both(s.registration != FREE, s.tag == s.gone), s.ended == 0),
        ),
        Enabled(
            ("ORDER-10", "RING-16"),
            "a joining reader that has looked takes its next step, whatever the writer does",
            "look at the gating sequence",
            lambda s, at: s.joining == HAS_TO_LOOK,
        ),
    ),
    assumptions=(
        INTERLEAVINGS,
        "of the other readers only that they can lower the writer's target, to no less than its cursor: this proof "
        "holds for each of them",
        "cursors are unbounded: the 40 bits of a registration are decoded rightly (cursor_in)",
        "how a waiting ring counts the readers that join (ORDER-19) and the low-water mark (RING-17) are not modelled",
        "a reservation is an add in progress; the writer's changes (close, open) come between two adds",
    ),
    mutations=(
        Mutation(
            "the gating sequence is raised without a second scan",
            (
                Action(
                    _RAISE.name,
                    guard=_RAISE.guard,
                    update=lambda s, c, at: {"raising": HAS_SCANNED_AGAIN, "gate": s.target},
                    words=_RAISE.words,
                ),
            ),
            "ORDER-10",
            9,
        ),
        Mutation(
            "the second scan passes over readers that join",
            (
                Action(
                    _PASSED.name,
                    guard=lambda s, c, at: both(
                        s.raising == HAS_RAISED,
                        s.registration != ACTIVE,
                        within(s.published, c.target, s.target),
                    ),
                    update=_PASSED.update,
                    choices=("target",),
                ),
            ),
            "ORDER-10",
            9,
        ),
        Mutation(
            "a reader admits itself without a look",
            (
                Action(
                    _ADMITS_ITSELF.name,
                    guard=lambda s, c, at: s.joining == HAS_TO_LOOK,
                    update=_ADMITS_ITSELF.update,
                    words=_ADMITS_ITSELF.words,
                ),
            ),
            "ORDER-10",
            9,
        ),
        Mutation(
            "the gating sequence is used without being stored",
            (
                Action(_RAISE.name, guard=_RAISE.guard, update=lambda s, c, at: {"raising": HAS_RAISED}),
                Action(
                    _SETTLE.name,
                    guard=lambda s, c, at: s.raising == HAS_SCANNED_AGAIN,
                    update=_SETTLE.update,
                ),
            ),
            "ORDER-10",
            10,
        ),
        Mutation(
            "the end of a registration keeps its tag",
            (
                Action(
                    _LEAVE.name,
                    guard=lambda s, c, at: both(_LEAVE.guard(s, c, at), s.registration == ACTIVE),
                    update=lambda s, c, at: {**_LEAVE.update(s, c, at), "registration": FREE, "cursor": 0},
                    choices=("follow",),
                ),
            ),
            "RING-20",
        ),
    ),
    labels={
        "registration": ("FREE", "JOINING", "ACTIVE"),
        "raising": ("no", "scans", "has scanned", "has raised", "has scanned again"),
        "joining": ("no", "has to look", "has looked"),
    },
)
