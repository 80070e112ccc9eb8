"""Tables and plots of a run."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from rusted_ring.bench import plots, tables
from rusted_ring.bench.contract import WORKS, Figure, parse, select
from rusted_ring.bench.measured import Measured, Note, Quartiles, Round

Make = Callable[[], Measured]


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (3.14159, "3.14"), (0.5, "0.5"), (123.4, "123"), (12_345.6, "12,346"), (-192.0, "-192")],
)
def test_number_is_written_with_the_figures_that_count(value: float, text: str) -> None:
    assert tables.number(value) == text


def test_table_of_targets_says_what_was_reached(made_up: Make) -> None:
    header, rule, *lines = rows(tables.targets(made_up()).partition("### Beside the machine's limits")[2])
    assert header == list(tables.TARGET_COLUMNS)
    assert all(len(line) == len(header) for line in [rule, *lines])
    assert lines[0][1:5] == ["at most 0.9", "0.500", "0.50 to 0.75", "yes"]
    overwriting = next(line for line in lines if "overwrite" in line[0])
    assert overwriting[2:5] == ["not measured", "", "-"]


def test_table_of_a_work_sets_peers_beside_native_and_the_limit(made_up: Make) -> None:
    header, _, *lines = rows("\n".join(tables.work_table(made_up(), "stream")))
    assert header == ["parameters", "peer", "ns", "quartiles", "times native", "times the limit", "round trip, ns"]
    near, far, rtrb = lines[:3]
    assert near == ["payload=64, batch=1, capacity=1024, mode=gated", "native", "10", "", "", "1.00", "60"]
    assert far[1:] == ["native", "20", "", "", "2.00", "120"]
    # Its round trip is the one that was measured beside Rust's; the round in which native had another pair is left out.
    assert rtrb[1:] == ["rtrb", "30", "", "3.00", "3.00", "70"]
    bulk = [line for line in lines if "batch=64" in line[0]]
    assert [line[5] for line in bulk] == ["1.00", "2.00", "1.12"]


def test_limit_is_that_of_the_same_parameters() -> None:
    assert tables.limit_of(parse("ring/rtrb/payload=64/capacity=16")) == Figure(
        "limit-copy", "machine", {"payload": "64", "capacity": "16"}
    )
    assert tables.limit_of(parse("stream/native/payload=256/batch=1/capacity=1024")) is None
    crowded = "readers/native/readers=4/payload=64/batch=1/capacity=1024/oversubscribed=1"
    assert tables.limit_of(parse(crowded)) is None
    for name in ("pool/glibc/payload=64/occupancy=0/threads=1", "clone/Arc/payload=64"):
        limit = tables.limit_of(parse(name))
        assert limit is not None
        assert limit.work in WORKS[parse(name).work].limits


def test_peers_page_names_what_is_missing_and_why(made_up: Make) -> None:
    measured = made_up()
    assert tables.peers(measured).endswith("### Missing\n\nNothing.\n")
    measured.missing["rtrb"] = "no cargo on this machine"
    measured.missing["glibc"] = "was not asked for"
    measured.cannot = [Note("stream/native/batch=7", "a | that would end a cell"), Note("ring/rtrb/", "not selected")]
    text = tables.peers(measured)
    assert text.endswith("- rtrb: no cargo on this machine\n- `stream/native/batch=7`: a | that would end a cell\n")
    assert [line for line in text.splitlines() if line.startswith("### ")] == [
        *(f"### {work}" for work in measured.selection.works),
        "### Missing",
    ]


def test_cell_does_not_end_a_table() -> None:
    assert tables.markdown_table(("a",), [["x|y\nz"]])[2] == "| x\\|y z |"


def test_machine_page_says_with_what_it_was_measured(made_up: Make) -> None:
    measured = made_up()
    measured.machine.update(processor="Z80", peers={"rtrb": "0.4.1", "ck_ring": "0.7"}, tools={"Rust": "rustc 1.0"})
    found = {row[0]: row[1] for row in rows(tables.machine(measured))}
    assert found["processor"] == "Z80"
    assert found["rtrb"] == "0.4.1"
    assert found["Rust"] == "rustc 1.0"
    assert found["rounds"] == "3"
    assert "ck_ring" not in found  # it was not asked for


# --- plots


def test_points_of_a_line_go_from_left_to_right_with_the_size_that_is_preferred() -> None:
    measured = Measured(select(["ring"], ["rtrb"]), rounds=[Round(), Round()])
    for one, factor in zip(measured.rounds, (1, 3), strict=True):
        one.add(
            {
                f"ring/native/payload={payload}/capacity={capacity}/mode=gated": float(payload * factor + capacity)
                for payload, capacity in ((256, 1024), (16, 1024), (64, 16), (64, 1024))
            }
        )
    line = plots.Line("native", "ring", {"mode": "gated"}, ("native",), "payload", {"capacity": "1024"})
    assert [(place, value.median) for place, value in plots.points(measured, line, "native")] == [
        (16.0, 1056.0),
        (64.0, 1152.0),
        (256.0, 1536.0),
    ]


def test_peers_beside_native_are_sorted_by_their_ratio(made_up: Make) -> None:
    measured = made_up()
    for one in measured.rounds:
        one.add({"stream/native/payload=64/batch=1/capacity=1024/mode=overwrite": 1.0})
    found = plots.beside_native(measured, "stream", {"payload": "64", "batch": "1"})
    # Beside the ring that loses nothing either, in the rounds in which both had the same pair of processors.
    assert found == [("rtrb", Quartiles(3.0, 3.0, 3.0))]
    assert plots.beside_native(measured, "stream", {"payload": "65"}) == []


def test_plots_are_svg_and_the_same_each_time(made_up: Make, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'rusted-ring[bench]'")
    measured = made_up()
    written = []
    for folder in (tmp_path / "once", tmp_path / "again"):
        folder.mkdir()
        written.append(plots.draw(measured, folder))
    assert sorted(path.name for path in written[0]) == [
        "occupancy.svg",
        "peers-pool.svg",
        "peers-stream-64.svg",
        "peers-stream.svg",
    ]
    for path, again in zip(*written, strict=True):
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert path.read_bytes() == again.read_bytes()
    assert "mimalloc" in (tmp_path / "once" / "occupancy.svg").read_text()
    assert "rtrb" in (tmp_path / "once" / "peers-stream.svg").read_text()


def test_every_plot_is_of_figures_that_the_contract_has() -> None:
    for curve in plots.CURVES:
        for line in curve.lines:
            assert {*line.keys, *line.prefer, *filter(None, [line.along])} <= set(WORKS[line.work].keys), curve.name
    for name, keys in plots.BESIDE.items():
        assert any(name.startswith(work) and set(keys) <= set(WORKS[work].keys) for work in WORKS), name


def test_page_of_the_specification_shows_every_plot() -> None:
    page = Path(__file__).resolve().parents[2] / "spec" / "performance.md"
    if not page.is_file():
        pytest.skip("needs a checkout")
    text = page.read_text(encoding="utf-8")
    for name in [*(curve.name for curve in plots.CURVES), *(f"peers-{name}" for name in plots.BESIDE)]:
        assert f"(performance/{name}.svg)" in text
        assert (page.parent / "performance" / f"{name}.svg").is_file()
    for name in ("targets", "machine", "peers"):
        assert f"```{{include}} performance/{name}.md\n```" in text
