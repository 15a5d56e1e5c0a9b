"""What PostgreSQL's catalogue says of a target: where it is, what it is, its columns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.errors import SinkError
from stoker.postgres.column_type import ColumnType
from stoker.postgres.names import LoadTarget, quote
from stoker.postgres.refusals import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg8000.native import Connection

_NAME = """CASE WHEN {0}.typnamespace = 'pg_catalog'::regnamespace THEN {0}.typname::text
            ELSE {0}.typnamespace::regnamespace::text || '.' || {0}.typname END"""
_BASES = """
WITH RECURSIVE base(start, oid, parent, typmod, not_null, given) AS (
    SELECT t.oid, t.oid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault IS NOT NULL FROM pg_type t
    UNION ALL
    SELECT b.start, t.oid, t.typbasetype, CASE WHEN b.typmod = -1 THEN t.typtypmod ELSE b.typmod END,
           b.not_null OR t.typnotnull, b.given OR t.typdefault IS NOT NULL
    FROM base b JOIN pg_type t ON t.oid = b.parent
)
"""
_TYPE = f"""
       format_type(a.atttypid, a.atttypmod), a.atttypid, {_NAME.format("t")}, t.typcategory::text,
       CASE WHEN a.atttypmod = -1 THEN b.typmod ELSE a.atttypmod END,
       format_type(t.typelem, a.atttypmod), e.start, {_NAME.format("et")}, et.typcategory::text,
       CASE WHEN a.atttypmod <> -1 THEN a.atttypmod WHEN b.typmod <> -1 THEN b.typmod ELSE e.typmod END,
       t.typnamespace <> 'pg_catalog'::regnamespace AND EXISTS (
           SELECT FROM pg_cast WHERE castsource = 'bytea'::regtype AND casttarget = t.oid
       )
"""
_TYPES = """
JOIN base b ON b.start = a.atttypid AND b.parent = 0 JOIN pg_type t ON t.oid = b.oid
LEFT JOIN base e ON t.typcategory = 'A' AND t.typname NOT LIKE '%vector' AND e.start = t.typelem AND e.parent = 0
LEFT JOIN pg_type et ON et.oid = e.oid
"""
_COLUMNS = f"""
{_BASES}
SELECT a.attname,
       {_TYPE},
       a.attnotnull OR b.not_null, a.atthasdef OR a.attidentity <> '' OR b.given,
       a.attgenerated <> '', a.attidentity = 'a'
FROM pg_attribute a {_TYPES}
WHERE a.attrelid = :oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""  # noqa: S608 - of our own texts only
_CHECKS = """
SELECT 'CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid) FROM pg_constraint c
WHERE conrelid = :oid AND contype = 'c' AND NOT EXISTS (
    SELECT FROM pg_attribute a
    WHERE a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey) AND NOT a.attname = ANY(:names)
)
"""
_KINDS = {
    "v": "a view",
    "m": "a materialized view",
    "f": "a foreign table",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a composite type",
    "t": "a TOAST table",
}


@dataclass(frozen=True)
class TableColumn:
    """A column of an existing table."""

    name: str
    type: ColumnType
    not_null: bool
    has_default: bool
    generated: bool
    always_identity: bool


@dataclass(frozen=True)
class Table:
    """An existing table that rows can be loaded into."""

    oid: int
    columns: tuple[TableColumn, ...]

    def names(self) -> list[str]:
        """The columns' names in their order."""
        return [column.name for column in self.columns]


def located(connection: Connection, target: LoadTarget) -> LoadTarget:
    """The target with its schema: of the table that the search path finds, else the first schema of that path.

    Raises:
        SinkError: If there is no schema to create the table in.
    """
    if target.schema is not None:
        return target
    rows = connection.run(
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(:name)",
        name=target.sql,
    ) or connection.run("SELECT current_schema()")
    if rows[0][0] is None:
        raise SinkError(
            f"The table {target} is named without a schema, and no schema of the user's search_path exists.",
            state=NOTHING,
            next_step=f"Name it with its schema, such as public.{target}.",
        )
    return dataclasses.replace(target, schema=rows[0][0])


