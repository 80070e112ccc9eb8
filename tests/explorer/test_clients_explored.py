"""The native core under the explorer: the corpus of clients is clean, its orders are needed, its faults are found."""

import dataclasses
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.clients.language import Client, parse
from rusted_ring.verify.clients.strategy import clients
from rusted_ring.verify.explorer.engine import CannotRun
from rusted_ring.verify.explorer.page import render
from rusted_ring.verify.explorer.trace import parse as parse_trace
from rusted_ring.verify.model_checking.command import main
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.model_checking.shrinking import shrunk
from rusted_ring.verify.model_checking.sites import Cell, keys_of, orders_at
from rusted_ring.verify.necessity import matrix, pages, witnesses
from rusted_ring.verify.support.checkout import checkout

pytestmark = pytest.mark.desk(2)

MOST_DRAWN = 3_000
"""Executions of a drawn client at the most; the corpus is exhausted."""


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    """The harness of clients, built from the sources of this checkout."""
    with Explorer(checkout(), tmp_path_factory.mktemp("clients")) as made:
        yield made


def named(name: str) -> Client:
    return next(client for client in CLIENTS if client.name == name)


def cell(explorer: Explorer, start: str, change: str) -> Cell:
    names = keys_of(explorer.sites)
    found = [
        one for site in explorer.sites for one in site.cells() if names[site].startswith(start) and one.change == change
    ]
    assert len(found) == 1, (start, change)
    return found[0]


@pytest.mark.clause("EXPLORE-8")
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_core_is_clean_in_every_execution_of_a_client(explorer: Explorer, client: Client) -> None:
    explored = explorer.explore(client)
    assert explored.violation is None, str(explored.violation and explored.violation.message)
    assert explored.exhaustive
    assert explored.executions == explored.distinct > 0
    assert explored.histories > 0


