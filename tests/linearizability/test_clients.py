"""Clients: their text, what is refused, the corpus, what is drawn, and what is smaller."""

import collections

import pytest
from hypothesis import given, settings

from rusted_ring import reference
from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.clients.language import Client, ClientError, event_bytes, parse, to_line
from rusted_ring.verify.clients.operations import OPERATIONS, POOL_OPERATIONS, RING_OPERATIONS, Operation
from rusted_ring.verify.clients.shrinking import shrinks
from rusted_ring.verify.clients.strategy import clients
from rusted_ring.verify.linearizability.recording import can_record, record

POOL = "r=2 g=1 t=0 xs=1 | alloc 1p0 1 ; clone 2p0 1p0 | drop p0 ; alloc p1 2 | read p0 ; drop p0"


def test_a_line_is_read_and_written() -> None:
    client = parse(POOL, name="pool")
    assert str(client) == POOL
    assert parse(to_line(client)) == client
    assert client.operation(1, 1) == Operation("alloc", ("p1", "2"))
    assert client.operation(0, 2) == client.finish()[0]


def test_a_client_is_readable() -> None:
    lines = parse(POOL, name="pool").readable().splitlines()
    assert lines[0] == "client pool"
    assert "  thread 2" in lines
    assert "    1: drop p0" in lines


def test_the_finish_ends_all_that_may_be_held() -> None:
    client = parse("xs=2 over=1 | alloc 1p0 1 ; open 1w0 ; join 2q0 old | loan l0 2 ; clone p1 p0 | next q0")
    names = [str(operation) for operation in client.finish()]
    for wanted in (
        "drop 1p0",
        "drop 1p1",
        "abort 1l0",
        "close 1w0",
        "free 2q0",
        "tally 2q0",
        "sweep",
        "stats",
        "refill",
    ):
        assert wanted in names
    assert names[-1] == "destroypool"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("xs=1", "1 groups"),
        ("| | add w0 1", "neither a pool nor a ring"),
        ("xs | | alloc p0 1", "not key=NUMBER"),
        ("xs=1 xs=2 | | alloc p0 1", "comes twice"),
        ("xs=0 | | alloc p0 1", "not from 1 to 192"),
        ("size=8 | | alloc p0 1", "has no ring"),
        ("over=1 gated=1 | | look", "two rings"),
        ("over=1 size=8 len=9 | | look", "not from 0 to 8"),
        ("xs=1 | | steal p0", "is not an operation"),
        ("xs=1 | | sweep", "is not an operation"),
        ("xs=1 | | add w0 1", "needs a ring"),
        ("over=1 | | alloc p0 1", "needs a pool"),
        ("xs=1 | | alloc p0", "has 1 arguments"),
        ("xs=1 | | alloc p8 1", "not such a variable"),
        ("xs=1 | | alloc p0 16", "from 1 to 15"),
        ("xs=1 | | alloc q0 1", "not such a variable"),
        ("xs=1 | | clone p0 2p0 | drop p0", "is another thread's"),
        ("xs=1 | | weak s0 p0", "only the setup sets it"),
        ("xs=1 | weak t0 1p0 | drop p0", "a thread's own token"),
        ("xs=1 | alloc 2p0 1 | drop p0", "there are 1"),
        ("xs=1 | | hold 1", "belongs in the setup"),
        ("xs=1 | | amany t6 3 1", "last token"),
        ("xs=1 | | amany t0 3 14", "last event"),
        ("gated=1 | | join q0 1", "not a start of a reader"),
        ("over=1 plain=1 | | look", "readers copy during writes"),
        ("gated=1 plain=2 | | look", "plain is 2: not from 0 to 1"),
        ("gated=1 plain=1 | join 2q0 old | evict 2q0 | next q0", "plain is 1 and a reader is evicted"),
        ("gated=1 | | evict 2q0 | join q0 old", "is another thread's"),
        ("xs=1 | | destroypool | alloc p0 1", "may come after the destroypool"),
        ("over=1 | | destroyring | open w0", "may come after the destroyring"),
        ("over=1 | destroyring | look", "is in the setup"),
        ("xs=1 | | drop p0 | drop p0 | drop p0 | drop p0", "4 threads"),
        ("xs=1 | " + "alloc 0p0 1 ;" * 25 + " | drop p0", "more than 24"),
    ],
)
def test_a_text_that_is_not_a_client_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ClientError, match=complaint):
        parse(text)


def test_an_operation_that_is_not_there_is_refused() -> None:
    with pytest.raises(ClientError, match="thread 3 has 0 operations"):
        parse(POOL).operation(3, 0)


def test_each_byte_depends_on_the_event_and_on_its_index() -> None:
    payloads = [event_bytes(event, 16) for event in range(1, 16)]
    assert len(set(b"".join(payloads))) == 15 * 16


def test_the_corpus_uses_every_operation_and_every_name_once() -> None:
    names = collections.Counter(client.name for client in CLIENTS)
    assert max(names.values()) == 1
    used = {operation.name for client in CLIENTS for group in (client.setup, *client.threads) for operation in group}
    assert used == {*POOL_OPERATIONS, *RING_OPERATIONS}
    used |= {operation.name for client in CLIENTS for operation in client.finish()}
    assert used == set(OPERATIONS)


def test_the_corpus_is_written_as_it_is_read() -> None:
    for client in CLIENTS:
        assert parse(str(client)) == client
        # Which accesses are plain the engine is told apart from the line.
        assert not parse(to_line(client)).plain()
        assert to_line(client).startswith(str(client).replace(" plain=1", ""))


@given(clients())
def test_what_is_drawn_is_written_and_read(client: Client) -> None:
    assert parse(to_line(client)) == client
    assert sum(map(len, client.threads)) <= 6


@given(clients())
def test_what_is_smaller_is_smaller_and_a_client(client: Client) -> None:
    def weight(one: Client) -> tuple[int, ...]:
        pool, ring = one.pool, one.ring
        widths = (pool.slots + pool.ref_bits + pool.generation_bits + pool.tag_bits + pool.heap_slots) if pool else 0
        shape = (ring.capacity + ring.size + ring.readers + ring.length) if ring else 0
        counts = sum(
            int(argument)
            for group in (one.setup, *one.threads)
            for operation in group
            for kind, argument in zip(operation.kinds(), operation.arguments, strict=True)
            if kind == "n"
        )
        return len(one.threads), one.size(), counts, widths + shape

    for smaller in shrinks(client):
        assert weight(smaller) < weight(client)
        assert parse(to_line(smaller)) == smaller


def test_what_is_drawn_fills_empties_wraps_and_laps() -> None:
    seen: collections.Counter[str] = collections.Counter()
    statuses = {
        3: "exhausted",
        5: "stale",
        6: "full",
        7: "none detached",
        8: "taken",
        11: "lagged",
        12: "empty",
        13: "full ring",
    }

    @settings(max_examples=600, derandomize=True)
    @given(clients())
    def draw(client: Client) -> None:
        if can_record(client):
            for history in record(client, reference, threads=False):
                seen.update(statuses[call.results[0]] for call in history.calls if call.results[0] in statuses)

    draw()
    assert set(seen) == set(statuses.values())
