"""From the configuration to all that a connection needs: secrets, certificates, the embedded server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker import secrets
from stoker.errors import ConfigurationError
from stoker.postgres.info import ConnectionInfo
from stoker.postgres.login import UNTOUCHED

if TYPE_CHECKING:
    from pathlib import Path

    from stoker.config import PostgresSettings


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
    if settings.embedded:
        return _embedded(settings)
    assert settings.host is not None
    assert settings.database is not None
    assert settings.user is not None
    password = settings.password
    if isinstance(password, secrets.SecretRef):
        password = secrets.resolve(password, folder=folder)
    return ConnectionInfo(
        settings.host,
        settings.port,
        settings.database,
        settings.user,
        password,
        sslmode=settings.sslmode,
        sslrootcert=_certificates(settings, "sslrootcert", settings.sslrootcert),
        sslcert=_certificates(settings, "sslcert", settings.sslcert),
        sslkey=secrets.resolve(settings.sslkey, folder=folder) if settings.sslkey else None,
        connect_timeout=settings.connect_timeout,
        name=settings.name,
    )


def _embedded(settings: PostgresSettings) -> ConnectionInfo:
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


def _certificates(settings: PostgresSettings, key: str, path: Path | None) -> str | None:
    """The text of a file of certificates."""
    if path is None:
        return None
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no PEM text"
        instead = ", or leave it out to trust the system's" if key == "sslrootcert" else ""
        raise ConfigurationError(
            f"{key} of the connection {settings.name!r} cannot be read from {path}: {reason}.",
            state=UNTOUCHED,
            next_step=f"Name a file of PEM certificates{instead}.",
        ) from error
