"""What became of a commit whose answer was lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stoker.errors import ConnectionLostError, UnknownCommitError
from stoker.postgres import staging
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.refusals import NOTHING

if TYPE_CHECKING:
    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.ledger import LoadedRows
    from stoker.postgres.modes.statement import Publication

_PATIENCE = 30.0
"""Seconds in which it must be learnt."""
_GRACE = 5.0
"""Seconds that the session of the lost connection has to end by itself before we end it."""
_LONGEST_PAUSE = 3.0


class _OpenError(Exception):
    """It cannot be told yet."""


def outcome(info: ConnectionInfo, work: Publication, sent: BaseException) -> int:
    """Learn what became of a commit whose answer was lost.

    The old session's sign of life tells when it has ended: from then on the ledger does not change any more.

    Args:
        info: The server.
        work: What was published.
        sent: What was raised when the commit was sent.

    Returns:
        The rows that were published, if they were.

    Raises:
        ConnectionLostError: If they were not.
        UnknownCommitError: If it could not be learnt within 30 s.
    """
    begin, pause = time.monotonic(), 0.2
    while time.monotonic() < begin + _PATIENCE:
        try:
            found = _look(info, work, end_it=time.monotonic() > begin + _GRACE)
        except Exception:  # noqa: BLE001 - whatever it is, the next look may do better, and the time is limited
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            continue
        if found is not None:
            return found.rows
        raise ConnectionLostError(
            f"The connection to {info.server} was lost while {work.target} was published, and the server rolled back.",
            state=NOTHING,
            next_step="Run again with the same run id.",
        ) from sent
    raise UnknownCommitError(
        f"The connection to {info.server} was lost when {work.target} was committed, and the outcome could not be learnt.",
        state=f"{work.target} has either all of the new rows or none of them.",
        next_step=f"Run again with the same run id ({work.ledger.run_id}): it loads only if the commit did not happen.",
    ) from sent


def _look(info: ConnectionInfo, work: Publication, *, end_it: bool) -> LoadedRows | None:
    """What the ledger has, once it cannot change any more.

    Raises:
        Exception: If that cannot be told now.
    """
    connection = connect(info)
    try:
        found = work.ledger.find(connection)
        if found is not None:
            return found
        if connection.run("SELECT pg_is_in_recovery()")[0][0]:
            raise _OpenError("a standby may be behind")
        if staging.hold(connection, work.staging.nonce):
            return work.ledger.find(connection)
        if end_it:
            staging.end_holder(connection, work.staging.nonce)
        raise _OpenError("the old session is still there")
    finally:
        cut(connection)
