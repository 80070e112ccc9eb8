"""Publication, the lap check and the fences against store buffering, over views: release and acquire messages.

A store is a message in the modification order of its word. A release store, or a relaxed store after a release fence,
carries what its thread knew; a thread that reads it with acquire, or executes an acquire fence later, then knows that
too. A load may read every message that its thread does not know to be overwritten. What a thread knows of one word is a
position in that word's modification order: its view.
"""

from typing import Final

from rusted_ring.verify.proofs.formulas import both, choose, either, greater, implies, within
from rusted_ring.verify.proofs.systems import Action, Conjunct, Mutation, Property, System

VIEWS: Final = (
    "views: accesses and fences as in RC11, as messages that carry what their thread knew; "
    "one thread stores to each word"
)

# --- publication

_PUBLISH: Final = Action(
    "publish",
    ("writer.c:publish", "ring.h:event_descriptor_store"),
    ("ORDER-7", "ORDER-17"),
    guard=lambda s, c, at: within(s.published + 1, c.events, s.stored),
    update=lambda s, c, at: {
        "published": c.events,
        "sent": choose(c.events == at.message, 1, s.sent),
        "carried": choose(c.events == at.message, s.stored, s.carried),
    },
    choices=("events",),
)
_ACQUIRE: Final = Action(
    "acquire the message",
    ("ring.h:cursor_observe", "ring.h:event_descriptor_load"),
    ("ORDER-7", "ORDER-17"),
    guard=lambda s, c, at: s.sent == 1,
    update=lambda s, c, at: {"acquired": 1, "known": greater(s.known, s.carried)},
)

PUBLICATION: Final = System(
    name="publication",
    title="one writer that publishes events, and a thread that reads one of them after any one of its messages",
    constants=("message", "event", "capacity"),
    fixed={},
    assume=lambda at: both(at.capacity >= 1, at.event >= 0, at.message > at.event),
    variables=("stored", "published", "sent", "carried", "acquired", "known", "stale"),
    initial=lambda s, at: both(
        *(s.stored == 0, s.published == 0, s.sent == 0, s.carried == 0, s.acquired == 0, s.known == 0, s.stale == 0)
    ),
    actions=(
        Action(
            "store an event's words",
            ("copies.h:copy_in",),
            ("ORDER-7",),
            update=lambda s, c, at: {"stored": s.stored + 1},
        ),
        _PUBLISH,
        _ACQUIRE,
        Action(
            "read a word of the event's slot",
            ("copies.h:copy_out",),
            ("ORDER-7",),
            # the word as some event of this slot stored it; `known` events are known to be stored
            guard=lambda s, c, at: both(
                s.acquired == 1,
                either(c.read == at.event, c.read <= at.event - at.capacity, c.read >= at.event + at.capacity),
                c.read < s.stored,
                implies(s.known > at.event, c.read >= at.event),
            ),
            update=lambda s, c, at: {"stale": choose(c.read < at.event, 1, s.stale)},
            choices=("read",),
        ),
    ),
    invariant=(
        Conjunct("published after stored", lambda s, at: within(0, s.published, s.stored)),
        Conjunct(
            "the message carries what was stored before it",
            lambda s, at: both(within(0, s.sent, 1), implies(s.sent == 1, within(at.message, s.carried, s.stored))),
        ),
        Conjunct(
            "a thread that acquired it knows that",
            lambda s, at: both(
                within(0, s.acquired, 1),
                within(0, s.known, s.stored),
                implies(s.acquired == 1, both(s.sent == 1, s.known >= at.message)),
            ),
        ),
        Conjunct("nothing stale was read", lambda s, at: s.stale == 0),
    ),
    properties=(
        Property(
            ("ORDER-7", "ORDER-17"),
            "a thread that acquired a message reads no word of an event from before that event",
            lambda s, at: s.stale == 0,
        ),
    ),
    assumptions=(
        VIEWS,
        "words of a later lap are the matter of the lap check and of the gating sequence, "
        "which have proofs of their own",
    ),
    mutations=(
        Mutation(
            "the store that publishes is relaxed",
            (
                Action(
                    "publish",
                    guard=_PUBLISH.guard,
                    update=lambda s, c, at: {
                        "published": c.events,
                        "sent": choose(c.events == at.message, 1, s.sent),
                    },
                    choices=("events",),
                ),
            ),
            "ORDER-7",
        ),
        Mutation(
            "the load of the message is relaxed",
            (Action(_ACQUIRE.name, guard=_ACQUIRE.guard, update=lambda s, c, at: {"acquired": 1}),),
            "ORDER-7",
        ),
        Mutation(
            "an event is published before it is stored",
            (
                Action(
                    "publish",
                    guard=lambda s, c, at: within(s.published + 1, c.events, s.stored + 1),
                    update=_PUBLISH.update,
                    choices=("events",),
                ),
            ),
            "ORDER-7",
            9,
        ),
    ),
)

