"""Connections to PostgreSQL, with their failures said clearly and never the password."""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError, ConnectionLostError, StokerError, TransientError
from stoker.postgres.refusals import fields

if TYPE_CHECKING:
    from pathlib import Path

    from pg8000.native import Connection

    from stoker.config import PostgresSettings

_UNTOUCHED = "Nothing was written."
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

    @property
    def server(self) -> str:
        """The server, for messages."""
        return f"PostgreSQL at {self.host}:{self.port}"


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
            server.host, server.port, server.database, server.user, server.password, sslmode="disable"
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
                state=_UNTOUCHED,
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
    )


def connect(info: ConnectionInfo) -> Connection:
    """Open a connection that waits for its answers without a time-out.

    Raises:
        ConnectionLostError: If the server does not answer in time, or is starting or stopping.
        TransientError: If it has no connection free.
        ConfigurationError: If user, password, database or the TLS settings are wrong.
    """
    from pg8000.exceptions import DatabaseError, InterfaceError
    from pg8000.native import Connection

    context = _tls(info)
    try:
        plain = socket.create_connection((info.host, info.port), info.connect_timeout)
    except OSError as error:
        raise _unanswered(info, error) from error
    try:
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
    except DatabaseError as error:
        plain.close()
        raise _refused(info, error) from error
    except ssl.SSLError as error:
        plain.close()
        raise _untrusted(info, error) from error
    except OSError as error:
        plain.close()
        raise _unanswered(info, error) from error
    except InterfaceError as error:
        plain.close()
        if "SSL" in str(error):
            raise ConfigurationError(
                f"{info.server} has no TLS, and sslmode is {info.sslmode!r}.",
                state=_UNTOUCHED,
                next_step='Switch TLS on at the server; only in a network that you trust, set sslmode = "disable".',
            ) from error
        if "password" in str(error):
            raise _no_password(info) from error
        raise _unanswered(info, error.__cause__ or error) from error
    except Exception as error:
        plain.close()
        if info.password is None and isinstance(error, AttributeError):
            # pg8000 stumbles over a missing password when the server asks for SCRAM.
            raise _no_password(info) from error
        raise ConnectionLostError(
            f"{info.server} did not answer as PostgreSQL does: {type(error).__name__}.",
            state=_UNTOUCHED,
            next_step="Check host and port.",
        ) from error
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


def _tls(info: ConnectionInfo) -> ssl.SSLContext | bool:
    if info.sslmode == "disable":
        return False
    try:
        context = ssl.create_default_context(cadata=info.sslrootcert)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"sslrootcert for {info.server} holds no certificates: {error.reason}.",
            state=_UNTOUCHED,
            next_step="Name a file of PEM certificates.",
        ) from error
    context.check_hostname = info.sslmode == "verify-full"
    # As libpq: `require` with certificates given verifies them.
    if info.sslmode == "require" and info.sslrootcert is None:
        context.verify_mode = ssl.CERT_NONE
    return context


def _tune(sock: socket.socket) -> None:
    # pg8000 sends a request in small pieces; held back until the last is acknowledged, each costs 40 ms.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _unanswered(info: ConnectionInfo, error: BaseException) -> ConnectionLostError:
    if isinstance(error, TimeoutError):
        reason = f"no answer within {info.connect_timeout:g} s"
    elif isinstance(error, socket.gaierror):
        reason = "the host name is not known"
    else:
        reason = getattr(error, "strerror", None) or "it closed the connection"
    return ConnectionLostError(
        f"{info.server} did not answer: {reason}.",
        state=_UNTOUCHED,
        next_step="Check that the server is up, host and port, and that the network lets this machine reach it.",
    )


def _refused(info: ConnectionInfo, error: BaseException) -> StokerError:
    told = fields(error)
    code, message = told.get("C", ""), told.get("M", "no reason given")
    who = f"the user {info.user!r} and the database {info.database!r}"
    if code == "53300":
        return TransientError(
            f"{info.server} has no connection free: {message}.",
            state=_UNTOUCHED,
            next_step="Use fewer tasks at a time (coalesce the frame), or raise max_connections.",
        )
    if code.startswith(("57P", "08", "53")):
        return ConnectionLostError(
            f"{info.server} did not let us in yet: {message}.", state=_UNTOUCHED, next_step="Run again when it is up."
        )
    advice = {
        "28P01": f"Check user and password of the connection (it was {who}).",
        "28000": "Check user, sslmode and the server's pg_hba.conf.",
        "3D000": "Check database of the connection, or create it.",
        "42501": "Grant CONNECT on the database to the user.",
    }
    return ConfigurationError(
        f"{info.server} refuses the connection: {message} (SQLSTATE {code}).",
        state=_UNTOUCHED,
        next_step=advice.get(code, f"Check the settings of the connection ({who})."),
    )


def _no_password(info: ConnectionInfo) -> ConfigurationError:
    return ConfigurationError(
        f"{info.server} asks for a password of {info.user!r}, and none is configured.",
        state=_UNTOUCHED,
        next_step='Add password = "secret://..." to the connection.',
    )


def _untrusted(info: ConnectionInfo, error: ssl.SSLError) -> ConfigurationError:
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"The certificate of {info.server} is not accepted: {error.verify_message}."
        next_step = "Name the certificate of its authority as sslrootcert, and the host as the certificate has it."
    else:
        what = f"TLS with {info.server} failed: {error.reason or error}."
        next_step = "Check the server's TLS settings and sslmode of the connection."
    return ConfigurationError(what, state=_UNTOUCHED, next_step=next_step)
