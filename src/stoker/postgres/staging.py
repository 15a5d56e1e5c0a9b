"""Staging tables: made by one attempt of a driver, alive as long as its connection, removed by whoever comes after its death.

Each is named by a nonce. The driver's connection holds an advisory lock on that nonce as its sign of life: the server
gives the lock free when the connection ends, however it ends.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.postgres.names import LONGEST, LoadTarget, shortened
from stoker.postgres.refusals import sqlstate
from stoker.postgres.transaction import BEGIN, limit_lock_waits
from stoker.postgres.waiting import run_patiently

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pg8000.native import Connection

    from stoker.postgres.columns import Column
    from stoker.postgres.waiting import Patience

logger = logging.getLogger(__name__)

_NAMES = re.compile(r"stoker_staging_[0-9a-f]{12}_([0-9a-f]{12})|stoker_sealed_([0-9a-f]{12})_.*", re.DOTALL)
_KEYS = 0x7374 << 48
"""The upper bits of our advisory locks' keys."""
_DROP_WAIT = 2
"""Seconds."""


@dataclass(frozen=True)
class Staging:
    """The staging table of one attempt to load."""

    table: LoadTarget
    sealed: LoadTarget
    """What it is renamed to before it takes the target's place, so that tasks do not find it any more."""
    nonce: str

    @property
    def is_sealed(self) -> bool:
        """Whether it has been renamed."""
        return self.table == self.sealed

    @classmethod
    def fresh(cls, target: LoadTarget) -> Staging:
        """A new one beside its target, which has its schema."""
        nonce = secrets.token_hex(6)
        digest = hashlib.sha256(str(target).encode()).hexdigest()[:12]
        table = LoadTarget(target.schema, f"stoker_staging_{digest}_{nonce}")
        return cls(table, LoadTarget(target.schema, sealed_name(nonce, target.table)), nonce)


def sealed_name(nonce: str, name: str) -> str:
    """What a table or index is called until it gets a name that is still taken."""
    begin = sealed_prefix(nonce)
    return begin + shortened(name, LONGEST - len(begin))


def sealed_prefix(nonce: str) -> str:
    """What such a name begins with."""
    return f"stoker_sealed_{nonce}_"


def lock_key(nonce: str) -> int:
    """The key of the advisory lock, a bigint."""
    return _KEYS | int(nonce, 16)


def hold(connection: Connection, nonce: str) -> bool:
    """Take the sign of life for this connection, if no other connection has it."""
    return bool(connection.run("SELECT pg_try_advisory_lock(:key)", key=lock_key(nonce))[0][0])


def release(connection: Connection, nonce: str) -> None:
    """Give a sign of life back before its connection ends."""
    connection.run("SELECT pg_advisory_unlock(:key)", key=lock_key(nonce))


def end_holder(connection: Connection, nonce: str) -> None:
    """End the session that holds a sign of life."""
    connection.run(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND (l.classid::bigint << 32 | l.objid::bigint) = :key AND l.objsubid = 1 AND l.pid <> pg_backend_pid()",
        key=lock_key(nonce),
    )


def statement(staging: Staging, columns: Sequence[Column], checks: Sequence[str], *, logged: bool = False) -> str:
    """CREATE TABLE of a staging table.

    Args:
        staging: What to create.
        columns: With the target's types, so that a value that does not fit is refused in the task that sends it.
        checks: The target's constraints that can be checked there too.
        logged: Whether it is to become the target, which must not be empty after a crash of the server.
    """
    parts = [*(column.staged_definition for column in columns), *checks]
    # Tables of other kinds, which may be the server's default, do not say which transaction a row is from.
    return (
        f"CREATE {'' if logged else 'UNLOGGED '}TABLE {staging.table.sql} ({', '.join(parts)}) "
        "USING heap WITH (autovacuum_enabled = false)"
    )


def rows_of(staging: Staging, columns: Iterable[Column], transactions: Iterable[int]) -> str:
    """A query for the rows that some transactions have brought."""
    selected = ", ".join(column.selected for column in columns)
    return f"SELECT {selected} FROM {staging.table.sql} WHERE {brought_by(transactions)}"  # noqa: S608 - quoted


def brought_by(transactions: Iterable[int]) -> str:
    """The condition on a row that some transactions have brought it."""
    return f"xmin = ANY ('{{{','.join(map(str, transactions))}}}'::xid[])"


def lock(connection: Connection, table: LoadTarget, mode: str, patience: Patience) -> None:
    """Lock a staging table against late attempts, whose sessions are ended if they do not give way. Inside a transaction.

    Args:
        connection: The driver's.
        table: The staging table.
        mode: As in LOCK TABLE.
        patience: With them.

    Raises:
        TransientError: If the lock was not to be had.
        InterruptedRunError: If the run is stopped.
    """
    run_patiently(
        connection,
        f"LOCK TABLE {table.sql} IN {mode} MODE",
        patience,
        tables=[table.sql],
        between=lambda: evict(connection, table),
    )


def evict(connection: Connection, table: LoadTarget) -> None:
    """End the sessions of our own user that still use a staging table: late attempts, which nobody waits for."""
    connection.run(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'relation' AND l.relation = to_regclass(:name)::oid AND l.pid <> pg_backend_pid() "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND a.backend_type = 'client backend' AND a.usename = current_user",
        name=table.sql,
    )


def drop(connection: Connection, *tables: LoadTarget) -> bool:
    """Drop a staging table, under any of its names, in a transaction of its own.

    Returns:
        Whether it is gone; if not, the next load drops it.
    """
    from pg8000.exceptions import DatabaseError

    try:
        for table in tables:
            evict(connection, table)
        connection.run(BEGIN)
        limit_lock_waits(connection, _DROP_WAIT)
        connection.run(f"DROP TABLE IF EXISTS {', '.join(table.sql for table in tables)}")
        connection.run("COMMIT")
    except DatabaseError as error:
        connection.run("ROLLBACK")
        logger.info("staging table %s could not be dropped (SQLSTATE %s)", tables[0], sqlstate(error))
        return False
    return True


def sweep(connection: Connection, schema: str, *, dry: bool = False) -> list[str]:
    """Drop the staging tables of dead runs in a schema, and none of a live one.

    Args:
        connection: Any.
        schema: Where.
        dry: Whether only to look.

    Returns:
        The names of the dropped ones.
    """
    rows = connection.run(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = :schema AND c.relkind = 'r' AND c.relname LIKE ANY (ARRAY['stoker_staging_%', 'stoker_sealed_%'])",
        schema=schema,
    )
    dropped = []
    for (name,) in rows:
        match = _NAMES.fullmatch(name)
        nonce = match and (match[1] or match[2])
        if nonce is None or not hold(connection, nonce):
            continue
        try:
            if dry or drop(connection, LoadTarget(schema, name)):
                dropped.append(name)
        finally:
            release(connection, nonce)
    return dropped
