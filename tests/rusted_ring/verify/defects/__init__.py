"""Seeded defects: one-line faults of the core, each of which the suite must catch."""
