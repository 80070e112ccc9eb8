"""Finds accesses of a source that a compiler removed before it instrumented them: their data races go undetected.

An access of the build without optimisation is lost in another build if the other one has no access of the same kind to
the same object between the same two synchronisations; a write also stands for a read. Accesses that were merged or
moved within these bounds are not lost. The comparison is of the assembly: each call of the instrumentation, its line,
and its object, as far as the instructions before it show that: a global symbol with an offset, or a pointer, how often
that was assigned before, and an offset.
"""

import collections
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_FILE = re.compile(r'\s*\.file\s+(\d+)\s+(?:"([^"]*)"\s+)?"([^"]*)"')
_PLACE = re.compile(r"\s*\.loc\s+(\d+)\s+(\d+)")
_LABEL = re.compile(r"([\w.$]+):")
_CALL = re.compile(r"\s*(?:call|callq|jmp)\s+\*?([\w.$%()-]+)(?:@PLT)?")
_ACCESS = re.compile(r"__tsan_(?:unaligned_)?(?:volatile_)?(read_write|read|write)(?:\d+|_range)$")
_COPIES = {"memcpy", "memmove", "memset"}
_NOT_SYNCHRONISING = re.compile(r"__tsan_(?:func_|init|vptr)")
_MOVE = re.compile(r"\s*(mov|movq|movabsq|movl|lea|leaq|leal|add|addq)\s+(.+),\s*(%\w+)\s*(?:#.*)?$")
_STORE = re.compile(r"\s*mov\w*\s+(.+),\s*(-?\d+\(%r[bs]p\))\s*(?:#.*)?$")
_WRITES = re.compile(r"\s*(?!cmp|test|push|j|nop)\w+\s+(?:.*,\s*)?(%\w+)\s*(?:#.*)?$")
_SLOT = re.compile(r"(-?\d+)\(%r[bs]p\)$")
_BASED = re.compile(r"(-?\d+)?\((%\w+)\)$")
_SYMBOL = re.compile(r"([A-Za-z_.$][\w.$]*)(?:@\w+)?([+-]\d+)?(?:\(%rip\))?$")
_NUMBER = re.compile(r"\$(-?\d+)$")
_ELEMENT = re.compile(r"([A-Za-z_.$][\w.$]*)(?:[+-]\d+)?\((?!%rip)")
_INDEXED = re.compile(r"-?\d*\((%\w+),(%\w+)(?:,\d)?\)$")
_TARGET = re.compile(r"\sj\w+\s+([\w.$]+)|\.(?:quad|long)\s+(\.L\w+)")
_JUMP = re.compile(r"\s*(j\w+|retq?|ud2)\b\s*(?:\*?([\w.$]+|\S+))?")
_TLS = re.compile(r"\$?([\w.$]+)@tpoff", re.IGNORECASE)
_KEPT = re.compile(r"\s*movq\s+(%\w+),\s*[^%]*(?:\(.*\)|[\w.+]+)\s*(?:#.*)?$")
_ARGUMENTS = ("di", "si", "d", "c", "8", "9")
_CALLER_SAVED = {"a", "c", "d", "si", "di", "8", "9", "10", "11"}

Value = tuple[str, int, int]
"""The value of a register: its origin (`=x` the address of x, `*x` that of an element, `@x` the value of x, a local
variable, and so on by `>` through pointers), how often that was assigned before, and an offset."""


class Place(NamedTuple):
    """A line of a source."""

    file: str
    line: int

    def __str__(self) -> str:
        """Return it as `file.c:12`."""
        return f"{Path(self.file).name}:{self.line}"


@dataclass(frozen=True)
class Access:
    """One instrumented access.

    Attributes:
        place: its line.
        function: the function that it is in.
        kinds: `r`, `w` or both.
        key: its object, or None if it is not known.
        part: how many synchronisations precede it in the function's text.
        step: its index among the steps of the function.
    """

    place: Place
    function: str
    kinds: str
    key: Value | None
    part: int
    step: int


