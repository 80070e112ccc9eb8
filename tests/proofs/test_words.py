"""What one atomic write may do to one word, on numbers; and the sites of the core that the actions name."""

import re
from pathlib import Path

import pytest

from rusted_ring.verify.proofs.words import ACTIONS, WITHOUT_ACTIONS, Parameters, accepts

NATIVE = Path(__file__).resolve().parents[2] / "native" / "src"
TINY = Parameters(ref_bits=2, generation_bits=2, capacity=4, size=8)
GATED = Parameters(capacity=4, size=8, gated=True)


def slot(state: int, count: int, generation: int) -> int:
    return state + 4 * (count + 4 * generation)


def registration(state: int, cursor: int, tag: int) -> int:
    return state | cursor << 2 | tag << 42


@pytest.mark.parametrize(
    ("word", "old", "new", "name"),
    [
        ("slot", slot(0, 0, 3), slot(1, 1, 3), "publish"),
        ("slot", slot(1, 1, 3), slot(1, 0, 3), "end a reference"),
        ("slot", slot(1, 0, 3), slot(0, 0, 0), "free"),
        ("slot", slot(1, 0, 3), slot(0, 0, 3), None),
        ("slot", slot(2, 0, 1), slot(0, 0, 2), "abort"),
        ("slot", slot(1, 2, 1), slot(1, 3, 1), "add a reference"),
        ("slot", slot(1, 3, 1), slot(1, 0, 2), None),
        ("slot", slot(1, 0, 1), slot(1, 1, 1), None),
        ("slot", slot(0, 0, 1), slot(1, 1, 2), None),
        ("slot", slot(1, 1, 1), slot(0, 0, 2), None),
        ("detached", 3 << 2, 1 + (0 << 2), "first detached reference"),
        ("detached", 2 + (1 << 2), 1 + (1 << 2), "take a detached reference"),
        ("detached", 1 + (1 << 2), 1 + (2 << 2), None),
        ("free_list", 7 << 32 | 0b1011, 7 << 32 | 0b0001, "claim slots"),
        ("free_list", 7 << 32 | 0b1011, 7 << 32 | 0b1011, "claim lost"),
        ("free_list", 7 << 32 | 0b0001, 9 << 32 | 0b1011, "release slots"),
        ("free_list", 0xFFFFFFFF << 32, 1, "release slots"),
        ("free_list", 7 << 32 | 0b0001, 8 << 32 | 0b1011, None),
        ("free_list", 7 << 32 | 0b0011, 8 << 32 | 0b0101, None),
        ("claim", 7, 8, "announce"),
        ("claim", 7, 12, None),
        ("waiters", 1, 3, "announce a sleeper"),
        ("waiters", 7, 1, "withdraw announcements"),
        ("waiters", 7, 0, None),
        ("epoch", (1 << 32) - 1, 0, "count a wake-up"),
        ("usage", 3, 6, "begin to signal"),
        ("usage", 6, 2, "end to signal"),
        ("writer_state", 2, 1, None),
    ],
)
def test_steps_of_single_words(word: str, old: int, new: int, name: str | None) -> None:
    """[SLOT-5] [SLOT-8] [SLOT-9] [SLOT-10] [SLOT-11] [SLOT-12] [PTR-11] [ALLOC-2] [ORDER-16] [RING-40]"""
    assert accepts(word, old, new, TINY) == name


@pytest.mark.parametrize(
    ("word", "old", "new", "name"),
    [
        ("registration", registration(0, 0, 5), registration(1, 9, 5), "join"),
        ("registration", registration(1, 9, 5), registration(2, 9, 5), "admit"),
        ("registration", registration(1, 9, 5), registration(2, 10, 5), None),
        ("registration", registration(1, 9, 5), registration(1, 12, 5), "move up"),
        ("registration", registration(2, (1 << 40) - 1, 5), registration(2, 1, 5), "move on"),
        ("registration", registration(2, 9, 5), registration(2, 14, 5), None),
        ("registration", registration(2, 9, 5), registration(0, 0, 6), "end a registration"),
        ("registration", registration(2, 9, 5), registration(0, 0, 5), None),
        ("event_descriptor", 0, 8 | 1 << 31, "publish an event"),
        ("event_descriptor", 8 | 1 << 31, 8 | 1 << 31, None),
        ("claim", 7, 12, "raise the gating sequence"),
        ("claim", 12, 9, "lower the gating sequence"),
        ("write_cursor", 7, 11, "publish events"),
        ("write_cursor", 7, 12, None),
        ("write_cursor", 7, 7, None),
    ],
)
def test_steps_of_a_gated_rings_words(word: str, old: int, new: int, name: str | None) -> None:
    """[ORDER-8] [ORDER-10] [ORDER-17] [RING-1] [RING-20]"""
    assert accepts(word, old, new, GATED) == name


def test_a_word_without_actions_is_refused() -> None:
    with pytest.raises(ValueError, match="no action writes to a word of the kind next_fit"):
        accepts("next_fit", 0, 1, TINY)


def writes() -> dict[str, str]:
    """Return the functions of the core that write to an atomic word, as `file.c:function`, with their text."""
    found = {}
    for path in sorted(NATIVE.glob("*.[ch]")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for match in re.finditer(r"^[A-Za-z][^;{}#]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", text, re.DOTALL | re.MULTILINE):
            if re.search(r"atomic_(store|fetch_\w+|exchange|compare_exchange_\w+)_explicit", match[2]):
                found[f"{path.name}:{match[1]}"] = match[2]
    return found


def test_each_site_of_an_action_writes_and_each_function_that_writes_is_a_site() -> None:
    found = writes()
    named = {site for action in ACTIONS for site in action.sites}
    assert not named - found.keys()
    rest = {
        site
        for site in found.keys() - named
        if not all(
            re.search(rf"->({'|'.join(WITHOUT_ACTIONS)})\b", line)
            for line in re.findall(r"atomic_(?:store|fetch_\w+|compare_exchange_\w+)_explicit\(([^;]*)", found[site])
        )
    }
    assert rest == {"copies.h:copy_in"}  # the bytes of an event, which no protocol restricts


def test_names_of_actions_are_unique() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
