"""Dates, moments and spans of time: PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from stoker.postgres.encode.numbers import check_range
from stoker.postgres.encode.parts import of_width, validity, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.column_type import ColumnType
    from stoker.postgres.encode.parts import Part

_DAYS = 10_957
"""From 1970-01-01 to 2000-01-01."""
_DAY = 86_400_000_000
"""Microseconds."""
_FIRST_DAY = _DAYS - 2_451_545
"""The first that PostgreSQL has, -4713-11-24, from 1970-01-01."""
_LAST_DAY = _DAYS + 2_145_031_948
"""5874897-12-31. What is beyond would be read as infinity, or refused."""
_LAST_DAY_OF_TIME = _DAYS + 106_751_982
"""294276-12-31, the last of a timestamp."""


def date(target: ColumnType) -> Callable[[pa.Array], list[Part]]:
    """Days since 2000-01-01."""

    def encode(array: pa.Array) -> list[Part]:
        check_range(array.view(pa.int32()), _FIRST_DAY, _LAST_DAY, target)
        return of_width([(values(array, np.int32) - np.int32(_DAYS)).astype(">i4")], validity(array))

    return encode


def date_as_timestamp(target: ColumnType) -> Callable[[pa.Array], list[Part]]:
    """The beginning of the day, as microseconds since 2000-01-01."""

    def encode(array: pa.Array) -> list[Part]:
        check_range(array.view(pa.int32()), _FIRST_DAY, _LAST_DAY_OF_TIME, target)
        days = values(array, np.int32).astype(np.int64) - _DAYS
        return of_width([(days * _DAY).astype(">i8")], validity(array))

    return encode


def timestamp(target: ColumnType) -> Callable[[pa.Array], list[Part]]:
    """Microseconds since 2000-01-01, of UTC (`timestamptz`) or of the wall clock (`timestamp`): the same numbers."""

    def encode(array: pa.Array) -> list[Part]:
        micros = array.cast(pa.timestamp("us", array.type.tz), safe=False).view(pa.int64())
        # An int64 of microseconds ends before PostgreSQL's last moment.
        check_range(micros, _FIRST_DAY * _DAY, np.iinfo(np.int64).max, target)
        return of_width([(values(micros, np.int64) - _DAYS * _DAY).astype(">i8")], validity(array))

    return encode


def interval(array: pa.Array) -> list[Part]:
    """Microseconds, days and months: whole days apart from the rest, as Spark shows and adds them."""
    micros = values(array.cast(pa.duration("us")).view(pa.int64()), np.int64)
    valid = validity(array)
    days = micros // _DAY
    days += (micros < 0) & (days * _DAY != micros)  # towards zero: both parts have the same sign
    return of_width([(micros - days * _DAY).astype(">i8"), days.astype(">i4"), bytes(4)], valid)


def months(array: pa.Array) -> list[Part]:
    """No microseconds, no days, and so many months."""
    return of_width([bytes(12), values(array, np.int32).astype(">i4")], validity(array))
