"""Where the explorer keeps what it compiled of itself: a folder of the user's that nobody else can write to.

What lies there is run, so that a folder of another user, or one that others may write to, is not used.
"""

import os
import shutil
import stat
from pathlib import Path

from rusted_ring.verify.support import processes

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_private: dict[str, Path] = {}
"""By digest: folders of this process, where the user's cannot be used."""


def kept_folder(digest: str) -> Path:
    """Return the folder for what belongs to a digest, made if it is not there yet.

    Args:
        digest: names the sources and how they are compiled.
    """
    root = _root()
    if root is not None:
        folder = root / digest
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            pass
        else:
            if _is_ours(folder):
                return folder
    if digest not in _private or not _private[digest].is_dir():
        _private[digest] = processes.make_folder()
    return _private[digest]


def keep(made: Path, kept: Path) -> None:
    """Put a file where it is kept, in one step: whoever looks at the same time finds all of it or nothing."""
    staged = kept.with_name(f".{kept.name}.{os.urandom(8).hex()}")
    try:
        shutil.copyfile(made, staged)
        staged.replace(kept)
    finally:
        staged.unlink(missing_ok=True)


def _root() -> Path | None:
    """The explorer's folder in the user's cache, made if need be; None if others may write there."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    except RuntimeError:  # no home
        return None
    folder = base / "rusted-ring" / "explorer"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (folder.parent, folder):
            path.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    ours = _is_ours(folder.parent) and _is_ours(folder) and os.access(folder, os.W_OK | os.X_OK)
    return folder if ours and all(map(_is_safe, base.resolve().parents)) and _is_safe(base.resolve()) else None


def _is_ours(path: Path) -> bool:
    """Whether this is a folder, no link, of this user, and nothing in it can be written by others."""
    try:
        found = [path.lstat(), *(entry.lstat() for entry in path.iterdir())] if not path.is_symlink() else []
    except OSError:
        return False
    return (
        bool(found)
        and stat.S_ISDIR(found[0].st_mode)
        and all(entry.st_uid == os.getuid() and not entry.st_mode & _OTHERS_WRITE for entry in found)
    )


def _is_safe(path: Path) -> bool:
    """Whether nobody but this user and root can replace what is in a folder above."""
    found = path.stat()
    shared = found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX
    return found.st_uid in (0, os.getuid()) and not shared
