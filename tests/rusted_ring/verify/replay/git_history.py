"""A git history as events [RING-5].

The first-parent history is read oldest first. Each hunk of each commit is an event, and so are each creation and
deletion of a file and each change of a file's mode; a merge counts as its difference from its first parent. The
document is the tree: the mode, path and bytes of every file and symbolic link. It must end as the tree of the last
commit, which other git commands (`ls-tree` and `cat-file`) read. Submodules are left out, since their files are not in
the repository.
"""

import collections
import os
import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from rusted_ring.verify.replay.documents import MAX_BYTES, Event, MergeError, TooLarge, Workload
from rusted_ring.verify.support.errors import InputError

MAKE, HUNK, MODE, DELETE = 1, 2, 3, 4
"""The event types of a history."""

_SUBMODULE = b"160000"
_HEADER = struct.Struct("<IIII")
_HUNK_LINE = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb'\\([abtnvfr"\\]|[0-7]{3})')
_ESCAPED = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))
_GIT_SECONDS = 300
_LEFT_BY_GIT = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_DIFF_OPTS",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
)

# The user's configuration must not change the output.
_SETTINGS = (
    "log.showRoot=true",
    "log.showSignature=false",
    "log.diffMerges=first-parent",
    "log.mailmap=false",
    "diff.interHunkContext=0",
    "diff.suppressBlankEmpty=false",
    f"diff.orderFile={os.devnull}",
    "diff.ignoreSubmodules=none",
    "core.quotePath=true",
)
_LOG = (
    "log",
    "--first-parent",
    "-m",
    "--reverse",
    "--format=commit %H",
    "--patch",
    "--unified=0",
    "--inter-hunk-context=0",
    "--text",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--full-index",
    "--no-color",
    "--no-notes",
    "--no-decorate",
    "--no-relative",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


class Lines(Protocol):
    """The output of git, line by line."""

    def readline(self) -> bytes:
        """Return the next line with its line feed, or nothing at the end."""
        raise NotImplementedError


class _Bounded:
    """The lines of a stream, up to a number of bytes."""

    def __init__(self, stream: IO[bytes], name: object, limit: int) -> None:
        self._stream, self._name, self._limit = stream, name, limit
        self._read = 0

    def readline(self) -> bytes:
        """Return the next line, without reading more of it than is allowed."""
        line = self._stream.readline(self._limit - self._read + 1)
        self._read += len(line)
        if self._read > self._limit:
            raise TooLarge(self._name, self._limit, ", or take fewer commits by --commits")
        return line


def check_history(path: Path) -> None:
    """Check that a folder has a git history with commits.

    Raises:
        InputError: it has none, or git is missing or fails.
    """
    if not path.exists():
        raise InputError(f"{path}: no such folder")
    if not path.is_dir():
        raise InputError(f"{path}: is not a folder; give a git repository")
    _git(path, "rev-parse", "--git-dir")
    # Without a revision, git reports whether the branch has no commits yet or is broken.
    _git(path, "log", "-1", "--format=%H")


def read_history(path: Path, *, commits: int | None = None, max_bytes: int = MAX_BYTES) -> Workload:
    """Read the first-parent history of a repository as events.

    Args:
        path: a folder of the repository, or a bare one.
        commits: how many of the oldest commits to take; all by default.
        max_bytes: the greatest length of the patches of these commits in bytes. No more than that is read.

    Raises:
        InputError: `path` is not a repository, has no commits or too large a history, or git is missing or fails.
    """
    check_history(path)
    history = _git(path, "rev-list", "--first-parent", "--reverse", "HEAD", "--").decode("ascii").split()
    chosen = history[:commits]
    submodules: set[bytes] = set()
    events = list(_events(path, chosen[-1], submodules, max_bytes))
    notes = []
    if submodules:
        named = ", ".join(name.decode("utf-8", "replace") for name in sorted(submodules)[:3])
        notes.append(
            f"{_counted(len(submodules), 'submodule')} left out: {named}{', ...' if len(submodules) > 3 else ''}"
        )
    if len(chosen) < len(history):
        notes.append(f"the oldest {len(chosen):,} of {len(history):,} commits")
    if not events:
        raise InputError(f"{path}: its history has no file in it, so there are no events to replay")
    return Workload(
        name=path.resolve().name or str(path),
        kind=f"git history, {_counted(len(chosen), 'commit')}; each hunk an event, the document is the tree",
        events=events,
        expected=serialized(read_tree(path, chosen[-1])),
        new_document=TreeDocument,
        notes=notes,
    )


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


@dataclass(slots=True)
class File:
    """A file or symbolic link: its mode as git writes it, and its lines; only the last may lack a line feed."""

    mode: bytes
    lines: list[bytes] = field(default_factory=list)


def serialized(tree: dict[bytes, tuple[bytes, bytes]]) -> bytes:
    """Return a tree (path to mode and content) as bytes that are equal exactly if the trees are."""
    parts: list[bytes] = []
    for path in sorted(tree):
        mode, content = tree[path]
        parts.append(b"%b %d %d\n%b\n%b\n" % (mode, len(path), len(content), path, content))
    return b"".join(parts)


class TreeDocument:
    """A tree of files that the events of a history change."""

    def __init__(self) -> None:
        """Start with no files."""
        self._files: dict[bytes, File] = {}

    def apply(self, data: bytes, event_type: int) -> None:
        """Apply one event."""
        try:
            length, position, deleted, last = _HEADER.unpack_from(data)
        except struct.error:
            raise MergeError(f"an event of {len(data)} bytes is too short") from None
        path, text = data[_HEADER.size : _HEADER.size + length], data[_HEADER.size + length :]
        if event_type == MAKE:
            if path in self._files:
                raise MergeError(f"{path!r} is made, but exists")
            self._files[path] = File(text)
            return
        file = self._files.get(path)
        if file is None:
            raise MergeError(f"{path!r} is changed, but does not exist")
        if event_type == HUNK:
            inserted = lines_of(text)
            if position + deleted > len(file.lines) or len(inserted) != last:
                raise MergeError(f"a hunk at line {position + 1} of {path!r} does not fit its {len(file.lines)} lines")
            file.lines[position : position + deleted] = inserted
        elif event_type == MODE:
            file.mode = text
        elif event_type == DELETE:
            if file.lines:
                raise MergeError(f"{path!r} is deleted, but has {len(file.lines)} lines")
            del self._files[path]
        else:
            raise MergeError(f"an event has the type {event_type}, which no event of a history has")

    def content(self) -> bytes:
        """Return the tree as bytes."""
        return serialized({path: (file.mode, b"".join(file.lines)) for path, file in self._files.items()})


def lines_of(text: bytes) -> list[bytes]:
    """Split at line feeds only and keep them; text after the last one is a line too."""
    lines = text.split(b"\n")
    last = lines.pop()
    lines = [line + b"\n" for line in lines]
    return [*lines, last] if last else lines


def _event(
    event_type: int, path: bytes, text: bytes = b"", position: int = 0, deleted: int = 0, inserted: int = 0
) -> Event:
    return Event(_HEADER.pack(len(path), position, deleted, inserted) + path + text, event_type)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_BY_GIT}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def _command(path: Path, arguments: Sequence[str]) -> list[str]:
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return ["git", "--no-pager", "--no-replace-objects", "-C", str(path), *settings, *arguments]