@dataclass
class Flow:
    """The control flow of a function; a step is an access, a synchronisation, or nothing."""

    steps: list[str] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    jumps: list[tuple[int, str]] = field(default_factory=list)
    ends: set[int] = field(default_factory=set)

    def add(self, step: str) -> int:
        """Add a step, and return its index."""
        self.steps.append(step)
        return len(self.steps) - 1

    def edges(self) -> tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]]:
        """Return for each step its successors, and for each step its predecessors."""
        after: list[list[int]] = [[at + 1] if at not in self.ends else [] for at in range(len(self.steps))]
        if after and after[-1]:
            after[-1] = []
        for at, name in self.jumps:
            # A jump through a table may have any target.
            after[at] += [self.labels[name]] if name in self.labels else list(self.labels.values())
        before: list[list[int]] = [[] for _ in after]
        for at, following in enumerate(after):
            for other in following:
                before[other].append(at)
        return after, before


@dataclass
class Unit:
    """The compiled accesses and calls of functions of a source."""

    accesses: list[Access] = field(default_factory=list)
    calls: dict[Place, list[tuple[str, str]]] = field(default_factory=lambda: collections.defaultdict(list))
    functions: dict[str, Flow] = field(default_factory=dict)
    escaped: set[tuple[str, str]] = field(default_factory=set)
    """Local variables, by function, whose addresses escape."""


def _register(name: str) -> str:
    """Name a register without its width."""
    bare = name.lstrip("%")
    if bare[:1] in "re" and not bare[1:2].isdigit():
        bare = bare[1:]
    return bare.rstrip("dwbl") if bare[:1].isdigit() or bare[1:2].isdigit() else bare[0] if bare[1:] in "xhl" else bare


