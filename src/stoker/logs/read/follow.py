"""What is added to log files, as it comes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from stoker.logs.read.merge import Once, timed
from stoker.logs.read.places import Distinct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from stoker.logs.read.filters import Wanted
    from stoker.logs.read.line import LogLine
    from stoker.logs.read.places import LogFile, Place
    from stoker.logs.read.records import Reader


@dataclass
class _Opened:
    """A file that may grow, and the line that is not written to its end yet."""

    file: LogFile
    stream: BinaryIO
    reader: Reader
    rest: bytes = b""


class Follower:
    """Looks at places again and again.

    Args:
        places: Where lines come.
        wanted: Which lines.
    """

    def __init__(self, places: Sequence[Place], wanted: Wanted) -> None:
        self._places = places
        self._wanted = wanted
        self._opened: dict[str, _Opened] = {}
        self._distinct = Distinct()
        self._once = Once()

    def news(self) -> list[LogLine]:
        """The wanted lines that came since the last time, by time; the first time, all that there are.

        Raises:
            StokerError: If a place or a file cannot be read.
        """
        found: list[tuple[datetime, LogLine]] = []
        listed = [file for place in self._places for file in place.files(self._wanted.run)]
        # A file that is not listed any more was renamed or sent: what it got until then is read to its end.
        for name in [each for each in self._opened if each not in {file.name for file in listed if file.grows}]:
            self._read(self._opened[name], found)
            self._opened.pop(name).stream.close()
        for file in sorted(listed, key=lambda file: file.number):
            self._look(file, found)
        found.sort(key=lambda pair: pair[0])
        return [line for _, line in found]

    def close(self) -> None:
        """Close the files."""
        for opened in self._opened.values():
            opened.stream.close()

    def _look(self, file: LogFile, found: list[tuple[datetime, LogLine]]) -> None:
        if file.name in self._opened:
            self._read(self._opened[file.name], found)
        elif self._distinct.is_new(file):
            with suppress(FileNotFoundError):
                opened = _Opened(file, file.open(), file.reader())
                self._read(opened, found)
                if file.grows:
                    self._opened[file.name] = opened
                else:
                    opened.stream.close()

    def _read(self, opened: _Opened, found: list[tuple[datetime, LogLine]]) -> None:
        whole, newline, opened.rest = (opened.rest + opened.stream.read()).rpartition(b"\n")
        lines = opened.reader((whole + newline).splitlines(keepends=True))
        found += [
            (moment, line)
            for moment, line in timed(lines, self._wanted, foreign=opened.file.foreign)
            if self._once.takes(line, opened.file.writer)
        ]
