"""`replace`: the rows that are there go, the staged ones come, in one transaction; the table is made if there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres.columns import create_statement
from stoker.postgres.modes import append
from stoker.postgres.modes.statement import Statement

if TYPE_CHECKING:
    from stoker.postgres.modes.statement import Publication


def statements(work: Publication) -> list[Statement]:
    """DELETE and INSERT: readers see the old rows until the commit."""
    delete = f"DELETE FROM {work.target.sql}"  # noqa: S608 - quoted
    return [
        *made_if_missing(work),
        # Writers wait and readers do not.
        Statement(f"LOCK TABLE {work.target.sql} IN SHARE ROW EXCLUSIVE MODE"),
        Statement(delete, is_long=True, failpoint="postgres.publish.deleted", counts="deleted"),
        *append.statements(work),
    ]


def made_if_missing(work: Publication, *, key: tuple[str, ...] = ()) -> list[Statement]:
    """The table, if there is none, with a primary key if one is given: one load creates it, the others wait and find it."""
    return [
        Statement(
            "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))",
            {"name": f"stoker create {work.target.sql}"},
        ),
        Statement(create_statement(work.target, work.columns, key=key, if_missing=True)),
    ]
