"""Keeps a spool below its cap while nothing can be sent: the oldest unimportant lines go, and are counted."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.failpoints import failpoint
from stoker.logs.ship.compress import Compressed
from stoker.logs.ship.lines import parsed, parts_of
from stoker.logs.ship.names import TEMPORARY
from stoker.logs.ship.outbox import files_of, members, sizes_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stoker.logs.ship.outbox import Outbox

CAP = 512 * 1024 * 1024
"""Bytes of a spool, as they are on the disk."""
_DOWN_TO = 0.9
"""Of the cap: what is dropped at a time, so that it is not done for every few lines."""
_LEVEL = re.compile(rb'"level": ?"([A-Z]+)"')
_BEFORE = re.compile(rb'"dropped": ?"(\d+)"')
_KEPT: tuple[frozenset[bytes], ...] = (
    frozenset({b"WARNING", b"WARN", b"ERROR", b"CRITICAL", b"FATAL"}),
    frozenset({b"ERROR", b"CRITICAL", b"FATAL"}),
)
"""The levels that stay, at first and if that is not enough; errors always do."""


@dataclass
class Cap:
    """The cap of one spool.

    Args:
        outbox: What may be dropped of it.
        limit: Bytes.
    """

    outbox: Outbox
    limit: int = CAP

    def __post_init__(self) -> None:
        self._thinned: set[tuple[Path, int]] = set()
        """Files in which there is nothing more to drop; they need not be read again."""

    def enforce(self) -> int:
        """Drop what has to be dropped.

        Returns:
            How many lines went.

        Raises:
            OSError: If a file cannot be read or written; then it is as it was.
        """
        if sum(sizes_of(self._files())) <= self.limit:
            return 0
        self.outbox.collect(force=True)  # compressed there may be room enough
        total, dropped = sum(sizes_of(self._files())), 0
        packages = [package for written in self.outbox.written().values() for package in written.packages]
        oldest_first = sorted(
            (path for package in packages for path in members(package)), key=lambda path: path.stat().st_mtime_ns
        )
        for stage, kept in enumerate(_KEPT):
            for path in oldest_first:
                if total <= self.limit * _DOWN_TO:
                    return dropped
                if (path, stage) not in self._thinned:
                    size = path.stat().st_size
                    dropped += _thin(path, kept)
                    total -= size - path.stat().st_size
                    self._thinned.add((path, stage))
        return dropped

    def _files(self) -> Iterator[Path]:
        return (path for written in self.outbox.written().values() for path in files_of(written))


def _thin(path: Path, kept: frozenset[bytes]) -> int:
    """Leave only lines of some levels in a file, and one that counts the others; how many others there were."""
    temporary = path.with_name(path.name + TEMPORARY)
    before = path.stat()
    file = Compressed.create(temporary)
    dropped = counted = 0
    last = b""
    try:
        for part in parts_of(path):
            lines = part.splitlines(keepends=True)
            stay = []
            for line in lines:
                found = _LEVEL.search(line)
                earlier = _BEFORE.search(line)
                if earlier:
                    counted += int(earlier[1])
                elif found is None or found[1] in kept:
                    stay.append(line)
                else:
                    dropped, last = dropped + 1, line
            file.add(b"".join(stay))
        file.add(_told(last, dropped + counted))
        file.finish()
        failpoint("logs.cap.written")
        os.utime(temporary, ns=(before.st_atime_ns, before.st_mtime_ns))
        if dropped:
            temporary.replace(path)
    finally:
        file.close()
        temporary.unlink(missing_ok=True)
    return dropped


def _told(last: bytes, dropped: int) -> bytes:
    known = parsed(last)
    context = {key: value for key, value in known.get("context", {}).items() if key in {"run_id", "job"}}
    told = {
        "ts": known.get("ts"),
        "level": "WARNING",
        "logger": "stoker.logs",
        "msg": f"{dropped:,} lines were dropped here: they could not be sent, and the spool was full",
        "context": {**context, "dropped": str(dropped)},
    }
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"
