"""The harnesses: what each shows, of which clauses, within which bounds; and the mutants of it that must fail."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Harness:
    """A C file in `harnesses/` that includes a shipped source whole.

    Attributes:
        name: the file without `.c`.
        clauses: those of which it shows something.
        statement: what is asserted, in a sentence.
        bound: the bounds on its inputs, as printed beside the verdict; "none" if every value of every width is covered.
        options: more of ESBMC's options: definitions, how often loops are unrolled. ESBMC asserts that no loop goes on.
        mutants: definitions that make a wrong claim, by what is wrong; each must fail.
    """

    name: str
    clauses: tuple[str, ...]
    statement: str
    bound: str
    mutants: Mapping[str, str]
    options: tuple[str, ...] = field(default=())


HARNESSES = (
    Harness(
        "sizes",
        ("SIZE-1", "SIZE-3", "LAYOUT-1", "LAYOUT-2"),
        "each length has the smallest class that holds it, and is rounded up to the next line without overflow",
        "none",
        {
            "rounding beyond the last whole line": "MOST_ROUNDED=UINT64_MAX",
            "three lines for each slot": "LINES_OF_A_SLOT=3",
        },
    ),
    Harness(
        "pool_bytes",
        ("LAYOUT-3",),
        "the bytes of a pool of a fixed class are exact, or UINT64_MAX if 64 bits do not hold them",
        "the five fixed classes; every capacity of 64 bits",
        {"a header of two lines": "HEAD=128"},
    ),
    Harness(
        "ring_bytes",
        ("LAYOUT-6",),
        "the bytes of a ring are exact, or UINT64_MAX if 64 bits do not hold them",
        "payload bytes and readers: 0 and 0, 1 and 0, 64 and 1, 64 and 3, 65 and 1024, 4096 and 2^32 - 1, "
        "2^32 - 1 and 1024, and every size above 2^32 - 1 with every number of readers; every capacity of 64 bits",
        {"a head of two lines": "HEAD_LINES=2"},
    ),
    Harness(
        "slot_word",
        ("SLOT-2", "SLOT-12"),
        "state, count and generation are read from a word as they were put in; counting changes none of the others",
        "none: every width, state, count and generation",
        {"a counter that meets the generation's last bits": "MOST_REF_BITS=24"},
    ),
    Harness(
        "token",
        ("PTR-10",),
        "pool, slot and generation are read from a token as they were put in, and no number has two meanings",
        "none: every pool, slot and generation, and every number of 64 bits",
        {"a generation of 41 bits": "GENERATIONS=(UINT64_C(1)<<41)"},
    ),
    Harness(
        "handles",
        ("ALLOC-20", "PTR-16"),
        "a handle names a slot exactly if the allocator has the pool, the slot and the generation",
        "none: every width of the generation, capacity, pool, slot and generation",
        {"the generation after the last": "LAST_GENERATION=(allocator.generation_mask+1)"},
    ),
    Harness(
        "registration",
        ("RING-21",),
        "the cursor, state and tag of a reader's registration are read as they were put in, laps of 2^40 included",
        "none: every cursor less than 2^39 from the other, every tag",
        {"a cursor 2^40 away": "NEAR_BITS=40"},
    ),
    Harness(
        "positions",
        ("RING-1", "ORDER-17"),
        "the position after some events is right, up to the end of the lap, and so are the lap bits there",
        "every capacity, position and distance; a cursor's own lap bit for capacities 1, 2, 64 and 2^31 with all laps "
        "up to 2^63 events, 3 and 100 with 256 laps, 2^32 - 1 with 2",
        {"a distance over the end of the lap": "MOST_FORWARD=capacity"},
    ),
    Harness(
        "descriptors",
        ("LAYOUT-6", "ORDER-17"),
        "each event descriptor has a place of its own, and successive ones of a gated ring lie in different lines",
        "none: every capacity, every two positions; every length, type and lap",
        {"two lines apart": "LINES_APART=2"},
    ),
    Harness(
        "copies",
        ("RING-9", "RING-13"),
        "the loop of words copies each byte, accesses nothing outside, and fills its last word with zeros",
        "lengths 1 to 24; every content; the loop of words (RR_COPY_WORDS), not the assembler that x86-64 is given",
        {"no room for the rest of the last word": "WORDS_FOR(length)=((length)/8==0?1:(length)/8)"},
        ("--unwind", "26"),
    ),
    Harness(
        "free_bits",
        ("ALLOC-2", "ALLOC-14"),
        "a claim takes the lowest free slots of a word, as many as wanted or all",
        "the 12 lowest slots of a word; every number wanted",
        {"one less than wanted": "TAKEN(wanted)=((wanted)-1)"},
        ("-DBITS=4095", "--unwind", "13"),
    ),
    Harness(
        "bulk",
        ("ALLOC-8", "ALLOC-14"),
        "a bulk allocation asks for each event's class, notes each slot once, and finds the first event too large",
        "2 events, claims of the first two slots of a word; every length; take_slots is replaced by its interface",
        {"the class of a byte more": "CLASS_OF(length)=size_class_of((uint64_t)(length)+1)"},
        ("-DEVENTS=2", "--unwind", "3"),
    ),
)
