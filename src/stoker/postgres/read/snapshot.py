"""One snapshot of the database for all that a pipeline reads from it, held by a transaction of the driver.

The transaction also locks what is read against changes of its structure: after a TRUNCATE, a rewrite or a swap, an older
snapshot sees no rows, or other ones.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.postgres.connections.connection import connect_patiently, cut
from stoker.postgres.connections.session import lift_time_outs
from stoker.postgres.read.failures import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo

logger = logging.getLogger(__name__)

BEGIN = "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_SETTINGS = """
SELECT set_config(name, value, true) FROM (VALUES
    ('timezone', 'UTC'), ('datestyle', 'ISO, YMD'), ('intervalstyle', 'postgres'), ('bytea_output', 'hex'),
    ('extra_float_digits', '1'), ('standard_conforming_strings', 'on')
) AS ours (name, value)
"""
"""What is sent as text has one form everywhere."""
_IDENTITY = "SELECT concat({}extract(epoch FROM pg_postmaster_start_time()))"
_CLUSTER = "(pg_control_system()).system_identifier, ' ', "
_CHANGED = """
SELECT l.relation::regclass::text FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND pg_get_indexdef(l.relation) IS NULL
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (c.oid IS NULL OR c.relfilenode <> 0 AND c.relfilenode <> pg_relation_filenode(l.relation))
"""
"""A query sees `pg_class` as of the snapshot, and the functions see it as it is."""
_PULSE = 30.0
"""Seconds between two signs of life: what lies between us and the server may cut silent connections."""


@dataclass(frozen=True)
class Shared:
    """What tasks need to read the same state."""

    name: str
    """Of the exported snapshot; only its own server knows it."""
    identity_sql: str
    identity: str
    """Tells the server from all others, its standbys too, and from itself before a restart."""


def settle(connection: Connection, info: ConnectionInfo) -> None:
    """Have a transaction that no time-out for people ends, and in which values have one form as text."""
    lift_time_outs(connection, info, local=True)
    connection.run(_SETTINGS)


class Snapshot:
    """The transaction of the driver.

    Args:
        info: Where to.
        stopped: Whether the run is being cancelled.

    Raises:
        StokerError: If it cannot be reached, or exports no snapshot.
    """

    def __init__(self, info: ConnectionInfo, stopped: Callable[[], bool] = lambda: False) -> None:
        self._connection = connect_patiently(info, stopped)
        self.info = _reached(self._connection, info)
        """Where the tasks find it: of several hosts, the one that the driver has come to."""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.uses = 0
        """How many frames read it."""
        self.lost: str | None = None
        """Why it was lost, if the driver knows."""
        try:
            with reading(f"A snapshot of {info.server}"):
                self._begin()
        except BaseException:
            cut(self._connection)
            raise
        threading.Thread(target=self._live, name="stoker-snapshot", daemon=True).start()

    def _begin(self) -> None:
        run = self._connection.run
        run(BEGIN)
        settle(self._connection, self.info)
        allowed = run("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")[0][0]
        identity = _IDENTITY.format(_CLUSTER if allowed else "")
        self.shared = Shared(run("SELECT pg_export_snapshot()")[0][0], identity, run(identity)[0][0])

    def _live(self) -> None:
        while not self._ended.wait(_PULSE):
            try:
                with self._lock:
                    self._connection.run("SELECT 1")
            except Exception as error:  # noqa: BLE001 - pg8000 and the socket raise many
                if not self._ended.is_set():
                    self.lost = str(error) or type(error).__name__
                    logger.warning("The connection that holds a snapshot of PostgreSQL was lost: %s", self.lost)
                return

    @contextlib.contextmanager
    def look(self) -> Iterator[Connection]:
        """The connection, for a moment, in the transaction."""
        with self._lock:
            yield self._connection

    def changed(self) -> list[str]:
        """The tables that were locked too late: they were emptied or replaced since the snapshot was taken."""
        with self._lock:
            return [name for (name,) in self._connection.run(_CHANGED)]

    def renew(self) -> None:
        """Take a new snapshot instead."""
        with self._lock:
            self._connection.run("ROLLBACK")
            self._begin()

    def release(self) -> None:
        """End the transaction."""
        self._ended.set()
        # A sign of life may wait for a server that is gone, and so may we.
        if self._lock.acquire(timeout=1):
            with contextlib.suppress(Exception):
                self._connection._usock.settimeout(5)  # noqa: SLF001 - pg8000 has no other way
                # Else the locks are held until the server has noticed that we are gone.
                self._connection.run("ROLLBACK")
            self._lock.release()
        cut(self._connection)


def _reached(connection: Connection, info: ConnectionInfo) -> ConnectionInfo:
    """The one of its hosts at which a connection ends."""
    peer = connection._usock.getpeername()[:2]  # noqa: SLF001 - pg8000 does not tell
    for one in info.each_host():
        with contextlib.suppress(OSError):
            if peer in [found[4][:2] for found in socket.getaddrinfo(one.host, one.port, type=socket.SOCK_STREAM)]:
                return one
    return info
