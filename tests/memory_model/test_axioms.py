"""Each definition and each axiom on executions made by hand: the smallest that shows what it says."""

from collections.abc import Mapping, Sequence

import pytest

from rusted_ring.reference.memory_model import axioms
from rusted_ring.reference.memory_model.enumerate import consistent_executions
from rusted_ring.reference.memory_model.execution import Event, Execution, Kind, PreExecution, graph_text, outcome_text
from rusted_ring.reference.memory_model.program import Order, parse
from rusted_ring.reference.memory_model.relations import Relation

RLX, ACQ, REL, ACQ_REL, SC = Order
X, Y, Z = 0, 1, 2
LETTERS = {Kind.READ: "r", Kind.WRITE: "w", Kind.HEAVY_ENTRY: "n", Kind.HEAVY_EXIT: "x"}


def initial(location: int) -> Event:
    return Event(0, location, Kind.WRITE, None, location, 0)


def write(name: str, location: int, value: int, order: Order = RLX) -> Event:
    return Event(*numbers(name), Kind.WRITE, order, location, value)


def read(name: str, location: int, value: int, order: Order = RLX) -> Event:
    return Event(*numbers(name), Kind.READ, order, location, value)


def update(name: str, location: int, values: tuple[int, int], order: Order = RLX) -> list[Event]:
    return [read(name, location, values[0], order), write(name, location, values[1], order)]


def fence(name: str, order: Order) -> Event:
    return Event(*numbers(name), Kind.FENCE, order, None, 0)


def light(name: str, order: Order) -> Event:
    return Event(*numbers(name), Kind.LIGHT_FENCE, order, None, 0)


def heavy(name: str) -> list[Event]:
    return [Event(*numbers(name), kind, SC, None, 0) for kind in (Kind.HEAVY_ENTRY, Kind.HEAVY_EXIT)]


def plain(name: str, kind: Kind, location: int = 0) -> Event:
    return Event(*numbers(name), kind, None, location, 0)


def numbers(name: str) -> tuple[int, int]:
    thread, operation = name.split(".")
    return int(thread), int(operation)


class Made:
    """An execution made by hand, whose relations can be asked for by the names of events.

    An initial write is called by its location (`x`), the read and the write of a read-modify-write `1.0r` and `1.0w`,
    the entry and the exit of a heavy fence `1.0n` and `1.0x`.
    """

    def __init__(
        self, events: Sequence[Event], rf: Sequence[tuple[str, str]] = (), mo: Mapping[int, Sequence[str]] | None = None
    ) -> None:
        pre = PreExecution(events)
        operations = [(event.thread, event.operation) for event in events]
        self.names: list[str] = []
        for event, operation in zip(events, operations, strict=True):
            both = operations.count(operation) > 1 and event.thread
            letter = LETTERS[event.kind] if both else ""
            self.names.append(event.name + letter if event.thread else "xyz"[event.operation])
        at = {name: number for number, name in enumerate(self.names)}
        pairs = [
            (at[first], at[second])
            for order in (mo or {}).values()
            for place, second in enumerate(order)
            for first in order[:place]
        ]
        self.execution = Execution(
            pre,
            Relation.of_pairs(len(pre), [(at[source], at[reader]) for source, reader in rf]),
            Relation.of_pairs(len(pre), pairs),
        )
        self.hb = axioms.happens_before(self.execution)

    def shown(self, relation: Relation) -> str:
        """Return the pairs of a relation by name, as `1.0-1.1 x-1.0`, in order."""
        return " ".join(sorted(f"{self.names[first]}-{self.names[second]}" for first, second in relation.pairs()))

    @property
    def coherent(self) -> bool:
        return axioms.is_coherent(self.execution, self.hb)

    @property
    def atomic(self) -> bool:
        return axioms.is_atomic(self.execution)

    @property
    def sequential(self) -> bool:
        return axioms.is_sequentially_consistent(self.execution, self.hb)

    @property
    def races(self) -> set[str]:
        return set(axioms.races(self.execution, self.hb))


