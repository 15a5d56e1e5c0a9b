"""Which encoder takes values of an Arrow type into a column of PostgreSQL, if one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from stoker.postgres.encode import arrays, moments, numbers, numeric, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from stoker.postgres.column_type import ColumnType
    from stoker.postgres.encode.parts import Part

Encoder: TypeAlias = "Callable[[pa.Array], list[Part]]"
"""The parts of a column; it raises `RefusedValueError` for what the column cannot hold."""

_TEXT = frozenset({"text", "varchar", "bpchar", "json"})
"""What has the same bytes in binary as in text; so have enums, and the extension citext."""


def encoder(kind: pa.DataType, target: ColumnType) -> Encoder | None:
    """The encoder from an Arrow type into a column, or None if there is none.

    Args:
        kind: As Spark's tasks, or a Parquet file, give it.
        target: The exact type of the column.
    """
    base = target.base
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if is_text or base == "text":
        return _of_text(target) if is_text else texts.written(target)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = encoder(kind.value_type, target.element) if target.element else None
        return arrays.one_dimension(inner, target.element.oid) if inner and target.element else None
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _of_number(kind, target)
    if (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)) and base == "bytea":
        return texts.raw
    if pa.types.is_boolean(kind) and base == "bool":
        return numbers.boolean
    return _of_time(kind, target)


def _of_text(target: ColumnType) -> Encoder | None:
    if target.base in _TEXT or target.category == "E" or target.base.endswith(".citext"):
        return texts.text(target)
    return {"jsonb": texts.jsonb, "uuid": texts.uuid}.get(target.base)


def _of_number(kind: pa.DataType, target: ColumnType) -> Encoder | None:
    base = target.base
    if pa.types.is_floating(kind):
        return numbers.floating(target) if base in numbers.FLOATING else None
    scale = kind.scale if pa.types.is_decimal(kind) else 0
    # Below 0, digits before the point are missing: Spark makes that only when told to.
    if base == "numeric" and 0 <= scale <= (scale if target.scale is None else target.scale):
        return numeric.numeric(target, scale)
    if base in numbers.WHOLE and scale == 0:
        return numbers.whole(target)
    return numbers.floating(target) if base in numbers.FLOATING and not pa.types.is_decimal(kind) else None


def _of_time(kind: pa.DataType, target: ColumnType) -> Encoder | None:
    base = target.base
    if pa.types.is_date32(kind) and base in {"date", "timestamp"}:
        return moments.date(target) if base == "date" else moments.date_as_timestamp(target)
    if pa.types.is_timestamp(kind) and base == ("timestamptz" if kind.tz else "timestamp"):
        return moments.timestamp(target)
    return moments.interval if pa.types.is_duration(kind) and base == "interval" else None
