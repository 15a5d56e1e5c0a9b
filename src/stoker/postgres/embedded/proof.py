"""Nothing is written before the server has shown that it is the folder's own."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, TransientError
from stoker.postgres.embedded.cluster import regain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg8000.native import Connection

    from stoker.postgres.embedded.server import Server

_WRONG_PASSWORD = "28P01"  # noqa: S105 - a code of PostgreSQL


def prove(server: Server, *, make: bool) -> None:
    """Check that who answers knows our password and works on our data.

    Args:
        server: What postmaster.pid says, of a process that works in the data folder.
        make: Whether to make the database if it is missing, after the proof.

    Raises:
        ConfigurationError: If our password is wrong.
        TransientError: If nobody answers, or somebody else does.
    """
    with _connected(server) as connection:
        shown = connection.run("SHOW data_directory")
        data = Path(str(shown[0][0])) if shown else Path()
        try:
            ours = data.samefile(server.data)
        except OSError:
            ours = False
        if not ours:
            raise TransientError(
                f"Another PostgreSQL answers on port {server.port} of {server.host}: its data are in {data}, not in {server.data}.",
                state="Nothing was written.",
                next_step=f"Stop process {server.pid}, then try again.",
            )
        if make and not connection.run("SELECT FROM pg_database WHERE datname = :name", name=server.database):
            connection.run(f'CREATE DATABASE "{server.database}"')  # a constant of ours


@contextlib.contextmanager
def _connected(server: Server) -> Iterator[Connection]:
    from pg8000.exceptions import DatabaseError, InterfaceError
    from pg8000.native import Connection

    sock = None
    try:
        sock = socket.create_connection((server.host, server.port), timeout=20)
        connection = Connection(
            server.user,
            host=server.host,
            database="postgres",
            password=server.password,
            sock=sock,
            ssl_context=False,
            application_name="stoker",
        )
        try:
            yield connection
        finally:
            with contextlib.suppress(InterfaceError, OSError):
                connection.close()
    except (DatabaseError, InterfaceError, OSError) as error:
        if sock is not None:
            sock.close()
        told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        if told.get("C") == _WRONG_PASSWORD:
            raise ConfigurationError(
                f"The embedded PostgreSQL of {server.folder} refuses the password in {server.data.with_name('password')}.",
                state="Nothing was written.",
                next_step=regain(server.data.parent),
            ) from error
        reason = told.get("M") or getattr(error, "strerror", None) or str(error)
        raise TransientError(
            f"The embedded PostgreSQL of {server.folder} on port {server.port} does not serve us: {reason}.",
            state="Nothing was written.",
            next_step=f"See {server.data.with_name('server.log')}, then try again.",
        ) from error
