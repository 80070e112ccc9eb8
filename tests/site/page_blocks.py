"""The pages of the site as they are written, and their blocks of code."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+)(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
_MARK = re.compile(r"<!-- (?P<kind>command|file|module|output): (?P<name>[\w.]+) -->")


@dataclass(frozen=True)
class Block:
    """A block of code of a page.

    Attributes:
        page: the page, from the root of the checkout.
        line: the line of its first fence.
        language: what stands behind the fence.
        text: what is in it.
        marks: what comments right above it say of it, by kind.
    """

    page: str
    line: int
    language: str
    text: str
    marks: tuple[tuple[str, str], ...]

    def marked(self, kind: str) -> str:
        """What the mark of a kind names, or nothing."""
        return dict(self.marks).get(kind, "")

    @property
    def name(self) -> str:
        """Where the block is."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """The README and the pages of the site, in Markdown."""
    found = [path for path in sorted((ROOT / "spec").rglob("*.md")) if not {"_build", "states"} & set(path.parts)]
    return [path for path in (ROOT / "README.md", *found) if path.is_file()]


def blocks_of(path: Path) -> list[Block]:
    """The blocks of a page in their order."""
    text = path.read_text(encoding="utf-8")
    found = []
    for block in _FENCE.finditer(text):
        above = text[: block.start()].rstrip("\n").split("\n")
        marks: dict[str, str] = {}
        while above and (mark := _MARK.fullmatch(above.pop().strip())):
            marks[mark["kind"]] = mark["name"]
        page = path.relative_to(ROOT).as_posix()
        line = text.count("\n", 0, block.start()) + 1
        found.append(Block(page, line, block["language"].strip(), block["text"], tuple(marks.items())))
    return found


def block(page: str, kind: str, name: str) -> Block:
    """The one block of a page with a mark."""
    (found,) = [found for found in blocks_of(ROOT / page) if found.marked(kind) == name]
    return found
