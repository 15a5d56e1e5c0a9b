"""Lines of several files as one sequence, by time."""

from __future__ import annotations

import heapq
import zlib
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stoker.logs.read.places import Distinct
from stoker.logs.read.records import StandardError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stoker.logs.read.filters import Wanted
    from stoker.logs.read.line import LogLine
    from stoker.logs.read.places import LogFile

_REMEMBERED = 10_000
"""Lines among which one that comes again is looked for: copies of a line have the same time."""
_TASK = ("stage", "partition", "task_attempt")
BEGINNING = datetime.min.replace(tzinfo=UTC)


def merged(
    files: Iterable[LogFile], wanted: Wanted, problem: Callable[[str], None] = lambda _: None
) -> Iterator[LogLine]:
    """The lines of all files that are wanted, by time; those of one writer keep their order.

    Args:
        files: What is there under the same name in two places is read from the first.
        wanted: Which lines.
        problem: Called with a sentence for a file of which the rest cannot be read.

    Raises:
        StokerError: If a store does not give a file.
    """
    writers: dict[str, list[LogFile]] = defaultdict(list)
    distinct = Distinct()
    once: Once | None = None
    for file in files:
        if distinct.is_new(file):
            writers[file.writer].append(file)
            once = once or (Once() if file.foreign else None)
    streams = (_of_writer(sorted(each, key=lambda file: file.number), wanted, problem) for each in writers.values())
    for _, line, writer in heapq.merge(*streams, key=lambda found: found[0]):
        if once is None or once.takes(line, writer):
            yield line


def _of_writer(
    files: Iterable[LogFile], wanted: Wanted, problem: Callable[[str], None]
) -> Iterator[tuple[datetime, LogLine, str]]:
    latest = BEGINNING
    for file in files:
        reader = file.reader()
        try:
            with file.open() as opened:
                lines = reader(opened)
                for latest, line in timed(lines, wanted, latest, foreign=file.foreign):  # noqa: B020 - the time goes on
                    yield latest, line, file.writer
        except FileNotFoundError:
            continue  # it was rotated away, or sent, since the folder was listed
        except (OSError, EOFError, zlib.error) as error:
            problem(f"{file.where} cannot be read to its end: {error}")
        if isinstance(reader, StandardError) and reader.passed_over_all:
            problem(f"{file.where}, which has text but no line of a log")


class Once:
    """Our lines that are in two files: those of a driver's standard error are in S3 or in files of Stoker's as well."""

    def __init__(self) -> None:
        self._writers: dict[tuple[object, ...], str] = {}

    def takes(self, line: LogLine, writer: str) -> bool:
        """Whether no other writer's file had it."""
        if line.ts is None or "run_id" not in line.context:
            return True  # the times of Spark's lines are too coarse to tell them apart
        if len(self._writers) > _REMEMBERED:
            self._writers.pop(next(iter(self._writers)))
        identity = (line.ts, line.logger, line.message, *map(line.context.get, _TASK))
        return self._writers.setdefault(identity, writer) == writer


def timed(
    lines: Iterable[LogLine], wanted: Wanted, latest: datetime = BEGINNING, *, foreign: bool
) -> Iterator[tuple[datetime, LogLine]]:
    """The wanted lines with the times that they are sorted by.

    Args:
        lines: In the order of their file.
        wanted: Which.
        latest: The time of the line before.
        foreign: Whether they are from a standard error.
    """
    for line in lines:
        # A clock that goes backwards, or a text without a time, does not leave its place.
        latest = max(latest, line.ts or latest)
        if wanted.takes(line, line.ts or (latest if latest > BEGINNING else None), foreign=foreign):
            yield latest, line
