"""Differential runs: each operation runs on a backend and on the reference, and their states are compared [ERR-1]."""
