"""The chapter Memory orders: what the C source says at each atomic site, and what threads see of it.

That an order is strong enough shows under a scheduler and under race detectors; that it is the one the spec names
shows here.
"""

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rusted_ring.verify.support.c_functions import COMMENT, Functions, functions_in, without_comments

SOURCES = sorted((Path(__file__).resolve().parents[2] / "native" / "src").glob("*.[ch]"))
SITE = re.compile(r"\batomic_(?P<operation>\w+?)(?P<explicit>_explicit)?\s*\(")
NO_ACCESS = {"init"}
FIELD = re.compile(r"_Atomic\s+\w+\s+(\w+)\s*;")
POINTER = re.compile(r"_Atomic\s+\w+\s+\*(\w+)\s*[=,;)]")


@dataclass(frozen=True)
class Site:
    """One atomic operation in the source.

    Attributes:
        where: file and line.
        function: the function it is in, "" where in none.
        operation: `load`, `store`, `fetch_add`, `compare_exchange_weak`, `thread_fence`, ...
        explicit: whether its order is said.
        target: the name of the object, the last field of its expression; "" of a fence.
        orders: the orders named, `acquire`, `relaxed`, ...
        comment: the comment right above.
    """

    where: str
    function: str
    operation: str
    explicit: bool
    target: str
    orders: tuple[str, ...]
    comment: str


def arguments(source: str, start: int) -> str:
    """Return what stands between the parenthesis before `start` and its counterpart."""
    depth, at = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(source[at], 0)
        at += 1
    return source[start : at - 1]


def sites_of(path: Path) -> list[Site]:
    """Return the atomic operations of one file in their order."""
    source = path.read_text(encoding="utf-8")
    code = without_comments(source)
    functions = list(functions_in(path))
    comments = [(source.count("\n", 0, found.end()), found[0]) for found in COMMENT.finditer(source)]
    found: list[Site] = []
    for match in SITE.finditer(code):
        if match["operation"] in NO_ACCESS:
            continue
        line = code.count("\n", 0, match.start())
        text = arguments(code, match.end())
        fence = match["operation"] in ("thread_fence", "signal_fence")
        first = "" if fence else re.split(r",(?![^(\[]*[)\]])", text)[0]
        names = re.findall(r"\w+", re.sub(r"\[.*?\]", "", first))
        above = [comment for end, comment in comments if end in (line - 1, line)]
        found.append(
            Site(
                where=f"{path.name}:{line + 1}",
                function=next((one.name for one in functions if one.start <= match.start() < one.end), ""),
                operation=match["operation"],
                explicit=match["explicit"] is not None or fence,
                target=names[-1] if names else "",
                orders=tuple(re.findall(r"memory_order_(\w+)", text)),
                comment=above[-1] if above else "",
            )
        )
    return found


SITES = [site for path in SOURCES for site in sites_of(path)]
BODIES = Functions(SOURCES[0].parent).bodies()


def orders_in(function: str, operation: str, target: str = "") -> list[tuple[str, ...]]:
    """Return the orders of one kind of operation in one function, in the order of the source."""
    return [
        site.orders
        for site in SITES
        if site.function == function and site.operation.startswith(operation) and (not target or site.target == target)
    ]


def test_the_source_is_read() -> None:
    assert len(SOURCES) >= 3
    assert len(SITES) > 50
    assert {site.function for site in SITES} >= {"claim_in_word", "slot_unref", "publish", "is_intact", "copy_in"}
    assert all(site.function for site in SITES), [site for site in SITES if not site.function]


@pytest.mark.clause("ORDER-1")
def test_every_order_is_said_and_none_is_seq_cst_but_fences() -> None:
    for site in SITES:
        assert site.explicit, f"{site.where}: {site.operation} leaves its order unsaid"
        expected = 2 if site.operation.startswith("compare_exchange") else 1
        assert len(site.orders) == expected, f"{site.where}: {site.orders}"
        if site.operation not in ("thread_fence", "signal_fence"):
            assert "seq_cst" not in site.orders, site.where


