"""Lines of several files as one sequence, by time."""

from __future__ import annotations

import heapq
import zlib
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from stoker.logs.read.line import LogLine, parse
from stoker.logs.read.places import Distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stoker.logs.read.filters import Wanted
    from stoker.logs.read.places import LogFile

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
    for file in files:
        if distinct.is_new(file):
            writers[file.writer].append(file)
    streams = (_of_writer(sorted(each, key=lambda file: file.number), wanted, problem) for each in writers.values())
    for _, line in heapq.merge(*streams, key=lambda pair: pair[0]):
        yield line


def _of_writer(
    files: Iterable[LogFile], wanted: Wanted, problem: Callable[[str], None]
) -> Iterator[tuple[datetime, LogLine]]:
    latest = BEGINNING
    for file in files:
        try:
            with file.open() as opened:
                for latest, line in timed(records(opened), wanted, latest):  # noqa: B020 - the time goes on
                    yield latest, line
        except FileNotFoundError:
            continue  # it was rotated away, or sent, since the folder was listed
        except (OSError, EOFError, zlib.error) as error:
            problem(f"{file.where} cannot be read to its end: {error}")


def timed(lines: Iterable[LogLine], wanted: Wanted, latest: datetime = BEGINNING) -> Iterator[tuple[datetime, LogLine]]:
    """The wanted lines with the times that they are sorted by.

    Args:
        lines: In the order of their file.
        wanted: Which.
        latest: The time of the line before.
    """
    for line in lines:
        # A clock that goes backwards, or a text without a time, does not leave its place.
        latest = max(latest, line.ts or latest)
        if wanted.takes(line, line.ts or (latest if latest > BEGINNING else None)):
            yield latest, line


def records(lines: Iterable[bytes] | BinaryIO) -> Iterator[LogLine]:
    """Lines, parsed; those that are indented go on with the one before."""
    held: list[str] = []
    for raw in lines:
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        if held and text[:1].isspace() and not held[0].startswith("{"):
            held.append(text)
            continue
        if held:
            yield parse("\n".join(held))
        held = [text] if text else []
    if held:
        yield parse("\n".join(held))
