"""A process that logs and ends in one of many ways: `python ending.py FOLDER HOW LINES`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stoker import logs

if TYPE_CHECKING:
    from collections.abc import Callable


def exception() -> None:
    """Nobody catches it."""
    raise ValueError("the end")


def in_thread() -> None:
    """The main thread goes on and ends well."""
    thread = threading.Thread(target=exception, name="worker")
    thread.start()
    thread.join()


def terminate() -> None:
    """As `kill` does; the handler raises here or a moment later."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


ENDS: dict[str, Callable[[], object]] = {
    "exit": lambda: None,
    "exception": exception,
    "thread": in_thread,
    "SIGTERM": terminate,
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "os._exit": lambda: os._exit(7),
}


def main(folder: Path, how: str, lines: int) -> None:
    """Log the lines, then end."""
    logs.configure(
        "testing",
        logs.LoggingSettings(destinations=("spool",), spool=folder, segment_mib=0.5),
    )
    logger = logging.getLogger("ending")
    for number in range(lines):
        logger.info("line %d", number)
    ENDS[how]()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
