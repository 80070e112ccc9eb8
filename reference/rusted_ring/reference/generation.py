"""Generations: they tell the events apart that a slot held one after the other, until they wrap (the ABA problem).

[SLOT-8, SLOT-12, WEAK-4, WEAK-5]; `generations` is the number of generations, 2^G.
"""


def next_generation(generation: int, generations: int) -> int:
    """Return the generation of a slot after it was freed once: g + 1 mod 2^G [SLOT-8, SLOT-12].

    pre: 2 <= generations <= 2**40
    pre: 0 <= generation < generations
    post: 0 <= _ < generations
    post: _ != generation
    post: _ == (0 if generation + 1 == generations else generation + 1)
    """
    return (generation + 1) % generations


def generation_after(generation: int, frees: int, generations: int) -> int:
    """Return the generation of a slot that was freed `frees` times [SLOT-8, SLOT-12].

    pre: 2 <= generations <= 2**40
    pre: 0 <= generation < generations
    pre: frees >= 0
    post: 0 <= _ < generations
    post: frees > 0 or _ == generation
    post: frees != 1 or _ == next_generation(generation, generations)
    """
    return (generation + frees) % generations


def is_refused(generation: int, frees: int, generations: int) -> bool:
    """Return whether a weak pointer is refused if its slot was freed `frees` times and is LIVE [WEAK-4, WEAK-5].

    pre: 2 <= generations <= 2**40
    pre: 0 <= generation < generations
    pre: frees >= 0
    post: _ == (frees % generations != 0)
    """
    return generation_after(generation, frees, generations) != generation
