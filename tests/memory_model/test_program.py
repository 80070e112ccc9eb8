"""The words of litmus programs: what is read is written again, and what is no program is refused by name."""

import pytest
from hypothesis import given

from rusted_ring.reference.memory_model.program import (
    Add,
    CompareExchange,
    Exchange,
    Fence,
    HeavyFence,
    LightFence,
    LitmusError,
    Load,
    Order,
    PlainRead,
    PlainWrite,
    Program,
    SkipUnless,
    Store,
    WeakCompareExchange,
    parse,
)
from rusted_ring.verify.litmus.classics import CLASSICS
from rusted_ring.verify.litmus.generation import generate, litmus_programs


@pytest.mark.clause("MODEL-19")
def test_every_word_is_read() -> None:
    text = (
        "2 1 | store 0 rlx 1 ; xchg 1 acq_rel 2 ; add 0 sc 3 ; write 0 ; fence rel"
        " | cas 1 sc acq 0 7 ; skip_unless 0 0 2 ; load 1 acq ; read 0"
        " | wcas 0 acq_rel rlx 1 2 ; light acq ; heavy"
    )
    first = (
        Store(0, Order.RLX, 1),
        Exchange(1, Order.ACQ_REL, 2),
        Add(0, Order.SC, 3),
        PlainWrite(0),
        Fence(Order.REL),
    )
    second = (CompareExchange(1, Order.SC, Order.ACQ, 0, 7), SkipUnless(0, 0, 2), Load(1, Order.ACQ), PlainRead(0))
    third = (WeakCompareExchange(0, Order.ACQ_REL, Order.RLX, 1, 2), LightFence(Order.ACQ), HeavyFence())
    assert parse(text) == Program(2, 1, (first, second, third))
    assert str(parse(text)) == text


@pytest.mark.clause("MODEL-19")
def test_spaces_do_not_matter() -> None:
    assert str(parse(" 1  0|load 0  rlx;load 0 acq|store 0 rel 1 ")) == "1 0 | load 0 rlx ; load 0 acq | store 0 rel 1"


@pytest.mark.clause("MODEL-19")
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' are not the numbers of atomic and plain locations"),
        ("2 | load 0 rlx", "'2' are not the numbers"),
        ("2 -1 | load 0 rlx", "'2 -1' are not the numbers"),
        ("1 0", "the program has no thread"),
        ("1 0 | load 0 rlx |", "thread 2 has no operation"),
        ("1 0 | load 0 rlx ; ; load 0 rlx", "1.1 ``: there is no operation"),
        ("1 0 | lode 0 rlx", "1.0 `lode 0 rlx`: unknown operation 'lode': use one of load store"),
        ("1 0 | load 0", "1.0 `load 0`: load takes LOC ORDER, 2 words, not 1"),
        ("1 0 | load 0 relaxed", "ORDER cannot be 'relaxed': use one of rlx acq"),
        ("1 0 | cas 0 rlx seq 0 1", "FAILURE cannot be 'seq'"),
        ("1 0 | store 0 rlx -1", "VALUE cannot be '-1': use a number from 0"),
        ("1 0 | store 0 rlx ²", "VALUE cannot be '²'"),
        ("1 0 | fence rlx | load 1 rlx", "2.0 `load 1 rlx`: location 1 is not one of the 1 atomic locations"),
        ("1 0 | read 0", "location 0 is not one of the 0 plain locations"),
        ("1 0 | load 0 rel", "a load cannot be rel: use one of rlx acq sc"),
        ("1 0 | store 0 acq_rel 1", "a store cannot be acq_rel: use one of rlx rel sc"),
        ("1 0 | cas 0 sc rel 0 1", "a failure cannot be rel"),
        ("1 0 | wcas 0 sc acq_rel 0 1", "a failure cannot be acq_rel"),
        ("1 0 | wcas 0 rlx acq 0 1", "failure order acq is stronger than success order rlx"),
        ("1 0 | wcas 0 rlx rlx 0", "wcas takes LOC SUCCESS FAILURE EXPECTED DESIRED, 5 words, not 4"),
        ("1 0 | heavy sc", "1.0 `heavy sc`: heavy takes nothing, 0 words, not 1"),
        ("1 0 | light", "light takes ORDER, 1 words, not 0"),
        ("1 0 | light full", "ORDER cannot be 'full'"),
        ("1 0 | heavy ; skip_unless 0 1 1 ; heavy", "operation 0 does not come before it and read"),
        ("1 0 | cas 0 acq_rel sc 0 1", "failure order sc is stronger than success order acq_rel"),
        ("1 0 | cas 0 rlx acq 0 1", "failure order acq is stronger than success order rlx"),
        ("1 0 | load 0 rlx ; skip_unless 0 1 1", "skips 1 operations where 0 follow"),
        ("1 0 | load 0 rlx ; skip_unless 0 1 0 ; load 0 rlx", "skips 0 operations where 1 follow"),
        ("1 0 | store 0 rlx 1 ; skip_unless 0 1 1 ; load 0 rlx", "operation 0 does not come before it and read"),
        ("1 0 | load 0 rlx ; skip_unless 2 1 1 ; load 0 rlx", "operation 2 does not come before it and read"),
        (
            "1 0 | load 0 rlx ; skip_unless 0 1 1 ; load 0 rlx ; skip_unless 2 1 1 ; load 0 rlx",
            "1.3 `skip_unless 2 1 1`: operation 2 may have been skipped by operation 1",
        ),
    ],
)
def test_what_is_no_program_is_refused_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(LitmusError) as raised:
        parse(text)
    assert complaint in str(raised.value)


@pytest.mark.clause("MODEL-19")
def test_skip_may_look_at_what_would_be_skipped_with_it() -> None:
    assert parse("1 0 | load 0 rlx ; skip_unless 0 1 3 ; load 0 rlx ; skip_unless 2 1 1 ; load 0 rlx")


@pytest.mark.clause("MODEL-19")
@given(litmus_programs())
def test_drawn_programs_are_programs(text: str) -> None:
    assert str(parse(text)) == text


def test_bulk_programs_are_small_and_the_same_for_the_same_seed() -> None:
    texts = list(generate(3, 300))
    assert texts == list(generate(3, 300)) != list(generate(4, 300))
    programs = [parse(text) for text in texts]
    assert all(1 <= sum(map(len, program.threads)) <= 8 for program in programs)
    assert all(1 <= len(program.threads) <= 4 and program.plains <= 1 for program in programs)
    assert len(set(texts)) > 250
    # Every word and every order of each occurs.
    operations = {
        " ".join(word for word in each.split() if not word.isdigit()) for text in texts for each in text.split(";")
    }
    for wanted in (
        "load rlx",
        "load acq",
        "load sc",
        "store rlx",
        "store rel",
        "store sc",
        "fence sc",
        "light acq",
        "light rel",
        "light sc",
        "heavy",
        "wcas acq_rel acq",
        "read",
        "write",
    ):
        assert any(wanted in operation for operation in operations), wanted
    asymmetric = {text for text in texts if "light" in text and "heavy" in text}
    weak = {text for text in texts if "wcas" in text}
    assert len(asymmetric) >= 20
    assert len(weak) >= 40
    assert len(asymmetric | weak) >= 75


@pytest.mark.parametrize("classic", CLASSICS, ids=lambda classic: classic.name)
def test_classics_are_written_as_programs_are(classic: object) -> None:
    text = getattr(classic, "program")  # noqa: B009
    assert str(parse(text)) == text
