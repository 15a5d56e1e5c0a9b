"""What is staged, for those who look at it before it is published."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.postgres import staging
from stoker.postgres.catalogue import read_table
from stoker.postgres.columns import fitted
from stoker.postgres.names import LoadTarget
from stoker.postgres.refusals import explained
from stoker.postgres.sending.copy import CopyTask
from stoker.postgres.sending.forms import way
from stoker.postgres.sending.send import send
from stoker.postgres.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg8000.native import Connection
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.postgres.column_type import ColumnType
    from stoker.postgres.columns import Column
    from stoker.postgres.connections.connection import ConnectionInfo


@dataclass(frozen=True)
class Staged:
    """The staging table of a load, over the driver's connection, which is in no transaction."""

    connection: Connection
    info: ConnectionInfo
    target: LoadTarget
    """With its schema."""
    staging: Staging
    schema: StructType
    """Of the frame; the columns have its names."""
    columns: tuple[Column, ...]
    transactions: tuple[int, ...]
    """Those whose rows are published; none before rows are staged."""
    lock_wait: float
    """Seconds to wait for locks of other sessions."""

    def rows(self) -> str:
        """A query for the rows that will be published."""
        return staging.rows_of(self.staging, self.columns, self.transactions)

    @contextlib.contextmanager
    def beside(self, frame: DataFrame) -> Iterator[str]:
        """Send another frame to the server for as long as the block lasts. One Spark job.

        Args:
            frame: With plain column names.

        Yields:
            A query for its rows.

        Raises:
            SinkError: If a column has a type that PostgreSQL does not store.
            ConnectionLostError: If a task lost the connection, as often as Spark tries.
        """
        assert self.target.schema is not None
        columns = fitted(frame.schema, None, self.target)
        place = Staging.fresh(LoadTarget(self.target.schema, f"{self.target.table} beside"))
        staging.hold(self.connection, place.nonce)
        try:
            with explained(f"Keys cannot be sent to {self.target}"):
                self.connection.run(staging.statement(place, columns, []))
            types = column_types(self.connection, place, frame.columns)
            is_binary = way(frame.schema, types).binary
            names = tuple(frame.columns)
            task = CopyTask(self.info, place.table, f"{self.target} (keys)", names, types, binary=is_binary)
            told, _ = send(frame, frame.schema, task)
            yield staging.rows_of(place, columns, (transaction for _, transaction, _ in told))
        finally:
            # A lost connection frees the lock, and whoever comes next drops the table.
            with contextlib.suppress(Exception):
                staging.drop(self.connection, place.table)
                staging.release(self.connection, place.nonce)


def column_types(connection: Connection, place: Staging, names: Sequence[str]) -> tuple[ColumnType, ...]:
    """The types that columns of a staging table have got: nothing else says them as exactly."""
    made = read_table(connection, place.table)
    assert made is not None
    types = {column.name: column.type for column in made.columns}
    return tuple(types[name] for name in names)
