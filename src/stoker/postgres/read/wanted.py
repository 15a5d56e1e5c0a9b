"""What a declaration asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from stoker.postgres.read.values import ended, filled, names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stoker.postgres.names import LoadTarget

_SHOWN = 60
"""Characters of a query that stand for it in messages and plans."""


@dataclass(frozen=True)
class Wanted:
    """A table or a query, what of it, and how it is to be cut."""

    table: LoadTarget | None
    query: str | None = None
    columns: tuple[str, ...] = ()
    """Those to read; all if it is empty."""
    where: str | None = None
    """A condition in SQL."""
    partitions: int | None = None
    partition_column: str | None = None
    bounds: tuple[object, ...] = ()

    @property
    def what(self) -> str:
        """For messages, until more is known."""
        return "The query" if self.table is None else str(self.table)

    @property
    def shown(self) -> str:
        """The name of the table, or the beginning of the query."""
        if self.table is not None:
            return str(self.table)
        text = " ".join((self.query or "").split())
        return f"({text if len(text) <= _SHOWN else text[:_SHOWN] + '...'})"

    def whole(self) -> Wanted:
        """The same, by one connection."""
        return replace(self, partitions=1, partition_column=None, bounds=())

    def placeholders(self) -> set[str]:
        """The names that stand for values in the SQL."""
        return names(self.query or "") | names(self.where or "")

    def filled(self, given: Mapping[str, object]) -> Wanted:
        """The same with values in place of their names.

        Raises:
            UsageError: If a value has a type that SQL has not.
        """
        if not given:
            return self
        query, where = (None if sql is None else filled(sql, given) for sql in (self.query, self.where))
        return replace(self, query=query, where=where)

    def mistake(self) -> tuple[str, str | None] | None:
        """What can never work, and what to do about it."""
        for wrong, what, cure in (
            (
                (self.table is None) == (self.query is None),
                "it takes a table or query=, one of them.",
                None,
            ),
            (
                self.query is not None and not ended(self.query),
                "query= is empty.",
                "Give a SELECT.",
            ),
            (
                any("\0" in (sql or "") for sql in (self.query, self.where)),
                "its SQL has a NUL character.",
                "Take it out.",
            ),
            (
                any(not isinstance(name, str) or not name for name in self.columns),
                f"columns={list(self.columns)!r} are no names of columns.",
                "Give a list of texts.",
            ),
            (
                len(set(self.columns)) < len(self.columns),
                f"columns={list(self.columns)!r} has a name twice.",
                None,
            ),
            (
                self.where is not None and not self.where.strip(),
                "where= is empty.",
                "Give a condition in SQL, or leave it out.",
            ),
            (
                self.partitions is not None and (not _is_whole(self.partitions) or self.partitions < 1),
                f"partitions={self.partitions!r} is no number of parts.",
                "Give 1 or more.",
            ),
            (
                bool(self.bounds) and self.partition_column is None,
                "bounds= are values of a column that is not named.",
                "Name it as partition_column=.",
            ),
            (
                bool(self.bounds) and self.partitions not in {None, len(self.bounds) + 1},
                f"{len(self.bounds)} bounds= make {len(self.bounds) + 1} parts, and partitions={self.partitions!r}.",
                "Leave partitions= out.",
            ),
            (
                self.query is not None and self.partition_column is not None and not self.bounds,
                "the server has no statistics of a query's columns to cut it by.",
                "Give bounds=, the values of partition_column= between the parts.",
            ),
            (
                any(not isinstance(bound, int | str | float | Decimal | date | datetime) for bound in self.bounds),
                f"bounds={list(self.bounds)!r} are no numbers, texts, dates or times.",
                None,
            ),
        ):
            if wrong:
                return what, cure
        return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
