"""How something is read: found by the catalogue alone, and locked against changes of its structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stoker.errors import SourceError, suggestion
from stoker.postgres.names import quote
from stoker.postgres.read.columns import ReadColumn, read_columns
from stoker.postgres.read.failures import UNREAD
from stoker.postgres.read.ranges import MOST, between, by_key, by_place, literals, number_of_parts
from stoker.postgres.read.relation import Relation, lock, of_query, of_table
from stoker.postgres.read.task import ReadTask
from stoker.postgres.transaction import limit_lock_waits
from stoker.postgres.waiting import Patience

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.read.wanted import Wanted


@dataclass(frozen=True)
class ReadPlan:
    """How it is read."""

    task: ReadTask
    """What tasks are told, but for the snapshot."""
    uncut: str | None
    """Why one connection reads it all, where several were asked for."""


@dataclass(frozen=True)
class Means:
    """What there is to read it with."""

    info: ConnectionInfo
    slots: int
    """How many tasks run at a time."""
    patience: Patience = field(default_factory=Patience)
    """With locks."""


def make_plan(connection: Connection, wanted: Wanted, means: Means) -> ReadPlan:
    """Plan it, in a transaction that keeps what it locks until its end; no row is read.

    Args:
        connection: Where.
        wanted: What is asked for.
        means: What there is to read it with.

    Raises:
        SourceError: If it is not there, not allowed, or no such column is in it.
        TransientError: If others have it locked for too long.
        DatabaseError: What else the server has against it.
    """
    relation = _relation(connection, wanted, means.patience)
    every = read_columns(connection, f"SELECT * FROM {relation.source}")  # noqa: S608 - its names are quoted, a query is the declaration's
    columns = _chosen(relation, every, wanted)
    where = f"({wanted.where}\n) AND " if wanted.where else ""
    # To plan it finds what is wrong with the condition, and missing rights, and locks the tables behind a view.
    connection.run(f"EXPLAIN {ReadTask(means.info, None, '', relation.source, columns, ()).select(f'{where}true')}")
    parts, uncut = _parts(connection, relation, wanted, means.slots)
    conditions = tuple(f"{where}{part}" for part in parts)
    return ReadPlan(ReadTask(means.info, None, relation.what, relation.source, columns, conditions), uncut)


def _relation(connection: Connection, wanted: Wanted, patience: Patience) -> Relation:
    if wanted.table is not None:
        lock(connection, wanted.table, patience)
        return of_table(connection, wanted.table)
    assert wanted.query is not None
    limit_lock_waits(connection, patience.seconds)
    return of_query(wanted.query)


def _chosen(relation: Relation, columns: list[ReadColumn], wanted: Wanted) -> tuple[ReadColumn, ...]:
    known = {column.name: column for column in columns}
    if len(known) < len(columns) or not known:
        names = [column.name for column in columns]
        twice = sorted({repr(name) for name in names if names.count(name) > 1})
        what = f"has several columns with the name {' and '.join(twice)}" if twice else "has no columns"
        raise SourceError(
            f"{relation.what} {what}.", state=UNREAD, next_step="Give each column a name of its own (AS)."
        )
    for name in (*wanted.columns, *([wanted.partition_column] if wanted.partition_column else [])):
        if name not in known:
            raise SourceError(
                f"{relation.what} has no column {name!r}.{suggestion(name, known)}",
                state=UNREAD,
                next_step="Name columns as the database has them, without quotes.",
            )
    return tuple(known[name] for name in wanted.columns or known)


def _parts(connection: Connection, relation: Relation, wanted: Wanted, slots: int) -> tuple[list[str], str | None]:
    """The conditions of the parts, and why there is only one where several were asked for."""
    column, asked = wanted.partition_column, wanted.partitions
    if wanted.bounds:
        assert column is not None
        return between(quote(column), literals(wanted.bounds), nulls=True), None
    if column is None and relation.blocks is not None:
        return by_place(relation.blocks, number_of_parts(relation.blocks, slots, asked)), None
    column = column or relation.key
    if column is None or relation.oid is None:
        return ["true"], f"{relation.uncut}; partition_column= with bounds= would cut it" if asked not in {
            None,
            1,
        } else None
    found = by_key(connection, relation.oid, column, asked or min(slots, MOST))
    if found is None:
        return ["true"], f"the server has no histogram of {column!r}; ANALYZE makes one, and bounds= needs none"
    return found, None