def _git(path: Path, *arguments: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            _command(path, arguments),
            input=given,
            capture_output=True,
            env=_environment(),
            timeout=_GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise InputError("git is not installed, and a git history cannot be read without it") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{path}: git {arguments[0]} took more than {_GIT_SECONDS} s") from None
    if done.returncode != 0:
        raise InputError(f"{path}: {_complaint(done.stderr, arguments[0])}")
    return done.stdout


def _complaint(stderr: bytes, command: str) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"git {command} failed without a word"


def read_tree(path: Path, commit: str) -> dict[bytes, tuple[bytes, bytes]]:
    """Return the mode and content of every file and symbolic link of a commit, by path.

    Raises:
        InputError: git fails.
    """
    entries: list[tuple[bytes, bytes, bytes]] = []
    for entry in _git(path, "ls-tree", "--full-tree", "-r", "-z", commit).split(b"\0"):
        if entry:
            attributes, _, name = entry.partition(b"\t")
            mode, _, object_id = attributes.split(b" ")
            if mode != _SUBMODULE:
                entries.append((name, mode, object_id))
    answer = _git(path, "cat-file", "--batch", given=b"".join(object_id + b"\n" for _, _, object_id in entries))
    tree: dict[bytes, tuple[bytes, bytes]] = {}
    at = 0
    for name, mode, object_id in entries:
        end = answer.index(b"\n", at)
        words = answer[at:end].split(b" ")
        if len(words) != 3:
            raise InputError(f"{path}: git has no object {object_id.decode()} of {name!r}")
        size = int(words[2])
        tree[name] = (mode, answer[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return tree


def _events(path: Path, last: str, submodules: set[bytes], max_bytes: int) -> Iterator[Event]:
    """Yield the events of a history up to a commit, and collect the submodules."""
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(
            _command(path, [*_LOG, last, "--"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,  # a file and not a pipe, which would fill up unread
            env=_environment(),
        ) as process:
            assert process.stdout is not None
            yield from read_patches(_Bounded(process.stdout, path, max_bytes), submodules)
        if process.returncode != 0:
            complaints.seek(0)
            raise InputError(f"{path}: {_complaint(complaints.read(), 'log')}")


def read_patches(stream: Lines, submodules: set[bytes]) -> Iterator[Event]:
    """Yield the events of `git log --patch --unified=0 --format='commit %H'`.

    Lines of a file are counted by the hunk's own header, so that no content can be taken for a header.

    Args:
        stream: the output of git.
        submodules: receives the paths of submodules.

    Raises:
        InputError: git printed a line of an unknown form.
    """
    line = stream.readline()
    while line:
        if line.startswith(b"diff --git "):
            name = _name(line[len(b"diff --git ") :].rstrip(b"\n"))
            line, events = _file(stream, name, submodules)
            yield from events
        elif line == b"\n" or line.startswith(b"commit "):
            line = stream.readline()
        else:
            raise InputError(f"git log printed a line that is not understood: {line[:60]!r}")


def _file(stream: Lines, name: bytes, submodules: set[bytes]) -> tuple[bytes, list[Event]]:
    """Read one file's part of a patch; returns the line after it and its events."""
    found: dict[bytes, bytes] = {}
    line = stream.readline()
    while line and not line.startswith((b"diff --git ", b"commit ", b"@@ ", b"\n")):
        key, _, value = line.rstrip(b"\n").rpartition(b" ")
        if key in (b"new file mode", b"deleted file mode", b"old mode", b"new mode"):
            found[key] = value
        elif line.startswith(b"index "):
            words = line.split()
            if len(words) == 3:
                found[b"kept mode"] = words[2]
        elif not line.startswith((b"--- ", b"+++ ")):
            raise InputError(f"git log printed a header that is not understood: {line[:60]!r}")
        line = stream.readline()
    events: list[Event] = []
    if b"new file mode" in found:
        events.append(_event(MAKE, name, found[b"new file mode"]))
    elif b"new mode" in found:
        events.append(_event(MODE, name, found[b"new mode"]))
    while line.startswith(b"@@ "):
        line, event = _hunk(stream, line, name)
        events.append(event)
    if b"deleted file mode" in found:
        events.append(_event(DELETE, name))
    if _SUBMODULE in found.values():
        submodules.add(name)
        events.clear()
    return line, events


def _hunk(stream: Lines, header: bytes, name: bytes) -> tuple[bytes, Event]:
    """Read one hunk; returns the line after it and its event."""
    numbers = _HUNK_LINE.match(header)
    if numbers is None:
        raise InputError(f"git log printed a hunk that is not understood: {header[:60]!r}")
    deleted = int(numbers[2] or 1)
    position, inserted = int(numbers[3]), int(numbers[4] or 1)
    if inserted:  # else git names the line before, counted from 1, which is the line after, counted from 0
        position -= 1
    left = collections.Counter({b"-": deleted, b"+": inserted})
    text: list[bytes] = []
    previous = b""
    line = stream.readline()
    while left.total() or line.startswith(b"\\"):
        sign, rest = line[:1], line[1:]
        if sign == b"\\":
            # No line feed at the end of the file: this is about the line before, and matters only for inserted lines.
            if previous == b"+":
                text[-1] = text[-1].removesuffix(b"\n")
        elif left[sign] > 0:
            left[sign] -= 1
            if sign == b"+":
                text.append(rest)
        else:
            raise InputError(f"git log printed a hunk that breaks off: {line[:60]!r}")
        previous = sign
        line = stream.readline()
    return line, _event(HUNK, name, b"".join(text), position, deleted, inserted)


def _name(both: bytes) -> bytes:
    """Return the path from `a/PATH b/PATH`, in which either both or none are quoted."""
    middle = len(both) // 2
    first, second = both[:middle], both[middle + 1 :]
    if both[middle : middle + 1] != b" ":
        raise InputError(f"git log named a file in a way that is not understood: {both[:60]!r}")
    if first.startswith(b'"'):
        first, second = _unquoted(first), _unquoted(second)
    if not first.startswith(b"a/") or second != b"b/" + first[2:]:
        raise InputError(f"git log named a file in a way that is not understood: {both[:60]!r}")
    return first[2:]


def _unquoted(name: bytes) -> bytes:
    def plain(escape: re.Match[bytes]) -> bytes:
        code = escape[1]
        return bytes([int(code, 8) if len(code) == 3 else _ESCAPED[code[0]]])

    return _ESCAPE.sub(plain, name[1:-1])
