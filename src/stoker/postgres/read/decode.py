"""Rows of COPY BINARY to Arrow: column by column, all rows of a piece at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stoker.postgres.read.messages import Rows

    Words = np.ndarray[Any, Any]

_LENGTH = 4
_COUNT = 2
_DAYS = 10_957
"""From 1970-01-01, Arrow's day 0, to 2000-01-01, PostgreSQL's."""
_MICROSECONDS = _DAYS * 86_400_000_000
_LARGEST = np.iinfo(np.int64).max


class UnreadableValueError(Exception):
    """A value that Spark's type does not have.

    Args:
        what: The end of a sentence that the column begins, as `has infinity`.
        condition: SQL that finds such values, with `{}` for the column.
    """

    def __init__(self, what: str, condition: str) -> None:
        super().__init__(what, condition)
        self.what = what
        self.condition = condition


@dataclass(frozen=True)
class Cells:
    """The values of one column."""

    memory: bytearray
    at: Words
    """Where each begins."""
    lengths: Words
    """Bytes of each; -1 for null."""

    def numbers(self, kind: str, offset: int = 0) -> Words:
        """The number of a big-endian type at an offset in each value, in this machine's order; of a null, anything."""
        words = np.frombuffer(self.memory, np.uint8)
        size = np.dtype(kind).itemsize
        there = np.lib.stride_tricks.as_strided(
            words[:size].view(kind), (len(words) - size + 1,), (1,), writeable=False
        )
        found: Words = there[self.at + offset].astype(np.dtype(kind).newbyteorder("="))
        return found

    @property
    def nulls(self) -> Words:
        """Which are null."""
        return self.lengths < 0


def column_starts(rows: Rows) -> Words:
    """Where the first column's length is in each row."""
    return rows.starts + _COUNT


def batch(rows: Rows, columns: Sequence[tuple[str, Callable[[Cells], pa.Array]]]) -> pa.RecordBatch:
    """The rows as Arrow has them.

    Args:
        rows: Whole rows.
        columns: Name and decoder of each column that is sent.

    Raises:
        UnreadableValueError: If a value cannot be had in Spark; its `column` says where.
    """
    at = column_starts(rows)
    arrays = []
    for name, decode in columns:
        cells, at = taken(rows.memory, at)
        try:
            arrays.append(decode(cells))
        except UnreadableValueError as error:
            raise ColumnError(name, error) from error
    return pa.RecordBatch.from_arrays(arrays, names=[name for name, _ in columns])


class ColumnError(Exception):
    """An unreadable value, with the name of its column."""

    def __init__(self, column: str, cause: UnreadableValueError) -> None:
        super().__init__(column, cause.what)
        self.column = column
        self.cause = cause


def taken(memory: bytearray, at: Words) -> tuple[Cells, Words]:
    """The values whose lengths begin at some places, and the places behind them."""
    lengths = Cells(memory, at, at).numbers(">i4").astype(np.int64)
    begin = at + _LENGTH
    return Cells(memory, begin, lengths), begin + (np.maximum(lengths, 0) if lengths.min(initial=0) < 0 else lengths)


def validity(nulls: Words) -> pa.Buffer | None:
    """Arrow's bitmap; None if there is no null."""
    return pa.py_buffer(np.packbits(~nulls, bitorder="little")) if nulls.any() else None


def fixed(kind: str, arrow: pa.DataType) -> Callable[[Cells], pa.Array]:
    """Values that are the same in PostgreSQL, big-endian, and in Arrow."""

    def decode(cells: Cells) -> pa.Array:
        words = cells.numbers(kind)
        return pa.Array.from_buffers(arrow, len(words), [validity(cells.nulls), pa.py_buffer(words)])

    return decode


def boolean(cells: Cells) -> pa.Array:
    """Bytes that are 0 or 1."""
    words = np.packbits(cells.numbers(">u1") != 0, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(cells.at), [validity(cells.nulls), pa.py_buffer(words)])


def date(cells: Cells) -> pa.Array:
    """Days since 2000-01-01."""
    days, nulls = cells.numbers(">i4"), cells.nulls
    _refuse_infinity(days, nulls, np.iinfo(np.int32))
    words = np.where(nulls, 0, days + np.int32(_DAYS)).astype(np.int32)
    return pa.Array.from_buffers(pa.date32(), len(days), [validity(nulls), pa.py_buffer(words)])


def timestamp(zone: str | None) -> Callable[[Cells], pa.Array]:
    """Microseconds since 2000-01-01, with a zone of UTC."""

    def decode(cells: Cells) -> pa.Array:
        moments, nulls = cells.numbers(">i8"), cells.nulls
        _refuse_infinity(moments, nulls, np.iinfo(np.int64))
        if (~nulls & (moments > _LARGEST - _MICROSECONDS)).any():
            raise UnreadableValueError("has a moment after the year 294246", "{} > '294247-01-01'")
        words = np.where(nulls, 0, moments) + _MICROSECONDS
        return pa.Array.from_buffers(
            pa.timestamp("us", zone), len(words), [validity(nulls), pa.py_buffer(words.astype(np.int64))]
        )

    return decode


def _refuse_infinity(words: Words, nulls: Words, limits: Any) -> None:
    if (~nulls & ((words == limits.max) | (words == limits.min))).any():
        raise UnreadableValueError("has infinity", "NOT isfinite({})")


def texts(arrow: pa.DataType) -> Callable[[Cells], pa.Array]:
    """Bytes as they are: texts in UTF-8, and binary."""

    def decode(cells: Cells) -> pa.Array:
        count, nulls = len(cells.at), cells.nulls
        if not count:
            return pa.array([], arrow)
        # Arrow copies much quicker than an index of each byte would: every second element is a value, the others lie between.
        offsets = np.empty(2 * count, np.int32)
        offsets[0::2] = cells.at
        offsets[1::2] = cells.at + np.maximum(cells.lengths, 0)
        everything = pa.Array.from_buffers(
            pa.binary(), 2 * count - 1, [None, pa.py_buffer(offsets), pa.py_buffer(cells.memory)]
        )
        values = everything.take(pa.array(np.arange(0, 2 * count, 2)))
        _, places, content = values.buffers()
        return pa.Array.from_buffers(arrow, count, [validity(nulls), places, content])

    return decode