# --- the lap check

_ANNOUNCES, _FENCES, _STORES = 0, 1, 2
COPIES, HAS_FENCED, HAS_CHECKED = 0, 1, 2

_ANNOUNCE: Final = Action(
    "announce",
    ("writer.c:announce",),
    ("ORDER-9",),
    guard=lambda s, c, at: both(s.writing == _ANNOUNCES, within(1, c.events, at.capacity)),
    update=lambda s, c, at: {"claim": s.stored + c.events, "end": s.stored + c.events, "writing": _FENCES},
    choices=("events",),
)
_RELEASE_FENCE: Final = Action(
    "release fence",
    ("writer.c:announce",),
    ("ORDER-9",),
    guard=lambda s, c, at: s.writing == _FENCES,
    update=lambda s, c, at: {"released": s.claim, "writing": _STORES},
)
_ACQUIRE_FENCE: Final = Action(
    "acquire fence",
    ("delivery.c:is_intact",),
    ("ORDER-9",),
    guard=lambda s, c, at: s.reading == COPIES,
    update=lambda s, c, at: {"known": greater(s.known, s.pending), "reading": HAS_FENCED},
)
_CHECK: Final = Action(
    "load the announcement",
    ("delivery.c:is_intact",),
    ("ORDER-9", "RING-13"),
    guard=lambda s, c, at: both(s.reading == HAS_FENCED, within(s.known, c.claim, s.claim)),
    update=lambda s, c, at: {
        "reading": HAS_CHECKED,
        "intact": choose(c.claim <= at.event + at.capacity, 1, 0),
    },
    choices=("claim",),
)

