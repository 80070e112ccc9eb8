"""The contract check itself: it reads every kind of verdict, refutes a wrong contract, and fails where it must.

What the reference claims is checked by `python -m rusted_ring.verify.contracts` in CI, and by `rusted-ring verify`.
"""

import pathlib
import sys
import textwrap

import pytest

from rusted_ring.verify.contracts import checking, command, conditions
from rusted_ring.verify.contracts import verdicts as contracts_verdicts
from rusted_ring.verify.contracts.conditions import Condition
from rusted_ring.verify.contracts.verdicts import Finding, Listing, Message, Verdict

NOTHING_LISTED = Listing(reasons={}, required=())

SCRATCH = '''
"""A scratch module."""


def doubled(number: int) -> int:
    """Double.

    pre: 0 <= number < 100
    post: _ == number + number
    post: _ < 199
    """
    return 2 * number


def halved(number: int) -> int:
    """Halve, wrongly for odd numbers.

    post: _ + _ == number
    """
    return number // 2


def raising(number: int) -> int:
    """Raise an error that the docstring does not declare.

    pre: number > 3
    """
    if number == 7:
        raise KeyError("seven")
    return number


def unreachable(number: int) -> int:
    """Have a precondition that nothing meets.

    pre: number > 3 and number < 2
    post: _ == 1
    """
    return number


def scrambled(left: int, right: int) -> int:
    """Be too hard for the solver.

    pre: left >= 0 and right >= 0
    post: _ >= 0
    """
    return (left ^ right) & 12345


class Counter:
    """A counter.

    inv: self.number >= 0
    """

    def __init__(self, number: int) -> None:
        """Begin.

        pre: number >= 0
        """
        self.number = number

    def grown(self, by: int) -> int:
        """Grow.

        pre: by >= 0
        post:
            self.number == __old__.self.number + by
            _ == self.number
        """
        self.number += by
        return self.number
'''


