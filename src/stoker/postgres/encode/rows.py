"""Whole rows: the parts of all columns put together, in pieces that a message of COPY takes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from stoker.postgres.encode.parts import RefusedValueError, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from stoker.postgres.encode.choice import Encoder
    from stoker.postgres.encode.parts import Part

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What the stream begins with: the signature, no flags, no extension."""
TRAILER = struct.pack("!h", -1)
"""What it ends with."""

_AT_ONCE = 8 << 20
"""Bytes that are encoded at once: with less the calls cost more than the values, with more the caches miss."""
_COLUMN = 8
"""Bytes that a value has in the stream beside its own, at most; a boolean has one bit in Arrow and five bytes there."""
_LARGEST_ROW = 1 << 30
"""Bytes. No field, and no row in the server's memory, can be larger."""
_ADVICE = "Shorten what the row has in the transformer, or store it elsewhere."


def encode(batch: pa.RecordBatch, encoders: Sequence[Encoder]) -> Iterator[memoryview]:
    """The rows of a batch, in the order of its columns.

    Args:
        batch: Of any number of rows.
        encoders: Of its columns.

    Yields:
        Whole rows, some megabytes at a time.

    Raises:
        RefusedValueError: For a value that its column cannot hold, with column and row.
    """
    done = 0
    for rows in _slices(batch):
        try:
            yield _encoded(rows, encoders)
        except RefusedValueError as error:
            error.row += done
            raise
        done += rows.num_rows


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows <= 1 or batch.nbytes + _COLUMN * batch.num_columns * batch.num_rows <= _AT_ONCE:
        if batch.num_rows:
            yield batch
        return
    half = batch.num_rows // 2
    yield from _slices(batch.slice(0, half))
    yield from _slices(batch.slice(half))


def _encoded(batch: pa.RecordBatch, encoders: Sequence[Encoder]) -> memoryview:
    if batch.num_rows == 1 and batch.nbytes >= _LARGEST_ROW:
        raise RefusedValueError(0, f"has {batch.nbytes} bytes, and PostgreSQL takes 1 GiB in a row", _ADVICE)
    parts: list[Part] = [struct.pack("!h", len(encoders))]
    for at, (column, encoder) in enumerate(zip(batch.columns, encoders, strict=True)):
        try:
            parts += encoder(column)
        except RefusedValueError as error:
            error.column = at
            raise
    return _bytes(joined(batch.num_rows, parts))


def _bytes(rows: pa.Array | np.ndarray[Any, Any]) -> memoryview:
    if isinstance(rows, np.ndarray):
        return rows.reshape(-1).data
    _, starts, data = rows.buffers()
    bounds = np.frombuffer(starts, np.int32, len(rows) + 1, rows.offset * 4)
    return memoryview(data)[bounds[0] : bounds[-1]]
