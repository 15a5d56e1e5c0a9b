"""`upsert`: rows whose key is there are rewritten if they differ, the others are added; nothing else is touched.

The table is locked against other writers, as by `replace`, so that a key needs no unique index, and no row is locked that
stays as it is. INSERT ... ON CONFLICT would lock, that is write to, every row that is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres.modes.replace import made_if_missing
from stoker.postgres.modes.statement import Statement
from stoker.postgres.names import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stoker.postgres.modes.statement import Publication


def statements(work: Publication) -> list[Statement]:
    """DELETE of what the input lacks, UPDATE of what differs, INSERT of what is new."""
    target = work.target.sql
    same = " AND ".join(f"there.{quote(name)} = staged.{quote(name)}" for name in work.mode.key)
    done = [
        *made_if_missing(work, key=work.mode.key),
        # Writers wait and readers do not.
        Statement(f"LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE"),
    ]
    if work.mode.delete_missing:
        sql = f"DELETE FROM {target} AS there WHERE NOT EXISTS (SELECT FROM ({work.staged}) AS staged WHERE {same})"  # noqa: S608 - quoted
        done.append(Statement(sql, is_long=True, failpoint="postgres.publish.deleted", counts="deleted"))
    others = [column.name for column in work.columns if column.name not in work.mode.key]
    if others:
        new = ", ".join(f"{quote(name)} = staged.{quote(name)}" for name in others)
        sql = (
            f"UPDATE {target} AS there SET {new} FROM ({work.staged}) AS staged WHERE {same} "  # noqa: S608 - quoted
            # Byte by byte: some types have no equality (json, xml), others one that overlooks differences (citext, interval,
            # box). What is found to differ without need is rewritten, and no difference is overlooked.
            f"AND record_image_ne(ROW({_listed('there', others)}), ROW({_listed('staged', others)}))"
        )
        done.append(Statement(sql, is_long=True, failpoint="postgres.publish.updated", counts="updated"))
    sql = (
        f"INSERT INTO {target} ({work.names}) SELECT * FROM ({work.staged}) AS staged "  # noqa: S608 - quoted
        f"WHERE NOT EXISTS (SELECT FROM {target} AS there WHERE {same})"
    )
    done.append(Statement(sql, is_long=True, failpoint="postgres.publish.inserted", counts="inserted"))
    return done


def _listed(row: str, names: Iterable[str]) -> str:
    return ", ".join(f"{row}.{quote(name)}" for name in names)
