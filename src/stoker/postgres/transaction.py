"""How our transactions begin: what is not said here could be another default of the server, the database or the role."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pg8000.native import Connection

BEGIN = "START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE"
BEGIN_READ_ONLY = "START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY"


def limit_lock_waits(connection: Connection, seconds: float) -> None:
    """Have statements give up on locks of other sessions. Inside a transaction, for what is left of it.

    Args:
        connection: Where.
        seconds: For one lock; a millisecond at least, since the server takes 0 for no limit.
    """
    connection.run(f"SET LOCAL lock_timeout = {max(int(seconds * 1000), 1)}")
