"""`replace_partitions`: rows go whose values in the columns of `by` occur among the staged ones, which come in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres.modes import append
from stoker.postgres.modes.replace import made_if_missing
from stoker.postgres.modes.statement import Statement
from stoker.postgres.names import quote

if TYPE_CHECKING:
    from stoker.postgres.modes.statement import Publication


def statements(work: Publication) -> list[Statement]:
    """DELETE of the partitions that are staged, and INSERT."""
    return [
        *made_if_missing(work),
        Statement(f"ANALYZE {work.staging.table.sql} ({', '.join(map(quote, work.mode.by))})"),
        # Writers wait and readers do not.
        Statement(f"LOCK TABLE {work.target.sql} IN SHARE ROW EXCLUSIVE MODE"),
        *_deletes(work),
        *append.statements(work),
    ]


def _deletes(work: Publication) -> list[Statement]:
    by = [quote(name) for name in work.mode.by]
    nullable = [quote(column.name) for column in work.columns if column.name in work.mode.by and not column.not_null]
    listed = ", ".join(by)

    def delete(staged: str, equal: str) -> Statement:
        same = " AND ".join(f"there.{name} {equal} staged.{name}" for name in by)
        return Statement(
            f"DELETE FROM {work.target.sql} AS there "  # noqa: S608 - quoted
            f"USING (SELECT DISTINCT {listed} FROM ({work.staged}) AS staged{staged}) AS staged WHERE {same}",
            is_long=True,
            failpoint="postgres.publish.deleted",
            counts="deleted",
        )

    done = [delete("", "=")]
    if nullable:
        # By itself, since null-safe equality can use neither an index nor a hash.
        done.append(delete(f" WHERE {' OR '.join(f'{name} IS NULL' for name in nullable)}", "IS NOT DISTINCT FROM"))
    return done
