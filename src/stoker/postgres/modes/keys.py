"""The keys of staged rows, looked at as soon as all are staged, so that a wrong one leaves every sink as it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from stoker.errors import SinkError, number_of
from stoker.postgres import staging
from stoker.postgres.names import quote
from stoker.postgres.refusals import NOTHING, explained, sqlstate
from stoker.postgres.transaction import BEGIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg8000.native import Connection

    from stoker.postgres.modes.statement import Publication
    from stoker.postgres.waiting import Patience

logger = logging.getLogger(__name__)

_EXAMPLES = 5
_LONGEST = 80
"""Characters of a value in a message."""
_SHOWN = 4
"""Columns of a row in a message."""
_DUPLICATE = "23505"
_NO_OPERATOR = "42883"


def check_types(connection: Connection, work: Publication) -> None:
    """Refuse columns whose values the server cannot compare, before a row is computed. Inside a transaction.

    Raises:
        SinkError: With the column.
    """
    from pg8000.exceptions import DatabaseError

    for column in work.columns:
        option = work.mode.compared.get(column.name)
        if option is None:
            continue
        try:
            connection.run(f"EXPLAIN SELECT FROM {work.staging.table.sql} ORDER BY {quote(column.name)}")
        except DatabaseError as error:
            if sqlstate(error) != _NO_OPERATOR:
                raise
            raise SinkError(
                f"{option}= names the column {column.name!r}, and PostgreSQL does not compare values of its type, {column.type}.",
                state=f"No row was computed. {NOTHING}",
                next_step="Name another column, or give this one another type.",
            ) from None


def settle(
    connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience
) -> dict[int, int]:
    """Hold the staged rows to the key: none is without one, and each is there once.

    Args:
        connection: The driver's, in no transaction.
        work: What will be published.
        reported: Rows by the transactions that count.
        patience: For late attempts.

    Returns:
        Rows by transaction, without those that have a newer one beside them.

    Raises:
        SinkError: If a key is null or there more than once, with examples; or if no rows would delete all.
        TransientError: If the staging table was not to be had.
        ConnectionLostError: If the connection is lost.
    """
    staged = work.staging.table
    with explained(f"The keys for {work.target} cannot be looked at", renamed=(staged.table, str(work.target))):
        connection.run(BEGIN)
        staging.lock(connection, staged, "SHARE ROW EXCLUSIVE", patience)
        keys = _Keys(connection, work, reported)
        keys.drop_others()
        keys.refuse_nulls()
        if work.mode.latest_by:
            keys.keep_newest()
        keys.refuse_duplicates()
        if work.mode.delete_missing and not any(keys.rows.values()):
            keys.refuse_to_empty()
        connection.run("COMMIT")
    return keys.rows


class _Keys:
    """The key's columns in the staging table."""

    def __init__(self, connection: Connection, work: Publication, reported: Mapping[int, int]) -> None:
        self._connection = connection
        self._work = work
        self._key = work.mode.key
        self._listed = ", ".join(map(quote, self._key))
        self._table = work.staging.table.sql
        self.rows = dict(reported)
        """Those that are left, by transaction."""

    def _run(self, sql: str) -> list[list[Any]]:
        return self._connection.run(sql) or []

    def drop_others(self) -> None:
        """Rows of other transactions, of which an index cannot be kept free, will never count."""
        self._run(f"DELETE FROM {self._table} WHERE NOT {staging.brought_by(self.rows)}")  # noqa: S608 - quoted

    def refuse_nulls(self) -> None:
        """No row is without a key."""
        missing = " OR ".join(f"{quote(name)} IS NULL" for name in self._key)
        rows = f"FROM {self._table} WHERE {missing}"
        count = self._run(f"SELECT count(*) {rows}")[0][0]
        if not count:
            return
        others = (column.name for column in self._work.columns if column.name not in self._key)
        names = [*self._key, *others][: len(self._key) + _SHOWN]
        found = self._run(f"SELECT {_texts(names)} {rows} LIMIT {_EXAMPLES}")
        raise SinkError(
            f"{number_of(count, 'row')} for {self._work.target} with null in the key ({', '.join(self._key)}): "
            f"{'; '.join(_named(names, row) for row in found)}.",
            state=NOTHING,
            next_step="Fill the key in the transformer, or leave such rows out there.",
        )

    def keep_newest(self) -> None:
        """Of the rows with one key only those go on that are as new as the newest."""
        assert self._work.mode.latest_by is not None
        order = f"{quote(self._work.mode.latest_by)} DESC NULLS LAST"
        ranked = (
            f"SELECT ctid AS at, rank() OVER (PARTITION BY {self._listed} ORDER BY {order}) AS place FROM {self._table}"  # noqa: S608 - quoted
        )
        self._forget(f"USING ({ranked}) AS ranked WHERE a.ctid = ranked.at AND ranked.place > 1")

    def _forget_equal(self) -> None:
        """Rows that are the same in all columns are one."""
        names = [quote(column.name) for column in self._work.columns]
        one, other = (f"ROW({', '.join(f'{row}.{name}' for name in names)})" for row in "ab")
        same = " AND ".join(f"a.{quote(name)} = b.{quote(name)}" for name in self._key)
        self._forget(f"USING {self._table} AS b WHERE {same} AND a.ctid > b.ctid AND record_image_eq({one}, {other})")

    def _forget(self, those: str) -> None:
        gone = self._run(
            f"WITH gone AS (DELETE FROM {self._table} AS a {those} RETURNING a.xmin::text) "  # noqa: S608 - quoted
            "SELECT transaction, count(*) FROM gone AS gone (transaction) GROUP BY transaction"
        )
        for transaction, rows in gone:
            self.rows[int(transaction)] -= rows

    def refuse_duplicates(self) -> None:
        """No key is there twice. The index that says so stays: a late attempt does not bring a row again."""
        if self._is_unique():
            return
        if self._work.mode.latest_by:
            self._forget_equal()
            if self._is_unique():
                return
        raise self._duplicates()

    def _is_unique(self) -> bool:
        from pg8000.exceptions import DatabaseError

        self._run("SAVEPOINT stoker_unique")
        try:
            self._run(f"CREATE UNIQUE INDEX ON {self._table} ({self._listed})")
        except DatabaseError as error:
            if sqlstate(error) != _DUPLICATE:
                raise
            self._run("ROLLBACK TO SAVEPOINT stoker_unique")
            return False
        self._run("RELEASE SAVEPOINT stoker_unique")
        return True

    def _duplicates(self) -> SinkError:
        groups = (
            f"SELECT {_texts(self._key)}, count(*) FROM {self._table} "  # noqa: S608 - quoted
            f"GROUP BY {self._listed} HAVING count(*) > 1"
        )
        columns = ", ".join([*(f"k{at}" for at in range(len(self._key))), "times"])
        found = self._run(
            f"SELECT count(*) OVER (), {columns} FROM ({groups}) AS found ({columns}) "  # noqa: S608 - quoted
            f"ORDER BY times DESC, 1 LIMIT {_EXAMPLES}"
        )
        examples = "; ".join(f"{_named(self._key, row[1:-1])} ({row[-1]} rows)" for row in found)
        keys, latest = number_of(found[0][0], "key"), self._work.mode.latest_by
        newest = f" with the same newest {latest!r}" if latest else ""
        return SinkError(
            f"Several rows for {self._work.target}{newest} have one key ({', '.join(self._key)}); {keys}: {examples}.",
            state=NOTHING,
            next_step="Have latest_by= name a column that tells them apart, or remove duplicates in the transformer."
            if latest
            else "Remove duplicates in the transformer, or name the column that tells the newest: latest_by=.",
        )

    def refuse_to_empty(self) -> None:
        """A source that gives nothing by mistake must not take all rows with it."""
        target = self._work.target.sql
        if self._connection.run("SELECT to_regclass(:name)", name=target)[0][0] is None:
            return
        if self._run(f"SELECT EXISTS (SELECT FROM {target})")[0][0]:  # noqa: S608 - quoted
            raise SinkError(
                f"There are no rows for {self._work.target}, and delete_missing=True would delete all that it has.",
                state=NOTHING,
                next_step='If it is to be empty, load it with mode="replace".',
            )


def _texts(names: Sequence[str]) -> str:
    return ", ".join(f"left({quote(name)}::text, {_LONGEST})" for name in names)


def _named(names: Sequence[str], row: Sequence[str | None]) -> str:
    return ", ".join(f"{name}={'null' if value is None else value}" for name, value in zip(names, row, strict=True))
