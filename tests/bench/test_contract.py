"""Names of figures: known ones are read whole, others are refused."""

import pytest

from rusted_ring.bench.contract import MEMORY, OURS, PEERS, WORKS, Figure, UnknownFigure, parse, parse_part, select


def test_name_is_read_with_what_it_leaves_out() -> None:
    assert parse("pool/glibc/payload=64/occupancy=0/threads=1") == Figure(
        "pool", "glibc", {"payload": "64", "occupancy": "0", "threads": "1", "live": "0"}
    )
    assert parse("limit-line-transfer/machine").keys == {"lines": "best", "oversubscribed": "0"}
    assert parse("ring/ck_ring/payload=64/capacity=1024").keys["mode"] == "gated"


def test_figure_is_among_those_with_more_parameters() -> None:
    part = parse_part("stream/rtrb/batch=64/")
    assert part.among(parse("stream/rtrb/payload=64/batch=64/capacity=1024/mode=gated"))
    assert not part.among(parse("stream/rtrb/payload=64/batch=1/capacity=1024/mode=gated"))
    assert not part.among(parse("stream/native/payload=64/batch=64/capacity=1024/mode=gated"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "no work ''"),
        ("pools/native/payload=64/occupancy=0/threads=1", "no work 'pools'"),
        ("pool", "no peer ''"),
        ("pool/tcmalloc/payload=64/occupancy=0/threads=1", "no peer 'tcmalloc'"),
        ("pool/native/payload=64/occupancy=0/threads=1/colour=red", "colour=red is no parameter of pool"),
        ("pool/native/payload=/occupancy=0/threads=1", "payload= is no parameter of pool"),
        ("pool/native/payload=64/occupancy=0", "threads is not given"),
        ("pool/native/payload=64/payload=64/occupancy=0/threads=1", "given twice"),
        ("pool/rtrb/payload=64/occupancy=0/threads=1", "rtrb takes part in ring, stream, ring-in-place alone"),
    ],
)
def test_name_that_is_not_in_the_contract_is_refused(name: str, words: str) -> None:
    with pytest.raises(UnknownFigure, match="figure") as refused:
        parse(name)
    assert words in str(refused.value)


def test_tables_refer_to_each_other() -> None:
    for work in WORKS.values():
        assert set(work.limits) <= {name for name, other in WORKS.items() if other.is_limit}
        assert any(work.name in peer.works for peer in PEERS.values()), work.name
        for keys in work.every:
            assert set(keys) <= set(work.keys), work.name
    for peer in PEERS.values():
        assert set(peer.works) <= set(WORKS), peer.name
    # Whose harness is Python's has nothing to do in other works, and the other way round; native has two.
    for peer in PEERS.values():
        if peer.name not in OURS:
            assert {WORKS[work].of_python for work in peer.works} == {peer.harness == "python"}, peer.name


def test_everything_is_selected_without_a_word() -> None:
    selection = select()
    assert selection.works == (*WORKS, MEMORY)
    assert selection.peers == tuple(PEERS)


def test_what_is_selected_brings_its_limits_and_native_along() -> None:
    selection = select(["stream"], ["rtrb"])
    assert set(selection.works) == {
        "stream",
        "limit-round-trip",
        "limit-line-transfer",
        "limit-line-transfer-bulk",
    }
    assert set(selection.peers) == {"machine", "native", "rtrb"}
    assert ("stream", "rtrb") in selection.pairs("rust")
    assert ("stream", "native") in selection.pairs("c")
    assert not selection.pairs("python")
    assert "limit-round-trip" in select(["readers"]).works


@pytest.mark.parametrize(
    ("works", "peers", "words"),
    [
        (["dance"], [], "argument --works: 'dance' is none of"),
        ([], ["tcmalloc"], "argument --peers: 'tcmalloc' is none of"),
        (["pool"], ["rtrb"], "rtrb takes part in none of the works chosen, but in ring, stream"),
    ],
)
def test_what_cannot_be_selected_is_refused(works: list[str], peers: list[str], words: str) -> None:
    with pytest.raises(UnknownFigure) as refused:
        select(works, peers)
    assert words in str(refused.value)
