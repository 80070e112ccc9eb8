"""What every test of the suite shares: both implementations as a fixture, the switch for slow tests, Hypothesis."""

import functools
import importlib
import importlib.util
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest

BROWSER_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
)
IMPLEMENTATIONS = ("reference", "native")
# By test: how many of its cases are run, and how many there are.
SHARES = pytest.StashKey[dict[str, list[int]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--slow` and `--whole`."""
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too (CI=true does so as well)")
    parser.addoption(
        "--whole", action="store_true", help="run all cases of the tests of which each commit runs a share"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and load the Hypothesis profiles of the suite and the one asked for."""
    # A job in the background of a shell ignores SIGINT, and so would every program that a test interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "clause(*ids): the clauses of the spec that the test checks")
    config.addinivalue_line("markers", "slow: takes more than a few seconds; run with --slow or CI=true")
    config.addinivalue_line("markers", "share(n): one case in n, others with each commit; all with --whole")
    config.addinivalue_line("markers", "desk(n): n cases at most, drawn by the commit; more with --slow or CI=true")
    # The suite's own profiles are registered on import; a checkout without the engines still runs.
    if importlib.util.find_spec("rusted_ring.verify.support.hypothesis_profiles") is not None:
        importlib.import_module("rusted_ring.verify.support.hypothesis_profiles")
    profile = os.environ.get("HYPOTHESIS_PROFILE")
    if profile:
        hypothesis.settings.load_profile(profile)


@functools.cache
def commit_number() -> int:
    """The number of the commit, by which shares go round; 0 outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-list", "--count", "HEAD"]
    try:
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the cases that this commit does not run, and skip what is slow, saying so, unless it is asked for."""
    whole = config.getoption("--whole") or any("::" in argument for argument in config.args)
    patient = config.getoption("--slow") or os.environ.get("CI", "").lower() in ("1", "true")
    every: dict[str, list[pytest.Item]] = {}
    for item in [] if whole else items:
        every.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out: set[pytest.Item] = set()
    for test, found in every.items():
        chosen = of_this_commit(test, found, patient=patient)
        if len(chosen) < len(found):
            left_out |= set(found) - set(chosen)
            config.stash.setdefault(SHARES, {})[test] = [len(chosen), len(found)]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)  # of a worker of xdist
    if output is not None:
        output["shares"] = config.stash.get(SHARES, {})
    if patient:
        return
    skip = pytest.mark.skip(reason="slow: run with --slow or CI=true")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


def of_this_commit(test: str, cases: list[pytest.Item], *, patient: bool) -> list[pytest.Item]:
    """Return the cases of a test that this commit runs.

    Args:
        test: the name of the test.
        cases: its cases.
        patient: whether all the time is there that CI has.
    """
    shared = [case for case in cases if case.get_closest_marker("share") is not None]
    left_out: set[pytest.Item] = set()
    if shared:
        (share,) = shared[0].iter_markers("share")
        left_out = set(shared) - set(shared[commit_number() % share.args[0] :: share.args[0]])
    chosen = [case for case in cases if case not in left_out]
    desk = cases[0].get_closest_marker("desk")
    if desk is None or patient or len(chosen) <= desk.args[0]:
        return chosen
    # Drawn and not in steps: cases that differ in the backend or the compiler take turns.
    drawn = set(random.Random(f"{test} {commit_number()}").sample(range(len(chosen)), desk.args[0]))
    return [case for number, case in enumerate(chosen) if number in drawn]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of xdist left out."""
    node.config.stash.setdefault(SHARES, {}).update(getattr(node, "workeroutput", {}).get("shares", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many cases of which tests were run."""
    for test, (chosen, every) in config.stash.get(SHARES, {}).items():
        terminalreporter.write_line(f"{test}: {chosen} of {every} cases with this commit; --whole runs all")


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


def _missing_for_a_browser() -> str:
    """What is missing for a browser, or nothing."""
    if importlib.util.find_spec("selenium") is None:
        return "selenium: pip install 'rusted-ring[browser]'"
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        return "a browser: apt-get install chromium chromium-driver"
    return ""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium without a window, whose log can be read; skips, saying so, if something is missing."""
    needs = _missing_for_a_browser()
    if needs:
        pytest.skip(f"needs {needs}")
    webdriver = importlib.import_module("selenium.webdriver")
    service = importlib.import_module("selenium.webdriver.chrome.service")
    folder = tmp_path_factory.mktemp("browser")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with pytest.MonkeyPatch.context() as patch:
        # What talks to the driver on this machine asks no proxy the way.
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "localhost,127.0.0.1")
        environment = os.environ | {"HOME": str(folder)}
        driver = webdriver.Chrome(
            options=options, service=service.Service(shutil.which("chromedriver"), env=environment)
        )
        try:
            yield driver
        finally:
            driver.quit()
