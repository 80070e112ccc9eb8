"""Whether the steps of a model are actions of the proofs: the tie between TLC's models and what the explorer sees.

A module that ends in `Words` tells each distinct step of its model on the words of the core. The actions that z3 proves
with (`proofs.words`) have to accept them, as they accept what the explorer sees the core do.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from rusted_ring.verify.proofs.words import CURSOR_BITS, Parameters, accepts

WordStep = tuple[str, int, int]
"""The kind of a word, its value before and its value after, as a module tells them."""

_STEP: Final = re.compile(r'^<<"(\w+)", (\d+), (\d+)>>$', re.MULTILINE)
_CONSTANT: Final = re.compile(r"^ *(\w+) = (\d+) *$", re.MULTILINE)
_VERSION: Final = 1 << 8
"""The first bit of the version in a word that `FreeListWords` tells."""
_TAG: Final = 1 << (2 + CURSOR_BITS)

LEFT_OUT: Final[Mapping[str, str]] = {
    "claim lost": "changes nothing",
    "describe an event": "a part of the payload in OverwriteRing",
    "announce a notifier": "notifiers are left out of EventCount",
    "reserve bytes of the heap": "XXL blocks are left out of Pool",
    "give bytes of the heap back": "XXL blocks are left out of Pool",
    "count a reader that joined": "readers that the ring waits for are left out of GatedRing",
    "open a writer": "one writer, from the beginning on",
    "close a writer": "one writer, from the beginning on",
    "end the stream": "one writer, from the beginning on",
    "close": "one writer, from the beginning on",
    "begin to leave": "the registration decides; this word tells why it ended",
    "have left": "the registration decides; this word tells why it ended",
    "evict": "the registration decides; this word tells why it ended",
    "hold the ring": "the ring lives as long as the model",
    "drop the ring": "the ring lives as long as the model",
    "add a notifier": "notifiers are left out of EventCount",
    "take an old notifier": "notifiers are left out of EventCount",
    "arm a notifier": "notifiers are left out of EventCount",
    "disarm a notifier": "notifiers are left out of EventCount",
    "begin to signal": "notifiers are left out of EventCount",
    "end to signal": "notifiers are left out of EventCount",
    "leave a notifier": "notifiers are left out of EventCount",
}
"""The actions of the proofs that no model has, each with the reason."""


def told(output: str) -> tuple[WordStep, ...]:
    """Return the steps that a module told, from what TLC wrote."""
    return tuple((kind, int(before), int(now)) for kind, before, now in _STEP.findall(output))


def parameters_of(module: str, configuration: str) -> Parameters:
    """Return the widths and sizes of a model.

    Args:
        module: the name of the module.
        configuration: the text of its configuration, which gives the constants their values.
    """
    constants = {name: int(value) for name, value in _CONSTANT.findall(configuration)}
    return Parameters(
        ref_bits=constants.get("RefBits", 0),
        generation_bits=constants.get("GenerationBits", 0),
        capacity=constants.get("Capacity", 1),  # EventCount has a counter of events and no slots
        gated=module == "GatedRing",
    )


def in_the_core(step: WordStep, tag_bits: int) -> tuple[int, int]:
    """Return the two values as the core has them: with the whole version, tag and place of the lap bit.

    Args:
        step: as it was told.
        tag_bits: T; a model counts versions modulo 2^T.
    """
    kind, before, now = step
    if kind == "free_list":
        released = (now // _VERSION - before // _VERSION) % (1 << tag_bits)
        version = before // _VERSION
        return before % _VERSION + (version << 32), now % _VERSION + (version + released << 32)
    if kind == "registration":  # the models have no tags; a registration that ends has the next one
        return before, now + (_TAG if before & 3 and not now & 3 else 0)
    if kind == "event_descriptor":
        return before << 31, now << 31
    return before, now


def actions_of(steps: Iterable[WordStep], module: str, configuration: str) -> tuple[set[str], list[str]]:
    """Return the names of the actions that a model takes, and the steps that no action accepts, as text.

    Args:
        steps: as the model's module told them.
        module: the name of the module.
        configuration: the text of its configuration.
    """
    parameters = parameters_of(module, configuration)
    tags = re.search(r"^ *TagBits = (\d+)", configuration, re.MULTILINE)
    taken: set[str] = set()
    refused: list[str] = []
    for step in steps:
        kind = step[0]
        before, now = in_the_core(step, int(tags[1]) if tags else 0)
        name = accepts(kind, before, now, parameters)
        if name is None:
            refused.append(f"no action of the proofs takes a word of the kind {kind} from {before:#x} to {now:#x}")
        else:
            taken.add(name)
    return taken, refused