LAP_CHECK: Final = System(
    name="lap-check",
    title="a reader that copies an event, and any one of the later events that the writer stores into the same slot",
    constants=("capacity", "event", "later"),
    fixed={},
    assume=lambda at: both(at.capacity >= 1, at.event >= 0, at.later >= at.event + at.capacity),
    variables=(
        "claim",
        "end",
        "released",
        "stored",
        "writing",
        "carried",
        "pending",
        "known",
        "reading",
        "torn",
        "intact",
    ),
    initial=lambda s, at: both(
        s.stored >= 0,
        s.stored <= at.later,
        *(s.claim == s.stored, s.end == s.stored, within(0, s.released, s.stored), s.writing == _ANNOUNCES),
        *(s.carried == 0, s.pending == 0, s.known == 0, s.reading == COPIES, s.torn == 0, s.intact == 0),
    ),
    actions=(
        _ANNOUNCE,
        _RELEASE_FENCE,
        Action(
            # all its words carry the same view: the fence is before the batch
            "begin to store an event",
            ("copies.h:copy_in", "ring.h:event_descriptor_store"),
            ("ORDER-9",),
            guard=lambda s, c, at: both(s.writing == _STORES, s.stored < s.end),
            update=lambda s, c, at: {
                "stored": s.stored + 1,
                "carried": choose(s.stored == at.later, s.released, s.carried),
            },
        ),
        Action(
            "end the batch",
            (),
            ("ORDER-9",),
            guard=lambda s, c, at: both(s.writing == _STORES, s.stored == s.end),
            update=lambda s, c, at: {"writing": _ANNOUNCES},
        ),
        Action(
            "copy a word of the later event",
            ("copies.h:copy_out", "ring.h:event_descriptor_load"),
            ("ORDER-9",),
            guard=lambda s, c, at: both(s.reading == COPIES, s.stored > at.later),
            update=lambda s, c, at: {"torn": 1, "pending": greater(s.pending, s.carried)},
        ),
        _ACQUIRE_FENCE,
        _CHECK,
    ),
    invariant=(
        Conjunct(
            "the writer's numbers follow one another",
            lambda s, at: both(
                s.stored >= 0,
                s.stored <= s.end,
                s.claim == s.end,
                s.end <= s.stored + at.capacity,
                within(0, s.released, s.claim),
                within(_ANNOUNCES, s.writing, _STORES),
                implies(s.writing == _ANNOUNCES, s.stored == s.end),
                implies(s.writing == _STORES, s.released == s.end),
            ),
        ),
        Conjunct(
            "the later event's words carry its announcement",
            lambda s, at: both(within(0, s.carried, s.claim), implies(s.stored > at.later, s.carried >= at.later + 1)),
        ),
        Conjunct(
            "the reader's views",
            lambda s, at: both(
                within(0, s.pending, s.claim),
                within(0, s.known, s.claim),
                within(COPIES, s.reading, HAS_CHECKED),
                within(0, s.torn, 1),
                within(0, s.intact, 1),
                implies(s.torn == 1, s.pending >= at.later + 1),
                implies(both(s.torn == 1, s.reading != COPIES), s.known >= at.later + 1),
            ),
        ),
        Conjunct(
            "a torn copy does not pass",
            lambda s, at: both(implies(s.torn == 1, s.intact == 0), implies(s.intact == 1, s.reading == HAS_CHECKED)),
        ),
    ),
    properties=(
        Property(
            ("ORDER-9", "RING-13"),
            "a copy that passes the check has no word of a later event",
            lambda s, at: implies(both(s.reading == HAS_CHECKED, s.intact == 1), s.torn == 0),
        ),
    ),
    assumptions=(VIEWS, "the reader knew the event's own words (publication, which is proved by itself)"),
    mutations=(
        Mutation(
            "no release fence",
            (
                Action(
                    _RELEASE_FENCE.name,
                    guard=_RELEASE_FENCE.guard,
                    update=lambda s, c, at: {"writing": _STORES},
                ),
            ),
            "ORDER-9",
        ),
        Mutation(
            "no acquire fence",
            (Action(_ACQUIRE_FENCE.name, guard=_ACQUIRE_FENCE.guard, update=lambda s, c, at: {"reading": HAS_FENCED}),),
            "ORDER-9",
        ),
        Mutation(
            "the release fence comes before the announcement",
            (
                Action(
                    "announce",
                    guard=_ANNOUNCE.guard,
                    update=lambda s, c, at: {"released": s.claim, "end": s.stored + c.events, "writing": _FENCES},
                    choices=("events",),
                ),
                Action(
                    _RELEASE_FENCE.name,
                    guard=_RELEASE_FENCE.guard,
                    update=lambda s, c, at: {"claim": s.end, "writing": _STORES},
                ),
            ),
            "ORDER-9",
        ),
        Mutation(
            "the check comes before the copy",
            (
                Action(
                    _CHECK.name,
                    guard=lambda s, c, at: both(s.reading == COPIES, s.torn == 0, within(s.known, c.claim, s.claim)),
                    update=lambda s, c, at: {"intact": choose(c.claim <= at.event + at.capacity, 1, 0)},
                    choices=("claim",),
                ),
                Action(
                    _ACQUIRE_FENCE.name,
                    guard=_ACQUIRE_FENCE.guard,
                    update=lambda s, c, at: {"reading": HAS_CHECKED},
                ),
            ),
            "ORDER-9",
        ),
    ),
    labels={
        "writing": ("between batches", "has announced", "stores"),
        "reading": ("copies", "has fenced", "has checked"),
    },
)

# --- store buffering

_FIRST_FENCE: Final = Action(
    "the first thread's fence",
    (),
    ("ORDER-10", "ORDER-14"),
    guard=lambda s, c, at: s.first == 1,
    update=lambda s, c, at: {
        "first": 2,
        "first_knows": greater(s.first_knows, s.fences_second),
        "fences_first": 1,
    },
)
_SECOND_FENCE: Final = Action(
    "the second thread's fence",
    (),
    ("ORDER-10", "ORDER-14"),
    guard=lambda s, c, at: s.second == 1,
    update=lambda s, c, at: {
        "second": 2,
        "second_knows": greater(s.second_knows, s.fences_first),
        "fences_second": 1,
    },
)

