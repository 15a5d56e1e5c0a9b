"""What killed loads left in a database, removed without a load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.postgres import staging
from stoker.postgres.catalogue import located
from stoker.postgres.connections.connection import cut
from stoker.postgres.connections.session import open_session
from stoker.postgres.refusals import explained

if TYPE_CHECKING:
    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.names import LoadTarget


def sweep(info: ConnectionInfo, target: LoadTarget, *, dry: bool) -> list[str]:
    """Drop the staging tables of dead loads in the schema of a target, and none of a live one.

    Args:
        info: The server.
        target: With or without its schema.
        dry: Whether only to look.

    Returns:
        Their names.

    Raises:
        ConnectionLostError: If the server does not answer.
        ConfigurationError: If it lets us not in.
        SinkError: If it refuses.
    """
    connection = open_session(info)
    try:
        with explained(f"Looking for what is left of loads into {target} failed"):
            schema = located(connection, target).schema
            assert schema is not None
            return staging.sweep(connection, schema, dry=dry)
    finally:
        cut(connection)
