"""Refuses code that the explorer cannot follow, by name and with the line.

The engine sees an access to memory if the compiler turned it into a call. This module searches for what evades that:
flags and attributes that switch the instrumentation off, inline assembly, and instructions that no instrumented C
compiles to.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rusted_ring.verify.explorer.symbols import place_in_object
from rusted_ring.verify.explorer.toolchain import CannotBuild, architecture

_HIDDEN = re.compile(
    r"-fno-sanitize|-fsanitize|-mllvm|-Xclang|-Xarch|-cc1|-fplugin|-fpass-plugin|-specs|--specs|--config|-flto|-B|@"
    r"|--param=?.*tsan|-wrapper|-save-temps|--save-temps|-no-integrated-cpp|-Xpreprocessor|-Xassembler|-Wa,|-Wp,(?!-[DU])"
)
_MODES = re.compile(r"-E$|-S$|-MM?$|-o|-fsyntax-only$|-x")

_HARMLESS_SANITIZERS = {
    *("address", "kernel-address", "hwaddress", "undefined", "memory", "leak", "bounds", "null", "alignment"),
    *("signed-integer-overflow", "unsigned-integer-overflow", "shift", "integer", "function", "vptr", "cfi"),
}
_ATTRIBUTE = re.compile(r"__attribute__|\[\[|#\s*pragma\s+clang\s+attribute|\b__declspec")
_SWITCHED_OFF = re.compile(
    r"\b(?:__)?(no_sanitize_thread|disable_sanitizer_instrumentation|naked|no_sanitize)(?:__)?\b\s*(\([^)]*\))?"
)
_OPTIMIZED = re.compile(r"\b(?:__)?optimize(?:__)?\b\s*\(|#\s*pragma\s+GCC\s+optimize")
_LITERAL = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_TOKEN = re.compile(r"\w+|[^\s\w]")
_ASM = re.compile(r"(?:__)?asm(?:__)?")
_MARKER = re.compile(r'#(?:line)?\s+(\d+)\s+"((?:[^"\\]|\\.)*)"((?:\s\d)*)\s*$')

_ASSEMBLY = re.compile(r"\s*(?:#|//|@|;)\s*(NO_)?APP\s*$")
_ASSEMBLY_LINE = re.compile(r'\s*(?:#|//|@|;)\s*(\d+)\s+"([^"]*)"')
_LOCATION = re.compile(r"\s*\.loc\s+\d+\s+(\d+)")
_COMMENT = re.compile(r"/\*.*?\*/|(?:^|\s)(?:#|//)(?![0-9-]).*$")
_OF_COMPILER = re.compile(r"\s*(?:\.loc\s|\.L\w+:)")
_HINTS = {"nop", "pause", "rep", "yield", "isb", "wfe", "hint", "endbr64"}
_REGISTERS: Final = {
    "x86_64": re.compile(r"%(?!(?:r|e)?sp\b|[c-gs]s\b|cr\d|dr\d)\w+$|\$-?\w+$"),
    "aarch64": re.compile(r"[xwvqdshb]\d+(?:\.\w+)?$|[xw]zr$|#-?\w+$"),
}
_IMPLICIT = re.compile(r"push|pop|call|ret|j|loop|xlat|enter|leave|int|b$|bl|br|cb|tb|svc|mrs|msr|ld|st|prf|in|out")

_FORBIDDEN: Final = {
    "x86_64": re.compile(
        r"(?:lock|[lms]fence|rdtscp?|rdpmc|rdrand|rdseed|rdpid|cpuid|syscall|sysenter|int|hlt|in|out|ins[bwl]|outs[bwl]"
        r"|clflush\w*|clwb|cldemote|v?movnt\w*|v?maskmov\w*|v?pmaskmov\w*|v?lddqu|v?p?gather\w*|v?p?scatter\w*"
        r"|cmpxchg\w*|xadd\w*|xbegin|xend|xabort|xtest|xacquire|xrelease|u?monitorx?|u?mwaitx?|tpause|movdir\w*|enqcmd\w*"
        r"|xsave\w*|xrstor\w*|fxsave\w*|fxrstor\w*|rd[fg]sbase|wr[fg]sbase|serialize|repn?[ez]|repnz)$"
    ),
    "aarch64": re.compile(
        r"(?:ld(?:a|l)?x[rp]\w*|st(?:l)?x[rp]\w*|lda(?:p)?(?:u)?r\w*|stlu?r\w*|ldlar\w*|stllr\w*|cas\w*|swp\w*"
        r"|(?:ld|st)(?:add|clr|set|eor|[su]max|[su]min)\w*|d[ms]b|svc|hvc|smc|mrs|msr|ldnp|stnp|dc|ic|sys|rndr\w*)$"
    ),
}
_FUNCTION = re.compile(r"[0-9a-f]+ <(.+)>:$")
_INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\t(\S+)\s*([^\t#]*)")


def check_flags(flags: Sequence[str]) -> None:
    """Refuse flags that control the instrumentation or the outputs of the compiler.

    Raises:
        CannotBuild: there is such a flag.
    """
    for at, flag in enumerate(flags):
        before = flags[at - 1] if at else ""
        if before in ("-include", "-I", "-D", "-U", "-isystem", "-iquote", "-idirafter", "-imacros"):
            continue
        if before == "--param" and "tsan" in flag:
            flag = f"--param {flag}"
        if _HIDDEN.match(flag):
            raise CannotBuild(f"refused: the flag {flag} decides what is instrumented, which is for the explorer to do")
        if _MODES.match(flag):
            raise CannotBuild(
                f"refused: the flag {flag} decides what is compiled to what, which is for the explorer to do"
            )


def check_source(preprocessed: str) -> list[str]:
    """Search a preprocessed source for assembly at file scope, and for attributes that switch instrumentation off.

    Args:
        preprocessed: the output of `-E`.

    Returns:
        The locations of functions with an optimisation level of their own, as `file.c:12`.

    Raises:
        CannotBuild: the source has either.
    """
    optimized = []
    depth, last = 0, ";"
    for file, line, text in _own_lines(preprocessed):
        for token in _TOKEN.finditer(_LITERAL.sub('""', text)):
            if _ASM.fullmatch(token[0]) and depth == 0 and last in ";}":
                raise CannotBuild(
                    f"refused: assembly at file scope at {Path(file).name}:{line}, which the explorer does not follow"
                )
            depth += {"{": 1, "}": -1}.get(token[0], 0)
            last = token[0]
        if _OPTIMIZED.search(text) and ("pragma" in text or _ATTRIBUTE.search(text)):
            optimized.append(f"{Path(file).name}:{line}")
        for found in _SWITCHED_OFF.finditer(text):
            before = text[: found.start()]
            start = max((start.start() for start in _ATTRIBUTE.finditer(before)), default=-1)
            if start < 0 or _closes(before[start:]):
                continue
            named = set(re.findall(r"[\w-]+", found[2] or "")) if found[1] == "no_sanitize" else {"thread"}
            if not named <= _HARMLESS_SANITIZERS:
                raise CannotBuild(
                    f"refused: the attribute {found[0].strip()} at {Path(file).name}:{line}, which switches the "
                    "instrumentation off"
                )
    return optimized


def _closes(text: str) -> bool:
    """Return whether an attribute that begins a text also ends in it."""
    if text.startswith("[["):
        return "]]" in text
    return "pragma" not in text and "(" in text and text.count("(") <= text.count(")")


def _own_lines(preprocessed: str) -> Iterator[tuple[str, int, str]]:
    """Yield the parts of a preprocessed source outside system headers: the file, the line, and one declaration.

    An attribute may extend over several lines: lines are joined as long as parentheses are open.
    """
    file, line, system = "", 0, False
    text, begun, open_ = "", 0, 0
    for words in preprocessed.splitlines():
        marker = _MARKER.match(words)
        if marker is not None:
            line, file, system = int(marker[1]) - 1, marker[2], "3" in marker[3].split()
            continue
        line += 1
        if system:
            continue
        if not text:
            begun = line
        text += (" " if text else "") + words
        open_ += words.count("(") + words.count("[") - words.count(")") - words.count("]")
        if open_ <= 0 or len(text) > 20_000:
            if text.strip():
                yield file, begun, text
            text, open_ = "", 0
    if text.strip():
        yield file, begun, text


def check_assembly(assembly: str, source: Path) -> None:
    """Search a compiler's output for inline assembly that accesses memory.

    Empty statements, hints to the processor and instructions that use only registers are allowed.

    Args:
        assembly: the output of `-S`.
        source: the file, for output that does not name it.

    Raises:
        CannotBuild: there is such a statement.
    """
    inside, line, file = False, 0, source.name
    for words in assembly.splitlines():
        mark = _ASSEMBLY.match(words)
        if mark is not None:
            inside, file = mark[1] is None, source.name
            continue
        if not inside:
            location = _LOCATION.match(words)
            line = int(location[1]) if location is not None else line
            continue
        given = _ASSEMBLY_LINE.match(words)
        if given is not None:
            if given[2]:
                line, file = int(given[1]), Path(given[2]).name
            continue
        if _OF_COMPILER.match(words):
            continue  # gcc puts consecutive statements into one part
        for statement in _COMMENT.sub("", words).split(";"):
            if not _is_harmless(statement.strip()):
                raise CannotBuild(
                    f"refused: inline assembly at {file}:{line} ({' '.join(statement.split())}), which the explorer "
                    "does not follow"
                )


def _is_harmless(statement: str) -> bool:
    mnemonic, _, rest = statement.partition("\t") if "\t" in statement else statement.partition(" ")
    if not statement or (mnemonic in _HINTS and (not rest or mnemonic in ("rep", "hint", "isb"))):
        return mnemonic != "rep" or rest.strip() in ("", "nop")
    registers, forbidden = _REGISTERS.get(architecture()), _FORBIDDEN.get(architecture())
    operands = [operand.strip() for operand in rest.split(",")]
    return (
        registers is not None
        and forbidden is not None
        and not forbidden.match(mnemonic)
        and not _IMPLICIT.match(mnemonic)
        and all(registers.match(operand) for operand in operands)
    )


def check_instructions(file: Path, what: str) -> None:
    """Search an object file for instructions that instrumented code never compiles to.

    Args:
        file: the object file.
        what: its source, for the message.

    Raises:
        CannotBuild: it has such an instruction, or the instructions of this machine are not known.
    """
    for found in forbidden_instructions(file):
        where = place_in_object(file, found.section, found.offset)
        raise CannotBuild(
            f"refused: the instruction {found.name} in {found.function}() at {where or what}, which is not instrumented"
        )


class Instruction(NamedTuple):
    """An instruction of an object file: its section, its offset in that, its function and its name."""

    section: str
    offset: int
    function: str
    name: str


def forbidden_instructions(file: Path) -> Iterator[Instruction]:
    """Find the instructions of an object file or an archive that instrumented code never compiles to.

    Raises:
        CannotBuild: this machine's are not known.
    """
    forbidden = _FORBIDDEN.get(architecture())
    if forbidden is None:
        raise CannotBuild(f"refused: on {architecture()} it is not known which instructions are not instrumented")
    said = subprocess.run(
        ["objdump", "-dw", "--no-show-raw-insn", str(file)], capture_output=True, text=True, check=False
    ).stdout
    function, section = "", ""
    for line in said.splitlines():
        if line.startswith("Disassembly of section "):
            section = line.removeprefix("Disassembly of section ").rstrip(":")
            continue
        named = _FUNCTION.match(line)
        if named is not None:
            function = named[1]
            continue
        found = _INSTRUCTION.match(line)
        if found is None:
            continue
        bare = found[2] == "xchg" and "(" in found[3]
        if bare or forbidden.match(found[2]) or (found[2] == "data16" and "lock" in found[3]):
            if found[2].startswith("rep") and not re.match(r"scas|cmps", found[3]):
                continue  # copies and fills by the compiler, of objects that are instrumented as a whole
            if found[2] == "mrs" and "tpidr_el0" in found[3].lower():
                continue  # the addresses of thread-local variables
            yield Instruction(section, int(found[1], 16), function, found[2])
