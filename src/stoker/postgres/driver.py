"""The driver's connection of a load: silent while Spark works, for hours perhaps, and made again if it was lost meanwhile."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from stoker.errors import ConnectionLostError, StokerError
from stoker.postgres import staging
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.connections.session import open_session
from stoker.postgres.refusals import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg8000.native import Connection

    from stoker.postgres.connections.info import ConnectionInfo
    from stoker.postgres.names import LoadTarget

logger = logging.getLogger(__name__)


class DriverConnection:
    """One at a time, with a session of its own.

    Args:
        info: The server.
        stopped: Whether the run is being cancelled; asked while it waits.
    """

    def __init__(self, info: ConnectionInfo, stopped: Callable[[], bool]) -> None:
        self._info = info
        self._stopped = stopped
        self._connection: Connection | None = None

    def made(self) -> Connection:
        """The connection, which is made if there is none.

        Raises:
            StokerError: As `open_session`.
        """
        if self._connection is None:
            self._connection = open_session(self._info, self._stopped)
        return self._connection

    def revived(self, target: LoadTarget, nonce: str) -> Connection:
        """The connection; a new one, with the sign of life, if it was lost.

        Args:
            target: For messages.
            nonce: Of the staging table.

        Raises:
            StokerError: As `open_session`.
        """
        if self._connection is not None and _answers(self._connection):
            return self._connection
        self.cut()
        with self.explained(f"The load into {target} cannot be published"):
            connection = self.made()
            if not staging.hold(connection, nonce):
                # The server has not noticed yet that the old connection is gone: that is as good.
                logger.info("the old session of the load into %s is still there", target)
        return connection

    @contextlib.contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Turn pg8000's errors inside of the block into ours, and leave no transaction open.

        Args:
            what: What is tried, as the beginning of a sentence.

        Raises:
            StokerError: As `refusals.explained`.
        """
        try:
            with explained(what):
                yield
        except StokerError as error:
            if isinstance(error, ConnectionLostError):
                self.cut()
            elif self._connection is not None:
                with contextlib.suppress(Exception):
                    self._connection.run("ROLLBACK")
            raise

    def dropped(self, work: staging.Staging) -> None:
        """Drop a staging table, under any of its names, over a new connection if need be.

        Raises:
            Exception: If the server cannot be reached.
        """
        if self._connection is None or not _answers(self._connection):
            self.cut()
            self._connection = connect(self._info)
        staging.drop(self._connection, work.table, work.sealed)

    def cut(self) -> None:
        """End it, in whatever state it is."""
        connection, self._connection = self._connection, None
        if connection is not None:
            cut(connection)


def _answers(connection: Connection) -> bool:
    try:
        connection.run("SELECT 1")
    except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use
        return False
    return True
