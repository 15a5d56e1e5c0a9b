"""`replace`: the rows that are there go, the staged ones come, in one transaction; the table is made if there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres.columns import create_statement
from stoker.postgres.modes import append, swap
from stoker.postgres.modes.statement import Statement

if TYPE_CHECKING:
    from stoker.postgres.modes.statement import Publication


def statements(work: Publication) -> list[Statement]:
    """By the strategy that was decided on."""
    if work.strategy.renames:
        return [alone(work), *swap.new_table(work)] if work.strategy.name == "create" else swap.statements(work)
    target = work.target.sql
    if work.strategy.name == "truncate":
        # Readers wait too, and in an older snapshot they see an empty table.
        old = [Statement(f"TRUNCATE {target}", is_exclusive=True, failpoint="postgres.publish.truncated")]
    else:
        delete = f"DELETE FROM {target}"  # noqa: S608 - quoted
        old = [
            # Writers wait and readers do not: they see the old rows until the commit.
            Statement(f"LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE"),
            Statement(delete, is_long=True, failpoint="postgres.publish.deleted", counts="deleted"),
        ]
    return [*made_if_missing(work), *old, *append.statements(work)]


def made_if_missing(work: Publication, *, key: tuple[str, ...] = ()) -> list[Statement]:
    """The table, if there is none, with a primary key if one is given."""
    return [alone(work), Statement(create_statement(work.target, work.columns, key=key, if_missing=True))]


def alone(work: Publication) -> Statement:
    """One load creates the table, the others wait and find it."""
    return Statement(
        "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))",
        {"name": f"stoker create {work.target.sql}"},
    )
