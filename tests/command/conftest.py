"""What the tests of the command share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def recorded() -> Callable[[str], Path]:
    """Find a recorded editing trace, which lies beside the checkout and not in it."""

    def find(name: str) -> Path:
        beside = Path(__file__).resolve().parents[3] / "shared" / "data"
        path = Path(os.environ.get("RUSTED_RING_DATA") or beside) / name
        if not path.is_file():
            pytest.skip(f"no {name} in $RUSTED_RING_DATA or {beside}")
        return path

    return find
