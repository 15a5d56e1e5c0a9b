"""How Spark's types are stored: the type that a new column gets, and the existing types that take it without loss of meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType

_DERIVED = {
    "boolean": "boolean",
    "byte": "smallint",
    "short": "smallint",
    "integer": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
    "string": "text",
    "char": "text",
    "varchar": "text",
    "binary": "bytea",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "timestamp_ntz": "timestamp without time zone",
}
"""By Spark's `typeName()`; decimal is beside."""

_WHOLE = frozenset({"int2", "int4", "int8"})
_FRACTIONS = frozenset({"numeric", "float4", "float8"})
_TAKES = {
    "boolean": frozenset({"bool"}),
    "byte": _WHOLE | _FRACTIONS,
    "short": _WHOLE | _FRACTIONS,
    "integer": _WHOLE | _FRACTIONS,
    "long": _WHOLE | _FRACTIONS,
    "float": _FRACTIONS,
    "double": _FRACTIONS,
    "binary": frozenset({"bytea"}),
    "date": frozenset({"date", "timestamp"}),
    # Each with its own only: between them a session's time zone would decide which moment is meant.
    "timestamp": frozenset({"timestamptz"}),
    "timestamp_ntz": frozenset({"timestamp"}),
}
_NO_TEXT = frozenset("NBDT")
"""Type categories that a text does not become: numbers, boolean, dates and times, intervals. The others (text, enum, uuid,
json, network addresses, arrays, ...) are given as text, and the server says which value is wrong."""


def derived_type(data_type: DataType) -> str | None:
    """The type of a column that is created, or None if there is none for it."""
    if data_type.typeName() == "decimal":
        decimal: Any = data_type
        return f"numeric({decimal.precision},{decimal.scale})"
    return _DERIVED.get(data_type.typeName())


def how_to_store(column: str, data_type: DataType) -> str:
    """For a type that cannot be stored: what to write in the transformer."""
    name = data_type.typeName()
    if name in {"array", "map", "struct", "variant"}:
        return f"store it as JSON: .withColumn({column!r}, to_json({column!r}))"
    if name == "void":
        return f'give it a type: .withColumn({column!r}, lit(None).cast("string"))'
    return f'store it as text: .withColumn({column!r}, col({column!r}).cast("string"))'


def takes(data_type: DataType, base: str, category: str, scale: int | None) -> str | None:
    """Why a column does not take a type, or None if it does.

    Args:
        data_type: Spark's type.
        base: The name of the column's base type in `pg_type`.
        category: Its category there.
        scale: Of a numeric with a scale.
    """
    name = data_type.typeName()
    why: str | None = "cast it in the transformer"
    if name in {"string", "char", "varchar"}:
        fits = category not in _NO_TEXT and base != "bytea"
    elif name == "decimal":
        digits = data_type.scale  # type: ignore[attr-defined]
        fits = (base in _FRACTIONS and (scale is None or scale >= digits)) or (base in _WHOLE and digits <= 0)
        if base == "numeric":
            why = f"PostgreSQL would cut digits, so round it to {scale} in the transformer"
    else:
        fits = base in _TAKES.get(name, ())
        if {name.replace("_ntz", ""), base.replace("tz", "")} == {"timestamp"}:
            other = "timestamp_ntz" if name == "timestamp" else "timestamp"
            why = f'say which time zone is meant: .cast("{other}") takes that of the Spark session'
    return None if fits else why


def as_sent(column: Column, data_type: DataType) -> Column:
    """The column as tasks send it: bytes as PostgreSQL's hexadecimal text, all others as they are."""
    from pyspark.sql import functions as f

    if data_type.typeName() == "binary":
        return f.concat(f.lit("\\x"), f.hex(column))
    return column
