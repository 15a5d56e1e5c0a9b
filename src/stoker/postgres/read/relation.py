"""What is read: a table, a view or a query, as the catalogue knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import SourceError, suggestion
from stoker.postgres.names import LoadTarget, quote
from stoker.postgres.read.failures import UNREAD
from stoker.postgres.read.values import ended
from stoker.postgres.waiting import run_patiently

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.waiting import Patience

_FIND = """
SELECT c.oid, n.nspname, c.relkind::text, has_schema_privilege(n.oid, 'USAGE'), has_any_column_privilege(c.oid, 'SELECT'),
       current_user
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = :name AND CASE WHEN :schema::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = :schema END
"""
_STORED = """
WITH RECURSIVE tree (oid) AS (
    SELECT :oid::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid
)
SELECT c.relkind::text, coalesce(a.amname, ''), pg_relation_size(c.oid) / current_setting('block_size')::int
FROM tree JOIN pg_class c USING (oid) LEFT JOIN pg_am a ON a.oid = c.relam
"""
_OTHERS = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY('{r,p,v,m,f}') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (:schema::text IS NULL OR n.nspname = :schema)
ORDER BY 1, 2 LIMIT 1000
"""
_KEY = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = :oid AND i.indisprimary
"""
_KINDS = {"v": "a view", "f": "a foreign table"}
_READ = frozenset("rpvmf")
_WITH_CTID_RANGES = 140_000


@dataclass(frozen=True)
class Relation:
    """What is read."""

    what: str
    """For messages."""
    source: str
    """SQL for what follows FROM."""
    oid: int | None = None
    """Of a table or view; None for a query."""
    blocks: tuple[int, ...] | None = None
    """The sizes of the table and of all that belongs to it, if rows can be had by their places in it."""
    uncut: str = ""
    """Else why not."""
    key: str | None = None
    """The column of its primary key, if it is one, where only ranges of a key cut the table."""


def lock(connection: Connection, target: LoadTarget, patience: Patience) -> None:
    """Wait until a table can be read, and keep it from being changed in its structure; not for what cannot be locked so."""
    rows = connection.run(_FIND, name=target.table, schema=target.schema)
    if (
        rows
        and rows[0][2] in {"r", "p"}
        and connection.run("SELECT has_table_privilege(:oid::oid, 'SELECT')", oid=rows[0][0])[0][0]
    ):
        run_patiently(connection, f"LOCK TABLE {target.sql} IN ACCESS SHARE MODE", patience, tables=[target.sql])


def of_query(sql: str) -> Relation:
    """A SELECT."""
    return Relation("The query", f"({ended(sql)}\n) AS stoker_query", uncut="it is a query")


def of_table(connection: Connection, target: LoadTarget) -> Relation:
    """A table, a view or a foreign table.

    Raises:
        SourceError: If there is none, with the names that are close, or the user may not read it.
    """
    rows = connection.run(_FIND, name=target.table, schema=target.schema)
    if not rows:
        raise _missing(connection, target)
    oid, schema, kind, usable, readable, user = rows[0]
    whole = LoadTarget(schema, target.table)
    if kind not in _READ:
        raise SourceError(
            f"{whole} is no table or view.", state=UNREAD, next_step="Name a table or a view, or give query=."
        )
    if usable is False or readable is False:
        grant = f"GRANT SELECT ON {whole.sql}" if usable else f"GRANT USAGE ON SCHEMA {quote(schema)}"
        raise SourceError(
            f"{user!r} has no right to read {whole}.", state=UNREAD, next_step=f"{grant} TO {quote(user)};"
        )
    if kind in {"v", "f"}:
        return Relation(str(whole), whole.sql, oid, uncut=f"it is {_KINDS[kind]}")
    if int(connection.run("SHOW server_version_num")[0][0]) < _WITH_CTID_RANGES:
        key = connection.run(_KEY, oid=oid)
        uncut = "the server is older than PostgreSQL 14, and the table's primary key is not one column"
        return Relation(str(whole), whole.sql, oid, uncut=uncut, key=key[0][0] if len(key) == 1 else None)
    blocks, uncut = _stored(connection, oid)
    return Relation(str(whole), whole.sql, oid, blocks, uncut)


def _stored(connection: Connection, oid: int) -> tuple[tuple[int, ...] | None, str]:
    members = connection.run(_STORED, oid=oid)
    for member, method, _ in members:
        if member not in {"p", "r", "m"}:
            return None, "a part of it is a foreign table"
        if member != "p" and method != "heap":
            return None, f"it is stored by {method}"
    return tuple(blocks for member, _, blocks in members if member != "p"), ""


def _missing(connection: Connection, target: LoadTarget) -> SourceError:
    schemas = [
        name for (name,) in connection.run("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'")
    ]
    if target.schema is not None and target.schema not in schemas:
        return SourceError(
            f"{target} does not exist: there is no schema {target.schema!r}.{suggestion(target.schema, schemas)}",
            state=UNREAD,
            next_step="Check the name, and the database of the connection.",
        )
    there = connection.run(_OTHERS, schema=target.schema)
    named = target.schema is not None
    names = {str(LoadTarget(None, table)) for _, table in there}
    elsewhere = sorted(str(LoadTarget(schema, table)) for schema, table in there if table == target.table)
    near = f" Did you mean {' or '.join(map(repr, elsewhere))}?" if elsewhere else suggestion(target.table, names)
    return SourceError(
        f"{target} does not exist{'' if named else ' in any schema of the search path'}.{near}",
        state=UNREAD,
        next_step="Check the name; one with capitals or odd characters is in double quotes within the text.",
    )
