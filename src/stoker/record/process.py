"""The process that does a run or holds a lease, told from a later one with the same number."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process of one machine."""

    host: str
    pid: int
    started: str | None
    """When it started, in a form that tells a reused pid; only to be compared."""

    @classmethod
    def current(cls) -> Process:
        """This one."""
        return cls(socket.gethostname(), os.getpid(), started(os.getpid()))

    @property
    def is_here(self) -> bool:
        """Whether it is one of this machine, so that it can be looked at."""
        return self.host == socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Whether it is one of this machine, and there."""
        return self.is_here and self.started is not None and started(self.pid) == self.started

    @property
    def is_dead(self) -> bool:
        """Whether it is one of this machine, and gone."""
        return self.is_here and not self.is_alive

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def started(pid: int) -> str | None:
    """When a process of this machine started, in a form that tells a reused pid; None if there is none."""
    try:
        # Fields 3 (state) and 22 (start) of /proc/PID/stat; the name before them may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "alive"  # macOS: no start time without a library
