"""One statement of the publishing transaction, and what it works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.postgres.names import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stoker.postgres.columns import Column
    from stoker.postgres.ledger import Ledger
    from stoker.postgres.modes.choice import Mode
    from stoker.postgres.names import LoadTarget
    from stoker.postgres.staging import Staging


@dataclass(frozen=True)
class Publication:
    """What is published, where, and as what."""

    target: LoadTarget
    mode: Mode
    columns: tuple[Column, ...]
    """Those that are loaded, with the types of the target."""
    staging: Staging
    ledger: Ledger

    @property
    def names(self) -> str:
        """The columns, as SQL lists them."""
        return ", ".join(quote(column.name) for column in self.columns)

    @property
    def staged(self) -> str:
        """A query for the rows that are published; its parameter is `transactions`."""
        return f"SELECT {self.names} FROM {self.staging.table.sql} WHERE xmin = ANY(:transactions::xid[])"  # noqa: S608 - quoted


@dataclass(frozen=True)
class Statement:
    """One statement; it may wait for locks of other sessions, which are then named."""

    sql: str
    """With `:name` for its parameters."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Besides `transactions`, which is bound where the SQL has it."""
    is_long: bool = False
    """Whether it works long once it has its locks: then it waits for them once, and is not begun anew."""
    failpoint: str | None = None
    """Reached when it is done."""
    counts: str | None = None
    """What becomes of the rows that it counts: `inserted`, `updated` or `deleted`."""
    judge: Callable[[list[list[Any]]], None] | None = None
    """Looks at the rows that it answered, and raises if they forbid the publish."""
