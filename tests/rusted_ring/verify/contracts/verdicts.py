"""CrossHair's verdict on each condition, and the judgement of all verdicts."""

import dataclasses
import enum
import pathlib
import re
import tomllib
from collections.abc import Collection, Sequence

from rusted_ring.verify.contracts.conditions import Condition

LISTED = pathlib.Path(__file__).with_name("contracts.toml")
_MESSAGE = re.compile(r"^(?P<file>.+?):(?P<line>\d+): (?P<kind>info|error): (?P<text>.*)$")


class Verdict(enum.Enum):
    """CrossHair's verdict on one condition."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    NOT_CONFIRMED = "not confirmed"
    UNREACHED = "precondition not met"
    SILENT = "no verdict"


@dataclasses.dataclass(frozen=True)
class Message:
    """One line of `crosshair check --report_all`."""

    line: int
    verdict: Verdict
    text: str


@dataclasses.dataclass(frozen=True)
class Finding:
    """The verdict on one condition; `text` is CrossHair's own message."""

    condition: Condition
    verdict: Verdict
    text: str


@dataclasses.dataclass(frozen=True)
class Listing:
    """The contents of `contracts.toml`.

    Attributes:
        reasons: by (function, condition), the reason why it is not confirmed; the condition `*` stands for all of them.
        required: functions, classes and modules whose every condition must be confirmed.
    """

    reasons: dict[tuple[str, str], str]
    required: tuple[str, ...]

    def reason(self, condition: Condition) -> str | None:
        """The reason why a condition is not confirmed, or None if none is listed."""
        return self.reasons.get((condition.function, condition.shown), self.reasons.get((condition.function, "*")))

    def restricted(self, functions: Collection[str], every: Collection[str]) -> "Listing":
        """Return the entries for some of all functions, and the entries for no function at all, which are errors."""

        def kept(name: str) -> bool:
            named = [function for function in every if function == name or function.startswith(f"{name}.")]
            return not named or any(function in functions for function in named)

        reasons = {key: reason for key, reason in self.reasons.items() if kept(key[0])}
        return Listing(reasons, tuple(name for name in self.required if kept(name)))


def parse_output(output: str) -> list[Message]:
    """Read the lines of `crosshair check --report_all`; lines that are not messages are ignored."""
    return [
        Message(int(match["line"]), _verdict(match["kind"], match["text"]), match["text"])
        for match in map(_MESSAGE.match, output.splitlines())
        if match is not None
    ]


def _verdict(kind: str, text: str) -> Verdict:
    if kind == "error":
        return Verdict.REFUTED
    for words, verdict in (
        ("Confirmed over all paths", Verdict.CONFIRMED),
        ("Not confirmed", Verdict.NOT_CONFIRMED),
        ("Unable to meet precondition", Verdict.UNREACHED),
    ):
        if text.startswith(words):
            return verdict
    return Verdict.SILENT


def match_messages(conditions: Sequence[Condition], messages: Sequence[Message], remark: str = "") -> list[Finding]:
    """Give each condition of one function its verdict.

    A message at another line counts for every condition of the function without a message of its own: CrossHair reports
    an exception at the line that raised it, and a precondition that was never met at the precondition's line.

    Args:
        conditions: all conditions of one function.
        messages: CrossHair's messages on that function.
        remark: the text of a finding without a message.
    """
    lines = {condition.line for condition in conditions}
    general = (Verdict.REFUTED, Verdict.UNREACHED)
    stray = [message for message in messages if message.line not in lines and message.verdict in general]
    findings = []
    for condition in conditions:
        said = [message for message in messages if message.line == condition.line] or stray
        worst = next(
            (message for message in said if message.verdict is not Verdict.CONFIRMED), said[0] if said else None
        )
        if worst is None:
            findings.append(Finding(condition, Verdict.SILENT, remark or "CrossHair said nothing"))
        else:
            findings.append(Finding(condition, worst.verdict, worst.text))
    return findings


def judge(findings: Sequence[Finding], listing: Listing) -> tuple[list[str], list[str]]:
    """Return the problems of the findings, each of which fails the run, and the notes, which do not."""
    problems: list[str] = []
    notes: list[str] = []
    functions: dict[str, list[Finding]] = {}
    for finding in findings:
        functions.setdefault(finding.condition.function, []).append(finding)
        condition = finding.condition
        where = f"{condition.function}, line {condition.line}: {condition.shown}"
        if finding.verdict is Verdict.REFUTED:
            problems.append(f"refuted: {where}: {finding.text}")
        elif finding.verdict is not Verdict.CONFIRMED and listing.reason(condition) is None:
            problems.append(
                f"{finding.verdict.value}, and not listed: {where}; confirm it, or list it in {LISTED.name} with why"
            )
    for (function, text), reason in listing.reasons.items():
        named = [f for f in functions.get(function, []) if text in ("*", f.condition.shown)]
        if not named:
            problems.append(f"listed in {LISTED.name}, but there is no such condition: {function}: {text}; take it out")
        elif all(finding.verdict is Verdict.CONFIRMED for finding in named):
            notes.append(f"listed as not confirmed, but confirmed this time: {function}: {text}")
        if len(reason.split()) < 4:
            problems.append(f"the reason for {function}: {text} in {LISTED.name} is not a sentence: {reason!r}")
    for name in listing.required:
        named = [f for f in findings if f.condition.function == name or f.condition.function.startswith(f"{name}.")]
        if not named:
            problems.append(f"must be confirmed, but has no contract: {name}")
        for finding in named:
            if finding.verdict not in (Verdict.CONFIRMED, Verdict.REFUTED):
                condition = finding.condition
                problems.append(f"must be confirmed: {condition.function}: {condition.shown}: {finding.verdict.value}")
    if not findings:
        problems.append("no contract was found at all")
    return problems, notes


def read_listing(path: pathlib.Path = LISTED) -> Listing:
    """Read `contracts.toml`: `required`, and `[[not_confirmed]]` with `function`, `condition` and `reason`."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    reasons = {(entry["function"], entry["condition"]): entry["reason"] for entry in content.get("not_confirmed", [])}
    return Listing(reasons=reasons, required=tuple(content["required"]))