@pytest.fixture
def scratch(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "scratch_contracts.py").write_text(SCRATCH, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return "scratch_contracts"


def test_conditions_are_read_from_the_source() -> None:
    found = {(c.function, c.text) for c in conditions.conditions_of_source("m", SCRATCH)}
    assert found == {
        ("m.doubled", "_ == number + number"),
        ("m.doubled", "_ < 199"),
        ("m.halved", "_ + _ == number"),
        ("m.raising", ""),
        ("m.unreachable", "_ == 1"),
        ("m.scrambled", "_ >= 0"),
        ("m.Counter.__init__", "self.number >= 0"),
        ("m.Counter.__init__", ""),
        ("m.Counter.grown", "self.number >= 0"),
        ("m.Counter.grown", "self.number == __old__.self.number + by"),
        ("m.Counter.grown", "_ == self.number"),
    }


def test_every_kind_of_verdict_is_parsed() -> None:
    output = textwrap.dedent(
        """\
        /x/slot.py:8: info: Confirmed over all paths.
        /x/slot.py:9: info: Not confirmed.
        /x/slot.py:10: info: Unable to meet precondition.
        /x/slot.py:11: error: false when calling bad(-1) (which returns -1)
        /x/slot.py:12: error: ValueError: x when calling f(7)
        C:/x/slot.py:13: error: invalid syntax (<string>, line 1)
        /x/slot.py:14: info: Words of a later version.
        Traceback and other noise
        """
    )
    assert [(message.line, message.verdict) for message in contracts_verdicts.parse_output(output)] == [
        (8, Verdict.CONFIRMED),
        (9, Verdict.NOT_CONFIRMED),
        (10, Verdict.UNREACHED),
        (11, Verdict.REFUTED),
        (12, Verdict.REFUTED),
        (13, Verdict.REFUTED),
        (14, Verdict.SILENT),
    ]


def test_an_exception_away_from_the_condition_refutes_it() -> None:
    condition = Condition("m.f", 5, "_ > 0")
    found = contracts_verdicts.match_messages([condition], [Message(9, Verdict.REFUTED, "KeyError")])
    assert found == [Finding(condition, Verdict.REFUTED, "KeyError")]


def test_a_condition_without_a_message_has_no_verdict() -> None:
    condition = Condition("m.f", 5, "_ > 0")
    assert contracts_verdicts.match_messages([condition], [])[0].verdict is Verdict.SILENT
    assert (
        contracts_verdicts.match_messages([condition], [Message(9, Verdict.CONFIRMED, "")])[0].verdict is Verdict.SILENT
    )


def test_the_worst_message_of_a_line_counts() -> None:
    condition = Condition("m.f", 5, "_ > 0")
    messages = [Message(5, Verdict.CONFIRMED, "fine"), Message(5, Verdict.NOT_CONFIRMED, "not")]
    assert contracts_verdicts.match_messages([condition], messages)[0].verdict is Verdict.NOT_CONFIRMED


@pytest.mark.parametrize("verdict", [Verdict.NOT_CONFIRMED, Verdict.UNREACHED, Verdict.SILENT])
def test_not_confirmed_fails_unless_listed_with_a_reason(verdict: Verdict) -> None:
    finding = Finding(Condition("m.f", 5, "_ > 0"), verdict, "")
    problems, _ = contracts_verdicts.judge([finding], NOTHING_LISTED)
    assert len(problems) == 1
    assert "not listed" in problems[0]
    for name in ("_ > 0", "*"):
        listed = Listing(reasons={("m.f", name): "The solver has no theory of this."}, required=())
        assert contracts_verdicts.judge([finding], listed)[0] == []
    other = Listing(reasons={("m.f", "_ > 1"): "The solver has no theory of this."}, required=())
    assert len(contracts_verdicts.judge([finding], other)[0]) == 2


def test_refuted_fails_even_where_listed() -> None:
    finding = Finding(Condition("m.f", 5, "_ > 0"), Verdict.REFUTED, "false when calling f(0)")
    listed = Listing(reasons={("m.f", "*"): "The solver has no theory of this."}, required=())
    assert "refuted" in contracts_verdicts.judge([finding], listed)[0][0]


def test_required_must_be_confirmed_and_must_exist() -> None:
    finding = Finding(Condition("m.f", 5, "_ > 0"), Verdict.NOT_CONFIRMED, "")
    listing = Listing(reasons={("m.f", "*"): "The solver has no theory of this."}, required=("m.f", "m.gone"))
    problems, _ = contracts_verdicts.judge([finding], listing)
    assert len(problems) == 2
    assert any("m.gone" in problem for problem in problems)


def test_a_listed_condition_that_is_gone_fails_and_an_empty_reason_too() -> None:
    finding = Finding(Condition("m.f", 5, "_ > 0"), Verdict.CONFIRMED, "")
    gone = Listing(reasons={("m.g", "_ > 0"): "The solver has no theory of this."}, required=())
    assert "no such condition" in contracts_verdicts.judge([finding], gone)[0][0]
    mute = Listing(reasons={("m.f", "_ > 0"): "hard"}, required=())
    problems, notes = contracts_verdicts.judge([finding], mute)
    assert "not a sentence" in problems[0]
    assert "confirmed this time" in notes[0]


def test_no_contracts_at_all_fails() -> None:
    assert contracts_verdicts.judge([], NOTHING_LISTED)[0] == ["no contract was found at all"]


def test_a_wrong_contract_is_refuted_and_the_others_get_their_verdicts(scratch: str) -> None:
    report = checking.run_contracts([scratch], listing=NOTHING_LISTED, seconds=1.5)
    verdicts = {
        (f.condition.function.removeprefix("scratch_contracts."), f.condition.text): f.verdict for f in report.findings
    }
    assert verdicts == {
        ("doubled", "_ == number + number"): Verdict.CONFIRMED,
        ("doubled", "_ < 199"): Verdict.CONFIRMED,
        ("halved", "_ + _ == number"): Verdict.REFUTED,
        ("raising", ""): Verdict.REFUTED,
        ("unreachable", "_ == 1"): Verdict.UNREACHED,
        ("scrambled", "_ >= 0"): Verdict.NOT_CONFIRMED,
        ("Counter.__init__", "self.number >= 0"): Verdict.CONFIRMED,
        ("Counter.__init__", ""): Verdict.CONFIRMED,
        ("Counter.grown", "self.number >= 0"): Verdict.CONFIRMED,
        ("Counter.grown", "self.number == __old__.self.number + by"): Verdict.CONFIRMED,
        ("Counter.grown", "_ == self.number"): Verdict.CONFIRMED,
    }
    assert not report.ok
    assert len(report.problems) == 4
    assert "FAIL: refuted: scratch_contracts.halved" in command.table(report)


def test_the_listing_names_conditions_that_exist() -> None:
    """The committed listing is in step with the reference (fast: nothing is solved)."""
    listing = contracts_verdicts.read_listing()
    functions = conditions.conditions_of_modules(conditions.module_names())
    for function, text in listing.reasons:
        assert function in functions, function
        assert text == "*" or text in {condition.shown for condition in functions[function]}, (function, text)
    for required in listing.required:
        assert any(function.startswith(f"{required}.") or function == required for function in functions), required
        assert not any(function.startswith(f"{required}.") or function == required for function, _ in listing.reasons)
