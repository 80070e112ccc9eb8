"""Store buffering [MODEL-18]."""

from typing import Final

from rusted_ring.verify.litmus.classics.classic import ALLOWED, ATOMICITY, FORBIDDEN, HERD, RC11, SB, SB_FENCED, Classic

STORE_BUFFERING: Final[tuple[Classic, ...]] = (
    Classic("SB", "2 0 | store 0 rlx 1 ; load 1 rlx | store 1 rlx 1 ; load 0 rlx", SB, ALLOWED, 4, HERD),
    Classic("SB+rel-acq", "2 0 | store 0 rel 1 ; load 1 acq | store 1 rel 1 ; load 0 acq", SB, ALLOWED, 4, RC11),
    Classic("SB+sc", "2 0 | store 0 sc 1 ; load 1 sc | store 1 sc 1 ; load 0 sc", SB, FORBIDDEN, 3, RC11),
    Classic("SB+sc+sc-rlx", "2 0 | store 0 sc 1 ; load 1 sc | store 1 sc 1 ; load 0 rlx", SB, ALLOWED, 4, RC11),
    Classic(
        "SB+fences (Dekker)",
        "2 0 | store 0 rlx 1 ; fence sc ; load 1 rlx | store 1 rlx 1 ; fence sc ; load 0 rlx",
        SB_FENCED,
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic(
        "SB+fences-acq_rel",
        "2 0 | store 0 rlx 1 ; fence acq_rel ; load 1 rlx | store 1 rlx 1 ; fence acq_rel ; load 0 rlx",
        SB_FENCED,
        ALLOWED,
        4,
        RC11,
    ),
    Classic(
        "SB+fence-sc+fence-acq_rel",
        "2 0 | store 0 rlx 1 ; fence sc ; load 1 rlx | store 1 rlx 1 ; fence acq_rel ; load 0 rlx",
        SB_FENCED,
        ALLOWED,
        4,
        RC11,
    ),
    Classic(
        "SB+sc+fence",
        "2 0 | store 0 sc 1 ; load 1 sc | store 1 rlx 1 ; fence sc ; load 0 rlx",
        "1.1=0 2.2=0",
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic(
        "SB+rmw-acq_rel", "2 0 | xchg 0 acq_rel 1 ; load 1 acq | xchg 1 acq_rel 1 ; load 0 acq", SB, ALLOWED, 4, RC11
    ),
    Classic("SB+rmw-sc", "2 0 | xchg 0 sc 1 ; load 1 sc | xchg 1 sc 1 ; load 0 sc", SB, FORBIDDEN, 3, RC11),
    Classic(
        "SB+rmws",
        "2 0 | xchg 0 acq_rel 1 ; add 1 acq_rel 0 | xchg 1 acq_rel 1 ; add 0 acq_rel 0",
        SB,
        FORBIDDEN,
        3,
        ATOMICITY,
    ),
    Classic(
        "SB+rmw-between",
        "3 0 | store 0 rlx 1 ; add 2 acq_rel 0 ; load 1 rlx | store 1 rlx 1 ; add 2 acq_rel 0 ; load 0 rlx",
        SB_FENCED,
        FORBIDDEN,
        4,
        ATOMICITY,
    ),
    Classic(
        "SB+rfi",
        "2 0 | store 0 rel 1 ; load 0 acq ; load 1 acq | store 1 rel 1 ; load 1 acq ; load 0 acq",
        "1.1=1 1.2=0 2.1=1 2.2=0",
        ALLOWED,
        4,
        HERD,
    ),
    Classic(
        "SB+rfi-sc",
        "2 0 | store 0 sc 1 ; load 0 sc ; load 1 sc | store 1 sc 1 ; load 1 sc ; load 0 sc",
        "1.1=1 1.2=0 2.1=1 2.2=0",
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic(
        "3.SB+fences",
        "3 0 | store 0 rlx 1 ; fence sc ; load 1 rlx | store 1 rlx 1 ; fence sc ; load 2 rlx"
        " | store 2 rlx 1 ; fence sc ; load 0 rlx",
        "1.2=0 2.2=0 3.2=0",
        FORBIDDEN,
        7,
        RC11,
    ),
)
