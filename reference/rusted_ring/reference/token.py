"""Tokens: a pool, a slot and a generation as one integer [PTR-10, PTR-16, WEAK-6]."""

from typing import Final

SLOTS: Final = 2_097_152
"""The factor of the pool number in a token, before that of the slot: 2^21."""

GENERATIONS: Final = 1_099_511_627_776
"""The factor of the slot index in a token: 2^40."""


def token_of(pool_id: int, slot_index: int, generation: int) -> int:
    """Return the token of a triple [PTR-10].

    pre: 0 <= pool_id <= 5
    pre: 0 <= slot_index < 2**21
    pre: 0 <= generation < 2**40
    post: 0 < _ < 2**64
    post: pool_of_token(_) == pool_id
    post: slot_of_token(_) == slot_index
    post: generation_of_token(_) == generation
    """
    return ((pool_id + 1) * SLOTS + slot_index) * GENERATIONS + generation


def pool_of_token(token: int) -> int:
    """Return the pool number in a token; the pool need not exist [PTR-10].

    pre: 0 <= token < 2**64
    post: -1 <= _ < 7
    """
    return token // GENERATIONS // SLOTS - 1


def slot_of_token(token: int) -> int:
    """Return the slot index in a token [PTR-10].

    pre: 0 <= token < 2**64
    post: 0 <= _ < 2**21
    """
    return token // GENERATIONS % SLOTS


def generation_of_token(token: int) -> int:
    """Return the generation in a token [PTR-10].

    pre: 0 <= token < 2**64
    post: 0 <= _ < 2**40
    post: token < 2**61 or token_of(pool_of_token(token), slot_of_token(token), _) == token
    """
    return token % GENERATIONS
