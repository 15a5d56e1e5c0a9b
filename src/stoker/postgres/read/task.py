"""What runs in Spark's tasks: one part of what is read, over a connection of its own, under the driver's snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import SourceError, StokerError
from stoker.postgres.connections.connection import ConnectionInfo, connect_patiently, cut
from stoker.postgres.names import quote
from stoker.postgres.read.failures import UNREAD, another_server, reading, snapshot_is_gone
from stoker.postgres.read.snapshot import BEGIN, Shared, settle
from stoker.postgres.refusals import is_lost
from stoker.postgres.sending.copy import TaskRefusal
from stoker.spark import marks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa
    from pg8000.native import Connection

    from stoker.postgres.read.columns import ReadColumn
    from stoker.postgres.read.decode import ColumnError


@dataclass(frozen=True)
class ReadTask:
    """What tasks need to know."""

    info: ConnectionInfo
    shared: Shared | None
    """The snapshot; None to read what is there when the task runs."""
    what: str
    """What is read, for messages."""
    source: str
    """The same in SQL, as FROM takes it."""
    columns: tuple[ReadColumn, ...]
    conditions: tuple[str, ...]
    """One for each part."""

    def select(self, condition: str) -> str:
        """The SELECT of what is sent."""
        sent = ", ".join(column.expression for column in self.columns)
        return f"SELECT {sent} FROM {self.source} WHERE {condition}"  # noqa: S608 - names are quoted, the rest is the declaration's own SQL


def read_function(task: ReadTask) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow`: gets the numbers of parts, and gives their rows."""

    def read_parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                try:
                    yield from rows_of_part(task, number)
                except StokerError as error:
                    # Spark sends the whole chain to the driver: what happened is in the envelope already.
                    raise TaskRefusal(error) from None

    read_parts.__name__ = marks.READING
    return read_parts


def rows_of_part(task: ReadTask, number: int) -> Iterator[pa.RecordBatch]:
    """The rows of one part.

    Args:
        task: What is read.
        number: Of the part.

    Raises:
        SourceError: If the snapshot is gone, the connection ends at another server, or Spark cannot have a value.
        TransientError: What may pass.
    """
    from stoker.postgres.read.decode import ColumnError, batch
    from stoker.postgres.read.decoders import decoder
    from stoker.postgres.read.messages import copied

    columns = [(column.name, decoder(column.form)) for column in task.columns]
    connection = connect_patiently(task.info)
    try:
        with reading(task.what):
            connection.run(BEGIN)
            if task.shared is not None:
                _take(connection, task, task.shared)
            settle(connection, task.info)
            for rows in copied(connection, f"COPY ({task.select(task.conditions[number])}) TO STDOUT (FORMAT binary)"):
                yield batch(rows, columns)
    except ColumnError as error:
        raise _unreadable(task, error) from None
    finally:
        cut(connection)


def _take(connection: Connection, task: ReadTask, shared: Shared) -> None:
    """Take the driver's snapshot, and make sure that it is the driver's server that has it."""
    from pg8000.exceptions import DatabaseError

    try:
        connection.run(f"SET TRANSACTION SNAPSHOT '{shared.name}'")
    except DatabaseError as error:
        if is_lost(error):
            raise
        connection.run("ROLLBACK")
        if connection.run(shared.identity_sql)[0][0] != shared.identity:
            raise another_server(task.what, task.info.server) from None
        raise snapshot_is_gone(task.what) from None
    if connection.run(shared.identity_sql)[0][0] != shared.identity:
        raise another_server(task.what, task.info.server)


def _unreadable(task: ReadTask, error: ColumnError) -> SourceError:
    spark = next(column.form.spark for column in task.columns if column.name == error.column)
    name = quote(error.column)
    find = f"SELECT * FROM {task.source} WHERE {error.cause.condition.replace('{}', name)}"  # noqa: S608 - for people
    return SourceError(
        f"{task.what}: the column {error.column!r} {error.cause.what}, which {spark} in Spark cannot be.",
        state=UNREAD,
        next_step=f"Leave such rows out with where=, or say in query= what is to become of them. They are: {find};",
    )
