"""Proofs without a bound: transition systems, invariants that z3 checks, and what one step may do to a word."""
