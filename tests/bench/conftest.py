"""What the tests of the benchmark share: a small run that nobody measured."""

from collections.abc import Callable

import pytest

from rusted_ring.bench.contract import select
from rusted_ring.bench.measured import Measured, Round

POOL = "pool/{}/payload=64/occupancy={}/threads=1"
STREAM = "stream/{}/payload=64/batch=1/capacity=1024/mode=gated"


@pytest.fixture
def made_up() -> Callable[[], Measured]:
    """Three rounds, in the second of which `native` and the round trip beside the C harness take twice as long."""

    def make() -> Measured:
        measured = Measured(select(["pool", "stream"], ["mimalloc", "rtrb"]), machine={"cpus": [0, 1]})
        for factor in (1.0, 2.0, 1.0):
            measured.rounds.append(Round(round_trips={"c": 60.0 * factor, "rust": 70.0}))
            figures = {
                "limit-memcpy/machine/payload=64": 4.0,
                "limit-locked-add/machine": 2.0,
                "limit-locked-cas/machine": 2.5,
                "limit-round-trip/machine": 60.0 * factor,
                "limit-line-transfer/machine": 10.0,
                "limit-line-transfer/machine/lines=1024": 20.0,
                "limit-line-transfer-bulk/machine": 8.0,
                STREAM.format("native"): 10.0 * factor,
                STREAM.format("native").replace("batch=1", "batch=64"): 8.0 * factor,
                STREAM.format("rtrb"): 30.0,
                STREAM.format("rtrb").replace("batch=1", "batch=64"): 9.0,
            }
            for share in (0, 50, 99):
                figures[POOL.format("native", share)] = 8.0 * factor
                figures[POOL.format("mimalloc", share)] = 16.0
            measured.rounds[-1].add(figures)
        return measured

    return make
