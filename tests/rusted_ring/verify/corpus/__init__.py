"""Sequences of operations that take every path CrossHair found through the reference."""
