"""Publishing: one transaction from the staged rows to the target."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stoker.errors import ConnectionLostError, SinkError, StokerError, TransientError
from stoker.failpoints import failpoint
from stoker.postgres.connections.connection import cut
from stoker.postgres.modes.plan import statements
from stoker.postgres.modes.statement import parameters
from stoker.postgres.modes.strategy import ChangedError
from stoker.postgres.refusals import DEPENDENTS_EXIST, NO_RIGHT, explained, fields, is_lost, refused, sqlstate
from stoker.postgres.staging import sealed_prefix
from stoker.postgres.swap.sealing import counted, sealed, shut_out
from stoker.postgres.transaction import BEGIN, limit_lock_waits
from stoker.postgres.waiting import run_patiently

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pg8000.native import Connection

    from stoker.postgres.modes.statement import Publication, Statement
    from stoker.postgres.modes.strategy import Strategy
    from stoker.postgres.waiting import Patience

_SHORT = 5.0
"""Seconds that a swap which nobody asked for waits for readers; DELETE and INSERT need not wait for them at all."""


@dataclass(frozen=True)
class Published:
    """What a publish did."""

    rows: int
    """The rows that were published, by this call or by another attempt of the same run."""
    strategy: Strategy
    """Of `replace`: how they took the place of the old ones, in the end."""
    changed: Mapping[str, int] = field(default_factory=dict)
    """How many rows of the target were `inserted`, `updated` and `deleted`, as far as this call did it and knows."""
    is_staged: bool = False
    """Whether the staging table is still there."""


def seal(connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience) -> Publication:
    """Make a staged table ready to take the target's place, in transactions of its own.

    Args:
        connection: The driver's. It is in no transaction before, and in none after, unless it was lost.
        work: What is published.
        reported: Rows by transaction, as Spark handed them from the tasks that succeeded.
        patience: For locks of other sessions.

    Returns:
        What `publish` takes.

    Raises:
        SinkError: If the rows do not fit keys, unique indexes or foreign keys.
        TransientError: If the staged rows are not those that were reported, or a lock was not to be had.
        ConnectionLostError: If the connection was lost.
    """
    failpoint("postgres.publish.begin")
    with _undone(connection, work, (sealed_prefix(work.staging.nonce), "")):
        return sealed(connection, work, reported, patience)


def publish(connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience) -> Published:
    """Publish the rows of the reported transactions in one transaction; readers see the old rows until it commits.

    Args:
        connection: The driver's. It is in no transaction before, and in none after, unless it was lost.
        work: What; sealed if the staged table is to take the target's place.
        reported: Rows by transaction, as Spark handed them from the tasks that succeeded.
        patience: For locks of other sessions.

    Raises:
        SinkError: If the server refuses.
        TransientError: If the staged rows are not those that were reported, or a lock was not to be had.
        ConnectionLostError: If the connection was lost before the commit was sent.
        UncertainCommitError: If it was lost after that; `outcome` finds out.
    """
    if not work.staging.is_sealed:
        failpoint("postgres.publish.begin")
    with _undone(connection, work, (work.staging.table.table, str(work.target))):
        connection.run(BEGIN)
        published = _steps(connection, work, reported, patience)
        failpoint("postgres.publish.before_commit")
        _commit(connection)
    failpoint("postgres.publish.after_commit")
    return published


@contextlib.contextmanager
def _undone(connection: Connection, work: Publication, renamed: tuple[str, str]) -> Iterator[None]:
    """Explain what is raised, and leave no transaction open."""
    try:
        with explained(f"Publishing into {work.target} failed", renamed=renamed):
            yield
    except UncertainCommitError:
        raise
    except StokerError as error:
        _roll_back(connection, error)
        raise
    except BaseException:
        cut(connection)
        raise


class UncertainCommitError(Exception):
    """The commit was sent and the connection was lost before its answer."""

    def __init__(self, sent: BaseException) -> None:
        super().__init__(str(sent))
        self.sent = sent


def _commit(connection: Connection) -> None:
    try:
        connection.run("COMMIT")
    except Exception as error:
        if not is_lost(error):
            raise
        cut(connection)
        raise UncertainCommitError(error) from error


def _roll_back(connection: Connection, error: StokerError) -> None:
    if isinstance(error, ConnectionLostError):
        cut(connection)
        return
    try:
        connection.run("ROLLBACK")
    except Exception:  # noqa: BLE001 - the error that is raised matters more; the server rolls back what is cut
        cut(connection)


def _steps(connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience) -> Published:
    if not work.staging.is_sealed:
        shut_out(connection, work, patience)
        counted(connection, work, reported)
    rows = sum(reported.values())
    # Here a second attempt of the same run waits until the first has committed or failed.
    written, _ = run_patiently(
        connection,
        work.ledger.statement(),
        patience,
        tables=[work.ledger.table.sql],
        run_id=work.ledger.run_id,
        sink=work.ledger.sink,
        target=work.ledger.target,
        rows=rows,
    )
    failpoint("postgres.publish.ledger")
    if not written:
        earlier = work.ledger.find(connection)
        return Published(earlier.rows if earlier else rows, work.strategy, is_staged=True)
    connection.run("SAVEPOINT stoker_strategy")
    try:
        changed = _all(connection, work, reported, patience)
    except ChangedError as error:
        connection.run("ROLLBACK TO SAVEPOINT stoker_strategy")
        work = replace(work, strategy=work.strategy.instead(error, work.target))
        changed = _all(connection, work, reported, patience)
    return Published(rows, work.strategy, changed, is_staged=work.staging.is_sealed and not work.strategy.renames)


def _all(connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience) -> dict[str, int]:
    changed: dict[str, int] = {}
    for statement in statements(work):
        bound = parameters(statement.sql, reported, statement.parameters)
        rows, count = _run(connection, statement, work, bound, patience)
        if statement.judge is not None:
            statement.judge(rows)
        if statement.counts is not None:
            changed[statement.counts] = changed.get(statement.counts, 0) + count
        if statement.failpoint is not None:
            failpoint(statement.failpoint)
    return changed


def _run(
    connection: Connection, statement: Statement, work: Publication, bound: dict[str, Any], patience: Patience
) -> tuple[list[list[Any]], int]:
    if statement.option is not None:
        _run_users(connection, statement, work, patience)
        return [], 0
    if statement.is_quick:
        return _run_at_once(connection, statement, work, bound), 0
    may_give_up = statement.is_exclusive and work.strategy.gives_way
    if may_give_up:
        patience = replace(patience, seconds=min(patience.seconds, _SHORT))
    one_wait = patience.seconds if statement.is_long else None
    try:
        return run_patiently(
            connection,
            statement.sql,
            patience,
            tables=[work.target.sql, *statement.tables],
            one_wait=one_wait,
            is_exclusive=statement.is_exclusive,
            **bound,
        )
    except TransientError as error:
        if not may_give_up:
            raise
        raise ChangedError(f"others had a lock on it for {patience.seconds:g} s") from error


def _run_at_once(
    connection: Connection, statement: Statement, work: Publication, bound: dict[str, Any]
) -> list[list[Any]]:
    from pg8000.exceptions import DatabaseError

    try:
        return connection.run(statement.sql, **bound) or []
    except DatabaseError as error:
        if not work.strategy.needs_the_catalogue_as_it_was or sqlstate(error) not in {DEPENDENTS_EXIST, NO_RIGHT}:
            raise
        # What the catalogue's query does not know, the server does.
        told = fields(error)
        raise ChangedError(told.get("D", told.get("M", "")).splitlines()[0]) from error


def _run_users(connection: Connection, statement: Statement, work: Publication, patience: Patience) -> None:
    """Run SQL of the user's own as it is: a colon in it is no parameter, and it is one statement."""
    from pg8000.exceptions import DatabaseError

    what = f"The SQL of {statement.option}= for {work.target} failed"
    limit_lock_waits(connection, patience.seconds)
    try:
        connection.execute_unnamed(statement.sql)
    except DatabaseError as error:
        told = refused(error, what)
        if isinstance(told, SinkError):
            told.next_step = f"Correct the SQL of {statement.option}=; a list has one statement in each text."
        raise told from error
