"""One location: coherence, atomicity, weak compare-exchanges, plain accesses [MODEL-18]."""

from typing import Final

from rusted_ring.verify.litmus.classics.classic import (
    ALLOWED,
    ATOMICITY,
    BATTY,
    CAS_FAILURE,
    COHERENCE,
    FORBIDDEN,
    RC11,
    SB_FENCED,
    WEAK,
    Classic,
)

ONE_LOCATION: Final[tuple[Classic, ...]] = (
    # Coherence.
    Classic("CoRR", "1 0 | store 0 rlx 1 | load 0 rlx ; load 0 rlx", "2.0=1 2.1=0", FORBIDDEN, 3, COHERENCE),
    Classic(
        "CoRR2",
        "1 0 | store 0 rlx 1 | store 0 rlx 2 | load 0 rlx ; load 0 rlx | load 0 rlx ; load 0 rlx",
        "3.0=1 3.1=2 4.0=2 4.1=1",
        FORBIDDEN,
        72,
        COHERENCE,
    ),
    Classic("CoRW1", "1 0 | load 0 rlx ; store 0 rlx 1", "1.0=1", FORBIDDEN, 1, COHERENCE),
    Classic("CoRW2", "1 0 | load 0 rlx ; store 0 rlx 1 | store 0 rlx 2", "1.0=2 [0]=2", FORBIDDEN, 3, COHERENCE),
    Classic("CoWR0", "1 0 | store 0 rlx 1 ; load 0 rlx", "1.1=0", FORBIDDEN, 1, COHERENCE),
    Classic("CoWR", "1 0 | store 0 rlx 1 ; load 0 rlx | store 0 rlx 2", "1.1=2 [0]=1", FORBIDDEN, 3, COHERENCE),
    Classic("CoWW", "1 0 | store 0 rlx 1 ; store 0 rlx 2", "[0]=1", FORBIDDEN, 1, COHERENCE),
    Classic(
        "CoWW+rel-acq",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 acq ; skip_unless 0 1 1 ; store 0 rlx 2",
        "2.0=1 [0]=1",
        FORBIDDEN,
        2,
        COHERENCE,
    ),
    # Atomicity.
    Classic("Adds", "1 0 | add 0 rlx 1 | add 0 rlx 1", "1.0=0 2.0=0", FORBIDDEN, 2, ATOMICITY),
    Classic("3.Adds", "1 0 | add 0 rlx 1 | add 0 rlx 1 | add 0 rlx 1", "[0]=2", FORBIDDEN, 6, ATOMICITY),
    Classic("Add+store", "1 0 | add 0 rlx 1 | store 0 rlx 5", "1.0=0 [0]=1", FORBIDDEN, 2, ATOMICITY),
    Classic("Add+stores", "1 0 | add 0 rlx 1 | store 0 rlx 5 ; store 0 rlx 7", "1.0=5 [0]=7", ALLOWED, 3, ATOMICITY),
    Classic("CAS+CAS", "1 0 | cas 0 rlx rlx 0 1 | cas 0 rlx rlx 0 2", "1.0=0 2.0=0", FORBIDDEN, 2, ATOMICITY),
    Classic("CAS+add", "1 0 | cas 0 rlx rlx 0 2 | add 0 rlx 1", "1.0=0 2.0=0", FORBIDDEN, 2, ATOMICITY),
    Classic("CAS+store", "1 0 | cas 0 rlx rlx 0 1 | store 0 rlx 5", "1.0=0 [0]=1", FORBIDDEN, 2, ATOMICITY),
    Classic("CAS-fails", "1 0 | cas 0 acq_rel acq 1 2 | store 0 rlx 1", "1.0=0 [0]=1", ALLOWED, 2, CAS_FAILURE),
    Classic(
        "Lock",
        "1 1 | cas 0 acq rlx 0 1 ; skip_unless 0 0 2 ; write 0 ; store 0 rel 0"
        " | cas 0 acq rlx 0 1 ; skip_unless 0 0 2 ; write 0 ; store 0 rel 0",
        "1.0=0 2.0=0",
        ALLOWED,
        4,
        BATTY,
    ),
    Classic(
        "Lock-leaking",
        "1 1 | cas 0 acq rlx 0 1 ; skip_unless 0 0 2 ; write 0 ; store 0 rlx 0"
        " | cas 0 acq rlx 0 1 ; skip_unless 0 0 2 ; write 0 ; store 0 rlx 0",
        "1.0=0 2.0=0",
        ALLOWED,
        4,
        BATTY,
        races=("N0 1w 2w",),
    ),
    Classic(
        "Dekker+plain",
        "2 1 | store 0 rlx 1 ; fence sc ; load 1 rlx ; skip_unless 2 0 1 ; write 0"
        " | store 1 rlx 1 ; fence sc ; load 0 rlx ; skip_unless 2 0 1 ; write 0",
        SB_FENCED,
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic(
        "Dekker+plain-acq_rel",
        "2 1 | store 0 rlx 1 ; fence acq_rel ; load 1 rlx ; skip_unless 2 0 1 ; write 0"
        " | store 1 rlx 1 ; fence acq_rel ; load 0 rlx ; skip_unless 2 0 1 ; write 0",
        SB_FENCED,
        ALLOWED,
        4,
        RC11,
        races=("N0 1w 2w",),
    ),
    # Weak compare-exchanges.
    Classic("WCAS", "1 0 | wcas 0 rlx rlx 0 1", "1.0=0 [0]=0", ALLOWED, 2, WEAK),
    Classic("WCAS-fails", "1 0 | wcas 0 acq_rel acq 1 2 | store 0 rlx 1", "1.0=1 [0]=1", ALLOWED, 3, WEAK),
    Classic("WCAS+WCAS", "1 0 | wcas 0 rlx rlx 0 1 | wcas 0 rlx rlx 0 2", "1.0=0 2.0=0 [0]=0", ALLOWED, 5, WEAK),
    Classic("WCAS-again", "1 0 | wcas 0 rlx rlx 0 1 ; wcas 0 rlx rlx 0 1", "1.0=0 1.1=0 [0]=1", ALLOWED, 3, WEAK),
    Classic(
        "WCAS-again+add",
        "1 0 | wcas 0 rlx rlx 0 5 ; wcas 0 rlx rlx 1 6 | add 0 rlx 1",
        "1.0=0 1.1=1 2.0=0 [0]=6",
        ALLOWED,
        7,
        WEAK,
    ),
    Classic(
        "MP+wcas-fail-rlx",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | wcas 1 acq rlx 1 2 ; load 0 rlx",
        "2.0=1 2.1=0 [1]=1",
        ALLOWED,
        5,
        WEAK,
    ),
    Classic(
        "MP+wcas-succeeds",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | wcas 1 acq rlx 1 2 ; load 0 rlx ; load 1 rlx",
        "2.0=1 2.1=0 [1]=2",
        FORBIDDEN,
        7,
        WEAK,
    ),
    Classic(
        "MP+wcas-fail-acq",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | wcas 1 acq acq 1 2 ; load 0 rlx",
        "2.0=1 2.1=0",
        FORBIDDEN,
        4,
        WEAK,
    ),
    Classic(
        "Lock-weak",
        "1 1 | wcas 0 acq rlx 0 1 ; skip_unless 0 0 2 ; write 0 ; store 0 rel 0"
        " | wcas 0 acq rlx 0 1 ; skip_unless 0 0 2 ; write 0 ; store 0 rel 0",
        "1.0=0 2.0=0 [0]=0",
        ALLOWED,
        9,
        WEAK,
    ),
    Classic(
        "Lock-weak-again",
        "1 1 | wcas 0 acq rlx 0 1 ; wcas 0 acq rlx 0 1 ; skip_unless 1 0 1 ; write 0"
        " | wcas 0 acq rlx 0 1 ; skip_unless 0 0 1 ; write 0",
        "1.0=0 1.1=0 [0]=0",
        ALLOWED,
        8,
        WEAK,
    ),
    # Plain accesses alone.
    Classic("Plain-reads", "0 1 | read 0 | read 0", "", ALLOWED, 1, BATTY),
    Classic("Plain-write-read", "0 1 | read 0 | write 0", "", ALLOWED, 1, BATTY, races=("N0 1r 2w",)),
    Classic("Plain-writes", "0 2 | write 0 | write 1 | write 1", "", ALLOWED, 1, BATTY, races=("N1 2w 3w",)),
)
