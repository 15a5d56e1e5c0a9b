"""Locks: waited for in bounded waits, so that those behind us get their turn, and with a name for who holds them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from stoker.errors import InterruptedRunError, TransientError
from stoker.postgres.refusals import LOCK_NOT_AVAILABLE, NOTHING, sqlstate
from stoker.postgres.transaction import limit_lock_waits
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pg8000.native import Connection

_ONE_WAIT = 5.0
"""Seconds in the queue of a lock, which holds up everyone who comes after us."""
_ONE_EXCLUSIVE_WAIT = 1.0
"""The same where readers are held up too."""
_PAUSE = 0.2

_HOLDERS = """
SELECT DISTINCT a.pid, a.usename, a.application_name, a.state, left(a.query, 200)
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'relation' AND l.granted AND (:readers OR l.mode <> 'AccessShareLock') AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.relation IN (SELECT to_regclass(name)::oid FROM unnest(:names::text[]) AS name)
"""


@dataclass(frozen=True)
class Patience:
    """How long to wait for locks, and when to give up."""

    seconds: float = 300.0
    stopped: Callable[[], bool] = lambda: False


class Answer(NamedTuple):
    """What a statement answered."""

    rows: list[list[Any]]
    touched: int
    """The rows that it gave or changed; -1 if it does not say."""


def run_patiently(
    connection: Connection,
    sql: str,
    patience: Patience,
    *,
    tables: Sequence[str],
    one_wait: float | None = None,
    is_exclusive: bool = False,
    between: Callable[[], object] = lambda: None,
    **parameters: Any,
) -> Answer:
    """Run a statement that may have to wait for other sessions. Inside a transaction, which it does not end.

    Args:
        connection: Where.
        sql: The statement.
        patience: How long in all.
        tables: The tables, as SQL has them, whose holders are named when it is over.
        one_wait: Seconds of one wait, by default a few; a statement that is long itself should wait once.
        is_exclusive: Whether it waits for readers too, and holds up those who come.
        between: What to do between two waits.
        parameters: Of the statement.

    Raises:
        TransientError: If the wait is over, with those who hold the tables.
        InterruptedRunError: If the run is stopped.
        DatabaseError: What else the server answers.
    """
    from pg8000.exceptions import DatabaseError

    one_wait = one_wait or (_ONE_EXCLUSIVE_WAIT if is_exclusive else _ONE_WAIT)
    end = time.monotonic() + patience.seconds
    while True:
        left = max(end - time.monotonic(), 0.001)
        connection.run("SAVEPOINT stoker_wait")
        limit_lock_waits(connection, min(left, one_wait))
        try:
            rows = connection.run(sql, **parameters) or []
            count = connection.row_count
        except DatabaseError as error:
            if sqlstate(error) != LOCK_NOT_AVAILABLE:
                raise
            connection.run("ROLLBACK TO SAVEPOINT stoker_wait")
            if patience.stopped():
                raise InterruptedRunError("The run was stopped while it waited for a lock.", state=NOTHING) from None
            if time.monotonic() >= end:
                raise _too_long(connection, patience, tables, readers=is_exclusive) from None
            between()
            time.sleep(_PAUSE)
        else:
            connection.run("RELEASE SAVEPOINT stoker_wait")
            return Answer(rows, count)


def _too_long(connection: Connection, patience: Patience, tables: Sequence[str], *, readers: bool) -> TransientError:
    holders = connection.run(_HOLDERS, names=list(tables), readers=readers)
    shown = "; ".join(
        f"pid {pid} of {user} ({application or 'no application name'}, {state}): {redact(' '.join((query or '').split()))}"
        for pid, user, application, state, query in holders
    )
    return TransientError(
        f"{tables[0]} was locked by others for {patience.seconds:g} s. "
        + (f"Held by {shown}." if shown else "Now it is free."),
        state=NOTHING,
        next_step="Wait for those sessions, or end them (SELECT pg_terminate_backend(PID)), "
        "then run again with the same run id.",
    )
