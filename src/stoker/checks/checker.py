"""What computes checks: the protocol that Spark's and PostgreSQL's way follow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import DataFrame

    from stoker.checks.definitions import Check, References

Keys = Callable[["References"], "DataFrame"]
"""Gives the keys that a check refers to: a frame with its columns `to`, and perhaps others. It starts no Spark job."""
Example = dict[str, str | None]
"""Values as text by column; None is null."""

EXAMPLES = 5
"""Examples of a check that fails."""
EXAMPLE_COLUMNS = 10
"""Columns of an example: the check's own first."""
CARRIED = 1000
"""Characters of a value that are fetched: a secret must be seen whole to be masked."""
_SHOWN = 60
"""Characters of a value that are shown."""
TIMES = "count(*)"
"""The name under which the example of a key says how many rows have it."""


@dataclass(frozen=True)
class Measured:
    """What the rows did to one check."""

    violations: int
    rows: int
    """Of how many."""
    examples: list[Example] = field(default_factory=list)


class Checker(ABC):
    """Computes checks on the rows of one load. `Rows` is not among them: it needs no look at the rows."""

    @abstractmethod
    def mistakes(self, checks: Sequence[Check]) -> list[str]:
        """Why checks cannot be computed, one sentence each; asked before any row is.

        Args:
            checks: All that will be computed.
        """

    @abstractmethod
    def measure(self, checks: Sequence[Check]) -> list[Measured]:
        """Compute checks on the staged rows, together.

        Args:
            checks: In any order.

        Returns:
            What was found, in the order of the checks.
        """

    @abstractmethod
    def count(self) -> int:
        """The number of staged rows, for loads that cannot tell it."""


def example(values: Iterable[tuple[str, str | None]]) -> Example:
    """An example as it may be shown: secrets masked, long values cut."""
    return {name: None if value is None else _cut(redact(value)) for name, value in values}


def example_columns(first: Sequence[str], all_columns: Sequence[str]) -> list[str]:
    """The columns that an example shows."""
    return list(dict.fromkeys([*first, *all_columns]))[: max(EXAMPLE_COLUMNS, len(first))]


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
