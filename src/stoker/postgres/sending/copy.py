"""What runs in Spark's tasks: one partition, over a connection of its own, into the staging table.

The server notes with every row the transaction that brought it (`xmin`), and each task attempt has one transaction. The end
of a task's input does not prove that the input was complete, and a task may be lost after its commit: only rows of the
transactions that Spark reports to the driver are published.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker import errors
from stoker.errors import SinkError, StokerError, TransientError
from stoker.postgres.connections.connection import ConnectionInfo, connect_patiently, cut
from stoker.postgres.connections.session import lift_time_outs
from stoker.postgres.names import LoadTarget, quote
from stoker.postgres.refusals import explained
from stoker.postgres.sending.batches import WideRowsError, narrow
from stoker.postgres.sending.forms import BinaryForm, TextForm
from stoker.postgres.sending.rows import Pieces, RowLabels, UpstreamError
from stoker.postgres.transaction import BEGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    from stoker.postgres.column_type import ColumnType
    from stoker.postgres.sending.forms import Form

REPORT = "partition int, transaction long, rows long"
"""The schema of what a task answers."""
WIDE = -1
"""The rows of a task that has committed nothing, because one of them is too wide for its batches."""
NO_TRANSACTION = 0
"""Of a task that has committed nothing."""

_MARK = re.compile(r"<stoker-refusal>(.*?)</stoker-refusal>", re.DOTALL)


@dataclass(frozen=True)
class CopyTask:
    """What tasks need to know."""

    info: ConnectionInfo
    staging: LoadTarget
    target: str
    """For messages."""
    columns: tuple[str, ...]
    """The target's names, in the order of the batches' columns."""
    types: tuple[ColumnType, ...]
    """Of these columns."""
    key: tuple[str, ...] = ()
    """The columns that tell rows apart, for messages."""
    binary: bool = True
    cast: tuple[str, ...] = ()
    """The columns that the publish casts; the staging table tries whether they can be."""

    def statement(self) -> str:
        """COPY; if as text then as CSV, where an empty text and null differ."""
        names = ", ".join(quote(name) for name in self.columns)
        form = "binary" if self.binary else "csv"
        return f"COPY {self.staging.sql} ({names}) FROM STDIN WITH (FORMAT {form}, ENCODING 'UTF8')"

    def form(self) -> Form:
        """How rows are sent."""
        return BinaryForm(self.types) if self.binary else TextForm()


class TaskRefusal(Exception):  # noqa: N818 - it is an envelope: Spark hands its text to the driver
    """An error of ours on its way to the driver, which knows of a task's exception no more than the text."""

    def __init__(self, error: StokerError) -> None:
        told = {"kind": type(error).__name__, "what": error.what, "state": error.state, "next_step": error.next_step}
        super().__init__(f"<stoker-refusal>{json.dumps(told)}</stoker-refusal>")


def refusal(text: str) -> StokerError | None:
    """The error that a task meant, found in the text of Spark's exception; None if it was another."""
    match = _MARK.search(text)
    if match is None:
        return None
    told = json.loads(match[1])
    kind: type[StokerError] = getattr(errors, told["kind"], SinkError)
    return kind(told["what"], state=told["state"], next_step=told["next_step"])


def copy_function(
    task: CopyTask, *, is_guarded: bool
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """The function for `mapInArrow`: sends a partition and answers one row as `REPORT` has it; none if it was empty.

    Args:
        task: Where to.
        is_guarded: Whether the batches have the column that says which rows are wide.
    """

    def copy_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        told = copy_task(task, narrow(iter(batches)) if is_guarded else batches)
        if told is not None:
            types = (pa.int32(), pa.int64(), pa.int64())
            arrays = [pa.array([value], kind) for value, kind in zip(told, types, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, names=["partition", "transaction", "rows"])

    return copy_partition


def copy_task(task: CopyTask, batches: Iterable[pa.RecordBatch]) -> tuple[int, int, int] | None:
    """Send what one task has.

    Returns:
        Partition, transaction and rows, as `REPORT` has them; None if there were no rows.

    Raises:
        TaskRefusal: With what the driver should raise.
    """
    from pyspark import TaskContext

    context = TaskContext.get()
    assert context is not None
    partition = context.partitionId()
    try:
        transaction, rows = copy_batches(task, batches, partition)
    except WideRowsError:
        return partition, NO_TRANSACTION, WIDE
    except StokerError as error:
        # Spark sends the whole chain to the driver: what happened is in the envelope already.
        raise TaskRefusal(error) from None
    return (partition, transaction, rows) if rows else None


def copy_batches(task: CopyTask, batches: Iterable[pa.RecordBatch], partition: int) -> tuple[int, int]:
    """Send one partition in one transaction.

    Args:
        task: Where to.
        batches: The rows; what they raise is passed on, and nothing is committed.
        partition: For messages.

    Returns:
        The transaction, as the rows have it in `xmin`, and the rows that the server counted.

    Raises:
        SinkError: If the server refuses a row, or a value does not fit its column.
        TransientError: If its disk is full or it has no connection free.
        ConnectionLostError: If the connection is lost.
    """
    filled = (batch for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        return NO_TRANSACTION, 0
    connection = connect_patiently(task.info)
    try:
        rows = itertools.chain([first], filled)
        labels = RowLabels(task.target, partition, task.columns, task.key)
        pieces = Pieces(rows, task.form(), connection, labels=labels)
        what = f"PostgreSQL refuses rows for {task.target} (partition {partition})"
        with explained(what, renamed=(task.staging.table, task.target), cast=task.cast, key_of=pieces.key_of):
            connection.run(BEGIN)
            # Naive timestamps are UTC.
            connection.run("SET LOCAL timezone = 'UTC'")
            lift_time_outs(connection, task.info, local=True)
            # Without savepoints, which would have numbers of their own.
            transaction = int(connection.run("SELECT pg_current_xact_id()::xid::text")[0][0])
            connection.run(task.statement(), stream=pieces)
            counted = int(connection.row_count)
            if pieces.stopped or counted != pieces.rows:
                raise TransientError(
                    f"{what}: {pieces.rows} rows were sent and {counted} arrived.",
                    state="Nothing was published.",
                    next_step="Run again with the same run id.",
                )
            connection.run("COMMIT")
    except UpstreamError as error:
        raise error.cause from None
    finally:
        # Not committed, the transaction ends with the connection. A polite close would wait in the midst of a COPY.
        cut(connection)
    return transaction, counted