class _Reader:
    """Reads assembly of x86-64, and tracks the values of registers from label to label."""

    def __init__(self) -> None:
        self.unit = Unit()
        self.files: dict[str, str] = {}
        self.place = Place("", 0)
        self.function = ""
        self.part = 0
        self.flow = Flow()
        self.held: dict[str, Value] = {}
        self.slots: dict[str, Value] = {}
        self.assigned: collections.Counter[str] = collections.Counter()

    def read(self, assembly: str) -> Unit:
        functions = set(re.findall(r"\.type\s+([\w.$]+),\s*@function", assembly))
        targets = {name for names in _TARGET.findall(assembly) for name in names} | functions
        for line in assembly.splitlines():
            label = _LABEL.match(line)
            if label is not None:
                if label[1] in targets:
                    self.held.clear()
                    self.slots.clear()
                if label[1] in functions:
                    self.function, self.part = label[1].partition(".")[0], 0
                    self.assigned.clear()
                    self.flow = self.unit.functions[self.function] = Flow()
                self.flow.labels[label[1]] = self.flow.add("")
                continue
            self._line(line)
        return self.unit

    def _line(self, line: str) -> None:
        file, place, call = _FILE.match(line), _PLACE.match(line), _CALL.match(line)
        if file is not None:
            self.files[file[1]] = file[3]
        elif place is not None:
            self.place = Place(Path(self.files.get(place[1], "")).name, int(place[2]))
        elif call is not None and (line.lstrip().startswith("call") or call[1].startswith("__tsan_")):
            self._call(call[1].partition("@")[0])
        else:
            jump = _JUMP.match(line)
            if jump is not None:
                at = self.flow.add("")
                if jump[2]:
                    self.flow.jumps.append((at, "" if "*" in line else jump[2]))
                if jump[1] in ("jmp", "ret", "retq", "ud2"):
                    self.flow.ends.add(at)
            self._instruction(line)

    def _call(self, name: str) -> None:
        access = _ACCESS.match(name)
        if access is not None or name in _COPIES:
            kinds = {"read": "r", "write": "w", "read_write": "rw"}[access[1]] if access is not None else "rw"
            key = self.held.get("di")
            step = self.flow.add("access")
            self.unit.accesses.append(Access(self.place, self.function, kinds, key, self.part, step))
        elif not _NOT_SYNCHRONISING.match(name):
            if not name.startswith("__tsan_"):
                for register in _ARGUMENTS:
                    self._give_away(self.held.get(register))
            self.part += 1
            self.flow.add("synchronisation")
            self.unit.calls[self.place].append((self.function, name.partition(".")[0]))
        for register in _CALLER_SAVED:
            self.held.pop(register, None)

    def _give_away(self, held: Value | None) -> None:
        if held is not None and held[0].startswith("&"):
            self.unit.escaped.add((self.function, held[0]))

    def _instruction(self, line: str) -> None:
        moved, stored = _MOVE.match(line), _STORE.match(line)
        if stored is not None:
            self.assigned[stored[2]] += 1
            held = self.held.get(_register(stored[1])) if stored[1].startswith("%") else None
            self.slots.pop(stored[2], None)
            if held is not None:
                self.slots[stored[2]] = held
        elif _KEPT.match(line) is not None:
            self._give_away(self.held.get(_register(_KEPT.sub(r"\1", line))))
        elif moved is not None:
            self._move(moved[1], moved[2].strip(), _register(moved[3]))
        else:
            written = _WRITES.match(line)
            if written is not None:
                self.held.pop(_register(written[1]), None)

    def _move(self, what: str, source: str, target: str) -> None:
        before = self.held.pop(target, None)
        number, slot = _NUMBER.match(source), _SLOT.match(source)
        based, symbol = _BASED.match(source), _SYMBOL.match(source.lstrip("$"))
        element, indexed = _ELEMENT.match(source), _INDEXED.match(source)
        own = _TLS.match(source)
        if own is not None:
            self.held[target] = (f"={own[1]}", 0, 0)
        elif what.startswith("add"):
            other = self.held.get(_register(source)) if source.startswith("%") else None
            if number is not None and before is not None:
                self.held[target] = (before[0], before[1], before[2] + int(number[1]))
            elif source.startswith("$") and symbol is not None:
                self.held[target] = (f"*{symbol[1]}", 0, 0)
            else:
                self._element(target, before, other)
        elif source.startswith("%"):
            held = self.held.get(_register(source)) if _register(source) != target else before
            if held is not None:
                self.held[target] = held
        elif slot is not None:
            if what.startswith("lea"):
                self.held[target] = (f"&{source}", 0, 0)
            else:
                self.held[target] = self.slots.get(source, (source, self.assigned[source], 0))
        elif based is not None:
            base = before if _register(based[2]) == target else self.held.get(_register(based[2]))
            offset = int(based[1] or 0)
            if base is not None and what.startswith("lea"):
                self.held[target] = (base[0], base[1], base[2] + offset)
            elif base is not None:
                self.held[target] = (f"{base[0]}+{base[2] + offset}>", base[1] + self.part, 0)
        elif indexed is not None and what.startswith("lea"):
            parts = [
                before if _register(name) == target else self.held.get(_register(name)) for name in indexed.groups()
            ]
            self._element(target, *parts)
        elif element is not None and what.startswith("lea"):
            self.held[target] = (f"*{element[1]}", 0, 0)
        elif symbol is not None and (source.startswith("$") or what.startswith("lea") or "@GOT" in source):
            self.held[target] = (f"={symbol[1]}", 0, int(symbol[2] or 0))
        elif symbol is not None:
            self.held[target] = (f"@{symbol[1]}{symbol[2] or ''}", self.part, 0)

    def _element(self, target: str, one: Value | None, other: Value | None) -> None:
        """Set a register to the sum of an address and an index: some element."""
        known = sorted(value for value in (one, other) if value is not None)
        frame = next((value for value in known if value[0].startswith("&")), None)
        base = next((value for value in known if value[0][0] in "=*"), None)
        if frame is not None:
            self.held[target] = frame
        elif base is not None:
            self.held[target] = (f"*{base[0].lstrip('=*')}", 0, 0)
        elif known:
            self.held[target] = ("[" + "|".join(value[0] for value in known), sum(value[1] for value in known), 0)


def read_unit(assembly: str) -> Unit:
    """Read the assembly of one source, for x86-64."""
    return _Reader().read(assembly)


