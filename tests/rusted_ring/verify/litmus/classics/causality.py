"""Load buffering and causality over three threads [MODEL-18]."""

from typing import Final

from rusted_ring.verify.litmus.classics.classic import ALLOWED, BATTY, FORBIDDEN, HERD, RC11, Classic

CAUSALITY: Final[tuple[Classic, ...]] = (
    # Load buffering, out of thin air.
    Classic("LB", "2 0 | load 0 rlx ; store 1 rlx 1 | load 1 rlx ; store 0 rlx 1", "1.0=1 2.0=1", FORBIDDEN, 3, RC11),
    Classic(
        "LB+acq-rel", "2 0 | load 0 acq ; store 1 rel 1 | load 1 acq ; store 0 rel 1", "1.0=1 2.0=1", FORBIDDEN, 3, RC11
    ),
    Classic(
        "LB+ctrls",
        "2 0 | load 0 rlx ; skip_unless 0 1 1 ; store 1 rlx 1 | load 1 rlx ; skip_unless 0 1 1 ; store 0 rlx 1",
        "1.0=1 2.0=1",
        FORBIDDEN,
        1,
        RC11,
    ),
    Classic(
        "LB+ctrl",
        "2 0 | load 0 rlx ; skip_unless 0 1 1 ; store 1 rlx 1 | load 1 rlx ; store 0 rlx 1",
        "1.0=1 2.0=1",
        FORBIDDEN,
        2,
        RC11,
    ),
    Classic("LB+adds", "2 0 | load 0 rlx ; add 1 rlx 1 | load 1 rlx ; add 0 rlx 1", "1.0=1 2.0=1", FORBIDDEN, 3, RC11),
    Classic(
        "3.LB",
        "3 0 | load 0 rlx ; store 1 rlx 1 | load 1 rlx ; store 2 rlx 1 | load 2 rlx ; store 0 rlx 1",
        "1.0=1 2.0=1 3.0=1",
        FORBIDDEN,
        7,
        RC11,
    ),
    # Causality over three threads.
    Classic(
        "WRC",
        "2 0 | store 0 rlx 1 | load 0 rlx ; store 1 rlx 1 | load 1 rlx ; load 0 rlx",
        "2.0=1 3.0=1 3.1=0",
        ALLOWED,
        8,
        HERD,
    ),
    Classic(
        "WRC+rel-acq",
        "2 0 | store 0 rlx 1 | load 0 rlx ; store 1 rel 1 | load 1 acq ; load 0 rlx",
        "2.0=1 3.0=1 3.1=0",
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "WRC+plain",
        "1 1 | write 0 ; store 0 rel 1 | load 0 acq ; skip_unless 0 1 1 ; store 0 rel 2"
        " | load 0 acq ; skip_unless 0 2 1 ; read 0",
        "3.0=2",
        ALLOWED,
        5,
        BATTY,
    ),
    Classic(
        "ISA2",
        "3 0 | store 0 rlx 1 ; store 1 rlx 1 | load 1 rlx ; store 2 rlx 1 | load 2 rlx ; load 0 rlx",
        "2.0=1 3.0=1 3.1=0",
        ALLOWED,
        8,
        HERD,
    ),
    Classic(
        "ISA2+rel-acq",
        "3 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 acq ; store 2 rel 1 | load 2 acq ; load 0 rlx",
        "2.0=1 3.0=1 3.1=0",
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "ISA2+rel-rlx",
        "3 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 rlx ; store 2 rel 1 | load 2 acq ; load 0 rlx",
        "2.0=1 3.0=1 3.1=0",
        ALLOWED,
        8,
        RC11,
    ),
)
