"""The table of clauses, as text for a terminal, and as rows for the site and JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from rusted_ring.verify.prove.evidence import Evidence
from rusted_ring.verify.prove.explored import APART, BY_CALLS, SHARED, Apart, group_of
from rusted_ring.verify.support.claims import Claim

COLUMNS = ("clause", "tests", "clients", "orders", "contracts", "modelled", "proved", "every input")
METHODS = ("modelled", "proved", "proved for every input")


def cells(one: Evidence) -> list[str]:
    """Return the cells of a row: the numbers of tests, clients, weaker orders, conditions; names of claims."""
    counts = [len(one.tests), len(one.clients), one.orders, one.conditions]
    names = [", ".join(dict.fromkeys(claim.name for claim in one.of(method))) for method in METHODS]
    return [one.clause.id, *(str(count) if count else "" for count in counts), *names]


def claim_text(claim: Claim) -> str:
    """Return a claim with its assumptions and its bound."""
    assumed = "; ".join(claim.assumptions)
    return f"{claim.method}, {claim.name}: {claim.statement}; bound: {claim.bound}; assumes: {assumed}"


def as_text(evidence: Sequence[Evidence]) -> str:
    """Return the table for a terminal, and how many clauses tests alone show something of, by what they are about."""
    rows = [list(COLUMNS), *(cells(one) for one in evidence)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    only = [one for one in evidence if one.only_tested]
    lines += ["", f"{len(only)} of {len(evidence)} clauses are shown by tests alone, by what they are about:"]
    return "\n".join([*lines, *(f"  {group.title}: {len(clauses)}" for group, clauses in apart(only))])


def apart(only_tested: Sequence[Evidence]) -> list[tuple[Apart, list[str]]]:
    """Return the groups of the clauses that tests alone show something of, each with its clauses."""
    named = [one.clause.id for one in only_tested]
    groups = [(group, [clause for clause in named if group_of(clause) == group]) for group in (*APART, SHARED)]
    return [(group, clauses) for group, clauses in groups if clauses]


def as_dict(one: Evidence) -> dict[str, Any]:
    """Return what is shown of a clause, for JSON."""
    return {
        "clause": one.clause.id,
        "tests": [f"{place.path}:{place.line} {place.name}" for place in one.tests],
        "clients": list(one.clients),
        "orders": one.orders,
        "conditions": one.conditions,
        "claims": [
            {
                "method": claim.method,
                "name": claim.name,
                "statement": claim.statement,
                "assumptions": list(claim.assumptions),
                "bound": claim.bound,
            }
            for claim in one.claims
        ],
    }


def shown(one: Evidence) -> Iterator[str]:
    """Yield the lines on one clause."""
    yield f"{one.clause.id}  {one.clause.title}"
    yield f"  tested: {len(one.tests) or 'no'} tests"
    yield from (f"    {place.path}:{place.line}  {place.name}" for place in one.tests)
    if one.clients:
        yield f"  explored: every execution of {len(one.clients)} clients, of two or three threads and a few calls each"
        if judged := BY_CALLS.get(one.clause.id):
            yield f"    compared with the reference: {judged.statement}"
        yield f"    {', '.join(one.clients)}"
    if one.orders:
        yield f"  weaker memory orders in the matrix: {one.orders} (spec/necessity.md)"
    if one.conditions:
        yield f"  contracts: {one.conditions} conditions of the reference, which CrossHair checks"
    for claim in one.claims:
        yield f"  {claim_text(claim)}"
    if one.only_tested:
        yield "  nothing but tests shows something of this clause"
        group = group_of(one.clause.id)
        yield f"    it is about {group.title}: {group.reason}"
