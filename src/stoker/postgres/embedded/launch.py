"""Launch the server and wait for it.

It is started without `pg_ctl`, which hands paths to a shell, and gets a session of its own: neither Ctrl-C in our terminal nor
our own death reaches it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, TransientError
from stoker.failpoints import failpoint
from stoker.postgres.embedded.process import PATIENCE, Postmaster, busy, children, read
from stoker.secrets import redact

if TYPE_CHECKING:
    from pathlib import Path

    from stoker.postgres.embedded.programs import Programs

HOST = "127.0.0.1"
_LOG_SIZE = 10_000_000
"""Bytes of server.log from which a start begins a new one."""
_TRIES = 5


def launch(home: Path, lock: int, programs: Programs) -> Postmaster:
    """Start the server and wait until it takes connections.

    Args:
        home: Where its data are.
        lock: On the data, which the server inherits.
        programs: And who runs them.

    Raises:
        ConfigurationError: If it ends instead.
        TransientError: If it takes too long.
    """
    data, log = home / "data", home / "server.log"
    # No server has it, says the lock; but PostgreSQL would be misled by a process that got the number of a dead one.
    (data / "postmaster.pid").unlink(missing_ok=True)
    if log.exists() and log.stat().st_size > _LOG_SIZE:
        log.replace(log.with_name("server.log.old"))
    for attempt in range(1, _TRIES + 1):
        port = _free_port(_last_port(home) if attempt == 1 else 0)
        started, told = _attempt(data, log, port, lock, programs)
        if started is not None:
            with contextlib.suppress(OSError):  # a preference only
                (home / "port").write_text(str(port), "ascii")
            return started
        if "could not bind" not in told:  # somebody was quicker to take the port
            break
    full = "Free some space, then start it again. " if "No space left" in told else ""
    raise ConfigurationError(
        f"The embedded PostgreSQL in {home} did not start. It said:\n{told}",
        state="Its data are as they were.",
        next_step=f"{full}See {log}. If the data can go, remove {home} to begin anew.",
    )


def _attempt(data: Path, log: Path, port: int, lock: int, programs: Programs) -> tuple[Postmaster | None, str]:
    """The started server, or what it said before it ended."""
    # No socket file: its path may be too long, and TCP is all that Spark and pg8000 need.
    settings = [f"listen_addresses={HOST}", f"port={port}", "unix_socket_directories="]
    command = [str(programs.folder / "postgres"), "-D", str(data)]
    for each in settings:
        command += ["-c", each]
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as output:
        programs.own(log)  # after `sudo` in a user's project, the user goes on with it
        begin = output.seek(0, os.SEEK_END)
        process = subprocess.Popen(  # noqa: S603 - our own program and arguments, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            **programs.setting(),
        )
    children.add(process.pid)
    failpoint("postgres.embedded.launched")
    deadline = time.monotonic() + PATIENCE
    try:
        while process.poll() is None:
            found = read(data)
            if found is not None and found.pid == process.pid and found.ready:
                return found, ""
            if time.monotonic() > deadline:
                raise busy(data, process.pid, PATIENCE)
            time.sleep(0.01)
    finally:
        process.returncode = process.returncode or 0  # it outlives us on purpose; without this, Python warns about that
    return None, _tail(log, begin) or f"  nothing, and ended with {process.returncode}"


def _tail(log: Path, begin: int) -> str:
    with log.open("rb") as stream:
        stream.seek(begin)
        lines = redact(stream.read().decode("utf-8", "replace")).strip().splitlines()
    return "\n".join(f"  {line}" for line in lines[-6:])


def _last_port(home: Path) -> int:
    try:
        return int((home / "port").read_text("ascii"))
    except (OSError, ValueError):
        return 0


def _free_port(wanted: int) -> int:
    """The wanted port if nobody listens on it, so that bookmarks of other clients stay right; else any that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
            # As PostgreSQL does: connections that were closed a minute ago are no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise TransientError(f"There is no free port on {HOST}.", state="Nothing was written.")
