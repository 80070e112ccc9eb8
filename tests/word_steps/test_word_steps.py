"""What executions do to the words of the core, held against the actions of the model."""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.clients.language import Client, parse
from rusted_ring.verify.defects.catalogue import read_catalogue
from rusted_ring.verify.defects.workshop import Workshop
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.proofs import words as model
from rusted_ring.verify.support.checkout import checkout
from rusted_ring.verify.word_steps import actions, seeded
from rusted_ring.verify.word_steps.checking import NOT_SHOWN, Account, check
from rusted_ring.verify.word_steps.command import main
from rusted_ring.verify.word_steps.shape import Shape
from rusted_ring.verify.word_steps.words import Projected, Projector, WordHistory, WordStep

FEW = (
    "reuse-after-drop",
    "reuse-after-abort",
    "clone-race",
    "bulk-claims-race",
    "add-and-next",
    "add-and-next-gated",
    "join-against-bulk",
    "wait-for-an-event-fenced",
    "a-notifier-changes-hands",
)
"""Clients of few executions that together write to most kinds of words."""

PUBLISH = "allocate.h:slot_publish store 2"
UNREF, FREE = "references.h:slot_unref rmw 1", "references.h:slot_unref store 1"
CLONE, ROUND = "references.c:slot_clone rmw 1", "references.c:count_round store 1"
RELEASE = "free_list.h:free_list_release rmw 1"


def named(name: str) -> Client:
    return next(client for client in CLIENTS if client.name == name)


@pytest.fixture(scope="module")
def projector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Projector]:
    """The harness of clients, built from the sources of this checkout."""
    with Explorer(checkout(), tmp_path_factory.mktemp("words")) as made:
        yield Projector(made)


# --- what the explorer tells


def test_a_history_is_all_that_happened_to_a_word(projector: Projector) -> None:
    """The setup's writes, the threads', and those after the threads; the generation of one bit comes round."""
    projected = projector.project(parse("r=1 g=1 t=0 xs=1 | alloc 1p0 1 | drop p0"))
    assert projected.executions == 1
    longest = max((one for one in projected.histories if one.word == "slot"), key=lambda one: len(one.steps))
    assert (longest.initial, longest.place) == (0, ())
    assert [(step.site, step.old, step.new) for step in longest.steps] == [
        (PUBLISH, 0, 5),  # LIVE, one reference
        (UNREF, 5, 1),
        (FREE, 1, 8),  # FREE, generation 1
        (PUBLISH, 8, 13),  # what the finish allocates and drops
        (UNREF, 13, 9),
        (FREE, 9, 0),
    ]


def test_a_history_is_in_modification_order(projector: Projector) -> None:
    """A clone beside a drop: each finds what the other left, in both orders."""
    client = parse("r=2 g=2 t=2 xs=1 | alloc 1p0 1 ; clone 2p0 1p0 | clone p1 p0 | drop p0")
    counts = set()
    for history in projector.project(client).histories:
        if history.word == "slot":
            assert all(one.new == next_.old for one, next_ in itertools.pairwise(history.steps))
            counts.add(tuple(step.new >> 2 & 3 for step in history.steps)[:4])
    only_the_drop = (1, 2, 1)  # the clone's weak exchange fails until the execution is blocked
    assert counts == {(1, 2), only_the_drop, (1, 2, 3, 2), (1, 2, 1, 2)}


@pytest.mark.parametrize("name", ["clone-race", "add-and-next-gated", "wait-for-an-event"])
def test_following_words_changes_no_execution(projector: Projector, name: str) -> None:
    client = named(name)
    explored, projected = projector.explorer.explore(client), projector.project(client)
    assert (projected.executions, projected.blocked) == (explored.executions, explored.blocked)
    assert "words" not in projector.explorer._ask(client)


def test_each_history_comes_with_an_execution_that_has_it(projector: Projector) -> None:
    client = named("clone-race")
    for history in projector.project(client).histories:
        replayed = projector.explorer._ask(client, words=1, replay=history.replay)
        assert history in [
            dataclasses.replace(one, replay=history.replay)
            for raw in replayed["words"]
            for one in projector._histories(raw)
        ]


# --- the corpus


@pytest.mark.clause("EXPLORE-50")
@pytest.mark.parametrize("name", FEW)
def test_every_execution_of_a_client_is_one_of_the_model_word_by_word(projector: Projector, name: str) -> None:
    account = check(projector, [named(name)], whole=False)
    assert account.rejected == []
    assert account.problems == []
    assert account.executions > 0
    assert account.bounded == 0
    assert account.actions()


