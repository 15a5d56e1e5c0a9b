"""A real PostgreSQL for the test process, and a schema of its own for each test."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import pytest

from stoker.postgres.connections.connection import ConnectionInfo, connect, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg8000.native import Connection

    from stoker.postgres.embedded import Server


@pytest.fixture(scope="session")
def server(postgres_server: Server) -> Server:
    """The plugin's server, for the whole session."""
    return postgres_server


def connection_info(server: Server) -> ConnectionInfo:
    """How to connect to a server."""
    return ConnectionInfo(
        server.host,
        server.port,
        server.database,
        server.user,
        server.password,
        sslmode="disable",
        connect_timeout=5,
        # A server that a test takes away does not come back by itself.
        connect_retry=0,
    )


@pytest.fixture(scope="session")
def info(server: Server) -> ConnectionInfo:
    """How to connect to it."""
    return connection_info(server)


@pytest.fixture
def db(info: ConnectionInfo) -> Iterator[Connection]:
    """A connection that looks on."""
    connection = connect(info)
    yield connection
    cut(connection)


@pytest.fixture
def schema(db: Connection) -> Iterator[str]:
    """A schema of the test's own; at its end no staging table may be left in it."""
    name = f"t_{secrets.token_hex(4)}"
    db.run(f"CREATE SCHEMA {name}")
    yield name
    with contextlib.suppress(Exception):
        db.run("ROLLBACK")
    left = staging_tables(db, name)
    # What a test that failed left open must not block the others.
    db.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    db.run("SET client_min_messages = error")
    db.run(f"DROP SCHEMA {name} CASCADE")
    assert left == []


def staging_tables(db: Connection, schema: str) -> list[str]:
    """The staging tables that are there."""
    rows = db.run(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname = :schema AND relkind = 'r' AND relname LIKE ANY (ARRAY['stoker_staging%', 'stoker_sealed%'])",
        schema=schema,
    )
    return [row[0] for row in rows]
