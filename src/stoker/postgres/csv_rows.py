"""Arrow batches as the CSV that COPY reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from stoker.postgres.encode.parts import RefusedValueError
from stoker.postgres.encode.texts import check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY = 86_400_000_000
"""Microseconds."""


def csv_rows(batch: pa.RecordBatch) -> pa.Buffer:
    """A batch as CSV.

    All texts are quoted and null is not, which is how COPY tells null from the empty text.

    Raises:
        RefusedValueError: For a NUL character.
    """
    arrays = [plain(column) for column in batch.columns]
    table = pa.RecordBatch.from_arrays(arrays, names=[str(at) for at in range(len(arrays))])
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, batch_size=batch.num_rows))
    text = sink.getvalue()
    if text.size and np.frombuffer(text, np.uint8).min() == 0:
        _refuse(arrays)
    return text


def plain(column: pa.Array) -> pa.Array:
    """A column as one that CSV has, written so that PostgreSQL reads it."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        # The same numbers as naive UTC: with a time zone they are formatted nine times as slowly.
        return column.view(pa.timestamp(kind.unit))
    if pa.types.is_duration(kind):
        micros = column.cast(pa.duration("us")).view(pa.int64())
        days = pc.divide(micros, _DAY)  # towards zero
        rest = pc.subtract(micros, pc.multiply(days, _DAY))
        return pc.binary_join_element_wise(days.cast(pa.string()), " days ", rest.cast(pa.string()), " us", "")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _array_text(column)
    return column


def _array_text(column: pa.Array) -> pa.Array:
    """Lists as PostgreSQL writes arrays: all elements are quoted, and null is not."""
    inner = plain(column.values).cast(pa.string())
    escaped = pc.replace_substring_regex(inner, r'(["\\])', r"\\\1")
    quoted = pc.binary_join_element_wise('"', escaped, '"', "").fill_null("NULL")
    texts = type(column).from_arrays(_offsets(column), quoted)
    return pc.binary_join_element_wise("{", pc.binary_join(texts, ","), "}", "")


def _offsets(column: pa.Array) -> pa.Array:
    """The lists' offsets, null where the list is."""
    offsets = column.offsets
    if not column.null_count:
        return offsets
    is_null = pa.concat_arrays([column.is_null(), pa.array([False])])
    return pc.if_else(is_null, pa.scalar(None, offsets.type), offsets)


def _refuse(arrays: Sequence[pa.Array]) -> None:
    for at, array in enumerate(arrays):
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            try:
                check_text(array)
            except RefusedValueError as error:
                error.column = at
                raise
