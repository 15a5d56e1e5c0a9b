"""`upsert`: rows whose key is there are rewritten if they differ, the others are added; nothing else is touched.

The table is locked against other writers, as by `replace`, so that the key needs no unique index. The server compares once,
with as many processes as it likes, since what finds the changes changes nothing but a table of their own; INSERT ... ON
CONFLICT would go through an index row by row, and lock, that is write to, every row that is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres.modes.replace import made_if_missing
from stoker.postgres.modes.statement import Statement
from stoker.postgres.names import LoadTarget, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stoker.postgres.modes.statement import Publication


def statements(work: Publication) -> list[Statement]:
    """DELETE of what the input lacks, UPDATE of what differs, INSERT of what is new."""
    target, key = work.target.sql, work.mode.key
    staged = work.staging.table.sql
    changes = LoadTarget(work.target.schema, f"stoker_changes_{work.staging.nonce}").sql
    others = [column.name for column in work.columns if column.name not in key]
    done = [
        *made_if_missing(work, key=key),
        # What is left needs no condition, of which the server would not know how many rows it leaves.
        Statement(f"DELETE FROM {staged} WHERE NOT xmin = ANY(:transactions::xid[])"),  # noqa: S608 - quoted
        # Without it the server takes any order for a mess, or a mess for an order.
        Statement(f"ANALYZE {staged} ({', '.join(map(quote, key))})"),
        # Writers wait and readers do not.
        Statement(f"LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE"),
    ]
    if work.mode.delete_missing:
        sql = (
            f"DELETE FROM {target} AS there "  # noqa: S608 - quoted
            f"WHERE NOT EXISTS (SELECT FROM {staged} AS staged WHERE {_same(key, 'staged')})"
        )
        done.append(Statement(sql, is_long=True, failpoint="postgres.publish.deleted", counts="deleted"))
    # Byte by byte: some types have no equality (json, xml), others one that overlooks differences (citext, interval, box). What
    # is found to differ without need is rewritten, and no difference is overlooked.
    rows = f"(SELECT {', '.join(column.selected for column in work.columns)} FROM {staged})"  # noqa: S608 - quoted
    differs = (
        f" OR record_image_ne(ROW({_listed('there', others)}), ROW({_listed('staged', others)}))" if others else ""
    )
    # By number, since `is_new` may be the name of a column.
    numbered = [f"c{at}" for at in range(len(work.columns))]
    changed = {column.name: f"changed.c{at}" for at, column in enumerate(work.columns)}
    sql = (
        f"CREATE UNLOGGED TABLE {changes} (is_new, {', '.join(numbered)}) AS "  # noqa: S608 - quoted
        f"SELECT there.ctid IS NULL, {_listed('staged', changed)} FROM {rows} AS staged LEFT JOIN {target} AS there "
        f"ON {_same(key, 'staged')} WHERE there.ctid IS NULL{differs}"
    )
    done.append(Statement(sql, is_long=True, failpoint="postgres.publish.compared"))
    if others:
        new = ", ".join(f"{quote(name)} = {changed[name]}" for name in others)
        same = " AND ".join(f"there.{quote(name)} = {changed[name]}" for name in key)
        sql = f"UPDATE {target} AS there SET {new} FROM {changes} AS changed WHERE NOT changed.is_new AND {same}"  # noqa: S608 - quoted
        done.append(Statement(sql, is_long=True, failpoint="postgres.publish.updated", counts="updated"))
    sql = f"INSERT INTO {target} ({work.names}) SELECT {', '.join(numbered)} FROM {changes} WHERE is_new"  # noqa: S608 - quoted
    done.append(Statement(sql, is_long=True, failpoint="postgres.publish.inserted", counts="inserted"))
    done.append(Statement(f"DROP TABLE {changes}"))
    return done


def _same(key: Iterable[str], other: str) -> str:
    return " AND ".join(f"there.{quote(name)} = {other}.{quote(name)}" for name in key)


def _listed(row: str, names: Iterable[str]) -> str:
    return ", ".join(f"{row}.{quote(name)}" for name in names)
