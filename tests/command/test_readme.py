"""The README: it is short, its commands are what CI runs, its figures are recorded ones, its links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
pytestmark = pytest.mark.skipif(not README.is_file(), reason="needs a checkout")

ROWS = {
    "Python: `add` and `next` in one thread": ("python-ring", "payload=64"),
    "Python: 256 events a call": ("python-ring-bulk", "payload=64, batch=256"),
    "Python: 1,024 events a call": ("python-ring-bulk", "payload=64, batch=1024"),
    "C: from one core to another, one at a time": ("stream", "payload=64, batch=1, capacity=1024, mode=gated"),
    "C: the same, 64 at a time": ("stream", "payload=64, batch=64, capacity=1024, mode=gated"),
    "C: ring in one thread, gated": ("ring", "payload=64, capacity=1024, mode=gated"),
    "C: allocate, fill, drop": ("pool", "payload=64, occupancy=0, threads=1"),
    "C: clone and drop": ("clone", "payload=64"),
}
"""Where the recorded tables have the work of each row of the README: the section, and the parameters."""

PEERS = {
    "`queue.Queue`": "queue.Queue",
    "`SimpleQueue`": "SimpleQueue",
    "`deque`, without threads": "deque",
    "`deque`": "deque",
    "numpy ring": "numpy",
    "rtrb (Rust)": "rtrb",
    "LMAX Disruptor (Java)": "lmax-disruptor",
    "disruptor-rs (Rust)": "disruptor-rs",
    "readerwriterqueue (C++)": "readerwriterqueue",
    "rte_ring (DPDK)": "rte_ring",
    "boost spsc_queue": "boost-spsc",
    "glibc malloc": "glibc",
    "Rust's `Arc`": "Arc",
}
"""What the README calls a peer, and what the recorded tables call it, where the two differ."""


def table_rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables in a text."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 250


def test_both_commands_are_marked_one_line_each_and_stay_in_the_virtual_environment() -> None:
    text = README.read_text(encoding="utf-8")
    for mark, extra, ending in (
        ("main", "verify", ".venv/bin/rusted-ring verify"),
        ("test", "test", ".venv/bin/python -m pytest -n auto --dist worksteal"),
    ):
        (command,) = re.findall(rf"^<!-- command: {mark} -->\n```sh\n(.*)\n```$", text, re.MULTILINE)
        assert command.startswith(f"python3 -m venv .venv && .venv/bin/pip install '.[{extra}]' && ")
        assert command.endswith(ending)
    assert "/.venv/" in (README.parent / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_figures_are_those_of_the_recorded_run_losses_included() -> None:
    """Each figure is the median that `spec/performance/peers.md` has; a factor below 1 is in bold."""
    recorded: dict[tuple[str, str, str], list[str]] = {}
    section = ""
    for line in (ROOT / "spec" / "performance" / "peers.md").read_text(encoding="utf-8").splitlines():
        section = line.removeprefix("### ") if line.startswith("### ") else section
        for cells in table_rows(line):
            recorded.setdefault((section, cells[0], cells[1] if len(cells) > 1 else ""), cells)
    text = README.read_text(encoding="utf-8").partition("<!-- figures: spec/performance/peers.md -->\n")[2]
    rows = table_rows(text.partition("\n\n")[0])[2:]
    assert len(rows) > 12
    work = ""
    losses = 0
    for name, native, peer, time, factor in rows:
        work = name or work
        section, parameters = ROWS[work]
        ours = recorded[section, parameters, "native"]
        theirs = recorded[section, parameters, PEERS.get(peer, peer)]
        assert (native, time) == (ours[2], theirs[2]), f"{work}, {peer}"
        assert factor.strip("*") == theirs[4].split(" ")[0], f"{work}, {peer}"
        assert factor.startswith("**") == (float(factor.strip("*")) < 1), f"{work}, {peer}"
        losses += factor.startswith("**")
    assert losses >= 5


def test_the_machine_is_the_one_of_the_recorded_run() -> None:
    machine = {row[0]: row[1] for row in table_rows((ROOT / "spec" / "performance" / "machine.md").read_text("utf-8"))}
    text = " ".join(README.read_text(encoding="utf-8").split())
    for words in (machine["processor"], f"Linux {machine['kernel']}", f"Python {machine['Python']}"):
        assert words in text


def test_the_links_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)[^)]*\)|(?:src|srcset)=\"([^\"]+)\"", text)
    assert len(links) > 15
    for link in (one or other for one, other in links):
        assert (ROOT / link).exists(), link
