"""Standard error, as Python workers have it: a pipe that all workers of an executor share."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from typing import Any

from stoker.logs.handler import Console

LIMIT = 4_096
"""Bytes that a pipe takes in one piece, whoever else writes (`PIPE_BUF`)."""
_STDERR = 2
_FIRST_FRAMES = 2
_SHORTER = ((1_024, 24), (512, 12), (256, 6), (128, 2), (64, 0))
"""Characters of each text and last frames of a trace that are tried."""
_KEPT = ("run_id", "job", "pipeline", "stage", "partition", "task_attempt")
_CUT = b" ... [cut]\n"


class WorkerConsole(Console):
    """Writes each line by one `write(2)`, past `sys.stderr`, which Spark and others replace. To be made in the daemon.

    Args:
        driver: The process of the driver, if it is on this machine.
    """

    def __init__(self, driver: int | None = None) -> None:
        self._fd = _pipe_of(*filter(None, [driver, os.getppid()]))

    def write(self, line: bytes) -> None:
        """Write it, cut if it is too long."""
        with contextlib.suppress(OSError):
            os.write(self._fd, fitted(line))


def _pipe_of(*processes: int) -> int:
    """The standard error of the first of these processes that has a pipe there which can be had; else our own.

    Our own ends in the JVM, which copies what comes by pieces of 1,024 bytes, between which its own lines may come, and not to
    the end if it is killed. Into a file that a process does not append to nobody else can write.
    """
    for process in processes:
        with contextlib.suppress(OSError):  # not on macOS
            theirs = f"/proc/{process}/fd/{_STDERR}"
            if stat.S_ISFIFO(os.stat(theirs).st_mode):  # noqa: PTH116 - no file of a user's
                opened = os.open(theirs, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # which fails if nobody reads
                os.set_blocking(opened, True)
                return opened
    return _STDERR


def fitted(line: bytes) -> bytes:
    """A line that a pipe takes in one piece: of a longer one, the longest texts and the midst of the trace are cut, and it says so.

    Args:
        line: With its end.
    """
    if len(line) <= LIMIT:
        return line
    try:
        content = json.loads(line)
    except ValueError:  # it is for people
        return line[: LIMIT - len(_CUT)].decode("utf-8", "ignore").encode() + _CUT
    content.setdefault("context", {})["cut"] = f"{len(line):,} bytes"
    for longest, frames in _SHORTER:
        shorter = _encoded(_shortened(content, longest, frames))
        if len(shorter) <= LIMIT:
            return shorter
    known = {name: text for name, text in content["context"].items() if name in {*_KEPT, "cut"}}
    return _encoded(_shortened({**content, "context": known, "exception": None}, _SHORTER[-1][0], 0))


def _shortened(value: Any, longest: int, frames: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}... [cut: {len(value):,} characters]"
    if isinstance(value, dict):
        return {name[:longest]: _shortened(each, longest, frames) for name, each in value.items()}
    if isinstance(value, list):
        if len(value) > _FIRST_FRAMES + frames:
            left_out = {"class": None, "method": f"... {len(value) - _FIRST_FRAMES - frames} frames", "file": None}
            value = [*value[:_FIRST_FRAMES], {**left_out, "line": None}, *value[len(value) - frames :]]
        return [_shortened(each, longest, frames) for each in value]
    return value


def _encoded(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"
