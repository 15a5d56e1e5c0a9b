"""Connections to PostgreSQL, with their failures said clearly and never the password."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError
from stoker.postgres.login import UNTOUCHED, not_made
from stoker.postgres.tls import tls_context

if TYPE_CHECKING:
    from pathlib import Path

    from pg8000.native import Connection

    from stoker.config import PostgresSettings

_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPALIVE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))
"""Seconds, seconds on macOS, seconds, probes. The driver's connection is silent while Spark works, for hours perhaps:
without probes a firewall forgets it, and a server that is gone is noticed after two hours."""


@dataclass(frozen=True)
class ConnectionInfo:
    """All that a connection needs. It reaches tasks inside their closure, and is put nowhere else."""

    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    sslmode: str = "verify-full"
    """`disable`, `require`, `verify-ca` or `verify-full`, as libpq's."""
    sslrootcert: str | None = None
    """The trusted certificates themselves as PEM text, since a file of the driver is not on the executors."""
    connect_timeout: float = 10.0
    """Seconds."""
    application_name: str = "stoker"
    """As `pg_stat_activity` shows it."""
    name: str | None = None
    """In the configuration, for messages; None for one that is not configured."""

    @property
    def server(self) -> str:
        """The server, for messages."""
        configured = f" (connection {self.name!r})" if self.name else ""
        return f"PostgreSQL at {self.host}:{self.port}{configured}"


def resolve(settings: PostgresSettings, *, folder: Path) -> ConnectionInfo:
    """What a configured connection needs to connect; starts the embedded server if it is that.

    Args:
        settings: One `[postgres.NAME]`.
        folder: What relative names of secret files count from.

    Raises:
        ConfigurationError: If a secret or certificate is missing, or the embedded server cannot start.
        TransientError: If the secrets' service or the embedded server does not answer.
        MissingExtraError: If an optional library is needed.
    """
    from stoker import secrets

    if settings.embedded:
        from stoker.postgres import embedded

        assert settings.folder is not None
        server = embedded.start(settings.folder)
        return ConnectionInfo(
            server.host,
            server.port,
            server.database,
            server.user,
            server.password,
            sslmode="disable",
            name=settings.name,
        )
    assert settings.host is not None
    assert settings.database is not None
    assert settings.user is not None
    password = settings.password
    if isinstance(password, secrets.SecretRef):
        password = secrets.resolve(password, folder=folder)
    certificates = None
    if settings.sslrootcert is not None:
        try:
            certificates = settings.sslrootcert.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no PEM text"
            raise ConfigurationError(
                f"sslrootcert of the connection {settings.name!r} cannot be read from {settings.sslrootcert}: {reason}.",
                state=UNTOUCHED,
                next_step="Name a file of PEM certificates, or leave it out to trust the system's.",
            ) from error
    return ConnectionInfo(
        settings.host,
        settings.port,
        settings.database,
        settings.user,
        password,
        settings.sslmode,
        certificates,
        settings.connect_timeout,
        name=settings.name,
    )


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
