"""Makes a package of complete segments: compressed once, pinned by one rename, then sent as often as it takes.

A package holds objects under the very keys that they get, so that sending it again overwrites. Which segments are in it is
decided by the rename: a crash before leaves the segments, one after leaves the package, and never both to be sent.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import zlib
from typing import TYPE_CHECKING, BinaryIO

from stoker.failpoints import failpoint
from stoker.logs.ship.groups import grouped
from stoker.logs.ship.lines import parts_of
from stoker.logs.ship.names import TEMPORARY, package_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stoker.logs.ship.names import Segment

_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 4
SUFFIX = ".jsonl.gz"


def pack(folder: Path, writer: str, segments: Sequence[Segment]) -> None:
    """Replace segments by a package of them.

    Args:
        folder: The spool.
        writer: Whose they are.
        segments: Complete ones without a gap, oldest first.

    Raises:
        OSError: If the disk is full or refuses; then the segments are as they were.
    """
    first, last = segments[0].number, segments[-1].number
    target = package_path(folder, writer, first, last)
    temporary = target.with_name(target.name + TEMPORARY)
    shutil.rmtree(temporary, ignore_errors=True)
    files: dict[str, _Member] = {}
    try:
        temporary.mkdir(mode=0o700)
        for segment in segments:
            for part in parts_of(segment.path):
                for place, lines in grouped(part):
                    if place not in files:
                        files[place] = _Member(temporary / place / f"{writer}-{first:06d}{SUFFIX}")
                    files[place].add(lines)
        for member in files.values():
            member.finish()
        failpoint("logs.pack.written")
        temporary.rename(target)
    except OSError:
        for member in files.values():
            member.close()
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(folder)
    failpoint("logs.pack.renamed")
    for segment in segments:
        segment.path.unlink(missing_ok=True)


class _Member:
    """One object of a package, while it is written."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)

    def add(self, lines: bytes) -> None:
        self._file.write(self._compressor.compress(lines))

    def finish(self) -> None:
        self._file.write(self._compressor.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
