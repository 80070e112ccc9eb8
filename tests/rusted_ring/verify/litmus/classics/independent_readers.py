"""Independent reads of independent writes [MODEL-18]."""

from typing import Final

from rusted_ring.verify.litmus.classics.classic import ALLOWED, FORBIDDEN, HERD, IRIW, RC11, Classic

INDEPENDENT_READERS: Final[tuple[Classic, ...]] = (
    Classic(
        "IRIW",
        "2 0 | store 0 rlx 1 | load 0 rlx ; load 1 rlx | load 1 rlx ; load 0 rlx | store 1 rlx 1",
        IRIW,
        ALLOWED,
        16,
        HERD,
    ),
    Classic(
        "IRIW+rel-acq",
        "2 0 | store 0 rel 1 | load 0 acq ; load 1 acq | load 1 acq ; load 0 acq | store 1 rel 1",
        IRIW,
        ALLOWED,
        16,
        RC11,
    ),
    Classic(
        "IRIW+sc",
        "2 0 | store 0 sc 1 | load 0 sc ; load 1 sc | load 1 sc ; load 0 sc | store 1 sc 1",
        IRIW,
        FORBIDDEN,
        15,
        RC11,
    ),
    Classic(
        "IRIW-acq-sc",
        "2 0 | store 0 sc 1 | load 0 acq ; load 1 sc | load 1 acq ; load 0 sc | store 1 sc 1",
        IRIW,
        ALLOWED,
        16,
        RC11,
    ),
    Classic(
        "IRIW+fences",
        "2 0 | store 0 rlx 1 | load 0 rlx ; fence sc ; load 1 rlx | load 1 rlx ; fence sc ; load 0 rlx | store 1 rlx 1",
        "2.0=1 2.2=0 3.0=1 3.2=0",
        FORBIDDEN,
        15,
        RC11,
    ),
    Classic(
        "IRIW+fences-acq_rel",
        "2 0 | store 0 rlx 1 | load 0 rlx ; fence acq_rel ; load 1 rlx"
        " | load 1 rlx ; fence acq_rel ; load 0 rlx | store 1 rlx 1",
        "2.0=1 2.2=0 3.0=1 3.2=0",
        ALLOWED,
        16,
        RC11,
    ),
    Classic(
        "RWC",
        "2 0 | store 0 rlx 1 | load 0 rlx ; load 1 rlx | store 1 rlx 1 ; load 0 rlx",
        "2.0=1 2.1=0 3.1=0",
        ALLOWED,
        8,
        HERD,
    ),
    Classic(
        "RWC+sc",
        "2 0 | store 0 sc 1 | load 0 sc ; load 1 sc | store 1 sc 1 ; load 0 sc",
        "2.0=1 2.1=0 3.1=0",
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "RWC+fences",
        "2 0 | store 0 rlx 1 | load 0 rlx ; fence sc ; load 1 rlx | store 1 rlx 1 ; fence sc ; load 0 rlx",
        "2.0=1 2.2=0 3.2=0",
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "RWC+acq+fence",
        "2 0 | store 0 rel 1 | load 0 acq ; load 1 acq | store 1 rel 1 ; fence sc ; load 0 acq",
        "2.0=1 2.1=0 3.2=0",
        ALLOWED,
        8,
        RC11,
    ),
    Classic(
        "W+RWC+rel-acq",
        "3 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 acq ; load 2 acq | store 2 rel 1 ; load 0 acq",
        "2.0=1 2.1=0 3.1=0",
        ALLOWED,
        8,
        RC11,
    ),
    Classic(
        "W+RWC+fences",
        "3 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 acq ; fence sc ; load 2 rlx"
        " | store 2 rlx 1 ; fence sc ; load 0 rlx",
        "2.0=1 2.2=0 3.2=0",
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "W+RWC+sc+rel-acq",
        "3 0 | store 0 sc 1 ; store 1 rel 1 | load 1 acq ; load 2 sc | store 2 sc 1 ; load 0 sc",
        "2.0=1 2.1=0 3.1=0",
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "WRC+sc+acq",
        "2 0 | store 0 sc 1 | load 0 acq ; store 1 sc 1 | load 1 sc ; load 0 sc",
        "2.0=1 3.0=1 3.1=0",
        FORBIDDEN,
        7,
        RC11,
    ),
)