@pytest.mark.clause("ORDER-1")
def test_no_atomic_object_is_used_like_a_plain_one() -> None:
    """`slot->word = x` on an `_Atomic` is a seq_cst store that no order is written on."""
    fields = {name for path in SOURCES for name in FIELD.findall(path.read_text(encoding="utf-8"))}
    assert {"word", "free_bits", "write_cursor"} <= fields
    for path in SOURCES:
        code = without_comments(path.read_text(encoding="utf-8"))
        pointers = set(POINTER.findall(code))
        plain = [rf"(?<!stats)(?:->|\.)(?:{'|'.join(fields)})\b(?!\()"]
        if pointers:
            plain.append(rf"\b(?:{'|'.join(pointers)})\[|(?<!uint\d\d_t )\*(?:{'|'.join(pointers)})\b")
        for match in re.finditer("|".join(plain), code):
            line = code.count("\n", 0, match.end()) + 1
            text = code[code.rfind("\n", 0, match.end()) + 1 : match.end()]
            taken = re.search(r"&[^&=;]*$", text)
            assert taken is not None, f"{path.name}:{line}: {text.strip()} is used without an atomic operation"
        assert not re.search(r"\b__(?:atomic|sync)_\w+\s*\(|(?<!__asm__ )\bvolatile\b", code), path.name
        # An empty instruction touches no memory: it hides from the compiler alone where a value is from.
        instructions = re.sub(r'__asm__ volatile\("" : "\+r"\(\w+\)\);', "", code)
        assert path.name == "copies.h" or "__asm__" not in instructions, path.name


@pytest.mark.clause("ORDER-1")
@pytest.mark.parametrize("site", SITES, ids=lambda site: f"{site.where}-{site.function}")
def test_every_site_says_what_it_pairs_with(site: Site) -> None:
    assert "pairs with" in site.comment, f"{site.where}: no comment above says what it pairs with"
    assert re.search(r"\[ORDER-\d+\]", site.comment), f"{site.where}: cites no clause of memory orders"


@pytest.mark.clause("ORDER-2")
def test_free_list_hands_slots_over() -> None:
    assert orders_in("allocate_next_fit", "fetch_and") == [("acq_rel",)]
    assert orders_in("claim_in_word", "compare_exchange") == [("acq_rel", "acquire")]
    assert orders_in("claim_in_word", "load") == [("acquire",)]
    assert orders_in("free_list_release", "fetch_add") == [("release",)]
    changes = [site for site in SITES if site.target == "free_bits" and site.operation.startswith("fetch")]
    assert sorted(site.function for site in changes) == ["allocate_next_fit", "free_list_release"]


@pytest.mark.clause("ORDER-3")
def test_stores_that_make_a_slot_live_are_release() -> None:
    assert orders_in("slot_publish", "store", "word") == [("release",)]
    assert orders_in("rr_commit", "store", "word") == [("release",)]


@pytest.mark.clause("ORDER-4")
def test_clone_is_relaxed() -> None:
    assert orders_in("slot_clone", "compare_exchange", "word") == [("relaxed", "relaxed")]


@pytest.mark.clause("ORDER-5")
def test_drop_is_release_and_the_last_acquires() -> None:
    assert orders_in("slot_unref", "fetch_sub", "word") == [("acq_rel",)]


@pytest.mark.clause("ORDER-6")
def test_upgrade_acquires_on_success_alone() -> None:
    assert orders_in("slot_upgrade", "compare_exchange", "word") == [("acquire", "relaxed")]


@pytest.mark.clause("ORDER-7")
def test_cursor_is_published_and_observed() -> None:
    assert orders_in("publish", "store", "write_cursor") == [("release",)]
    assert orders_in("cursor_observe", "load", "write_cursor") == [("acquire",)]
    stores = [site for site in SITES if site.operation == "store" and site.target == "write_cursor"]
    assert [site.function for site in stores] == ["publish"]


@pytest.mark.clause("ORDER-8")
def test_gated_readers_move_on_with_release() -> None:
    assert [orders[0] for orders in orders_in("move_on", "compare_exchange")] == ["release"]
    assert orders_in("slowest_reader", "load") == [("acquire",)]
    assert orders_in("slowest_reader", "compare_exchange") == [("acq_rel", "acquire")]


