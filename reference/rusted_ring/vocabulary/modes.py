"""What a ring does when it is full, and where a reader begins [RING-10, RING-14, RING-16]."""

from typing import Final

OVERWRITE: Final = "overwrite"
"""The writer overwrites the oldest event [RING-10]."""

GATED: Final = "gated"
"""The writer waits for its slowest reader [RING-14]."""

OLDEST: Final = "oldest"
"""A reader begins at the oldest event that the ring retains [RING-16]."""

LATEST: Final = "latest"
"""A reader begins at the next event to be published [RING-16]."""
