"""The rows of the comparison with every peer: which there are, what bounds them, and the reason that they give."""

from collections.abc import Callable

import pytest

from rusted_ring.bench import contract, tables
from rusted_ring.bench.ahead import Row, compare, guaranteed
from rusted_ring.bench.contract import EQUAL, GUARANTEES, LESS, NATIVE, OURS, PEERS, WORKS, Figure, lacking, select
from rusted_ring.bench.measured import Measured, Note, Quartiles, Round

Make = Callable[[], Measured]
RING = "ring/{}/payload=64/capacity=1024/mode={}"


def ring(**peers: float) -> Measured:
    """One round of `ring` in which gated `native` takes 10 ns and each peer what is said."""
    names = [name.replace("_", "-") if name.replace("_", "-") in PEERS else name for name in peers]
    measured = Measured(select(["ring"], names), rounds=[Round()])
    measured.rounds[0].add({RING.format(NATIVE, "gated"): 10.0, RING.format(NATIVE, "overwrite"): 6.0})
    for name, ns in zip(names, peers.values(), strict=True):
        measured.rounds[0].add({RING.format(name, "gated"): ns})
    return measured


def only(rows: list[Row]) -> Row:
    (row,) = rows
    return row


# --- the contract


def test_every_work_of_native_beside_peers_says_what_it_guarantees() -> None:
    for work in WORKS.values():
        assert set(work.guarantees) <= set(GUARANTEES), work.name
        peers = [peer for peer in PEERS.values() if work.name in peer.works and peer.name not in OURS]
        assert bool(work.guarantees) >= bool(peers), work.name
    for peer in PEERS.values():
        assert set(peer.guarantees) <= set(GUARANTEES), peer.name
    for guarantee in GUARANTEES:
        assert any(guarantee in work.guarantees for work in WORKS.values()), guarantee
    assert set(PEERS[NATIVE].guarantees) == set(GUARANTEES)


def test_what_a_peer_lacks_depends_on_the_mode() -> None:
    def names(mode: str) -> set[str]:
        return {one.name for one in lacking(Figure("ring", NATIVE, {"mode": mode}), "readerwriterqueue")}

    assert names("gated") - names("overwrite") == {"full"}
    assert names("overwrite") - names("gated") == {"laps"}


def test_bounds_are_one_beside_an_equal_and_more_beside_a_peer_that_does_less() -> None:
    assert contract.most("ring", "rtrb", lacks=False) == EQUAL == 1.0
    assert contract.most("ring", "rtrb", lacks=True) == LESS["called"] == 2.0
    assert LESS["inlined"] == 1.5
    assert contract.most("python-ring", "SimpleQueue", lacks=True) == 1.5
    assert contract.most("python-ring", "deque", lacks=True) == 2.0


