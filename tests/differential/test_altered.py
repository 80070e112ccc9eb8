"""A reference with one fault is caught at once, and the script that says so fails on the fault and on nothing else."""

import pytest
from altered import PACKAGE, Fault, install, load  # type: ignore[import-not-found, unused-ignore]

from rusted_ring.verify.lockstep.differential import run_diff
from rusted_ring.verify.lockstep.reports import Failure

pytestmark = pytest.mark.desk(2)


def fault(file: str, before: str, after: str, *clauses: str) -> Fault:
    """Return a fault."""
    return Fault(file, before, after, frozenset(clauses))


FREED = "SlotMetadata(0, next_generation(slot.generation, generations), SlotState.FREE)"
FAULTS = {
    "missing_generation_bump": fault(
        "slot",
        f"    return {FREED}\n\n\ndef is_event_of",
        "    return SlotMetadata(0, slot.generation, SlotState.FREE)\n\n\ndef is_event_of",
        *("SLOT-12", "PTR-5", "PTR-4", "ALLOC-15", "ALLOC-17", "VIEW-2"),
    ),
    "missing_bump_after_abort": fault(
        "slot",
        f"    return {FREED}\n\n\ndef is_saturated",
        "    return SlotMetadata(0, slot.generation, SlotState.FREE)\n\n\ndef is_saturated",
        *("SLOT-8", "LOAN-5", "LOAN-8", "PTR-5"),
    ),
    "generation_that_does_not_wrap": fault(
        "generation",
        "    return (generation + 1) % generations",
        "    return generation + 1",
        *(
            "SLOT-12",
            "SLOT-8",
            "PTR-5",
            "PTR-4",
            "ALLOC-15",
            "ALLOC-17",
            "VIEW-2",
            "LOAN-5",
            "LOAN-8",
            "WEAK-4",
            "WEAK-5",
        ),
    ),
    "saturation_one_early": fault(
        "slot",
        "return slot.ref_count == counts - 1",
        "return slot.ref_count >= counts - 2",
        *("PTR-2", "SLOT-10", "WEAK-2", "ALLOC-16", "VIEW-6", "SLOT-9", "ALLOC-19"),
    ),
    "saturation_unchecked": fault(
        "slot",
        "return slot.ref_count == counts - 1",
        "return False",
        *("SLOT-10",),
    ),
    "drop_that_does_not_free": fault(
        "pool",
        "        return self.dropping(slot_index)\n",
        "        return () if self.slot(slot_index).ref_count == 1 else self.dropping(slot_index)\n",
        *("SLOT-12", "PTR-3", "PTR-5", "PTR-4", "VIEW-2", "LOAN-5"),
    ),
    "upgrade_of_the_wrong_generation": fault(
        "slot",
        "return slot.state == SlotState.LIVE and slot.generation == generation",
        "return slot.state == SlotState.LIVE",
        *("WEAK-3", "PTR-15", "ALLOC-16", "WEAK-4", "ALLOC-19"),
    ),
    "upgrade_of_a_loan": fault(
        "slot",
        "return slot.state == SlotState.LIVE and slot.generation == generation",
        "return slot.state != SlotState.FREE and slot.generation == generation",
        *("LOAN-9", "WEAK-3", "PTR-15", "ALLOC-16", "ALLOC-19", "PTR-14"),
    ),
    "taken_slot_taken_again": fault(
        "pool",
        "if self.words[slot_index] % 4 == SlotState.FREE)",
        "if self.words[slot_index] % 8 != 6)",
        *("ALLOC-2", "SLOT-5", "SLOT-6"),
    ),
    "wrong_class": fault(
        "allocator",
        "    return smallest_class(length)\n",
        "    return smallest_class(length + (length == 64))\n",
        *("SIZE-2", "ALLOC-1", "SLOT-5", "SLOT-6", "ALLOC-2", "ALLOC-14", "ALLOC-3"),
    ),
    "leak_on_a_failed_batch": fault(
        "allocator",
        "[pool.failing()]",
        "[pool.failing(), *(pool.allocating(dict.fromkeys(pool.free_slots(), event)) if pool.free else ())]",
        *("ALLOC-14", "ERR-1", "ALLOC-3"),
    ),
    "batch_dropped_in_part": fault(
        "allocator",
        "pool.check_live(slot_index, generation, dropped[pool, slot_index])",
        "pool.check_detached(slot_index, pool.detached[slot_index], dropped[pool, slot_index])",
        *("PTR-15", "ALLOC-15", "PTR-14", "LOAN-9"),
    ),
    "spills_unasked": fault(
        "allocator",
        "pool_id : None if spill else pool_id + 1",
        "pool_id : None",
        *("ALLOC-3", "ALLOC-4", "ALLOC-7", "SLOT-5"),
    ),
    "failure_not_counted": fault(
        "pool",
        "self.failures + 1",
        "self.failures",
        *("ALLOC-9",),
    ),
    "detached_reference_attached_twice": fault(
        "pool",
        "self.detached[slot_index] - count)",
        "max(1, self.detached[slot_index] - count))",
        *("PTR-14", "ALLOC-17"),
    ),
    "event_type_cut": fault(
        "allocator",
        "PooledEvent(view.tobytes(), event_type), spill",
        "PooledEvent(view.tobytes(), event_type % 256), spill",
        *("PTR-7",),
    ),
    "torn_payload": fault(
        "allocator",
        "PooledEvent(view.tobytes(), event_type), spill",
        "PooledEvent(view[:64].tobytes() + bytes(max(0, view.nbytes - 64)), event_type), spill",
        *("PTR-7",),
    ),
    "heap_bytes_forgotten": fault(
        "heap",
        "sum(self._lengths()) + payload_bytes <=",
        "sum(self._lengths()[1:]) + payload_bytes <=",
        *(
            "ALLOC-1",
            "ALLOC-3",
            "ALLOC-4",
            "ALLOC-7",
            "SLOT-5",
            "ALLOC-14",
            "SLOT-6",
            "ALLOC-22",
            "ALLOC-21",
            "SLOT-12",
            "WEAK-5",
        ),
    ),
    "view_that_does_not_pin": fault(
        "pin",
        "return memoryview(self)[:-1]",
        "return memoryview(bytearray(self))[:-1]",
        *(
            "VIEW-2",
            "SLOT-12",
            "SLOT-11",
            "PTR-17",
            "VIEW-6",
            "ALLOC-19",
            "LOAN-1",
            "LOAN-6",
            "PTR-5",
            "PTR-4",
            "LOAN-8",
        ),
    ),
    "commit_keeps_all": fault(
        "loan",
        "PooledEvent(pin.written(kept), ",
        "PooledEvent(pin.written(room), ",
        *("PTR-7", "SLOT-7", "LAYOUT-5"),
    ),
    "lag_one_too_small": fault(
        "cursor",
        "    return published - cursor\n",
        "    return max(0, published - cursor - 1)\n",
        *("RING-22", "RING-23"),
    ),
    "backlog_unbounded": fault(
        "cursor",
        "return min(lag_of(published, cursor), capacity)",
        "return lag_of(published, cursor)",
        *("RING-23",),
    ),
    "lapped_one_late": fault(
        "cursor",
        "    return position.cursor < oldest\n",
        "    return position.cursor + 1 < oldest\n",
        *("RING-11", "RING-26", "RING-7", "RING-8"),
    ),
    "lap_not_counted": fault(
        "cursor",
        "skipped=position.skipped + oldest - position.cursor)",
        "skipped=oldest - position.cursor)",
        *("RING-12", "ERR-1"),
    ),
    "one_event_too_many": fault(
        "cursor",
        "return slowest + capacity - published",
        "return slowest + capacity - published + 1",
        *("RING-14", "RING-45", "RING-49", "RING-5", "RING-25", "RING-46", "RING-61"),
    ),
    "reader_that_stays": fault(
        "ring",
        "            partial(self._registered.discard, registration),\n",
        "",
        *("RING-19", "RING-20", "RING-17", "RING-14", "RING-40", "RING-16", "RING-30"),
    ),
    "low_water_mark_forgotten": fault(
        "ring",
        '            partial(setattr, self, "_low_water_mark", self._oldest()),\n',
        "",
        # A reader that joins and goes in a call that raises counts as a change that the error made.
        *("RING-17", "RING-30", "RING-16", "RING-19", "RING-20", "ERR-1"),
    ),
    "writers_notifier_not_cleared": fault(
        "ring",
        "            registration.notifier.clear()\n",
        "            isinstance(registration, WriterRegistration) or registration.notifier.clear()\n",
        *("RING-49", "RING-45"),
    ),
    "one_reader_too_many": fault(
        "ring",
        "if len(self._registered) == self._max_readers:",
        "if len(self._registered) == self._max_readers + 1:",
        *("RING-21",),
    ),
    "writer_taken_twice": fault(
        "ring",
        "        if self._writer is not None:\n",
        "        if self._writer is not None and self._published:\n",
        *("RING-4",),
    ),
    "wrong_slot_of_a_sequence": fault(
        "cursor",
        "    return sequence % capacity\n",
        "    return sequence % max(1, capacity - 1)\n",
        *("RING-7", "RING-26", "RING-8"),
    ),
    "bool_as_number": fault(
        "vocabulary.arguments",
        "if isinstance(value, bool) or not hasattr",
        "if not hasattr",
        *("ERR-4", "ERR-6", "LOAN-4"),
    ),
}


