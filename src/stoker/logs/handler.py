"""One handler for all destinations of one format: a record is formatted once, by the thread that logs it."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Protocol

from stoker.logs.json_lines import SHOWN
from stoker.logs.values import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Destination(Protocol):
    """Where lines go. Nothing that it meets is raised."""

    def write(self, line: bytes) -> None:
        """Take a line, with its end."""

    def hasten(self) -> None:
        """What was written last matters: have it where it is safe, soon; returns at once."""

    def close(self) -> None:
        """End in order; a line may still come."""


class Console:
    """Standard error, whatever that is when a line comes: it may be drawn upon, or captured by a test."""

    def write(self, line: bytes) -> None:
        """Write and flush; without a standard error, or with one that nobody reads any more, do nothing."""
        text = line.decode("utf-8", "replace")
        with contextlib.suppress(OSError, ValueError, AttributeError):
            try:
                sys.stderr.write(text)
            except UnicodeEncodeError:  # a locale of ASCII
                sys.stderr.write(text.encode("ascii", "backslashreplace").decode())
            sys.stderr.flush()


class LineHandler(logging.Handler):
    """Formats a record and gives the line to each destination.

    It takes no lock around the format: a thread does not wait for another's. Files have locks of their own.

    Args:
        formatter: Of all of them.
        destinations: Where the lines go.
        wanted: Each says of a record whether it is; `addFilter` works too, and costs more.
    """

    def __init__(
        self,
        formatter: logging.Formatter,
        destinations: Sequence[Destination | Console],
        wanted: Sequence[Callable[[logging.LogRecord], bool]] = (),
    ) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._wanted = tuple(wanted)
        self._console = next((each for each in destinations if isinstance(each, Console)), None)
        self._others = tuple(each for each in destinations if not isinstance(each, Console))

    @property
    def has_console(self) -> bool:
        """Whether standard error is among the destinations."""
        return self._console is not None

    def handle(self, record: logging.LogRecord) -> bool:
        """As the base class does, without its lock."""
        if self.filters and not self.filter(record):
            return False
        for wanted in self._wanted:
            if not wanted(record):
                return False
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line."""
        assert self.formatter is not None
        try:
            line = (self.formatter.format(record) + "\n").encode("utf-8", "backslashreplace")
        except Exception as error:  # noqa: BLE001 - the job goes on, whatever a record holds
            line = f"{safe_text(record.name)}: a line could not be formatted ({type(error).__name__})\n".encode()
        for destination in self._others:
            try:
                destination.write(line)
                if record.levelno >= logging.ERROR:
                    destination.hasten()
            except Exception:  # noqa: BLE001, S110 - as above; a destination tells of what it meets itself
                pass
        if self._console is not None and SHOWN not in record.__dict__:
            self.acquire()  # a child that is forked gets a new lock
            try:
                self._console.write(line)
            finally:
                self.release()

    def close(self) -> None:
        """Close the destinations; the standard library calls it at exit."""
        for destination in self._others:
            destination.close()
        super().close()