def test_bound_is_smaller_where_the_fast_path_is_inlined(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    works = {**WORKS, "ring": dataclasses.replace(WORKS["ring"], call="inlined")}
    monkeypatch.setattr(contract, "WORKS", works)
    assert contract.most("ring", "rtrb", lacks=True) == 1.5


# --- rows


def test_there_is_a_row_for_each_peer_and_work_that_was_asked_for() -> None:
    rows = compare(Measured(select()))
    wanted = [(work, peer) for peer in PEERS for work in PEERS[peer].works if peer not in OURS]
    assert sorted((row.work, row.peer) for row in rows) == sorted(wanted)
    assert all(row.why_not for row in rows)


def test_row_is_judged_by_its_worst_case(made_up: Make) -> None:
    measured = made_up()
    for one in measured.rounds:
        one.figures["pool/mimalloc/payload=64/occupancy=50/threads=1"] = 3.0
    row = next(row for row in compare(measured) if row.peer == "mimalloc")
    assert row.worst.peer.keys["occupancy"] == "50"
    assert row.worst.ratio == Quartiles(8 / 3, 8 / 3, 4.0)
    assert (row.ahead, row.reached) == (2, False)
    cells = tables.peer_row(row)
    assert cells[:7] == ["pool", "mimalloc", "NO", "2.67", "2.67 to 4.00", "2", "NO"]
    assert cells[7].endswith("worst of 3 cases: payload=64, occupancy=50, threads=1; ahead in 2")


@pytest.mark.parametrize(
    ("ns", "ahead", "reached"),
    [(10.0, True, True), (9.9, False, True), (5.0, False, True), (4.9, False, False)],
)
def test_peer_that_does_less_may_take_half_the_time(ns: float, ahead: bool, reached: bool) -> None:
    row = only(compare(ring(rtrb=ns)))
    assert (row.ahead == 1, row.reached) == (ahead, reached)
    assert row.most == 2.0


def test_peer_that_does_as_much_may_not_be_ahead_and_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    equal = dataclasses.replace(PEERS["rtrb"], guarantees=tuple(GUARANTEES))
    monkeypatch.setitem(contract.PEERS, "rtrb", equal)
    row = only(compare(ring(rtrb=9.9)))
    assert (row.most, row.reached) == (1.0, False)
    assert tables.peer_row(row)[7] == "it guarantees as much; one case: payload=64, capacity=1024, mode=gated"


def test_reason_is_what_the_contract_says_that_the_peer_lacks() -> None:
    row = only(compare(ring(boost_spsc=4.0)))
    lacks = ["readers", "joining", "lengths", "waits"]
    assert [one.name for one in row.lacks] == sorted(lacks, key=list(WORKS["ring"].guarantees).index)
    reason = tables.peer_row(row)[7]
    for name in lacks:
        assert GUARANTEES[name].lacking in reason
    assert GUARANTEES["laps"].lacking not in reason  # it is compared with a gated ring, which has none


def test_row_without_figures_is_not_measured_and_says_why(made_up: Make) -> None:
    measured = made_up()
    measured.missing["rtrb"] = "no cargo on this machine"
    for one in measured.rounds:
        one.figures = {name: ns for name, ns in one.figures.items() if "/rtrb/" not in name}
    row = next(row for row in compare(measured) if row.peer == "rtrb")
    assert tables.peer_row(row)[2:7] == ["-", "not measured", "", "2", "-"]
    assert tables.peer_row(row)[7].startswith("no cargo on this machine; it has ")
    measured.missing.clear()
    measured.cannot.append(Note("stream/rtrb/", "it has no stream"))
    row = next(row for row in compare(measured) if row.peer == "rtrb")
    assert row.why_not == "it has no stream"


def test_sentence_counts_rows_and_says_no_where_one_peer_is_ahead() -> None:
    both = ring(rtrb=20.0, boost_spsc=4.0)
    assert tables.ahead(compare(both)) == (
        "Ahead of every peer: NO. Native is ahead in 1 of 2 rows, and within what it may take in 1; "
        "0 were not measured."
    )
    assert tables.ahead(compare(ring(rtrb=20.0))).startswith("Ahead of every peer: yes.")
    # Nothing that was measured is no victory.
    assert tables.ahead(compare(Measured(select(["ring"], ["rtrb"])))).startswith("Ahead of every peer: not measured.")


def test_page_says_what_each_guarantee_buys() -> None:
    measured = ring(rtrb=20.0)
    assert [one.name for one, _ in guaranteed(compare(measured))] == [
        name for name in GUARANTEES if name in WORKS["ring"].guarantees
    ]
    text = tables.targets(measured)
    assert text.index("| peer | ahead |") < text.index("| what it buys |") < text.index("| to reach |")
    for name in WORKS["ring"].guarantees:
        assert GUARANTEES[name].buys in text


def test_reason_quotes_two_threads_by_pair_of_processors() -> None:
    stream = "stream/{}/payload=64/batch=1/capacity=1024/mode=gated"
    measured = Measured(select(["stream"], ["rtrb"]))
    for native, trip in ((10.0, 60.0), (30.0, 200.0), (10.0, 60.0)):
        figures = {stream.format(NATIVE): native, stream.format("rtrb"): 20.0}
        measured.rounds.append(Round(figures, {"c": trip, "rust": trip}))
    row = only(compare(measured))
    assert row.worst.ratio.median == 0.5
    assert tables.peer_row(row)[7].endswith("mode=gated; by pair: 0.50 at 60 ns, 1.50 at 200 ns")
