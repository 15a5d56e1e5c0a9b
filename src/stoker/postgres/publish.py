"""Publishing: one transaction from the staged rows to the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.errors import ConnectionLostError, StokerError, TransientError
from stoker.failpoints import failpoint
from stoker.postgres import staging
from stoker.postgres.columns import create_statement
from stoker.postgres.connection import cut
from stoker.postgres.names import quote
from stoker.postgres.refusals import NOTHING, explained, is_lost
from stoker.postgres.waiting import Patience, run_patiently

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pg8000.native import Connection

    from stoker.postgres.columns import Column
    from stoker.postgres.ledger import Ledger
    from stoker.postgres.names import LoadTarget
    from stoker.postgres.staging import Staging

BEGIN = "START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE"


@dataclass(frozen=True)
class Publication:
    """What is published, where, and as what."""

    target: LoadTarget
    mode: str
    columns: tuple[Column, ...]
    staging: Staging
    ledger: Ledger


def publish(connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience) -> int:
    """Publish the rows of the reported attempts in one transaction; readers see the old rows until it commits.

    Args:
        connection: The driver's. It is in no transaction before, and in none after, unless it was lost.
        work: What.
        reported: Rows by attempt, as Spark handed them from the tasks that succeeded.
        patience: For locks of other sessions.

    Returns:
        The rows that were published, by this call or by another attempt of the same run.

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
            connection.run("SET LOCAL statement_timeout = 0")
            rows = _steps(connection, work, reported, patience)
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
    return rows


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


def _steps(connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience) -> int:
    target, staged = work.target.sql, work.staging.table
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
    # Here a second attempt of the same run waits until the first has committed or failed.
    written = run_patiently(
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
        if work.mode == "replace":
            _empty_target(connection, work, patience)
            failpoint("postgres.publish.deleted")
        names = ", ".join(quote(column.name) for column in work.columns)
        run_patiently(
            connection,
            f"INSERT INTO {target} ({names}) SELECT {names} FROM {staged.sql} "  # noqa: S608 - quoted
            f"WHERE {quote(work.staging.tag)} = ANY(:attempts::bigint[])",
            patience,
            tables=[target],
            one_wait=patience.seconds,
            attempts=list(reported),
        )
        failpoint("postgres.publish.inserted")
        # A VACUUM may have the table; it leaves statistics of its own.
        connection.run(f"ANALYZE (SKIP_LOCKED) {target}")
    connection.run(f"DROP TABLE {staged.sql}")
    failpoint("postgres.publish.dropped")
    return rows


def _check_counts(connection: Connection, work: Publication, reported: Mapping[int, int]) -> None:
    tag = quote(work.staging.tag)
    found = dict(connection.run(f"SELECT {tag}, count(*) FROM {work.staging.table.sql} GROUP BY 1"))  # noqa: S608 - quoted
    wrong = {attempt: rows for attempt, rows in reported.items() if found.get(attempt, 0) != rows}
    if wrong:
        attempt, rows = next(iter(wrong.items()))
        raise TransientError(
            f"The staged rows for {work.target} are not those that the tasks reported: attempt {attempt} reported {rows}, "
            f"{found.get(attempt, 0)} are staged ({len(wrong)} of {len(reported)} attempts differ).",
            state=NOTHING,
            next_step="Run again with the same run id; a restart of the server empties staging tables.",
        )


def _empty_target(connection: Connection, work: Publication, patience: Patience) -> None:
    target = work.target.sql
    # One creates, the others wait and find the table.
    run_patiently(
        connection,
        "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))",
        patience,
        tables=[target],
        name=f"stoker create {target}",
    )
    if connection.run("SELECT to_regclass(:name)", name=target)[0][0] is None:
        connection.run(create_statement(work.target, work.columns))
        return
    # Writers wait and readers do not: they see the old rows until the commit.
    run_patiently(connection, f"LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE", patience, tables=[target])
    run_patiently(connection, f"DELETE FROM {target}", patience, tables=[target], one_wait=patience.seconds)  # noqa: S608
