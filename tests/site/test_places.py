"""Where a clause is implemented and tested is computed from the sources, and found even if they move."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from page_blocks import ROOT  # type: ignore[import-not-found, unused-ignore]

from rusted_ring.reference.layout import ring_bytes
from rusted_ring.verify.citations import header_functions
from rusted_ring.verify.specification import c_header, drawings
from rusted_ring.verify.specification.places import Place, accesses, defined, orders, places
from rusted_ring.verify.support.clauses import load_clauses
from rusted_ring.vocabulary.slots import SlotState

HEADER = ROOT / "native" / "include" / "rusted_ring.h"


def write(root: Path, files: dict[str, str]) -> Path:
    """Lay out a checkout with nothing in it but what is given."""
    empty = {
        "tests/rusted_ring/verify/defects.toml": "defect = []\n",
        "spec/necessity.md": "",
        "native/src/empty.c": "",
    }
    for name, text in (empty | files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


def test_each_kind_of_place_is_found(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "reference/rusted_ring/reference/one.py": '''\
                """A module [RING-1]."""


                class Thing:
                    """A thing."""

                    def act(self):
                        """Act [RING-1, RING-2]."""
                        return 1  # as [RING-3] says
                ''',
            "native/include/rusted_ring.h": "/* Acts [RING-1]. */\nint rr_act(int one);\n",
            "native/src/act.c": """\
                #include "x.h"

                /* Acts [RING-2]. */
                int rr_act(int one)
                {
                    /* pairs with itself [RING-1] */
                    return one;
                }
                """,
            "native/binding/bind.c": "/* [RING-3] */\nint x;\n",
            "native/explorer/engine.c": "/* [RING-3] */\nint y;\n",
            "tests/agreement/test_one.py": """\
                import pytest

                @pytest.mark.clause("RING-1", "RING-3")
                @pytest.mark.slow
                def test_one():
                    pass
                """,
            "native/tests/test_act.c": "/* [RING-2] */\nstatic void acts(void)\n{\n}\n",
            "tests/rusted_ring/verify/deep/defects.toml": "",
            "tests/rusted_ring/verify/defects.toml": """\
                [[defect]]
                name = "other"
                clauses = ["RING-2"]
                function = "rr_act"
                old = "one"
                new = "two"
                """,
        },
    )
    (root / "tests/rusted_ring/verify/deep/defects.toml").unlink()
    found = places(root, ["RING-1", "RING-2", "RING-3"])
    one, two, three = found["RING-1"], found["RING-2"], found["RING-3"]
    module = "reference/rusted_ring/reference/one.py"
    assert one.reference == [Place(module, 1, "one.py"), Place(module, 7, "Thing.act")]
    assert three.reference == [Place(module, 9, "Thing.act")]
    assert one.core == [Place("native/include/rusted_ring.h", 2, "rr_act"), Place("native/src/act.c", 6, "rr_act")]
    assert two.core == [Place("native/src/act.c", 4, "rr_act")]
    assert three.binding == [Place("native/binding/bind.c", 1, "bind.c")]
    assert three.checks == [Place("native/explorer/engine.c", 1, "engine.c")]
    assert one.tests == [Place("tests/agreement/test_one.py", 5, "test_one")]
    assert two.tests == [Place("native/tests/test_act.c", 2, "acts")]
    (defect,) = two.defects
    assert (defect.place.line, defect.function, defect.old, defect.new) == (2, "rr_act", "one", "two")


def test_a_row_of_the_matrix_leads_to_its_access_and_to_both_clauses(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "native/src/act.c": """\
                static void act(void)
                {
                    /* a guess [ORDER-2] */
                    atomic_load_explicit(&x, memory_order_relaxed);
                    /* pairs with nothing here [ORDER-1] */
                    atomic_load_explicit(&x, memory_order_acquire);
                }
                """,
            "spec/necessity.md": "| act load 2 | acq -&gt; rlx | <code>c</code> | "
            '<a href="witnesses/w.html">torn [RING-1]</a> |\n',
        },
    )
    found = places(root, ["ORDER-1", "ORDER-2", "RING-1"])
    (order,) = found["ORDER-1"].orders
    assert (order.site, order.change, order.result, order.page) == (
        "act load 2",
        "acq -> rlx",
        "torn [RING-1]",
        "w.html",
    )
    assert order.place == Place("native/src/act.c", 6, "act")
    assert found["RING-1"].breaks == [order]
    assert found["ORDER-2"].orders == []


def test_every_row_of_the_matrix_is_an_access_whose_comment_cites_a_clause() -> None:
    rows = orders(ROOT)
    assert len(rows) > 80
    assert [order.site for order, _, _ in rows if order.place is None] == []
    assert [order.site for order, cited, _ in rows if not cited] == []
    assert len(accesses(ROOT)) > 100


def test_almost_every_clause_has_code_and_every_one_a_test_and_all_lines_exist() -> None:
    found = places(ROOT, load_clauses(ROOT / "spec"))
    assert [clause for clause, one in found.items() if not one.tests] == []
    library = [one for clause, one in found.items() if not clause.startswith("EXPLORE-")]  # the explorer's C cites few
    coded = [one for one in library if one.reference or one.core or one.binding or one.checks]
    assert len(coded) > 0.95 * len(library)
    for one in found.values():
        for place in (*one.reference, *one.core, *one.binding, *one.checks, *one.tests):
            assert place.line <= len((ROOT / place.path).read_text(encoding="utf-8").splitlines())


def test_definitions_are_found_by_name() -> None:
    names = {place.name: place for place in defined(ROOT)}
    for name in ("rr_writer_add", "rr_reader_next", "Writer.add", "dropped"):
        place = names[name]
        assert name.rpartition(".")[2] in (ROOT / place.path).read_text(encoding="utf-8").splitlines()[place.line - 1]


# --- the header


def test_the_reader_of_the_header_finds_every_function_and_its_comment() -> None:
    text = HEADER.read_text(encoding="utf-8")
    head, sections = c_header.read(text)
    assert "Failure" in head
    items = {item.declaration: item for section in sections for item in section.items}
    functions = {
        name.partition("(")[0].split()[-1].lstrip("*") for name, item in items.items() if item.kind == "function"
    }
    assert functions == set(header_functions(text))
    assert all(item.comment for item in items.values() if item.kind == "function")
    status = items["rr_status"]
    assert (status.kind, len(status.members)) == ("enum", text.partition("} rr_status;")[0].count(" = "))
    assert all(member.comment for member in status.members[1:])


def test_a_declaration_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="an unknown form"):
        c_header.read("typedef int rr_number;\n")


# --- the drawings


def test_the_arrows_of_the_slot_are_those_of_the_model() -> None:
    found = {
        (arrow.operation, arrow.source, arrow.target, arrow.counted, arrow.freed) for arrow in drawings.slot_arrows()
    }
    free, live, loaned = SlotState.FREE, SlotState.LIVE, SlotState.LOANED
    assert found == {
        ("allocate", free, live, 0, False),
        ("loan", free, loaned, 0, False),
        ("commit", loaned, live, 0, False),
        ("abort", loaned, free, 0, True),
        ("clone, upgrade", live, live, 1, False),
        ("drop", live, live, -1, False),
        ("drop", live, free, 0, True),
    }


def test_lengths_in_the_drawings_are_those_of_the_layout() -> None:
    assert f"{ring_bytes(1000, 64, 2):,} bytes" in drawings.ring_layout()
    assert "384,064" in drawings.pool_layout()
    assert drawings.ring_layout(payload=128) != drawings.ring_layout()


def test_the_picture_of_the_readme_is_the_drawing_of_this_model() -> None:
    command = [sys.executable, "-m", "rusted_ring.verify.specification.drawings", "--check"]
    assert subprocess.run(command, cwd=ROOT, timeout=120, check=False).returncode == 0
