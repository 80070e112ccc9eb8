"""Seeded defects: one-line faults in the core, each of which the suite must catch."""
