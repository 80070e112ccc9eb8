"""The event count: waiting threads, and those that notify them."""

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
