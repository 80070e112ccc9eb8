"""The overwriting ring's lap check, the gated ring's readers and gating sequence, and the event count."""

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
from rusted_ring.verify.proofs.words import ACTIVE, BATCH, FREE, JOINING

# --- the overwriting ring

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

# --- the gated ring

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

# --- the event count

RUNS, HAS_EPOCH, HAS_ANNOUNCED, HAS_RECHECKED, SLEEPS = 0, 1, 2, 3, 4
_WAITERS: Final = {"fenced": "fenced", "sleepers": "sleepers", "notifiers": "notifiers"}

_MAKE_TRUE: Final = Action(
    "make the condition true",
    (),
    ("ORDER-15",),
    update=lambda s, c, at: {"condition": 1, "owing": s.owing + 1},
)
_FIND_NONE: Final = Action(
    "find no waiting thread",
    ("event_count.h:may_have_waiters", "event_count.c:event_count_has_waiters"),
    ("ORDER-15",),
    guard=lambda s, c, at: both(s.owing >= 1, s.sleepers == 0),
    update=lambda s, c, at: {"owing": s.owing - 1},
)
_WITHDRAW: Final = Action(
    "withdraw the announcements",
    ("event_count.c:event_count_notify_all",),
    ("ORDER-16",),
    guard=lambda s, c, at: s.notifying >= 1,
    update=lambda s, c, at: {"notifying": s.notifying - 1, "withdrawn": s.withdrawn + s.sleepers},
    words=(writes("withdraw announcements", **_WAITERS),),
)
_EPOCH: Final = Action(
    "load the epoch",
    ("event_count.c:wait_begin",),
    ("ORDER-16",),
    guard=lambda s, c, at: s.waiting == RUNS,
    update=lambda s, c, at: {"waiting": HAS_EPOCH, "moved": 0},
)
_ANNOUNCE_SLEEPER: Final = Action(
    "announce itself",
    ("event_count.c:prepare_wait",),
    ("ORDER-15",),
    guard=lambda s, c, at: s.waiting == HAS_EPOCH,
    update=lambda s, c, at: {"waiting": HAS_ANNOUNCED},
    words=(writes("announce a sleeper", **_WAITERS),),
)
_RECHECK: Final = Action(
    "recheck: still false",
    ("event_count.c:event_count_wait",),
    ("ORDER-15",),
    guard=lambda s, c, at: both(s.waiting == HAS_ANNOUNCED, s.condition == 0),
    update=lambda s, c, at: {"waiting": HAS_RECHECKED},
)
_BUMP: Final = Action(
    "count the wake-up",
    ("event_count.c:event_count_notify_all",),
    ("ORDER-16",),
    guard=lambda s, c, at: both(s.withdrawn >= 1, s.moved < at.epoch_mask),
    update=lambda s, c, at: {"withdrawn": s.withdrawn - 1, "moved": s.moved + 1, "waking": s.waking + 1},
    words=(writes("count a wake-up", value="epoch"),),
)

