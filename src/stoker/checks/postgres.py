"""Checks computed by PostgreSQL, on the staging table: one query for all of them, and one for the examples of each that fails."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

from stoker.checks.checker import CARRIED, EXAMPLES, TIMES, Checker, Measured, example, example_columns
from stoker.checks.columns import mistakes_of, mistakes_of_keys, type_of
from stoker.checks.definitions import Between, Expression, NotNull, References, RowCheck, Table, Values
from stoker.checks.reference import known_keys
from stoker.postgres.names import LoadTarget, quote
from stoker.postgres.refusals import explained, fields
from stoker.postgres.transaction import BEGIN_READ_ONLY, limit_lock_waits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stoker.checks.checker import Example, Keys
    from stoker.checks.definitions import Check, Value
    from stoker.postgres.staged import Staged

_COMPARED = {
    **dict.fromkeys(("string", "char", "varchar"), "text"),
    "boolean": "boolean",
    "binary": "bytea",
    "date": "date",
    "timestamp": "timestamptz",
    "timestamp_ntz": "timestamp",
}
"""What values are that a column is compared with, by its type in Spark; numbers are beside."""


class PostgresChecker(Checker):
    """Checks on a staging table.

    Args:
        staged: The table.
        connection: The name of its connection in the configuration.
        keys: Gives what a check refers to, where that is not a table of the same connection.
    """

    def __init__(self, staged: Staged, connection: str, keys: Keys) -> None:
        self._staged = staged
        self._connection = connection
        self._keys = keys

    def mistakes(self, checks: Sequence[Check]) -> list[str]:
        """What the server says of each, without computing it."""
        from pg8000.exceptions import DatabaseError

        found = []
        for each in checks:
            mistakes = mistakes_of(each, self._staged.schema)
            if isinstance(each, References) and not self._is_here(each):
                # Its keys are sent to the server when they are needed; a table's are cast to what is asked for.
                if not isinstance(each.source, Table):
                    mistakes += mistakes_of_keys(each, self._staged.schema, self._keys(each).schema)
            elif not mistakes:
                with self._transaction(), ExitStack() as stack:
                    known = stack.enter_context(self._known(each)) if _refers(each) else ""
                    try:
                        self._run(f"EXPLAIN {self._query([self._aggregate(each, known)])}")
                    except DatabaseError as error:
                        mistakes = [f"{each}: {_reason(error)}"]
            found += mistakes
        return found

    def count(self) -> int:
        """One query."""
        with self._transaction():
            return int(self._run(self._query(["count(*)"]))[0][0])

    def measure(self, checks: Sequence[Check]) -> list[Measured]:
        """One query for all, and one for the examples of each that fails."""
        with ExitStack() as stack:
            known = {at: stack.enter_context(self._known(each)) for at, each in enumerate(checks) if _refers(each)}
            stack.enter_context(self._transaction())
            asked = [self._aggregate(each, known.get(at, "")) for at, each in enumerate(checks)]
            rows, *counts = (int(value) for value in self._run(self._query(["count(*)", *asked]))[0])
            return [
                Measured(count, rows, self._examples(each, known.get(at, "")) if count else [])
                for at, (each, count) in enumerate(zip(checks, counts, strict=True))
            ]

    @contextmanager
    def _known(self, check: References) -> Iterator[str]:
        """A query for the keys that a check refers to; what is not there yet is sent."""
        if self._is_here(check):
            names = ", ".join(f"{quote(name)} AS f{at}" for at, name in enumerate(check.to))
            yield f"SELECT {names} FROM {LoadTarget.parse(check.source.name).sql}"  # noqa: S608 - quoted
            return
        with self._staged.beside(known_keys(check, self._keys, self._staged.schema).distinct()) as query:
            yield query

    def _is_here(self, check: References) -> bool:
        return isinstance(check.source, Table) and check.source.connection == self._connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """What reads only, and waits for locks only so long."""
        staged = self._staged
        what = f"The checks on {staged.target} cannot be computed"
        try:
            with explained(what, renamed=(staged.staging.table.table, str(staged.target))):
                self._run(BEGIN_READ_ONLY)
                limit_lock_waits(staged.connection, staged.lock_wait)
                self._run("SET LOCAL timezone = 'UTC'")
                yield
        finally:
            # A connection that is lost has rolled back.
            with suppress(Exception):
                self._run("ROLLBACK")

    def _run(self, sql: str) -> list[list[Any]]:
        # Without parameters, since pg8000 would take a `:x` of a user's expression for one.
        return self._staged.connection.run(sql) or []

    def _query(self, columns: Sequence[str], tail: str = "") -> str:
        """A query over the rows that will be published: not those of attempts that Spark gave up."""
        return f"WITH staged AS NOT MATERIALIZED ({self._staged.rows()}) SELECT {', '.join(columns)} FROM staged {tail}"  # noqa: S608 - quoted

    def _aggregate(self, check: Check, known: str) -> str:
        """The number of violations, as a column of a query over all rows."""
        if isinstance(check, RowCheck):
            return f"count(*) FILTER (WHERE {self._violates(check)})"
        if isinstance(check, References):
            return f"count(*) FILTER (WHERE {self._is_orphan(check, known)})"
        keys = ", ".join(map(quote, check.columns))
        return (
            "(SELECT coalesce(sum(times - 1), 0) FROM (SELECT count(*) AS times FROM staged "  # noqa: S608 - quoted
            f"WHERE {_complete(check)} GROUP BY {keys} HAVING count(*) > 1) AS repeated)"
        )

    def _violates(self, check: RowCheck) -> str:
        if isinstance(check, Expression):
            # In lines of its own: it may end with a comment.
            return f"NOT (\n{check.sql}\n)"
        assert isinstance(check, NotNull | Values | Between)
        if isinstance(check, NotNull):
            return f"{quote(check.column)} IS NULL"
        column, kind = self._compared(check.column)
        if isinstance(check, Values):
            values = ", ".join(literal(value) for value in check.values)
            return f"{column} <> ALL (ARRAY[{values}]::{kind}[])"
        order = ' COLLATE "C"' if kind == "text" else ""
        ends = {"<": check.low, ">": check.high}
        return " OR ".join(
            f"{column}{order} {sign} {literal(value)}::{kind}" for sign, value in ends.items() if value is not None
        )

    def _compared(self, name: str) -> tuple[str, str]:
        """A column as it is compared with values, and the type of these."""
        data_type = type_of(self._staged.schema, name)
        assert data_type is not None
        kind = _COMPARED.get(data_type.typeName(), "numeric")
        return (f"{quote(name)}::text" if kind == "text" else quote(name)), kind

    def _is_orphan(self, check: References, known: str) -> str:
        sides = [(f"staged.{quote(name)}", f"known.f{at}") for at, name in enumerate(check.keys)]
        if not self._is_here(check):
            # What was sent has derived types: a text may be a uuid or an enum in the table.
            sides = [
                (f"{one}::text", f"{other}::text") if self._compared(name)[1] == "text" else (one, other)
                for name, (one, other) in zip(check.keys, sides, strict=True)
            ]
        equal = " AND ".join(f"{one} = {other}" for one, other in sides)
        return f"{_complete(check)} AND NOT EXISTS (SELECT FROM ({known}) AS known WHERE {equal})"

    def _examples(self, check: Check, known: str) -> list[Example]:
        if isinstance(check, RowCheck):
            names = example_columns(check.columns, self._staged.schema.names)
            tail = f"WHERE {self._violates(check)} LIMIT {EXAMPLES}"
            return [example(zip(names, row, strict=True)) for row in self._run(self._query(_texts(names), tail))]
        keys = ", ".join(map(quote, check.columns))
        where = self._is_orphan(check, known) if isinstance(check, References) else _complete(check)
        having = "" if isinstance(check, References) else "HAVING count(*) > 1"
        tail = f"WHERE {where} GROUP BY {keys} {having} ORDER BY count(*) DESC, 1 LIMIT {EXAMPLES}"
        found = self._run(self._query([*_texts(check.columns), "count(*)::text"], tail))
        return [example(zip([*check.columns, TIMES], row, strict=True)) for row in found]


def literal(value: Value) -> str:
    """A value as SQL has it, still without a type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return f"'{value}'"
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC)
    if isinstance(value, date):
        value = value.isoformat()
    text = value if isinstance(value, str) else f"\\x{value.hex()}"
    quoted = text.replace("'", "''")
    # Whatever standard_conforming_strings is, and a plain text stays plain.
    return f"E'{quoted.replace(chr(92), chr(92) * 2)}'" if "\\" in quoted else f"'{quoted}'"


def _refers(check: Check) -> TypeGuard[References]:
    return isinstance(check, References)


def _complete(check: Check) -> str:
    return " AND ".join(f"staged.{quote(name)} IS NOT NULL" for name in check.columns)


def _texts(names: Sequence[str]) -> list[str]:
    return [f"left({quote(name)}::text, {CARRIED})" for name in names]


def _reason(error: BaseException) -> str:
    told = fields(error)
    return told.get("M", str(error)) + (f" ({told['H']})" if "H" in told else "")
