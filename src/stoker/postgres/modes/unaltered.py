"""Whether the target still is what the rows were sent for: else the server might round or cut them to what it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoker.errors import TransientError
from stoker.postgres.modes.statement import Statement
from stoker.postgres.refusals import NOTHING

if TYPE_CHECKING:
    from stoker.postgres.modes.statement import Publication

_COLUMNS = """
SELECT c.relkind::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '' OR a.attidentity = 'a'
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid = to_regclass(:name)
"""
_TABLES = {"r", "p"}


def unaltered(work: Publication, *, may_be_missing: bool) -> Statement:
    """Looks at the columns that are loaded.

    Args:
        work: What is published.
        may_be_missing: Whether the table is made if there is none.
    """
    target = work.target

    def judge(rows: list[list[Any]]) -> None:
        if not rows:
            if may_be_missing:
                return
            raise _altered(f"{target} was dropped while the load went on")
        if rows[0][0] not in _TABLES:
            raise _altered(f"{target} was replaced by something that is no table while the load went on")
        there = {name: (kind, is_filled) for _, name, kind, is_filled in rows}
        for column in work.columns:
            kind, is_filled = there.get(column.name, (None, False))
            if kind is None or _bare(kind) != _bare(column.type) or is_filled:
                now = "is not there any more" if kind is None else f"is {kind}{' and filled by the table' * is_filled}"
                what = f"{column.name!r}, {column.type} when the rows were sent, {now}"
                raise _altered(f"{target} was altered while the load went on: column {what}")

    about = "the columns are those that the rows were sent for"
    return Statement(_COLUMNS, {"name": target.sql}, about=about, is_quick=True, judge=judge)


def _bare(kind: str) -> str:
    """A type as it is derived: a role may have the server put all names in quotes."""
    return kind.replace('"', "")


def _altered(what: str) -> TransientError:
    return TransientError(
        f"{what}.",
        state=NOTHING,
        next_step="Run again with the same run id: the rows are looked at anew for the table.",
    )
