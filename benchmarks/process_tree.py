"""CPU and wall seconds of a command with everything that it starts, exactly: all of it is waited for.

A sample by pid misses what ends between two looks, and `getrusage` misses the JVM, for which Python does not wait. So the
command runs below a small process that adopts orphans (Linux: `PR_SET_CHILD_SUBREAPER`) and waits until none is left.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 900.0
"""Seconds for one command."""


@dataclass(frozen=True)
class Usage:
    """What a command took."""

    cpu: float
    """Seconds, user and system, of the command and all its descendants."""
    wall: float
    """Seconds from the start to the end of the command itself."""


def measure(command: Sequence[str], *, folder: Path, environ: Mapping[str, str], log: Path) -> Usage:
    """Run a command in a process tree of its own.

    Args:
        command: The program and its arguments.
        folder: The working folder.
        environ: The environment variables.
        log: Takes the output.

    Raises:
        RuntimeError: If the command fails, with the end of its output.
    """
    with tempfile.TemporaryDirectory() as scratch, log.open("wb") as output:
        answer = Path(scratch) / "usage.json"
        subprocess.run(
            [sys.executable, __file__, str(answer), *command],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=_PATIENCE,
            check=False,
        )
        told = json.loads(answer.read_text("utf-8"))
    if told["code"] != 0:
        end = "\n".join(log.read_text("utf-8", "replace").splitlines()[-30:])
        raise RuntimeError(f"{command[0]} ended with {told['code']}:\n{end}")
    return Usage(told["cpu"], told["wall"])


def _adopt_and_wait(answer: Path, command: Sequence[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    start = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    wall = time.monotonic() - start
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer.write_text(json.dumps({"code": code, "cpu": used.ru_utime + used.ru_stime, "wall": wall}), "utf-8")


if __name__ == "__main__":
    _adopt_and_wait(Path(sys.argv[1]), sys.argv[2:])
