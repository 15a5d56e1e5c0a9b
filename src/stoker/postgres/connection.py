"""Connections to PostgreSQL, with their failures said clearly and never the password."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

from stoker.postgres.info import ConnectionInfo
from stoker.postgres.login import not_made
from stoker.postgres.resolve import resolve
from stoker.postgres.tls import tls_context

if TYPE_CHECKING:
    from pg8000.native import Connection

__all__ = ["ConnectionInfo", "connect", "cut", "resolve"]

_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPALIVE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))
"""Seconds, seconds on macOS, seconds, probes. The driver's connection is silent while Spark works, for hours perhaps:
without probes a firewall forgets it, and a server that is gone is noticed after two hours."""


def connect(info: ConnectionInfo) -> Connection:
    """Open a connection that waits for its answers without a time-out.

    Raises:
        ConnectionLostError: If the server does not answer in time, or is starting or stopping.
        TransientError: If it has no connection free.
        ConfigurationError: If user, password, database or the TLS settings are wrong.
    """
    from pg8000.native import Connection

    context = tls_context(info)
    plain = None
    try:
        plain = socket.create_connection((info.host, info.port), info.connect_timeout)
        _tune(plain)
        connection = Connection(
            info.user,
            host=info.host,
            database=info.database,
            password=info.password,
            ssl_context=context,
            application_name=info.application_name,
            startup_params={"client_encoding": "UTF8"},
            sock=plain,
        )
    except Exception as error:
        if plain is not None:
            plain.close()
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
