"""Values as the texts that PostgreSQL reads."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_DAY = 86_400_000_000
"""Microseconds."""
_FIRST_YEAR, _LAST_YEAR = -719_162, 11_248_738
"""Days from 1970 to 0001-01-01 and 32768-01-01: what is before has an era in PostgreSQL, what is after no text in Arrow."""


def plain(column: pa.Array) -> pa.Array:
    """A column as one that CSV has, written so that PostgreSQL reads it."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        # The same numbers as naive UTC: with a time zone they are formatted nine times as slowly.
        return _with_era(column.view(pa.timestamp(kind.unit)))
    if pa.types.is_timestamp(kind) or pa.types.is_date32(kind):
        return _with_era(column)
    if pa.types.is_duration(kind):
        micros = column.cast(pa.duration("us")).view(pa.int64())
        days = pc.divide(micros, _DAY)  # towards zero
        rest = pc.subtract(micros, pc.multiply(days, _DAY))
        return pc.binary_join_element_wise(days.cast(pa.string()), " days ", rest.cast(pa.string()), " us", "")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _array_text(column)
    return column


def _with_era(column: pa.Array) -> pa.Array:
    """Dates, or timestamps without a zone, as texts if one of them is far from our days."""
    is_date = pa.types.is_date32(column.type)
    if not is_date:
        column = column.cast(pa.timestamp("us"), safe=False)
    numbers = column.view(pa.int32() if is_date else pa.int64())
    found, steps = pc.min_max(numbers), 1 if is_date else _DAY
    least, most = found["min"].as_py(), found["max"].as_py()
    if least is None or (least >= _FIRST_YEAR * steps and most < _LAST_YEAR * steps):
        return column
    kind = np.dtype("datetime64[D]" if is_date else "datetime64[us]")
    moments = (None if at is None else _moment(str(np.int64(at).astype(kind))) for at in numbers.to_pylist())
    return pa.array(moments, pa.string())


def _moment(moment: str) -> str:
    """As PostgreSQL writes it: the year before 1 is 1 BC."""
    sign, year, rest = re.fullmatch(r"(-?)(\d+)(-.*)", moment.replace("T", " ")).groups()  # type: ignore[union-attr]
    if not sign and int(year):
        return f"{year}{rest}"
    return f"{int(year) + 1:04}{rest} BC"


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