@pytest.mark.clause("ORDER-9")
def test_lap_check_is_fenced_on_both_sides() -> None:
    def of(function: str) -> list[tuple[str, tuple[str, ...]]]:
        return [(site.operation, site.orders) for site in SITES if site.function == function]

    assert of("announce") == [("store", ("relaxed",)), ("thread_fence", ("release",))]
    assert of("is_intact") == [("thread_fence", ("acquire",)), ("load", ("relaxed",))]
    assert of("event_descriptor_store") == [("store", ("release",)), ("store", ("relaxed",))]
    assert set(of("copy_in")) == {("store", ("relaxed",))}
    assert of("event_descriptor_load") == [("load", ("acquire",)), ("load", ("relaxed",))]
    assert set(of("copy_out")) == {("load", ("relaxed",))}


@pytest.mark.clause("ORDER-9")
def test_copy_stands_between_cursor_and_lap_check() -> None:
    reads = ("ready(", "event_descriptor_load(", "payload_load(", "is_intact(")
    looks = ("ready(", "copy_events(", "is_intact(")
    checks = ("atomic_thread_fence(", "->claim")
    adds = ("announce(", "add_event(")
    writes = ("payload_store(", "publish_event(")
    publications = ("event_descriptor_store(", "publish(", "event_count_notify(")
    bulk_writes = ("announce(", "payloads_store(", "publish_batch(")
    batch_writes = ("event_descriptors_store(", "publish(", "event_count_notify(")
    for name, steps in (
        ("look_at_next", reads),
        ("next_of", ("look_at_next(", "move_on(")),
        ("look_of", looks),
        ("next_many_of", ("look_of(", "move_on(")),
        ("is_intact", checks),
        ("rr_writer_add", adds),
        ("add_event", writes),
        ("publish_event", publications),
        ("rr_writer_add_many", bulk_writes),
        ("publish_batch", batch_writes),
    ):
        places = [BODIES[name].index(text) for text in steps]
        assert places == sorted(places), name


@pytest.mark.clause("ORDER-10")
def test_gating_sequence_and_join_are_fenced_against_each_other() -> None:
    fences = [site.function for site in SITES if "seq_cst" in site.orders]
    assert sorted(fences) == [
        *("deregister", "event_count_has_waiters", "may_have_waiters"),
        *("prepare_wait", "raise_gating_sequence", "register_reader"),
    ]
    store, fence = (
        BODIES["raise_gating_sequence"].index("atomic_store_explicit(gating_sequence"),
        BODIES["raise_gating_sequence"].index("_thread_fence("),
    )
    assert store < fence < BODIES["raise_gating_sequence"].index("slowest_reader(", fence)
    body = BODIES["register_reader"]
    assert body.index("compare_exchange_weak") < body.index("_thread_fence(") < body.index("->claim")


@pytest.mark.clause("ORDER-14")
def test_leaving_readers_are_fenced_against_each_other() -> None:
    body = BODIES["deregister"]
    assert body.index("_thread_fence(") < body.index("least_cursor(") < body.index("low_water_mark, &old")


