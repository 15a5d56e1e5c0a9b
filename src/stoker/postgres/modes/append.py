"""`append`: the staged rows are added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres.modes.statement import Statement

if TYPE_CHECKING:
    from stoker.postgres.modes.statement import Publication


def statements(work: Publication) -> list[Statement]:
    """The rows into the target."""
    sql = f"INSERT INTO {work.target.sql} ({work.names}) {work.staged}"
    return [Statement(sql, is_long=True, failpoint="postgres.publish.inserted", counts="inserted")]