def read_table(connection: Connection, target: LoadTarget) -> Table | None:
    """The target as it is, or None if it does not exist.

    Raises:
        SinkError: If its schema does not exist or belongs to the server, the user lacks rights there, or it is no table.
    """
    _check_schema(connection, target)
    rows = connection.run(
        "SELECT c.oid, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = :schema AND c.relname = :name",
        schema=target.schema,
        name=target.table,
    )
    if not rows:
        return None
    oid, kind = rows[0]
    if kind not in {"r", "p"}:
        raise SinkError(
            f"{target} is {_KINDS.get(kind, 'no table')}, and rows are loaded into tables only.",
            state=NOTHING,
            next_step="Name the table behind it, or another one.",
        )
    return Table(oid, table_columns(connection, oid))


def table_columns(connection: Connection, oid: int) -> tuple[TableColumn, ...]:
    """The columns of a table in their order."""
    return tuple(_column(row) for row in connection.run(_COLUMNS, oid=oid))


def check_rights(
    connection: Connection, target: LoadTarget, table: Table, names: list[str], more: Sequence[str]
) -> None:
    """Refuse a table that the user may not write, without waiting for those who have it locked.

    Args:
        connection: Of the user.
        target: The table's name.
        table: The table.
        names: The columns that take rows.
        more: Rights that are needed besides INSERT.

    Raises:
        SinkError: With the statement that grants what is missing.
    """
    user, insert, missing = connection.run(
        "SELECT current_user, "
        "(SELECT bool_and(has_column_privilege(:oid::oid, name, 'INSERT')) FROM unnest(:names::text[]) AS name), "
        "ARRAY(SELECT name FROM unnest(:more::text[]) AS name WHERE NOT has_table_privilege(:oid::oid, name))",
        oid=table.oid,
        names=names,
        more=list(more),
    )[0]
    needed = ["INSERT"] * (not insert) + missing
    if needed:
        rights = ", ".join(needed)
        raise SinkError(
            f"{user!r} has no right to {rights} on {target}.",
            state=NOTHING,
            next_step=f"GRANT {rights} ON {target.sql} TO {quote(user)};",
        )


def checks(connection: Connection, table: Table, names: list[str]) -> list[str]:
    """The CHECK constraints that read only the named columns, so that staged rows can be held to them already."""
    return [row[0] for row in connection.run(_CHECKS, oid=table.oid, names=names)]


def primary_key(connection: Connection, table: Table) -> tuple[str, ...]:
    """The names of the columns of the primary key; none if there is no such key."""
    rows = connection.run(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
        "WHERE i.indrelid = :oid AND i.indisprimary ORDER BY a.attnum",
        oid=table.oid,
    )
    return tuple(name for (name,) in rows)


def _check_schema(connection: Connection, target: LoadTarget) -> None:
    assert target.schema is not None
    user, found, usable, writable = connection.run(
        "SELECT current_user, n.oid IS NOT NULL, coalesce(has_schema_privilege(n.oid, 'USAGE'), false), "
        "coalesce(has_schema_privilege(n.oid, 'CREATE'), false) "
        "FROM (SELECT) AS one LEFT JOIN pg_namespace n ON n.nspname = :schema",
        schema=target.schema,
    )[0]
    if not found:
        raise SinkError(
            f"The schema {target.schema!r} of the target {target} does not exist.",
            state=NOTHING,
            next_step=f"CREATE SCHEMA {quote(target.schema)};",
        )
    if target.schema.startswith("pg_") or target.schema == "information_schema":
        raise SinkError(f"{target} belongs to the server itself.", state=NOTHING, next_step="Name another table.")
    if not (usable and writable):
        raise SinkError(
            f"{user!r} may not create tables in the schema {target.schema!r}, which staging needs.",
            state=NOTHING,
            next_step=f"GRANT USAGE, CREATE ON SCHEMA {quote(target.schema)} TO {quote(user)};",
        )


def _column(row: list[Any]) -> TableColumn:
    name, *types, not_null, has_default, generated, always_identity = row
    return TableColumn(name, _type(types), not_null, has_default, generated, always_identity)


def _type(row: list[Any]) -> ColumnType:
    sql, oid, base, category, modifier, *element, takes_bytes = row
    inner = None if element[1] is None else ColumnType(*element)
    return ColumnType(sql, oid, base, category, modifier, inner, takes_bytes)