def message(
    flag: Order, seen: Order, between: Sequence[Event] = (), before: Sequence[Event] = (), after: Sequence[Event] = ()
) -> Made:
    """Make message passing in which the flag was seen and the message was not, with fences as given.

    `before` stands before the store of the flag, `after` after its load, `between` after the one and before the other.
    """
    events = [
        *(initial(X), initial(Y), write("1.0", X, 1), *before, write("1.5", Y, 1, flag)),
        *(*between, read("3.2", Y, 1, seen), *after, read("3.5", X, 0)),
    ]
    return Made(events, [("1.5", "3.2"), ("x", "3.5")], {X: ["x", "1.0"], Y: ["y", "1.5"]})


@pytest.mark.clause("MODEL-1")
def test_every_operation_is_an_event_and_an_update_is_two() -> None:
    program = parse(
        "1 0 | store 0 rel 1 ; add 0 acq_rel 2 ; cas 0 sc rlx 0 7 ; cas 0 sc rlx 3 9 ; fence sc ; load 0 acq"
    )
    [(execution, _)] = consistent_executions(program)
    seen = [(event.name, event.kind.value, event.order, event.value) for event in execution.pre.events]
    assert seen == [
        ("init", "write", None, 0),
        ("1.0", "write", REL, 1),
        ("1.1", "read", ACQ_REL, 1),
        ("1.1", "write", ACQ_REL, 3),
        ("1.2", "read", RLX, 3),
        ("1.3", "read", SC, 3),
        ("1.3", "write", SC, 9),
        ("1.4", "fence", SC, 0),
        ("1.5", "read", ACQ, 9),
    ]
    assert list(execution.pre.rmw.pairs()) == [(2, 3), (5, 6)]


@pytest.mark.clause("MODEL-1")
def test_a_heavy_fence_is_two_events_and_a_relaxed_one_is_none() -> None:
    [(execution, _)] = consistent_executions(parse("0 0 | fence rlx ; light rlx ; light rel ; heavy ; fence acq"))
    seen = [(event.name, event.kind, event.order) for event in execution.pre.events]
    assert seen == [
        ("1.2", Kind.LIGHT_FENCE, REL),
        ("1.3", Kind.HEAVY_ENTRY, SC),
        ("1.3", Kind.HEAVY_EXIT, SC),
        ("1.4", Kind.FENCE, ACQ),
    ]
    assert list(execution.pre.fences.pairs()) == [(1, 1), (2, 2), (3, 3)]
    assert not execution.pre.rmw


@pytest.mark.clause("MODEL-1")
def test_a_weak_compare_exchange_may_fail_as_a_load_of_the_failure_order() -> None:
    found = {}
    for execution, _ in consistent_executions(parse("1 0 | store 0 rlx 1 ; wcas 0 sc acq 1 7")):
        found[graph_text(execution, 1)] = [
            (event.kind.value, event.order, event.value) for event in execution.pre.events[2:]
        ]
    assert found == {
        "1.1<1.0 / 0: 1.0 1.1": [("read", SC, 1), ("write", SC, 7)],
        "1.1<1.0 / 0: 1.0": [("read", ACQ, 1)],
    }
    # As a load's.
    assert "1.1<1.0 / 0: 1.0" in {
        graph_text(execution, 1) for execution, _ in consistent_executions(parse("1 0 | store 0 rlx 1 ; load 0 acq"))
    }


@pytest.mark.clause("MODEL-1")
def test_skipped_operations_are_no_events() -> None:
    program = parse("1 0 | load 0 rlx ; skip_unless 0 1 1 ; store 0 rlx 2 ; fence sc")
    [(execution, _)] = consistent_executions(program)
    assert [event.name for event in execution.pre.events] == ["init", "1.0", "1.3"]


