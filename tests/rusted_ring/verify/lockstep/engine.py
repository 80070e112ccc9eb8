"""The reference and a backend in lock-step: each call runs on both, and their states are compared [ERR-1].

A call goes to the backend first. The reference replays the slot that the backend chose, after a check that it was free.
Then the engine compares the outcomes (the value, or the error's class; for `Lagged` its numbers) and, after the step,
everything that can be observed: slot words, statistics, memory, cursors, payloads.
"""

import contextlib
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

from rusted_ring import reference
from rusted_ring.reference import PoolId
from rusted_ring.reference.pools import replay_choices
from rusted_ring.reference.recorded_choices import ReplayMismatch
from rusted_ring.reference.token import GENERATIONS, SLOTS
from rusted_ring.verify.lockstep.concrete import concrete, untraced
from rusted_ring.verify.lockstep.coverage import Coverage
from rusted_ring.verify.lockstep.registry import Operation, Skip
from rusted_ring.verify.lockstep.script import Literal, Pair, Script, plain, shown
from rusted_ring.verify.lockstep.templates import (
    Disagreement,
    Raised,
    Template,
    compile_template,
    compiled,
    figure,
    look,
)
from rusted_ring.verify.support.backend import backend_name, offers

POOLS: Final = range(6)
SWEEP_WINDOW: Final = 8
FULL_CHECK_PERIOD: Final = 64


