"""The server's process: found, proven by what the machine says of it, and ended.

A number in postmaster.pid proves nothing: the process may be dead, and its number another program's. Therefore the server
also inherits a lock on its data, which is free only when the last of its processes is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import TransientError
from stoker.postgres.embedded.home import claim

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0
"""Seconds for a start, with the recovery after a crash, and for a stop, with its checkpoint: as long as pg_ctl waits."""
_ORPHANS = 15.0
"""Seconds for the last processes of a killed server to see that it is gone."""

children: set[int] = set()
"""Servers that this process has launched."""


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


def running(data: Path, *, patience: float = PATIENCE) -> Postmaster | None:
    """The server that runs on the data, once it takes connections; None if there is none.

    Args:
        data: Its data folder.
        patience: Seconds to wait for one that is starting or stopping.

    Raises:
        TransientError: If it does neither end nor become ready.
    """
    deadline = time.monotonic() + patience
    while (found := _alive(data)) is not None and not found.ready:
        if time.monotonic() > deadline:
            raise busy(data, found.pid, patience)
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def claimed(data: Path) -> Iterator[int]:
    """Open what the server's lock is on; it is locked by `settled`.

    Yields:
        The file descriptor, for the server to inherit.
    """
    # Not the folder: NFS locks only what is open for writing.
    descriptor = os.open(data / "PG_VERSION", os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def settled(data: Path, lock: int) -> Postmaster | None:
    """The server, ready or not, or None when the lock is ours: then none runs, not even one just launched by a dead starter.

    Raises:
        TransientError: If processes work on the data, and none of them is a server that we can see.
    """
    deadline = time.monotonic() + _ORPHANS
    while True:
        found = _alive(data)
        if found is not None or claim(lock):
            return found
        if time.monotonic() > deadline:
            raise TransientError(
                f"Processes of an earlier server, perhaps in a container or on another machine, work on {data}.",
                state="Nothing was written.",
                next_step="Stop them where they were started, then try again.",
            )
        time.sleep(0.02)


def end(data: Path, server: Postmaster) -> None:
    """Stop a server that was just found alive, cleanly: connections are cut, what is committed is on disk.

    Raises:
        TransientError: If it does not end.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGINT)  # a "fast" shutdown
    deadline = time.monotonic() + PATIENCE
    while works_on(server.pid, data):
        if time.monotonic() > deadline:
            raise busy(data, server.pid, PATIENCE)
        time.sleep(0.02)


def _alive(data: Path) -> Postmaster | None:
    found = read(data)
    return found if found is not None and works_on(found.pid, data) else None


def works_on(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL on these data, and not another one that got the number of a dead server."""
    if pid in children:
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


def busy(data: Path, pid: int, seconds: float) -> TransientError:
    """It does not come to an end with starting or stopping."""
    return TransientError(
        f"The embedded PostgreSQL on {data} (process {pid}) has been starting or stopping for {seconds:g} s.",
        state="Its data are as they were.",
        next_step=f"See {data.with_name('server.log')}; after a crash it recovers first. Then try again.",
    )