@pytest.mark.clause("ORDER-15")
def test_waiting_and_notifying_threads_are_fenced_against_each_other() -> None:
    # the notifying thread: its store, nothing but the compiler's fence, and one relaxed load
    for waker, step in (
        ("publish_event", "publish("),
        ("publish_batch", "publish("),
        ("rr_reader_leave", "atomic_store_explicit("),
        ("rr_reader_evict", "atomic_store_explicit("),
        ("end_writer", "atomic_store_explicit("),
    ):
        assert BODIES[waker].rindex(step) < BODIES[waker].index("event_count_notify("), waker
    for reader in ("next_of", "next_many_of", "rr_reader_skip"):
        assert BODIES[reader].index("move_on(") < BODIES[reader].index("made_room("), reader
    for waker, wakes in (("event_count_notify", " event_count_notify_slow_path("), ("made_room", " notify_writer(")):
        assert BODIES[waker].index("may_have_waiters(") < BODIES[waker].index(wakes), waker
    body = BODIES["may_have_waiters"]
    assert body.index("_signal_fence(") < body.index("->waiters")
    assert [(site.operation, site.orders) for site in SITES if site.function == "may_have_waiters"] == [
        ("signal_fence", ("seq_cst",)),
        ("load", ("relaxed",)),
    ]
    body = BODIES["event_count_has_waiters"]
    assert body.index("_thread_fence(") < body.index("->waiters")
    for waker in ("event_count_notify_slow_path", "notify_writer"):
        assert BODIES[waker].index("event_count_has_waiters(") < BODIES[waker].index("event_count_notify_all("), waker
    body = BODIES["event_count_notify_all"]
    assert body.index("fetch_and") < body.index("fetch_add")
    # the waiting thread: the epoch, the announcement, the fence of all threads; then the recheck, and the sleep
    assert BODIES["wait_begin"].index("->epoch") < BODIES["wait_begin"].index("prepare_wait(")
    body = BODIES["prepare_wait"]
    assert body.index("fetch_or") < body.index("_thread_fence(") < body.index("fence_all_threads(")
    body = BODIES["event_count_wait"]
    begun = body.index("wait_begin(")
    assert begun < body.index("look(", begun) < body.index("wait_sleep(")
    assert BODIES["notifier_arm"].index("clear_descriptors(") < BODIES["notifier_arm"].index("fetch_or")
    assert BODIES["event_count_arm"].index("notifier_arm(") < BODIES["event_count_arm"].index("prepare_wait(")


@pytest.mark.clause("ORDER-16")
def test_an_announcement_is_withdrawn_before_the_wake_up_is_counted() -> None:
    assert orders_in("prepare_wait", "fetch_or", "waiters") == [("release",)]
    assert orders_in("event_count_notify_all", "fetch_and", "waiters") == [("acquire",)]
    assert {site.function for site in SITES if site.target == "waiters"} == {
        *("prepare_wait", "may_have_waiters", "event_count_has_waiters", "event_count_notify_all"),
    }


@pytest.mark.clause("ORDER-21")
def test_a_notifier_is_armed_with_release_and_disarmed_with_acquire() -> None:
    assert orders_in("notifier_take", "compare_exchange", "usage") == [("acquire", "relaxed")]
    assert orders_in("notifier_arm", "fetch_or", "usage") == [("release",)]
    assert orders_in("signal_if_armed", "compare_exchange", "usage") == [("acquire", "relaxed")]


@pytest.mark.clause("ORDER-22")
def test_the_last_use_of_a_notifiers_descriptor_is_acquired() -> None:
    assert orders_in("signal_if_armed", "fetch_sub", "usage") == [("acq_rel",)]
    assert orders_in("notifier_end", "fetch_and", "usage") == [("acq_rel",)]


@pytest.mark.clause("ORDER-17", "ORDER-23")
def test_gated_events_are_published_by_their_own_words() -> None:
    assert orders_in("event_descriptor_store", "store")[0] == ("release",)
    assert orders_in("event_descriptor_load", "load")[0] == ("acquire",)
    assert orders_in("raise_gating_sequence", "store") == [("release",), ("release",)]
    assert orders_in("deregister", "compare_exchange", "low_water_mark") == [("release", "relaxed")]
    body = BODIES["published_in"]
    assert body.index("cursor_observe(") < body.index("event_descriptor_load(") < body.rindex("cursor_observe(")
    assert "i-- > 0" in BODIES["each_event_descriptor_store"]  # the first word last
    assert BODIES["empty"].index("has_registration(") < BODIES["empty"].index("event_count_arm(")


@pytest.mark.clause("ORDER-11")
def test_writers_place_is_taken_and_given_back() -> None:
    assert orders_in("rr_writer_open", "compare_exchange", "writer_state") == [("acquire", "relaxed")]
    assert orders_in("end_writer", "store", "writer_state") == [("release",)]


