"""The rows that were sent last: of one that it refuses, the server says the line, and people know it by its key."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from stoker.postgres.sending.forms import Form

_KEPT = 16 << 20
"""Bytes of rows that are kept: more than lies between us and the server's parser."""
_NEWLINE = ord("\n")


class SentRows:
    """The last rows of one COPY.

    Args:
        form: How it takes them.
        keeps: Whether they have a key.
    """

    def __init__(self, form: Form, *, keeps: bool) -> None:
        self._form = form
        self._keeps = keeps
        self._batches: deque[tuple[int, pa.RecordBatch]] = deque()
        self._lines = 0
        self._bytes = 0

    def begin(self, batch: pa.RecordBatch) -> None:
        """A batch is sent from now on."""
        if not self._keeps:
            return
        self._batches.append((self._lines, batch))
        self._bytes += batch.nbytes
        while len(self._batches) > 1 and self._bytes > _KEPT:
            self._bytes -= self._batches.popleft()[1].nbytes
        if not self._form.is_text:
            self._lines += batch.num_rows

    def count(self, rows: memoryview) -> None:
        """Some of it are on their way."""
        if self._keeps and self._form.is_text:
            self._lines += _lines(rows)

    def row_of(self, line: int) -> tuple[pa.RecordBatch, int] | None:
        """The batch and the row in it that ends in a line, counted from 1; None if it is not kept any more."""
        found = next(((before, batch) for before, batch in reversed(self._batches) if before < line), None)
        if found is None:
            return None
        before, batch = found
        row = line - before - 1
        if self._form.is_text:
            # A value may have line breaks of its own.
            row = bisect_left(range(1, batch.num_rows), line - before, key=lambda rows: self._lines_of(batch, rows))
        return (batch, row) if row < batch.num_rows else None

    def _lines_of(self, batch: pa.RecordBatch, rows: int) -> int:
        return sum(map(_lines, self._form.rows(batch.slice(0, rows))))


def _lines(text: memoryview) -> int:
    import numpy as np

    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == _NEWLINE))
