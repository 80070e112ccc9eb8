"""Every clause is tested, every citation is of a clause, every public function cites one, and the checker can fail."""

import re
import types
from pathlib import Path

import pytest

from rusted_ring.verify import citations
from rusted_ring.verify.support.clauses import ID_PATTERN, SpecError, load_clauses, spec_directory

CLAUSE = """# Sizes

:::{{clause}} {title}
:id: {id}

{text}
:::
"""


def write_checkout(
    root: Path,
    *,
    spec: str = CLAUSE.format(id="SIZE-1", title="One", text="A true\nsentence."),
    test: str = '@pytest.mark.clause("SIZE-1")\ndef test_one(): ...\n',
    header: str = "/** Returns one [SIZE-1]. */\nint rr_one(void);\n",
) -> Path:
    """Lay out the smallest checkout that passes, with the parts given in its place."""
    for name, text in (
        ("spec/sizes.md", spec),
        ("tests/test_one.py", "import pytest\n" + test),
        ("native/include/rusted_ring.h", header),
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def module_of(source: str) -> types.ModuleType:
    """Make a module that says it is part of rusted_ring out of a piece of source."""
    module = types.ModuleType("rusted_ring.made_up")
    exec(source, module.__dict__, module.__dict__)
    for value in vars(module).values():
        if isinstance(value, type):
            value.__module__ = module.__name__
    return module


def test_this_checkout_cites_as_it_should() -> None:
    report = citations.examine(Path(__file__).resolve().parents[2])
    assert not report.failures, citations.summary(report)
    assert set(report.counted) == {"rusted_ring.reference", "rusted_ring.native", "native/include/rusted_ring.h"}
    assert all(count > 20 for count in report.counted.values()), report.counted
    # Methods and properties that are written in C count as well.
    cited = {citation.where for citation in report.functions}
    assert {"rusted_ring.native.Writer.add", "rusted_ring.native.RingPtr.data"} <= cited


def test_every_clause_is_one_sentence() -> None:
    clauses = load_clauses()
    assert len(clauses) > 100
    for clause in clauses.values():
        assert ID_PATTERN.fullmatch(clause.id)
        assert clause.text.endswith("."), clause
        assert not re.search(r"[.!?]\s+[A-Z]", clause.text), f"{clause.id} is more than one sentence: {clause.text}"


def test_a_clause_that_defines_a_term_says_so() -> None:
    chapters = "\n".join(path.read_text(encoding="utf-8") for path in spec_directory().glob("*.md"))
    marked = set(re.findall(r"^:id: (\S+)\n\n(?:.+\n)+:::\n\nThe clause is a definition\b", chapters, re.MULTILINE))
    terms = re.compile(
        r"[Tt]he relation \w+ |A detached reference is |A program has a data race if |Two executions of a program"
    )
    assert marked >= {"MODEL-1"}
    assert marked - {"MODEL-1"} == {clause.id for clause in load_clauses().values() if terms.search(clause.text)}


def test_ids_of_a_chapter_are_numbered_without_a_gap() -> None:
    numbers: dict[str, list[int]] = {}
    for identifier in load_clauses():
        chapter, number = identifier.rsplit("-", 1)
        numbers.setdefault(chapter, []).append(int(number))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values()), numbers


def test_every_chapter_is_in_the_index() -> None:
    index = (spec_directory() / "index.md").read_text()
    for clause in load_clauses().values():
        assert re.search(rf"^{re.escape(clause.chapter)}$", index, re.MULTILINE), (
            f"{clause.chapter} is not in the toctree"
        )


def test_smallest_checkout_passes(tmp_path: Path) -> None:
    report = citations.examine(write_checkout(tmp_path), modules=())
    assert report.failures == []
    assert report.counted == {"native/include/rusted_ring.h": 1}


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"test": "def test_one(): ...\n"}, "SIZE-1 .*no test cites it"),
        (
            {"test": 'MARK = pytest.mark.clause("SIZE-1", "SIZE-9")\n'},
            r"tests/test_one.py:2: cites SIZE-9, which is no",
        ),
        (
            {"test": 'MARK = pytest.mark.clause("SIZE-1")\n"""[SIZE-1]"""\n# as [SIZE-8] says\n'},
            "test_one.py:4: cites SIZE-8",
        ),
        (
            {"test": '@pytest.mark.clause("SIZE-1")\ndef test_one():\n    """Checks [SIZE-1 to SIZE-3]."""\n'},
            "tests/test_one.py:3: cites SIZE-2",
        ),
        (
            {"test": 'pytestmark = [pytest.mark.clause("SIZE-1"), pytest.mark.clause(NAME)]\n'},
            "must be literal strings",
        ),
        ({"test": 'pytestmark = [pytest.mark.clause("SIZE-1"), pytest.mark.clause()]\n'}, "takes one id or more"),
        ({"header": "/** Returns one. */\nint rr_one(void);\n"}, "rusted_ring.h: rr_one: public, and cites no clause"),
        ({"header": "int rr_one(void);\n"}, "rr_one: public, and cites no clause"),
        ({"header": "/* [SIZE-1] */ int rr_one(void);\nint rr_two(int a);"}, "rr_two: public, and cites no clause"),
        ({"header": "/* [SIZE-1, SIZE-7] */ int rr_one(void);\n"}, "rr_one: cites SIZE-7, which is no clause"),
        ({"header": "/* [SIZE-1] */ int rr_one(void);\n// [RING-4]\nint x;"}, "rusted_ring.h:2: cites RING-4"),
    ],
)
def test_each_fault_is_found(tmp_path: Path, change: dict[str, str], failure: str) -> None:
    report = citations.examine(write_checkout(tmp_path, **change), modules=())
    assert any(re.search(failure, found) for found in report.failures), report.failures
    assert "FAILED" in citations.summary(report)


