"""The trusted base: what each verdict rests on and no method checks, for the command and the site."""

TRUSTED = (
    (
        "Everything",
        "the clauses say what users want; the compiler that builds the shipped core, the C library, the system and the "
        "processor do what their manuals say",
    ),
    (
        "Tests",
        "they show what they try; on x86-64 they run the vector assembler that copies payloads, which no other method "
        "sees. C tests hold it against a loop of bytes, each length and alignment, between guard pages",
    ),
    (
        "Explored",
        "the clients are small, and all their executions in RC11 are run: the engine, the compiler's instrumentation "
        "and what `rusted-ring explore --limits` prints are trusted; the copies are the loop of words "
        "(`RR_COPY_WORDS`)",
    ),
    (
        "Modelled",
        "TLC and Java; the models are written by hand after the core, and hold up to the bounds that they print; what "
        "their steps do to single words is compared with the actions of the proofs",
    ),
    (
        "Proved",
        "z3; the transition systems are written by hand after the core, and tied to it by the explorer's executions, "
        "whose steps on single words they must accept: the tie is as complete as those executions are",
    ),
    (
        "Every input",
        "ESBMC, its C front end and its solver; one thread, x86-64, the loop of words instead of the assembler; "
        "functions outside the included source are replaced by what their interface allows",
    ),
    (
        "Contracts",
        "CrossHair, on the reference in Python, never on the C core; "
        "`python -m rusted_ring.verify.contracts` says which conditions it confirms",
    ),
)
