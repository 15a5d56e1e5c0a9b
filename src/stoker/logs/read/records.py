"""From the lines of a file to those of a log: of files that Stoker writes, and of standard errors that a platform has collected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Protocol

from stoker.logs.read.line import RANKS, LogLine, parse, parse_jvm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo


class Reader(Protocol):
    """What reads one file; of one that grows, piece by piece."""

    def __call__(self, lines: Iterable[bytes] | BinaryIO, /) -> Iterator[LogLine]:
        """The lines of a log that these are."""


def records(lines: Iterable[bytes] | BinaryIO) -> Iterator[LogLine]:
    """Lines, parsed; those that are indented go on with the one before."""
    held: list[str] = []
    for raw in lines:
        text = _text(raw)
        if held and text[:1].isspace() and not held[0].startswith("{"):
            held.append(text)
            continue
        if held:
            yield parse("\n".join(held))
        held = [text] if text else []
    if held:
        yield parse("\n".join(held))


class StandardError:
    """Reads what a driver or an executor has written to its standard error: our lines, Spark's in both of its forms, and anything.

    Text that follows a line of Spark is a part of it, as traces are. Other text has the name of the file for a logger. What comes
    before the first line of a log is the command line and what Java says of itself: it is passed over.

    Args:
        name: Of the file, for people.
        zone: Of times that have none; None for that of this machine.
    """

    def __init__(self, name: str, zone: tzinfo | None) -> None:
        self._name = name
        self._zone = zone
        self._begun = False
        self.passed_over_all = False
        """Whether there was text and nothing else."""

    def __call__(self, lines: Iterable[bytes] | BinaryIO) -> Iterator[LogLine]:
        """The lines of a log that these are."""
        held: LogLine | None = None
        for raw in lines:
            text = _text(raw)
            found = parse(text) if text.startswith("{") else parse_jvm(text, self._zone)
            if found is not None and found.level in RANKS:
                self._begun, self.passed_over_all = True, False
            elif not self._begun or not text:
                self.passed_over_all |= not self._begun and bool(text)
                continue
            elif held is not None and not held.text.startswith("{"):
                held = replace(held, text=f"{held.text}\n{text}", message=f"{held.message}\n{text}")
                continue
            else:
                found = LogLine(text, logger=self._name, message=text)
            if held is not None:
                yield held
            held = found
        if held is not None:
            yield held


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip("\r\n")