def removed(plain: Unit, explored: Unit) -> list[Place]:
    """Return the lines with accesses, or calls of functions, of one build that are lost in the other.

    Args:
        plain: the build without optimisation.
        explored: the other build, of which no function was inlined that need not be.
    """
    there = _by_place(explored.accesses)
    kept: dict[str, dict[int, Access]] = collections.defaultdict(dict)
    lost: list[Access] = []
    edges = {name: flow.edges() for name, flow in plain.functions.items()}

    def keep(group: Iterable[Access]) -> None:
        for one in group:
            kept[one.function][one.step] = one

    def stands(access: Access) -> bool:
        steps = plain.functions[access.function].steps
        return access.key is not None and any(
            _always(access, direction, steps, kept[access.function]) for direction in edges[access.function]
        )

    open_: list[tuple[list[Access], list[Access]]] = []
    seen = [one for one in plain.accesses if one.function in explored.functions and not _is_own(one, plain)]
    for place, accesses in _by_place(seen).items():
        free = list(there.get(place, ()))
        groups: dict[tuple[str, Value | int, int], list[Access]] = collections.defaultdict(list)
        for number, access in enumerate(accesses):
            groups[access.kinds, access.key if access.key is not None else number, access.part].append(access)
        for group in sorted(groups.values(), key=lambda group: "w" not in group[0].kinds):
            same = next((one for one in free if _is_known(one.key) and _same(one, group[0])), None)
            if same is not None:
                free.remove(same)
                keep(group)
            else:
                open_.append((group, free))
    # An access that the other build does not name may be any of the rest that has no other substitute.
    for group, free in open_:
        able = next((one for one in free if not _may_not_be(one, group[0])), None)
        if able is not None and not stands(group[0]):
            free.remove(able)
            keep(group)
        else:
            lost += group
    # A compiler may lose the line of an access that it moves, or give it that of another instruction.
    placed = {(one.function, one.place, one.key) for one in plain.accesses}
    moved = [
        one for one in explored.accesses if _is_known(one.key) and (one.function, one.place, one.key) not in placed
    ]
    found = {
        access.place
        for access in lost
        if not stands(access) and not any(one.function == access.function and _same(one, access) for one in moved)
    }
    return sorted(found | _lost_calls(plain, explored))


def _always(
    access: Access, following: Sequence[Sequence[int]], steps: Sequence[str], kept: Mapping[int, Access]
) -> bool:
    """Return whether every path from an access, or to it, meets a substitute before a synchronisation."""
    open_, seen = list(following[access.step]), {access.step}
    if not open_:
        return False
    while open_:
        at = open_.pop()
        if at in seen:
            continue
        seen.add(at)
        other = kept.get(at)
        if other is not None and other.key == access.key and _stands_for(other, access):
            continue
        if steps[at] == "synchronisation" or not following[at]:
            return False
        open_ += following[at]
    return True


def _lost_calls(plain: Unit, explored: Unit) -> set[Place]:
    """Return the lines with calls of the program's own functions that were removed."""
    found = set()
    for place, calls in plain.calls.items():
        left = {name for _, name in explored.calls.get(place, ())}
        for function, name in calls:
            if function in explored.functions and name in plain.functions and name not in left:
                found.add(place)
    return found


def _by_place(accesses: Iterable[Access]) -> dict[Place, list[Access]]:
    found: dict[Place, list[Access]] = collections.defaultdict(list)
    for access in accesses:
        found[access.place].append(access)
    return found


def _is_known(key: Value | None) -> bool:
    """Return whether both builds name an object in this way."""
    return key is not None and key[0][0] in "=*"


def _is_own(access: Access, unit: Unit) -> bool:
    """Return whether it is of a local variable whose address does not escape, which may be in a register elsewhere."""
    return (
        access.key is not None
        and access.key[0].startswith("&")
        and (access.function, access.key[0]) not in unit.escaped
    )


def _same(one: Access, other: Access) -> bool:
    if one.key is None or other.key is None or not _stands_for(one, other):
        return False
    if one.key[0].startswith("*") or other.key[0].startswith("*"):  # an element of an array
        return one.key[0].lstrip("=*") == other.key[0].lstrip("=*")
    return one.key == other.key


def _may_not_be(one: Access, other: Access) -> bool:
    return not _stands_for(one, other) or (_is_known(one.key) and _is_known(other.key))


def _stands_for(one: Access, other: Access) -> bool:
    return "w" in one.kinds if "w" in other.kinds else True


# --- what gcc's front end removes, or does not instrument

