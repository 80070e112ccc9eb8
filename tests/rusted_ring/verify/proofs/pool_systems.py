"""The protocol of one slot with its detached references, and the search of the free list."""

from typing import Final

from rusted_ring.verify.proofs.formulas import after, both, choose, either, implies, no, within
from rusted_ring.verify.proofs.systems import (
    Action,
    Conjunct,
    Enabled,
    Mutation,
    Property,
    StepProperty,
    System,
    WordUse,
    writes,
)
from rusted_ring.verify.proofs.words import FREE, LIVE, LOANED, bit_claimed, bit_released

INTERLEAVINGS: Final = "interleavings: each atomic step takes effect at once, for all threads (sequential consistency)"

_SLOT: Final = {"state": "state", "count": "count", "generation": "generation"}
_DETACHED: Final = {"detached": "detached", "of": "of"}
_CLAIMED: Final = WordUse(lambda old, new, at: bit_claimed(old.bit, new.bit), {"bit": "bit"})
_RELEASED: Final = WordUse(lambda old, new, at: bit_released(old.bit, new.bit), {"bit": "bit"})
_CLAIMS: Final = ("allocate.c:allocate_next_fit", "free_list.c:claim_in_word")

_FREE_WORD: Final = Action(
    "store FREE",
    ("references.h:slot_unref",),
    ("SLOT-12",),
    guard=lambda s, c, at: s.freeing >= 1,
    update=lambda s, c, at: {
        "freeing": s.freeing - 1,
        "returning": s.returning + 1,
        "since": after(s.since, at.generation_mask),
    },
    words=(writes("free", **_SLOT),),
)
_ABORT: Final = Action(
    "abort",
    ("loans.c:rr_abort",),
    ("SLOT-8",),
    guard=lambda s, c, at: s.loans >= 1,
    update=lambda s, c, at: {
        "loans": s.loans - 1,
        "returning": s.returning + 1,
        "since": after(s.since, at.generation_mask),
    },
    words=(writes("abort", **_SLOT),),
)
_CLONE: Final = Action(
    "clone",
    ("references.c:slot_clone",),
    ("SLOT-9",),
    guard=lambda s, c, at: s.held >= 1,
    update=lambda s, c, at: {"held": s.held + 1},
    words=(writes("add a reference", **_SLOT),),
)
_UPGRADE: Final = Action(
    "upgrade the weak pointer",
    ("references.c:slot_upgrade",),
    ("WEAK-2", "WEAK-3"),
    guard=lambda s, c, at: s.generation == s.weak,
    update=lambda s, c, at: {"held": s.held + 1},
    words=(writes("add a reference", **_SLOT),),
)
_DROP: Final = Action(
    "drop",
    ("references.h:slot_unref",),
    ("SLOT-11", "SLOT-12"),
    guard=lambda s, c, at: s.held >= 1,
    update=lambda s, c, at: {"held": s.held - 1, "freeing": s.freeing + choose(s.count == 1, 1, 0)},
    words=(writes("end a reference", **_SLOT),),
)
_TAKE: Final = Action(
    "take a detached reference",
    ("references.c:take_detached",),
    ("PTR-13",),
    guard=lambda s, c, at: both(s.of == s.generation, s.state == LIVE, s.count >= 1),
    update=lambda s, c, at: {"loose": s.loose - 1, "held": s.held + 1},
    words=(writes("take a detached reference", **_DETACHED),),
)
_KEEP: Final = Action(
    "keep a detached reference that was taken early",
    ("references.c:take_detached",),
    ("PTR-13", "ORDER-12"),
    guard=lambda s, c, at: both(s.borrowed >= 1, s.state == LIVE, s.count >= 1),
    update=lambda s, c, at: {"borrowed": s.borrowed - 1, "held": s.held + 1},
)

