"""The thread that sends a process's lines while it runs, and for a while at its end."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stoker.logs.ship.cap import CAP
from stoker.logs.ship.delivery import Delivery
from stoker.logs.ship.outbox import Outbox
from stoker.logs.spool import say
from stoker.logs.syncer import Syncer

if TYPE_CHECKING:
    from stoker.logs.ship.store import Store
    from stoker.logs.spool import Spool

THREAD: Final = "stoker-log-shipper"
"""The name of the thread that sends; handlers leave out what is logged in it, which would feed itself."""
LAG, LAG_ON_EMR = 60.0, 10.0
"""Seconds from a line to S3: on EMR the disk goes with the worker."""
AT_EXIT = 10.0
"""Seconds for what is left at the end of the process."""


def default_lag() -> float:
    """The seconds from a line to S3 on this machine."""
    return LAG_ON_EMR if Path("/usr/share/aws/emr").is_dir() else LAG


class Shipper:
    """Sends what a spool holds, until it is closed.

    Args:
        spool: This process's; it gets a syncer if it has none.
        store: Where to; made by the main thread.
        lag: Seconds from a line to the store, at most, while all is well; None for what suits the machine.
        cap: The bytes that may wait on the disk; then the oldest lines that are no errors go.
    """

    def __init__(self, spool: Spool, store: Store, *, lag: float | None = None, cap: int = CAP) -> None:
        self._spool = spool
        self._store = store
        self._outbox = Outbox(spool.folder, spool.writer)
        self._delivery = Delivery(self._outbox, store, cap=cap)
        self._process = os.getpid()
        self._wake = threading.Event()
        self._due = threading.Event()
        self._closing = threading.Event()
        self._done = threading.Event()
        # A segment is completed by the syncer, also while a put is waited for, and packed and put within the rest of the lag.
        self._syncer = spool.syncer or Syncer(spool)
        self._syncer.watch(self._told, 0.8 * (default_lag() if lag is None else lag))
        threading.Thread(target=self._ship, name=THREAD, daemon=True).start()

    def close(self, timeout: float = AT_EXIT) -> bool:
        """Send what is left, for some seconds.

        Args:
            timeout: The most that it takes, also if the store never answers.

        Returns:
            Whether all of it was sent; if not, where it is and how to send it stands on standard error.
        """
        if os.getpid() != self._process:
            return True  # a forked child: its parent sends its lines
        self._deadline = time.monotonic() + timeout
        self._syncer.unwatch()
        self._closing.set()
        self._wake.set()
        try:
            with suppress(KeyboardInterrupt):  # somebody does not want to wait
                self._done.wait(timeout)
        except SystemExit:  # so does SIGTERM; the process ends already, unless this is not its end
            if threading.main_thread().is_alive():
                raise
        finally:
            left = self._outbox.bytes_left(self._spool.writer)
            if left:
                say(
                    f"{left:,} bytes of log lines are not in {self._store.where} yet. They are kept in {self._spool.folder}; "
                    "stoker logs ship sends them."
                )
        return not left

    def _told(self, is_due: bool) -> None:
        if is_due:
            self._due.set()
        self._wake.set()

    def _ship(self) -> None:
        while True:
            self._wake.wait(self._delivery.pause())
            self._wake.clear()
            if self._closing.is_set():
                break
            due = self._due.is_set()
            self._due.clear()
            self._delivery.work(force=due)
        with suppress(OSError):
            self._spool.rotate()
        while time.monotonic() < self._deadline and not self._delivery.work(force=True, now=True):
            if self._delivery.refused or not self._outbox.bytes_left(self._spool.writer):
                break
            time.sleep(min(max(self._delivery.pause() or 0, 0.05), 1.0))
        self._outbox.release(own=True)
        self._done.set()
