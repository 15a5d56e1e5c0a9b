"""Lines that are lost when a process ends: `python benchmarks/log_loss.py [--runs 3] [--lines 20000]`.

A child logs, then ends in one of six ways. Stoker's spool, the standard library's `FileHandler` (both write in the thread that
logs), and a `QueueHandler` whose listener writes to a file, with the listener stopped by `atexit`.
"""

from __future__ import annotations

import argparse
import atexit
import logging
import logging.handlers
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def spool(folder: Path) -> None:
    """As `configure` sets it up."""
    from stoker import logs

    logs.configure("testing", logs.LoggingSettings(destinations=("spool",), spool=folder))


def direct(folder: Path) -> logging.Handler:
    """The standard library's."""
    handler = logging.FileHandler(folder / "x.jsonl")
    handler.setFormatter(logging.Formatter('{"msg":"%(message)s"}'))
    return handler


def file(folder: Path) -> None:
    """One write a line."""
    logging.basicConfig(level=logging.INFO, handlers=[direct(folder)])


def queued(folder: Path) -> None:
    """What most pages call asynchronous logging."""
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(lines, direct(folder))
    listener.start()
    atexit.register(listener.stop)
    logging.basicConfig(level=logging.INFO, handlers=[logging.handlers.QueueHandler(lines)])


WAYS: dict[str, Callable[[Path], None]] = {"spool": spool, "file": file, "queue": queued}


def fail() -> None:
    """Nobody catches it."""
    raise ValueError("the end")


def in_thread() -> None:
    """A thread ends by an exception, and the process goes on to its end."""
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def terminate() -> None:
    """As `kill` does."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)


ENDS: dict[str, Callable[[], object]] = {
    "exit": lambda: None,
    "exception": fail,
    "thread": in_thread,
    "SIGTERM": terminate,
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "os._exit": lambda: os._exit(0),
}


def child(way: str, end: str, folder: Path, lines: int) -> None:
    """Log and end."""
    WAYS[way](folder)
    logger = logging.getLogger("loss")
    for number in range(lines):
        logger.info("line %d", number)
    ENDS[end]()


def lost(way: str, end: str, lines: int) -> int:
    """How many lines of one child are not in its files."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, __file__, "--child", way, end, name, "--lines", str(lines)]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
        text = b"".join(path.read_bytes() for path in Path(name).glob("*.jsonl"))
    return lines - sum(b"line " in line for line in text.splitlines())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        way, end, folder = chosen.child
        child(way, end, Path(folder), chosen.lines)
        return
    print(f"lost of {chosen.lines:,} lines, most of {chosen.runs} runs")
    print(f"{'':<10}" + "".join(f"{way:>10}" for way in chosen.ways))
    for end in ENDS:
        most = [max(lost(way, end, chosen.lines) for _ in range(chosen.runs)) for way in chosen.ways]
        print(f"{end:<10}" + "".join(f"{number:>10,}" for number in most), flush=True)


if __name__ == "__main__":
    main()
