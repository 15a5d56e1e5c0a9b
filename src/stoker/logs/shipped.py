"""The destination `s3`: a spool, and the shipper that sends what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import MissingExtraError, StokerError
from stoker.logs.ship import Shipper
from stoker.logs.ship.s3 import S3Store
from stoker.logs.ship.shipper import THREAD
from stoker.logs.spool import MEBIBYTE, say

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from stoker.config import LoggingSettings
    from stoker.logs.ship import Store
    from stoker.logs.spool import Spool

_waiting: list[ShippedSpool] = []
"""Without boto3: those that can send only while there is Spark."""


def ship_through(make: Callable[[str], Store]) -> list[str]:
    """Have what waits for a way to S3 go another one; until `ship_no_more`.

    Args:
        make: Makes the store for a URL.

    Returns:
        What is told of it, as fallbacks.
    """
    told = []
    for spool in _waiting:
        try:
            if not spool.is_sent:  # by an earlier run that goes on beside this one
                spool.start(make(spool.url))
            told.append(f"log lines are sent to {spool.url} by Spark, while it runs: boto3 is not installed")
        except StokerError as error:
            told.append(
                f"log lines are not sent to {spool.url}: boto3 is not installed, and Spark cannot: {error.what}"
            )
    return told


def ship_no_more() -> None:
    """Before that way ends: send what is left, for ten seconds at most."""
    for spool in _waiting:
        spool.stop()


def is_not_of_shipper(record: logging.LogRecord) -> bool:
    """Whether a record is to be sent: what sending itself logs would never come to an end."""
    return record.threadName != THREAD


class ShippedSpool:
    """A spool whose lines are sent to S3.

    Args:
        spool: Takes the lines.
        settings: Where to, and how soon.
    """

    def __init__(self, spool: Spool, settings: LoggingSettings) -> None:
        assert settings.s3 is not None
        self.url = settings.s3
        self._spool = spool
        self._settings = settings
        self._shipper: Shipper | None = None
        self.write, self.hasten = spool.write, spool.hasten
        try:
            self.start(S3Store(settings.s3))
        except MissingExtraError:
            _waiting.append(self)
        except StokerError as error:
            say(f"{error.what} Log lines are kept in {spool.folder}; stoker logs ship sends them.")

    @property
    def is_sent(self) -> bool:
        """Whether its lines are being sent."""
        return self._shipper is not None

    def start(self, store: Store) -> None:
        """Send from now on, what is there already too."""
        limit = round(self._settings.spool_mib * MEBIBYTE)
        self._shipper = Shipper(self._spool, store, lag=self._settings.s3_seconds, cap=limit)

    def close(self) -> None:
        """Complete the segment, and send what is left, for ten seconds at most."""
        self._spool.close()
        self.stop()
        if self in _waiting:
            _waiting.remove(self)
            if any(self._spool.folder.glob(f"{self._spool.writer}-*")):
                say(
                    f"log lines are not in {self.url} yet: boto3 is not installed. They are kept in {self._spool.folder}; "
                    'stoker logs ship sends them, with pip install "stoker[aws]".'
                )

    def stop(self) -> None:
        """Send what is left, for ten seconds at most, and then no more."""
        if self._shipper is not None:
            self._shipper.close()
            self._shipper = None
