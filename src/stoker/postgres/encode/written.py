"""Values as the texts that PostgreSQL reads."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_DAY = 86_400_000_000
"""Microseconds."""


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
