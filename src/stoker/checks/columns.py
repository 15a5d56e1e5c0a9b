"""The columns that checks name, found in a frame's schema: what is missing, or of another kind, is told before any row is computed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stoker.checks.definitions import Between, Check, References, Unique, Values
from stoker.errors import suggestion
from stoker.spark.columns import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType, StructType

    from stoker.checks.definitions import Value

_NUMBERS = {"byte", "short", "integer", "long", "float", "double", "decimal"}
_TEXTS = {"string", "char", "varchar"}
_KINDS = {**dict.fromkeys(_NUMBERS, "number"), **dict.fromkeys(_TEXTS, "text")}
"""Of Spark's type names that can be compared with each other; the others only with their like."""


def path_of(schema: StructType, name: str) -> tuple[str, ...] | None:
    """Where a column is: its own name, or the way to it through structs; None if there is none.

    A column that has a dot in its name comes before one in a struct.
    """
    return next((path for path, _ in _found(schema, name)), None)


def type_of(schema: StructType, name: str) -> DataType | None:
    """A column's type; None if there is no such column."""
    return next((data_type for _, data_type in _found(schema, name)), None)


def column_at(schema: StructType, name: str) -> Column:
    """The expression for a column, wherever it is."""
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    return F.col(".".join(map(quoted, path_of(schema, name) or (name,))))


def _found(schema: StructType, name: str) -> list[tuple[tuple[str, ...], DataType]]:
    if name in schema.names:
        return [((name,), schema[name].dataType)]
    head, dot, rest = name.partition(".")
    while dot:
        if head in schema.names and schema[head].dataType.typeName() == "struct":
            inner: Any = schema[head].dataType
            return [((head, *path), data_type) for path, data_type in _found(inner, rest)]
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return []


def mistakes_of(check: Check, schema: StructType) -> list[str]:
    """Why a check does not fit a schema, one sentence each.

    Args:
        check: The check.
        schema: Of the frame that is loaded.
    """
    found = []
    for name in check.columns:
        data_type = type_of(schema, name)
        if data_type is None:
            found.append(f"{check}: there is no column {name!r}.{suggestion(name, schema.names)}")
        elif isinstance(check, Unique | References) and not _has_equality(data_type):
            found.append(f"{check}: column {name} is {data_type.simpleString()}, which is not compared")
        else:
            found += [
                f"{check}: column {name} is {data_type.simpleString()}, and {value!r} is {_kind_of(value)}"
                for value in _values(check)
                if not _fits(value, data_type)
            ][:1]
    return found


def mistakes_of_keys(check: References, schema: StructType, there: StructType) -> list[str]:
    """Why a check's columns cannot be looked up in the columns that it refers to."""
    found = []
    for name, other in zip(check.keys, check.to, strict=True):
        data_type, key_type = type_of(schema, name), type_of(there, other)
        if key_type is None:
            found.append(f"{check}: what it refers to has no column {other!r}.{suggestion(other, there.names)}")
        elif data_type is not None and _kind(data_type) != _kind(key_type):
            found.append(
                f"{check}: column {name} is {data_type.simpleString()}, and {other} there {key_type.simpleString()}"
            )
    return found


def _values(check: Check) -> list[Value]:
    if isinstance(check, Values):
        return list(check.values)
    return check.ends if isinstance(check, Between) else []


def _kind(data_type: DataType) -> str:
    name = data_type.typeName()
    return _KINDS.get(name, data_type.simpleString() if name in {"struct", "array"} else name)


def _has_equality(data_type: DataType) -> bool:
    return not any(word in data_type.simpleString() for word in ("map<", "variant"))


def _fits(value: Value, data_type: DataType) -> bool:
    name = data_type.typeName()
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, int | float | Decimal):
        return name in _NUMBERS
    if isinstance(value, str):
        return name in _TEXTS
    if isinstance(value, datetime):
        return name == ("timestamp_ntz" if value.tzinfo is None else "timestamp")
    return name == ("date" if isinstance(value, date) else "binary")


def _kind_of(value: Value) -> str:
    if isinstance(value, datetime):
        return "a time without a zone" if value.tzinfo is None else "a time with a zone"
    kinds = {bool: "a boolean", str: "a text", date: "a date", bytes: "bytes"}
    return kinds.get(type(value), "a number")
