"""Named litmus programs from the literature, and related ones, each with its verdict under RC11 [MODEL-18].

Locations 0, 1, 2 are x, y, z of the papers. Values are distinct if those of the papers are. `graphs` is the number of
consistent execution graphs of a program; whether an outcome is allowed or forbidden is as in the named source.
"""

from typing import Final

from rusted_ring.verify.litmus.classics.asymmetric_fences import ASYMMETRIC_FENCES
from rusted_ring.verify.litmus.classics.causality import CAUSALITY
from rusted_ring.verify.litmus.classics.classic import Classic
from rusted_ring.verify.litmus.classics.independent_readers import INDEPENDENT_READERS
from rusted_ring.verify.litmus.classics.message_passing import MESSAGE_PASSING
from rusted_ring.verify.litmus.classics.one_location import ONE_LOCATION
from rusted_ring.verify.litmus.classics.release_sequences import RELEASE_SEQUENCES
from rusted_ring.verify.litmus.classics.store_buffering import STORE_BUFFERING
from rusted_ring.verify.litmus.classics.writes_against_writes import WRITES_AGAINST_WRITES

CLASSICS: Final[tuple[Classic, ...]] = (
    *STORE_BUFFERING,
    *MESSAGE_PASSING,
    *RELEASE_SEQUENCES,
    *CAUSALITY,
    *INDEPENDENT_READERS,
    *WRITES_AGAINST_WRITES,
    *ASYMMETRIC_FENCES,
    *ONE_LOCATION,
)
