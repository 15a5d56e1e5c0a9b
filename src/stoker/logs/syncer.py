"""Has lines on the disk before a machine is lost, by `fsync` in a thread of its own: it takes as long as the disk."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stoker.logs.spool import Spool

THREAD: Final = "stoker-log-syncer"
"""The name of the thread."""
_TICK = 1.0
"""Seconds after which a line is on the disk, whatever its level."""
_PAUSE = 0.05
"""Seconds between two errors that are brought to the disk at once: many of them are to cost the disk no more."""
_AT_EXIT = 2.0
"""Seconds that the end of a process waits for its disk."""


class Syncer:
    """Brings to the disk what a spool has written: each second, at once after an error, and each segment that is complete.

    Args:
        spool: Tells of each segment that is complete, and of errors.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        # An event has a lock; the handler of a signal that logs while its thread holds it would wait for ever.
        self._told: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._hastened = self._ends = False
        self._process = os.getpid()
        self._ended = threading.Event()
        self._watcher: Callable[[bool], None] | None
        self._since = time.monotonic()
        self.unwatch()
        spool.syncer = self
        spool.on_rotate.append(self._rotated)
        threading.Thread(target=self._run, name=THREAD, daemon=True).start()

    def watch(self, told: Callable[[bool], None], period: float) -> None:
        """Tell somebody of segments that are complete; and complete one when it is time, or when the disk takes no more lines.

        Args:
            told: Called in the syncer's thread, with whether it was time for what is there to go.
            period: Seconds.
        """
        self._watcher, self._period = told, period

    def unwatch(self) -> None:
        """Tell nobody any more."""
        self._watcher, self._period = None, math.inf

    def hasten(self) -> None:
        """Have what is written on the disk at once; returns before that."""
        if not self._hastened and os.getpid() == self._process:
            self._hastened = True
            self._told.put(None)

    def close(self) -> None:
        """Have everything on the disk, if that is possible in two seconds, and end the thread."""
        if os.getpid() == self._process and not self._ends:
            self._ends = True
            self._told.put(None)
            with contextlib.suppress(KeyboardInterrupt):  # somebody does not want to wait
                self._ended.wait(_AT_EXIT)

    def _rotated(self, path: Path) -> None:
        if os.getpid() == self._process:
            self._told.put(path)

    def _run(self) -> None:
        while not self._ends:
            complete = self._heard(_TICK)
            hastened, self._hastened = self._hastened, False
            self._sync(complete)
            if hastened and not self._ends:
                time.sleep(_PAUSE)
        self._sync(self._heard(0))
        self._ended.set()

    def _heard(self, timeout: float) -> list[Path]:
        """The segments that are complete; waits until something is told."""
        heard: list[Path | None] = []
        with contextlib.suppress(queue.Empty):
            heard.append(self._told.get(timeout=timeout))
            while True:
                heard.append(self._told.get_nowait())
        return [path for path in heard if path is not None]

    def _sync(self, complete: list[Path]) -> None:
        is_due = self._watcher is not None and (
            self._spool.is_failing or time.monotonic() - self._since >= self._period
        )
        if is_due:
            self._since = time.monotonic()
            self._spool.rotate()  # which tells of the segment
            complete += self._heard(0)
        for path in complete:
            self._spool.sync(path)
        self._spool.sync()
        if self._watcher is not None and (complete or is_due):
            self._watcher(is_due)
