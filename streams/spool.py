"""A folder for media on their way to the decoder, emptied even when its owner was killed.

Each process spools into a folder of its own and holds a lock on it. Whoever starts next removes
the folders whose lock is free: their owners are dead, however they ended.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "earmark-spool-"
_LOCK = "lock"


class Spool:
    """A folder under `parent` (default: the system's folder for temporary files)."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        _sweep(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock = _held_lock(self.folder)

    def new_file(self) -> Path:
        """A new empty file, readable by this user only."""
        descriptor, name = tempfile.mkstemp(dir=self.folder)
        os.close(descriptor)
        return Path(name)

    def close(self) -> None:
        """Remove the folder and all that is left in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def left_behind(parent: Path | None = None) -> list[Path]:
    """What killed owners left; the next `Spool` removes it."""
    folders = (parent or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*")
    return sorted(
        file
        for folder in folders
        if _is_abandoned(folder)
        for file in folder.iterdir()
        if file.name != _LOCK
    )


def _held_lock(folder: Path) -> int:
    new = folder / "lock.new"
    lock = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    new.rename(folder / _LOCK)  # it gets the name others look at only once it is held
    return lock


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # another user's, or one that is just being made
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
