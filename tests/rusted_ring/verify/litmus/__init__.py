"""Litmus programs put to the explorer and to the axioms of the memory model [MODEL-18]."""
