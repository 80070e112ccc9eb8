"""Litmus programs that the literature knows by name, each with its verdict under RC11 [MODEL-18].

Locations 0, 1, 2 are x, y, z of the papers. Values are told apart where the papers' are. A program's `graphs` is how
many consistent execution graphs it has; what is allowed or forbidden is as in the source named.
"""

from dataclasses import dataclass
from typing import Final

HERD: Final = "Alglave, Maranget, Tautschnig, Herding Cats, TOPLAS 2014, by this name"
RC11: Final = "Lahav et al., Repairing Sequential Consistency in C/C++11, PLDI 2017"
BATTY: Final = "Batty et al., Mathematizing C++ Concurrency, POPL 2011"
RELEASE_SEQUENCES: Final = "P0982R1, Weaken Release Sequences (C++20)"
COHERENCE: Final = "C11 5.1.2.4 paragraphs 15 to 18, the four coherence rules"
ATOMICITY: Final = "C11 7.17.3 paragraph 12: a read-modify-write reads the last value before its own"
FENCES: Final = "C11 7.17.4, fences"
CAS_FAILURE: Final = "C11 7.17.7.4: a compare-exchange that fails is a load of the failure order"


@dataclass(frozen=True, slots=True)
class Classic:
    """A named litmus program.

    Attributes:
        name: what it is called.
        program: its text.
        outcome: the outcome asked about: words of `outcome_text`, all of them together.
        allowed: whether some consistent execution has that outcome.
        graphs: the number of its consistent execution graphs.
        source: where the verdict is from.
        races: its data races.
    """

    name: str
    program: str
    outcome: str
    allowed: bool
    graphs: int
    source: str
    races: tuple[str, ...] = ()


ALLOWED: Final = True
FORBIDDEN: Final = False

_SB: Final = "1.1=0 2.1=0"
_SB_FENCED: Final = "1.2=0 2.2=0"
_MP: Final = "2.0=1 2.1=0"
_IRIW: Final = "2.0=1 2.1=0 3.0=1 3.1=0"
_RS: Final = "2.0=1 3.0=2 3.1=0"