@pytest.mark.clause("ORDER-18")
def test_end_is_stored_last_and_looked_for_first() -> None:
    assert orders_in("stream_ended", "load", "writer_state") == [("acquire",)]
    for name in ("look_for", "rr_reader_at_eof"):
        assert BODIES[name].index("stream_ended(") < BODIES[name].index("rr_ring_write_cursor("), name


@pytest.mark.clause("ORDER-19")
def test_readers_are_counted_once_they_are_registered() -> None:
    assert orders_in("count_joined", "compare_exchange", "awaited") == [("release", "relaxed")]
    assert orders_in("awaits_readers", "load", "awaited") == [("acquire",)]
    body = BODIES["rr_reader_join"]
    assert body.index("register_reader(") < body.index("count_joined(") < body.index("event_count_notify(")
    for name in ("slowest_reader", "least_cursor"):
        assert BODIES[name].index("awaits_readers(") < BODIES[name].index("registration_at("), name


@pytest.mark.clause("ORDER-20")
def test_reader_that_held_the_writer_back_knows_it() -> None:
    assert orders_in("event_count_has_waiters", "thread_fence") == [("seq_cst",)]
    body = BODIES["notify_writer"]
    assert body.index("event_count_has_waiters(") < body.index("->write_cursor") < body.index("event_count_notify_all(")


@pytest.mark.clause("ORDER-12")
def test_detached_references_are_left_and_taken() -> None:
    assert orders_in("add_detached", "compare_exchange", "detached") == [("release", "relaxed")]
    assert orders_in("take_detached", "compare_exchange", "detached") == [("acquire", "relaxed")]


@pytest.mark.clause("ORDER-13")
def test_counters_and_the_next_fit_cursor_are_relaxed() -> None:
    targets = {"next_fit", "failures", "rounds", "heap_block_bytes", "heap_payload_bytes"}
    found = [site for site in SITES if site.target in targets]
    assert {site.target for site in found} == targets
    assert all(set(site.orders) == {"relaxed"} for site in found), found


def run(seconds: float, *works: Any) -> None:
    """Run pieces of work in threads, over and over until the time is up; raise what the first to fail raised."""
    deadline = time.monotonic() + seconds
    failures: list[BaseException] = []

    def loop(work: Any) -> None:
        try:
            while time.monotonic() < deadline and not failures:
                work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=loop, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.clause("ORDER-2", "ORDER-3", "ORDER-5", "ORDER-12")
def test_batches_of_many_threads_never_mix(native: ModuleType) -> None:
    """Batches of several threads in one small pool: each slot is of one thread at a time, and holds its bytes."""
    allocator = native.EventAllocator()

    def work(mark: int) -> None:
        payload = bytes([mark]) * 64
        tokens = allocator.allocate_many(payload * 500, lengths=64, event_types=mark)
        assert len(set(tokens)) == 500
        for token in tokens[:20]:
            pointer = native.RingPtr.from_token(token, allocator)
            assert (pointer.bytes, pointer.event_type) == (payload, mark)
            pointer.into_token()
        assert allocator.drop_many(tokens) == 500

    run(1.0, *[lambda mark=mark: work(mark) for mark in range(1, 4)])
    assert allocator.stats()[native.PoolId.XS].live == 0


@pytest.mark.clause("ORDER-11", "RING-4")
def test_writers_that_follow_one_another_continue_the_ring(native: ModuleType) -> None:
    ring = native.RingBuffer(8, 512)
    reader = native.Reader(ring)
    seen = [0]

    def write() -> None:
        try:
            writer = native.Writer(ring)
        except native.WriterTaken:
            return
        start = ring.write_cursor
        writer.add_many([number.to_bytes(8, "little") for number in range(start, start + 30)])
        assert ring.write_cursor == start + 30
        writer.close()

    def read() -> None:
        try:
            batch = reader.next_many(100)
        except native.Lagged as lagged:
            seen[0] = lagged.next_sequence
            return
        numbers = [int.from_bytes(event.data, "little") for event in batch]
        assert numbers == list(range(seen[0], seen[0] + len(numbers)))
        seen[0] += len(numbers)

    run(0.7, write, write, read)
    assert ring.write_cursor > 0
