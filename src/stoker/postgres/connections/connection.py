"""Connections to PostgreSQL, with their failures said clearly and never the password."""

from __future__ import annotations

import contextlib
import logging
import random
import socket
import time
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError, InterruptedRunError, StokerError, TransientError
from stoker.postgres.connections.attributes import check_kind
from stoker.postgres.connections.info import ConnectionInfo
from stoker.postgres.connections.login import UNTOUCHED, not_made
from stoker.postgres.connections.resolve import from_url, resolve
from stoker.postgres.connections.tls import secured, tls_context
from stoker.secrets import remember

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

__all__ = ["ConnectionInfo", "connect", "connect_patiently", "cut", "from_url", "resolve"]

logger = logging.getLogger(__name__)

_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPALIVE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))
"""Seconds, seconds on macOS, seconds, probes. The driver's connection is silent while Spark works, for hours perhaps:
without probes a firewall forgets it, and a server that is gone is noticed after two hours."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
_LONGEST_SLEEP = 0.2
"""Seconds that a cancelled run goes on."""


def connect(info: ConnectionInfo) -> Connection:
    """Open a connection that waits for its answers without a time-out. Each host is tried once, until one will do.

    Raises:
        ConnectionLostError: If the server does not answer in time, or is starting or stopping.
        TransientError: If it has no connection free, or is not the kind of server that is wanted.
        ConfigurationError: If user, password, database, host or the TLS settings are wrong.
    """
    failed: list[StokerError] = []
    for one in info.each_host():
        try:
            return _connected(one)
        except StokerError as error:
            unknown = isinstance(error.__cause__, socket.gaierror)
            if not isinstance(error, TransientError) and not (unknown and info.more_hosts):
                raise
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    passing = next((error for error in failed if isinstance(error, TransientError)), failed[0])
    kind = TransientError if isinstance(passing, TransientError) else ConfigurationError
    raise kind(
        "None of the servers will do. " + " ".join(error.what for error in failed),
        state=UNTOUCHED,
        next_step=passing.next_step,
    ) from failed[-1]


def connect_patiently(info: ConnectionInfo, stopped: Callable[[], bool] = lambda: False) -> Connection:
    """As `connect`, and again after failures that may pass, until `info.connect_retry` seconds are over.

    Pauses double, and each is random up to its length, so that many tasks do not come back in step.

    Args:
        info: Where to.
        stopped: Whether the run is being cancelled.

    Raises:
        ConnectionLostError: If the server did not answer in all that time.
        TransientError: If it had no connection free in all that time.
        ConfigurationError: If the connection cannot be right.
        InterruptedRunError: If the run is stopped.
    """
    end, longest = time.monotonic() + info.connect_retry, _FIRST_PAUSE
    while True:
        try:
            return connect(info)
        except TransientError as error:
            left = end - time.monotonic()
            if left <= 0:
                raise
            # On executors only warnings are seen, and each task would give one.
            level = logging.WARNING if longest == _FIRST_PAUSE else logging.DEBUG
            logger.log(level, "%s Trying again for %.0f s.", error.what, left)
        if _pause(min(random.uniform(0, longest), left), stopped):  # noqa: S311 - no secret
            raise InterruptedRunError(f"The run was stopped while it waited for {info.server}.", state=UNTOUCHED)
        longest = min(longest * 2, _LONGEST_PAUSE)


def _pause(seconds: float, stopped: Callable[[], bool]) -> bool:
    """Wait; answers at once whether the run is being cancelled."""
    end = time.monotonic() + seconds
    while not stopped():
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, _LONGEST_SLEEP))
    return True


def _connected(info: ConnectionInfo) -> Connection:
    """One try at one host."""
    from pg8000.native import Connection

    context, password = tls_context(info), info.login_password()
    if info.password:
        remember(info.password)  # in a task, nothing else has told the log of it
    sock = None
    try:
        sock = socket.create_connection((info.host, info.port), info.connect_timeout)
        _tune(sock)
        sock = secured(sock, context, info)
        connection = Connection(
            info.user,
            host=info.host,
            database=info.database,
            password=password,
            ssl_context=False,
            application_name=info.application_name,
            startup_params={"client_encoding": "UTF8"},
            sock=sock,
        )
        check_kind(connection, info)
    except Exception as error:
        if sock is not None:
            sock.close()
        if isinstance(error, StokerError):
            raise
        raise not_made(info, error) from error
    connection._usock.settimeout(None)  # noqa: SLF001 - pg8000 has no other way; the time-out was for connecting
    return connection


def cut(connection: Connection) -> None:
    """Close a connection in whatever state it is, without a word to the server: it rolls back what is open."""
    sock: Any = connection._usock  # noqa: SLF001 - `close` sends a message first, which blocks or fails in the midst of a COPY
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            sock.close()
    with contextlib.suppress(Exception):
        connection.close()


def _tune(sock: socket.socket) -> None:
    # pg8000 sends a request in small pieces; held back until the last is acknowledged, each costs 40 ms.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