@pytest.mark.clause("MODEL-2")
def test_sequenced_before_is_each_thread_s_order_after_the_initial_writes() -> None:
    made = Made([initial(X), initial(Y), write("1.0", X, 1), fence("1.1", SC), *update("2.0", Y, (0, 1))])
    from_initial = [f"{first}-{second}" for first in "xy" for second in ("1.0", "1.1", "2.0r", "2.0w")]
    assert made.shown(made.execution.sb) == " ".join(sorted(["1.0-1.1", "2.0r-2.0w", *from_initial]))


@pytest.mark.clause("MODEL-3")
def test_every_read_takes_its_value_from_one_write_of_its_location() -> None:
    program = parse("2 0 | store 0 rlx 1 ; store 1 rlx 2 | load 0 rlx ; add 1 rlx 3 ; load 1 rlx | store 0 rlx 1")
    graphs = 0
    for execution, _ in consistent_executions(program):
        graphs += 1
        events = execution.pre.events
        sources = execution.rf.inverse()
        for number, event in enumerate(events):
            found = [events[source] for source in range(len(events)) if (number, source) in sources]
            assert len(found) == (event.kind is Kind.READ)
            for source in found:
                assert (source.kind, source.location, source.value) == (Kind.WRITE, event.location, event.value)
    assert graphs > 10


@pytest.mark.clause("MODEL-4")
def test_modification_order_is_total_at_each_location_and_empty_between() -> None:
    program = parse("2 0 | store 0 rlx 1 ; store 1 rlx 2 | store 0 rlx 3 ; store 1 rlx 4 | xchg 0 rlx 5")
    orders = set()
    for execution, _ in consistent_executions(program):
        events = execution.pre.events
        orders.add(graph_text(execution, 2).split(" / ", 1)[1])
        assert execution.mo.is_acyclic()
        for first in range(len(events)):
            for second in range(len(events)):
                both = events[first].kind is Kind.WRITE is events[second].kind
                same = both and events[first].location == events[second].location and first != second
                assert same == ((first, second) in execution.mo or (second, first) in execution.mo)
        assert all((location, at) not in execution.mo.inverse() for location in range(2) for at in range(len(events)))
    assert len(orders) == 6 * 2


@pytest.mark.clause("MODEL-5", "MODEL-6")
def test_a_read_is_before_what_overwrites_what_it_read() -> None:
    made = Made(
        [initial(X), write("1.0", X, 1), write("1.1", X, 2), read("2.0", X, 0), read("2.1", X, 1)],
        [("x", "2.0"), ("1.0", "2.1")],
        {X: ["x", "1.0", "1.1"]},
    )
    assert made.shown(made.execution.rb) == "2.0-1.0 2.0-1.1 2.1-1.1"
    # By way of 1.0: what read the initial value is before what read the first store.
    eco = axioms.extended_coherence_order(made.execution)
    assert made.shown(eco) == "1.0-1.1 1.0-2.1 2.0-1.0 2.0-1.1 2.0-2.1 2.1-1.1 x-1.0 x-1.1 x-2.0 x-2.1"


@pytest.mark.clause("MODEL-7")
def test_release_sequence_is_updates_and_no_store_even_of_the_same_thread() -> None:
    made = Made(
        [
            *(initial(X), write("1.0", X, 1, REL), write("1.1", X, 5)),
            *(*update("2.0", X, (1, 2)), *update("3.0", X, (2, 3)), read("4.0", X, 3)),
        ],
        [("1.0", "2.0r"), ("2.0w", "3.0r"), ("3.0w", "4.0")],
        {X: ["x", "1.0", "2.0w", "3.0w", "1.1"]},
    )
    rs = "1.0-1.0 1.0-2.0w 1.0-3.0w 1.1-1.1 2.0w-2.0w 2.0w-3.0w 3.0w-3.0w x-x"
    assert made.shown(axioms.release_sequence(made.execution)) == rs


