"""Compares an engine with the reference's axioms on litmus programs [MODEL-18].

An engine is a function from a program's text to what the `litmus` executable of `native/explorer` prints: how many
executions it ran, how many were distinct, their graphs and the data races. The axioms' answer, `model_answer`, has the
same form, so that either can replace the other. A program's text and an execution graph determine the values read and
the final values, so outcomes need no comparison of their own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rusted_ring.reference.memory_model.axioms import Standard
from rusted_ring.reference.memory_model.enumerate import behaviour
from rusted_ring.reference.memory_model.program import LitmusError, Operation, Program, SkipUnless, parse

Answer = Mapping[str, Any]
"""`executions`, `distinct`, `blocked`, `graphs`, `races`, `errors`, as the engine prints them."""

Engine = Callable[[str], Answer]
"""A function that answers the text of a litmus program."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A program on which an engine and the axioms disagree.

    Attributes:
        program: its text.
        differences: the differences, a sentence each.
        smallest: the text of a shrunk program on which they still disagree.
        smallest_differences: the differences on the shrunk program.
    """

    program: str
    differences: tuple[str, ...]
    smallest: str
    smallest_differences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([self.smallest, *(f"    {line}" for line in self.smallest_differences)])


def model_answer(text: str, std: str = Standard.CXX20) -> dict[str, Any]:
    """Return the axioms' answer to a program.

    Args:
        text: the program.
        std: the standard whose release sequences hold, `c++20` or `c11`, as the engine's option of this name.

    Raises:
        LitmusError: the text is not a litmus program.
        ValueError: there is no such standard.
    """
    found = behaviour(parse(text), Standard(std))
    count = len(found.outcomes)
    return {
        "executions": count,
        "distinct": count,
        "blocked": 0,
        "graphs": sorted(found.outcomes),
        "races": sorted(found.races),
        "errors": [],
    }


def compare(
    programs: Iterable[str], engine: Engine, *, expected: Engine = model_answer, limit: int | None = None
) -> list[Disagreement]:
    """Run programs on an engine and return those on which it disagrees with the axioms, each with a shrunk one.

    Args:
        programs: their texts.
        engine: the engine under test.
        expected: the answers to compare with, under the same standard.
        limit: the number of disagreements after which to stop; None for never.
    """
    found: list[Disagreement] = []
    for text in programs:
        parted = differences(expected(text), engine(text))
        if parted:
            smallest = shrunk(text, lambda smaller: bool(differences(expected(smaller), engine(smaller))))
            found.append(Disagreement(text, parted, smallest, differences(expected(smallest), engine(smallest))))
        if len(found) == limit:
            break
    return found


def differences(expected: Answer, given: Answer) -> tuple[str, ...]:
    """Return the differences between two answers to one program, a sentence each; none means that they agree.

    An error of the kind `data-race` is not a difference, since the races are compared; any other error is one.
    """
    lines = [*_of_sets("graph", expected, given), *_of_sets("race", expected, given)]
    distinct = len(set(expected["graphs"]))
    for name, count in (("executions", distinct), ("distinct", distinct), ("blocked", 0)):
        if given[name] != count:
            lines.append(f"{name}: {given[name]}, but the axioms have {count}")
    lines += [f"error: {error}" for error in given.get("errors", []) if _kind(error) != "data-race"]
    return tuple(lines)


def _kind(error: Any) -> Any:
    return error.get("kind") if isinstance(error, Mapping) else error


def _of_sets(what: str, expected: Answer, given: Answer) -> Iterator[str]:
    mine, theirs = ({text.strip() for text in answer[f"{what}s"]} for answer in (expected, given))
    for judged, texts in (("missing", mine - theirs), ("not in the axioms", theirs - mine)):
        for text in sorted(texts)[:_SHOWN]:
            yield f"{what} {judged}: {text}"
        if len(texts) > _SHOWN:
            yield f"and {len(texts) - _SHOWN} more {what}s {judged}"


def shrunk(text: str, fails: Callable[[str], bool]) -> str:
    """Return a smallest program for which `fails` holds: it holds for none with one thread or one operation less.

    Args:
        text: a program for which `fails` holds.
        fails: the property to keep.
    """
    program = parse(text)
    while True:
        smaller = next((each for each in _smaller(program) if fails(str(each))), None)
        if smaller is None:
            return str(program)
        program = smaller


def _smaller(program: Program) -> Iterator[Program]:
    """Yield the programs with one thread less, then those with one operation less."""
    for thread in range(len(program.threads)):
        smaller = without_thread(program, thread + 1)
        if smaller is not None:
            yield smaller
    for thread, operations in enumerate(program.threads):
        for index in range(len(operations)):
            smaller = without_operation(program, thread + 1, index)
            if smaller is not None:
                yield smaller


def without_thread(program: Program, thread: int) -> Program | None:
    """Return a program without one of its threads, or None if it has no other."""
    threads = (*program.threads[: thread - 1], *program.threads[thread:])
    return replace(program, threads=threads) if threads else None


def without_operation(program: Program, thread: int, index: int) -> Program | None:
    """Return a program without one operation, or None if nothing or no program is left.

    The same operations stay skipped: a `skip_unless` that skips the operation skips one less, or is removed if that was
    the only one; a `skip_unless` that reads the operation's value is removed.
    """
    operations: list[Operation] = []
    for at, operation in enumerate(program.threads[thread - 1]):
        if at == index:
            continue
        if isinstance(operation, SkipUnless):
            if operation.operation == index:
                return _without_both(program, thread, index, at)
            covers = at < index <= at + operation.count
            if covers and operation.count == 1:
                return _without_both(program, thread, index, at)
            operation = SkipUnless(
                operation.operation - (index < operation.operation), operation.value, operation.count - covers
            )
        operations.append(operation)
    if not operations:
        return without_thread(program, thread)
    threads = (*program.threads[: thread - 1], tuple(operations), *program.threads[thread:])
    try:
        return replace(program, threads=threads)
    except LitmusError:
        return None


def _without_both(program: Program, thread: int, index: int, skip: int) -> Program | None:
    """Return a program without an operation and without a `skip_unless` that depends on it."""
    smaller = without_operation(program, thread, skip)
    return None if smaller is None else without_operation(smaller, thread, index - (skip < index))