EVENT_COUNT: Final = System(
    name="event-count",
    title="one of any number of waiting threads, and any number of threads that make its condition true",
    constants=("epoch_mask",),
    fixed={},
    assume=lambda at: at.epoch_mask >= 1,
    variables=(
        *("condition", "fenced", "sleepers", "notifiers", "epoch", "waiting", "moved"),
        *("owing", "notifying", "withdrawn", "waking"),
    ),
    initial=lambda s, at: both(
        *(s.condition == 0, within(0, s.fenced, 1), s.sleepers == 0, s.notifiers == 0, s.epoch == 0),
        *(s.waiting == RUNS, s.moved == 0, s.owing == 0, s.notifying == 0, s.withdrawn == 0, s.waking == 0),
    ),
    actions=(
        _MAKE_TRUE,
        Action(
            "make the condition false again",
            (),
            ("RING-48",),
            update=lambda s, c, at: {"condition": 0},
        ),
        _FIND_NONE,
        Action(
            "find waiting threads",
            ("event_count.c:event_count_has_waiters",),
            ("ORDER-15",),
            guard=lambda s, c, at: both(s.owing >= 1, s.sleepers + s.notifiers >= 1),
            update=lambda s, c, at: {"owing": s.owing - 1, "notifying": s.notifying + 1},
        ),
        _WITHDRAW,
        _BUMP,
        Action(
            "wake all that sleep",
            ("event_count.c:futex_wake_all",),
            ("RING-32", "RING-48"),
            guard=lambda s, c, at: s.waking >= 1,
            update=lambda s, c, at: {
                "waking": s.waking - 1,
                "waiting": choose(s.waiting == SLEEPS, RUNS, s.waiting),
            },
        ),
        _EPOCH,
        _ANNOUNCE_SLEEPER,
        _RECHECK,
        Action(
            "recheck: true",
            ("event_count.c:event_count_wait",),
            ("RING-32",),
            guard=lambda s, c, at: both(s.waiting == HAS_ANNOUNCED, s.condition == 1),
            update=lambda s, c, at: {"waiting": RUNS},
        ),
        Action(
            "sleep",
            ("event_count.c:sleep_on",),
            ("RING-34",),
            guard=lambda s, c, at: both(s.waiting == HAS_RECHECKED, s.moved == 0),
            update=lambda s, c, at: {"waiting": SLEEPS},
        ),
        Action(
            "find another epoch",
            ("event_count.c:sleep_on",),
            ("ORDER-16",),
            guard=lambda s, c, at: both(s.waiting == HAS_RECHECKED, s.moved != 0),
            update=lambda s, c, at: {"waiting": RUNS},
        ),
        Action(
            "end by time or by a signal",
            ("event_count.c:sleep_on",),
            ("RING-31", "RING-33"),
            guard=lambda s, c, at: s.waiting == SLEEPS,
            update=lambda s, c, at: {"waiting": RUNS},
        ),
        Action(
            "announce another thread",
            ("event_count.c:prepare_wait",),
            ("ORDER-15",),
            words=(writes("announce a sleeper", **_WAITERS),),
        ),
        Action(
            "announce a notifier",
            ("event_count.c:prepare_wait",),
            ("ORDER-21",),
            words=(writes("announce a notifier", **_WAITERS),),
        ),
    ),
    invariant=(
        Conjunct(
            "the numbers fit",
            lambda s, at: both(
                *(
                    within(0, s.condition, 1),
                    within(0, s.fenced, 1),
                    within(0, s.sleepers, 1),
                    within(0, s.notifiers, 1),
                ),
                *(
                    within(0, s.epoch, at.epoch_mask),
                    within(RUNS, s.waiting, SLEEPS),
                    within(0, s.moved, at.epoch_mask),
                ),
                *(s.owing >= 0, s.notifying >= 0, s.withdrawn >= 0, s.waking >= 0),
            ),
        ),
        Conjunct(
            "a thread that was announced still is, or will find or has found another epoch",
            lambda s, at: implies(
                within(HAS_ANNOUNCED, s.waiting, SLEEPS), either(s.sleepers == 1, s.withdrawn >= 1, s.moved != 0)
            ),
        ),
        Conjunct(
            "a sleeping thread whose epoch has passed is about to be woken",
            lambda s, at: implies(both(s.waiting == SLEEPS, s.moved != 0), s.waking >= 1),
        ),
        Conjunct(
            "if the condition became true after the recheck, a thread is about to notify",
            lambda s, at: implies(
                both(within(HAS_RECHECKED, s.waiting, SLEEPS), s.condition == 1),
                either(s.owing + s.notifying + s.withdrawn >= 1, s.moved != 0),
            ),
        ),
    ),
    properties=(
        Property(
            ("RING-32", "RING-48", "ORDER-15"),
            "while a thread sleeps and its condition is true, another thread is on its way to wake it",
            lambda s, at: implies(
                both(s.waiting == SLEEPS, s.condition == 1), s.owing + s.notifying + s.withdrawn + s.waking >= 1
            ),
        ),
        Property(
            ("ORDER-16",),
            "a sleeping thread is still announced, or is about to be woken",
            lambda s, at: implies(both(s.waiting == SLEEPS, s.sleepers == 0), s.withdrawn + s.waking >= 1),
        ),
        StepProperty(
            ("RING-32", "RING-48"),
            "a wake-up wakes a thread that sleeps",
            lambda s, n, at: n.waiting != SLEEPS,
            ("wake all that sleep",),
        ),
        Enabled(
            ("RING-32", "RING-48"),
            "a thread that withdrew announcements can go on",
            "wake all that sleep",
            lambda s, at: s.waking >= 1,
        ),
    ),
    assumptions=(
        INTERLEAVINGS,
        "fewer than 2^32 wake-ups come between a thread's load of the epoch and its sleep",
        "the kernel compares and sleeps in one step (futex)",
        "a thread that has made a condition true is not stopped for ever before it has notified",
    ),
    mutations=(
        Mutation(
            "the epoch is loaded after the announcement",
            (
                Action(
                    _EPOCH.name,
                    guard=lambda s, c, at: s.waiting == RUNS,
                    update=lambda s, c, at: {"waiting": HAS_EPOCH},
                    words=(writes("announce a sleeper", **_WAITERS),),
                ),
                Action(
                    _ANNOUNCE_SLEEPER.name,
                    guard=lambda s, c, at: s.waiting == HAS_EPOCH,
                    update=lambda s, c, at: {"waiting": HAS_ANNOUNCED, "moved": 0},
                ),
            ),
            "ORDER-15",
            14,
        ),
        Mutation(
            "no recheck",
            (
                Action(
                    _RECHECK.name,
                    guard=lambda s, c, at: s.waiting == HAS_ANNOUNCED,
                    update=_RECHECK.update,
                ),
            ),
            "ORDER-15",
        ),
        Mutation(
            "the announcements are withdrawn, and no wake-up is counted",
            (
                Action(
                    _WITHDRAW.name,
                    guard=_WITHDRAW.guard,
                    update=lambda s, c, at: {"notifying": s.notifying - 1, "waking": s.waking + s.sleepers},
                    words=_WITHDRAW.words,
                ),
            ),
            "ORDER-15",
            10,
        ),
        Mutation(
            "the look for waiting threads comes before the store",
            (
                Action(
                    _FIND_NONE.name,
                    guard=lambda s, c, at: s.sleepers == 0,
                    update=lambda s, c, at: {"owing": s.owing + 1},
                ),
                Action(
                    _MAKE_TRUE.name,
                    guard=lambda s, c, at: s.owing >= 1,
                    update=lambda s, c, at: {"owing": s.owing - 1, "condition": 1},
                ),
            ),
            "ORDER-15",
            10,
        ),
        Mutation(
            "waiting threads do not announce themselves",
            (Action(_ANNOUNCE_SLEEPER.name, guard=_ANNOUNCE_SLEEPER.guard, update=_ANNOUNCE_SLEEPER.update),),
            "ORDER-15",
        ),
    ),
    labels={"waiting": ("no", "has the epoch", "has announced itself", "has rechecked", "sleeps")},
)
