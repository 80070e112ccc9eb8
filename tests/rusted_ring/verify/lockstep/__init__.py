"""Differential runs: each operation on a backend and on the reference, and then both look the same [ERR-1]."""