@pytest.mark.clause("MODEL-20")
def test_release_sequence_of_c11_goes_on_through_stores_of_the_same_thread() -> None:
    made = Made(
        [
            *(initial(X), initial(Y), write("1.0", X, 1, REL), write("1.1", Y, 1), write("1.2", X, 5)),
            *(*update("2.0", X, (5, 6)), write("2.1", X, 7)),
        ],
        [("1.2", "2.0r")],
        {X: ["x", "1.0", "1.2", "2.0w", "2.1"], Y: ["y", "1.1"]},
    )
    own = "1.0-1.0 1.1-1.1 1.2-1.2 1.2-2.0w 2.0w-2.0w 2.1-2.1"
    newer = axioms.release_sequence(made.execution, axioms.Standard.CXX20)
    assert made.shown(newer) == f"{own} x-x y-y"
    older = axioms.release_sequence(made.execution, axioms.Standard.C11)
    # From the read-modify-write of the other thread it does not go on through that thread's store.
    assert made.shown(older - newer).replace("x-1.0 x-1.2 x-2.0w x-2.1 y-1.1", "").strip() == (
        "1.0-1.2 1.0-2.0w 2.0w-2.1"
    )


@pytest.mark.clause("MODEL-8")
@pytest.mark.parametrize(
    ("made", "pair"),
    [
        (message(REL, ACQ), "1.5-3.2"),
        (message(SC, SC), "1.5-3.2"),
        (message(REL, RLX), ""),
        (message(RLX, ACQ), ""),
        (message(RLX, RLX, before=[fence("1.4", REL)], after=[fence("3.3", ACQ)]), "1.4-3.3"),
        (message(RLX, RLX, before=[fence("1.4", SC)], after=[fence("3.3", ACQ_REL)]), "1.4-3.3"),
        (message(RLX, ACQ, before=[fence("1.4", REL)]), "1.4-3.2"),
        (message(REL, RLX, after=[fence("3.3", ACQ)]), "1.5-3.3"),
        (message(RLX, RLX, before=[fence("1.4", ACQ)], after=[fence("3.3", REL)]), ""),
        (message(RLX, RLX, before=[fence("1.4", RLX)], after=[fence("3.3", RLX)]), ""),
        (message(RLX, ACQ, between=[fence("1.6", REL)]), ""),
        (message(REL, RLX, between=[fence("3.1", ACQ)]), ""),
    ],
)
def test_release_synchronizes_with_acquire_that_reads_from_it(made: Made, pair: str) -> None:
    assert made.shown(axioms.synchronizes_with(made.execution)) == pair


@pytest.mark.clause("MODEL-22")
@pytest.mark.parametrize(
    ("made", "pairs"),
    [
        (message(RLX, RLX, before=[light("1.4", REL)], after=heavy("3.3")), "1.4-3.3x"),
        (message(RLX, RLX, before=[light("1.4", SC)], after=heavy("3.3")), "1.4-3.3x"),
        (message(RLX, RLX, before=[light("1.4", ACQ)], after=heavy("3.3")), ""),
        (message(RLX, RLX, before=heavy("1.4"), after=[light("3.3", ACQ)]), "1.4n-3.3"),
        (message(RLX, RLX, before=heavy("1.4"), after=[light("3.3", REL)]), ""),
        (message(RLX, RLX, before=[light("1.4", SC)], after=[light("3.3", SC)]), ""),
        (message(RLX, RLX, before=[light("1.4", SC)], after=[fence("3.3", SC)]), ""),
        (message(RLX, RLX, before=[fence("1.4", SC)], after=[light("3.3", SC)]), ""),
        (message(RLX, ACQ, before=[light("1.4", SC)]), ""),
        (message(REL, RLX, after=[light("3.3", SC)]), ""),
        (message(RLX, RLX, between=[light("1.6", SC), *heavy("3.1")]), ""),
        # A heavy fence has all effects of an ordinary one.
        (message(RLX, ACQ, before=heavy("1.4")), "1.4n-3.2 1.4x-3.2"),
        (message(REL, RLX, after=heavy("3.3")), "1.5-3.3n 1.5-3.3x"),
        (message(RLX, RLX, before=[fence("1.4", REL)], after=heavy("3.3")), "1.4-3.3n 1.4-3.3x"),
    ],
)
def test_light_fences_synchronize_with_heavy_ones_alone(made: Made, pairs: str) -> None:
    assert made.shown(axioms.synchronizes_with(made.execution)) == pairs


