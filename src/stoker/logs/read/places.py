"""Where lines are: files of a folder, and segments and packages of a spool."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from stoker.logs.read.records import StandardError, records
from stoker.logs.ship.names import scan
from stoker.logs.ship.outbox import members, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo
    from pathlib import Path

    from stoker.logs.read.records import Reader

_ROTATED = re.compile(r"-\d{6,}(?=\.)")
_SUFFIXES = (".jsonl", ".jsonl.gz", ".log", ".log.gz")
_STANDARD_ERROR = re.compile(r"stderr(?:[._-][\w.-]*)?")
_PARTS = 3
"""Of the path of a standard error that are shown: the application, the executor, the name."""
_ON_EMR = re.compile(r"s3://|.*/(?:SPARK_DRIVER|SPARK_EXECUTOR|container_\w+)/")


@dataclass(frozen=True)
class LogFile:
    """A file of lines."""

    name: str
    """Tells it from others, also from those of other places: where it was copied to, it has the same."""
    writer: str
    """Whose lines it holds; those of one writer are in order."""
    number: tuple[int, str]
    """Its place among the files of its writer."""
    where: str
    """For messages."""
    open: Callable[[], BinaryIO]
    """Gives the lines, unpacked."""
    grows: bool = False
    """Whether lines may be added to it."""
    foreign: bool = False
    """Whether it is a standard error, where Spark writes as well."""
    segment: bool = False
    """Whether it is a segment of a spool; what is made of segments begins with the number of the first of them."""

    def reader(self) -> Reader:
        """What reads it from its beginning."""
        if not self.foreign:
            return records
        short = "/".join(self.where.removesuffix(".gz").split("/")[-_PARTS:])
        return StandardError(short, zone_of(self.where))


class Distinct:
    """Files that were not there before: what was sent while places are looked into may be in two of them."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._segments: set[tuple[str, int]] = set()

    def is_new(self, file: LogFile) -> bool:
        """Whether its lines were not in a file before; from now on they are."""
        begin = (file.writer, file.number[0])
        if file.name in self._names or (begin in self._segments and not file.segment):
            return False
        self._names.add(file.name)
        if file.segment:
            self._segments.add(begin)
        return True


class Place(Protocol):
    """A place with log files."""

    where: str
    """How people name it."""

    def files(self, run: str | None) -> Iterator[LogFile]:
        """Its files.

        Args:
            run: Whose lines are looked for: those of others alone may be left out.

        Raises:
            StokerError: If the place cannot be looked into; that it is not there is no error.
        """


class FilesPlace:
    """The files of a folder, rotated ones too.

    Args:
        folder: The folder.
        below: Whether files in its folders belong to it, as where objects were copied to; then what platforms have collected of
            drivers and executors (`stderr`, `stderr.gz`) is read as well.
    """

    def __init__(self, folder: Path, *, below: bool = False) -> None:
        self._folder = folder
        self._below = below
        self.where = str(folder)

    def files(self, run: str | None) -> Iterator[LogFile]:
        """Its files; see `Place`."""
        del run  # a file may hold lines of any
        found = self._folder.rglob("*") if self._below else self._folder.glob("*")
        for path in sorted(found):
            if path.name.endswith(_SUFFIXES) and path.is_file() and not path.name.startswith("."):
                writer = _ROTATED.split(path.name)[0]
                # Only an uncompressed file may grow; packed it is another name with the same lines.
                name = path.name.removesuffix(".gz").replace(".open.", ".")
                yield LogFile(name, writer, (0, path.name), str(path), opener(path), grows=path.suffix != ".gz")
            elif self._below and is_standard_error(path.name) and path.is_file():
                yield standard_error(str(path), opener(path))


class SpoolPlace:
    """What a spool still has.

    Args:
        folder: The spool.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.where = str(folder)

    def files(self, run: str | None) -> Iterator[LogFile]:
        """Its files; see `Place`."""
        del run  # the open segment may hold lines of any
        for writer, written in scan(self._folder).items():
            for package in written.packages:
                for path in members(package):
                    name = path.relative_to(package.path).as_posix()
                    yield LogFile(name, writer, (package.first, name), str(path), opener(path))
            for segment in (*unpacked(written), *written.open):
                name = f"{writer}-{segment.number:06d}"
                begin, path = (segment.number, name), segment.path
                yield LogFile(name, writer, begin, str(path), opener(path), grows=True, segment=True)


def is_standard_error(name: str) -> bool:
    """Whether a file of this name is what a platform has collected of a driver or an executor."""
    return _STANDARD_ERROR.fullmatch(name) is not None


def standard_error(where: str, opened: Callable[[], BinaryIO]) -> LogFile:
    """A file that a platform has collected.

    Args:
        where: The path or the URL; those of many executors end alike.
        opened: Opens it.
    """
    grows = "://" not in where and not where.endswith(".gz")
    return LogFile(where, where, (0, where), where, opened, grows=grows, foreign=True)


def zone_of(where: str) -> tzinfo | None:
    """The zone of times that a standard error has without one; None for that of this machine."""
    return UTC if _ON_EMR.match(where) else None


def opener(path: Path) -> Callable[[], BinaryIO]:
    """What opens a file of lines that may be compressed."""
    if path.name.endswith(".gz"):
        return lambda: cast("BinaryIO", gzip.open(path))
    return lambda: path.open("rb")
