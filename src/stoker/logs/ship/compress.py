"""Lines as members of objects, compressed while they are read."""

from __future__ import annotations

import contextlib
import os
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from stoker.logs.ship.groups import grouped
from stoker.logs.ship.lines import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 4
SUFFIX = ".jsonl.gz"


class Compressed:
    """A gzip file that is being written.

    Args:
        file: Takes it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)

    @classmethod
    def create(cls, path: Path) -> Compressed:
        """A new file, which only this user may read."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"))

    def add(self, lines: bytes) -> None:
        """Append whole lines."""
        self._file.write(self._compressor.compress(lines))

    def finish(self) -> None:
        """Write the end; it stays open if it is in memory, and is on the disk if it is a file."""
        self._file.write(self._compressor.flush())
        self._file.flush()
        if isinstance(self._file, BytesIO):
            self._file.seek(0)
        else:
            os.fsync(self._file.fileno())
            self._file.close()

    def close(self) -> None:
        """Give it up."""
        with contextlib.suppress(OSError):
            self._file.close()


def compress(paths: Iterable[Path], create: Callable[[str], Compressed]) -> None:
    """Compress segments, oldest first, each line to the folder of its run.

    Args:
        paths: The segments.
        create: Makes the file for a folder.

    Raises:
        OSError: If a file cannot be read, or what takes it cannot be written.
    """
    files: dict[str, Compressed] = {}
    try:
        for path in paths:
            for part in parts_of(path):
                for folder, lines in grouped(part):
                    if folder not in files:
                        files[folder] = create(folder)
                    files[folder].add(lines)
        for file in files.values():
            file.finish()
    except OSError:
        for file in files.values():
            file.close()
        raise