class Engine:
    """The backend's and the reference's objects (the two worlds), their handles, and the comparisons [ERR-1]."""

    def __init__(
        self,
        backend: Any,
        profile: str,
        *,
        name: str | None = None,
        coverage: Coverage | None = None,
        backend_last: bool = False,
    ) -> None:
        """Make an empty allocator in both worlds.

        Args:
            backend: the namespace under test.
            profile: `"SEED"`, `"WIDE"` or `"TINY"`.
            name: how a script imports the backend.
            coverage: counts to add to.
            backend_last: let the reference run first in calls that choose no slot, so that a solver can choose their
                path.
        """
        self.backend = backend
        self.profile_name = profile
        self.profile = getattr(reference, profile)
        self.coverage = Coverage() if coverage is None else coverage
        source = f"{'backend' if hasattr(backend, profile) else 'reference'}.{profile}"
        self.script = Script(name or backend_name(backend), source)
        self.backend_last = backend_last
        self.operation: Operation | None = None
        self.clause = "ERR-1"
        self.raised = False
        self.steps = 0
        self.numbers: dict[str, int] = {}
        self.offered: dict[str, bool] = {}
        self.last_words = [b""] * len(POOLS)
        self.full_checks = profile == "TINY"
        self.has_pools = offers(backend, "EventAllocator")
        self.has_words = offers(backend, "EventPools.slot_words")
        self.has_stats = offers(backend, "EventAllocator.stats")
        self.has_memory = offers(backend, "EventAllocator.memory_usage") and offers(
            backend, "EventAllocator.heap_usage"
        )
        self.pointers: list[Pair] = []
        self.released: list[Pair] = []
        self.weaks: list[Pair] = []
        self.views: list[Pair] = []
        self.loans: list[Pair] = []
        self.ended_loans: list[Pair] = []
        self.tokens: list[int] = []
        self.hoards: list[Pair] = []
        self.rings: list[Pair] = []
        self.writers: list[Pair] = []
        self.ended_writers: list[Pair] = []
        self.reservations: list[Pair] = []
        self.peeks: list[Pair] = []
        self.readers: list[Pair] = []
        self.ended_readers: list[Pair] = []
        self.batches: list[Pair] = []
        self.touched_rings = False
        self.sweep_at = 0
        self.allocator: Pair
        self.other: Pair | None = None
        if self.has_pools:
            actual = untraced(backend.EventAllocator, getattr(backend, profile, self.profile))
            # Untraced too: CrossHair takes `array("Q", bytes(n))` for n numbers.
            expected = untraced(reference.EventAllocator, self.profile)
            self.allocator = Pair(actual, expected, "allocator")
            self.actual_pools: Any = actual.pools if hasattr(actual, "pools") else None
            self.expected_pools: Any = self.allocator.expected.pools
            self.check_pools()

    # Calls

    def perform(self, operation: Operation, arguments: Iterable[int]) -> bool:
        """Do one step and compare; return False if the operation had no handle to use."""
        self.operation = operation
        self.clause = operation.clauses[0]
        self.raised = False
        try:
            operation.function(self, *arguments)
            self.steps += 1
            self.check()
        except Skip:
            return False
        return True

    def offers(self, need: str) -> bool:
        """Return whether the backend offers a thing."""
        found = self.offered.get(need)
        if found is None:
            found = self.offered[need] = offers(self.backend, need)
        return found

    def name(self, prefix: str) -> str:
        """Return a new variable name."""
        number = self.numbers.get(prefix, 0)
        self.numbers[prefix] = number + 1
        return f"{prefix}{number}"

    def reached(self, *clauses: str) -> None:
        """Count clauses that this particular call checks; a wrong state would break the first."""
        for clause in clauses:
            self.coverage.reached[clause] += 1
        self.clause = clauses[0]

    def call(
        self,
        template: str,
        *arguments: Any,
        keep: str = "",
        slots: Callable[[Any], list[tuple[int, int]]] | None = None,
        argument_name: str = "",
        argument_value: object = None,
    ) -> Pair | None:
        """Make a call in both worlds and compare the outcomes.

        Args:
            template: the call's source, `{0}` and so on standing for the arguments.
            arguments: pairs, literals, or plain values.
            keep: the prefix of a variable that keeps the result; empty to keep none.
            slots: returns the slots that the backend chose from its result.
            argument_name: the argument that the error's message must name.
            argument_value: the integer that the error's message must name.

        Returns:
            Both results, or None if both raised the same error.
        """
        function = compiled.get(template) or compile_template(template, len(arguments))
        actual_arguments: list[Any] = []
        expected_arguments: list[Any] = []
        sources: list[Any] = []
        for argument in arguments:
            kind = type(argument)
            if kind is Pair:
                actual_arguments.append(argument.actual)
                expected_arguments.append(argument.expected)
                sources.append(argument.name)
            elif kind is Literal:
                actual_arguments.append(argument.value)
                expected_arguments.append(argument.value)
                sources.append(argument.source)
            else:
                actual_arguments.append(argument)
                expected_arguments.append(argument)
                sources.append(argument)
        variable = self.name(keep) if keep else ""
        expected: Any = None
        expected_first = self.backend_last and slots is None
        if expected_first:
            expected = self.attempt(function, reference, expected_arguments)
        if self.backend_last:
            actual_arguments = [
                given if type(argument) in {Pair, Literal} else concrete(given)
                for given, argument in zip(actual_arguments, arguments, strict=True)
            ]
            sources = [concrete(source) for source in sources]
        entry = self.script.call(template, sources, variable)
        actual = untraced(self.attempt, function, self.backend, actual_arguments)
        if not expected_first:
            choices = slots(actual) if slots is not None and type(actual) is not Raised else []
            try:
                expected = self.attempt_with_choices(function, expected_arguments, choices)
            except ReplayMismatch as error:
                raise self.wrong_slot(template, sources, actual, choices, str(error)) from None
        return self.compare(entry, actual, expected, variable, argument_name, argument_value, chooses=slots is not None)

    @staticmethod
    def attempt(function: Template, namespace: Any, arguments: list[Any]) -> Any:
        """Return the result of a call, or the error that it raised."""
        try:
            return function(namespace, *arguments)
        except Exception as error:
            return Raised(error)

    def attempt_with_choices(self, function: Template, arguments: list[Any], choices: list[tuple[int, int]]) -> Any:
        """Run a call on the reference, which takes the slots that the backend chose."""
        if not choices:
            return self.attempt(function, reference, arguments)
        replay_choices(self.expected_pools, [(PoolId(pool), slot) for pool, slot in choices])
        try:
            return function(reference, *arguments)
        except ReplayMismatch:
            raise
        except Exception as error:
            return Raised(error)
        finally:
            replay_choices(self.expected_pools, [])

    def compare(
        self,
        entry: list[Any],
        actual: Any,
        expected: Any,
        variable: str,
        argument_name: str,
        argument_value: object,
        *,
        chooses: bool,
    ) -> Pair | None:
        """Compare two outcomes and count them."""
        operation = self.operation
        assert operation is not None
        error = expected.name if type(expected) is Raised else ""
        self.coverage.outcomes[operation.name, error] += 1
        actual_plain = actual.detail if isinstance(actual, Raised) else untraced(plain, actual)
        expected_plain = expected.detail if error else plain(expected)
        if actual_plain != expected_plain or type(actual_plain) is not type(expected_plain):
            clause = self.clause
            if error:
                clause = operation.errors.get(error, ("ERR-1",))[0]
            elif type(actual) is Raised and actual.name in operation.errors:
                clause = operation.errors[actual.name][0]
            said = f" ({actual.message})" if type(actual) is Raised else ""
            if type(actual) is Raised and chooses and not error:
                # A backend is free to choose the slot: the script asks for no error, not for the reference's slot.
                self.script.expect_no_error(actual.name, clause, f"{operation.name}{said}")
            else:
                self.script.expect_result(expected_plain, clause, f"{operation.name}{said}")
            raise self.disagreement(
                clause, f"{operation.name}: expected {shown(expected_plain)}, got {shown(actual_plain)}{said}"
            )
        self.raised = bool(error)
        if error:
            entry[3] = error
            self.check_message(actual, expected, argument_name, argument_value)
            return None
        return Pair(actual, expected, variable)

    def check_message(self, actual: Raised, expected: Raised, argument_name: str, argument_value: object) -> None:
        """Check an error's message against ERR-3 and ERR-4."""
        for side, raised in (("the backend", actual), ("the reference", expected)):
            if not raised.message:
                raise self.disagreement("ERR-3", f"{side} raises {raised.name} without a message")
            if argument_name and argument_name not in raised.message:
                self.script.line(f"# {raised.message!r} does not name {argument_name!r}")
                raise self.disagreement("ERR-4", f"{side} does not name {argument_name!r} in {raised.message!r}")
            if argument_value is not None and str(argument_value) not in raised.message.replace(",", "").replace(
                "_", ""
            ):
                self.script.line(f"# {raised.message!r} does not name {argument_value!r}")
                raise self.disagreement("ERR-4", f"{side} does not name {argument_value!r} in {raised.message!r}")

    def wrong_slot(
        self, template: str, sources: list[Any], result: Any, choices: list[tuple[int, int]], said: str
    ) -> Disagreement:
        """Return the disagreement for a slot that was not free, or that belongs to another class."""
        clause, message = "ALLOC-1", said
        wrong, limit = choices[0][1], 0
        seen: set[tuple[int, int]] = set()
        for pool, slot in choices:
            words = self.last_words[pool] if pool in POOLS else b""
            word = words[8 * slot : 8 * slot + 8] if slot >= 0 else b""
            if not word or int.from_bytes(word, sys.byteorder) % 4 or (pool, slot) in seen:
                state = f"{self.decoded(int.from_bytes(word, sys.byteorder))}" if word else "no slot of the pool"
                clause, message = "ALLOC-2", f"slot {slot} of pool {pool} was taken while it was {state}"
                wrong, limit = slot, 1 if (pool, slot) in seen else 0
                break
            seen.add((pool, slot))
        tokens = "array.array('Q', taken[2])" if isinstance(result, memoryview) else "[taken]"
        if clause == "ALLOC-1" and hasattr(result, "slot_index"):
            condition = f"taken[0] != {choices[0][0]}"
        elif clause == "ALLOC-1":
            pools = [pool for pool, _ in choices]
            condition = f"[token // {SLOTS * GENERATIONS} - 1 for token in {tokens}] != {pools}"
        elif isinstance(result, list):
            condition = f"taken.count({wrong}) <= {limit}"
        elif hasattr(result, "slot_index"):
            condition = f"taken[1] != {wrong}"
        elif "allocate_to_pool" in template:
            condition = f"taken != {wrong}"
        else:
            condition = f"[token // {GENERATIONS} % {SLOTS} for token in {tokens}].count({wrong}) <= {limit}"
        self.script.entries.pop()
        self.script.line(f"taken = outcome(lambda: {self.script.expression(template, sources)})")
        self.script.expect_true(condition, clause, message)
        return self.disagreement(clause, message)

    def disagreement(self, clause: str, message: str) -> Disagreement:
        """Return the error that ends a run."""
        return Disagreement(clause, message, self.script.source())

    # Handles

    def settle(self, number: int) -> int:
        """Return a number for both worlds; a symbolic one first takes a path of the reference."""
        if self.backend_last:
            with contextlib.suppress(ValueError):
                reference.EventAllocator.estimate_size(number)
            return int(concrete(number))
        return number

    def pick(self, pairs: list[Pair], index: int) -> Pair:
        """Return one of the handles, or skip the step if there is none."""
        if not pairs:
            raise Skip
        return pairs[index % len(pairs)]

    def take(self, pairs: list[Pair], index: int) -> Pair:
        """Take one of the handles out of its list, or skip the step if there is none."""
        if not pairs:
            raise Skip
        return pairs.pop(index % len(pairs))

    def forget(self, *pairs: Pair) -> None:
        """Delete handles, so that both worlds collect them."""
        if not pairs:
            return
        self.script.line(f"del {', '.join(pair.name for pair in pairs)}")
        for pair in pairs:
            pair.actual = None
            pair.expected = None

    def retain(self, pairs: list[Pair], pair: Pair, limit: int) -> None:
        """Append a handle to a list that keeps only the newest ones."""
        pairs.append(pair)
        if len(pairs) > limit:
            self.forget(pairs.pop(0))

    def add_pointer(self, pair: Pair | None) -> None:
        """Register a new pointer with its payload in the reference."""
        if pair is not None:
            pair.note = pair.expected.bytes
            self.compare_payload(pair)
            self.pointers.append(pair)

    def compare_payload(self, pair: Pair) -> None:
        """Check that a pointer shows the payload that was allocated."""
        found = look(getattr, pair.actual, "bytes")
        if found != pair.note:
            self.script.expect_value(f"{pair.name}.bytes", pair.note, "PTR-7", f"the payload of {pair.name}")
            raise self.disagreement(
                "PTR-7", f"the payload of {pair.name} is {shown(found)}, expected {shown(pair.note)}"
            )

    def compare_view(self, pair: Pair) -> None:
        """Check that a view still shows its first bytes."""
        found = look(bytes, pair.actual)
        if found != pair.note:
            self.script.expect_value(f"bytes({pair.name})", pair.note, "VIEW-4", f"the bytes of {pair.name}")
            raise self.disagreement("VIEW-4", f"view {pair.name} shows {shown(found)}, expected {shown(pair.note)}")

    # Checks after every step

    def check(self) -> None:
        """Compare everything that can be observed."""
        full = self.full_checks or self.steps % FULL_CHECK_PERIOD == 0
        if self.has_pools:
            self.check_pools()
            self.check_payloads(full=full)
        if self.rings and (self.touched_rings or full):
            self.check_rings()
            self.touched_rings = False

    def state_clause(self) -> str:
        """Return the clause that a wrong state breaks: that of the step, or that a failed call changes nothing."""
        return "ERR-1" if self.raised else self.clause

    def check_pools(self) -> None:
        """Compare slot words, statistics and memory figures."""
        actual = self.actual_pools
        expected = self.expected_pools
        words = self.last_words
        for pool in POOLS:
            words[pool] = expected.slot_words(pool)
        if self.has_words and actual is not None:
            for pool in POOLS:
                actual_words = look(actual.slot_words, pool)
                if actual_words != words[pool]:
                    self.wrong_words(pool, actual_words, words[pool])
        world = self.allocator
        if self.has_stats:
            actual_stats = look(world.actual.stats)
            expected_stats = world.expected.stats()
            if actual_stats != expected_stats:
                self.wrong_stats(actual_stats, expected_stats)
        if self.has_memory:
            for method, clause in (("heap_usage", "LAYOUT-5"), ("memory_usage", "LAYOUT-4")):
                found = look(getattr(world.actual, method))
                wanted = getattr(world.expected, method)()
                if found != wanted:
                    self.wrong_value(f"allocator.{method}()", wanted, found, clause, method)

    def wrong_stats(self, actual: Any, expected: Any) -> None:
        """Report the first pool whose statistics differ."""
        if plain(actual) == plain(expected):
            return
        for pool in POOLS:
            if isinstance(actual, str) or plain(actual.get(pool)) != plain(expected[pool]):
                found = actual if isinstance(actual, str) else actual.get(pool)
                self.wrong_value(f"allocator.stats()[{pool}]", expected[pool], found, "ALLOC-9", "statistics")

    def wrong_words(self, pool: int, actual: Any, expected: bytes) -> None:
        """Report the first slot whose word differs."""
        if not isinstance(actual, bytes) or len(actual) != len(expected):
            self.wrong_value(f"allocator.pools.slot_words({pool})", expected, actual, "SLOT-15", "slot words")
        for slot in range(len(expected) // 8):
            actual_word = int.from_bytes(actual[8 * slot : 8 * slot + 8], sys.byteorder)
            expected_word = int.from_bytes(expected[8 * slot : 8 * slot + 8], sys.byteorder)
            if actual_word != expected_word:
                clause = self.state_clause()
                where = f"slot {slot} of pool {pool}"
                message = (
                    f"{where} is {self.decoded(actual_word)}, expected {self.decoded(expected_word)} "
                    f"after {self.operation.name if self.operation else 'construction'}"
                )
                source = f"int.from_bytes(allocator.pools.slot_words({pool})[{8 * slot}:{8 * slot + 8}], sys.byteorder)"
                self.script.expect_value(source, expected_word, clause, message)
                raise self.disagreement(clause, message)

    def decoded(self, word: int) -> str:
        """Return a slot word as the spec writes it."""
        state, rest = word % 4, word // 4
        count, generation = rest % 2**self.profile.ref_bits, rest // 2**self.profile.ref_bits
        return f"{('FREE', 'LIVE', 'LOANED', 'state 3')[state]}(generation {generation}, count {count})"

    def wrong_value(self, source: str, expected: object, actual: object, clause: str, what: str) -> None:
        """End the run with a value that differs."""
        clause = "ERR-1" if self.raised and clause not in {"ALLOC-9"} else clause
        self.script.expect_value(source, plain(expected), clause, what)
        raise self.disagreement(
            clause, f"{what}: {source} is {shown(plain(actual))}, expected {shown(plain(expected))}"
        )

    def check_payloads(self, *, full: bool) -> None:
        """Compare the payloads of live handles and views: all of them, or the next few."""
        pointers, views = self.pointers, self.views
        if full or len(pointers) + len(views) <= SWEEP_WINDOW:
            for pair in pointers:
                self.compare_payload(pair)
            for pair in views:
                self.compare_view(pair)
            return
        for _ in range(SWEEP_WINDOW // 2):
            self.sweep_at += 1
            if pointers:
                self.compare_payload(pointers[-1 - self.sweep_at % len(pointers)])
            if views:
                self.compare_view(views[-1 - self.sweep_at % len(views)])

    def check_rings(self) -> None:
        """Compare the cursors and figures of every ring and reader."""
        for ring in self.rings:
            for attribute, clause in RING_FIGURES:
                self.compare_figure(ring, attribute, clause)
        for reader in self.readers:
            for attribute, clause in READER_FIGURES:
                self.compare_figure(reader, attribute, clause)
        for writer in self.writers:
            self.compare_figure(writer, "closed", "RING-27")
        for batch in self.batches:
            if plain(batch.actual) != batch.note:
                self.script.expect_value(batch.name, batch.note, "RING-28", "a batch that was read earlier")
                raise self.disagreement("RING-28", f"batch {batch.name} has changed")

    def compare_figure(self, pair: Pair, attribute: str, clause: str) -> None:
        """Compare one property of a ring, writer or reader."""
        if attribute not in pair.note.figures:
            return
        # Not `getattr`, which CrossHair does not trace.
        template = f"{{0}}.{attribute}"
        function = compiled.get(template) or compile_template(template, 1)
        actual = look(function, self.backend, pair.actual)
        expected = figure(function, pair.expected)
        if actual != expected or type(actual) is not type(expected):
            self.wrong_value(f"{pair.name}.{attribute}", expected, actual, clause, attribute)

    # The end

    def finish(self) -> None:
        """Delete everything in both worlds, with comparisons to the end: handles outlive their allocator."""
        self.operation = FINISH
        self.raised = False
        if self.rings:
            self.check_rings()
        for lent in self.reservations + self.peeks:
            self.forget(*lent.note.views)
        self.forget(*self.reservations, *self.peeks)
        self.forget(*self.batches, *self.ended_readers, *self.ended_writers, *self.readers, *self.writers, *self.rings)
        if self.has_pools:
            self.finish_pools()

    def finish_pools(self) -> None:
        """Delete half of the handles, then the allocator, then the rest."""
        self.coverage.outcomes[FINISH.name, ""] += 1
        self.clause = "PTR-5"
        self.check_payloads(full=True)
        kept, kept_views = self.pointers[::2], self.views[::2]
        for loan in self.loans:
            self.forget(*loan.note)
        for pairs in (
            self.pointers[1::2],
            self.views[1::2],
            self.released,
            self.weaks,
            self.loans,
            self.ended_loans,
            self.hoards,
        ):
            self.forget(*pairs)
        self.check_pools()
        self.script.line("del allocator")
        self.allocator.actual = self.allocator.expected = None
        self.actual_pools = self.expected_pools = None
        self.pointers, self.views = kept, kept_views
        self.clause = "PTR-8"
        if kept or kept_views:
            self.reached("PTR-8")
        self.check_payloads(full=True)
        self.forget(*kept, *kept_views)


RING_FIGURES: Final = (
    ("write_cursor", "RING-1"),
    ("retained", "RING-30"),
    ("readers", "RING-19"),
    ("readers_awaited", "RING-45"),
    ("has_writer", "RING-42"),
    ("ended", "RING-42"),
)
READER_FIGURES: Final = (
    ("evicted", "RING-20"),
    ("closed", "RING-19"),
    ("start", "RING-16"),
    ("cursor", "RING-7"),
    ("delivered", "RING-12"),
    ("skipped", "RING-12"),
    ("lag", "RING-22"),
    ("backlog", "RING-23"),
    ("backpressure_ratio", "RING-24"),
    ("at_eof", "RING-39"),
)
FINISH: Final = Operation(
    name="finish",
    function=Engine.finish,
    kinds={},
    clauses=("PTR-5", "PTR-8", "ALLOC-9", "SLOT-4", "SLOT-15", "LAYOUT-4", "LAYOUT-5"),
    errors={},
    reaches=("PTR-8",),
    needs=("EventAllocator",),
    weight=0.0,
    profiles=(),
    group="pools",
)
