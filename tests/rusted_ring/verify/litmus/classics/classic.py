"""A classic: a litmus program, the outcome that it asks about, and the source of its verdict [MODEL-18]."""

from dataclasses import dataclass
from typing import Final

from rusted_ring.reference.memory_model.axioms import Standard

HERD: Final = "Alglave, Maranget, Tautschnig, Herding Cats, TOPLAS 2014, by this name"
RC11: Final = "Lahav et al., Repairing Sequential Consistency in C/C++11, PLDI 2017"
BATTY: Final = "Batty et al., Mathematizing C++ Concurrency, POPL 2011"
P0982: Final = "P0982R1, Weaken Release Sequences (C++20)"
COHERENCE: Final = "C11 5.1.2.4 paragraphs 15 to 18, the four coherence rules"
ATOMICITY: Final = "C11 7.17.3 paragraph 12: a read-modify-write reads the last value before its own"
FENCES: Final = "C11 7.17.4, fences"
PLAIN: Final = "RC11 but for plain accesses, which a compiler may leave out (MODEL-12)"
CAS_FAILURE: Final = "C11 7.17.7.4: a compare-exchange that fails is a load of the failure order"
WEAK: Final = "C11 7.17.7.4 paragraph 4: a weak compare-exchange may fail although it read what it expects"
ASYMMETRIC: Final = "P1202R5, Asymmetric Thread Fences (Concurrency TS 2, N4956)"
MEMBARRIER: Final = "membarrier(2): the fences in other threads are over when the call returns, not when it begins"


@dataclass(frozen=True, slots=True)
class Classic:
    """A named litmus program.

    Attributes:
        name: its name.
        program: its text.
        outcome: the outcome asked about: the conjunction of words of `outcome_text`.
        allowed: whether some consistent execution has that outcome.
        graphs: the number of its consistent execution graphs.
        source: the source of the verdict.
        races: its data races.
        standard: the standard of the release sequences.
    """

    name: str
    program: str
    outcome: str
    allowed: bool
    graphs: int
    source: str
    races: tuple[str, ...] = ()
    standard: Standard = Standard.CXX20


ALLOWED: Final = True
FORBIDDEN: Final = False

SB: Final = "1.1=0 2.1=0"
SB_FENCED: Final = "1.2=0 2.2=0"
MP: Final = "2.0=1 2.1=0"
IRIW: Final = "2.0=1 2.1=0 3.0=1 3.1=0"
RS: Final = "2.0=1 3.0=2 3.1=0"