CLASSICS: Final[tuple[Classic, ...]] = (
    # Store buffering.
    Classic("SB", "2 0 | store 0 rlx 1 ; load 1 rlx | store 1 rlx 1 ; load 0 rlx", _SB, ALLOWED, 4, HERD),
    Classic("SB+rel-acq", "2 0 | store 0 rel 1 ; load 1 acq | store 1 rel 1 ; load 0 acq", _SB, ALLOWED, 4, RC11),
    Classic("SB+sc", "2 0 | store 0 sc 1 ; load 1 sc | store 1 sc 1 ; load 0 sc", _SB, FORBIDDEN, 3, RC11),
    Classic("SB+sc+sc-rlx", "2 0 | store 0 sc 1 ; load 1 sc | store 1 sc 1 ; load 0 rlx", _SB, ALLOWED, 4, RC11),
    Classic(
        "SB+fences (Dekker)",
        "2 0 | store 0 rlx 1 ; fence sc ; load 1 rlx | store 1 rlx 1 ; fence sc ; load 0 rlx",
        _SB_FENCED,
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic(
        "SB+fences-acq_rel",
        "2 0 | store 0 rlx 1 ; fence acq_rel ; load 1 rlx | store 1 rlx 1 ; fence acq_rel ; load 0 rlx",
        _SB_FENCED,
        ALLOWED,
        4,
        RC11,
    ),
    Classic(
        "SB+fence-sc+fence-acq_rel",
        "2 0 | store 0 rlx 1 ; fence sc ; load 1 rlx | store 1 rlx 1 ; fence acq_rel ; load 0 rlx",
        _SB_FENCED,
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
        "SB+rmw-acq_rel", "2 0 | xchg 0 acq_rel 1 ; load 1 acq | xchg 1 acq_rel 1 ; load 0 acq", _SB, ALLOWED, 4, RC11
    ),
    Classic("SB+rmw-sc", "2 0 | xchg 0 sc 1 ; load 1 sc | xchg 1 sc 1 ; load 0 sc", _SB, FORBIDDEN, 3, RC11),
    Classic(
        "SB+rmws",
        "2 0 | xchg 0 acq_rel 1 ; add 1 acq_rel 0 | xchg 1 acq_rel 1 ; add 0 acq_rel 0",
        _SB,
        FORBIDDEN,
        3,
        ATOMICITY,
    ),
    Classic(
        "SB+rmw-between",
        "3 0 | store 0 rlx 1 ; add 2 acq_rel 0 ; load 1 rlx | store 1 rlx 1 ; add 2 acq_rel 0 ; load 0 rlx",
        _SB_FENCED,
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
    # Message passing.
    Classic("MP", "2 0 | store 0 rlx 1 ; store 1 rlx 1 | load 1 rlx ; load 0 rlx", _MP, ALLOWED, 4, HERD),
    Classic("MP+rel-acq", "2 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 acq ; load 0 rlx", _MP, FORBIDDEN, 3, RC11),
    Classic("MP+sc", "2 0 | store 0 sc 1 ; store 1 sc 1 | load 1 sc ; load 0 sc", _MP, FORBIDDEN, 3, RC11),
    Classic("MP+rel-rlx", "2 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 rlx ; load 0 rlx", _MP, ALLOWED, 4, RC11),
    Classic("MP+rlx-acq", "2 0 | store 0 rlx 1 ; store 1 rlx 1 | load 1 acq ; load 0 rlx", _MP, ALLOWED, 4, RC11),
    Classic("MP+rel-first", "2 0 | store 0 rel 1 ; store 1 rlx 1 | load 1 acq ; load 0 acq", _MP, ALLOWED, 4, RC11),
    Classic(
        "MP+fences",
        "2 0 | store 0 rlx 1 ; fence rel ; store 1 rlx 1 | load 1 rlx ; fence acq ; load 0 rlx",
        "2.0=1 2.2=0",
        FORBIDDEN,
        3,
        FENCES,
    ),
    Classic(
        "MP+fences-sc",
        "2 0 | store 0 rlx 1 ; fence sc ; store 1 rlx 1 | load 1 rlx ; fence sc ; load 0 rlx",
        "2.0=1 2.2=0",
        FORBIDDEN,
        3,
        FENCES,
    ),
    Classic(
        "MP+fence-acq",
        "2 0 | store 0 rlx 1 ; fence rel ; store 1 rlx 1 | load 1 acq ; load 0 rlx",
        _MP,
        FORBIDDEN,
        3,
        FENCES,
    ),
    Classic(
        "MP+rel-fence",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 rlx ; fence acq ; load 0 rlx",
        "2.0=1 2.2=0",
        FORBIDDEN,
        3,
        FENCES,
    ),
    Classic(
        "MP+fences-wrong-way",
        "2 0 | store 0 rlx 1 ; fence acq ; store 1 rlx 1 | load 1 rlx ; fence rel ; load 0 rlx",
        "2.0=1 2.2=0",
        ALLOWED,
        4,
        FENCES,
    ),
    Classic(
        "MP+fences-late-early",
        "2 0 | store 0 rlx 1 ; store 1 rlx 1 ; fence rel | fence acq ; load 1 rlx ; load 0 rlx",
        "2.1=1 2.2=0",
        ALLOWED,
        4,
        FENCES,
    ),
    Classic("MP+rmw", "2 0 | store 0 rlx 1 ; add 1 rel 1 | add 1 acq 0 ; load 0 rlx", _MP, FORBIDDEN, 3, RC11),
    Classic(
        "MP+cas-fail-acq",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | cas 1 acq acq 2 3 ; load 0 rlx",
        _MP,
        FORBIDDEN,
        3,
        CAS_FAILURE,
    ),
    Classic(
        "MP+cas-fail-rlx",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | cas 1 acq rlx 2 3 ; load 0 rlx",
        _MP,
        ALLOWED,
        4,
        CAS_FAILURE,
    ),
    Classic(
        "MP+plain",
        "1 1 | write 0 ; store 0 rel 1 | load 0 acq ; skip_unless 0 1 1 ; read 0",
        "2.0=1",
        ALLOWED,
        2,
        BATTY,
    ),
    Classic(
        "MP+plain-rlx",
        "1 1 | write 0 ; store 0 rlx 1 | load 0 acq ; skip_unless 0 1 1 ; read 0",
        "2.0=1",
        ALLOWED,
        2,
        BATTY,
        races=("N0 1w 2r",),
    ),
    Classic(
        "MP+plain-unguarded",
        "1 1 | write 0 ; store 0 rel 1 | load 0 acq ; read 0",
        "2.0=1",
        ALLOWED,
        2,
        BATTY,
        races=("N0 1w 2r",),
    ),
    Classic(
        "MP+plain-fences",
        "1 1 | write 0 ; fence rel ; store 0 rlx 1 | load 0 rlx ; fence acq ; skip_unless 0 1 1 ; read 0",
        "2.0=1",
        ALLOWED,
        2,
        FENCES,
    ),
    # Release sequences.
    Classic(
        "RS+rmw", "2 0 | store 0 rlx 1 ; store 1 rel 1 | add 1 rlx 1 | load 1 acq ; load 0 rlx", _RS, FORBIDDEN, 9, RC11
    ),
    Classic(
        "RS+xchg",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | xchg 1 rlx 2 | load 1 acq ; load 0 rlx",
        _RS,
        FORBIDDEN,
        9,
        RC11,
    ),
    Classic(
        "RS+cas",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | cas 1 rlx rlx 1 2 | load 1 acq ; load 0 rlx",
        _RS,
        FORBIDDEN,
        7,
        RC11,
    ),
    Classic(
        "RS+rmw-rmw",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | add 1 rlx 1 | add 1 rlx 1 | load 1 acq ; load 0 rlx",
        "2.0=1 3.0=2 4.0=3 4.1=0",
        FORBIDDEN,
        36,
        RC11,
    ),
    Classic(
        "RS+fence-rmw",
        "2 0 | store 0 rlx 1 ; fence rel ; store 1 rlx 1 | add 1 rlx 1 | load 1 acq ; load 0 rlx",
        _RS,
        FORBIDDEN,
        9,
        RC11,
    ),
    Classic(
        "RS+same-thread-rmw",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 ; add 1 rlx 1 | load 1 acq ; load 0 rlx",
        "2.0=2 2.1=0",
        FORBIDDEN,
        4,
        RC11,
    ),
    Classic(
        "RS+same-thread-store",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 ; store 1 rlx 2 | load 1 acq ; load 0 rlx",
        "2.0=2 2.1=0",
        ALLOWED,
        5,
        RELEASE_SEQUENCES,
    ),
    Classic(
        "RS+other-store",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 | load 1 rlx ; store 1 rlx 2 | load 1 acq ; load 0 rlx",
        "2.0=1 3.0=2 3.1=0",
        ALLOWED,
        15,
        RC11,
    ),
    Classic(
        "RS+store-then-rmw",
        "2 0 | store 0 rlx 1 ; store 1 rel 1 ; store 1 rlx 2 | add 1 rlx 1 | load 1 acq ; load 0 rlx",
        "2.0=2 3.0=3 3.1=0",
        ALLOWED,
        20,
        RELEASE_SEQUENCES,
    ),
    Classic(
        "RS+plain",
        "1 1 | write 0 ; store 0 rel 1 | add 0 rlx 1 | load 0 acq ; skip_unless 0 2 1 ; read 0",
        "3.0=2",
        ALLOWED,
        6,
        RC11,
    ),
    Classic(
        "RS+plain-same-thread-store",
        "1 1 | write 0 ; store 0 rel 1 ; store 0 rlx 2 | load 0 acq ; skip_unless 0 2 1 ; read 0",
        "2.0=2",
        ALLOWED,
        3,
        RELEASE_SEQUENCES,
        races=("N0 1w 2r",),
    ),
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
    # Independent readers.
    Classic(
        "IRIW",
        "2 0 | store 0 rlx 1 | load 0 rlx ; load 1 rlx | load 1 rlx ; load 0 rlx | store 1 rlx 1",
        _IRIW,
        ALLOWED,
        16,
        HERD,
    ),
    Classic(
        "IRIW+rel-acq",
        "2 0 | store 0 rel 1 | load 0 acq ; load 1 acq | load 1 acq ; load 0 acq | store 1 rel 1",
        _IRIW,
        ALLOWED,
        16,
        RC11,
    ),
    Classic(
        "IRIW+sc",
        "2 0 | store 0 sc 1 | load 0 sc ; load 1 sc | load 1 sc ; load 0 sc | store 1 sc 1",
        _IRIW,
        FORBIDDEN,
        15,
        RC11,
    ),
    Classic(
        "IRIW-acq-sc",
        "2 0 | store 0 sc 1 | load 0 acq ; load 1 sc | load 1 acq ; load 0 sc | store 1 sc 1",
        _IRIW,
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
    # Writes against writes.
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
        _SB_FENCED,
        FORBIDDEN,
        3,
        RC11,
    ),
    Classic(
        "Dekker+plain-acq_rel",
        "2 1 | store 0 rlx 1 ; fence acq_rel ; load 1 rlx ; skip_unless 2 0 1 ; write 0"
        " | store 1 rlx 1 ; fence acq_rel ; load 0 rlx ; skip_unless 2 0 1 ; write 0",
        _SB_FENCED,
        ALLOWED,
        4,
        RC11,
        races=("N0 1w 2w",),
    ),
    # Plain accesses alone.
    Classic("Plain-reads", "0 1 | read 0 | read 0", "", ALLOWED, 1, BATTY),
    Classic("Plain-write-read", "0 1 | read 0 | write 0", "", ALLOWED, 1, BATTY, races=("N0 1r 2w",)),
    Classic("Plain-writes", "0 2 | write 0 | write 1 | write 1", "", ALLOWED, 1, BATTY, races=("N1 2w 3w",)),
)
