"""One statement of the publishing transaction, and what it works on."""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.postgres.modes.strategy import DELETE, Strategy
from stoker.postgres.names import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stoker.postgres.columns import Column
    from stoker.postgres.ledger import Ledger
    from stoker.postgres.modes.choice import Mode
    from stoker.postgres.names import LoadTarget
    from stoker.postgres.staging import Staging
    from stoker.postgres.swap.definition import Definition


@dataclass(frozen=True)
class Publication:
    """What is published, where, and as what."""

    target: LoadTarget
    mode: Mode
    columns: tuple[Column, ...]
    """Those that are loaded, with the types of the target."""
    staging: Staging
    ledger: Ledger
    strategy: Strategy = DELETE
    """Of `replace`."""
    made: Definition | None = None
    """The staged table as it is, once it is sealed to take the target's place."""
    before: tuple[str, ...] = ()
    """The user's statements before those of the mode."""
    after: tuple[str, ...] = ()
    """The user's statements after those of the mode."""

    @property
    def names(self) -> str:
        """The columns, as SQL lists them."""
        return ", ".join(quote(column.name) for column in self.columns)

    @property
    def staged(self) -> str:
        """A query for the rows that are published; its parameter is `transactions`."""
        listed = ", ".join(column.selected for column in self.columns)
        return f"SELECT {listed} FROM {self.staging.table.sql} WHERE {self.is_reported}"  # noqa: S608 - quoted

    @property
    def is_reported(self) -> str:
        """The condition on a staged row; its parameter is `transactions`."""
        return "xmin = ANY(:transactions::xid[])"


@dataclass(frozen=True)
class Statement:
    """One statement; it may wait for locks of other sessions, which are then named."""

    sql: str
    """With `:name` for its parameters."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Besides `transactions`, which is bound where the SQL has it."""
    about: str | None = None
    """What it is for, where its SQL is too long to be read."""
    is_quick: bool = False
    """Whether it needs no lock that others can have, once those before it were run."""
    is_exclusive: bool = False
    """Whether it waits for readers too and holds up those who come: then it waits in short turns."""
    tables: tuple[str, ...] = ()
    """What it locks besides the target."""
    is_long: bool = False
    """Whether it works long once it has its locks: then it waits for them once, and is not begun anew."""
    failpoint: str | None = None
    """Reached when it is done."""
    counts: str | None = None
    """What becomes of the rows that it counts: `inserted`, `updated` or `deleted`."""
    option: str | None = None
    """The option whose SQL it is, `before` or `after`; None for ours."""
    judge: Callable[[list[list[Any]]], None] | None = None
    """Looks at the rows that it answered, and raises if they forbid the publish."""


def parameters(
    sql: str, reported: Iterable[int], others: Mapping[str, Any] = types.MappingProxyType({})
) -> dict[str, Any]:
    """What is bound in a statement.

    Args:
        sql: The statement.
        reported: The transactions whose rows are published.
        others: The statement's own.
    """
    transactions = {"transactions": [str(number) for number in reported]} if ":transactions" in sql else {}
    return {**others, **transactions}
