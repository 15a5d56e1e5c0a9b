"""What a check asks of the staged rows. Nothing here knows how it is computed.

The rules about nulls are SQL's: a null violates `NotNull` only; a key with a null in it is neither a duplicate nor an orphan.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from stoker.errors import DefinitionError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FAIL, WARN = "fail", "warn"
WAYS = (FAIL, WARN)
"""What `on_failure=` may be."""
_SHOWN = 80
"""Characters of values and expressions in a check's name."""
Value = str | int | float | Decimal | bool | date | bytes
"""What a column is compared with; a datetime is a date too."""


@dataclass(frozen=True, kw_only=True)
class Check(ABC):
    """One check. Two that ask the same are equal, whatever they are called and whatever follows from them."""

    on_failure: str = field(default=FAIL, compare=False)
    name: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared.

        Raises:
            DefinitionError: With the call.
        """
        if self.on_failure not in WAYS:
            raise DefinitionError(
                f"{self}: on_failure={self.on_failure!r} is not known.{suggestion(str(self.on_failure), WAYS)}"
            )
        if self.name is not None and (not isinstance(self.name, str) or not self.name.strip()):
            raise DefinitionError(f"{self}: name= is a text that messages show.")

    def __str__(self) -> str:
        return self.name if isinstance(self.name, str) and self.name.strip() else self.call()

    @abstractmethod
    def call(self) -> str:
        """The check as it was declared, in short."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names."""
        return ()


@dataclass(frozen=True)
class RowCheck(Check):
    """A check that looks at one row at a time."""


@dataclass(frozen=True)
class ColumnCheck(RowCheck):
    """A check of one column's values."""

    column: str

    def __post_init__(self) -> None:
        """Refuse what is no column's name."""
        _check_names(self, (self.column,))
        super().__post_init__()

    @property
    def columns(self) -> tuple[str, ...]:
        """The one."""
        return (self.column,)


@dataclass(frozen=True)
class NotNull(ColumnCheck):
    """The column has a value in each row."""

    def call(self) -> str:
        """As declared."""
        return f"not_null({self.column})"


@dataclass(frozen=True)
class Values(ColumnCheck):
    """The column's values are of a set."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        """Refuse an empty set, and values that nothing equals."""
        super().__post_init__()
        if not self.values:
            raise DefinitionError(f"{self}: the set of values is empty.", next_step="Name the values that are allowed.")
        for value in self.values:
            _check_value(self, value)

    def call(self) -> str:
        """As declared, with the first values."""
        return f"values({self.column}, [{_cut(', '.join(_shown(value) for value in self.values))}])"


@dataclass(frozen=True)
class Between(ColumnCheck):
    """The column's values lie between two, both of them included."""

    low: Value | None
    high: Value | None

    def __post_init__(self) -> None:
        """Refuse a range without ends, or one that is empty."""
        super().__post_init__()
        if self.low is None and self.high is None:
            raise DefinitionError(f"{self}: the range has no end.", next_step="Give a lowest or a highest value.")
        for value in self.ends:
            _check_value(self, value)
        if self.low is None or self.high is None:
            return
        try:
            empty = bool(self.low > self.high)  # type: ignore[operator]  # what cannot be compared is told below
        except TypeError:
            raise DefinitionError(f"{self}: the two ends are of different kinds.") from None
        if empty:
            raise DefinitionError(f"{self}: the range is empty.", next_step="Give the lower end first.")

    @property
    def ends(self) -> list[Value]:
        """The ends that it has."""
        return [value for value in (self.low, self.high) if value is not None]

    def call(self) -> str:
        """As declared."""
        low, high = ("none" if value is None else _shown(value) for value in (self.low, self.high))
        return f"between({self.column}, {low}, {high})"


@dataclass(frozen=True)
class Expression(RowCheck):
    """An expression that is true, or null, of each row; in the SQL of whoever computes it."""

    sql: str

    def __post_init__(self) -> None:
        """Refuse what is no text."""
        if not isinstance(self.sql, str) or not self.sql.strip():
            raise DefinitionError('check.expression(...): an expression is SQL text, such as "arrival >= departure".')
        super().__post_init__()

    def call(self) -> str:
        """As declared."""
        return f"expression({_cut(' '.join(self.sql.split()))})"


@dataclass(frozen=True)
class Unique(Check):
    """No two rows have the same key. Violations are the rows beyond the first of each key."""

    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what are no columns' names."""
        _check_names(self, self.keys)
        super().__post_init__()

    @property
    def columns(self) -> tuple[str, ...]:
        """The key."""
        return self.keys

    def call(self) -> str:
        """As declared."""
        return f"unique({', '.join(map(str, self.keys))})"


@dataclass(frozen=True)
class Table:
    """A table of PostgreSQL that keys are looked up in."""

    name: str
    connection: str


