"""RC11 with the release sequences of C++20: derived relations, axioms, races [MODEL-6 to MODEL-16].

Each function is one definition or one axiom of Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing Sequential Consistency
in C/C++11", PLDI 2017, section 3, but for `release_sequence`, which is that of P0982R1. `hb` is handed on where it is
needed: it does not depend on the modification order, so that the enumerator works it out once for many executions.
"""

# ruff: noqa: RUF002 - the paper writes its unions so.

from collections.abc import Iterator

from rusted_ring.reference.memory_model.execution import Execution, Kind
from rusted_ring.reference.memory_model.relations import Relation


def extended_coherence_order(execution: Execution) -> Relation:
    """Return eco = (rf ∪ mo ∪ rb)⁺ [MODEL-6]."""
    return (execution.rf | execution.mo | execution.rb).closure()


def release_sequence(execution: Execution) -> Relation:
    """Return rs = [W]; (rf; rmw)*: a write, and read-modify-writes that read from each other down to it [MODEL-7]."""
    return execution.pre.writes >> (execution.rf >> execution.pre.rmw).closure().optional()


def synchronizes_with(execution: Execution) -> Relation:
    """Return sw = [E⊒rel]; ([F]; sb)?; rs; rf; [R]; (sb; [F])?; [E⊒acq] [MODEL-8]."""
    pre, sb = execution.pre, execution.sb
    released = pre.releases >> (pre.fences >> sb).optional() >> release_sequence(execution)
    acquired = pre.reads >> (sb >> pre.fences).optional() >> pre.acquires
    return released >> execution.rf >> acquired


def happens_before(execution: Execution) -> Relation:
    """Return hb = (sb ∪ sw)⁺ [MODEL-9]."""
    return (execution.sb | synchronizes_with(execution)).closure()


def is_coherent(execution: Execution, hb: Relation) -> bool:
    """COHERENCE: hb; eco? is irreflexive [MODEL-10]."""
    return (hb >> extended_coherence_order(execution).optional()).is_irreflexive()


def is_atomic(execution: Execution) -> bool:
    """ATOMICITY: rmw ∩ (rb; mo) is empty [MODEL-11]."""
    return not execution.pre.rmw & (execution.rb >> execution.mo)


def sc_before(execution: Execution, hb: Relation) -> Relation:
    """Return scb = sb ∪ (sb|≠loc; hb; sb|≠loc) ∪ hb|loc ∪ mo ∪ rb [MODEL-12]."""
    sb, same_location = execution.sb, execution.pre.same_location
    elsewhere = sb - same_location
    return sb | (elsewhere >> hb >> elsewhere) | (hb & same_location) | execution.mo | execution.rb


def partial_sc_base(execution: Execution, hb: Relation) -> Relation:
    """Return psc_base = ([E_sc] ∪ [F_sc]; hb?); scb; ([E_sc] ∪ hb?; [F_sc]) [MODEL-12]."""
    sc = execution.pre.sc
    sc_fences = sc & execution.pre.fences
    before = sc | (sc_fences >> hb.optional())
    after = sc | (hb.optional() >> sc_fences)
    return before >> sc_before(execution, hb) >> after


def partial_sc_fences(execution: Execution, hb: Relation) -> Relation:
    """Return psc_F = [F_sc]; (hb ∪ hb; eco; hb); [F_sc] [MODEL-13]."""
    sc_fences = execution.pre.sc & execution.pre.fences
    return sc_fences >> (hb | (hb >> extended_coherence_order(execution) >> hb)) >> sc_fences


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
