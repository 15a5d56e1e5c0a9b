"""One attempt after the other to bring what an outbox holds into a store, and what is said when that fails."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from stoker.failpoints import failpoint
from stoker.logs.ship.backoff import Backoff
from stoker.logs.ship.cap import CAP, Cap
from stoker.logs.ship.store import RefusedError, StoreError
from stoker.logs.spool import say

if TYPE_CHECKING:
    from stoker.logs.ship.outbox import Outbox
    from stoker.logs.ship.store import Store

_BLIP = 3
"""Failures in a row before anything is said: one or two are nothing out of the ordinary in S3."""


class Delivery:
    """The attempts of one process; used by one thread.

    Args:
        outbox: What there is to send.
        store: Where to.
        cap: The bytes that may wait on the disk.
    """

    def __init__(self, outbox: Outbox, store: Store, *, cap: int = CAP) -> None:
        self._outbox = outbox
        self._cap = Cap(outbox, cap)
        self._store = store
        self._backoff = Backoff()
        self._not_before = 0.0
        self._told: set[str] = set()
        """Of this outage."""
        self._problems: set[str] = set()
        self.refused = False
        """Whether the last attempt was refused for good, until somebody changes something."""

    def pause(self) -> float | None:
        """The seconds until the next attempt, or None if the last one went well."""
        return max(self._not_before - time.monotonic(), 0) if self._backoff.failures else None

    def work(self, *, force: bool, now: bool = False) -> bool:
        """Pack, and send unless it is too early to try again.

        Args:
            force: Whether everything is sent, and not only full packages.
            now: Whether it is never too early.

        Returns:
            Whether nothing is left that could be sent.
        """
        may_try = now or not self.pause()
        try:
            # An attempt after failures takes along what has come meanwhile: fewer objects.
            self._outbox.collect(force=may_try and (force or self._backoff.failures > 0))
            if may_try:
                send(self._outbox, self._store)
        except Exception as error:  # noqa: BLE001 - the thread has to live on, whatever it is
            self._failed(error)
            return False
        finally:
            for writer, problem in self._outbox.problems.items():
                text = f"log lines of {writer} in {self._outbox.folder} cannot be sent: {problem}."
                _say_once(text, self._problems)
            self._keep_below_cap()
            self._outbox.release()
        if may_try:
            self._worked()
        return may_try and self._outbox.has_own

    def _keep_below_cap(self) -> None:
        with suppress(Exception):  # the disk refuses, or a file is damaged; sending may still work
            if self._cap.enforce():
                _say_once(
                    f"the spool {self._outbox.folder} is full ({self._cap.limit / 2**20:,.0f} MiB): its oldest lines below "
                    "ERROR are dropped, DEBUG and INFO first. A line in the log counts them.",
                    self._told,
                )

    def _failed(self, error: Exception) -> None:
        self.refused = isinstance(error, RefusedError)
        self._not_before = time.monotonic() + self._backoff.failed(refused=self.refused)
        if self.refused or not isinstance(error, StoreError) or self._backoff.failures == _BLIP:
            what = str(error) if isinstance(error, StoreError | OSError) else repr(error)
            _say_once(
                f"log lines cannot be sent to {self._store.where}: {what}. They are kept in {self._outbox.folder} and sent "
                "as soon as that is possible.",
                self._told,
            )

    def _worked(self) -> None:
        if self._told:
            say(f"log lines are sent to {self._store.where} again.")
            self._told.clear()
        self.refused = False
        self._backoff.succeeded()


def send(outbox: Outbox, store: Store) -> int:
    """Put what is packed, oldest first.

    Returns:
        How many objects were put.

    Raises:
        StoreError: If the store does not confirm an object; it and what follows stay.
        OSError: If the disk refuses.
    """
    sent = 0
    for parcel in outbox.parcels():
        failpoint("logs.ship.put")
        with parcel.open() as body:
            store.put(parcel.key, body)
        outbox.sent(parcel)
        sent += 1
    return sent


def _say_once(text: str, told: set[str]) -> None:
    if text not in told:
        told.add(text)
        say(text)
