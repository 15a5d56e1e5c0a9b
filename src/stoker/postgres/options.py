"""What can be said of a load beside its mode, refused where it is declared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.errors import DefinitionError

_NOISE = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|;|\(", re.DOTALL)
_ENDS = (
    "abort",
    "begin",
    "commit",
    "end",
    "prepare transaction",
    "release",
    "rollback",
    "savepoint",
    "start transaction",
)
"""The beginnings of statements that end a transaction, or make one in it."""
_COMMENTS = ("--", "/*", ";")


@dataclass(frozen=True)
class LoadOptions:
    """How rows are stored and published."""

    columns: tuple[tuple[str, str], ...] = ()
    """Types of the target, by the columns' names."""
    before: tuple[str, ...] = ()
    """SQL that the publishing transaction runs before the rows."""
    after: tuple[str, ...] = ()
    """SQL that it runs after them."""
    connections: int | None = None
    """How many tasks may send at once; None for some."""

    @classmethod
    def of(
        cls,
        call: str,
        *,
        columns: Mapping[str, str] | None = None,
        before: str | Sequence[str] = (),
        after: str | Sequence[str] = (),
        connections: int | None = None,
    ) -> LoadOptions:
        """The options as a user gives them.

        Args:
            call: What is declared, as `write.postgres('flights')`, for messages.
            columns: Types of the target, by the columns' names.
            before: One statement or several.
            after: One statement or several.
            connections: How many tasks may send at once.

        Raises:
            DefinitionError: If one cannot be right.
        """
        if connections is not None and (type(connections) is not int or connections < 1):
            raise DefinitionError(f"{call}: connections= is a number from 1, not {connections!r}.")
        return cls(
            _types(call, {} if columns is None else columns),
            _statements(call, "before", before),
            _statements(call, "after", after),
            connections,
        )


PLAIN = LoadOptions()
"""Nothing is said."""


def _types(call: str, given: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, Mapping):
        raise DefinitionError(
            f"{call}: columns= is a dict of the columns whose type is said.",
            next_step='Write columns={"tags": "jsonb"}.',
        )
    for name, kind in given.items():
        if not isinstance(name, str) or not isinstance(kind, str) or not kind.strip():
            raise DefinitionError(f"{call}: columns={{{name!r}: {kind!r}}} is no name and type of PostgreSQL.")
        if any(mark in kind for mark in _COMMENTS):
            raise DefinitionError(f"{call}: the type of {name!r} in columns= is more than a type: {kind!r}.")
    return tuple(given.items())


def _statements(call: str, option: str, given: Any) -> tuple[str, ...]:
    statements = (given,) if isinstance(given, str) else given
    if not isinstance(statements, Sequence) or not all(isinstance(sql, str) and sql.strip() for sql in statements):
        raise DefinitionError(f"{call}: {option}= is a statement of SQL, or a list of statements.")
    for sql in statements:
        words = " ".join(_without_noise(sql).lower().split())
        end = next((end for end in _ENDS if re.match(rf"{end}\b", words)), None)
        if end is not None:
            raise DefinitionError(
                f"{call}: {option}= has {end.upper()}, and its SQL is part of the transaction that publishes the rows.",
                next_step="Leave it out: all is committed together, or nothing.",
            )
    return tuple(statements)


def _without_noise(sql: str) -> str:
    """A statement from its first word on."""
    at = 0
    while match := _NOISE.match(sql, at):
        at = match.end()
    return sql[at:]
