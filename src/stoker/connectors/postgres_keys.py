"""Keys of a PostgreSQL table, for checks that are not computed in its server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.postgres.connections.connection import connect_patiently, cut, resolve
from stoker.postgres.names import LoadTarget, quote
from stoker.postgres.refusals import explained
from stoker.postgres.transaction import BEGIN_READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from stoker.checks.definitions import Table
    from stoker.connectors.base import Context

_MOST = 1_000_000
"""Keys: they pass through the driver."""


def keys_of(context: Context, table: Table, columns: Sequence[str]) -> DataFrame:
    """The distinct keys of a table, as texts; a key with a null is nobody's.

    Args:
        context: The run.
        table: The table.
        columns: The key.

    Raises:
        SinkError: If the table or a column does not exist, or there are more than a million keys.
        ConnectionLostError: If the server does not answer.
    """
    config = context.names.config
    target = LoadTarget.parse(table.name)
    names = [quote(name) for name in columns]
    texts = ", ".join(f"{name}::text" for name in names)
    complete = " AND ".join(f"{name} IS NOT NULL" for name in names)
    info = resolve(config.connection(table.connection), folder=config.source.folder)
    connection = connect_patiently(info, context.stopped)
    try:
        with explained(f"The keys of {table.connection}:{target}, which a check refers to, cannot be read"):
            connection.run(BEGIN_READ_ONLY)
            connection.run("SET LOCAL timezone = 'UTC'")
            rows = connection.run(
                f"SELECT DISTINCT {texts} FROM {target.sql} WHERE {complete} LIMIT {_MOST + 1}"  # noqa: S608 - quoted
            )
    finally:
        cut(connection)
    if len(rows) > _MOST:
        raise SinkError(
            f"{table.connection}:{target} has more than {_MOST:,} keys, and a check by Spark takes them through the driver.",
            next_step="Put the check on a write.postgres(...) into the same connection: the server computes it there.",
        )
    schema = ", ".join(f"`{name.replace('`', '``')}` string" for name in columns)
    return context.spark.createDataFrame([tuple(row) for row in rows], schema)
