"""Rows on their way to the server."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.postgres.sending.sent import SentRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pg8000.native import Connection

    from stoker.postgres.encode import RefusedValueError
    from stoker.postgres.sending.forms import Form

_PIECE = 1 << 20
"""Bytes in one message of COPY: larger ones are no faster."""
_LONGEST = 100
"""Characters of a value of the key in a message."""


class UpstreamError(Exception):
    """What the rows' origin raised: kept apart from errors of the connection, which look the same."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(repr(cause))
        self.cause = cause


class Pieces:
    """The rows in pieces, for pg8000 to iterate over; no more than one batch is held.

    Args:
        batches: The rows.
        form: How COPY takes them.
        connection: Where they go; it is watched for a refusal.
        labels: For messages.
    """

    def __init__(
        self, batches: Iterator[pa.RecordBatch], form: Form, connection: Connection, *, labels: RowLabels
    ) -> None:
        self._batches = batches
        self._form = form
        self._connection = connection
        self._labels = labels
        self._sent = SentRows(form, keeps=bool(labels.key))
        self.rows = 0
        """Rows that were taken so far."""
        self.stopped = False
        """Whether the server spoke up, so that the rest was not sent."""

    def __iter__(self) -> Iterator[bytes | memoryview]:
        """Raises `UpstreamError` for what the batches raise, and `SinkError` for a value that does not fit."""
        from stoker.postgres.encode import RefusedValueError

        if self._form.begin:
            yield self._form.begin
        while True:
            try:
                batch = next(self._batches, None)
            except Exception as error:
                raise UpstreamError(error) from error
            if batch is None:
                break
            try:
                self._sent.begin(batch)
                for rows in self._form.rows(batch):
                    self._sent.count(rows)
                    for start in range(0, len(rows), _PIECE):
                        if _server_speaks(self._connection):
                            # It has refused a row, and swallows the rest unread: pg8000 would tell at the end.
                            self.stopped = True
                            return
                        yield rows[start : start + _PIECE]
            except RefusedValueError as error:
                raise self._labels.refusal(error, batch, self.rows) from None
            self.rows += batch.num_rows
        if self._form.end:
            yield self._form.end

    def key_of(self, line: int) -> str | None:
        """The key of the row that ends in a line of what was sent; None if it has none, or was sent too long ago."""
        found = self._sent.row_of(line)
        return found and self._labels.key_of(*found)


@dataclass(frozen=True)
class RowLabels:
    """How rows are named in messages."""

    target: str
    partition: int
    columns: tuple[str, ...]
    """In the order of the batches."""
    key: tuple[str, ...]
    """The columns that tell rows apart, if the target has such."""

    def refusal(self, error: RefusedValueError, batch: pa.RecordBatch, before: int) -> SinkError:
        """The error for a value that its column cannot hold.

        Args:
            error: What the encoder said.
            batch: Where it found it.
            before: The partition's rows before the batch.
        """
        column = "" if error.column is None else f"column {self.columns[error.column]!r} in "
        key = self.key_of(batch, error.row)
        return SinkError(
            f"{self.target} cannot hold a value: {column}row {before + error.row + 1} of partition {self.partition}"
            f"{f' ({key})' if key else ''} "
            f"{error.why}.",
            state="Nothing was published.",
            next_step=error.advice,
        )

    def key_of(self, batch: pa.RecordBatch, row: int) -> str:
        """The key of a row, as `id = 8`; empty without one."""
        values = ((name, batch.column(self.columns.index(name))[row].as_py()) for name in self.key)
        return ", ".join(f"{name} = {value!r:.{_LONGEST}}" for name, value in values)


def _server_speaks(connection: Connection) -> bool:
    """Whether an error message has arrived; through TLS nobody can look ahead, and the error is seen at the end."""
    sock = connection._usock  # noqa: SLF001 - pg8000 has no way to look
    if type(sock) is not socket.socket:
        return False
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) in {b"E", b""}
    except (BlockingIOError, InterruptedError):
        return False