@pytest.mark.clause("EXPLORE-50")
@pytest.mark.clause("ORDER-13")
@pytest.mark.slow
def test_the_whole_corpus_takes_every_action_and_reaches_every_site_that_writes(projector: Projector) -> None:
    account = check(projector, CLIENTS, whole=True)
    assert account.rejected == []
    assert account.problems == []
    assert account.clients == len(CLIENTS)
    assert account.actions() == set(model.BY_NAME)
    assert account.taken.keys() == {site for site, where in projector.writing.items() if where.file != actions.PAYLOADS}


# --- what is wrong is told


def account_of(projected: Projected) -> Account:
    account = Account()
    account.add(projected)
    return account


def changed(projected: Projected, word: str, change: dict[str, Any], at: int = 0) -> Projected:
    """Change one step of the longest history of a word."""
    longest = max((one for one in projected.histories if one.word == word), key=lambda one: len(one.steps))
    steps = list(longest.steps)
    steps[at] = dataclasses.replace(steps[at], **change)
    wrong = dataclasses.replace(longest, steps=tuple(steps))
    return dataclasses.replace(projected, histories=(wrong,))


@pytest.fixture(scope="module")
def dropped(projector: Projector) -> Projected:
    return projector.project(parse("r=1 g=1 t=0 xs=1 | alloc 1p0 1 | drop p0"))


def test_what_the_core_writes_is_accepted(dropped: Projected) -> None:
    assert account_of(dropped).rejected == []


@pytest.mark.parametrize(
    ("word", "at", "change", "told"),
    [
        ("slot", 0, {"new": 9}, f"slot: {PUBLISH} takes (FREE, count 0, generation 0) to (LIVE, count 0, "),
        ("slot", 2, {"new": 0}, f"slot: {FREE} takes (LIVE, count 0, generation 0) to (FREE, count 0, generation 0)"),
        ("slot", 1, {"site": CLONE}, f"slot: {CLONE} takes (LIVE, count 1, generation 0) to (LIVE, count 0"),
        ("slot", 0, {"site": "a plain write"}, "slot: a plain write takes "),
        ("slot", 0, {"site": ROUND}, f"slot: {ROUND} takes "),
        ("slot", 1, {"old": 9}, "slot: changes from (LIVE, count 1, generation 0) to (LIVE, count 0, "),
        ("free_list", 1, {"new": 1}, f"free_list: {RELEASE} takes (bits 0x0, version 0) to (bits 0x1, version 0)"),
        ("rounds", 0, {"word": "slot"}, f"slot: {ROUND} takes "),
        ("rounds", 0, {"site": FREE}, f"rounds: {FREE} takes (0) to (1)"),
        ("failures", 0, {"word": "nameless", "site": FREE}, f"nameless: {FREE} takes (0) to (1)"),
    ],
)  # fmt: skip
def test_a_step_that_is_no_action_there_is_rejected(
    dropped: Projected, word: str, at: int, change: dict[str, Any], told: str
) -> None:
    rejected = account_of(changed(dropped, word, change, at)).rejected
    assert any(line.startswith(told) for line in rejected), rejected
    assert "\nreplay: " in rejected[0]


def test_a_bit_that_no_field_has_is_rejected() -> None:
    site, shape = "event_count.c:prepare_wait rmw 1", Shape.of(named("wait-for-an-event"))
    assert actions.action_of("waiters", site, 0, 2, shape) == "announce a sleeper"
    assert actions.action_of("waiters", site, 0, 10, shape) is None


def test_a_word_that_begins_with_another_value_is_rejected(dropped: Projected) -> None:
    history = next(one for one in dropped.histories if one.word == "free_list")
    wrong = dataclasses.replace(history, initial=3, steps=())
    rejected = account_of(dataclasses.replace(dropped, histories=(wrong,))).rejected
    assert rejected[0].startswith("free_list: begins with (bits 0x3, version 0), not (bits 0x1, version 0)")


def test_what_was_not_covered_is_a_problem(dropped: Projected) -> None:
    (told,) = account_of(dataclasses.replace(dropped, exhaustive=False, bounded=1)).problems
    assert "not every execution was covered" in told
    (told,) = account_of(dataclasses.replace(dropped, errors=("data-race",))).problems
    assert told.endswith("data-race")


def test_gaps_of_the_corpus_are_told(projector: Projector, monkeypatch: pytest.MonkeyPatch) -> None:
    account = check(projector, [named("reuse-after-drop")], whole=True)
    assert "references.c:slot_clone is said to add a reference, and does so in no execution" in account.problems
    assert any(told.startswith("references.c:slot_clone rmw 1 (line ") for told in account.problems)
    none_publishes = tuple(
        dataclasses.replace(action, sites=()) if action.name == "publish" else action for action in model.ACTIONS
    )
    monkeypatch.setattr(model, "ACTIONS", none_publishes)
    standing = [a for a in none_publishes if "allocate.h:slot_publish" in a.sites]
    monkeypatch.setattr(model, "ACTIONS", tuple(a for a in none_publishes if a not in standing))
    gaps = account.gaps(projector.writing)
    assert any(told.startswith("allocate.h:slot_publish store 2 (") and "no action stands" in told for told in gaps)
    monkeypatch.setattr(actions, "STATISTICS", {"nowhere.c:nothing store 1": "rounds"})
    gaps = account.gaps(projector.writing)
    assert "nowhere.c:nothing store 1 writes to a statistic, and is not there" in gaps
    assert any(told.startswith("references.c:count_round store 1 (") and "no action stands" in told for told in gaps)


