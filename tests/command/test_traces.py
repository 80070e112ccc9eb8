"""Reading editing traces and JSON lines: what is accepted, and one clear line for what is not."""

import base64
import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify.replay.documents import MORE, Event, MergeError, TextDocument, class_of, stream_of
from rusted_ring.verify.replay.editing_traces import generated_workload, read_workload
from rusted_ring.verify.support.errors import InputError

TRACE = {
    "startContent": "ab",
    "endContent": "aXYb\u00e9",
    "txns": [{"patches": [[1, 0, "XY"]]}, {"patches": [[4, 0, "!"], [4, 1, "\u00e9"]]}],
}


def written(folder: Path, content: object, name: str = "trace.json") -> Path:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def rebuilt(path: Path) -> bytes:
    workload = read_workload(path)
    document = workload.new_document()
    for event in workload.events:
        document.apply(*event)
    assert document.content() == workload.expected
    return document.content()


def test_sequential_trace_gives_an_event_a_patch_and_the_end_content(tmp_path: Path) -> None:
    path = written(tmp_path, TRACE)
    assert [event.data for event in read_workload(path).events] == [
        b'[1, 0, "XY"]',
        b'[4, 0, "!"]',
        b'[4, 1, "\\u00e9"]',
    ]
    assert rebuilt(path) == "aXYb\u00e9".encode()


def test_gzip_is_recognised_by_its_bytes_whatever_the_name(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_bytes(gzip.compress(json.dumps(TRACE).encode()))
    assert rebuilt(path) == "aXYb\u00e9".encode()


TWO_AUTHORS: list[dict[str, Any]] = [
    {"parents": [], "agent": 0, "patches": [[0, 0, "a"]]},
    {"parents": [0], "agent": 0, "patches": [[1, 0, "b"]]},
    {"parents": [0], "agent": 1, "patches": [[1, 0, "c"]]},
]


def test_concurrent_trace_gives_an_event_a_transaction_with_its_agent(tmp_path: Path) -> None:
    path = written(tmp_path, {"kind": "concurrent", "endContent": "abc", "txns": TWO_AUTHORS})
    assert [event.event_type for event in read_workload(path).events] == [0, 0, 1]
    assert rebuilt(path) == b"abc"
    assert read_workload(path).notes == []


def test_concurrent_trace_that_was_merged_in_another_order_is_compared_as_a_stream(tmp_path: Path) -> None:
    path = written(tmp_path, {"endContent": "acb", "txns": TWO_AUTHORS})
    workload = read_workload(path)
    assert rebuilt(path) == stream_of(workload.events)
    assert "merged in another order" in workload.notes[0]


def test_parents_that_are_a_chain_are_sequential(tmp_path: Path) -> None:
    transactions = [{"parents": [], "patches": [[0, 0, "a"]]}, {"parents": [0], "patches": [[1, 0, "b"]]}]
    assert rebuilt(written(tmp_path, {"endContent": "ab", "txns": transactions})) == b"ab"


def test_json_lines_carry_text_bytes_and_types(tmp_path: Path) -> None:
    lines = [
        json.dumps({"data": "h\u00e9", "event_type": 7}),
        "",
        json.dumps({"base64": base64.b64encode(b"\0\xff").decode()}),
        json.dumps({"data": "", "event_type": MORE - 1}),
    ]
    expected = [Event("h\u00e9".encode(), 7), Event(b"\0\xff"), Event(b"", MORE - 1)]
    for name in ("events.jsonl", "events.txt"):
        workload = read_workload(written(tmp_path, "\n".join(lines), name))
        assert workload.events == expected
        assert workload.expected == stream_of(expected)


def test_one_json_line_alone_is_enough(tmp_path: Path) -> None:
    assert read_workload(written(tmp_path, '{"data": "x"}', "one.json")).events == [Event(b"x")]


def test_stream_tells_events_apart_that_concatenate_to_the_same_bytes() -> None:
    assert stream_of([Event(b"ab"), Event(b"c")]) != stream_of([Event(b"a"), Event(b"bc")])
    assert stream_of([Event(b"a", 1)]) != stream_of([Event(b"a", 2)])


BAD_TRACES: dict[str, tuple[object, str]] = {
    "empty file": ("  \n", "is empty"),
    "not JSON": ("{endContent", "not JSON (line 1, column 2"),
    "trailing text": ('{"txns": []}\nmore', "not JSON (line 2"),
    "nested too deeply": ("[" * 200_000, "nested too deeply"),
    "a list": ([1, 2], "neither an editing trace"),
    "another object": ({"a": 1}, "neither an editing trace"),
    "no end": ({"txns": []}, "endContent"),
    "no patches": ({"endContent": "", "txns": []}, "no events to replay"),
    "transactions are no list": ({"endContent": "", "txns": {}}, "txns a list"),
    "a transaction is no object": ({"endContent": "", "txns": [3]}, "txns[0] is not an object"),
    "a patch is short": ({"endContent": "", "txns": [{"patches": [[1, 2]]}]}, "not [position, deleted, inserted]"),
    "an insertion is no text": (
        {"endContent": "", "txns": [{"patches": [[0, 0, 5]]}]},
        "not [position, deleted, inserted]",
    ),
    "a negative position": ({"endContent": "", "txns": [{"patches": [[-1, 0, ""]]}]}, "position is -1"),
    "a negative count": ({"endContent": "", "txns": [{"patches": [[0, -3, ""]]}]}, "deleted is -3"),
    "a count that is a truth value": ({"endContent": "", "txns": [{"patches": [[0, True, ""]]}]}, "deleted is True"),
    "a fraction": ({"endContent": "", "txns": [{"patches": [[0.5, 0, ""]]}]}, "position is 0.5"),
    "beyond the end": ({"endContent": "", "txns": [{"patches": [[0, 1, ""]]}]}, "deletes 1 characters at 0"),
    "another end": ({"endContent": "b", "txns": [{"patches": [[0, 0, "a"]]}]}, "do not lead to its endContent"),
    "a parent that is not before": (
        {"endContent": "", "txns": [{"parents": [0], "agent": 0, "patches": []}]},
        "the parents [0]",
    ),
    "beyond the end of one author's text": (
        {"endContent": "", "txns": [*TWO_AUTHORS[:2], {"parents": [0], "agent": 1, "patches": [[2, 0, "c"]]}]},
        "beyond the end",
    ),
    "a negative agent": (
        {"endContent": "", "txns": [{"parents": [5], "agent": -1, "patches": []}]},
        "the agent -1",
    ),
}


@pytest.mark.parametrize("case", BAD_TRACES)
def test_bad_trace_is_refused_with_one_clear_line(tmp_path: Path, case: str) -> None:
    content, words = BAD_TRACES[case]
    with pytest.raises(InputError) as raised:
        read_workload(written(tmp_path, content))
    assert words in str(raised.value)
    assert "trace.json" in str(raised.value)
    assert "\n" not in str(raised.value)


BAD_LINES: dict[str, tuple[str, str]] = {
    "not JSON": ('{"data": "a"}\nnonsense', "line 2: not JSON"),
    "no payload": ('{"event_type": 1}', "line 1: must be an object with either"),
    "two payloads": ('{"data": "a", "base64": ""}', "line 1: must be an object with either"),
    "not an object": ("[1]", "line 1: must be an object"),
    "unknown key": ('{"data": "a", "typo": 1}', "unknown key 'typo'"),
    "negative type": ('{"data": "a", "event_type": -1}', "event_type is -1"),
    "reserved type": (f'{{"data": "a", "event_type": {MORE}}}', "event_type is 4294967295"),
    "type is a truth value": ('{"data": "a", "event_type": true}', "event_type is True"),
    "payload is a number": ('{"data": 5}', "must be text"),
    "bad base64": ('{"base64": "a"}', "base64 is not base64"),
    "bad characters": ('{"base64": "****"}', "base64 is not base64"),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_bad_line_is_refused_with_its_number(tmp_path: Path, case: str) -> None:
    content, words = BAD_LINES[case]
    with pytest.raises(InputError) as raised:
        read_workload(written(tmp_path, content, "events.jsonl"))
    assert words in str(raised.value)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps(TRACE).encode() * 50)
    cases: list[tuple[str, bytes, str]] = [
        ("cut.json.gz", whole[:-20], "truncated gzip"),
        ("damaged.json.gz", whole[:20] + bytes(40) + whole[60:], "damaged gzip"),
        ("plain.json.gz", json.dumps(TRACE).encode(), "not gzip, although"),
        ("latin.json", b'"\xe9"', "not UTF-8"),
    ]
    for name, content, words in cases:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=words):
            read_workload(tmp_path / name)
    (tmp_path / "digits.json").write_text("9" * 5_000)
    with pytest.raises(InputError, match="number too long"):
        read_workload(tmp_path / "digits.json")
    with pytest.raises(InputError, match="no such file"):
        read_workload(tmp_path / "missing.json")
    with pytest.raises(InputError, match="is a directory"):
        read_workload(tmp_path)


