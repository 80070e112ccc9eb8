"""The native core under the explorer: the corpus of clients is clean, its orders are needed, its faults are found."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from rusted_ring.verify import necessity
from rusted_ring.verify.checkout import checkout
from rusted_ring.verify.clients import Client, corpus, parse, strategy
from rusted_ring.verify.exploring import Cell, Explorer, main, orders_at, shrunk
from rusted_ring.verify.page import render
from rusted_ring.verify.trace import parse as parse_trace

MOST_DRAWN = 3_000
"""Executions of a drawn client at the most; the corpus is exhausted."""


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    """The harness of clients, built from the sources of this checkout."""
    with Explorer(checkout(), tmp_path_factory.mktemp("clients")) as made:
        yield made


def named(name: str) -> Client:
    return next(client for client in corpus() if client.name == name)


def cell(explorer: Explorer, start: str, change: str) -> Cell:
    names = necessity.keys_of(explorer.sites)
    found = [
        one for site in explorer.sites for one in site.cells() if names[site].startswith(start) and one.change == change
    ]
    assert len(found) == 1, (start, change)
    return found[0]


@pytest.mark.clause("EXPLORE-8")
@pytest.mark.parametrize("client", corpus(), ids=lambda client: client.name)
def test_the_core_is_clean_in_every_execution_of_a_client(explorer: Explorer, client: Client) -> None:
    explored = explorer.explore(client)
    assert explored.violation is None, str(explored.violation and explored.violation.message)
    assert explored.exhaustive
    assert explored.executions == explored.distinct > 0
    assert explored.histories > 0


@pytest.mark.clause("EXPLORE-8")
@pytest.mark.parametrize(("compiler", "level"), [("gcc", "-O2"), ("gcc", "-O3"), ("clang", "-O3")])
def test_the_core_is_clean_as_it_ships_too(compiler: str, level: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    with Explorer(checkout(), tmp_path, compiler=compiler, level=level) as explorer:
        for client in corpus()[::4]:
            explored = explorer.explore(client)
            assert explored.violation is None, f"{client.name}: {explored.violation and explored.violation.message}"
            # What clang leaves in registers makes more turns of a loop.
            assert explored.exhaustive or compiler == "clang"
            assert explored.executions == explored.distinct > 0


@pytest.mark.clause("EXPLORE-8")
def test_the_core_is_clean_in_drawn_clients(explorer: Explorer) -> None:
    examples = 400 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 60

    @hypothesis.settings(max_examples=examples, deadline=None, database=None)
    @hypothesis.given(strategy())
    def run(client: Client) -> None:
        explored = explorer.explore(client, most=MOST_DRAWN)
        assert explored.violation is None, f"{client}: {explored.violation and explored.violation.message}"
        assert explored.executions == explored.distinct

    run()


@pytest.mark.clause("ORDER-2", "ORDER-3", "ORDER-5", "ORDER-6", "ORDER-7", "ORDER-9")
@pytest.mark.clause("ORDER-10", "ORDER-11", "ORDER-12", "ORDER-14", "ORDER-15", "ORDER-16", "ORDER-17")
@pytest.mark.parametrize(
    ("client", "site", "change"),
    [
        ("reuse-after-drop", "pools.c give_back rmw", "rel -> rlx"),
        ("publish-and-upgrade", "pools.c slot_publish store 2", "rel -> rlx"),
        ("publish-and-upgrade", "pools.c slot_upgrade rmw", "acq -> rlx"),
        ("drop-two-heaps", "pools.c slot_unref rmw", "acq_rel -> acq"),
        ("drop-two-heaps", "pools.c slot_unref rmw", "acq_rel -> rel"),
        ("into-then-dec-and-reuse", "pools.c add_loose rmw", "rel -> rlx"),
        ("add-and-next", "rings.c publish store", "rel -> rlx"),
        ("add-and-next-gated", "rings.c trailer_store store 1", "rel -> rlx"),
        ("add-and-next-gated", "rings.c trailer_load load 1", "acq -> rlx"),
        ("lapped-between-words", "rings.c announce fence", "rel -> none"),
        ("lapped-between-words", "rings.c is_intact fence", "acq -> none"),
        ("join-against-bulk", "rings.c raise_gate fence", "sc -> acq_rel"),
        ("join-against-bulk", "rings.c register_reader fence", "sc -> acq_rel"),
        ("opens-race", "rings.c rr_writer_close store", "rel -> rlx"),
        ("leaves-race", "rings.c vacate fence", "sc -> acq_rel"),
        ("last-leaves-and-join-oldest", "rings.c vacate rmw 2", "rel -> rlx"),
        ("wait-for-an-event", "rings.c wake_who_waits fence", "sc -> acq_rel"),
        ("wait-for-an-event-fenced", "waits.c announce_wait fence", "sc -> acq_rel"),
        ("wait-for-an-event-fenced", "waits.c waits_wake fence", "sc -> acq_rel"),
        ("a-bell-changes-hands", "waits.c waits_wake rmw 1", "acq -> rlx"),
    ],
)
def test_a_weaker_order_is_found(explorer: Explorer, client: str, site: str, change: str) -> None:
    weaker = cell(explorer, site, change)
    assert explorer.explore(named(client)).violation is None
    violation = explorer.explore(named(client), weaken=weaker.weaken).violation
    assert violation is not None
    smallest = shrunk(explorer, violation, weaken=weaker.weaken)
    assert smallest.client.size() <= violation.client.size()
    trace = parse_trace(explorer.trace(smallest, weaker.weaken))
    assert trace.fault is not None
    assert len(render(trace, title=site).encode()) < 200_000


@pytest.mark.clause("EXPLORE-6")
def test_a_violation_is_replayed(explorer: Explorer) -> None:
    weaker = cell(explorer, "pools.c slot_unref rmw", "acq_rel -> rel")
    violation = explorer.explore(named("drop-two-heaps"), weaken=weaker.weaken).violation
    assert violation is not None
    traces = [explorer.trace(violation, weaker.weaken) for _ in range(3)]
    assert traces[0] == traces[1] == traces[2]
    assert traces[0]["error"]["kind"] == violation.kind == "use-after-free"


@pytest.mark.clause("WEAK-5")
def test_a_generation_that_comes_round_is_shown(explorer: Explorer) -> None:
    line = "alloc 1p0 1 ; weak s0 1p0 | drop p0 ; alloc p1 2 ; drop p1 ; alloc p2 3 | upgrade p0 s0 ; read p0"
    client = parse(f"r=2 g=1 t=2 xs=1 | {line}")
    assert explorer.explore(client).violation is None
    violation = explorer.explore(client, strict=True).violation
    assert violation is not None
    assert violation.clause == "WEAK-5"


@pytest.mark.clause("EXPLORE-9")
def test_a_site_that_nothing_speaks_for_is_a_problem(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(necessity, "read_reasons", lambda: {"rings.c nowhere load 1, acq -> rlx": "none"})
    monkeypatch.setattr(necessity, "read_widths", lambda: [("no bound", str(named("clone-race")), True)])
    monkeypatch.setattr(necessity, "fill_matrix", _only_moved_on)
    problems = necessity.make_matrix(explorer).problems
    assert any("rings.c move_on rmw 1, rel -> rlx: no witness" in problem for problem in problems)
    assert any("a reason for a cell that is not there" in problem for problem in problems)
    assert any(problem.startswith("no bound: nothing was found") for problem in problems)


def _only_moved_on(explorer: Explorer, **_: object) -> object:
    from rusted_ring.verify.exploring import fill_matrix

    return fill_matrix(
        explorer, [named("add-and-next-gated")], cells=[cell(explorer, "rings.c move_on rmw", "rel -> rlx")]
    )


def test_the_sites_are_those_of_the_source(explorer: Explorer) -> None:
    """What is found in the binary is every access that stands in the source, with its order."""
    sites = explorer.sites
    for name in ("pools.c", "rings.c"):
        lines = (checkout() / "native" / "src" / name).read_text(encoding="utf-8").splitlines()
        written = [
            number
            for number, line in enumerate(lines, start=1)
            if ("_explicit(" in line or "_fence(" in line) and not line.lstrip().startswith(("/*", "*"))
        ]
        assert sorted({site.line for site in sites if site.file == name}) == written


def test_orders_are_read_from_a_statement_of_several_lines() -> None:
    lines = [
        "    } while (!atomic_compare_exchange_weak_explicit(&a, &b, c, memory_order_acq_rel, /* seq_cst */",
        "                                                    memory_order_acquire));",
        "    x = atomic_load_explicit(&a, memory_order_relaxed);",
    ]
    assert orders_at(lines, 1) == ["acq_rel", "acq"]
    assert orders_at(lines, 3) == ["rlx"]


@pytest.mark.parametrize(("client", "status"), [("clone-race", 0), ("a line that is none", 2)])
def test_one_client_from_the_command_line(client: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([client]) == status
    said = capsys.readouterr()
    assert "clean" in said.out or said.err.startswith("rusted-ring: ")


def test_a_wrong_client_is_shown_and_written_as_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "alloc 1p0 1 ; weak s0 1p0 | drop p0 ; alloc p1 2 ; drop p1 ; alloc p2 3 | upgrade p0 s0 ; read p0"
    page = tmp_path / "page.html"
    assert main([f"r=2 g=1 t=2 xs=1 | {line}", "--strict", "--html", str(page)]) == 1
    assert "[WEAK-5]" in capsys.readouterr().out
    assert "WEAK-5" in page.read_text(encoding="utf-8")
