"""What runs in Spark's tasks: one partition, over a connection of its own, into the staging table.

Every row carries the id of its task attempt. The end of a task's input does not prove that the input was complete, and a
task may be lost after its commit: only rows of the attempts that Spark reports to the driver are published.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker import errors
from stoker.errors import ConnectionLostError, SinkError, StokerError, TransientError
from stoker.postgres.connection import ConnectionInfo, connect, cut
from stoker.postgres.names import LoadTarget, quote
from stoker.postgres.refusals import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa
    from pg8000.native import Connection

REPORT = "partition int, attempt long, rows long"
"""The schema of what a task answers."""

_PIECE = 1 << 20
"""Bytes in one message of COPY: larger ones are no faster."""
_TRIES = 4
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
    tag: str
    """The column that takes the attempt."""

    def statement(self) -> str:
        """COPY, as CSV: there an empty text and null differ."""
        names = ", ".join(quote(name) for name in (*self.columns, self.tag))
        return f"COPY {self.staging.sql} ({names}) FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8')"


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


def copy_function(task: CopyTask) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """The function for `mapInArrow`: sends a partition and answers one row as `REPORT` has it; none if it was empty."""

    def copy_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyspark import TaskContext

        context = TaskContext.get()
        assert context is not None
        partition, attempt = context.partitionId(), context.taskAttemptId()
        try:
            rows = copy_batches(task, batches, partition, attempt)
        except StokerError as error:
            raise TaskRefusal(error) from error
        if rows:
            yield pa.RecordBatch.from_arrays(
                [
                    pa.array([partition], pa.int32()),
                    pa.array([attempt], pa.int64()),
                    pa.array([rows], pa.int64()),
                ],
                names=["partition", "attempt", "rows"],
            )

    return copy_partition


def copy_batches(task: CopyTask, batches: Iterable[pa.RecordBatch], partition: int, attempt: int) -> int:
    """Send one partition in one transaction.

    Args:
        task: Where to.
        batches: The rows; what they raise is passed on, and nothing is committed.
        partition: For messages.
        attempt: The tag of the rows.

    Returns:
        The rows that the server counted.

    Raises:
        SinkError: If the server refuses a row, or a text has a NUL character.
        TransientError: If its disk is full or it has no connection free.
        ConnectionLostError: If the connection is lost.
    """
    filled = (batch for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        return 0
    connection = _connected(task.info)
    try:
        pieces = _Pieces(task, itertools.chain([first], filled), partition, attempt, connection)
        what = f"PostgreSQL refuses rows for {task.target} (partition {partition})"
        with explained(what, renamed=(task.staging.table, task.target)):
            connection.run("START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE")
            # Naive timestamps are UTC; a role's time-outs are for people, not for loads.
            connection.run("SET LOCAL timezone = 'UTC'")
            connection.run("SET LOCAL statement_timeout = 0")
            connection.run(task.statement(), stream=pieces)
            counted = int(connection.row_count)
            if pieces.stopped or counted != pieces.rows:
                raise TransientError(
                    f"{what}: {pieces.rows} rows were sent and {counted} arrived.",
                    state="Nothing was published.",
                    next_step="Run again with the same run id.",
                )
            connection.run("COMMIT")
    except _UpstreamError as error:
        raise error.cause from None
    finally:
        # Not committed, the transaction ends with the connection. A polite close would wait in the midst of a COPY.
        cut(connection)
    return counted


class _UpstreamError(Exception):
    """What the rows' origin raised: kept apart from errors of the connection, which look the same."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(repr(cause))
        self.cause = cause


class _Pieces:
    """The rows as pieces of CSV, for pg8000 to iterate over; no more than one batch is held."""

    def __init__(
        self,
        task: CopyTask,
        batches: Iterator[pa.RecordBatch],
        partition: int,
        attempt: int,
        connection: Connection,
    ) -> None:
        self._task = task
        self._batches = batches
        self._partition = partition
        self._attempt = attempt
        self._connection = connection
        self.rows = 0
        self.stopped = False
        """Whether the server spoke up, so that the rest was not sent."""

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                batch = next(self._batches, None)
            except Exception as error:
                raise _UpstreamError(error) from error
            if batch is None:
                return
            text = memoryview(_csv(batch, self._attempt))
            self.rows += batch.num_rows
            for start in range(0, len(text), _PIECE):
                piece = bytes(text[start : start + _PIECE])
                if b"\0" in piece:
                    raise self._with_nul(batch)
                if _server_speaks(self._connection):
                    # It has refused a row, and swallows the rest of the partition unread: pg8000 would tell at the end.
                    self.stopped = True
                    return
                yield piece

    def _with_nul(self, batch: pa.RecordBatch) -> SinkError:
        import pyarrow.compute as pc

        before = self.rows - batch.num_rows
        where = "a text"
        for name, column in zip(self._task.columns, batch.columns, strict=True):
            if not _is_text(column.type):
                continue
            found = pc.index(pc.match_substring(column, "\0"), value=True).as_py()
            if found >= 0:
                where = f"column {name!r} in row {before + found + 1}"
                break
        return SinkError(
            f"PostgreSQL cannot store NUL characters, and {where} of partition {self._partition} for {self._task.target} "
            "has one.",
            state="Nothing was published.",
            next_step=r"Remove them in the transformer: regexp_replace(column, '\\x00', '').",
        )


def _csv(batch: pa.RecordBatch, attempt: int) -> pa.Buffer:
    import pyarrow as pa
    from pyarrow import csv

    arrays = [_plain(column) for column in batch.columns]
    arrays.append(pa.repeat(pa.scalar(attempt, pa.int64()), batch.num_rows))
    table = pa.RecordBatch.from_arrays(arrays, names=[str(at) for at in range(len(arrays))])
    sink = pa.BufferOutputStream()
    # All texts are quoted and null is not, which is how COPY tells them apart.
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, batch_size=batch.num_rows))
    return sink.getvalue()


def _plain(column: pa.Array) -> pa.Array:
    """Moments as naive UTC: the same numbers, but with a time zone they are formatted nine times as slowly."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        return column.view(pa.timestamp(column.type.unit))
    return column


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _server_speaks(connection: Connection) -> bool:
    """Whether an error message has arrived; through TLS nobody can look ahead, and the error is seen at the end."""
    sock = connection._usock  # noqa: SLF001 - pg8000 has no way to look
    if type(sock) is not socket.socket:
        return False
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) in {b"E", b""}
    except (BlockingIOError, InterruptedError):
        return False


def _connected(info: ConnectionInfo) -> Connection:
    """Connect; wait a little where all connections are taken, since other tasks give theirs back."""
    for attempt in range(_TRIES):
        try:
            return connect(info)
        except ConnectionLostError:
            raise
        except TransientError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.5 * 2**attempt)
    raise AssertionError
