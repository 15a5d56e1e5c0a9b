"""Rows on their way to the server: Arrow batches as the CSV that COPY reads."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from stoker.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pg8000.native import Connection

_PIECE = 1 << 20
"""Bytes in one message of COPY: larger ones are no faster."""


class UpstreamError(Exception):
    """What the rows' origin raised: kept apart from errors of the connection, which look the same."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(repr(cause))
        self.cause = cause


class Pieces:
    """The rows as pieces of CSV, for pg8000 to iterate over; no more than one batch is held.

    Args:
        batches: The rows.
        attempt: Added to every row as the last column.
        connection: Where they go; it is watched for a refusal.
        names: The columns, for messages.
        where: The partition and the target, for messages.
    """

    def __init__(
        self,
        batches: Iterator[pa.RecordBatch],
        attempt: int,
        connection: Connection,
        *,
        names: Sequence[str],
        where: str,
    ) -> None:
        self._batches = batches
        self._attempt = attempt
        self._connection = connection
        self._names = names
        self._where = where
        self.rows = 0
        """Rows that were taken so far."""
        self.stopped = False
        """Whether the server spoke up, so that the rest was not sent."""

    def __iter__(self) -> Iterator[bytes]:
        """Raises `UpstreamError` for what the batches raise, and `SinkError` for a NUL character."""
        while True:
            try:
                batch = next(self._batches, None)
            except Exception as error:
                raise UpstreamError(error) from error
            if batch is None:
                return
            text = memoryview(csv_text(batch, self._attempt))
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
        found = "a text"
        for name, column in zip(self._names, batch.columns, strict=True):
            at = pc.index(pc.match_substring(column, "\0"), value=True).as_py() if _is_text(column.type) else -1
            if at >= 0:
                found = f"column {name!r} in row {before + at + 1}"
                break
        return SinkError(
            f"PostgreSQL cannot store NUL characters, and {found} of {self._where} has one.",
            state="Nothing was published.",
            next_step=r"Remove them in the transformer: regexp_replace(column, '\\x00', '').",
        )


def csv_text(batch: pa.RecordBatch, attempt: int) -> pa.Buffer:
    """A batch as CSV with the attempt as its last column.

    All texts are quoted and null is not, which is how COPY tells null from the empty text.
    """
    import pyarrow as pa
    from pyarrow import csv

    arrays = [_plain(column) for column in batch.columns]
    arrays.append(pa.repeat(pa.scalar(attempt, pa.int64()), batch.num_rows))
    table = pa.RecordBatch.from_arrays(arrays, names=[str(at) for at in range(len(arrays))])
    sink = pa.BufferOutputStream()
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
