"""Where the model's actions stand in the core, and what has none."""

from collections.abc import Mapping
from typing import Final

from rusted_ring.verify.proofs import words as model
from rusted_ring.verify.word_steps.shape import Shape

STATISTICS: Final[Mapping[str, str]] = {
    "pool.h:count_failure rmw 1": "failures",
    "references.c:count_round store 1": "rounds",
    "heap.c:heap_acquire rmw 1": "heap_block_bytes",
    "heap.c:heap_release rmw 1": "heap_block_bytes",
    "heap.c:heap_shorten rmw 1": "heap_block_bytes",
    "allocate.c:allocate_next_fit store 1": "next_fit",
    "free_list.c:set_next_fit store 1": "next_fit",
    "free_list.c:new_range store 1": "seen",
    "free_list.c:new_range store 2": "range",
    "free_list.c:look_ahead_in_range store 1": "shards_used",
    "free_list.c:look_ahead_in_range store 2": "looks",
}
"""The sites that write to a statistic or a hint, whose value no access to other data depends on [ORDER-13]: no action
stands for them. By site, the one word to which it may write."""

PAYLOADS: Final = "copies.h"
"""The source whose sites copy payloads, which no protocol restricts: the explorer does not follow these words."""

MOST: Final[Mapping[str, int]] = {"waiters": model.FENCED | model.SLEEPERS | model.NOTIFIERS}
"""The greatest value of a word whose fields leave out some of its bits, which are always 0."""

STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "slot": ("FREE", "LIVE", "LOANED"),
    "registration": ("FREE", "JOINING", "ACTIVE"),
}
"""The names of the states of a word."""


def function_of(site: str) -> str:
    """Return the function of a site, as the actions name it: `file.c:function`."""
    return site.partition(" ")[0]


def is_statistic(word: str) -> bool:
    """Return whether a word is a statistic or a hint, whose values no action describes."""
    return word in model.WITHOUT_ACTIONS


def action_of(word: str, site: str, old: int, new: int, shape: Shape) -> str | None:
    """Return the action that stands for a write.

    Args:
        word: the kind of word.
        site: the site of the write.
        old: the word's value before.
        new: its value after.
        shape: the client's pools and ring.

    Returns:
        The name of the action, empty for a statistic or a hint; None if no action of this function does it.
    """
    if new > MOST.get(word, new):
        return None
    if site in STATISTICS or is_statistic(word):
        return "" if STATISTICS.get(site) == word else None
    try:
        name = model.accepts(word, old, new, shape.widths)
    except ValueError:
        return None  # no action writes to such a word
    return name if name is not None and function_of(site) in model.BY_NAME[name].sites else None


def begins(word: str, place: tuple[int, ...], shape: Shape) -> int:
    """Return the value that a word has when it is made.

    Args:
        word: the kind of word.
        place: of a word of a free list, its pool and its number there.
        shape: the client's pools and ring.
    """
    if word == "free_list":
        pool, number = place
        return (1 << max(0, min(32, shape.slots[pool] - 32 * number))) - 1
    made = {"awaited": shape.awaited, "waiters": model.FENCED if shape.fenced else 0, "usage": model.OWNED}
    return made.get(word, 0)


def in_words(word: str, value: int, shape: Shape) -> str:
    """Return a value by its fields."""
    fields = vars(model.fields_of(word, value, shape.widths))
    if list(fields) == ["value"]:
        return str(value)
    if word == "free_list":
        return f"bits {value & 0xFFFFFFFF:#x}, version {fields['version']}"
    return ", ".join(_in_words(word, name, field) for name, field in fields.items())


def _in_words(word: str, name: str, field: int) -> str:
    names = STATES.get(word, ())
    return names[field] if name == "state" and field < len(names) else f"{name} {field}"