SLOT: Final = System(
    name="slot",
    title="one slot with its word, its detached references and its bit of the free list, used by any number of threads",
    constants=("count_mask", "generation_mask"),
    fixed={},
    assume=lambda at: both(at.count_mask >= 1, at.generation_mask >= 1),
    variables=(
        *("state", "count", "generation", "detached", "of", "bit"),
        *("claiming", "prepared", "loans", "freeing", "returning"),
        *("held", "loose", "borrowed", "weak", "since"),
    ),
    initial=lambda s, at: both(
        *(s.state == FREE, s.count == 0, s.generation == 0, s.detached == 0, s.of == 0, s.bit == 1),
        *(s.claiming == 0, s.prepared == 0, s.loans == 0, s.freeing == 0, s.returning == 0),
        *(s.held == 0, s.loose == 0, s.borrowed == 0, s.weak == 0, s.since == 0),
    ),
    actions=(
        Action(
            "claim",
            _CLAIMS,
            ("ALLOC-2",),
            update=lambda s, c, at: {"claiming": s.claiming + 1},
            words=(_CLAIMED,),
        ),
        Action(
            "return a claimed slot unused",
            ("free_list.h:free_list_release",),
            ("ALLOC-14",),
            guard=lambda s, c, at: s.claiming >= 1,
            update=lambda s, c, at: {"claiming": s.claiming - 1},
            words=(_RELEASED,),
        ),
        Action(
            "publish",
            ("allocate.h:slot_publish",),
            ("SLOT-5",),
            guard=lambda s, c, at: s.claiming >= 1,
            update=lambda s, c, at: {"claiming": s.claiming - 1, "held": s.held + 1},
            words=(writes("publish", **_SLOT),),
        ),
        Action(
            "count the detached reference of an allocation",
            ("allocate.h:slot_publish",),
            ("PTR-11", "ORDER-12"),
            guard=lambda s, c, at: s.claiming >= 1,
            update=lambda s, c, at: {"claiming": s.claiming - 1, "prepared": s.prepared + 1, "of": s.generation},
            words=(writes("first detached reference", **_DETACHED),),
        ),
        Action(
            "publish with a detached reference",
            ("allocate.h:slot_publish",),
            ("SLOT-5", "PTR-11"),
            guard=lambda s, c, at: s.prepared >= 1,
            update=lambda s, c, at: {"prepared": s.prepared - 1, "loose": s.detached},
            words=(writes("publish", **_SLOT),),
        ),
        Action(
            "lend",
            ("loans.c:rr_loan",),
            ("SLOT-6",),
            guard=lambda s, c, at: s.claiming >= 1,
            update=lambda s, c, at: {"claiming": s.claiming - 1, "loans": s.loans + 1},
            words=(writes("lend", **_SLOT),),
        ),
        Action(
            "commit",
            ("loans.c:rr_commit",),
            ("SLOT-7",),
            guard=lambda s, c, at: s.loans >= 1,
            update=lambda s, c, at: {"loans": s.loans - 1, "held": s.held + 1},
            words=(writes("commit", **_SLOT),),
        ),
        _ABORT,
        _CLONE,
        Action(
            "downgrade",
            (),
            ("WEAK-1",),
            guard=lambda s, c, at: s.held >= 1,
            update=lambda s, c, at: {"weak": s.generation, "since": 0},
        ),
        _UPGRADE,
        Action(
            "upgrade a handle of any generation",
            ("references.c:slot_upgrade",),
            ("WEAK-2", "ALLOC-16"),
            update=lambda s, c, at: {"held": s.held + 1},
            words=(writes("add a reference", **_SLOT),),
        ),
        Action(
            "detach the first reference",
            ("references.c:add_detached",),
            ("PTR-11", "PTR-12"),
            guard=lambda s, c, at: s.held >= 1,
            update=lambda s, c, at: {"held": s.held - 1, "loose": s.loose + 1, "of": s.generation},
            words=(writes("first detached reference", **_DETACHED),),
        ),
        Action(
            "detach one more reference",
            ("references.c:add_detached",),
            ("PTR-11", "PTR-12"),
            guard=lambda s, c, at: both(s.held >= 1, s.of == s.generation),
            update=lambda s, c, at: {"held": s.held - 1, "loose": s.loose + 1},
            words=(writes("add a detached reference", **_DETACHED),),
        ),
        _TAKE,
        Action(
            "take a detached reference early",
            ("references.c:take_detached",),
            ("ORDER-12",),
            guard=lambda s, c, at: both(s.of == s.generation, no(both(s.state == LIVE, s.count >= 1))),
            update=lambda s, c, at: {"borrowed": s.borrowed + 1},
            words=(writes("take a detached reference", **_DETACHED),),
        ),
        _KEEP,
        Action(
            "return the reference that was taken early",
            ("references.c:add_detached",),
            ("ORDER-12",),
            guard=lambda s, c, at: s.borrowed >= 1,
            update=lambda s, c, at: {
                "borrowed": s.borrowed - 1,
                "loose": s.loose + choose(both(s.state == LIVE, s.count >= 1), 1, 0),
                "of": s.generation,
            },
            words=(writes("first detached reference", **_DETACHED),),
        ),
        Action(
            "return the reference that was taken early, to others",
            ("references.c:add_detached",),
            ("ORDER-12",),
            guard=lambda s, c, at: both(s.borrowed >= 1, s.of == s.generation),
            update=lambda s, c, at: {
                "borrowed": s.borrowed - 1,
                "loose": s.loose + choose(both(s.state == LIVE, s.count >= 1), 1, 0),
            },
            words=(writes("add a detached reference", **_DETACHED),),
        ),
        _DROP,
        _FREE_WORD,
        Action(
            "return the slot",
            ("free_list.h:free_list_release",),
            ("ALLOC-2",),
            guard=lambda s, c, at: s.returning >= 1,
            update=lambda s, c, at: {"returning": s.returning - 1},
            words=(_RELEASED,),
        ),
    ),
    invariant=(
        Conjunct(
            "no number is below 0",
            lambda s, at: both(
                *(s.count >= 0, s.detached >= 0, s.claiming >= 0, s.prepared >= 0, s.loans >= 0),
                *(s.freeing >= 0, s.returning >= 0, s.held >= 0, s.loose >= 0, s.borrowed >= 0),
            ),
        ),
        Conjunct(
            "the fields fit",
            lambda s, at: both(
                within(0, s.bit, 1),
                within(FREE, s.state, LOANED),
                s.count <= at.count_mask,
                within(0, s.generation, at.generation_mask),
                within(0, s.of, at.generation_mask),
            ),
        ),
        Conjunct(
            "one owner: the free list, one thread, or the references",
            lambda s, at: (
                s.bit + s.claiming + s.prepared + s.loans + s.freeing + s.returning + choose(s.count >= 1, 1, 0) == 1
            ),
        ),
        Conjunct("LOANED exactly while it is lent", lambda s, at: (s.state == LOANED) == (s.loans == 1)),
        Conjunct(
            "LIVE exactly while it has references, or its last dropper has yet to store FREE",
            lambda s, at: (s.state == LIVE) == either(s.count >= 1, s.freeing == 1),
        ),
        Conjunct(
            "the count is the number of references",
            lambda s, at: both(
                implies(s.state == LIVE, s.count == s.held + s.loose + s.borrowed),
                implies(s.state != LIVE, both(s.held == 0, s.loose == 0)),
            ),
        ),
        Conjunct(
            "the detached references",
            lambda s, at: choose(
                s.state == LIVE,
                s.detached == s.loose,
                choose(s.prepared == 1, s.detached + s.borrowed == 1, both(s.detached == 0, s.borrowed == 0)),
            ),
        ),
        Conjunct(
            "detached references are of this generation", lambda s, at: implies(s.detached >= 1, s.of == s.generation)
        ),
        Conjunct(
            "the generation counts what was freed since the weak pointer was made",
            lambda s, at: both(
                within(0, s.weak, at.generation_mask),
                within(0, s.since, at.generation_mask),
                either(s.generation == s.weak + s.since, s.generation == s.weak + s.since - at.generation_mask - 1),
            ),
        ),
    ),
    properties=(
        Property(
            ("SLOT-3",),
            "a count is at most 2^R - 1, and a slot that is not LIVE counts no reference",
            lambda s, at: both(within(0, s.count, at.count_mask), implies(s.state != LIVE, s.count == 0)),
        ),
        Property(
            ("PTR-1", "PTR-11"),
            "while there is a pointer or a detached reference the slot is LIVE and counts it",
            lambda s, at: implies(
                s.held + s.loose >= 1, both(s.state == LIVE, s.count >= s.held + s.loose, s.held >= 0, s.loose >= 0)
            ),
        ),
        Property(
            ("PTR-13", "PTR-14"),
            "the detached references of a LIVE slot can be taken, and no others",
            lambda s, at: implies(
                both(s.state == LIVE, s.detached >= 1), both(s.detached == s.loose, s.of == s.generation)
            ),
        ),
        Property(
            ("SLOT-13", "LOAN-1"),
            "while a thread writes the event, no reference to the slot is counted",
            lambda s, at: implies(
                s.claiming + s.prepared + s.loans >= 1,
                both(s.claiming + s.prepared + s.loans == 1, s.held + s.loose == 0),
            ),
        ),
        StepProperty(
            ("ALLOC-2", "SLOT-5", "SLOT-6"),
            "a claim takes a slot that is FREE and that no other thread has",
            lambda s, n, at: both(
                s.state == FREE,
                s.count == 0,
                s.held + s.loose + s.claiming + s.prepared + s.loans + s.freeing + s.returning == 0,
            ),
            ("claim",),
        ),
        StepProperty(
            ("PTR-1", "SLOT-9", "SLOT-11"),
            "the generation stays as it is while there is a reference",
            lambda s, n, at: implies(s.held + s.loose >= 1, n.generation == s.generation),
        ),
        StepProperty(
            ("WEAK-4", "SLOT-12", "SLOT-8"),
            "an upgrade succeeds only if the slot was freed a multiple of 2^G times since the weak pointer was made",
            lambda s, n, at: s.since == 0,
            ("upgrade the weak pointer",),
        ),
        Enabled(
            ("ALLOC-12",),
            "a slot whose bit is set can be claimed in one step, whatever the other threads are in the middle of",
            "claim",
            lambda s, at: s.bit == 1,
        ),
    ),
    assumptions=(
        INTERLEAVINGS,
        "a caller drops, clones and detaches only references that it holds",
        "the payload's bytes, the heap's blocks and hints of the free list are not modelled",
    ),
    mutations=(
        Mutation(
            "the last drop keeps the generation",
            (
                Action(
                    "store FREE",
                    guard=_FREE_WORD.guard,
                    update=lambda s, c, at: {**_FREE_WORD.update(s, c, at), "state": FREE},
                ),
            ),
            "WEAK-4",
            9,
        ),
        Mutation(
            "an abort keeps the generation",
            (Action("abort", guard=_ABORT.guard, update=lambda s, c, at: {**_ABORT.update(s, c, at), "state": FREE}),),
            "WEAK-4",
            9,
        ),
        Mutation(
            "a clone of a full count wraps it to 0",
            (
                Action(
                    "clone",
                    guard=lambda s, c, at: both(s.held >= 1, s.state == LIVE),
                    update=lambda s, c, at: {"held": s.held + 1, "count": after(s.count, at.count_mask)},
                ),
            ),
            "PTR-1",
        ),
        Mutation(
            "the last drop returns the slot before it counts down",
            (
                Action(
                    "drop",
                    guard=_DROP.guard,
                    update=lambda s, c, at: {"bit": choose(s.count == 1, 1, s.bit)},
                ),
            ),
            "ALLOC-2",
        ),
        Mutation(
            "an upgrade does not look at the count",
            (
                Action(
                    "upgrade the weak pointer",
                    guard=lambda s, c, at: both(s.generation == s.weak, s.state == LIVE, s.count < at.count_mask),
                    update=lambda s, c, at: {"held": s.held + 1, "count": s.count + 1},
                ),
            ),
            "ALLOC-2",
            9,
        ),
        Mutation(
            "from_token takes a reference without counting it down",
            (
                Action(
                    "take a detached reference",
                    guard=lambda s, c, at: both(s.of == s.generation, s.state == LIVE, s.detached >= 1),
                    update=lambda s, c, at: {"held": s.held + 1, "loose": s.loose - 1},
                ),
            ),
            "PTR-13",
        ),
        Mutation(
            "a thread that took a detached reference does not look at the word again",
            (
                Action(
                    _KEEP.name, guard=lambda s, c, at: s.borrowed >= 1, update=lambda s, c, at: _KEEP.update(s, c, at)
                ),
            ),
            "PTR-1",
        ),
    ),
    labels={"state": ("FREE", "LIVE", "LOANED")},
)

