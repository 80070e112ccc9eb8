"""The steps of a run as Python source: a snippet that runs by itself and fails on a faulty backend [ERR-1]."""

from collections.abc import Callable
from typing import Any, Final

from rusted_ring.verify.support.backend import import_line

PATTERN_PERIOD = 251  # a prime: no two 64-byte lines of a payload are equal, so that a wrong line is detected
PATTERN = bytes(range(PATTERN_PERIOD)) * 600
SHORT_PAYLOAD = 12


class Pair:
    """A pair of corresponding objects of both worlds, with its name in the script [ERR-1].

    Attributes:
        actual: the backend's object.
        expected: the reference's object.
        name: the variable of the script.
        note: data that the engine keeps with the pair.
    """

    __slots__ = ("actual", "expected", "name", "note")

    def __init__(self, actual: Any, expected: Any, name: str, note: Any = None) -> None:
        """Bind the two [ERR-1]."""
        self.actual = actual
        self.expected = expected
        self.name = name
        self.note = note


class Literal:
    """A value for both worlds, with the source that makes it [ERR-1]."""

    __slots__ = ("source", "value")

    def __init__(self, value: Any, source: str) -> None:
        """Bind value and source [ERR-1]."""
        self.value = value
        self.source = source


def payload(length: int, tag: int) -> Literal:
    """Return `length` bytes that differ from index to index and from tag to tag [PTR-7]."""
    value = PATTERN[tag : tag + length]
    return Literal(value, repr(value) if length <= SHORT_PAYLOAD else f"PATTERN[{tag}:{tag + length}]")


HELPERS: Final = """\
def plain(value):
    if value is None or isinstance(value, (bytes, str, float, bool)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, memoryview):
        return (value.format, value.readonly, value.tobytes())
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(plain(item) for item in value)
    if hasattr(value, "first_sequence") and hasattr(value, "__iter__"):
        return (value.first_sequence, plain(list(value)), tuple(value.lengths), bytes(value.data))
    if hasattr(value, "slot_index"):
        return (int(value.pool_id), value.slot_index, value.generation)
    return value.__name__ if isinstance(value, type) else "an object"


def outcome(call):
    try:
        return plain(call())
    except Exception as error:
        name = type(error).__name__
        return (name, error.skipped, error.next_sequence) if name == "Lagged" else name
"""
helpers: Final[dict[str, Any]] = {}
exec(HELPERS, helpers)  # the engine itself compares by the functions of the snippets
plain: Final[Callable[[Any], Any]] = helpers["plain"]


def shown(value: object) -> str:
    """Return the source of a plain value."""
    if isinstance(value, bytes) and len(value) > SHORT_PAYLOAD:
        start = value[0]
        if start < PATTERN_PERIOD and PATTERN[start : start + len(value)] == value:
            return f"PATTERN[{start}:{start + len(value)}]"
        if not any(value):
            return f"bytes({len(value)})"
    if isinstance(value, tuple):
        inner = ", ".join(shown(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


class Script:
    """A cheap log of steps that is turned into source on demand [ERR-1].

    It keeps only names and values, never a handle, since a handle in the log would not be collected.
    """

    def __init__(self, backend: str, profile: str) -> None:
        """Start an empty log.

        Args:
            backend: the name by which `load_backend` finds the implementation.
            profile: the source of the profile, such as `"backend.TINY"`.
        """
        self.backend = backend
        self.profile = profile
        self.entries: list[list[Any]] = []
        self.ending: list[str] = []

    def call(self, template: str, sources: list[Any], name: str) -> list[Any]:
        """Log a call before it is made; the caller later sets the error's name in the returned entry."""
        entry = [template, sources, name, ""]
        self.entries.append(entry)
        return entry

    def line(self, source: str) -> None:
        """Log a statement."""
        self.entries.append([None, source, "", ""])

    @staticmethod
    def expression(template: str, sources: list[Any]) -> str:
        """Return the source of a call."""
        return template.format(*(item if isinstance(item, str) else repr(item) for item in sources))

    def lines(self, entries: list[list[Any]]) -> list[str]:
        """Return the statements of entries."""
        result: list[str] = []
        for template, sources, name, error in entries:
            if template is None:
                result.append(sources)
                continue
            source = self.expression(template, sources)
            statement = f"{name} = {source}" if name else source
            if error:
                result += [f"with contextlib.suppress(Exception):  # {error}", f"    {statement}"]
            else:
                result.append(statement)
        return result

    def expect_result(self, expected: object, clause: str, message: str) -> None:
        """End the script with the last call and a comparison of its outcome with the reference's."""
        template, sources, _, _ = self.entries.pop()
        source = self.expression(template, sources)
        self.expect_value(source, expected, clause, message)

    def expect_no_error(self, error: str, clause: str, message: str) -> None:
        """End the script with the last call, which must not raise this error."""
        template, sources, _, _ = self.entries.pop()
        self.line(f"actual = outcome(lambda: {self.expression(template, sources)})")
        self.ending = [f'assert actual != {error!r}, "[{clause}] {plain_text(message)}"']

    def expect_value(self, source: str, expected: object, clause: str, message: str) -> None:
        """End the script with an expression and a comparison of its value with the reference's."""
        self.ending = [
            f"actual = outcome(lambda: {source})",
            f"expected = {shown(expected)}",
            f'assert actual == expected, f"[{clause}] {braced(message)}: expected {{expected!r}}, got {{actual!r}}"',
        ]

    def expect_true(self, condition: str, clause: str, message: str) -> None:
        """End the script with a condition that must hold."""
        self.ending = [f"assert {condition}, {f'[{clause}] {message}'!r}"]

    def source(self) -> str:
        """Return the whole snippet."""
        body = "\n".join([*self.lines(self.entries), *self.ending])
        uses_profile = "allocator" in body or "EventAllocator" in body
        head = [
            f"import {module}"
            for module in ("array", "collections", "contextlib", "copy", "pickle", "sys")
            if f"{module}." in body
        ]
        if uses_profile and self.profile.startswith("reference."):
            head += ["", "from rusted_ring import reference"]
        imports = import_line(self.backend)
        if "importlib" in imports:
            imports = imports.removeprefix("import importlib\n\n")
            head = sorted({*head, "import importlib"} - {""})
        parts = ["\n".join([*head, "", imports]).strip() + "\n"]
        if "PATTERN" in body:
            parts.append(f"PATTERN = bytes(range({PATTERN_PERIOD})) * 600")
        if "outcome(" in body:
            parts.append(f"\n{HELPERS}\n")
        if uses_profile:
            parts.append(f"allocator = backend.EventAllocator({self.profile})")
        parts.append(body)
        return "\n".join(parts) + "\n"


def plain_text(text: str) -> str:
    """Return a text escaped for a string in double quotes."""
    return text.replace("\\", "\\\\").replace('"', "'").replace("\n", " ")


def braced(text: str) -> str:
    """Return a text escaped for an f-string in double quotes."""
    return plain_text(text).replace("{", "{{").replace("}", "}}")
