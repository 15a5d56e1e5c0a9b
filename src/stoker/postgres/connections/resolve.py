"""From the configuration to all that a connection needs: secrets, certificates, the embedded server."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from stoker import secrets
from stoker.config import settings_of_url
from stoker.errors import ConfigurationError
from stoker.postgres.connections.iam import IamLogin, region_of
from stoker.postgres.connections.info import DEFAULT_NAME, ConnectionInfo
from stoker.postgres.connections.login import UNTOUCHED

if TYPE_CHECKING:
    from stoker.config import PostgresSettings


def resolve(settings: PostgresSettings, *, folder: Path, application_name: str = DEFAULT_NAME) -> ConnectionInfo:
    """What a configured connection needs to connect; starts the embedded server if it is that.

    Args:
        settings: One `[postgres.NAME]`.
        folder: What relative names of secret files count from.
        application_name: What `pg_stat_activity` shows, if the configuration does not say it.

    Raises:
        ConfigurationError: If a secret or certificate is missing, or the embedded server cannot start.
        TransientError: If the secrets' service or the embedded server does not answer.
        MissingExtraError: If an optional library is needed.
    """
    if settings.embedded:
        return dataclasses.replace(_embedded(settings), application_name=application_name)
    if settings.url is not None:
        settings = settings_of_url(
            secrets.resolve(settings.url, folder=folder),
            what=f"The URL of the connection {settings.name!r} ({settings.url})",
            name=settings.name,
            beside=settings.beside,
            folder=folder,
        )
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
        connect_retry=settings.connect_retry,
        statement_timeout=settings.statement_timeout,
        application_name=settings.application_name or application_name,
        name=settings.name or None,
        more_hosts=settings.more_hosts,
        target_session_attrs=settings.target_session_attrs,
        iam=_iam(settings) if settings.iam else None,
    )


def from_url(url: str, *, folder: Path | None = None) -> ConnectionInfo:
    """What a URL needs to connect.

    Args:
        url: `postgresql://user:password@host:port/database?option=value`, with libpq's options; `password=secret://...`
            names a secret.
        folder: What relative names of files count from; the working folder if it is None.

    Raises:
        ConfigurationError: If the URL is none, or a secret or certificate is missing; the message shows no password.
        TransientError: If the secrets' service does not answer.
        MissingExtraError: If an optional library is needed.
    """
    folder = folder or Path()
    return resolve(settings_of_url(url, what="The URL of the connection", folder=folder), folder=folder)


def _iam(settings: PostgresSettings) -> IamLogin:
    region = settings.region or region_of(settings.host or "")
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigurationError(
            f"The AWS region of {settings.host} is not known, and a token of IAM is signed for one.",
            state=UNTOUCHED,
            next_step='Add region = "eu-west-1" (yours) to the connection, or set AWS_REGION.',
        )
    return IamLogin(region, secrets.find_credentials())


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
        name = f" {settings.name!r}" if settings.name else ""
        raise ConfigurationError(
            f"{key} of the connection{name} cannot be read from {path}: {reason}.",
            state=UNTOUCHED,
            next_step=f"Name a file of PEM certificates{instead}.",
        ) from error