@pytest.mark.clause("MODEL-8", "MODEL-7")
def test_acquire_synchronizes_with_the_head_of_the_release_sequence_that_it_reads() -> None:
    made = Made(
        [
            *(initial(X), write("1.0", X, 1, REL), *update("2.0", X, (1, 2), ACQ)),
            *(*update("3.0", X, (2, 3), REL), read("4.0", X, 3, ACQ)),
        ],
        [("1.0", "2.0r"), ("2.0w", "3.0r"), ("3.0w", "4.0")],
        {X: ["x", "1.0", "2.0w", "3.0w"]},
    )
    # An update that only acquires passes a release on and makes none; one that only releases does not acquire.
    assert made.shown(axioms.synchronizes_with(made.execution)) == "1.0-2.0r 1.0-4.0 3.0w-4.0"


@pytest.mark.clause("MODEL-9")
def test_happens_before_goes_along_threads_and_across_them() -> None:
    made = message(REL, ACQ)
    assert (2, 5) in made.hb
    assert (5, 2) not in made.hb
    assert (2, 5) not in message(RLX, ACQ).hb
    assert made.hb == made.hb.closure()


@pytest.mark.clause("MODEL-10")
def test_what_happened_before_cannot_be_unseen() -> None:
    assert not message(REL, ACQ).coherent
    assert message(REL, RLX).coherent


@pytest.mark.clause("MODEL-10")
@pytest.mark.parametrize(
    ("events", "rf", "mo", "coherent"),
    [
        # CoWW, CoRW, CoWR, CoRR, and what a thread may well see.
        ([write("1.0", X, 1), write("1.1", X, 2)], [], ["1.1", "1.0"], False),
        ([write("1.0", X, 1), write("1.1", X, 2)], [], ["1.0", "1.1"], True),
        ([read("1.0", X, 2), write("1.1", X, 1), write("2.0", X, 2)], [("2.0", "1.0")], ["1.1", "2.0"], False),
        ([read("1.0", X, 2), write("1.1", X, 1), write("2.0", X, 2)], [("2.0", "1.0")], ["2.0", "1.1"], True),
        ([write("1.0", X, 1), read("1.1", X, 2), write("2.0", X, 2)], [("2.0", "1.1")], ["2.0", "1.0"], False),
        ([write("1.0", X, 1), read("1.1", X, 2), write("2.0", X, 2)], [("2.0", "1.1")], ["1.0", "2.0"], True),
        ([write("1.0", X, 1), read("2.0", X, 1), read("2.1", X, 0)], [("1.0", "2.0"), ("x", "2.1")], ["1.0"], False),
        ([write("1.0", X, 1), read("2.0", X, 0), read("2.1", X, 1)], [("x", "2.0"), ("1.0", "2.1")], ["1.0"], True),
        ([read("1.0", X, 1), write("1.1", X, 1)], [("1.1", "1.0")], ["1.1"], False),
    ],
)
def test_each_location_by_itself_is_in_order(
    events: list[Event], rf: list[tuple[str, str]], mo: list[str], coherent: bool
) -> None:
    assert Made([initial(X), *events], rf, {X: ["x", *mo]}).coherent == coherent


