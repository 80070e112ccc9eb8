"""The TLA+ models: TLC finds what the manifest says, and the manifest is whole."""

import os
import re
from pathlib import Path

import pytest

from rusted_ring.verify.support.clauses import load_clauses
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.tla import checking, claims, command, tlc
from rusted_ring.verify.tla.manifest import ManifestError, Model, folder, read_manifest

MODELS = read_manifest()


def tools() -> tuple[str, Path]:
    """Java and the jar; skips, saying so, if one is missing. CI brings the jar."""
    try:
        return tlc.find_java(), tlc.fetch_jar() if os.environ.get("CI") else tlc.find_jar()
    except tlc.Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(
    "model", [pytest.param(one, id=one.name, marks=() if one.quick else pytest.mark.slow) for one in MODELS]
)
def test_tlc_finds_what_the_manifest_says(model: Model) -> None:
    outcome = checking.check(model, *tools())
    assert outcome.ok, outcome.detail


def test_at_least_eight_models_must_fail() -> None:
    assert sum(bool(model.violated) for model in MODELS) >= 8


def test_every_configuration_is_in_the_manifest_and_every_module_is_used() -> None:
    assert {path.stem for path in folder().glob("*.cfg")} == {model.name for model in MODELS}
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder().glob("*.tla")}
    used = {model.module for model in MODELS}
    for text in texts.values():
        used |= set(re.findall(r"INSTANCE (\w+)", text))
        used |= {name for line in re.findall(r"^EXTENDS (.*)", text, re.MULTILINE) for name in line.split(", ")}
    assert set(texts) <= used


def test_models_cite_clauses_that_there_are() -> None:
    clauses = load_clauses()
    for model in MODELS:
        assert model.clauses, model.name
        assert set(model.clauses) <= set(clauses), model.name
    for path in folder().glob("*.[tc]*"):
        cited = set(re.findall(r"\[([A-Z]{3,}-\d+)\]", path.read_text(encoding="utf-8")))
        assert cited <= set(clauses), path.name


def test_functions_that_the_models_cite_are_in_the_core() -> None:
    sources = Path(__file__).resolve().parents[2] / "native" / "src"
    cited = {
        found
        for path in folder().glob("*.tla")
        for found in re.findall(r"\b(\w+\.[ch]):(\w+)", path.read_text(encoding="utf-8"))
    }
    assert len(cited) >= 20
    for file, function in sorted(cited):
        text = (sources / file).read_text(encoding="utf-8")
        assert re.search(rf"\b{function}\(", text), f"{file}:{function}"


def test_a_difference_from_the_manifest_is_told() -> None:
    model = Model("Name", "Module", ("SLOT-3",), "shows", "bound", 10, 3, "Property", True)
    assert checking.compare(model, tlc.Verdict(10, 3, "Property")) == []
    assert checking.compare(model, tlc.Verdict(11, 4, "")) == [
        "violated property: none instead of Property",
        "distinct states: 11 instead of 10",
        "depth: 4 instead of 3",
    ]


COMPLETED = """Model checking completed. No error has been found.
12 states generated, 7 distinct states found, {left} states left on queue.
The depth of the complete state graph search is 4.
"""


def test_a_search_that_is_not_complete_is_no_verdict() -> None:
    assert tlc.read_verdict(COMPLETED.format(left=0)) == tlc.Verdict(7, 4, "")
    for output in ("", "java.lang.OutOfMemoryError", COMPLETED.format(left=1), COMPLETED.splitlines()[0]):
        with pytest.raises(tlc.Unreadable):
            tlc.read_verdict(output)


def test_a_name_that_is_no_models_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError):
        checking.chosen(["Nothing"])
    assert command.main(["Nothing"]) == 2
    assert "no model Nothing" in capsys.readouterr().err


def test_without_java_or_the_jar_the_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(tlc.JAR_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(tlc.Missing, match="--fetch"):
        tlc.find_jar()
    tlc.cached_jar().parent.mkdir()
    tlc.cached_jar().write_bytes(b"another")
    with pytest.raises(tlc.Missing, match="is not"):
        tlc.find_jar()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.main([]) == 3
    assert "needs Java" in capsys.readouterr().err


def test_a_manifest_with_a_missing_or_doubled_entry_is_refused(tmp_path: Path) -> None:
    entry = (
        '[[model]]\nname = "A"\nmodule = "A"\nclauses = ["SLOT-3"]\nshows = "s"\nbound = "b"\nstates = 1\ndepth = 1\n'
    )
    path = tmp_path / "manifest.toml"
    for text in (entry * 2, entry.replace("depth = 1\n", ""), entry + "colour = 1\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ManifestError):
            read_manifest(path)


def test_models_that_must_fail_claim_nothing() -> None:
    assert {claim.name for claim in claims.CLAIMS} == {model.name for model in MODELS if not model.violated}


def test_claims_name_the_modules_with_store_buffers() -> None:
    extending = {
        path.stem
        for path in folder().glob("*.tla")
        if re.search(r"^EXTENDS .*\bBuffers\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert extending == set(claims.BUFFERED)


def test_the_page_shows_every_model_as_the_manifest_has_it() -> None:
    page = (folder().parent / "models.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| `")}
    for model in MODELS:
        row = rows[f"`{model.name}`"]
        assert model.shows in row, model.name
        assert all(f"{{need}}`{clause}`" in row for clause in model.clauses), model.name
        assert (f"| `{model.violated}` |" if model.violated else f"| {model.states:,} |") in row, model.name
