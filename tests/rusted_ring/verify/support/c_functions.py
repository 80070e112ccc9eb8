"""Finds the functions of the core's C sources by name, whatever file they are in.

The sources share one layout: a function's head and the braces around its body begin at the margin.
"""

import collections
import dataclasses
import pathlib
import re
from collections.abc import Iterator

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_FUNCTION = re.compile(
    r"^(?P<head>[A-Za-z_][^;{}]*?\b(?P<name>\w+)\([^;{}]*\))\s*\n\{(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL
)


@dataclasses.dataclass(frozen=True)
class Function:
    """One definition of a function.

    Attributes:
        name: its name.
        path: the file that it is in.
        start: the offset of its head in the file's text.
        end: the offset in the text after its body.
        body: the text between its braces, comments blanked out.
    """

    name: str
    path: pathlib.Path
    start: int
    end: int
    body: str


def without_comments(source: str) -> str:
    """Blank comments out; line numbers stay the same."""
    return COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), source)


def functions_in(path: pathlib.Path) -> Iterator[Function]:
    """Find the functions that a file defines, in their order."""
    for found in _FUNCTION.finditer(without_comments(path.read_text(encoding="utf-8"))):
        yield Function(found["name"], path, found.start(), found.end(), found["body"])


class Functions:
    """The functions of all sources in a folder.

    Attributes:
        folder: the folder.
        definitions: the definitions by name; several if the preprocessor selects one of them.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Read the sources.

        Args:
            folder: the folder, whose `*.c` and `*.h` are read.
        """
        self.folder = folder
        self.definitions: dict[str, list[Function]] = collections.defaultdict(list)
        for path in sorted(folder.glob("*.[ch]")):
            for function in functions_in(path):
                self.definitions[function.name].append(function)

    def text(self, function: Function) -> str:
        """Return a function's text, comments included."""
        return function.path.read_text(encoding="utf-8")[function.start : function.end]

    def bodies(self) -> dict[str, str]:
        """Return the bodies of the functions that are defined once, comments blanked out."""
        return {name: found[0].body for name, found in self.definitions.items() if len(found) == 1}
