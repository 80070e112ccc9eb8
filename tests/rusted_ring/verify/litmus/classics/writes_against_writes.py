"""Writes against writes [MODEL-18]."""

from typing import Final

from rusted_ring.verify.litmus.classics.classic import (
    ALLOWED,
    ASYMMETRIC,
    FENCES,
    FORBIDDEN,
    HERD,
    PLAIN,
    RC11,
    Classic,
)

WRITES_AGAINST_WRITES: Final[tuple[Classic, ...]] = (
    Classic(
        "2+2W", "2 0 | store 0 rlx 1 ; store 1 rlx 2 | store 1 rlx 1 ; store 0 rlx 2", "[0]=1 [1]=1", ALLOWED, 4, HERD
    ),
    Classic(
        "2+2W+rel",
        "2 0 | store 0 rel 1 ; store 1 rel 2 | store 1 rel 1 ; store 0 rel 2",
        "[0]=1 [1]=1",
        ALLOWED,
        4,
        RC11,
    ),
    Classic(
        "2+2W+sc", "2 0 | store 0 sc 1 ; store 1 sc 2 | store 1 sc 1 ; store 0 sc 2", "[0]=1 [1]=1", FORBIDDEN, 3, RC11
    ),
    Classic(
        "2+2W+fences",
        "2 0 | store 0 rlx 1 ; fence sc ; store 1 rlx 2 | store 1 rlx 1 ; fence sc ; store 0 rlx 2",
        "[0]=1 [1]=1",
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic("S", "2 0 | store 0 rlx 2 ; store 1 rlx 1 | load 1 rlx ; store 0 rlx 1", "2.0=1 [0]=2", ALLOWED, 4, HERD),
    Classic(
        "S+rel-acq",
        "2 0 | store 0 rlx 2 ; store 1 rel 1 | load 1 acq ; store 0 rlx 1",
        "2.0=1 [0]=2",
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic("R", "2 0 | store 0 rlx 1 ; store 1 rlx 1 | store 1 rlx 2 ; load 0 rlx", "2.1=0 [1]=2", ALLOWED, 4, HERD),
    Classic(
        "R+rel-acq", "2 0 | store 0 rel 1 ; store 1 rel 1 | store 1 rel 2 ; load 0 acq", "2.1=0 [1]=2", ALLOWED, 4, RC11
    ),
    Classic("R+sc", "2 0 | store 0 sc 1 ; store 1 sc 1 | store 1 sc 2 ; load 0 sc", "2.1=0 [1]=2", FORBIDDEN, 3, RC11),
    Classic(
        "R+fences",
        "2 0 | store 0 rlx 1 ; fence sc ; store 1 rlx 1 | store 1 rlx 2 ; fence sc ; load 0 rlx",
        "2.2=0 [1]=2",
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic(
        "Z6.0+sc",
        "3 0 | store 0 sc 1 ; store 1 sc 1 | store 1 sc 2 ; load 2 sc | store 2 sc 1 ; load 0 sc",
        "2.1=0 3.1=0 [1]=2",
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "Z6.3+rel-acq",
        "3 0 | store 0 rel 1 ; store 1 rel 1 | store 1 rel 2 ; store 2 rel 1 | load 2 acq ; load 0 acq",
        "3.0=1 3.1=0 [1]=2",
        ALLOWED,
        8,
        RC11,
    ),
    Classic(
        "Z6.3+sc",
        "3 0 | store 0 sc 1 ; store 1 sc 1 | store 1 sc 2 ; store 2 sc 1 | load 2 sc ; load 0 sc",
        "3.0=1 3.1=0 [1]=2",
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "Z6.U",
        "2 0 | store 0 sc 1 ; store 1 rel 1 | add 1 sc 1 ; load 1 rlx | store 1 sc 3 ; load 0 sc",
        "2.0=1 2.1=3 3.1=0",
        ALLOWED,
        24,
        RC11,
    ),
    Classic(
        "Z6.U+sc",
        "2 0 | store 0 sc 1 ; store 1 sc 1 | add 1 sc 1 ; load 1 sc | store 1 sc 3 ; load 0 sc",
        "2.0=1 2.1=3 3.1=0",
        FORBIDDEN,
        18,
        RC11,
    ),
    Classic(
        "Z6.U+plain",
        "2 1 | store 0 sc 1 ; store 1 rel 1 | add 1 acq_rel 1 ; read 0 ; load 1 sc | store 1 sc 3 ; load 0 sc",
        "2.0=1 2.2=2 3.1=0 [1]=3",
        ALLOWED,
        24,
        PLAIN,
    ),
    Classic(
        "Z6.U+fence-rlx",
        "2 0 | store 0 sc 1 ; store 1 rel 1 | add 1 acq_rel 1 ; fence rlx ; load 1 sc | store 1 sc 3 ; load 0 sc",
        "2.0=1 2.2=2 3.1=0 [1]=3",
        ALLOWED,
        24,
        FENCES,
    ),
    Classic(
        "Z6.U+light",
        "2 0 | store 0 sc 1 ; store 1 rel 1 | add 1 acq_rel 1 ; light sc ; load 1 sc | store 1 sc 3 ; load 0 sc",
        "2.0=1 2.2=2 3.1=0 [1]=3",
        ALLOWED,
        24,
        ASYMMETRIC,
    ),
    Classic(
        "Z6.U+fence-acq",
        "2 0 | store 0 sc 1 ; store 1 rel 1 | add 1 acq_rel 1 ; fence acq ; load 1 sc | store 1 sc 3 ; load 0 sc",
        "2.0=1 2.2=2 3.1=0 [1]=3",
        FORBIDDEN,
        23,
        RC11,
    ),
)
