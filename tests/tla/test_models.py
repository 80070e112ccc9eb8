"""The TLA+ models: TLC finds what the manifest says, and the manifest is whole."""

import dataclasses
import os
import re
from pathlib import Path

import pytest

from rusted_ring.verify.proofs.words import BY_NAME
from rusted_ring.verify.support.clauses import load_clauses
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.tla import checking, claims, command, tlc, words
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
    used = {model.module for model in MODELS} | {model.root for model in MODELS}
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


def test_each_action_of_the_proofs_is_taken_by_a_model_or_left_out_with_a_reason() -> None:
    taken = {action for model in MODELS for action in model.actions}
    assert taken | set(words.LEFT_OUT) == set(BY_NAME)
    assert not taken & set(words.LEFT_OUT)
    assert all(words.LEFT_OUT.values())
    assert not any(model.actions for model in MODELS if model.violated)


def test_a_step_that_is_no_action_is_told() -> None:
    (model,) = (one for one in MODELS if one.name == "OverwriteRing")
    steps = (("claim", 0, 1), ("claim", 1, 5), ("write_cursor", 0, 1))
    verdict = tlc.Verdict(model.states, model.depth, "", steps=steps)
    assert checking.compare(model, verdict) == [
        "no action of the proofs takes a word of the kind claim from 0x1 to 0x5"
    ]
    verdict = tlc.Verdict(model.states, model.depth, "", steps=steps[2:])
    assert checking.compare(model, verdict) == ["no step is the action 'announce'"]
    fewer = dataclasses.replace(model, actions=("announce",))
    verdict = tlc.Verdict(model.states, model.depth, "", steps=(steps[0], steps[2]))
    assert checking.compare(fewer, verdict) == ["a step is the action 'publish events'"]


def test_words_are_those_of_the_core() -> None:
    assert words.told('x\n<<"slot", 5, 9>>\n<<"slot", 5>>\n') == (("slot", 5, 9),)
    assert words.in_the_core(("free_list", 256, 1), 1) == (1 << 32, (2 << 32) + 1)
    assert words.in_the_core(("registration", 6, 0), 0) == (6, 1 << 42)
    assert words.in_the_core(("event_descriptor", 0, 1), 0) == (0, 1 << 31)


FAULTS = {
    "the generation is kept": (
        "Pool",
        "NextGeneration(g) == (g + 1) % 2 ^ GenerationBits",
        "NextGeneration(g) == g",
        "slot",
    ),
    "a release counts two": (
        "FreeList",
        "version' = [version EXCEPT ![s[1]] = (@ + 1) % Tags]",
        "version' = [version EXCEPT ![s[1]] = (@ + 2) % Tags]",
        "free_list",
    ),
    "a registration ends in another state": (
        "GatedRing",
        "THEN FreeRegistration ELSE @]",
        'THEN Registered("JOINING", 0) ELSE @]',
        "registration",
    ),
    "the epoch is counted twice": (
        "EventCount",
        'Exchange(Writer, "epoch", memory["epoch"] + 1)',
        'Exchange(Writer, "epoch", memory["epoch"] + 2)',
        "epoch",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_with_other_steps_is_refused(fault: str, tmp_path: Path) -> None:
    """Whatever its invariants say: a step of a word that the core does not have is named."""
    name, right, wrong, kind = FAULTS[fault]
    java, jar = tools()
    for path in folder().glob("*.tla"):
        text = path.read_text(encoding="utf-8")
        if path.stem == name:
            assert text.count(right) == 1
            text = text.replace(right, wrong)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    (model,) = (one for one in MODELS if one.name == name)
    checked = ("INVARIANTS", "PROPERTIES", "CHECK_DEADLOCK")
    only = [line for line in model.configuration().splitlines() if not line.startswith(checked)]
    configuration = "\n".join([*only, "ACTION_CONSTRAINT Told", "CHECK_DEADLOCK FALSE", ""])
    verdict = tlc.run_tlc(java, jar, tmp_path, model.root, configuration, seconds=300)
    _, refused = words.actions_of(verdict.steps, name, configuration)
    assert refused
    assert all(f"of the kind {kind} " in line for line in refused)


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
