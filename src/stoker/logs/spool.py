"""Lines in files of this process alone: one `write(2)` a line, by the thread that logs it.

What is written is the kernel's: it survives the process, however that ends. A queue in between would not.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import os
import re
import secrets
import socket
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stoker.logs.syncer import Syncer

MEBIBYTE = 1024 * 1024
_NONE = -1
_PATIENCE = 1.0
"""Seconds between two tries to make a segment, and without a failure until the disk counts as well again."""
_QUIET = 60.0
"""Seconds in which a disk that fails now and then is told of once."""


class Spool:
    """Segments of lines in a folder.

    The segment that is written is `HOST-PID-START-NUMBER.open.jsonl`, locked (`flock`) for as long as its process lives; when it is
    full, old or closed, it is renamed to `HOST-PID-START-NUMBER.jsonl`. An `.open.jsonl` that is not locked is a dead process's; its
    last line may be torn.

    What cannot be written is told on standard error once, counted, and never raised: a job does not fail for its log.

    Args:
        folder: Made when the first line is written.
        max_bytes: A segment of this size is full.
        max_age_s: Seconds after which a segment is rotated by the line that follows; others may call `rotate` themselves.
        clock: Seconds that never go backwards.
        suffix: Of a segment that is complete.
        open_suffix: Of the one that is written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = 8 * MEBIBYTE,
        max_age_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        suffix: str = ".jsonl",
        open_suffix: str = ".open.jsonl",
    ) -> None:
        self.folder = folder
        with contextlib.suppress(OSError):  # the working folder is gone
            self.folder = folder.absolute()  # it may be another one later
        self.lost = 0
        """Lines that could not be written."""
        self.on_rotate: list[Callable[[Path], None]] = []
        """Called with each segment that is complete, in the thread that completed it; they should return at once."""
        self.syncer: Syncer | None = None
        """Has the lines on the disk; without one, the system does when it likes."""
        self._max_bytes = max_bytes
        self._max_age = max_age_s
        self._clock = clock
        self._suffix = suffix
        self._open_suffix = open_suffix
        self._failing = self._told = False
        self._again = 0.0
        self._quiet_until = -math.inf
        self._begin()
        _spools.add(self)

    def _begin(self) -> None:
        """Before the first segment of a process."""
        self._lock = threading.RLock()  # a signal's handler may log while its thread writes
        self._stem = self._new_stem()
        self._number = 0
        self._forget()

    def _new_stem(self) -> str:
        """The beginning of the names of a process's segments; no other process has the same."""
        return f"{_host()}-{os.getpid()}-{int(time.time()):x}{secrets.token_hex(2)}"

    def _forget(self) -> None:
        self._fd = _NONE
        self._path = self.folder
        self._size = self._synced = 0
        self._due = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the disk did not take what was written last, perhaps because it is full."""
        return self._failing

    @property
    def writer(self) -> str:
        """What the names of its segments begin with: host, process, and a start that tells it from a later one."""
        return self._stem

    def write(self, line: bytes) -> None:
        """Append a line, which ends with a line's end."""
        with self._lock:
            try:
                if self._fd == _NONE and not self._opened():
                    return
                written = os.write(self._fd, line)
                if written != len(line):
                    self._finish(line, written)
            except OSError as error:
                self._failed(error)
                return
            if self._failing and self._clock() >= self._again:
                self._recovered()
            self._size += len(line)
            if self._size >= self._max_bytes or self._clock() >= self._due:
                self._rotate()

    def rotate(self) -> None:
        """Complete the segment, if it has lines; the next line begins another."""
        with self._lock:
            self._rotate()

    def close(self) -> None:
        """Complete the segment. A line that comes later begins another one: nothing is lost at exit."""
        self.rotate()
        if self.syncer is not None:
            self.syncer.close()

    def hasten(self) -> None:
        """What was written matters: have it on the disk at once, by the syncer's thread."""
        if self.syncer is not None:
            self.syncer.hasten()

    def sync(self, complete: Path | None = None) -> None:
        """Have the disk hold what is written. For another thread than those that log: it takes as long as the disk.

        Args:
            complete: A segment that is complete, and may have been sent by now; else the one that is written.
        """
        try:
            if complete is None:
                self._sync()
            else:
                _sync_file(complete)
        except OSError as error:
            with self._lock:
                self._failed(error, lines=0)

    def _sync(self) -> None:
        fd, size = self._fd, self._size
        if fd == _NONE or size == self._synced:
            return
        try:
            os.fsync(fd)
            self._synced = size
        except OSError as error:
            # It may have been rotated meanwhile, and closed; the number may even be that of another file now.
            if fd == self._fd and error.errno != errno.EBADF:
                raise

    def _opened(self) -> bool:
        """Whether there is a segment now; where none can be made, it is not tried anew for each line."""
        if self._failing and self._clock() < self._again:
            self.lost += 1
            return False
        self._open()
        return True

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        path = self.folder / f"{self._stem}-{self._number:06d}{self._open_suffix}"
        # Nobody sees the segment by its name before it is locked.
        hidden = path.with_name(f".{path.name}.new")
        fd = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.suppress(OSError):  # some network disks have no locks
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(path)
        except BaseException:
            os.close(fd)
            hidden.unlink(missing_ok=True)
            raise
        self._path, self._size, self._due = path, 0, self._clock() + self._max_age
        self._fd = fd

    def _finish(self, line: bytes, written: int) -> None:
        """The rest of a line of which the disk took a part; else that part is taken back."""
        try:
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except BaseException:  # a signal may end the process here
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise

    def _rotate(self) -> None:
        if self._fd == _NONE:
            return
        fd, path = self._fd, self._path
        self._forget()
        done = path.with_name(path.name.removesuffix(self._open_suffix) + self._suffix)
        try:
            if os.fstat(fd).st_size == 0:  # the disk took no line
                path.unlink()
                return
            # Renamed while it is locked: never complete and open, never open and dead.
            if done != path:
                path.rename(done)
        except FileNotFoundError:
            return  # somebody has removed the folder, and its lines
        except OSError as error:
            self._failed(error, lines=0)
            return
        finally:
            os.close(fd)
        for told in self.on_rotate:
            told(done)

    def _failed(self, error: OSError, lines: int = 1) -> None:
        self.lost += lines
        self._again = self._clock() + _PATIENCE
        if error.errno == errno.EBADF:
            self._forget()  # somebody closed all files of the process
        if not self._failing and self._again > self._quiet_until:
            self._quiet_until, self._told = self._again + _QUIET, True
            say(f"log lines cannot be written to {self.folder}: {error.strerror or error}. The job goes on.")
        self._failing = True

    def _recovered(self) -> None:
        self._failing = False
        if self._told:
            self._told = False
            say(f"log lines are written to {self.folder} again; {self.lost:,} were lost.")

    def _after_fork(self) -> None:
        """In a child: the parent's segment is the parent's, its lock too, and another thread may have held ours."""
        if self._fd != _NONE:
            os.close(self._fd)
        self._begin()


_spools: weakref.WeakSet[Spool] = weakref.WeakSet()


def _after_fork() -> None:
    for spool in list(_spools):
        spool._after_fork()  # noqa: SLF001 - of this module


os.register_at_fork(after_in_child=_after_fork)


def _sync_file(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it is packed, or removed
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", socket.gethostname()) or "host"


def say(text: str) -> None:
    """One line on standard error: what is wrong with the log would wait in the log for what is wrong."""
    with contextlib.suppress(Exception):  # it may be closed, or gone
        print(f"stoker: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the one thing that is always there
