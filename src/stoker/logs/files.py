"""Files of the log for people: one a process, rotated, compressed when they are old, and removed in the end."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
import re
import secrets
import shutil
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.logs.spool import MEBIBYTE, Spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = re.compile(r"(?P<stem>\d{8}T\d{6}-\d+-[0-9a-f]{4})-(?P<number>\d{6})\.log(?P<packed>\.gz)?")
_DAY = 86_400.0


@dataclass(frozen=True)
class Keep:
    """What stays of the files of ended processes, and of those that are full."""

    files: int
    days: float
    mib: float


class LogFiles(Spool):
    """The file of this process: `TIME-PID-XXXX-NUMBER.log`.

    Args:
        folder: Made when the first line is written.
        keep: What stays of the others; looked at when a file is begun, by a thread of its own. None leaves it to other processes.
        max_bytes: A file of this size is full.
        max_age_s: Seconds after which a file is rotated by the line that follows.
    """

    def __init__(self, folder: Path, keep: Keep | None, *, max_bytes: int, max_age_s: float) -> None:
        super().__init__(folder, max_bytes=max_bytes, max_age_s=max_age_s, suffix=".log", open_suffix=".log")
        self._keep = keep

    def _new_stem(self) -> str:
        return f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{secrets.token_hex(2)}"

    def _open(self) -> None:
        super()._open()
        if self._keep is None:
            return
        # Compressing takes longer than a caller may wait.
        with contextlib.suppress(RuntimeError):  # no thread can be started any more at exit
            threading.Thread(target=clean, args=(self.folder, self._keep), name="stoker-log-files", daemon=True).start()


def clean(folder: Path, keep: Keep) -> None:
    """Compress what is old and remove what is too old or too much; only our files, and none of a living process.

    One process does it at a time. What goes wrong is left to the next one.
    """
    with contextlib.suppress(OSError), _only_one(folder):
        for part in folder.glob("*.part"):
            part.unlink()
        newest: dict[str, str] = {}
        for path, match in _files(folder):
            newest[match["stem"]] = max(match["number"], newest.get(match["stem"], ""))
            del path
        for path, match in _files(folder):
            is_full = match["number"] < newest[match["stem"]]
            if not match["packed"] and (is_full or path.stat().st_mtime < time.time() - _DAY) and not _in_use(path):
                _pack(path)
        _remove(folder, keep)


def _files(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    found = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir()]
    return [(path, match) for path, match in found if match is not None]


def _remove(folder: Path, keep: Keep) -> None:
    room, left = keep.mib * MEBIBYTE, keep.files
    oldest = time.time() - keep.days * _DAY
    for path, state in sorted(
        ((path, path.stat()) for path, _ in _files(folder)), key=lambda each: each[1].st_mtime, reverse=True
    ):
        room -= state.st_size
        if not path.name.endswith(".gz") and _in_use(path):
            continue
        left -= 1
        if left < 0 or room < 0 or state.st_mtime < oldest:
            path.unlink(missing_ok=True)


def _in_use(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _pack(path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    state = path.stat()
    with path.open("rb") as source, part.open("wb") as target:
        target_mode = state.st_mode & 0o777
        os.fchmod(target.fileno(), target_mode)
        with gzip.GzipFile(path.name, "wb", fileobj=target, mtime=state.st_mtime) as packed:
            shutil.copyfileobj(source, packed, 256 * 1024)
        target.flush()
        os.fsync(target.fileno())  # the other one goes
    os.utime(part, (state.st_atime, state.st_mtime))
    part.rename(path.with_name(f"{path.name}.gz"))
    path.unlink()


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Raises OSError while another process cleans."""
    fd = os.open(folder / ".cleaning", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)