STORE_BUFFERING: Final = System(
    name="two-fences",
    title="two threads: each stores, executes a seq_cst fence and loads what the other stores; other threads fence too",
    constants=(),
    fixed={},
    assume=lambda at: True,
    variables=(
        *("first", "second", "first_knows", "second_knows", "fences_first", "fences_second"),
        *("first_saw", "second_saw"),
    ),
    initial=lambda s, at: both(
        *(s.first == 0, s.second == 0, s.first_knows == 0, s.second_knows == 0, s.fences_first == 0),
        *(s.fences_second == 0, s.first_saw == 0, s.second_saw == 0),
    ),
    actions=(
        Action("the first thread stores", guard=lambda s, c, at: s.first == 0, update=lambda s, c, at: {"first": 1}),
        _FIRST_FENCE,
        Action(
            "the first thread loads",
            guard=lambda s, c, at: both(s.first == 2, within(s.first_knows, c.value, choose(s.second >= 1, 1, 0))),
            update=lambda s, c, at: {"first": 3, "first_saw": c.value},
            choices=("value",),
        ),
        Action("the second thread stores", guard=lambda s, c, at: s.second == 0, update=lambda s, c, at: {"second": 1}),
        _SECOND_FENCE,
        Action(
            "the second thread loads",
            guard=lambda s, c, at: both(s.second == 2, within(s.second_knows, c.value, choose(s.first >= 1, 1, 0))),
            update=lambda s, c, at: {"second": 3, "second_saw": c.value},
            choices=("value",),
        ),
        Action(
            "a fence of another thread",
            # it adds at most what was stored
            guard=lambda s, c, at: both(
                within(s.fences_first, c.first, choose(s.first >= 1, 1, 0)),
                within(s.fences_second, c.second, choose(s.second >= 1, 1, 0)),
            ),
            update=lambda s, c, at: {"fences_first": c.first, "fences_second": c.second},
            choices=("first", "second"),
        ),
    ),
    invariant=(
        Conjunct(
            "the numbers fit",
            lambda s, at: both(
                within(0, s.first, 3),
                within(0, s.second, 3),
                *(
                    within(0, name, choose(s.second >= 1, 1, 0))
                    for name in (s.first_knows, s.fences_second, s.first_saw)
                ),
                *(
                    within(0, name, choose(s.first >= 1, 1, 0))
                    for name in (s.second_knows, s.fences_first, s.second_saw)
                ),
            ),
        ),
        Conjunct(
            "the fences know what was stored before them",
            lambda s, at: both(
                implies(s.first >= 2, s.fences_first == 1), implies(s.second >= 2, s.fences_second == 1)
            ),
        ),
        Conjunct(
            "the later of the two fences knows the other thread's store",
            lambda s, at: implies(both(s.first >= 2, s.second >= 2), s.first_knows + s.second_knows >= 1),
        ),
        Conjunct(
            "a load sees what its thread knows",
            lambda s, at: both(
                implies(s.first == 3, s.first_saw >= s.first_knows),
                implies(s.second == 3, s.second_saw >= s.second_knows),
            ),
        ),
    ),
    properties=(
        Property(
            ("ORDER-10", "ORDER-14"),
            "at least one of the two threads sees the other's store",
            lambda s, at: implies(both(s.first == 3, s.second == 3), s.first_saw + s.second_saw >= 1),
        ),
    ),
    assumptions=(
        VIEWS,
        "fences of the order seq_cst take effect one after another, and each knows what those before it knew",
        "the pattern alone, one store and one load a thread: that the join and the leave need no more is shown under "
        "interleavings (gated-ring) and by the explorer",
    ),
    mutations=(
        Mutation(
            "no fence in the first thread",
            (Action(_FIRST_FENCE.name, guard=_FIRST_FENCE.guard, update=lambda s, c, at: {"first": 2}),),
            "ORDER-10",
        ),
        Mutation(
            "no fence in the second thread",
            (Action(_SECOND_FENCE.name, guard=_SECOND_FENCE.guard, update=lambda s, c, at: {"second": 2}),),
            "ORDER-10",
        ),
    ),
)