@dataclass(frozen=True)
class References(Check):
    """Each key of the rows exists somewhere else."""

    keys: tuple[str, ...]
    source: Any
    """A `Table`, a source or a pipeline; the layers above know these."""
    to: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse names that do not match one by one."""
        _check_names(self, self.keys)
        _check_names(self, self.to)
        if len(self.keys) != len(self.to):
            raise DefinitionError(
                f"{self}: {len(self.keys)} columns cannot be looked up in {len(self.to)}.",
                next_step="Name as many columns there as here.",
            )
        super().__post_init__()

    @property
    def columns(self) -> tuple[str, ...]:
        """The key."""
        return self.keys

    def call(self) -> str:
        """As declared."""
        where = getattr(self.source, "name", None) or type(self.source).__name__
        return f"references({', '.join(map(str, self.keys))} -> {where}: {', '.join(map(str, self.to))})"


@dataclass(frozen=True)
class Rows(Check):
    """How many rows there are: against the last run, and against fixed limits."""

    within: float | None
    at_least: int | None
    at_most: int | None

    def __post_init__(self) -> None:
        """Refuse limits that are none."""
        super().__post_init__()
        if self.within is None and self.at_least is None and self.at_most is None:
            raise DefinitionError(f"{self}: no limit is given.", next_step="Give within=, at_least= or at_most=.")
        if self.within is not None and not (
            isinstance(self.within, int | float) and not isinstance(self.within, bool) and 0 <= self.within < math.inf
        ):
            raise DefinitionError(
                f"{self}: within= is a share of the last run's rows.", next_step="0.2 allows 20% more or fewer."
            )
        for limit in (self.at_least, self.at_most):
            if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
                raise DefinitionError(f"{self}: {limit!r} is no number of rows.")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise DefinitionError(f"{self}: at_least= is above at_most=.")

    def call(self) -> str:
        """As declared."""
        limits = {"within": self.within, "at_least": self.at_least, "at_most": self.at_most}
        return f"rows({', '.join(f'{key}={value}' for key, value in limits.items() if value is not None)})"

    def judged(self, rows: int, before: int | None) -> tuple[bool, str]:
        """Whether a number of rows is right, and why.

        Args:
            rows: Of this run.
            before: Of the run that published here before this one; None if that is not known.
        """
        if self.at_least is not None and rows < self.at_least:
            return False, f"{rows:,} rows, and {self.at_least:,} is the least"
        if self.at_most is not None and rows > self.at_most:
            return False, f"{rows:,} rows, and {self.at_most:,} is the most"
        if self.within is None:
            return True, f"{rows:,} rows"
        if before is None:
            return True, f"{rows:,} rows; no earlier run is known to compare with"
        if before == 0:
            return True, f"{rows:,} rows; the run before had none to compare with"
        told = f"{rows:,} rows, {before:,} in the run before"
        return abs(rows - before) <= Decimal(str(self.within)) * before, f"{told} ({(rows - before) / before:+.1%})"


C = TypeVar("C", bound=Check)


def only(checks: Iterable[Check], kind: type[C]) -> list[C]:
    """The checks of one kind."""
    return [each for each in checks if isinstance(each, kind)]


def checks_of(call: str, checks: Sequence[Check]) -> tuple[Check, ...]:
    """What `checks=` holds.

    Args:
        call: Whose, for messages.
        checks: What was given.

    Raises:
        DefinitionError: If it is no list of checks.
    """
    if isinstance(checks, list | tuple) and all(isinstance(each, Check) for each in checks):
        return tuple(checks)
    wrong = checks
    if isinstance(checks, list | tuple):
        wrong = next(each for each in checks if not isinstance(each, Check))
    raise DefinitionError(
        f"{call}: checks= is a list of checks, and {wrong!r} is none.",
        next_step='For instance checks=[check.not_null("id"), check.unique("id")].',
    )


def _check_names(check: Check, names: tuple[str, ...]) -> None:
    call = f"check.{type(check).__name__.lower().replace('notnull', 'not_null')}(...)"
    if not names:
        raise DefinitionError(f"{call} names no column.")
    wrong = [name for name in names if not isinstance(name, str) or not name]
    if wrong:
        raise DefinitionError(f"{call}: {wrong[0]!r} is no name of a column.")
    if len(set(names)) != len(names):
        raise DefinitionError(f"{call} names a column twice: {', '.join(names)}.")


def _check_value(check: Check, value: Any) -> None:
    if value is None:
        raise DefinitionError(
            f"{check}: null is not a value.",
            next_step="Leave it out: a null passes, unless check.not_null is asked too.",
        )
    if not isinstance(value, Value):
        raise DefinitionError(
            f"{check}: a {type(value).__name__} is not compared with.",
            next_step="Use texts, numbers, booleans, dates, datetimes or bytes; or check.expression.",
        )
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        raise DefinitionError(f"{check}: {value} is no number to compare with.", next_step="Use check.expression.")
    if isinstance(value, str) and "\0" in value:
        raise DefinitionError(f"{check}: a text with a NUL character is not compared with.")


def _shown(value: Value) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
