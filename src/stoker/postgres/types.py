"""How Spark's types are stored: the type that a new column gets, and the existing types that take it without loss of meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType

    from stoker.postgres.column_type import ColumnType

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
    "daytimeinterval": "interval",
    "map": "jsonb",
    "struct": "jsonb",
    "variant": "jsonb",
}
"""By Spark's `typeName()`; decimal and arrays are beside, and Arrow has no interval of months."""
_JSON = frozenset({"json", "jsonb"})
_NESTED = frozenset({"array", "map", "struct", "variant"})
"""What is stored as JSON; an array too where the column is no array, or its elements are nested."""

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
    "date": frozenset({"date", "timestamp"}),
    # Each with its own only: between them a session's time zone would decide which moment is meant.
    "timestamp": frozenset({"timestamptz"}),
    "timestamp_ntz": frozenset({"timestamp"}),
    "daytimeinterval": frozenset({"interval"}),
}
_NO_TEXT = frozenset("NBDT")
"""Type categories that a text does not become: numbers, boolean, dates and times, intervals. The others (text, enum, uuid,
json, network addresses, arrays, ...) are given as text, and the server says which value is wrong."""
_ONLY_TEXT = frozenset({"money", "time", "timetz"})
"""Types of these categories that no type of Spark is like."""


def derived_type(data_type: DataType) -> str | None:
    """The type of a column that is created, or None if there is none for it."""
    name = data_type.typeName()
    kind: Any = data_type
    if name == "decimal":
        return f"numeric({kind.precision},{kind.scale})"
    if name == "array":
        if kind.elementType.typeName() in _NESTED:
            # PostgreSQL has no ragged arrays, and no array is null within another.
            return "jsonb"
        element = derived_type(kind.elementType)
        return element and f"{element}[]"
    return _DERIVED.get(name)


def how_to_store(column: str, data_type: DataType) -> str:
    """For a type that cannot be stored: what to write in the transformer."""
    name = data_type.typeName()
    if name == "void":
        return f'give it a type: .withColumn({column!r}, lit(None).cast("string"))'
    return f'store it as text: .withColumn({column!r}, col({column!r}).cast("string"))'


def takes(data_type: DataType, target: ColumnType) -> str | None:
    """Why a column of a table does not take a type, or None if it does."""
    name, base = data_type.typeName(), target.base
    why: str | None = "cast it in the transformer"
    if name in _NESTED:
        return _takes_nested(data_type, target)
    if name in {"string", "char", "varchar"}:
        fits = base in _ONLY_TEXT or (target.category not in _NO_TEXT and base != "bytea")
    elif name == "decimal":
        digits = data_type.scale  # type: ignore[attr-defined]
        fits = (base in _FRACTIONS and (target.scale is None or target.scale >= digits)) or (
            base in _WHOLE and digits <= 0
        )
        if base == "numeric":
            why = f"PostgreSQL would cut digits, so round it to {target.scale} in the transformer"
    elif name == "binary":
        fits = base == "bytea" or target.takes_bytes
    else:
        fits = base in _TAKES.get(name, ())
        if {name.replace("_ntz", ""), base.replace("tz", "")} == {"timestamp"}:
            other = "timestamp_ntz" if name == "timestamp" else "timestamp"
            why = f'say which time zone is meant: .cast("{other}") takes that of the Spark session'
    return None if fits else why


def _takes_nested(data_type: DataType, target: ColumnType) -> str | None:
    if target.base in _JSON:
        return None
    element: DataType | None = getattr(data_type, "elementType", None)
    if target.element is None or element is None:
        return "store it as JSON in a column of the type jsonb, or to_json() in the transformer"
    if element.typeName() in _NESTED:
        return "an array of arrays, maps or structs is stored as jsonb only"
    return takes(element, target.element)


def as_sent(column: Column, data_type: DataType, target: ColumnType, *, binary: bool) -> Column:
    """The column as tasks send it.

    Args:
        column: Of the frame.
        data_type: Its type.
        target: What it goes into.
        binary: Whether it is sent by COPY BINARY; in text, bytes are sent as PostgreSQL's hexadecimal text.
    """
    from pyspark.sql import functions as f

    if data_type.typeName() in _NESTED and target.base in _JSON:
        # A field that is null is there, as null.
        return f.to_json(column, {"ignoreNullFields": "false"})
    if binary:
        return column
    if data_type.typeName() == "float" and target.base == "float8":
        # Its text has the fewest digits that are this number in four bytes, and another one in eight.
        return column.cast("double")
    if data_type.typeName() == "binary":
        return _hexadecimal(column)
    if getattr(data_type, "elementType", None) is not None and data_type.elementType.typeName() == "binary":  # type: ignore[attr-defined]
        return f.transform(column, _hexadecimal)
    return column


def sent_type(data_type: DataType, target: ColumnType) -> DataType:
    """Spark's type of a column as `as_sent` makes it for COPY BINARY."""
    from pyspark.sql.types import StringType

    return StringType() if data_type.typeName() in _NESTED and target.base in _JSON else data_type


def _hexadecimal(column: Column) -> Column:
    from pyspark.sql import functions as f

    return f.concat(f.lit("\\x"), f.hex(column))
