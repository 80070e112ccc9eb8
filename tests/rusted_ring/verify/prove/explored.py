"""Which clients of the corpus show something of a clause, and which clauses say nothing of memory that threads share.

A client shows something of the clauses that the comment above it in the corpus cites. It also shows something of a
clause of `BY_CALLS` if its threads make the calls that are listed there, since the judge compares the result of each
such call, in every execution, with the results that the reference has.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rusted_ring.verify.clients import corpus
from rusted_ring.verify.clients.language import Client

_GROUP: Final = re.compile(r"^    # ((?:\[[A-Z]+-\d+\] ?)+)")
_CLIENT: Final = re.compile(r'^    "([\w-]+)":')


@dataclass(frozen=True)
class Judged:
    """What the judge compares in each execution of the clients with certain calls.

    Attributes:
        calls: patterns; a client has, for each of them, a call that it matches from its first letter on.
        statement: what is compared.
        mode: the mode that the client's ring has; empty for any client.
    """

    calls: tuple[str, ...]
    statement: str
    mode: str = ""

    def applies(self, client: Client) -> bool:
        """Return whether the client's threads make the calls."""
        if self.mode and (client.ring is None or client.ring.mode != self.mode):
            return False
        made = [str(call) for thread in client.threads for call in thread]
        return all(any(re.match(rf"(?:{pattern})\b", call) for call in made) for pattern in self.calls)


_TAKES: Final = "alloc|heap|ffi|amany|loan|hloan"
_COUNTED: Final = Judged(
    (_TAKES,),
    "at the end of an execution the slots that are taken and free, the allocations and the failures are as many as the "
    "results of the calls say",
)

BY_CALLS: Final[Mapping[str, Judged]] = {
    "ALLOC-1": Judged(("alloc", "read"), "a thread that reads an event finds the payload and type that were given"),
    "ALLOC-9": _COUNTED,
    "ALLOC-13": Judged((_TAKES, "drop|dec|dmany|abort"), "calls of several threads have results of the reference"),
    "ALLOC-15": Judged(("dmany",), "a bulk drop releases one reference for each token, or none"),
    "ALLOC-16": Judged(("inc|incany",), "the count that an increment returns, and its refusals"),
    "ALLOC-17": Judged(("dec|decany",), "the count that a decrement returns, and its refusals"),
    "ALLOC-18": Judged(("meta",), "the generation that a look at a slot returns, in each state of the slot"),
    "ALLOC-25": _COUNTED,
    "ALLOC-26": _COUNTED,
    "LOAN-2": Judged(("loan|hloan",), "a new loan holds zeros"),
    "LOAN-3": Judged(("commit|cut",), "a committed event, whole or cut, is read as it was written"),
    "LOAN-5": Judged(("abort",), "an aborted loan's slot is free, with the next generation"),
    "LOAN-9": Judged(("loan|hloan", "upgrade|inc|dec|meta"), "a triple of a loaned slot is refused"),
    "ORDER-23": Judged(("add|addmany|put", "look"), "`write_cursor` counts all events that were delivered", "gated"),
    "PTR-2": Judged(("clone",), "a clone counts one reference more, of the same event"),
    "PTR-7": Judged(("read",), "a pointer shows the event that was allocated, byte for byte"),
    "RING-4": Judged(("open",), "a second writer is refused until the first is closed"),
    "RING-18": Judged((r"join \S+ \d",), "a reader gets the events from its first cursor on, or is told what it lost"),
    "RING-47": Judged(("addmany", "room"), "the prefix that fits, and the wake-up of a writer that waits for room"),
    "RING-56": Judged(("leave", "next|nextmany|lag|skip|poll"), "a reader that left is refused"),
    "RING-58": Judged(("wait|room|timedroom", "add|addmany|next|end|evict"), "they return while a thread waits"),
    "RING-59": Judged(("wait|timedwait", "waitat"), "two threads wait for one reader, and both return"),
    "RING-70": Judged(("put", "join|look"), "an event is neither delivered nor retained once its slot is reserved"),
    "RING-78": Judged(("take", "evict"), "a reader that was evicted after it looked at events cannot move past them"),
    "SLOT-1": Judged(("upgrade|clone|inc|from|read", "drop|dec|into|dmany"), "the calls on a slot have one order"),
    "VIEW-4": Judged(("read", "drop|dec|alloc"), "a holder of a reference reads its own event, always"),
    "WEAK-1": Judged(("weak",), "a downgrade changes no count"),
}  # fmt: skip
"""The clauses that clients show by the calls that they make."""


