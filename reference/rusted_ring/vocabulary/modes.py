"""The modes of a ring, and the starts of a reader [RING-10, RING-14, RING-16]."""

from typing import Final

OVERWRITE: Final = "overwrite"
"""If the ring is full, the writer overwrites the oldest event [RING-10]."""

GATED: Final = "gated"
"""If the ring is full, the writer has no room until the slowest reader has read or skipped an event [RING-14]."""

OLDEST: Final = "oldest"
"""A reader begins at the oldest event that the ring retains [RING-16]."""

LATEST: Final = "latest"
"""A reader begins at the next event to be published [RING-16]."""
