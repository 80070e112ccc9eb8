"""What is spelled more than once is the same everywhere: operations and their arguments, statuses, limits, tokens."""

import inspect
import re
from pathlib import Path

import pytest

from rusted_ring.reference import token
from rusted_ring.verify.clients import language, statuses
from rusted_ring.verify.clients.operations import FINISH_OPERATIONS, MOST_VARIABLES, OPERATIONS
from rusted_ring.verify.clients.statuses import STATUS_OF_ERROR, Status
from rusted_ring.verify.linearizability import recording
from rusted_ring.verify.linearizability.subhistories import Subhistories
from rusted_ring.vocabulary import errors

NATIVE = Path(__file__).resolve().parents[2] / "native"
HARNESS = NATIVE / "explorer" / "harness"


def texts(*names: str) -> str:
    return "".join((HARNESS / name).read_text(encoding="utf-8") for name in names)


def letters(name: str) -> str:
    """Return the arguments of an operation as the harness spells them: a letter each, an event as a number."""
    spelled = {"e": "n", "at": "a"}
    return "".join(spelled.get(kind, kind.rstrip("!-").lower()) for kind in OPERATIONS[name].arguments)


def methods(owner: type) -> set[str]:
    return {name.removeprefix("_do_") for name in dir(owner) if name.startswith("_do_")}


def test_the_harness_has_the_operations_of_the_table_with_their_arguments() -> None:
    found = re.findall(r'\{"(\w+)", "(\w*)", (do_\w+)\}', texts(*(path.name for path in HARNESS.glob("client_*.c"))))
    assert len(found) == len({name for name, _, _ in found})
    assert {name: arguments for name, arguments, _ in found} == {name: letters(name) for name in OPERATIONS}


def test_the_recorder_has_the_operations_that_python_has_with_their_arguments() -> None:
    in_the_finish = {"destroypool", "destroyring"}
    assert methods(recording.Run) == set(OPERATIONS) - (recording.UNSUPPORTED - in_the_finish)
    for name in methods(recording.Run):
        taken = list(inspect.signature(getattr(recording.Run, f"_do_{name}")).parameters)
        assert len(taken) == 2 + len(OPERATIONS[name].arguments), name  # itself and the thread


def test_the_judge_knows_every_operation() -> None:
    assert methods(Subhistories) == set(OPERATIONS)


@pytest.mark.clause("ERR-1")
def test_statuses_are_those_of_the_header() -> None:
    header = (NATIVE / "include" / "rusted_ring.h").read_text(encoding="utf-8")
    (body,) = re.findall(r"typedef enum rr_status \{(.*?)\} rr_status;", header, re.DOTALL)
    found = {name: int(number) for name, number in re.findall(r"\bRR_(\w+) = (\d+)", body)}
    assert found == {status.name: status.value for status in Status}


@pytest.mark.clause("ERR-1")
def test_each_status_that_is_an_error_in_python_has_its_error() -> None:
    # What these report is not a call's outcome in C, or no call of a client meets it.
    others = {"RingError", "LayoutError", "ReleasedHandle", "ViewsOutstanding", "ForkedCopy"}
    others |= {"ReservationOpen", "PeekOpen"}
    classes = {name for name, thing in vars(errors).items() if inspect.isclass(thing)}
    classes &= {name for name in classes if issubclass(getattr(errors, name), errors.RingError)}
    assert set(STATUS_OF_ERROR) == (classes - others) | {"ValueError"}
    assert STATUS_OF_ERROR["RefCountOverflow"] is Status.REF_COUNT_OVERFLOW
    assert STATUS_OF_ERROR["EndOfStream"] is Status.END_OF_STREAM


LIMITS = {
    "SKIPPED": statuses.SKIPPED,
    "CLIENT_TORN": statuses.TORN,
    "GROUPS": language.MOST_THREADS + 1,
    "MOST_SLOTS": language.MOST_SLOTS,
    "POOL_LENGTH": language.POOL_LENGTH,
    "POOL_CUT": language.POOL_CUT,
    "HEAP_LENGTH": language.HEAP_LENGTH,
    "HEAP_CUT": language.HEAP_CUT,
    "HEAP_BYTES": language.HEAP_BYTES,
    "HELD_EVENT": language.HELD_EVENT,
    "EVENTS": language.HELD_EVENT + 1,
}


def defined() -> dict[str, int]:
    found = re.findall(r"^#define (\w+) (\d+)u\b", texts("client.h", "client_payload.h"), re.MULTILINE)
    return {name: int(number) for name, number in found}


def test_the_harness_has_the_limits_of_clients() -> None:
    assert {name: defined().get(name) for name in LIMITS} == LIMITS
    assert defined()["MOST_ARGS"] == max(len(signature.arguments) for signature in OPERATIONS.values())
    # A client's longest thread is the setup with the finish behind it.
    assert defined()["MOST_OPS"] >= language.MOST_OPERATIONS + len(FINISH_OPERATIONS)
    (kinds,) = re.findall(r'letters\[\] = "(\w+)"', texts("client_parse.c"))
    (most,) = re.findall(r"most\[\] = \{([\d, ]+)\}", texts("client_parse.c"))
    assert dict(zip(kinds, map(int, most.split(",")), strict=True)) == dict(MOST_VARIABLES)


@pytest.mark.clause("PTR-10")
def test_the_harness_takes_tokens_apart_as_the_reference_does() -> None:
    assert 2 ** defined()["TOKEN_SLOT_BITS"] == token.SLOTS
    assert 2 ** defined()["TOKEN_GENERATION_BITS"] == token.GENERATIONS
