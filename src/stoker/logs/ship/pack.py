"""Makes a package of complete segments: compressed once, pinned by one rename, then sent as often as it takes.

A package holds objects under the very keys that they get, so that sending it again overwrites. Which segments are in it is
decided by the rename: a crash before leaves the segments, one after leaves the package, and never both to be sent.
"""

from __future__ import annotations

import os
import shutil
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from stoker.failpoints import failpoint
from stoker.logs.ship.compress import SUFFIX, Compressed, compress
from stoker.logs.ship.names import TEMPORARY, package_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stoker.logs.ship.names import Segment


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
    try:
        failpoint("logs.pack.begin")
        temporary.mkdir(mode=0o700)
        compress(
            (segment.path for segment in segments),
            lambda place: Compressed.create(temporary / object_key(place, writer, first)),
        )
        failpoint("logs.pack.written")
        temporary.rename(target)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync(folder)
    failpoint("logs.pack.renamed")
    for segment in segments:
        segment.path.unlink(missing_ok=True)
        failpoint("logs.pack.removed")


def packed_in_memory(writer: str, segment: Segment) -> dict[str, BinaryIO]:
    """The objects of one segment by their keys, the same that a package which begins with it has."""
    files: dict[str, BinaryIO] = {}

    def create(place: str) -> Compressed:
        return Compressed(files.setdefault(object_key(place, writer, segment.number), BytesIO()))

    compress([segment.path], create)
    return files


def object_key(place: str, writer: str, number: int) -> str:
    """The key of the lines of a writer from the segment of that number on."""
    return f"{place}/{writer}-{number:06d}{SUFFIX}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
