"""Which type each column gets in Spark, and how the server sends it.

What has a decoder is sent as it is. Everything else is sent as text, as the server writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stoker.postgres.column_type import ColumnType
from stoker.postgres.names import quote

if TYPE_CHECKING:
    from pg8000.native import Connection

_TYPES = """
WITH RECURSIVE base (start, oid, parent) AS (
    SELECT t.oid, t.oid, t.typbasetype FROM pg_type t
    WHERE t.oid IN (SELECT e.typelem FROM pg_type e WHERE e.oid = ANY(:oids::oid[]))
    UNION ALL SELECT b.start, t.oid, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.parent
)
SELECT t.oid, CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname::text ELSE '' END,
       CASE WHEN e.typnamespace = 'pg_catalog'::regnamespace THEN e.typname::text WHEN e.oid IS NOT NULL THEN '' END, b.start <> b.oid
FROM pg_type t
LEFT JOIN base b ON b.start = t.typelem AND b.parent = 0 AND t.typcategory = 'A' AND t.typname NOT LIKE '%vector'
LEFT JOIN pg_type e ON e.oid = b.oid
WHERE t.oid = ANY(:oids::oid[])
"""
_PLAIN = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "int",
    "int8": "bigint",
    "float4": "float",
    "float8": "double",
    "date": "date",
    "timestamp": "timestamp_ntz",
    "timestamptz": "timestamp",
    "text": "string",
    "varchar": "string",
    "bpchar": "string",
    "name": "string",
    "json": "string",
    "bytea": "binary",
}
"""PostgreSQL's types that have a decoder, and Spark's names for what becomes of them; numeric is beside."""
_SHORT = 18
"""Digits of a decimal that fit into 64 bits."""
_MOST = 38
"""Digits that Spark's decimals have."""
_DEFAULT_SCALE = 18
"""Digits behind the point of a numeric that does not say how many it has, as in Spark's own JDBC source."""


@dataclass(frozen=True)
class Form:
    """How a value is sent, and what becomes of it."""

    name: str
    """Of its decoder: a name of `_PLAIN`, `numeric`, `digits` (of a text), or `array`."""
    spark: str
    """The type in Spark, as DDL."""
    cast: str = ""
    """What it is cast to in the server."""
    precision: int = 0
    scale: int = 0
    element: Form | None = None


@dataclass(frozen=True)
class ReadColumn:
    """A column of what is read."""

    name: str
    form: Form

    @property
    def expression(self) -> str:
        """SQL for what is sent."""
        return quote(self.name) + (f"::{self.form.cast}" if self.form.cast else "")


def read_columns(connection: Connection, sql: str) -> list[ReadColumn]:
    """The columns that a SELECT has; the server only analyses it.

    Args:
        connection: Where.
        sql: The SELECT.

    Raises:
        DatabaseError: What the server has against it.
    """
    name, fields, _ = connection.prepare_statement(sql, ())
    connection.close_prepared_statement(name)
    described: list[dict[str, Any]] = fields or []
    oids = sorted({field["type_oid"] for field in described})
    types = {oid: known for oid, *known in connection.run(_TYPES, oids=oids)}
    return [ReadColumn(field["name"], _form(field["type_modifier"], *types[field["type_oid"]])) for field in described]


def _form(modifier: int, base: str, element: str | None, is_domain: bool | None) -> Form:
    if element is None:
        return _scalar(base, modifier)
    inner = _scalar(element, -1 if is_domain else modifier)
    # The server casts a whole array as it does its elements; below a domain is what its elements are.
    cast = f"{inner.cast}[]" if inner.cast else f"pg_catalog.{quote(element)}[]" if is_domain else ""
    return Form("array", f"array<{inner.spark}>", cast, element=replace(inner, cast=""))


def _scalar(base: str, modifier: int) -> Form:
    if base in _PLAIN:
        return Form(base, _PLAIN[base])
    if base == "numeric":
        kind = ColumnType(base, 0, base, "N", modifier)
        precision, scale = _digits(kind)
        is_short = kind.precision is not None and precision <= _SHORT
        name, cast = ("numeric", "") if is_short else ("digits", "text")
        return Form(name, f"decimal({precision},{scale})", cast, precision, scale)
    return Form("text", "string", "text")


def _digits(kind: ColumnType) -> tuple[int, int]:
    """Precision and scale in Spark."""
    if kind.precision is None or kind.scale is None:
        return _MOST, _DEFAULT_SCALE
    scale = min(max(kind.scale, 0), _MOST)
    return min(max(kind.precision, kind.precision - kind.scale, scale), _MOST), scale
