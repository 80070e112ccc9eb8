"""A git history as events: whatever a repository holds, the events rebuild the tree of its last commit."""

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rusted_ring.verify.replay.documents import Event, MergeError
from rusted_ring.verify.replay.git_history import (
    DELETE,
    HUNK,
    MAKE,
    MODE,
    TreeDocument,
    lines_of,
    read_history,
    read_patches,
    read_tree,
)
from rusted_ring.verify.support.errors import InputError

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


class Repository:
    """A repository made for one test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """Run git without the user's configuration."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = {**kept, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "LC_ALL": "C"}
        command = ["git", "-c", "protocol.file.allow=always", "-C", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    def write(self, name: str | bytes, content: bytes) -> None:
        """Write a file, whose name may be any bytes."""
        path = os.path.join(os.fsencode(self.path), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    def commit(self, message: str = "change") -> str:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def events(self) -> list[Event]:
        """Return the events, after they have rebuilt the tree."""
        workload = read_history(self.path)
        document = workload.new_document()
        for event in workload.events:
            document.apply(*event)
        assert document.content() == workload.expected
        return workload.events

    def tree(self) -> dict[bytes, tuple[bytes, bytes]]:
        """Return the tree of the last commit."""
        return read_tree(self.path, "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def types(events: list[Event]) -> list[int]:
    return [event.event_type for event in events]


def test_each_hunk_is_an_event(repository: Repository) -> None:
    lines = [b"%d\n" % number for number in range(20)]
    repository.write("file", b"".join(lines))
    repository.commit()
    lines[3] = b"three\n"
    del lines[10:12]
    lines.insert(0, b"first\n")
    lines.append(b"last\n")
    repository.write("file", b"".join(lines))
    repository.commit()
    assert types(repository.events()) == [MAKE, HUNK, HUNK, HUNK, HUNK, HUNK]
    assert repository.tree() == {b"file": (b"100644", b"".join(lines))}


def end_of_file(repository: Repository) -> None:
    for content in (b"a", b"a\n", b"a\nb", b"b", b"", b"\n", b"\n\n", b"x\ny", b"x\ny\nz", b"x\ny\nz\n", b"q"):
        repository.write("file", content)
        repository.commit()


def quoted_names(repository: Repository) -> None:
    names: list[bytes] = [
        b'tab\tquote"back\\slash\nline',
        "ümlaut 中".encode(),
        b"bytes\xff\xfe",
        b"a b/b a/x b/x",
        b" leading",
    ]
    names += [b'"', b"\x01\x07\x7f", b"-dash", b"sub/dir/deep"]
    for number, name in enumerate(names):
        repository.write(name, b"%d\n" % number)
    repository.commit()
    for name in names[::2]:
        repository.write(name, b"changed")
    repository.commit()


def content_like_a_patch(repository: Repository) -> None:
    text = b"diff --git a/x b/x\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\ncommit 0000\n\n--- a/x\n"
    text += b"+++ b/x\nindex 1..2 100644"
    repository.write("file", text)
    repository.commit("diff --git a/y b/y\n\n@@ -1 +1 @@\n+not a change")
    repository.write("file", text.replace(b"\n", b"\n\n") + b"\n")
    repository.commit()


def binary(repository: Repository) -> None:
    repository.write("file", bytes(range(256)) * 20 + b"\r\n\r")
    repository.write(".gitattributes", b"*.txt text eol=crlf\nfile -diff\nother binary\n")
    repository.write("other", b"\0\n\0")
    repository.write("windows.txt", b"a\nb\n")
    repository.commit()
    repository.write("file", bytes(range(255, -1, -1)) * 20)
    repository.write("other", b"\0\n\1\n\0")
    repository.commit()


def deletes(repository: Repository) -> None:
    for name in ("one", "two/three", "empty"):
        repository.write(name, b"" if name == "empty" else name.encode())
    repository.commit()
    repository.git("rm", "-q", "-r", "two", "empty")
    repository.commit()
    repository.write("two", b"now a file\n")
    repository.commit()
    repository.git("rm", "-q", "one")
    repository.commit()


def empty_files(repository: Repository) -> None:
    repository.write("empty", b"")
    repository.write("also empty", b"")
    repository.commit()
    repository.write("empty", b"filled\n")
    repository.commit()
    repository.write("empty", b"")
    repository.commit()


def modes(repository: Repository) -> None:
    repository.write("script", b"#!/bin/sh\n")
    repository.write("plain", b"x\n")
    repository.commit()
    repository.git("update-index", "--chmod=+x", "script")
    repository.git("commit", "-q", "-m", "mode alone")
    (repository.path / "script").chmod(0o755)
    repository.write("script", b"#!/bin/sh\ntrue\n")
    (repository.path / "plain").chmod(0o755)
    repository.commit()


def links(repository: Repository) -> None:
    os.symlink("nowhere/at all", repository.path / "link")
    repository.write("file", b"a file\n")
    repository.commit()
    (repository.path / "link").unlink()
    repository.write("link", b"a file\n")
    (repository.path / "file").unlink()
    os.symlink("link", repository.path / "file")
    repository.commit()


def renames(repository: Repository) -> None:
    repository.write("before", b"".join(b"line %d\n" % number for number in range(50)))
    repository.commit()
    repository.git("mv", "before", "after")
    repository.commit()


def merges(repository: Repository) -> None:
    repository.write("base", b"1\n2\n3\n4\n5\n")
    repository.commit()
    repository.git("checkout", "-q", "-b", "side")
    repository.write("base", b"1\n2\n3\n4\nfive\n")
    repository.write("side", b"side\n")
    repository.commit()
    repository.git("checkout", "-q", "main")
    repository.write("base", b"one\n2\n3\n4\n5\n")
    repository.commit()
    repository.git("merge", "-q", "--no-edit", "side")
    repository.write("base", b"one\n2\n3\n4\nfive, after the merge\n")
    repository.commit()


def commit_without_change(repository: Repository) -> None:
    repository.commit("nothing yet")
    repository.write("file", b"x\n")
    repository.commit()
    repository.commit("nothing again")


CASES: list[Callable[[Repository], None]] = [
    end_of_file,
    quoted_names,
    content_like_a_patch,
    binary,
    deletes,
    empty_files,
    modes,
    links,
    renames,
    merges,
    commit_without_change,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_events_rebuild_the_tree(repository: Repository, case: Callable[[Repository], None]) -> None:
    case(repository)
    assert repository.events()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_users_configuration_changes_nothing(repository: Repository, case: Callable[[Repository], None]) -> None:
    case(repository)
    before = repository.events()
    settings = {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.renames": "copies",
        "diff.external": "false",
        "diff.context": "7",
        "diff.interHunkContext": "9",
        "diff.submodule": "log",
        "diff.relative": "true",
        "diff.wsErrorHighlight": "all",
        "color.ui": "always",
        "core.quotePath": "false",
        "core.abbrev": "5",
        "core.pager": "false",
        "format.pretty": "fuller",
        "log.showRoot": "false",
        "log.decorate": "full",
        "log.date": "relative",
        "log.follow": "true",
        "log.diffMerges": "combined",
    }
    for key, value in settings.items():
        repository.git("config", key, value)
    assert repository.events() == before


def test_environment_of_a_hook_changes_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    end_of_file(repository)
    before = repository.events()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_DIFF_OPTS", "--unified=5")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert repository.events() == before


def test_subfolder_and_bare_clone_give_the_whole_history(repository: Repository, tmp_path: Path) -> None:
    deletes(repository)
    quoted_names(repository)
    before = read_history(repository.path)
    repository.git("clone", "-q", "--bare", str(repository.path), str(tmp_path / "bare"))
    for path in (tmp_path / "bare", repository.path / "sub"):
        found = read_history(path)
        assert (found.events, found.expected) == (before.events, before.expected)


def test_submodule_is_left_out_with_a_note(repository: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner")
    inner.write("file", b"inside\n")
    inner.commit()
    repository.write("file", b"outside\n")
    repository.commit()
    repository.git("submodule", "add", "-q", str(inner.path), "module")
    repository.commit()
    inner.write("file", b"inside, changed\n")
    inner.commit()
    repository.git("submodule", "update", "-q", "--remote")
    repository.commit()
    assert repository.events()
    assert read_history(repository.path).notes == ["1 submodule left out: module"]
    repository.git("rm", "-q", "-f", "module")
    repository.commit()
    assert repository.events()
    assert b"module" not in repository.tree()


def test_oldest_commits_alone(repository: Repository) -> None:
    end_of_file(repository)
    whole, part = read_history(repository.path), read_history(repository.path, commits=2)
    assert part.events == whole.events[: len(part.events)]
    assert b"a\n" in part.expected
    assert part.notes == ["the oldest 2 of 11 commits"]


def test_not_a_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").write_text("x")
    empty, vacant = Repository(tmp_path / "empty"), Repository(tmp_path / "vacant")
    vacant.commit("nothing in it")
    for path, words in (
        (tmp_path / "missing", "no such folder"),
        (tmp_path / "file", "not a folder"),
        (tmp_path / "plain", "not a git repository"),
        (empty.path, "does not have any commits yet"),
        (vacant.path, "no events to replay"),
    ):
        with pytest.raises(InputError, match=words) as raised:
            read_history(path)
        assert str(path) in str(raised.value)


def test_git_that_is_missing_is_named(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is not installed"):
        read_history(repository.path)


def test_damaged_repository_is_refused(repository: Repository) -> None:
    end_of_file(repository)
    blob = repository.git("rev-parse", "HEAD~3:file")
    stored = repository.path / ".git" / "objects" / blob[:2] / blob[2:]
    stored.chmod(0o644)
    stored.unlink()
    with pytest.raises(InputError):
        read_history(repository.path)


def test_branch_that_is_broken_is_not_called_empty(repository: Repository) -> None:
    end_of_file(repository)
    branch = repository.git("symbolic-ref", "HEAD")
    commit = repository.git("rev-parse", "HEAD")
    for content, words in (("nonsense", "appears to be broken"), ("f" * len(commit), "bad object")):
        (repository.path / ".git" / branch).write_text(content + "\n")
        with pytest.raises(InputError, match=words):
            read_history(repository.path)


def test_history_that_is_too_large_is_refused_before_it_is_read(repository: Repository) -> None:
    end_of_file(repository)
    assert read_history(repository.path, max_bytes=1 << 20).events
    with pytest.raises(InputError, match="has more than 100 bytes: allow more by --max-bytes, or take fewer commits"):
        read_history(repository.path, max_bytes=100)


@pytest.mark.parametrize(
    "text",
    [
        b"warning: something\n",
        b"diff --git a/x b/y\n",
        b"diff --git a/x b/x\nBinary files a/x and b/x differ\n",
        b"diff --git a/x b/x\n@@ nonsense @@\n",
        b"diff --git a/x b/x\n@@ -1 +1 @@\n-a\n",
        b"diff --git a/x b/x\n@@ -0,0 +1,2 @@\n+a\n a\n",
    ],
)
def test_what_git_never_prints_is_refused(text: bytes) -> None:
    with pytest.raises(InputError, match="git log"):
        list(read_patches(io.BytesIO(text), set()))


def test_tree_refuses_events_that_do_not_fit(repository: Repository) -> None:
    end_of_file(repository)
    made, filled = repository.events()[:2]
    for wrong in (
        [filled],
        [made, made],
        [made, filled, Event(made.data, DELETE)],
        [made, Event(made.data, 9)],
        [made, Event(filled.data[:-1], HUNK)],
        [Event(b"short", MAKE)],
        [Event(made.data, MODE)],
    ):
        document = TreeDocument()
        for event in wrong[:-1]:
            document.apply(*event)
        with pytest.raises(MergeError):
            document.apply(*wrong[-1])


def test_lines_end_at_line_feeds_alone() -> None:
    assert lines_of(b"a\rb\x0bc\n\nd\xe2\x80\xa8e") == [b"a\rb\x0bc\n", b"\n", b"d\xe2\x80\xa8e"]
    assert lines_of(b"") == []
    assert lines_of(b"\n") == [b"\n"]
