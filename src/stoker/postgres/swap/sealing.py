"""The staged table made ready to take the target's place, before anybody has to wait for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stoker.errors import TransientError
from stoker.failpoints import failpoint
from stoker.postgres import staging
from stoker.postgres.modes.statement import parameters
from stoker.postgres.modes.strategy import ChangedError
from stoker.postgres.refusals import NO_RIGHT, NOTHING, fields, sqlstate
from stoker.postgres.swap import carried
from stoker.postgres.swap.definition import definition
from stoker.postgres.swap.snapshots import older
from stoker.postgres.transaction import BEGIN
from stoker.postgres.waiting import run_patiently

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pg8000.native import Connection

    from stoker.postgres.modes.statement import Publication
    from stoker.postgres.modes.strategy import Strategy
    from stoker.postgres.names import LoadTarget
    from stoker.postgres.swap.definition import Definition
    from stoker.postgres.waiting import Patience


def like(connection: Connection, it: Definition, target: LoadTarget, staged: LoadTarget) -> None:
    """Make a staging table that can take the target's place. Inside a transaction."""
    for statement in carried.create(it, target, staged):
        connection.run(statement)
    # Rows that bring no number of their own go on counting.
    for statement in carried.continued(it, _made(connection, staged)):
        connection.run(statement)


def sealed(connection: Connection, work: Publication, reported: Mapping[int, int], patience: Patience) -> Publication:
    """Shut late attempts out for good, drop what they brought, and build what belongs to the rows.

    Args:
        connection: The driver's, in no transaction.
        work: What is published, by a strategy that renames.
        reported: Rows by transaction.
        patience: For locks of other sessions.

    Returns:
        The same with the table's new name.

    Raises:
        TransientError: If the staged rows are not those that were reported, or a lock was not to be had.
        DatabaseError: If the rows do not fit keys, unique indexes or foreign keys.
    """
    from pg8000.exceptions import DatabaseError

    connection.run(BEGIN)
    shut_out(connection, work, patience)
    # From here on no task finds it; those that wait for the lock neither.
    connection.run(f"ALTER TABLE {work.staging.table.sql} RENAME TO {work.staging.sealed.quoted}")
    connection.run("COMMIT")
    failpoint("postgres.publish.sealed")
    work = replace(work, staging=replace(work.staging, table=work.staging.sealed))
    # Before the count: that has less to do where all rows are known to be committed.
    connection.run(frozen(work.staging.table))
    if counted(connection, work, reported) - reported.keys():
        connection.run(
            f"DELETE FROM {work.staging.table.sql} WHERE NOT {work.is_reported}",  # noqa: S608 - quoted
            **parameters(work.is_reported, reported),
        )
    try:
        work = _build(connection, work, patience)
    except ChangedError as error:
        return replace(work, strategy=work.strategy.instead(error, work.target))
    except DatabaseError as error:
        if sqlstate(error) != NO_RIGHT:
            raise
        # To insert into the target may be all that the user is allowed there.
        connection.run("ROLLBACK")
        changed = ChangedError(fields(error).get("M", "a right is missing"))
        return replace(work, strategy=work.strategy.instead(changed, work.target))
    failpoint("postgres.publish.built")
    return work


def shut_out(connection: Connection, work: Publication, patience: Patience) -> None:
    """Lock the staging table, so that what is counted now is what is published. Inside a transaction."""
    staging.lock(connection, work.staging.table, "ACCESS EXCLUSIVE", patience)
    failpoint("postgres.publish.locked")


def counted(connection: Connection, work: Publication, reported: Mapping[int, int]) -> set[int]:
    """Compare what is staged with what was reported.

    Returns:
        The transactions that rows are from.

    Raises:
        TransientError: If rows that were reported are not there.
    """
    counts = connection.run(f"SELECT xmin::text, count(*) FROM {work.staging.table.sql} GROUP BY xmin")  # noqa: S608 - quoted
    found = {int(transaction): rows for transaction, rows in counts}
    wrong = {transaction: rows for transaction, rows in reported.items() if found.get(transaction, 0) != rows}
    if wrong:
        transaction, rows = next(iter(wrong.items()))
        raise TransientError(
            f"The staged rows for {work.target} are not those that the tasks reported: {rows} in transaction {transaction}, "
            f"of which {found.get(transaction, 0)} are staged ({len(wrong)} of {len(reported)} transactions differ).",
            state=NOTHING,
            next_step="Run again with the same run id; a restart of the server empties staging tables.",
        )
    failpoint("postgres.publish.counted")
    return set(found)


def _build(connection: Connection, work: Publication, patience: Patience) -> Publication:
    """What takes time, while others work with the target; the table is nobody's yet."""
    place, it = work.staging, work.strategy.definition
    if not work.strategy.asked and (why := older(connection, place.table)):
        raise ChangedError(why)
    if it is not None:
        connection.run(BEGIN)
        for statement in carried.build(it, place.table, place.nonce):
            connection.run(statement)
        connection.run("COMMIT")
    connection.run(f"ANALYZE {place.table.sql}")
    for other, add, validate in carried.foreign_keys(it, place.table) if it else ():
        connection.run(BEGIN)
        run_patiently(connection, add, patience, tables=[other])
        connection.run("COMMIT")
        connection.run(validate)
    return replace(work, made=None if it is None else _made(connection, place.table))


def frozen(table: LoadTarget) -> str:
    """What marks all rows as seen by everybody, so that no later VACUUM has to."""
    return f"VACUUM (FREEZE) {table.sql}"


def built(strategy: Strategy, table: LoadTarget, nonce: str) -> list[str]:
    """The statements that make a sealed table ready, to be looked at."""
    it = strategy.definition
    keys = carried.foreign_keys(it, table) if it else ()
    return [
        frozen(table),
        *(carried.build(it, table, nonce) if it else ()),
        f"ANALYZE {table.sql}",
        *(text for _, add, validate in keys for text in (add, validate)),
    ]


def _made(connection: Connection, staged: LoadTarget) -> Definition:
    [[oid]] = connection.run("SELECT to_regclass(:name)::oid", name=staged.sql)
    return definition(connection, oid)
