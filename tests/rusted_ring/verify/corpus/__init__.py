"""Sequences of operations that take every path that CrossHair found through the reference."""