@pytest.mark.clause("EXPLORE-8")
@pytest.mark.parametrize(("compiler", "level"), [("gcc", "-O2"), ("gcc", "-O3"), ("clang", "-O3")])
@pytest.mark.slow
def test_the_core_is_clean_as_it_ships_too(compiler: str, level: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    with Explorer(checkout(), tmp_path, compiler=compiler, level=level) as explorer:
        for client in CLIENTS[::4]:
            explored = explorer.explore(client)
            assert explored.violation is None, f"{client.name}: {explored.violation and explored.violation.message}"
            # What clang leaves in registers makes more turns of a loop.
            assert explored.exhaustive or compiler == "clang"
            assert explored.executions == explored.distinct > 0


@pytest.mark.clause("EXPLORE-8")
def test_the_core_is_clean_in_drawn_clients(explorer: Explorer) -> None:
    examples = 400 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 60

    @hypothesis.settings(max_examples=examples, deadline=None, database=None)
    @hypothesis.given(clients())
    def run(client: Client) -> None:
        explored = explorer.explore(client, most=MOST_DRAWN)
        assert explored.violation is None, f"{client}: {explored.violation and explored.violation.message}"
        assert explored.executions == explored.distinct

    run()


@pytest.mark.clause("ORDER-2", "ORDER-3", "ORDER-5", "ORDER-6", "ORDER-7", "ORDER-9")
@pytest.mark.clause("ORDER-10", "ORDER-11", "ORDER-12", "ORDER-14", "ORDER-15", "ORDER-16", "ORDER-17", "ORDER-18")
@pytest.mark.clause("ORDER-19", "ORDER-21", "ORDER-22", "ORDER-23")
@pytest.mark.parametrize(
    ("client", "site", "change"),
    [
        ("reuse-after-drop", "free_list_release rmw", "rel -> rlx"),
        ("publish-and-upgrade", "slot_publish store 2", "rel -> rlx"),
        ("publish-and-upgrade", "slot_upgrade rmw", "acq -> rlx"),
        ("drop-two-heaps", "slot_unref rmw", "acq_rel -> acq"),
        ("drop-two-heaps", "slot_unref rmw", "acq_rel -> rel"),
        ("into-then-dec-and-reuse", "add_detached rmw", "rel -> rlx"),
        ("add-and-next", "publish store", "rel -> rlx"),
        ("add-and-next-gated", "event_descriptor_store store 1", "rel -> rlx"),
        ("add-and-next-gated", "event_descriptor_load load 1", "acq -> rlx"),
        ("lapped-between-words", "announce fence", "rel -> none"),
        ("lapped-between-words", "is_intact fence", "acq -> none"),
        ("join-against-bulk", "raise_gating_sequence fence", "sc -> acq_rel"),
        ("join-against-bulk", "register_reader fence", "sc -> acq_rel"),
        ("opens-race", "end_writer store 2", "rel -> rlx"),
        ("end-against-next", "end_writer store 2", "rel -> rlx"),
        ("end-against-next-gated", "stream_ended load", "acq -> rlx"),
        ("join-behind-one-that-was-awaited", "count_joined rmw", "rel -> rlx"),
        ("awaited-join-against-leave-and-join", "awaits_readers load", "acq -> rlx"),
        ("leaves-race", "deregister fence", "sc -> acq_rel"),
        ("last-leaves-and-join-oldest", "deregister rmw 2", "rel -> rlx"),
        ("wait-for-an-event", "may_have_waiters fence", "sc -> acq_rel"),
        ("wait-for-an-event-fenced", "prepare_wait fence", "sc -> acq_rel"),
        ("wait-for-an-event-fenced", "event_count_has_waiters fence", "sc -> acq_rel"),
        ("wait-for-room", "may_have_waiters fence", "sc -> acq_rel"),
        ("wait-for-room-fenced", "event_count_has_waiters fence", "sc -> acq_rel"),
        ("a-notifier-changes-hands", "event_count_notify_all rmw 1", "acq -> rlx"),
        ("a-notifier-changes-hands", "notifier_end rmw 1", "acq_rel -> rlx"),
        ("a-notifier-is-signalled-while-it-changes-hands", "signal_if_armed rmw 2", "acq_rel -> acq"),
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
    weaker = cell(explorer, "slot_unref rmw", "acq_rel -> rel")
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
    nowhere = "nowhere load 1, acq -> rlx"
    recorded = matrix.Recorded(nowhere, "none", "torn", "", "", "")
    monkeypatch.setattr(matrix, "read_proofs", lambda: {nowhere: matrix.Proof(nowhere, "none", "none")})
    monkeypatch.setattr(matrix, "read_recorded", lambda: {nowhere: recorded})
    monkeypatch.setattr(matrix, "read_widths", lambda: [("no bound", str(named("clone-race")), True)])
    monkeypatch.setattr(matrix, "fill_matrix", _only_moved_on)
    problems = matrix.make_matrix(explorer).problems
    assert any("move_on rmw 1, rel -> rlx: no failure in" in problem for problem in problems)
    assert any("a proof for a cell that does not exist" in problem for problem in problems)
    assert any("a recorded witness for a cell that does not exist" in problem for problem in problems)
    assert any(problem.startswith("no bound: no failure was found") for problem in problems)


@pytest.mark.clause("EXPLORE-9")
def test_a_proof_beside_a_witness_is_a_problem(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "move_on rmw 1, rel -> rlx"
    monkeypatch.setattr(matrix, "read_proofs", lambda: {key: matrix.Proof(key, "none", "none")})
    monkeypatch.setattr(matrix, "read_recorded", dict)
    monkeypatch.setattr(matrix, "read_widths", list)
    monkeypatch.setattr(matrix, "fill_matrix", _moved_on_plainly)
    (problem,) = matrix.make_matrix(explorer).problems
    assert problem.startswith(f"{key}: has a proof that no execution needs the order, and a witness: gated=1")


def _only_moved_on(explorer: Explorer, **_: object) -> object:
    return _moved_on(explorer, "add-and-next-gated")


def _moved_on_plainly(explorer: Explorer, **_: object) -> object:
    return _moved_on(explorer, "gated-overwrites-what-was-read-plain")


def _moved_on(explorer: Explorer, client: str) -> object:
    from rusted_ring.verify.necessity.weakening import fill_matrix

    return fill_matrix(explorer, [named(client)], cells=[cell(explorer, "move_on rmw", "rel -> rlx")])


RECORDED = tuple(matrix.read_recorded().values())


@pytest.fixture(scope="module")
def recorded_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    """The harness as the recorded witnesses were found with it."""
    if shutil.which(matrix.COMPILER) is None:
        pytest.skip(f"{matrix.COMPILER} is not installed: the recorded witnesses are executions of its code")
    folder = tmp_path_factory.mktemp("recorded")
    with Explorer(checkout(), folder, compiler=matrix.COMPILER) as made:
        yield made


@pytest.mark.clause("EXPLORE-6", "EXPLORE-9")
@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.cell)
def test_a_recorded_witness_goes_wrong_with_the_weaker_order_alone(
    recorded_in: Explorer, recorded: matrix.Recorded
) -> None:
    weaker, client = matrix.cells_of(recorded_in.sites)[recorded.cell], parse(recorded.client)
    shown = recorded_in.replayed(client, recorded.replay, weaken=weaker.weaken)
    assert shown is not None
    assert shown.kind == recorded.kind
    with pytest.raises(CannotRun, match="no execution of this program with these orders"):
        recorded_in.replayed(client, recorded.replay)
    assert matrix.replay_recorded(recorded_in, recorded, weaker) == (
        dataclasses.replace(shown, client=dataclasses.replace(client, name=recorded.cell)),
        "",
    )


@pytest.mark.clause("EXPLORE-9")
def test_a_recorded_witness_that_broke_tells_how_to_find_it_anew(recorded_in: Explorer) -> None:
    recorded = RECORDED[0]
    weaker = matrix.cells_of(recorded_in.sites)[recorded.cell]
    anew = f"find it again with: python -m rusted_ring.verify.necessity --find '{recorded.cell}'"
    other = recorded.replay.replace("1F", "1L<i", 1)
    for broken, what in [
        (
            dataclasses.replace(recorded, replay=other),
            "no longer replays (refused: ",
        ),
        (dataclasses.replace(recorded, replay="0C1"), "shows nothing, not torn"),
        (dataclasses.replace(recorded, kind="deadlock"), "shows torn: an event that a reader delivered"),
    ]:
        shown, problem = matrix.replay_recorded(recorded_in, broken, weaker)
        assert shown is None
        assert what in problem
        assert problem.endswith(anew)


@pytest.mark.clause("EXPLORE-9")
def test_a_witness_that_goes_wrong_with_both_orders_is_a_problem(
    recorded_in: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = RECORDED[0]
    weaker = matrix.cells_of(recorded_in.sites)[recorded.cell]
    replayed = recorded_in.replayed
    monkeypatch.setattr(recorded_in, "replayed", lambda *given, **_: replayed(*given, weaken=weaker.weaken))
    shown, problem = matrix.replay_recorded(recorded_in, recorded, weaker)
    assert shown is not None
    assert "goes wrong with the core's own order too: torn" in problem


@pytest.mark.clause("EXPLORE-9")
def test_a_witness_is_found_and_recorded(recorded_in: Explorer, tmp_path: Path) -> None:
    key, client = "move_on rmw 1, rel -> rlx", named("gated-overwrites-what-was-read-plain")
    found = witnesses.find_witness(recorded_in, key, str(client))
    assert found.kind == "data-race"
    path = tmp_path / "witnesses.toml"
    path.write_text(witnesses.recorded_text([*RECORDED, found]), encoding="utf-8")
    assert matrix.read_recorded(path) == {one.cell: one for one in (*RECORDED, found)}
    begun = witnesses.find_witness(recorded_in, key, str(client), begin=found.replay.rpartition(";")[0])
    assert begun.kind == "data-race"
    with pytest.raises(CannotRun, match="no failure in 2 executions \\(all of them\\)"):
        witnesses.find_witness(recorded_in, key, str(named("gated-overwrites-what-was-read")))
    with pytest.raises(CannotRun, match="is not a cell of the matrix"):
        witnesses.find_witness(recorded_in, "nowhere", str(client))


@pytest.mark.clause("EXPLORE-9")
def test_no_cell_of_the_page_is_without_witness_or_proof(explorer: Explorer) -> None:
    """Each cell has one row; a row links to a witness, or to a proof that argues from the model."""
    page = (checkout() / pages.PAGE).read_text(encoding="utf-8")
    orders, _, rest = page.partition("## Proofs")
    rows = dict(re.findall(r"^\| ([^|]+ \| [^|]+) \| .* \| (.*) \|$", orders, re.MULTILINE)[2:])
    cells = matrix.cells_of(explorer.sites)
    assert list(rows) == [key.replace(", ", " | ", 1).replace(">", "&gt;") for key in cells]
    proofs = matrix.read_proofs()
    recorded = matrix.read_recorded()
    for row, shown in rows.items():
        key = row.replace(" | ", ", ", 1).replace("&gt;", ">")
        link = pages.page_name(key)
        if key in proofs:
            assert shown == f"[proof: {proofs[key].title}](#proof-{link.removesuffix('.html')})"
            assert f"### {key}\n\n{proofs[key].text.strip()}\n" in rest
            assert "{need}`MODEL-" in proofs[key].text
            assert "The order is kept for" in proofs[key].text
        else:
            assert shown.startswith("recorded: " * (key in recorded) + f'<a href="witnesses/{link}">')


@pytest.mark.clause("ORDER-8")
def test_a_copy_that_meets_a_write_is_seen_as_a_plain_access_alone(explorer: Explorer) -> None:
    """The model forbids load buffering: what the reader's release prevents shows in no value."""
    weaker = cell(explorer, "move_on rmw", "rel -> rlx")
    assert explorer.explore(named("gated-overwrites-what-was-read"), weaken=weaker.weaken).violation is None
    plain = named("gated-overwrites-what-was-read-plain")
    violation = explorer.explore(plain, weaken=weaker.weaken).violation
    assert violation is not None
    assert violation.kind == "data-race"
    assert "copies.h" in violation.message
    assert "plain=1" in str(plain)


def test_only_loads_and_stores_can_be_plain(explorer: Explorer) -> None:
    fence = next(site for site in explorer.sites if site.kind == "fence" and site.function == "raise_gating_sequence")
    with pytest.raises(CannotRun, match="neither a load nor a store"):
        explorer.explore(named("join-against-bulk"), weaken=[f"{fence.pcs[0]}:plain"])


def test_the_sites_are_those_of_the_source(explorer: Explorer) -> None:
    """What is found in the binary is every access that stands in the source, with its order."""
    sites = explorer.sites
    for path in sorted((checkout() / "native" / "src").glob("*.[ch]")):
        if path.name in ("copies.h", "event_count.c"):  # of what they have in two forms the preprocessor leaves one
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        written = [
            number
            for number, line in enumerate(lines, start=1)
            if ("_explicit(" in line or "_fence(" in line) and not line.lstrip().startswith(("/*", "*"))
        ]
        assert sorted({site.line for site in sites if site.file == path.name}) == written, path.name


def test_orders_are_read_from_a_statement_of_several_lines() -> None:
    lines = [
        "    } while (!atomic_compare_exchange_weak_explicit(&a, &b, c, memory_order_acq_rel, /* seq_cst */",
        "                                                    memory_order_acquire));",
        "    x = atomic_load_explicit(&a, memory_order_relaxed);",
    ]
    assert orders_at(lines, 1) == ["acq_rel", "acq"]
    assert orders_at(lines, 3) == ["rlx"]


@pytest.mark.parametrize(("client", "status"), [("clone-race", 0), ("a line that is none", 2)])
@pytest.mark.slow
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
