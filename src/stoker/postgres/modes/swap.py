"""`replace` by a rename: the staged table takes the target's place, with all that belongs to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stoker.postgres.modes.statement import Statement
from stoker.postgres.modes.strategy import ChangedError
from stoker.postgres.swap import carried, dependents
from stoker.postgres.swap import definition as definitions
from stoker.postgres.swap.definition import Definition

if TYPE_CHECKING:
    from stoker.postgres.modes.statement import Publication

_WAS = "the table was altered while the load went on"


def statements(work: Publication) -> list[Statement]:
    """All that need the target's lock: it is held for these, and no rows are touched."""
    strategy = work.strategy
    assert strategy.definition is not None
    assert work.made is not None
    target, before, made = work.target, strategy.definition, work.made

    def unaltered(rows: list[list[Any]]) -> None:
        if Definition.of_rows(rows) != before:
            raise ChangedError(_WAS)

    def unaltered_but_for_keys(rows: list[list[Any]]) -> None:
        if Definition.of_rows(rows) != before.without("foreign key"):
            raise ChangedError(_WAS)

    def independent(rows: list[list[Any]]) -> None:
        if dependents.of_rows(rows) != strategy.obstacles:
            raise ChangedError(_WAS)

    names = [column.name for column in work.columns]
    same = Statement(
        definitions.QUERY,
        {"oid": strategy.oid},
        about="nobody has altered the table since the staged one was made like it",
        is_quick=True,
        judge=unaltered,
    )
    alone = Statement(
        dependents.QUERY,
        {"oid": strategy.oid, "names": names},
        about="nothing depends on it that would be lost",
        is_quick=True,
        judge=independent,
    )
    others = tuple(part.told["refers"] for part in before.each("foreign key"))
    return [
        # Once before, so that the lock is held for less: the server has the catalogue's pages at hand then.
        same,
        alone,
        Statement(carried.lock(before, target), is_exclusive=True, tables=others),
        replace(same, judge=unaltered_but_for_keys),
        alone,
        *_quick(carried.before_drop(before, made)),
        Statement(f"DROP TABLE {target.sql}", is_quick=True, failpoint="postgres.publish.old_dropped"),
        Statement(f"ALTER TABLE {work.staging.table.sql} RENAME TO {target.quoted}", is_quick=True),
        *_quick(
            carried.names_and_rules(before, made, target, work.staging.nonce), failpoint="postgres.publish.swapped"
        ),
    ]


def new_table(work: Publication) -> list[Statement]:
    """The same where there is no target yet."""
    target = work.target

    def missing(rows: list[list[Any]]) -> None:
        if rows[0][0] is not None:
            raise ChangedError("the table was made by another while the load went on")

    return [
        Statement("SELECT to_regclass(:name)::text", {"name": target.sql}, is_quick=True, judge=missing),
        Statement(f"ALTER TABLE {work.staging.table.sql} RENAME TO {target.quoted}", is_quick=True),
        Statement(
            f"ALTER TABLE {target.sql} RESET (autovacuum_enabled)", is_quick=True, failpoint="postgres.publish.named"
        ),
    ]


def _quick(texts: list[str], failpoint: str | None = None) -> list[Statement]:
    last = len(texts) - 1
    return [
        Statement(text, is_quick=True, failpoint=failpoint if at == last else None) for at, text in enumerate(texts)
    ]
