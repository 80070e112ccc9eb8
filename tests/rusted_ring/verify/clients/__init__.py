"""Clients: programs of a few calls on two or three threads, as text, drawn, listed, and enumerated."""
