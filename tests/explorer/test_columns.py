"""An execution as columns: what a row says, what is folded, what is marked, and that it fits."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from rusted_ring.verify.explorer.columns import can_draw, columns
from rusted_ring.verify.explorer.trace import INITIAL, Sources, Trace, TraceError, action, parse

Sample = Callable[[str], dict[str, Any]]


def row(lines: list[str], number: str) -> str:
    """The one line of the table that begins with this number."""
    (found,) = [line for line in lines if re.match(rf"[> ] #{number}\s", line)]
    return found


# --- the execution itself


def test_an_execution_keeps_what_the_engine_said(race: Trace) -> None:
    read = race.by_id[5]
    assert (read.thread, read.kind, read.read, read.rf, read.place) == (2, "read", 42, 2, 1)
    assert race.threads == ("main", "T1", "T2")
    assert race.fault is not None
    assert race.fault.events == (2, 5)
    assert race.of_the_fault == {2, 5}


def test_happens_before_is_looked_up_in_the_counts(race: Trace) -> None:
    create, write, store, load, read = (race.by_id[identity] for identity in (0, 2, 3, 4, 5))
    assert race.happens_before(create, write)
    assert race.happens_before(write, store)
    assert race.happens_before(load, read)
    assert not race.happens_before(write, read)
    assert not race.happens_before(read, write)
    assert not race.happens_before(write, write)


def test_counts_of_steps_order_plain_accesses_that_are_no_steps(samples: Sample) -> None:
    content = samples("race")
    write, store, load, read = content["events"][2:]
    write["hb"], store["hb"] = [1, 1, 0], [1, 1, 0]  # before the first step of T1, and the step itself
    load["hb"], read["hb"] = [2, 1, 1], [2, 1, 2]  # synchronises with it; and a read after the step of T2
    trace = parse(content)
    assert trace.happens_before(trace.by_id[2], trace.by_id[3])
    assert trace.happens_before(trace.by_id[2], trace.by_id[5])
    assert not trace.happens_before(trace.by_id[5], trace.by_id[2])
    assert not trace.happens_before(trace.by_id[4], trace.by_id[3])


def test_a_read_that_passes_over_a_newer_write_is_found(buffering: Trace, calls: Trace) -> None:
    assert {identity: newer.id for identity, newer in buffering.passed_over.items()} == {6: 2}
    assert {identity: newer.id for identity, newer in calls.passed_over.items()} == {13: 10}
    assert buffering.by_id[6].rf == INITIAL


def test_modification_orders_readers_and_switches(calls: Trace, buffering: Trace) -> None:
    assert [write.id for write in calls.modification_orders["0x7f0000001040"]] == [10]
    assert [reader.id for reader in calls.readers[10]] == [16]
    assert (calls.switches, buffering.switches) == (1, 3)


def test_calls_hold_their_events_and_their_results(calls: Trace) -> None:
    assert [(call.thread, call.result, call.events[0], call.events[-1]) for call in calls.calls] == [
        (1, "true", 0, 11),
        (2, "nothing", 12, 14),
        (2, None, 15, 17),
    ]


def test_addresses_are_cut_to_what_tells_them_apart(calls: Trace, race: Trace) -> None:
    assert calls.location(calls.by_id[10]) == "@040"
    assert calls.location(calls.by_id[9]) == "@007"
    assert race.location(race.by_id[3]) == "flag"


def test_actions_are_worded_by_kind(samples: Sample) -> None:
    content = samples("race")
    events = content["events"]
    events[3] |= {"kind": "rmw", "order": "acq_rel", "read": 0, "written": 2**64 - 1, "rf": None}
    events[4] |= {"kind": "cas-fail", "order": "sc", "read": 2**64 - 1}
    assert [action(parse(content), event) for event in parse(content).events[:2]] == ["create T1", "create T2"]
    events[0]["text"] = "create T1"
    assert action(parse(content), parse(content).events[0]) == "create T1"
    events[0] |= {"kind": "fence", "order": "sc", "text": ""}
    events[1] |= {"kind": "alloc", "location": "0x5600", "size": 64, "text": ""}
    trace = parse(content)
    assert [action(trace, event) for event in trace.events] == [
        "fence sc",
        "alloc @600 64 B",
        "write data = 42",
        "rmw flag 0 -> 0xffffffffffffffff acq_rel",
        "cas-fail flag = 0xffffffffffffffff sc",
        "read data = 42",
    ]


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no threads": (lambda trace: trace.pop("threads"), "threads is missing, not a list of names"),
    "events is no list": (lambda trace: trace.update(events={}), "events is {}, not a list"),
    "an event is no object": (lambda trace: trace["events"].append(7), r"events\[6\] is 7, not an object"),
    "unknown kind": (lambda trace: trace["events"][3].update(kind="peek"), r"events\[3\]: kind is 'peek', none of"),
    "unknown order": (lambda trace: trace["events"][3].update(order="con"), r"events\[3\]: order is 'con', none of"),
    "no such thread": (lambda trace: trace["events"][3].update(thread=3), r"events\[3\]: thread is 3, not below 3"),
    "no counts": (lambda trace: trace["events"][3].pop("hb"), r"events\[3\]: hb is missing, not a list of 3 counts"),
    "counts too few": (lambda trace: trace["events"][3].update(hb=[1]), r"hb is \[1\], not a list of 3 counts"),
    "does not count itself": (lambda trace: trace["events"][2].update(hb=[1, 0, 0]), "hb counts 0 steps of its own"),
    "counts go down": (lambda trace: trace["events"][2].update(hb=[1, 3, 0]), "counts 2 .* not at least 3"),
    "counts beyond the end": (lambda trace: trace["events"][3].update(hb=[9, 2, 0]), "thread 0, which has 2"),
    "the id is taken": (lambda trace: trace["events"][3].update(id=2), r"events\[3\]: the id 2 is taken"),
    "negative line": (lambda trace: trace["events"][3].update(line=-1), "line is -1, not a whole number from 0"),
    "value is text": (lambda trace: trace["events"][3].update(written="1"), "written is '1', not a whole number"),
    "reads from below": (lambda trace: trace["events"][4].update(rf=5), "rf is 5, the id of no event above it"),
    "reads from a create": (lambda trace: trace["events"][4].update(rf=1), "rf is 1, a create, which writes nothing"),
    "error without a kind": (lambda trace: trace["error"].pop("kind"), "error: kind is missing, not a string"),
    "error of no event": (lambda trace: trace["error"].update(events=[77]), r"error: events is \[77\]"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_execution_is_refused_with_the_place(case: str, samples: Sample) -> None:
    damage, complaint = BROKEN[case]
    content = copy.deepcopy(samples("race"))
    damage(content)
    with pytest.raises(TraceError, match=complaint):
        parse(content)


def test_a_trace_that_is_no_object_is_refused() -> None:
    with pytest.raises(TraceError, match=r"the trace is \[\], not an object"):
        parse([])


def test_source_lines_end_where_a_compiler_ends_them(calls: Trace) -> None:
    store = calls.by_id[10]
    assert Sources().line(store.file, store.line).startswith("atomic_store_explicit(&ring->cursor")
    assert Sources().line(store.file, 999) == Sources().line("/no/such/file.c", 1) == Sources().line("", 1) == ""
    assert list(Sources().around(store.file, 1, 2)) == [1, 2, 3]


# --- the columns


def test_every_row_has_its_thread_values_source_and_where_it_reads_from(race: Trace) -> None:
    lines = columns(race)
    assert lines[0].split() == ["#", "main", "T1", "T2", "source"]
    at = {name: lines[0].index(name) for name in race.threads}
    assert row(lines, "0")[at["main"] :].startswith("create T1 ")
    assert row(lines, "3")[at["T1"] :].startswith("store flag = 1 rlx ")
    assert row(lines, "4")[at["T2"] :].startswith("load flag = 1 acq  <- #3 ")
    assert row(lines, "4").endswith("mp.c:17  if (atomic_load_explicit(&flag, memory_order_acquire) == 1)")


def test_the_rows_of_the_error_are_marked_and_it_is_said_below(race: Trace) -> None:
    lines = columns(race)
    assert [line.split()[1] for line in lines if line.startswith("> #")] == ["#2", "#5"]
    assert lines[-1] == ("> data-race: data is read by T2 while T1 writes it: #2 (T1, mp.c:10), #5 (T2, mp.c:18)")


def test_a_context_switch_is_an_arrow_from_column_to_column(buffering: Trace) -> None:
    lines = columns(buffering)
    arrows = [line for line in lines if "▶" in line or "◀" in line]
    assert len(arrows) == buffering.switches == 3
    assert "13 events, 3 context switches" in lines
    to_main = arrows[-1]
    assert to_main.index("◀") == lines[0].index("main")
    assert to_main.index("┘") == lines[0].index("T2")


def test_an_old_value_is_said_to_be_old(buffering: Trace) -> None:
    assert "load x = 0 acq  <- init, not #2" in row(columns(buffering), "6")
    assert "load y = 0 acq  <- init  " in row(columns(buffering), "3")


def test_plain_accesses_in_a_row_are_folded_unless_all_are_asked_for(calls: Trace) -> None:
    folded, full = columns(calls), columns(calls, every=True)
    assert "7 plain writes" in row(folded, "3-9")
    assert not any(re.match(r"  #[4-9] ", line) for line in folded)
    assert "write @004 = 4" in row(full, "6")
    assert "write @000 = 0" in row(folded, "2"), "a part of the error is not folded"


def test_calls_are_listed_and_their_events_are_indented(calls: Trace) -> None:
    lines = columns(calls)
    below = lines[lines.index("calls") + 1 :]
    assert below[:3] == [
        '  T1  add("</script><b>a")  -> true  (#0-11)',
        "  T2  next()  -> nothing  (#12-14)",
        "  T2  next()  did not return  (#15-17)",
    ]
    start = row(lines, "12").index("next()")
    assert row(lines, "13").index("load") == start + 2
    assert row(lines, "14").index("-> nothing") == start


def test_the_modification_order_is_told_where_the_rows_do_not_tell_it(samples: Sample) -> None:
    content = samples("race")
    for at, mo in ((3, 2), (4, 1)):
        content["events"][at] |= {"kind": "store", "written": at, "mo": mo}
        content["events"][at].pop("rf", None)
    lines = columns(parse(content))
    assert "store flag = 3 rlx  mo 2" in row(lines, "3")
    assert "store flag = 4 acq  mo 1" in row(lines, "4")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 140, 160])
@pytest.mark.parametrize("name", ["race", "buffering", "calls"])
def test_no_row_is_wider_than_asked(name: str, width: int, samples: Sample) -> None:
    trace = parse(samples(name))
    lines = columns(trace, width=width, every=True)
    table = lines[: lines.index("")]
    assert max(len(line) for line in table) <= width
    assert all(f"#{event.id} " in "".join(line + " " for line in table) for event in trace.events)


@pytest.mark.parametrize("width", [100, 160])
def test_the_words_of_an_event_are_whole_where_there_is_room_for_them(width: int, samples: Sample) -> None:
    for name in ("race", "buffering", "calls"):
        trace = parse(samples(name))
        lines = columns(trace, width=width, every=True)
        for event in trace.events:
            assert action(trace, event) in row(lines, str(event.id))


def test_one_long_row_does_not_push_the_other_threads_away(samples: Sample) -> None:
    content = samples("buffering")
    content["events"][-1]["text"] = "a long condition that holds of " + "x and " * 9 + "y"
    lines = columns(parse(content), width=140)
    assert lines[0].index("T1") < 60
    assert "x and x and x and y " in row(lines, "12")


def test_many_threads_stand_in_few_columns(samples: Sample) -> None:
    content = samples("race")
    content["threads"] += [f"T{number}" for number in range(3, 20)]
    for event in content["events"]:
        event["hb"] += [0] * 17
    for number in range(3, 20):
        hb = [0] * 20
        hb[number] = 1
        content["events"].append(
            {"id": 100 + number, "thread": number, "kind": "fence", "order": "sc", "hb": hb},
        )
    lines = columns(parse(content), width=100)
    assert max(len(line) for line in lines[: lines.index("")]) <= 100
    assert "fence" in row(lines, "107")


def test_the_text_is_the_same_every_time_and_can_be_ascii(calls: Trace, samples: Sample) -> None:
    assert columns(calls) == columns(parse(samples("calls")))
    assert all(line.isascii() for line in columns(calls, ascii_only=True))
    assert can_draw("utf-8")
    assert not can_draw("ascii")
    assert not can_draw(None)


def test_a_source_line_cannot_steer_the_terminal(samples: Sample) -> None:
    content = samples("calls")
    content["events"][0]["text"] = "add\x1b[2J"
    content["error"]["message"] = "one\ntwo\x07"
    text = "".join(columns(parse(content)))
    assert text.isprintable()
    assert "\x1b[1;31m> " in "".join(columns(parse(content), color=True))


def test_no_event_at_all_is_an_empty_table() -> None:
    trace = parse({"threads": ["main"], "events": []})
    assert columns(trace)[-1] == "0 events, 0 context switches"
