"""What every test of the suite shares: both implementations as a fixture, the switch for slow tests, Hypothesis."""

import importlib
import importlib.util
import os
import signal
from types import ModuleType

import hypothesis
import pytest

IMPLEMENTATIONS = ("reference", "native")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--slow`."""
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too (CI=true does so as well)")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and load the Hypothesis profiles of the suite and the one asked for."""
    # A job in the background of a shell ignores SIGINT, and so would every program that a test interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "clause(*ids): the clauses of the spec that the test checks")
    config.addinivalue_line("markers", "slow: takes more than a few seconds; run with --slow or CI=true")
    # The suite's own profiles are registered on import; a checkout without the engines still runs.
    if importlib.util.find_spec("rusted_ring.verify.settings") is not None:
        importlib.import_module("rusted_ring.verify.settings")
    profile = os.environ.get("HYPOTHESIS_PROFILE")
    if profile:
        hypothesis.settings.load_profile(profile)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is slow, saying why, unless it is asked for."""
    if config.getoption("--slow") or os.environ.get("CI", "").lower() in ("1", "true"):
        return
    skip = pytest.mark.skip(reason="slow: run with --slow or CI=true")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(params=IMPLEMENTATIONS)
def backend(request: pytest.FixtureRequest) -> ModuleType:
    """Each implementation in turn, as its module."""
    return importlib.import_module(f"rusted_ring.{request.param}")


@pytest.fixture
def native() -> ModuleType:
    """The native implementation alone, for what is claimed of it alone."""
    return importlib.import_module("rusted_ring.native")


@pytest.fixture
def reference() -> ModuleType:
    """The reference alone."""
    return importlib.import_module("rusted_ring.reference")
