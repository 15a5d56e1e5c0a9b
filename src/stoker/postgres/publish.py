"""Publishing: one transaction from the staged rows to the target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stoker.errors import ConnectionLostError, StokerError, TransientError
from stoker.failpoints import failpoint
from stoker.postgres import staging
from stoker.postgres.connection import cut
from stoker.postgres.modes.plan import statements
from stoker.postgres.refusals import NOTHING, explained, is_lost
from stoker.postgres.waiting import run_patiently

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pg8000.native import Connection

    from stoker.postgres.modes.statement import Publication, Statement
    from stoker.postgres.waiting import Patience

BEGIN = "START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE"


@dataclass(frozen=True)
class Published:
    """What a publish did."""

    rows: int
    """The rows that were published, by this call or by another attempt of the same run."""
    changed: Mapping[str, int] = field(default_factory=dict)
    """How many rows of the target were `inserted`, `updated` and `deleted`, as far as this call did it and knows."""


def publish(connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience) -> Published:
    """Publish the rows of the reported transactions in one transaction; readers see the old rows until it commits.

    Args:
        connection: The driver's. It is in no transaction before, and in none after, unless it was lost.
        work: What.
        reported: Rows by transaction, as Spark handed them from the tasks that succeeded.
        patience: For locks of other sessions.

    Raises:
        SinkError: If the server refuses.
        TransientError: If the staged rows are not those that were reported, or a lock was not to be had.
        ConnectionLostError: If the connection was lost before the commit was sent.
        UncertainCommitError: If it was lost after that; `outcome` finds out.
    """
    failpoint("postgres.publish.begin")
    try:
        with explained(f"Publishing into {work.target} failed", renamed=(work.staging.table.table, str(work.target))):
            connection.run(BEGIN)
            published = _steps(connection, work, reported, patience)
            failpoint("postgres.publish.before_commit")
            _commit(connection)
    except UncertainCommitError:
        raise
    except StokerError as error:
        _roll_back(connection, error)
        raise
    except BaseException:
        cut(connection)
        raise
    failpoint("postgres.publish.after_commit")
    return published


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
    staged = work.staging.table
    # Late attempts are shut out from here on: what is counted now is what is published.
    run_patiently(
        connection,
        f"LOCK TABLE {staged.sql} IN ACCESS EXCLUSIVE MODE",
        patience,
        tables=[staged.sql],
        between=lambda: staging.evict(connection, staged),
    )
    failpoint("postgres.publish.locked")
    _check_counts(connection, work, reported)
    failpoint("postgres.publish.counted")
    rows = sum(reported.values())
    changed: dict[str, int] = {}
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
        rows = earlier.rows if earlier else rows
    else:
        for statement in statements(work):
            count = _run(connection, statement, work, reported, patience)
            if statement.counts is not None:
                changed[statement.counts] = changed.get(statement.counts, 0) + count
    connection.run(f"DROP TABLE {staged.sql}")
    failpoint("postgres.publish.dropped")
    return Published(rows, changed)


def _check_counts(connection: Connection, work: Publication, reported: Mapping[int, int]) -> None:
    counted = connection.run(f"SELECT xmin::text, count(*) FROM {work.staging.table.sql} GROUP BY xmin")  # noqa: S608 - quoted
    found = {int(transaction): rows for transaction, rows in counted}
    wrong = {transaction: rows for transaction, rows in reported.items() if found.get(transaction, 0) != rows}
    if wrong:
        transaction, rows = next(iter(wrong.items()))
        raise TransientError(
            f"The staged rows for {work.target} are not those that the tasks reported: {rows} in transaction {transaction}, "
            f"of which {found.get(transaction, 0)} are staged ({len(wrong)} of {len(reported)} transactions differ).",
            state=NOTHING,
            next_step="Run again with the same run id; a restart of the server empties staging tables.",
        )


def _run(
    connection: Connection,
    statement: Statement,
    work: Publication,
    reported: Mapping[int, int],
    patience: Patience,
) -> int:
    parameters = dict(statement.parameters)
    if ":transactions" in statement.sql:
        parameters["transactions"] = [str(transaction) for transaction in reported]
    rows, count = run_patiently(
        connection,
        statement.sql,
        patience,
        tables=[work.target.sql],
        one_wait=patience.seconds if statement.is_long else None,
        **parameters,
    )
    if statement.judge is not None:
        statement.judge(rows)
    if statement.failpoint is not None:
        failpoint(statement.failpoint)
    return count
