"""`check`: what users call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoker.checks.definitions import FAIL, Between, Expression, NotNull, References, Rows, Table, Unique, Values
from stoker.errors import DefinitionError
from stoker.postgres.names import LoadTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stoker.checks.definitions import Value


class check:  # noqa: N801 - used as a namespace, like read and write
    """Checks for `checks=` of a sink, run on the staged rows before anything is published.

    Each takes `on_failure`: with `"fail"`, the default, nothing of the pipeline is published when rows violate it; with
    `"warn"` it is published all the same, and said. `name` is shown instead of the declaration. A column in a struct is
    named `a.b`. Nulls are treated as SQL does: `not_null` alone is about them, and a null passes all others.
    """

    @staticmethod
    def not_null(column: str, *, on_failure: str = FAIL, name: str | None = None) -> NotNull:
        """The column has a value in each row; NaN is a value.

        Raises:
            DefinitionError: If an argument is wrong.
        """
        return NotNull(column, on_failure=on_failure, name=name)

    @staticmethod
    def unique(*columns: str, on_failure: str = FAIL, name: str | None = None) -> Unique:
        """No two rows are equal in these columns together; rows with a null in one of them are left out.

        Rows beyond the first of each key are counted: three equal rows are two violations.

        Raises:
            DefinitionError: If an argument is wrong.
        """
        return Unique(columns, on_failure=on_failure, name=name)

    @staticmethod
    def values(column: str, allowed: Iterable[Value], *, on_failure: str = FAIL, name: str | None = None) -> Values:
        """The column's values are of a set.

        Args:
            column: The column.
            allowed: Values of the column's kind: texts, numbers, booleans, dates, datetimes (with a time zone for a
                timestamp, without for a `timestamp_ntz`) or bytes.
            on_failure: `fail` or `warn`.
            name: To be shown.

        Raises:
            DefinitionError: If an argument is wrong.
        """
        if isinstance(allowed, str | bytes) or not hasattr(allowed, "__iter__"):
            raise DefinitionError(
                f"check.values({column!r}, {allowed!r}): the values are a list.", next_step=f"Write [{allowed!r}]."
            )
        return Values(column, tuple(allowed), on_failure=on_failure, name=name)

    @staticmethod
    def between(
        column: str, low: Value | None, high: Value | None, *, on_failure: str = FAIL, name: str | None = None
    ) -> Between:
        """The column's values lie between two, both included; None leaves an end open.

        Texts are compared by their characters' codes. NaN is above all numbers.

        Raises:
            DefinitionError: If an argument is wrong.
        """
        return Between(column, low, high, on_failure=on_failure, name=name)

    @staticmethod
    def rows(
        *,
        within: float | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        on_failure: str = FAIL,
        name: str | None = None,
    ) -> Rows:
        """The number of rows that are loaded.

        Args:
            within: How far it may be from that of the last run that published here, as a share: 0.2 is 20% more or fewer.
                Without an earlier run it passes, and the run record says so.
            at_least: The fewest rows.
            at_most: The most rows.
            on_failure: `fail` or `warn`.
            name: To be shown.

        Raises:
            DefinitionError: If an argument is wrong.
        """
        return Rows(within, at_least, at_most, on_failure=on_failure, name=name)

    @staticmethod
    def references(
        column: str | Sequence[str],
        source: Any,
        to: str | Sequence[str] | None = None,
        *,
        on_failure: str = FAIL,
        name: str | None = None,
    ) -> References:
        """The column's values exist in a column of something else.

        Args:
            column: The column, or several that are looked up together.
            source: A pipeline, a source such as `read.parquet(...)`, or `check.table(...)`. A pipeline of the same job
                runs before this one.
            to: The columns there; by default they have the same names.
            on_failure: `fail` or `warn`.
            name: To be shown.

        Raises:
            DefinitionError: If an argument is wrong.
        """
        columns = (column,) if isinstance(column, str) else tuple(column)
        there = columns if to is None else (to,) if isinstance(to, str) else tuple(to)
        return References(columns, source, there, on_failure=on_failure, name=name)

    @staticmethod
    def table(name: str, *, connection: str) -> Table:
        """A table of PostgreSQL, for `check.references`.

        Args:
            name: `name`, `schema.name`, or with odd characters `"my schema"."my table"`.
            connection: A name under `[postgres]` of the configuration.

        Raises:
            DefinitionError: If the name is none.
        """
        LoadTarget.parse(name)
        return Table(name, connection)

    @staticmethod
    def expression(sql: str, *, on_failure: str = FAIL, name: str | None = None) -> Expression:
        """An expression that is true of each row; null passes.

        Args:
            sql: In the SQL of whoever computes it: Spark's, or for `write.postgres` PostgreSQL's.
            on_failure: `fail` or `warn`.
            name: To be shown.

        Raises:
            DefinitionError: If an argument is wrong.
        """
        return Expression(sql, on_failure=on_failure, name=name)
