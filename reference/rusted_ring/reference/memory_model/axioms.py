"""RC11 with asymmetric fences and a choice of release sequences: relations, axioms, races [MODEL-6 to MODEL-24].

Each function is one definition or one axiom of Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing Sequential Consistency
in C/C++11", PLDI 2017, section 3. The release sequences of C++20 are those of P0982R1, and the asymmetric fences those
of P1202R5. Functions that need `hb` take it as an argument: it does not depend on the modification order, so the
enumerator computes it once for many executions.
"""

# ruff: noqa: RUF002 - the paper writes its unions so.

from collections.abc import Iterator
from enum import StrEnum

from rusted_ring.reference.memory_model.execution import Execution, Kind
from rusted_ring.reference.memory_model.relations import Relation


class Standard(StrEnum):
    """The standard whose definition of release sequences applies [MODEL-7, MODEL-20]."""

    CXX20 = "c++20"
    C11 = "c11"


def extended_coherence_order(execution: Execution) -> Relation:
    """Return eco = (rf ∪ mo ∪ rb)⁺ [MODEL-6]."""
    return (execution.rf | execution.mo | execution.rb).closure()


def release_sequence(execution: Execution, standard: Standard = Standard.CXX20) -> Relation:
    """Return rs = [W]; (rf; rmw)*, and under C11 [W]; (sb|loc)?; [W]; (rf; rmw)* [MODEL-7, MODEL-20]."""
    writes = execution.pre.writes
    if standard is Standard.C11:
        writes = writes >> (execution.sb & execution.pre.same_location).optional() >> writes
    return writes >> (execution.rf >> execution.pre.rmw).closure().optional()


def synchronizes_with(execution: Execution, standard: Standard = Standard.CXX20) -> Relation:
    """Return sw = [E⊒rel]; ([F]; sb)?; rs; rf; [R]; (sb; [F])?; [E⊒acq] ∪ asw [MODEL-8]."""
    pre, sb, rs = execution.pre, execution.sb, release_sequence(execution, standard)
    released = pre.releases >> (pre.fences >> sb).optional() >> rs
    acquired = pre.reads >> (sb >> pre.fences).optional() >> pre.acquires
    return (released >> execution.rf >> acquired) | synchronizes_asymmetrically(execution, rs)


def synchronizes_asymmetrically(execution: Execution, rs: Relation) -> Relation:
    """Return asw = [L⊒rel]; sb; rs; rf; sb; [X] ∪ [N]; sb; rs; rf; sb; [L⊒acq]; `rs` is an argument [MODEL-22]."""
    pre, sb = execution.pre, execution.sb
    seen = sb >> rs >> execution.rf >> sb
    to_heavy = pre.light_fences >> pre.releases >> seen >> pre.exits
    to_light = pre.entries >> seen >> pre.light_fences >> pre.acquires
    return to_heavy | to_light


def happens_before(execution: Execution, standard: Standard = Standard.CXX20) -> Relation:
    """Return hb = (sb ∪ sw)⁺ [MODEL-9]."""
    return (execution.sb | synchronizes_with(execution, standard)).closure()


def is_coherent(execution: Execution, hb: Relation) -> bool:
    """COHERENCE: hb; eco? is irreflexive [MODEL-10]."""
    return (hb >> extended_coherence_order(execution).optional()).is_irreflexive()


def is_atomic(execution: Execution) -> bool:
    """ATOMICITY: rmw ∩ (rb; mo) is empty [MODEL-11]."""
    return not execution.pre.rmw & (execution.rb >> execution.mo)


def sc_before(execution: Execution, hb: Relation) -> Relation:
    """Return scb = sb ∪ (sb|≠loc; hb; sb|≠loc) ∪ hb|loc ∪ mo ∪ rb [MODEL-12]."""
    pre, sb, same_location = execution.pre, execution.sb, execution.pre.same_location
    # A compiler may remove a plain access, and a light fence is not an instruction: neither orders anything.
    ordering = pre.reads | pre.writes | pre.fences
    elsewhere = (ordering >> sb >> ordering) - same_location
    return sb | (elsewhere >> hb >> elsewhere) | (hb & same_location) | execution.mo | execution.rb


def partial_sc_base(execution: Execution, hb: Relation) -> Relation:
    """Return psc_base = ([E_sc] ∪ [F_sc]; hb?); scb; ([E_sc] ∪ hb?; [F_sc]), E without L [MODEL-12]."""
    sc = execution.pre.sc - execution.pre.light_fences
    sc_fences = sc & execution.pre.fences
    before = sc | (sc_fences >> hb.optional())
    after = sc | (hb.optional() >> sc_fences)
    return before >> sc_before(execution, hb) >> after


def partial_sc_fences(execution: Execution, hb: Relation) -> Relation:
    """Return psc_F = [F_sc]; o; [F_sc] ∪ [L_sc]; o; [N] ∪ [N]; sb; [X]; o; [L_sc] [MODEL-13, MODEL-23].

    The relation o is hb ∪ hb; eco; hb.
    """
    pre = execution.pre
    ordered = hb | (hb >> extended_coherence_order(execution) >> hb)
    fences, light = pre.sc & pre.fences, pre.sc & pre.light_fences
    to_heavy = light >> ordered >> pre.entries
    to_light = pre.entries >> execution.sb >> pre.exits >> ordered >> light
    return (fences >> ordered >> fences) | to_heavy | to_light


def is_sequentially_consistent(execution: Execution, hb: Relation) -> bool:
    """SC: psc_base ∪ psc_F is acyclic [MODEL-14]."""
    if not execution.pre.sc:
        return True
    return (partial_sc_base(execution, hb) | partial_sc_fences(execution, hb)).is_acyclic()


def has_no_thin_air(execution: Execution) -> bool:
    """NO-THIN-AIR: sb ∪ rf is acyclic [MODEL-15]."""
    return (execution.sb | execution.rf).is_acyclic()


def is_consistent(execution: Execution, hb: Relation) -> bool:
    """Return whether an execution satisfies every axiom; `hb` is its `happens_before` [MODEL-10 to MODEL-15]."""
    return (
        has_no_thin_air(execution)
        and is_atomic(execution)
        and is_coherent(execution, hb)
        and is_sequentially_consistent(execution, hb)
    )


def races(execution: Execution, hb: Relation) -> Iterator[str]:
    """Yield the data races of a consistent execution, as `N0 1w 2r`: plain location, then the two accesses [MODEL-16].

    Of the two accesses the lower thread's stands first; a race may be yielded more than once.
    """
    ordered = hb | hb.inverse()
    accesses = [
        (number, event)
        for number, event in enumerate(execution.pre.events)
        if event.kind in (Kind.PLAIN_READ, Kind.PLAIN_WRITE)
    ]
    for second, later in accesses:
        for first, earlier in accesses:
            conflict = earlier.location == later.location and Kind.PLAIN_WRITE in (earlier.kind, later.kind)
            if conflict and earlier.thread < later.thread and (first, second) not in ordered:
                yield f"N{later.location} {earlier.thread}{_letter(earlier.kind)} {later.thread}{_letter(later.kind)}"


def _letter(kind: Kind) -> str:
    return "w" if kind is Kind.PLAIN_WRITE else "r"