@pytest.mark.clause("MODEL-11")
@pytest.mark.parametrize(("mo", "atomic"), [(["1.0w", "2.0"], True), (["2.0", "1.0w"], False)])
def test_no_write_stands_between_an_update_and_what_it_read(mo: list[str], atomic: bool) -> None:
    made = Made([initial(X), *update("1.0", X, (0, 1)), write("2.0", X, 5)], [("x", "1.0r")], {X: ["x", *mo]})
    assert made.atomic == atomic
    assert made.coherent


@pytest.mark.clause("MODEL-11")
def test_two_updates_never_read_the_same_write() -> None:
    events = [initial(X), *update("1.0", X, (0, 1)), *update("2.0", X, (0, 1))]
    made = Made(events, [("x", "1.0r"), ("x", "2.0r")], {X: ["x", "1.0w", "2.0w"]})
    assert not made.atomic


def buffered(first: Order, second: Order, third: Order, fourth: Order) -> Made:
    """Make store buffering in which both loads missed the other thread's store."""
    events = [
        *(initial(X), initial(Y), write("1.0", X, 1, first), read("1.1", Y, 0, second)),
        *(write("2.0", Y, 1, third), read("2.1", X, 0, fourth)),
    ]
    return Made(events, [("y", "1.1"), ("x", "2.1")], {X: ["x", "1.0"], Y: ["y", "2.0"]})


def buffered_with_fences(first: Order, second: Order) -> Made:
    events = [
        *(initial(X), initial(Y), write("1.0", X, 1), fence("1.1", first), read("1.2", Y, 0)),
        *(write("2.0", Y, 1), fence("2.1", second), read("2.2", X, 0)),
    ]
    return Made(events, [("y", "1.2"), ("x", "2.2")], {X: ["x", "1.0"], Y: ["y", "2.0"]})


@pytest.mark.clause("MODEL-12", "MODEL-14")
def test_sc_accesses_are_in_one_order_with_what_they_read() -> None:
    made = buffered(SC, SC, SC, SC)
    assert made.shown(axioms.partial_sc_base(made.execution, made.hb)) == "1.0-1.1 1.1-2.0 2.0-2.1 2.1-1.0"
    assert not made.sequential
    assert buffered(SC, SC, SC, RLX).sequential
    assert buffered(REL, ACQ, REL, ACQ).sequential


def over_another_thread(last: Event, source: str) -> Made:
    """Make an sc store of x that happens before the last event of another thread, by a release and an acquire at y."""
    events = [
        initial(X),
        initial(Y),
        initial(Z),
        write("1.0", X, 1, SC),
        write("1.1", Y, 1, REL),
        read("2.0", Y, 1, ACQ),
    ]
    return Made([*events, last], [("1.1", "2.0"), (source, "2.1")], {X: ["x", "1.0"], Y: ["y", "1.1"], Z: ["z"]})


@pytest.mark.clause("MODEL-12")
def test_order_by_another_thread_counts_only_from_one_location_to_another() -> None:
    # What parts Z6.U from W+RWC: at y, whose acquire is all that orders the last load, the order does not count.
    elsewhere = over_another_thread(read("2.1", Z, 0, SC), "z")
    at_y = over_another_thread(read("2.1", Y, 1, SC), "1.1")
    for made, ordered in ((elsewhere, True), (at_y, False)):
        assert (3, 6) in made.hb
        assert ((3, 6) in axioms.sc_before(made.execution, made.hb)) == ordered


@pytest.mark.clause("MODEL-12")
def test_happens_before_counts_at_one_location() -> None:
    made = Made([initial(X), write("1.0", X, 1, SC), read("2.0", X, 1, SC)], [("1.0", "2.0")], {X: ["x", "1.0"]})
    assert made.shown(axioms.partial_sc_base(made.execution, made.hb)) == "1.0-2.0"


