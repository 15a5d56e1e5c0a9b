"""How `replace` makes the new rows take the place of the old ones: decided from the catalogue, and said with the reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stoker.errors import SinkError
from stoker.postgres.refusals import NOTHING
from stoker.postgres.swap.definition import definition
from stoker.postgres.swap.dependents import against_new, obstacles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg8000.native import Connection

    from stoker.postgres.catalogue import Table
    from stoker.postgres.columns import Column
    from stoker.postgres.names import LoadTarget
    from stoker.postgres.swap.definition import Definition
    from stoker.postgres.swap.dependents import Obstacle

_SHOWN = 3
"""Obstacles in a sentence."""
_TITLES = {
    "create": "the staged table takes the name",
    "swap": "swap",
    "delete": "DELETE and INSERT",
    "truncate": "TRUNCATE and INSERT",
    "attach": "DETACH and ATTACH",
}


class ChangedError(Exception):
    """The target is not what it was when the strategy was chosen; the text is a clause."""


@dataclass(frozen=True)
class Partition:
    """One of a table's partitions, as it was when the strategy was chosen."""

    oid: int
    name: LoadTarget
    bound: str
    """`FOR VALUES ...`"""
    condition: str
    """What its rows hold, as SQL."""
    definition: Definition


@dataclass(frozen=True)
class Strategy:
    """A way to replace, and why it is this one."""

    name: str
    """`create`, `swap`, `delete` or `truncate`; `attach` or `delete` of partitions."""
    why: str
    asked: bool = False
    """Whether the user asked for it, so that no other will do."""
    oid: int = 0
    """The target; of `swap` and of partitions."""
    definition: Definition | None = None
    """Of the target, by which it is seen whether somebody has altered it; of `swap`."""
    obstacles: tuple[Obstacle, ...] = ()
    """Those that the user waived; of `swap`."""
    partitions: tuple[Partition, ...] = ()
    """Those that are replaced as wholes; of `attach`."""
    new_partitions: tuple[tuple[LoadTarget, str], ...] = ()
    """Those that are made for new values: name and bound."""

    def __str__(self) -> str:
        return f"{_TITLES[self.name]}: {self.why}"

    @property
    def renames(self) -> bool:
        """Whether the staged table itself becomes the target."""
        return self.name in {"create", "swap"}

    @property
    def needs_the_catalogue_as_it_was(self) -> bool:
        """Whether it was chosen by what the catalogue said of the target."""
        return self.renames or self.name == "attach"

    @property
    def gives_way(self) -> bool:
        """Whether another is taken if a lock that holds readers up is not to be had soon."""
        return not self.asked and self.needs_the_catalogue_as_it_was

    def instead(self, error: ChangedError, target: LoadTarget) -> Strategy:
        """What is done when it turns out that the table has changed.

        Raises:
            SinkError: If nothing else will do.
        """
        if self.asked:
            raise SinkError(
                f"{target} cannot be replaced by a swap: {error}.",
                state=NOTHING,
                next_step="Run again with the same run id, or leave strategy= out: then it is replaced by DELETE and INSERT.",
            )
        return Strategy("delete", str(error), oid=self.oid, new_partitions=self.new_partitions)


DELETE = Strategy("delete", "")


def decide(
    connection: Connection, target: LoadTarget, table: Table | None, asked: str, columns: Sequence[Column]
) -> Strategy:
    """Choose, from what the catalogue says now.

    Args:
        connection: Any.
        target: With its schema.
        table: The target, if it exists.
        asked: What the user wants, or `auto`.
        columns: Those that are loaded.

    Raises:
        SinkError: If a swap is asked for and cannot be; it names what depends on the table.
    """
    if asked in {"delete", "truncate"}:
        return Strategy(asked, "as asked for", asked=True)
    names = [column.name for column in columns]
    cast = [column.name for column in columns if column.staged_as]
    if cast:
        why = f"the staged rows have other types, since the publish casts {', '.join(map(repr, cast[:_SHOWN]))}"
        if asked == "swap":
            raise _impossible(target, why)
        return Strategy("delete", why)
    if table is None:
        assert target.schema is not None
        found = against_new(connection, target.schema)
        return Strategy("delete", _listed(found)) if found else Strategy("create", "there was no table")
    found = obstacles(connection, table.oid, names)
    forbidding = tuple(each for each in found if each.forbids)
    if asked == "swap" and forbidding:
        raise _impossible(target, _listed(forbidding))
    if asked == "auto" and found:
        return Strategy("delete", _listed(found))
    swap = Strategy("swap", "nothing that depends on it would be lost", oid=table.oid)
    swap = replace(swap, definition=definition(connection, table.oid), obstacles=found)
    return replace(swap, why="as asked for", asked=True) if asked == "swap" else swap


def _impossible(target: LoadTarget, why: str) -> SinkError:
    return SinkError(
        f"{target} cannot be replaced by a swap: {why}.",
        state=f"No row was computed. {NOTHING}",
        next_step="Leave strategy= out: then it is replaced by DELETE and INSERT.",
    )


def _listed(found: Sequence[Obstacle]) -> str:
    more = len(found) - _SHOWN
    shown = "; ".join(each.what for each in found[:_SHOWN])
    return f"{shown}; and {more} more" if more > 0 else shown
