"""A connection written as a URL, as libpq takes it."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from stoker.config.checks import SSL_MODES
from stoker.config.connections import is_loopback
from stoker.errors import UsageError, suggestion
from stoker.postgres.connection import ConnectionInfo
from stoker.secrets import redact, remember

_SCHEMES = ("postgresql", "postgres")
_FORM = "postgresql://user:password@host:port/database?sslmode=verify-full"


def connection_info(url: str) -> ConnectionInfo:
    """What a URL says of a connection.

    Args:
        url: `postgresql://user:password@host:port/database?sslmode=...`; what has special characters is percent-encoded.

    Raises:
        UsageError: If it lacks something, or has what is not known. The message does not have the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError as error:
        raise _wrong(url, str(error)) from None
    if parts.password:
        remember(unquote(parts.password))
    database = unquote(parts.path.removeprefix("/"))
    missing = [name for name, value in [("user", parts.username), ("host", parts.hostname)] if not value]
    missing += [] if database else ["database"]
    if parts.scheme not in _SCHEMES or missing:
        raise _wrong(url, f"it lacks {', '.join(missing)}" if missing else f"its scheme is {parts.scheme!r}")
    assert parts.username is not None
    assert parts.hostname is not None
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    sslmode = given.pop("sslmode", "disable" if is_loopback(parts.hostname) else "verify-full")
    if given:
        raise _wrong(url, f"{next(iter(given))!r} is not known")
    if sslmode not in SSL_MODES:
        raise _wrong(url, f"sslmode {sslmode!r} is not known.{suggestion(sslmode, SSL_MODES)}")
    password = None if parts.password is None else unquote(parts.password)
    return ConnectionInfo(parts.hostname, port, database, unquote(parts.username), password, sslmode)


def _wrong(url: str, why: str) -> UsageError:
    return UsageError(
        f"The URL of the connection {redact(url)!r} cannot be used: {why}.",
        state="Nothing was started.",
        next_step=f"Write it as {_FORM}, with special characters percent-encoded.",
    )
