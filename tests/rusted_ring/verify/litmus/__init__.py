"""Litmus programs, run by the explorer and checked against the axioms of the memory model [MODEL-18]."""