_FUNCTION = re.compile(r";; Function (\w+)")
_CAST = re.compile(r"^(?:\((?:const |volatile |unsigned |struct |union |enum )*\w+(?: \**)?\) ?)+")
_CALL_RESULT = re.compile(r"\s*((?:\[[^\]]*:\d+:\d+\] )+)([^=;]*[^=;\s]) = [\w.]+ \(.*\)[^;]*;")
_WHERE = re.compile(r"\[([^\]]*):(\d+):\d+\]")
_NO_EXPRESSION = re.compile(r"[=?:]|\+\+|--|\w \(|^(?:goto|return|if|else|switch|case|default|break|while|do|for)\b")
_DECLARATION = re.compile(
    r"^(?:(?:static|extern|const|volatile|unsigned|struct|union|enum|atomic|_Atomic) )*[A-Za-z_]\w* (?:\*+ ?)*"
    r"(?:const |volatile )?[A-Za-z_]\w*(?:\[\w*\])*$"
)


def unread(original: str, source: str, unit: Unit, variables: Iterable[str], file: str) -> list[str]:
    """Find statements that only read and that gcc's front end removes.

    Args:
        original: the output of `-fdump-tree-original`.
        source: the C source, for the lines of the statements.
        unit: the compiled accesses and calls of the source.
        variables: the names of the source's global and static variables.
        file: the name of the source.

    Returns:
        Their locations, as `file.c:12`, or `f() in file.c` if the line is not found.
    """
    known, found, function = set(variables), [], ""
    used: set[int] = set()
    there = _by_place(unit.accesses)
    lines = source.splitlines()
    for words in original.splitlines():
        named = _FUNCTION.match(words)
        function = named[1] if named is not None else function
        statement = words.strip()
        # Volatile objects are read.
        if not statement.endswith(";") or statement.startswith((";;", "}")) or "volatile" in statement:
            continue
        bare = _CAST.sub("", statement[:-1]).strip()
        if _NO_EXPRESSION.search(bare.replace("==", "").replace("!=", "").replace("->", ".")) or _DECLARATION.match(
            bare
        ):
            continue
        names = re.findall(r"(?<![\w.])[A-Za-z_]\w*", bare.replace("->", "."))
        through = bare.count("->") + len(re.findall(r"(?:^|[( ])\*", bare)) + bare.count("[")
        shared = [name for name in names if name in known and f"{name}[" not in bare]
        if not shared and not (
            "->" in bare or "*" in bare or any(f"{name}[" in bare for name in names if name in known)
        ):
            continue
        wanted = len(shared) + through
        line = _line_of(bare, function, lines, used)
        used.add(line)
        if line and len(there.get(Place(file, line), ())) >= wanted:
            continue
        found.append(f"{file}:{line}" if line else f"{function}() in {file}")
    return list(dict.fromkeys(found))


def _line_of(statement: str, function: str, lines: Sequence[str], used: set[int]) -> int:
    """Return a line with the text of a statement that is not in `used`; 0 if there is none."""
    wanted = re.sub(r"\s", "", statement)
    inside = False
    for number, line in enumerate(lines, 1):
        inside = inside or re.search(rf"\b{re.escape(function)}\s*\(", line) is not None
        if (
            inside
            and number not in used
            and re.search(rf"(?:^|[;{{}})(,]){re.escape(wanted)}[;,)]", re.sub(r"\s", "", line))
        ):
            return number
    return 0


def unwritten(gimple: str, unit: Unit, variables: Iterable[str]) -> list[str]:
    """Find structures that a call returns into memory that threads may share, which gcc does not instrument.

    Args:
        gimple: the output of `-fdump-tree-gimple-lineno`.
        unit: the compiled accesses and calls of the source.
        variables: the names of the source's global and static variables.

    Returns:
        Their locations, as `file.c:12`.
    """
    known, found = set(variables), []
    there = _by_place(unit.accesses)
    for words in gimple.splitlines():
        call = _CALL_RESULT.match(words)
        if call is None:
            continue
        target = re.sub(r"\[[^\]]*:\d+:\d+\] ", "", call[2])
        where = _WHERE.search(call[1])
        base = re.match(r"[A-Za-z_]\w*", target)
        if target == "*<retval>":
            continue  # in C++: the caller's memory for an object, which the called constructor writes
        if where is None or not (target.startswith("*") or "->" in target or (base is not None and base[0] in known)):
            continue
        place = Place(Path(where[1]).name, int(where[2]))
        if not any("w" in access.kinds for access in there.get(place, ())):
            found.append(str(place))
    return list(dict.fromkeys(found))