def test_comment_in_a_c_source_that_cites_no_clause_is_found(tmp_path: Path) -> None:
    write_checkout(tmp_path)
    source = tmp_path / "native/src/one.c"
    source.parent.mkdir()
    source.write_text(
        'static const char *text = "/* [PTR-1] */";\n\n/* Pairs with the other\n * one [SIZE-1,\n * SIZE-2]. */\n'
    )
    report = citations.examine(tmp_path, modules=())
    assert [citation.clause for citation in report.unknown] == ["SIZE-2"]
    assert report.unknown[0].where == "native/src/one.c:3"


def test_missing_header_and_missing_module_are_failures(tmp_path: Path) -> None:
    (write_checkout(tmp_path) / "native/include/rusted_ring.h").unlink()
    failures = citations.examine(tmp_path, modules=("rusted_ring.nowhere",)).failures
    assert any("rusted_ring.h is missing" in failure for failure in failures)
    assert any("rusted_ring.nowhere cannot be imported" in failure for failure in failures)


def test_checkout_without_a_spec_is_refused_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert citations.main(["--root", str(tmp_path)]) == 2
    assert "no clause in" in capsys.readouterr().err


def test_failures_exit_with_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_checkout(tmp_path, test="")
    assert citations.main(["--root", str(tmp_path)]) == 1
    assert "FAILED SIZE-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (CLAUSE.format(id="SIZE-0", title="One", text="Text."), "the clause's id is 'SIZE-0'"),
        (CLAUSE.format(id="", title="One", text="Text."), "the clause's id is ''"),
        (CLAUSE.format(id="SIZE-1", title="", text="Text."), "has no title"),
        (CLAUSE.format(id="SIZE-1", title="One", text=""), "has no text"),
        (CLAUSE.format(id="SIZE-1", title="One", text="Text.").replace("\n:::\n", "\n"), "sizes.md:3: .*not closed"),
        (CLAUSE.format(id="SIZE-1", title="One", text="Text.") * 2, "the id SIZE-1 is taken"),
    ],
)
def test_faulty_clause_is_refused(tmp_path: Path, spec: str, fault: str) -> None:
    with pytest.raises(SpecError, match=fault):
        load_clauses(write_checkout(tmp_path, spec=spec) / "spec")


def test_range_is_spelled_out() -> None:
    assert citations.bracketed("as [PTR-2], [PTR-4, SIZE-1] and [SLOT-3 to SLOT-5] say, not a[PTR], [N-1]") == [
        "PTR-2",
        "PTR-4",
        "SIZE-1",
        "SLOT-3",
        "SLOT-4",
        "SLOT-5",
    ]
    assert citations.bracketed("[SLOT-5 to SLOT-3]") == ["SLOT-5", "SLOT-3"]


def test_functions_of_a_module_are_those_that_can_be_reached() -> None:
    module = module_of(
        '''
__all__ = ["Thing", "act", "LIMIT"]
LIMIT = 3
class Base:
    def inherited(self):
        """[PTR-1]"""
class Thing(Base):
    """[PTR-2]"""
    def method(self): ...
    @property
    def size(self):
        """[PTR-3]"""
    @classmethod
    def made(cls):
        """[PTR-4]"""
    @staticmethod
    def plain():
        """[PTR-5]"""
    def _private(self): ...
    def __len__(self): ...
def act():
    """[PTR-6]"""
def hidden(): ...
'''
    )
    found = {name.removeprefix("rusted_ring.made_up."): text for name, text in citations.public_functions(module)}
    assert found == {
        "Thing": "[PTR-2]",
        "Thing.inherited": "[PTR-1]",
        "Thing.method": "",
        "Thing.size": "[PTR-3]",
        "Thing.made": "[PTR-4]",
        "Thing.plain": "[PTR-5]",
        "act": "[PTR-6]",
    }


def test_functions_of_a_header_are_those_declared_in_it() -> None:
    header = """
#ifdef __cplusplus
extern "C" {
#endif
/** A callback type [PTR-9]. */
typedef void (*rr_callback)(int rr_x);
#define RR_MAKE(x) rr_make(x) /* a macro is not a function */
/** Opens [PTR-1]. */
RR_EXPORT int rr_open(rr_thing *thing, void (*done)(int));
/** A struct. */
struct rr_thing { int (*rr_field)(void); };
// Closes
// [PTR-2].
void rr_close(rr_thing *thing);
void rr_bare(void);
/** Inline [PTR-3]. */
static inline int rr_twice(int x) { return rr_open(0, 0) + x; }
#ifdef __cplusplus
}
#endif
"""
    found = citations.header_functions(header)
    assert {name: citations.bracketed(comment) for name, comment in found.items()} == {
        "rr_open": ["PTR-1"],
        "rr_close": ["PTR-2"],
        "rr_bare": [],
        "rr_twice": ["PTR-3"],
    }