_SCAN_RELEASE: Final = Action(
    "release slots to the word",
    ("free_list.h:free_list_release",),
    ("ALLOC-3",),
    guard=lambda s, c, at: both(c.some >= 1, s.free + c.some <= at.bits),
    update=lambda s, c, at: {"free": s.free + c.some, "version": s.version + c.some},
    choices=("some",),
)
_VERDICT: Final = Action(
    "report exhaustion",
    ("free_list.c:claim_anywhere",),
    ("ALLOC-3",),
    # the difference of the sums is 0 modulo 2^T
    guard=lambda s, c, at: both(s.phase == 3, either(s.difference == 0, s.difference >= at.versions)),
    update=lambda s, c, at: {"phase": 4},
)

SCAN: Final = System(
    name="free-list",
    title="a search that finds every word of the free list empty twice, seen from one of any number of words",
    constants=("versions", "bits"),
    fixed={},
    assume=lambda at: both(at.versions >= 2, at.bits >= 1),
    variables=("free", "version", "elsewhere", "phase", "first", "at_end", "difference", "others"),
    initial=lambda s, at: both(
        within(0, s.free, at.bits),
        *(s.version == 0, s.elsewhere == 0, s.phase == 0, s.first == 0, s.at_end == 0),
        *(s.difference == 0, s.others == 0),
    ),
    actions=(
        _SCAN_RELEASE,
        Action(
            "claim slots of the word",
            _CLAIMS,
            ("ALLOC-2",),
            guard=lambda s, c, at: within(1, c.some, s.free),
            update=lambda s, c, at: {"free": s.free - c.some},
            choices=("some",),
        ),
        Action(
            "release slots to other words",
            ("free_list.h:free_list_release",),
            ("ALLOC-3",),
            guard=lambda s, c, at: c.some >= 1,
            update=lambda s, c, at: {"elsewhere": s.elsewhere + c.some},
            choices=("some",),
        ),
        Action(
            "find the word empty in the first pass",
            ("free_list.c:claim_in_word",),
            ("ALLOC-3",),
            guard=lambda s, c, at: both(s.phase == 0, s.free == 0),
            update=lambda s, c, at: {"phase": 1, "first": s.version},
        ),
        Action(
            "end the first pass",
            ("free_list.c:claim_anywhere",),
            ("ALLOC-3",),
            guard=lambda s, c, at: s.phase == 1,
            update=lambda s, c, at: {"phase": 2, "at_end": s.free},
        ),
        Action(
            "find the word empty in the second pass",
            ("free_list.c:claim_in_word",),
            ("ALLOC-3",),
            guard=lambda s, c, at: both(s.phase == 2, s.free == 0),
            update=lambda s, c, at: {"phase": 3, "difference": s.difference + s.version - s.first},
        ),
        Action(
            "find another word empty in the second pass",
            ("free_list.c:claim_in_word",),
            ("ALLOC-3",),
            # that word's version grew by what was released to it, as this one's
            guard=lambda s, c, at: both(within(2, s.phase, 3), within(0, c.grown, s.elsewhere - s.others)),
            update=lambda s, c, at: {"difference": s.difference + c.grown, "others": s.others + c.grown},
            choices=("grown",),
        ),
        _VERDICT,
    ),
    invariant=(
        Conjunct(
            "the numbers fit",
            lambda s, at: both(
                within(0, s.free, at.bits),
                within(0, s.phase, 4),
                within(0, s.first, s.version),
                within(0, s.others, s.elsewhere),
            ),
        ),
        Conjunct(
            "after the first visit no more bits are set than slots were released",
            lambda s, at: implies(s.phase >= 1, s.free <= s.version - s.first),
        ),
        Conjunct(
            "nor were at the end of the first pass",
            lambda s, at: implies(s.phase == 2, both(s.at_end >= 0, s.at_end <= s.version - s.first)),
        ),
        Conjunct(
            "the difference of the sums",
            lambda s, at: both(
                implies(s.phase <= 2, s.difference == s.others),
                implies(
                    s.phase >= 3,
                    both(s.at_end >= 0, s.difference >= s.at_end + s.others, s.difference <= s.others + s.version),
                ),
            ),
        ),
        Conjunct(
            "the verdict",
            lambda s, at: implies(s.phase == 4, either(s.difference == 0, s.difference >= at.versions)),
        ),
    ),
    properties=(
        Property(
            ("ALLOC-3",),
            "if exhaustion is reported, each word was empty at the end of the first pass, which is one moment for all "
            "words, or at least 2^T slots were released during the call",
            lambda s, at: implies(s.phase == 4, either(s.at_end == 0, s.version + s.elsewhere >= at.versions)),
        ),
    ),
    assumptions=(
        INTERLEAVINGS,
        "the other words' versions grow by what is released to them, which is this proof for each of them",
    ),
    mutations=(
        Mutation(
            "a release does not change the version",
            (
                Action(
                    _SCAN_RELEASE.name,
                    guard=_SCAN_RELEASE.guard,
                    update=lambda s, c, at: {"free": s.free + c.some},
                    choices=("some",),
                ),
            ),
            "ALLOC-3",
        ),
        Mutation(
            "one pass is enough",
            (
                Action(
                    "end the first pass",
                    guard=lambda s, c, at: s.phase == 1,
                    update=lambda s, c, at: {"phase": 4, "at_end": s.free},
                ),
            ),
            "ALLOC-3",
        ),
        Mutation(
            "the sums are not compared",
            (Action("report exhaustion", guard=lambda s, c, at: s.phase == 3, update=_VERDICT.update),),
            "ALLOC-3",
        ),
    ),
)