def test_the_statistics_are_the_words_without_actions() -> None:
    assert set(actions.STATISTICS.values()) == set(model.WITHOUT_ACTIONS)


def test_a_word_is_made_with_the_value_that_its_shape_says() -> None:
    shape = Shape.of(parse("r=2 g=2 t=32 xs=33 | hold 31 | alloc p0 1"))
    assert [actions.begins("free_list", (0, number), shape) for number in range(3)] == [2**32 - 1, 1, 0]
    assert actions.begins("free_list", (5, 0), shape) == 1
    assert actions.begins("slot", (), shape) == 0
    fenced = Shape.of(parse("gated=1 size=8 readers=2 fenced=1 await=2 | open 1w0 | add w0 1"))
    assert (actions.begins("waiters", (), fenced), actions.begins("awaited", (), fenced)) == (1, 2)


# --- seeded defects


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(checkout(), tmp_path_factory.mktemp("workshop"))


def test_each_seeded_defect_is_recorded_once() -> None:
    recorded = seeded.read_recorded()
    assert list(recorded) == [defect.name for defect in read_catalogue()]
    for one in recorded.values():
        assert bool(one.step) == (one.kind == "rejected")
        assert bool(one.client) == (one.kind in ("rejected", "accepted"))
    assert seeded.recorded_text(recorded.values()) == seeded.RECORDED.read_text(encoding="utf-8")


SEEN = [one for one in seeded.read_recorded().values() if one.client]


@pytest.mark.clause("EXPLORE-50")
@pytest.mark.parametrize("recorded", SEEN, ids=lambda one: one.name)
@pytest.mark.share(40)
@pytest.mark.desk(2)
def test_a_seeded_defect_shows_in_the_words_as_recorded(
    projector: Projector, workshop: Workshop, recorded: seeded.Seen
) -> None:
    defect = next(one for one in read_catalogue() if one.name == recorded.name)
    seen = seeded.see(workshop, defect, seeded.small_clients(projector, [recorded.client]))
    assert seen.kind == recorded.kind
    assert seen.step.partition(":")[0] == recorded.step.partition(":")[0]


def test_a_record_that_is_out_of_date_is_told() -> None:
    was = seeded.Seen("a", "rejected", "clone-race", "slot: here takes (0) to (1)")
    assert seeded.differences([was], {"a": was}) == []
    assert seeded.differences([dataclasses.replace(was, kind="accepted", step="")], {"a": was}) != []
    assert seeded.differences([dataclasses.replace(was, step="claim: there")], {"a": was}) != []
    assert seeded.differences([was], {}) == [f"a: is not in {seeded.RECORDED.name}: add it with --defects --write"]


# --- the command


def test_the_command_checks_a_client(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--client", "clone-race"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("1 clients: ")
    assert NOT_SHOWN in printed
    assert main(["--client", "clone-race", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["clients"], values["rejected"], values["problems"]) == (1, [], [])


@pytest.mark.parametrize(
    "arguments", [["--client", "nobody"], ["--write"], ["--write", "--defects", "clone-of-a-full-count"]]
)
def test_what_the_command_does_not_know_it_refuses(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert main(["--defects", "no-such-defect"]) == 2
    assert "no-such-defect" in capsys.readouterr().err


def test_the_command_tells_a_rejected_step(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "begins", lambda *_: 7)
    assert main(["--client", "clone-race"]) == 1
    assert "FAIL: slot: begins with (FREE, count 0, generation 0), not (state 3, " in capsys.readouterr().out


def test_a_history_without_a_site_of_the_core_is_left_out(projector: Projector) -> None:
    assert list(projector._histories({"word": "object", "steps": [[1, 0, 1]], "replay": ""})) == []
    pcs = [
        projector.writing[site].pcs[0] for site in ("reader.c:rr_reader_leave store 1", "writer.c:end_writer store 1")
    ]
    steps = [[pcs[0], 0, 1]]
    assert list(projector._histories({"word": "object", "steps": steps, "replay": "x"})) == [
        WordHistory("left", (), 0, (WordStep("left", "reader.c:rr_reader_leave store 1", 0, 1),), "x")
    ]