@pytest.mark.clause("MODEL-13", "MODEL-14")
def test_sc_fences_are_in_one_order_with_what_is_around_them() -> None:
    made = buffered_with_fences(SC, SC)
    assert made.shown(axioms.partial_sc_fences(made.execution, made.hb)) == "1.1-2.1 2.1-1.1"
    assert not made.sequential
    assert buffered_with_fences(SC, ACQ_REL).sequential


def buffered_with(first: list[Event], second: list[Event]) -> Made:
    """Make store buffering with fences, in which both loads missed the other thread's store."""
    events = [
        *(initial(X), initial(Y), write("1.0", X, 1), *first, read("1.2", Y, 0)),
        *(write("2.0", Y, 1), *second, read("2.2", X, 0)),
    ]
    return Made(events, [("y", "1.2"), ("x", "2.2")], {X: ["x", "1.0"], Y: ["y", "2.0"]})


@pytest.mark.clause("MODEL-23", "MODEL-14")
@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        ([light("1.1", SC)], heavy("2.1"), "1.1-2.1n 2.1n-1.1 2.1n-2.1x"),
        ([light("1.1", ACQ_REL)], heavy("2.1"), "2.1n-2.1x"),
        ([light("1.1", SC)], [light("2.1", SC)], ""),
        ([light("1.1", SC)], [fence("2.1", SC)], ""),
    ],
)
def test_light_fences_are_in_one_order_with_heavy_ones_alone(
    first: list[Event], second: list[Event], pairs: str
) -> None:
    made = buffered_with(first, second)
    assert made.shown(axioms.partial_sc_fences(made.execution, made.hb)) == pairs
    assert made.sequential == ("1.1-" not in pairs)


@pytest.mark.clause("MODEL-12", "MODEL-23")
def test_light_fences_are_in_no_order_with_sc_accesses() -> None:
    made = Made(
        [
            *(initial(X), initial(Y), write("1.0", X, 1, SC), read("1.1", Y, 0, SC)),
            *(write("2.0", Y, 1), light("2.1", SC), read("2.2", X, 0)),
        ],
        [("y", "1.1"), ("x", "2.2")],
        {X: ["x", "1.0"], Y: ["y", "2.0"]},
    )
    assert made.shown(axioms.partial_sc_base(made.execution, made.hb)) == "1.0-1.1"
    assert made.sequential


@pytest.mark.clause("MODEL-12")
@pytest.mark.parametrize(
    ("between", "ordered"),
    [
        (plain("2.1", Kind.PLAIN_READ), False),
        (light("2.1", SC), False),
        (fence("2.1", ACQ), True),
        (read("2.1", Z, 0), True),
    ],
)
def test_what_may_be_gone_orders_no_sc_accesses(between: Event, ordered: bool) -> None:
    made = Made(
        [
            *(initial(X), initial(Y), initial(Z), write("1.0", X, 1, SC), write("1.1", Y, 1, REL)),
            *(read("2.0", Y, 1, ACQ), between, read("2.2", Y, 1, SC)),
        ],
        [("1.1", "2.0"), ("1.1", "2.2"), *([("z", "2.1")] if between.kind is Kind.READ else [])],
        {X: ["x", "1.0"], Y: ["y", "1.1"], Z: ["z"]},
    )
    assert ((3, 7) in axioms.sc_before(made.execution, made.hb)) == ordered


@pytest.mark.clause("MODEL-13")
def test_sc_fences_are_in_order_by_a_third_thread_s_store() -> None:
    # RWC+fences, which C11 allowed: fence 3.1, read 3.2 before the store 1.0, which 2.0 read before fence 2.1.
    made = Made(
        [
            *(initial(X), initial(Y), write("1.0", X, 1)),
            *(read("2.0", X, 1), fence("2.1", SC), read("2.2", Y, 0)),
            *(write("3.0", Y, 1), fence("3.1", SC), read("3.2", X, 0)),
        ],
        [("1.0", "2.0"), ("y", "2.2"), ("x", "3.2")],
        {X: ["x", "1.0"], Y: ["y", "3.0"]},
    )
    assert made.shown(axioms.partial_sc_fences(made.execution, made.hb)) == "2.1-3.1 3.1-2.1"
    assert not made.sequential
    assert made.coherent


