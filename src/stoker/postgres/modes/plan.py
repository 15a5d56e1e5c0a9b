"""The statements of a publish, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres.modes import append, partitions, replace, upsert
from stoker.postgres.modes.statement import Statement

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
    """What changes the target, after the ledger has taken the load and before the staging table goes.

    Args:
        work: What is published.
    """
    return [
        *_MODES[work.mode.name](work),
        # A VACUUM may have the table; it leaves statistics of its own.
        Statement(f"ANALYZE (SKIP_LOCKED) {work.target.sql}"),
    ]
