"""Values of every Spark type that a kind of sink takes: ordinary ones, extremes, odd ones, and nulls."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pyspark.sql import types as t

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from behaviour.sinks import Rows

_MOMENT = dt.datetime(2013, 7, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)
_WALL = dt.datetime(2013, 11, 3, 1, 30, 0, 1)
_ODD = "a\"b,;\\.\t 'x' \\\""

_SCALARS: dict[str, tuple[t.DataType, Any, Any, Any]] = {
    "boolean": (t.BooleanType(), True, False, None),
    "byte": (t.ByteType(), -128, 127, 0),
    "short": (t.ShortType(), 32767, -32768, 0),
    "integer": (t.IntegerType(), -(2**31), 2**31 - 1, 0),
    "long": (t.LongType(), 2**63 - 1, -(2**63), 0),
    "float": (t.FloatType(), 1.5, math.inf, math.nan),
    "double": (t.DoubleType(), 0.1, -math.inf, math.nan),
    "decimal": (t.DecimalType(38, 18), Decimal("-12345678901234567890.123456789012345678"), Decimal(0), Decimal(1)),
    "string": (t.StringType(), _ODD, "", "é😀"),
    "spaces": (t.StringType(), "  both  ", " ", "\u00a0"),
    "number in text": (t.StringType(), "007", "null", "NaN"),
    "date": (t.DateType(), dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1582, 10, 15)),
    "timestamp": (t.TimestampType(), _MOMENT, dt.datetime(1, 1, 2, tzinfo=dt.UTC), _MOMENT.replace(microsecond=1)),
    "timestamp_ntz": (
        t.TimestampNTZType(),
        _WALL,
        _WALL.replace(microsecond=999999),
        dt.datetime(9999, 12, 31, 23, 59),
    ),
}
_BINARY: dict[str, tuple[t.DataType, Any, Any, Any]] = {
    "binary": (t.BinaryType(), b"\x00\xff\\", b"", b"x"),
}
_NESTED: dict[str, tuple[t.DataType, Any, Any, Any]] = {
    "array": (t.ArrayType(t.StringType()), [_ODD, None, ""], [], None),
    "map": (t.MapType(t.StringType(), t.DoubleType()), {_ODD: None, "": math.inf}, {}, None),
    "struct": (
        t.StructType([t.StructField("a.b", t.LongType()), t.StructField("d", t.DateType())]),
        (1, _WALL.date()),
        (None, None),
        None,
    ),
}
_INTERVALS: dict[str, tuple[t.DataType, Any, Any, Any]] = {
    "days": (t.DayTimeIntervalType(), dt.timedelta(days=-1, microseconds=1), dt.timedelta(0), dt.timedelta(days=10**6)),
}
TAKEN = {
    "parquet": _SCALARS | _BINARY | _NESTED | _INTERVALS,
    # Spark's reader of CSV takes an empty text for a null, though the files tell one from the other.
    "csv": _SCALARS | _INTERVALS | {"string": (t.StringType(), _ODD, "-", "é😀")},
    "json": _SCALARS | _BINARY | _NESTED | _INTERVALS,
    "postgres": _SCALARS | _BINARY,
    "table": _SCALARS | _BINARY | _NESTED | _INTERVALS,
}
"""By kind, and by a name for the column: the type, and three values."""


def frame(spark: SparkSession, kind: str) -> tuple[DataFrame, Rows]:
    """Four rows that are numbered by their first column, the last of nulls; and the same as Python's values."""
    taken = TAKEN[kind]
    fields = [t.StructField("n", t.IntegerType()), t.StructField("part", t.IntegerType())]
    schema = t.StructType(fields + [t.StructField(name, column[0]) for name, column in taken.items()])
    rows: Rows = [(at, 1, *(column[1 + at] for column in taken.values())) for at in range(3)]
    rows.append((3, 1, *[None] * len(taken)))
    return spark.createDataFrame(rows, schema), rows


def differences(names: list[str], given: Rows, found: Rows) -> list[str]:
    """Where rows differ: nan equals nan, and a moment is the same in any zone."""
    assert len(given) == len(found)
    pairs = (
        (name, repr(_comparable(one)), repr(_comparable(other)))
        for rows in zip(given, found, strict=True)
        for name, one, other in zip(names, *rows, strict=True)
    )
    return [f"{name}: {one} became {other}" for name, one, other in pairs if one != other]


def _comparable(value: Any) -> Any:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC)
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, Decimal):
        return f"{value:.18f}"
    if isinstance(value, (tuple, list)):
        return [_comparable(each) for each in value]
    if isinstance(value, dict):
        return {key: _comparable(value[key]) for key in sorted(value)}
    return value
