"""What a signal's handler interrupts is not lost: a writer's place and a reader's are given back."""

import signal
import sys
from types import FrameType, ModuleType

import pytest


class Interrupted(BaseException):
    pass


def interrupt(_number: int, _frame: FrameType | None) -> None:
    raise Interrupted


@pytest.mark.clause("RING-4", "RING-19")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason=f"no interval timer on {sys.platform}")
def test_places_taken_by_interrupted_calls_come_back(native: ModuleType) -> None:
    ring = native.RingBuffer(64, 8, mode="gated", max_readers=2)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for number in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-4 + number % 20 * 2e-5)
                while True:
                    native.Writer(ring).close()
                    native.Reader(ring).close()
            except Interrupted:
                pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    writer = native.Writer(ring)
    assert ring.readers == 0
    assert writer.add(b"goes on")