@dataclass(frozen=True)
class Apart:
    """Clauses that say nothing of memory that threads share.

    Attributes:
        title: what they are about.
        reason: why no exploration, model or proof of the core has anything to show of them.
        clauses: their numbers; `MODEL-*` for a whole chapter.
    """

    title: str
    reason: str
    clauses: tuple[str, ...]


def _numbered(text: str) -> tuple[str, ...]:
    """Return the clauses of a text such as `RING-8 33 34`: a chapter, and its numbers."""
    found: list[str] = []
    chapter = ""
    for word in text.split():
        if "-" in word:
            chapter = word.partition("-")[0]
            found.append(word)
        else:
            found.append(f"{chapter}-{word}")
    return tuple(found)


APART: Final = (
    Apart(
        "Python objects",
        "pointers, loans, views, batches, reservations and peeks are objects that the interpreter's lock protects; in "
        "the core they make calls that clients make too",
        _numbered(
            "ALLOC-19 24 LOAN-6 7 8 10 PTR-4 5 6 8 9 17 RING-8 28 53 55 62 64 65 66 67 68 72 74 75 76 77 "
            "VIEW-1 2 3 5 6 7 8 WEAK-7"
        ),
    ),
    Apart(
        "arguments and errors of one call",
        "the call refuses its arguments before it touches memory that threads share, or computes from its own result",
        _numbered("ALLOC-5 23 ERR-1 2 3 4 5 6 7 8 9 10 LOAN-4 RING-24 29 38 69 79"),
    ),
    Apart(
        "calls made of calls that are explored",
        "the call is a sequence of calls of the core, each of which clients make; other calls may come in between",
        _numbered("ALLOC-4 6 21 22"),
    ),
    Apart(
        "the event loop, signals and descriptors",
        "the core wakes a thread or writes to a descriptor, which clients show; Python and the kernel do the rest",
        _numbered("RING-33 34 35 36 37 50 51 52 54"),
    ),
    Apart(
        "layout and encoding",
        "shapes, sizes and codes are fixed before a second thread has access",
        _numbered("LAYOUT-4 7 8 9 PARAM-1 2 3 4 RING-3 SIZE-4 SLOT-15 WEAK-6"),
    ),
    Apart("one thread", "the clause speaks of a thread that allocates alone", ("ALLOC-10",)),
    Apart("the text of the code", "a test reads every access of the sources", ("ORDER-1",)),
    Apart("the reference", "they are about the Python model, which one monitor makes sequential", ("MODEL-*",)),
    Apart("the explorer", "they are about the tool; tests compare it with the axioms and other tools", ("EXPLORE-*",)),
)  # fmt: skip
"""The clauses that tests alone show something of, each with the reason."""


SHARED: Final = Apart("memory that threads share", "more than tests has to show it", ())
"""What a clause is about that is in no group."""


def group_of(clause: str) -> Apart:
    """Return the group that a clause is in."""
    names = (clause, f"{clause.partition('-')[0]}-*")
    return next((group for group in APART if any(name in group.clauses for name in names)), SHARED)


def clients_by_clause() -> dict[str, tuple[str, ...]]:
    """Return the clients of each clause, by name: those below a comment that cites it, then those of its calls."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    names: set[str] = set()
    cited: list[str] = []
    for line in Path(corpus.__file__).read_text(encoding="utf-8").splitlines():
        if group := _GROUP.match(line):
            cited = re.findall(r"[A-Z]+-\d+", group[1])
        elif line == "}":
            cited = []
        elif client := _CLIENT.match(line):
            names.add(client[1])
            for clause in cited:
                found[clause][client[1]] = None
    for clause, judged in BY_CALLS.items():
        for one in corpus.CLIENTS:
            if one.name in names and judged.applies(one):
                found[clause][one.name] = None
    return {clause: tuple(clients) for clause, clients in found.items()}
