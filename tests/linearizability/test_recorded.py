"""Histories of real threads on both implementations, judged by the same checker as those of the explorer."""

from types import ModuleType

import pytest
from hypothesis import given

from rusted_ring import native
from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.clients.language import Client, parse
from rusted_ring.verify.clients.strategy import clients
from rusted_ring.verify.linearizability.judge import judge
from rusted_ring.verify.linearizability.recording import can_record, record

RECORDED = [client for client in CLIENTS if can_record(client)]
ROUNDS = 5
SLOW_ROUNDS = 30


@pytest.mark.clause("SLOT-1", "ALLOC-13")
def test_one_thread_after_another_is_right(backend: ModuleType) -> None:
    for client in RECORDED:
        for history in record(client, backend, threads=False):
            verdict = judge(client, history)
            assert verdict.linearizable, f"{client.name}: {verdict}"


@pytest.mark.clause("SLOT-1", "ALLOC-13")
@pytest.mark.desk(1)
def test_threads_at_once_are_right(backend: ModuleType) -> None:
    for client in RECORDED:
        for history in record(client, backend, ROUNDS):
            verdict = judge(client, history)
            assert verdict.linearizable, f"{client.name}: {verdict}"


@pytest.mark.clause("SLOT-1", "ALLOC-13")
@given(clients())
def test_drawn_clients_on_threads_are_right(client: Client) -> None:
    if can_record(client):
        for history in record(client, native, 2):
            verdict = judge(client, history)
            assert verdict.linearizable, str(verdict)


@pytest.mark.slow
@pytest.mark.clause("SLOT-1", "ALLOC-13")
def test_many_rounds_are_right() -> None:
    for client in RECORDED:
        for history in record(client, native, SLOW_ROUNDS):
            verdict = judge(client, history)
            assert verdict.linearizable, f"{client.name}: {verdict}"


def test_what_the_interface_does_not_have_is_refused() -> None:
    client = parse("xs=1 | alloc 1p0 1 | drop p0 | destroypool")
    with pytest.raises(ValueError, match="destroypool"):
        next(record(client, native))
