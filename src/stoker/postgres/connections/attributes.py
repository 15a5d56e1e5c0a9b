"""Which server of several is taken: `target_session_attrs`, as libpq means it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import TransientError
from stoker.postgres.connections.login import UNTOUCHED

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.connections.info import ConnectionInfo

_ASK = "SELECT pg_is_in_recovery(), pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"


def check_kind(connection: Connection, info: ConnectionInfo) -> None:
    """Refuse a server of another kind than is wanted.

    Args:
        connection: To it.
        info: With `target_session_attrs`: `any`, `read-write`, `read-only`, `primary` or `standby`.

    Raises:
        TransientError: If it is of another kind: in the midst of a fail-over it may become the right one.
    """
    wanted = info.target_session_attrs
    if wanted == "any":
        return
    standby, read_only = connection.run(_ASK)[0]
    if {"read-write": not read_only, "read-only": read_only, "primary": not standby, "standby": standby}[wanted]:
        return
    raise TransientError(
        f"{info.server} is not {wanted}, as target_session_attrs wants it.",
        state=UNTOUCHED,
        next_step="Name all servers of the cluster as host, separated by commas, or correct target_session_attrs.",
    )
