"""Formulas that are both evaluated on numbers and built for z3: the transitions are written once, in these words."""

import functools
import importlib
from typing import Any

Formula = Any
"""A bool, or a formula of z3."""
Term = Any
"""An int, or a term of z3."""


def solver_module() -> Any:
    """The module `z3`, which numbers alone do not need."""
    return importlib.import_module("z3")


def _is_plain(*terms: Formula) -> bool:
    return all(isinstance(term, bool) for term in terms)


def both(*terms: Formula) -> Formula:
    """The conjunction."""
    if _is_plain(*terms):
        return all(terms)
    return solver_module().And(*terms)


def either(*terms: Formula) -> Formula:
    """The disjunction."""
    if _is_plain(*terms):
        return any(terms)
    return solver_module().Or(*terms)


def no(term: Formula) -> Formula:
    """The negation."""
    if _is_plain(term):
        return not term
    return solver_module().Not(term)


def implies(condition: Formula, then: Formula) -> Formula:
    """The implication."""
    return either(no(condition), then)


def choose(condition: Formula, then: Term, other: Term) -> Term:
    """One of two terms."""
    if _is_plain(condition):
        return then if condition else other
    return solver_module().If(condition, then, other)


def within(low: Term, term: Term, high: Term) -> Formula:
    """Whether a term is from `low` to `high`."""
    return both(low <= term, term <= high)


def greater(one: Term, other: Term) -> Term:
    """The maximum of two terms."""
    return choose(one >= other, one, other)


def after(term: Term, mask: Term) -> Term:
    """The successor of a counter that wraps around from `mask` to 0."""
    return choose(term == mask, 0, term + 1)


def total(terms: list[Term]) -> Term:
    """The sum."""
    return functools.reduce(lambda one, other: one + other, terms, 0)
