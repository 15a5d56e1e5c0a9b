"""Who ships a writer's lines: one shipper at a time, by a lock that the system takes from a dead one."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from stoker.logs.ship.names import LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_held: set[int] = set()
"""The descriptors of all claims of this process; a forked child has copies, which would outlive it."""


@contextlib.contextmanager
def unlocked(path: Path) -> Iterator[bool]:
    """Whether no process holds the file locked, so that its writer is dead; while it is open nobody else can lock it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False  # it lived, and has completed it by now
        return
    try:
        yield _lock(descriptor, path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> bool:
    """Lock a file, if nobody has; and see that it is still there, since whoever had it may have removed it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


class Claim:
    """The right to ship what a process has written, until it is given back or this process ends.

    Args:
        folder: The spool.
        writer: The process.
        descriptor: Of the locked file.
    """

    def __init__(self, folder: Path, writer: str, descriptor: int) -> None:
        self.writer = writer
        self._path = folder / f"{writer}{LOCK}"
        self._descriptor = descriptor
        _held.add(descriptor)

    @classmethod
    def take(cls, folder: Path, writer: str) -> Claim | None:
        """The claim, or None if another shipper has it.

        Raises:
            OSError: If the folder cannot be written.
        """
        path = folder / f"{writer}{LOCK}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _lock(descriptor, path):
            return cls(folder, writer, descriptor)
        os.close(descriptor)
        return None

    def release(self) -> None:
        """Give it back; the next one makes a file of its own."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        _held.discard(self._descriptor)
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def _forget() -> None:
    """In a forked child: its copies of the descriptors would keep the locks when this process is dead."""
    for descriptor in _held:
        with contextlib.suppress(OSError):
            os.close(descriptor)  # not LOCK_UN, which would unlock the parent's
    _held.clear()


os.register_at_fork(after_in_child=_forget)
