"""The words that both implementations speak: errors, events, sizes, profiles, modes and how a value is shown [ERR-2].

`rusted_ring.reference` and `rusted_ring.native` import it and show its names as theirs. It imports neither, and neither
imports the other.
"""