def test_text_document_refuses_what_does_not_fit() -> None:
    for patch in ('[3, 0, "a"]', '[0, 3, ""]', "[0, 0"):
        with pytest.raises(MergeError):
            TextDocument("ab").apply(patch.encode(), 0)


@pytest.mark.clause("SIZE-1", "SIZE-2")
def test_classes_of_the_suite_are_those_of_both_implementations(backend: Any) -> None:
    for length in (
        0,
        1,
        63,
        64,
        65,
        255,
        256,
        257,
        1_023,
        1_024,
        1_025,
        4_095,
        4_096,
        4_097,
        16_383,
        16_384,
        16_385,
        10**6,
    ):
        assert class_of(length) == backend.EventAllocator.estimate_size(length).name


def test_generated_session_has_every_class_and_is_the_same_each_time() -> None:
    first, second = generated_workload(2_000, seed=3), generated_workload(2_000, seed=3)
    assert first.events == second.events
    assert all(first.classes().values())
    assert generated_workload(2_000, seed=4).events != first.events
    document = first.new_document()
    for event in first.events:
        document.apply(*event)
    assert document.content() == first.expected


def test_no_more_than_the_allowed_bytes_are_read(tmp_path: Path) -> None:
    text = json.dumps(TRACE).encode()
    for name, content in (("plain.json", text), ("packed.json.gz", gzip.compress(text))):
        (tmp_path / name).write_bytes(content)
        assert read_workload(tmp_path / name, max_bytes=len(text)).events
        with pytest.raises(InputError, match=f"{name}: has more than {len(text) - 1} bytes: allow more by --max-bytes"):
            read_workload(tmp_path / name, max_bytes=len(text) - 1)


def test_file_that_unpacks_to_gigabytes_costs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(256):
            file.write(bytes(1 << 20))
    for given in (path, Path("/dev/zero")):
        tracemalloc.start()
        try:
            with pytest.raises(InputError, match="has more than 1,048,576 bytes"):
                read_workload(given, max_bytes=1 << 20)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()