@pytest.mark.clause("MODEL-14")
def test_sc_fence_and_sc_accesses_are_in_one_order() -> None:
    made = Made(
        [
            *(initial(X), initial(Y), write("1.0", X, 1, SC), read("1.1", Y, 0, SC)),
            *(write("2.0", Y, 1), fence("2.1", SC), read("2.2", X, 0)),
        ],
        [("y", "1.1"), ("x", "2.2")],
        {X: ["x", "1.0"], Y: ["y", "2.0"]},
    )
    assert made.shown(axioms.partial_sc_base(made.execution, made.hb)) == "1.0-1.1 1.1-2.1 2.1-1.0"
    assert not made.sequential


@pytest.mark.clause("MODEL-15")
def test_no_value_justifies_itself() -> None:
    made = Made(
        [initial(X), initial(Y), read("1.0", X, 7), write("1.1", Y, 7), read("2.0", Y, 7), write("2.1", X, 7)],
        [("2.1", "1.0"), ("1.1", "2.0")],
        {X: ["x", "2.1"], Y: ["y", "1.1"]},
    )
    assert not axioms.has_no_thin_air(made.execution)
    assert made.coherent
    assert not axioms.is_consistent(made.execution, made.hb)
    assert axioms.has_no_thin_air(message(RLX, RLX).execution)


@pytest.mark.clause("MODEL-16")
@pytest.mark.parametrize(
    ("first", "second", "race"),
    [
        (Kind.PLAIN_WRITE, Kind.PLAIN_WRITE, {"N0 1w 2w"}),
        (Kind.PLAIN_WRITE, Kind.PLAIN_READ, {"N0 1w 2r"}),
        (Kind.PLAIN_READ, Kind.PLAIN_WRITE, {"N0 1r 2w"}),
        (Kind.PLAIN_READ, Kind.PLAIN_READ, set[str]()),
    ],
)
def test_plain_accesses_race_if_one_writes(first: Kind, second: Kind, race: set[str]) -> None:
    assert Made([plain("1.0", first), plain("2.0", second)]).races == race
    assert Made([plain("1.0", first), plain("1.1", second)]).races == set()
    assert Made([plain("1.0", first), plain("2.0", second, 1)]).races == set()


@pytest.mark.clause("MODEL-16")
@pytest.mark.parametrize(("flag", "race"), [(REL, set[str]()), (RLX, {"N0 1w 2r"})])
def test_plain_accesses_do_not_race_if_one_happens_before_the_other(flag: Order, race: set[str]) -> None:
    made = Made(
        [
            *(initial(X), plain("1.0", Kind.PLAIN_WRITE), write("1.1", X, 1, flag)),
            *(read("2.0", X, 1, ACQ), plain("2.1", Kind.PLAIN_READ)),
        ],
        [("1.1", "2.0")],
        {X: ["x", "1.1"]},
    )
    assert made.races == race


@pytest.mark.clause("MODEL-17")
def test_text_of_a_graph_names_reads_and_modification_orders() -> None:
    made = Made(
        [
            *(initial(X), initial(Y), *update("1.0", X, (2, 3)), read("1.2", Y, 0), write("1.3", X, 9)),
            write("2.1", X, 2),
        ],
        [("2.1", "1.0r"), ("y", "1.2")],
        {X: ["x", "2.1", "1.0w", "1.3"], Y: ["y"]},
    )
    assert graph_text(made.execution, 2) == "1.0<2.1 1.2<init / 0: 2.1 1.0 1.3 / 1:"
    assert outcome_text(made.execution, 2) == "1.0=2 1.2=0 [0]=9 [1]=0"
    assert not axioms.is_consistent(message(REL, ACQ).execution, message(REL, ACQ).hb)
