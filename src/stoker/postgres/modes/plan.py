"""The statements of a publish, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres.modes import append, partitions, replace, upsert
from stoker.postgres.modes.statement import Statement
from stoker.postgres.modes.unaltered import unaltered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stoker.postgres.modes.statement import Publication

_MODES: Mapping[str, Callable[[Publication], list[Statement]]] = {
    "append": append.statements,
    "replace": replace.statements,
    "upsert": upsert.statements,
    "replace_partitions": partitions.statements,
}


def statements(work: Publication) -> list[Statement]:
    """What changes the target, after the ledger has taken the load up to the end of the staging table.

    Args:
        work: What is published.
    """
    before = [Statement(sql, option="before") for sql in work.before]
    after = [Statement(sql, option="after") for sql in work.after]
    changes = _MODES[work.mode.name](work)
    if work.strategy.renames:
        return [*before, *changes, *after]
    # First, so that nothing is done in vain; then again, when it is locked up to the commit.
    first = unaltered(work, may_be_missing=work.mode.name != "append")
    changes = [*before, first, *changes, unaltered(work, may_be_missing=False), *after]
    if work.strategy.name != "attach":
        # A VACUUM may have the table; it leaves statistics of its own. After an ATTACH each partition has been analysed, and
        # readers wait.
        changes.append(Statement(f"ANALYZE (SKIP_LOCKED) {work.target.sql}"))
    return [*changes, *dropped(work)]


def dropped(work: Publication) -> list[Statement]:
    """The end of the staging table, but for one that has foreign keys already: with it the other tables would be locked."""
    if work.staging.is_sealed:
        return []
    return [Statement(f"DROP TABLE {work.staging.table.sql}", is_quick=True, failpoint="postgres.publish.dropped")]
