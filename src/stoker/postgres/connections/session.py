"""Sessions of the driver: each connection has one of its own, whatever stands in between, and nothing that is for people ends it.

A load holds an advisory lock of its session as its sign of life. A pooler that gives each transaction another session would
leave that lock with a stranger, so such a pooler is found out and refused.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, TransientError
from stoker.postgres.connections.connection import connect, connect_patiently, cut
from stoker.postgres.connections.login import UNTOUCHED
from stoker.postgres.refusals import explained

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.connections.info import ConnectionInfo

logger = logging.getLogger(__name__)

_ROUNDS = 5
"""How often a pooler that behaves is looked at again: with others at work it may have looked so by chance."""
_PID = "SELECT pg_backend_pid()"
_PID_BYTES = 4
_TIME_OUTS = (
    "statement_timeout",
    "transaction_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
)


def open_session(info: ConnectionInfo, stopped: Callable[[], bool] = lambda: False) -> Connection:
    """A connection with a session of its own, which is idle while Spark works and which no time-out ends.

    Args:
        info: Where to.
        stopped: Whether the run is being cancelled.

    Raises:
        ConnectionLostError: If the server did not answer in time.
        TransientError: If it had no connection free in time.
        ConfigurationError: If the connection cannot be right, or a pooler shares its session.
        InterruptedRunError: If the run is stopped.
    """
    connection = connect_patiently(info, stopped)
    try:
        with explained(f"{info.server} does not answer as a server should", state=UNTOUCHED):
            refuse_shared(connection, info)
            lift_time_outs(connection, info, local=False)
    except BaseException:
        cut(connection)
        raise
    return connection


def lift_time_outs(connection: Connection, info: ConnectionInfo, *, local: bool) -> None:
    """Have no time-out but the connection's own: what a role or database has is for people.

    Args:
        connection: Where.
        info: With the time-out of statements.
        local: Whether only until the transaction ends.
    """
    names = ", ".join(f"'{name}'" for name in _TIME_OUTS)
    value = f"CASE name WHEN 'statement_timeout' THEN '{info.statement_milliseconds}' ELSE '0' END"
    # Not every version has them all, and SET fails for one that is not there.
    connection.run(f"SELECT set_config(name, {value}, {local}) FROM pg_settings WHERE name IN ({names})")  # noqa: S608


def refuse_shared(connection: Connection, info: ConnectionInfo) -> None:
    """Refuse a pooler that gives the transactions of a connection to different sessions of the server.

    Raises:
        ConfigurationError: If there is such a pooler.
        TransientError: If a pooler has no second session for the proof.
        DatabaseError: What else the server answers.
    """
    first = connection.run(_PID)[0][0]
    if first == pid_told(connection):
        return
    from pg8000.exceptions import InterfaceError
    from pg8000.native import literal

    # The session's number is not the one that was told when it began: someone stands in between. RDS Proxy keeps to one
    # session from the first SET on; to PgBouncer this one means nothing.
    connection.run(f"SET application_name = {literal(info.application_name)}")
    other = connect(info)
    try:
        # A pool without a free session lets us wait.
        _limit(info.connect_timeout, connection, other)
        other.run("SELECT 1")
        shared = any(_meet(connection, other, first) for _ in range(_ROUNDS))
        _limit(None, connection)
    except (TimeoutError, InterfaceError) as error:
        raise _without_second(info) from error
    finally:
        cut(other)
    if shared:
        raise _shared(info)
    logger.info("%s is a pooler; each connection has a session of its own", info.server)


def _meet(connection: Connection, other: Connection, first: int) -> bool:
    """Whether a connection left its first session, or another connection was let into it."""
    from pg8000.exceptions import InterfaceError

    if connection.run(_PID)[0][0] != first:
        return True
    try:
        other.run("BEGIN")
    except InterfaceError:
        # A pooler of single statements hangs up.
        return True
    # While the other is in a transaction, its session is nobody else's.
    if other.run(_PID)[0][0] == first or connection.run(_PID)[0][0] != first:
        return True
    other.run("ROLLBACK")
    return False


def _limit(seconds: float | None, *connections: Connection) -> None:
    for each in connections:
        each._usock.settimeout(seconds)  # noqa: SLF001 - pg8000 has no other way


def pid_told(connection: Connection) -> int:
    """The number of the session that was told when it began; a pooler tells one that it made up."""
    told: bytes = connection._backend_key_data or b""  # noqa: SLF001 - pg8000 keeps it for itself
    return int.from_bytes(told[:_PID_BYTES], "big", signed=True)


def _shared(info: ConnectionInfo) -> ConfigurationError:
    return ConfigurationError(
        f"{info.server} is a pooler that gives each transaction another session, and a load holds a lock of its session.",
        state=UNTOUCHED,
        next_step="Name the server itself as host and port, or a pool that gives one session to one connection "
        "(PgBouncer: pool_mode = session).",
    )


def _without_second(info: ConnectionInfo) -> TransientError:
    return TransientError(
        f"{info.server} is a pooler, and had no second session free in time.",
        state=UNTOUCHED,
        next_step="Name the server itself as host and port, or enlarge the pool: a load has one session for itself and "
        "one for each task.",
    )
