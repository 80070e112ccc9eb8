"""What both implementations share: errors, events, sizes, profiles, modes, the format of messages [ERR-2].

`rusted_ring.reference` and `rusted_ring.native` import it and export its names as their own. It imports neither of
them, and neither imports the other.
"""
