"""The server's process: found, launched and ended.

It is started without `pg_ctl`, which hands paths to a shell, and gets a session of its own: neither Ctrl-C in our terminal nor
our own death reaches it. It inherits a lock on its data folder, which is free only when the last of its processes is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import ConfigurationError, TransientError
from stoker.failpoints import failpoint
from stoker.postgres.embedded.home import hold
from stoker.secrets import redact

if TYPE_CHECKING:
    from stoker.postgres.embedded.programs import Programs

HOST = "127.0.0.1"
_PATIENCE = 60.0
"""Seconds for a start, with the recovery after a crash, and for a stop, with its checkpoint: as long as pg_ctl waits."""
_ORPHANS = 15.0
"""Seconds for the last processes of a killed server to see that it is gone."""
_LOG_SIZE = 10_000_000
"""Bytes of server.log from which a start begins a new one."""
_TRIES = 5

_launched: set[int] = set()
"""Servers that are children of this process."""


@dataclass(frozen=True)
class Postmaster:
    """What postmaster.pid says."""

    pid: int
    port: int | None
    ready: bool


def read(data: Path) -> Postmaster | None:
    """What postmaster.pid says, whether or not it is true."""
    try:
        # Lines: pid, data folder, start, port, socket folder, address, shared memory, status.
        lines = (data / "postmaster.pid").read_text("utf-8", "replace").split("\n")
        pid = abs(int(lines[0]))  # negative in single-user mode
    except (FileNotFoundError, ValueError):
        return None
    port = int(lines[3]) if len(lines) > 3 and lines[3].isdecimal() else None  # noqa: PLR2004 - as listed above
    return Postmaster(pid, port, port is not None and len(lines) > 7 and lines[7].strip() == "ready")  # noqa: PLR2004


def running(data: Path, *, patience: float = _PATIENCE) -> Postmaster | None:
    """The server that runs on the data, once it takes connections; None if there is none.

    Args:
        data: Its data folder.
        patience: Seconds to wait for one that is starting or stopping.

    Raises:
        TransientError: If it does neither end nor become ready.
    """
    deadline = time.monotonic() + patience
    while True:
        found = read(data)
        if found is None or not _works_on(found.pid, data):
            return None
        if found.ready:
            return found
        if time.monotonic() > deadline:
            raise _busy(data, found.pid, patience)
        time.sleep(0.02)


def _works_on(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL on these data, and not another one that got the number of a dead server."""
    if pid in _launched:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # a dead child stays in the process table until we ask
    if Path("/proc/self/cwd").exists():
        try:
            # The postmaster works inside of its data folder.
            program = Path(f"/proc/{pid}/exe").readlink().name
            return program.startswith("postgres") and Path(f"/proc/{pid}/cwd").samefile(data)
        except OSError:
            return False
    shown = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return f"postgres -D {data} " in shown.stdout


def launch(home: Path, programs: Programs) -> Postmaster:
    """Start the server and wait until it takes connections.

    Raises:
        ConfigurationError: If it ends instead.
        TransientError: If it takes too long, or processes of an earlier server still work on the data.
    """
    data, log = home / "data", home / "server.log"
    lock = os.open(data, os.O_RDONLY)
    try:
        hold(
            lock,
            _ORPHANS,
            f"Processes of an earlier server, perhaps in a container or on another machine, still work on {data}",
        )
        # None does: but PostgreSQL would take a process that got the number of the dead server for it.
        (data / "postmaster.pid").unlink(missing_ok=True)
        if log.exists() and log.stat().st_size > _LOG_SIZE:
            log.replace(log.with_name("server.log.old"))
        for attempt in range(1, _TRIES + 1):
            port = _free_port(_last_port(home) if attempt == 1 else 0)
            started, told = _attempt(data, log, port, lock, programs)
            if started is not None:
                (home / "port").write_text(str(port), "ascii")
                return started
            if "could not bind" not in told:  # somebody was quicker to take the port
                break
    finally:
        os.close(lock)
    full = "Free some space, then start it again. " if "No space left" in told else ""
    raise ConfigurationError(
        f"The embedded PostgreSQL in {home} did not start. It said:\n{told or '  nothing'}",
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
        begin = output.seek(0, os.SEEK_END)
        process = subprocess.Popen(  # noqa: S603 - our own program and arguments, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            **programs.setting(),
        )
    _launched.add(process.pid)
    failpoint("postgres.embedded.launched")
    deadline = time.monotonic() + _PATIENCE
    try:
        while process.poll() is None:
            found = read(data)
            if found is not None and found.pid == process.pid and found.ready:
                return found, ""
            if time.monotonic() > deadline:
                raise _busy(data, process.pid, _PATIENCE)
            time.sleep(0.01)
    finally:
        process.returncode = process.returncode or 0  # it outlives us on purpose; without this, Python warns about that
    return None, _tail(log, begin)


def _busy(data: Path, pid: int, seconds: float) -> TransientError:
    return TransientError(
        f"The embedded PostgreSQL on {data} (process {pid}) has been starting or stopping for {seconds:g} s.",
        state="Its data are as they were.",
        next_step=f"See {data.with_name('server.log')}; after a crash it recovers first. Then try again.",
    )


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


def end(data: Path) -> bool:
    """Stop the server cleanly: connections are cut, what is committed is on disk.

    Returns:
        Whether one was running.

    Raises:
        TransientError: If it does not end.
    """
    found = read(data)
    if found is None or not _works_on(found.pid, data):
        return False
    os.kill(found.pid, signal.SIGINT)  # a "fast" shutdown
    deadline = time.monotonic() + _PATIENCE
    while _works_on(found.pid, data):
        if time.monotonic() > deadline:
            raise TransientError(
                f"The embedded PostgreSQL on {data} (process {found.pid}) has not stopped for {_PATIENCE:g} s.",
                state="What is committed is kept.",
                next_step=f"See {data.with_name('server.log')}, then try again.",
            )
        time.sleep(0.02)
    return True
