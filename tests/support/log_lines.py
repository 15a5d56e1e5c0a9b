"""Loggers and lines of tests of the log."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from stoker.logs.handler import LineHandler
from stoker.logs.json_lines import JsonFormatter

if TYPE_CHECKING:
    from pathlib import Path


class Kept:
    """A destination that keeps the lines."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    def write(self, line: bytes) -> None:
        """Keep it."""
        self.raw.append(line)

    def hasten(self) -> None:
        """It is where it belongs."""

    def close(self) -> None:
        """Nothing is open."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines as JSON."""
        return [json.loads(line) for line in self.raw]


class Log:
    """A logger whose records become JSON and nothing else."""

    def __init__(self, logger: logging.Logger, kept: Kept) -> None:
        self.logger = logger
        self.kept = kept

    @property
    def last(self) -> dict[str, Any]:
        """The last line."""
        assert self.kept.raw[-1].endswith(b"\n")
        return self.kept.lines[-1]


@pytest.fixture
def log() -> Log:
    """A logger with a handler of ours, known to nobody else."""
    kept = Kept()
    logger = logging.Logger("tests.log", logging.DEBUG)  # noqa: LOG001 - pytest's own handlers are not to format what it gets
    logger.addHandler(LineHandler(JsonFormatter(), [kept]))
    return Log(logger, kept)


def spooled(folder: Path) -> list[dict[str, Any]]:
    """All whole lines of a folder's segments, by segment."""
    raw = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines(keepends=True)]
    return [json.loads(line) for line in raw if line.endswith(b"\n")]
