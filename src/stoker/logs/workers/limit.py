"""A line for each row would bury a log, and slow the rows down: of one call, a task writes the first lines and then some."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from stoker.logs.json_lines import TAKEN
from stoker.logs.workers.task import number

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

FIRST = 100
"""Lines of one call in one task that are all written."""
EVERY = 100
"""After these, one in so many is."""


class RateLimit:
    """Counts the lines of each call (file and line) of the task that runs.

    Args:
        begins: Called before the first line of a task is written.
    """

    def __init__(self, begins: Callable[[], None] = lambda: None) -> None:
        self._begins = begins
        self._task: object = None
        self._counts: dict[tuple[str, int], itertools.count[int]] = {}

    def takes(self, record: logging.LogRecord) -> bool:
        """Whether a record is written; the same for every handler that asks."""
        taken: bool | None = record.__dict__.get(TAKEN)
        if taken is None:
            taken = record.__dict__[TAKEN] = self._decides(record)
        return taken

    def _decides(self, record: logging.LogRecord) -> bool:
        if (task := number()) != self._task:
            self._begins()
            self._task, self._counts = task, {}
        # A counter's next number is taken in one step: threads need no lock.
        count = next(self._counts.setdefault((record.pathname, record.lineno), itertools.count(1)))
        if count <= FIRST:
            return True
        if (count - FIRST) % EVERY:
            return False
        record.__dict__["left_out"] = EVERY - 1
        return True
