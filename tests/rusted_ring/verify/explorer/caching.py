"""The explorer's cache of its own compiled objects: a folder that only the user can write to.

The explorer runs code from this folder, so it does not use a folder of another user, or one that others may write to.
"""

import os
import shutil
import stat
from pathlib import Path

from rusted_ring.verify.support import processes

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_private: dict[str, Path] = {}
"""By digest, folders of this process that replace the user's if that cannot be used."""


def kept_folder(digest: str) -> Path:
    """Return the folder of a digest; make it if it does not exist yet.

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
    """Move a file to its final path atomically: a concurrent reader finds all of it or nothing."""
    staged = kept.with_name(f".{kept.name}.{os.urandom(8).hex()}")
    try:
        shutil.copyfile(made, staged)
        staged.replace(kept)
    finally:
        staged.unlink(missing_ok=True)


def _root() -> Path | None:
    """Return the explorer's folder in the user's cache, made if needed; None if others may write there."""
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
    """Return whether this is a folder of this user and not a link, in which others cannot write anything."""
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
    """Return whether only this user and root can replace the contents of a parent folder."""
    found = path.stat()
    shared = found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX
    return found.st_uid in (0, os.getuid()) and not shared