@pytest.fixture(params=sorted(FAULTS))
def failure(request: pytest.FixtureRequest) -> tuple[str, Failure]:
    """The failure that a fault leads to, within seconds."""
    name = str(request.param)
    install(FAULTS)
    load(name)
    steps = 0
    for seed in (11, 8):
        report = run_diff(
            f"{PACKAGE}.{name}", profile="tiny", steps=20_000, seed=seed, isolate=False, shrink_seconds=10
        )
        if report.failure is not None:
            return name, report.failure
        steps += report.steps
    raise AssertionError(f"{name} was not caught in {steps} steps")


@pytest.mark.clause(
    "SLOT-8", "SLOT-10", "SLOT-12", "WEAK-3", "ALLOC-2", "ALLOC-14", "PTR-14", "RING-11", "RING-12", "RING-14"
)
def test_a_fault_is_caught_and_its_script_fails_on_it_alone(failure: tuple[str, Failure]) -> None:
    name, found = failure
    assert found.kind == "disagreement"
    assert found.clause in FAULTS[name].clauses, found.script
    assert found.clause_text
    assert found.steps <= 15, found.script
    wrong_line = f"backend = importlib.import_module('{PACKAGE}.{name}')\n"
    assert wrong_line in found.script
    code = compile(found.script, f"<{name}>", "exec")
    with pytest.raises(AssertionError, match=rf"\[{found.clause}\]"):
        exec(code, {})
    right = found.script.replace(wrong_line, "from rusted_ring import reference as backend\n")
    exec(compile(right, f"<{name} on the reference>", "exec"), {})


def test_a_fault_whose_text_is_gone_is_an_error() -> None:
    install(FAULTS)
    FAULTS["nothing"] = fault("slot", "no such text", "", "SLOT-1")
    try:
        with pytest.raises(ImportError, match="its text is 0 times"):
            load("nothing")
    finally:
        del FAULTS["nothing"]
