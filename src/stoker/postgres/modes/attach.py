"""`replace_partitions` of a table that PostgreSQL partitions by the same columns: whole partitions change places.

The new ones are made, filled and indexed beside; the lock that holds readers up is for DETACH and ATTACH only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stoker.errors import TransientError
from stoker.postgres import staging
from stoker.postgres.modes.partitioned import PARTITIONS, TABLE, besides_its_table, others
from stoker.postgres.modes.statement import Statement
from stoker.postgres.modes.strategy import ChangedError
from stoker.postgres.names import LoadTarget, quote
from stoker.postgres.refusals import NOTHING
from stoker.postgres.swap import carried, definition, dependents
from stoker.postgres.swap.definition import Definition

if TYPE_CHECKING:
    from stoker.postgres.modes.statement import Publication
    from stoker.postgres.modes.strategy import Partition

_BOUND = quote("stoker_bound")
_WAS = "its partitions were altered while the load went on"


def statements(work: Publication) -> list[Statement]:
    """New partitions in the places of old ones."""
    table, parts = work.target.sql, work.strategy.partitions

    def the_same(rows: list[list[Any]]) -> None:
        if not rows or rows[0][0] != work.strategy.oid or rows[0][-1]:
            raise ChangedError(rows[0][-1] if rows and rows[0][-1] else _WAS)

    def all_there(rows: list[list[Any]]) -> None:
        there = {(row[0], LoadTarget(row[1], row[2]), row[4], row[5]) for row in rows}
        if not {(part.oid, part.name, part.bound, part.condition) for part in parts} <= there:
            raise ChangedError(_WAS)

    done = [
        Statement(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"),
        Statement(TABLE, {"name": table}, about="the table is the same", judge=the_same),
        Statement(PARTITIONS, {"oid": work.strategy.oid}, about="its partitions are the same", judge=all_there),
        *new_partitions(work),
    ]
    if work.strategy.new_partitions:
        rest = " OR ".join(f"({part.condition})" for part in parts) or "false"
        sql = f"INSERT INTO {table} ({work.names}) SELECT * FROM ({work.staged}) AS staged WHERE ({rest}) IS NOT TRUE"  # noqa: S608 - quoted
        done.append(Statement(sql, is_long=True, counts="inserted"))
    for at, part in enumerate(parts):
        done += _filled(work, at, part)
    locked = ", ".join(f"ONLY {name.sql}" for name in (work.target, *(part.name for part in parts)))
    if parts:
        done.append(Statement(f"LOCK TABLE {locked} IN ACCESS EXCLUSIVE MODE", is_exclusive=True))
    for at, part in enumerate(parts):
        done += _quick(
            f"ALTER TABLE {table} DETACH PARTITION {part.name.sql}",
            f"DROP TABLE {part.name.sql}",
            f"ALTER TABLE {_fresh(work, at, part).sql} RENAME TO {part.name.quoted}",
            f"ALTER TABLE {table} ATTACH PARTITION {part.name.sql} {part.bound}",
            f"ALTER TABLE {part.name.sql} DROP CONSTRAINT {_BOUND}",
            *carried.names_and_rules(part.definition, part.definition, part.name, _nonce(work, at)),
        )
    return [*done[:-1], replace(done[-1], failpoint="postgres.publish.attached")]


def new_partitions(work: Publication) -> list[Statement]:
    """Those for new values. ATTACH does not hold readers up, as CREATE TABLE ... PARTITION OF would."""
    table, new = work.target.sql, work.strategy.new_partitions
    names = {name.table for name, _ in new}

    def missing(rows: list[list[Any]]) -> None:
        found = sorted(names & {row[2] for row in rows})
        if found:
            raise TransientError(
                f"Partition {found[0]} of {work.target} was made by another while the load went on.",
                state=NOTHING,
                next_step="Run again with the same run id.",
            )

    if not new:
        return []
    like = f"(LIKE {table} INCLUDING ALL EXCLUDING IDENTITY EXCLUDING STATISTICS EXCLUDING COMMENTS)"
    return [
        Statement(PARTITIONS, {"oid": work.strategy.oid}, about="nobody has made the new partitions", judge=missing),
        *(
            Statement(sql)
            for name, bound in new
            for sql in (f"CREATE TABLE {name.sql} {like}", f"ALTER TABLE {table} ATTACH PARTITION {name.sql} {bound}")
        ),
    ]


def _filled(work: Publication, at: int, part: Partition) -> list[Statement]:
    """The table that will be a partition, with all of its rows and indexes."""
    fresh = _fresh(work, at, part)

    def unaltered(rows: list[list[Any]]) -> None:
        if Definition.of_rows(rows) != part.definition:
            raise ChangedError(_WAS)

    def independent(rows: list[list[Any]]) -> None:
        if found := besides_its_table(dependents.of_rows(rows)):
            raise ChangedError(f"partition {part.name}: {found}")

    def whole(rows: list[list[Any]]) -> None:
        if rows[0][0]:
            raise ChangedError(f"partition {part.name} has got rows of other values")

    sql = f"INSERT INTO {fresh.sql} ({work.names}) SELECT * FROM ({work.staged}) AS staged WHERE {part.condition}"  # noqa: S608 - quoted
    names = [column.name for column in work.columns]
    return [
        Statement(definition.QUERY, {"oid": part.oid}, about=f"{part.name} is the same", judge=unaltered),
        Statement(
            dependents.QUERY,
            {"oid": part.oid, "names": names},
            about=f"nothing depends on {part.name}",
            judge=independent,
        ),
        Statement(others(work.mode.by, part, work.staged), is_long=True, judge=whole),
        *map(Statement, carried.create(part.definition, part.name, fresh)),
        # With it the server does not read the rows again to attach them.
        Statement(f"ALTER TABLE {fresh.sql} ADD CONSTRAINT {_BOUND} CHECK ({part.condition})"),
        Statement(sql, is_long=True, counts="inserted"),
        *(Statement(text, is_long=True) for text in carried.build(part.definition, fresh, _nonce(work, at))),
        Statement(f"ANALYZE {fresh.sql}", failpoint="postgres.publish.filled"),
    ]


def _nonce(work: Publication, at: int) -> str:
    return f"{work.staging.nonce}{at}"


def _fresh(work: Publication, at: int, part: Partition) -> LoadTarget:
    return LoadTarget(part.name.schema, staging.sealed_name(_nonce(work, at), "partition"))


def _quick(*texts: str) -> list[Statement]:
    return [Statement(text, is_quick=True) for text in texts]
