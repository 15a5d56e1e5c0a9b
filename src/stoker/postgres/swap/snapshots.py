"""Older snapshots: transactions that go on seeing the database as it was, and would see a part of a table that is swapped in.

A rename shows the new table to everybody, but each of its rows only to snapshots that are younger than the row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.names import LoadTarget

_ALL_VISIBLE = "SELECT relallvisible >= relpages FROM pg_class WHERE oid = to_regclass(:name)"
_SUSPECTS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    -- Of other roles a plain user sees no state. At READ COMMITTED there is no snapshot between two statements.
    AND (state IS NULL OR (backend_xmin IS NOT NULL AND query NOT LIKE 'COPY%stoker_staging_%FROM STDIN%'))
ORDER BY xact_start LIMIT 1
"""


def older(connection: Connection, table: LoadTarget) -> str | None:
    """Why a table should not be shown by a rename, as a clause; None if everybody sees all of its rows.

    Args:
        connection: In no transaction.
        table: Vacuumed a moment ago: VACUUM has marked its pages as visible to all, if they are.
    """
    if connection.run(_ALL_VISIBLE, name=table.sql)[0][0]:
        return None
    # Other loads hold VACUUM up too, and do no harm.
    found = connection.run(_SUSPECTS)
    return f"pid {found[0][0]} may have a snapshot that is older than the rows" if found else None
