"""Other ways to log, for `log_calls.py` and `log_loss.py`, whose option `--rivals PYTHON` names a Python that has them.

pip install structlog loguru python-json-logger watchtower

Each writes JSON with a context, set up as its documentation has it. They run in this process, since calls of several processes
cannot be compared so well: that Python has to be of the same version.
"""

from __future__ import annotations

import atexit
import logging
import logging.handlers
import queue
import site
import socket
import subprocess
import time
import warnings
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

GROUP = "benchmark"
"""The log group in CloudWatch Logs."""


@dataclass
class Rival:
    """One that is set up."""

    info: Callable[..., object]
    """Logs at INFO a message with `%` and its arguments, as the standard library does."""
    settle: Callable[[], object] = lambda: None
    """Waits until nothing of it is left to be done by a thread of its own."""


def add_packages(python: str) -> None:
    """Let this process import what another Python has installed, after its own."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site.addsitedir(subprocess.check_output([python, "-c", code], text=True).strip())


def logger_with(name: str, handler: logging.Handler) -> logging.Logger:
    """A logger of its own."""
    logger = logging.getLogger(f"flights.{name}")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    return logger


def _structlog(folder: Path, context: Mapping[str, object], url: str) -> Rival:
    """Into a file."""
    del url
    theirs: Any = import_module("structlog")
    theirs.configure(
        processors=[
            theirs.contextvars.merge_contextvars,
            theirs.processors.add_log_level,
            theirs.processors.TimeStamper(fmt="iso"),
            theirs.stdlib.PositionalArgumentsFormatter(),
            theirs.processors.JSONRenderer(),
        ],
        logger_factory=theirs.WriteLoggerFactory(file=(folder / "structlog.jsonl").open("w")),
        cache_logger_on_first_use=True,
    )
    theirs.contextvars.bind_contextvars(**context)
    return Rival(theirs.get_logger().info)


def _loguru(folder: Path, context: Mapping[str, object], url: str) -> Rival:
    """Into a file. Its own messages have braces."""
    del url
    theirs: Any = import_module("loguru").logger
    theirs.remove()
    theirs.add(folder / "loguru.jsonl", serialize=True)
    theirs.configure(extra=dict(context))
    return Rival(lambda message, *arguments: theirs.info(message % arguments))


def _queued(folder: Path, context: Mapping[str, object], url: str) -> Rival:
    """What most pages call asynchronous logging: a queue, and a thread that writes what is in it to a file."""
    del url
    file = logging.FileHandler(folder / "queue.jsonl")
    file.setFormatter(_json())
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(lines, file)
    listener.start()
    atexit.register(listener.stop)

    def settle() -> None:
        while not lines.empty():
            time.sleep(0.0005)

    return Rival(partial(logger_with("queue", logging.handlers.QueueHandler(lines)).info, extra=context), settle)


def _watchtower(folder: Path, context: Mapping[str, object], url: str) -> Rival:
    """Into CloudWatch Logs: a queue, and a thread that sends what is in it."""
    del folder
    handler = _cloudwatch_handler(url, create_log_group=True)
    return Rival(partial(logger_with("watchtower", handler).info, extra=context), handler.flush)


def _watchtower_down(folder: Path, context: Mapping[str, object], url: str) -> Rival:
    """The same, where nobody answers; it could not begin if it had to make its group."""
    del folder, url
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        handler = _cloudwatch_handler(f"http://127.0.0.1:{nobody.getsockname()[1]}", create_log_group=False)
    return Rival(partial(logger_with("watchtower.down", handler).info, extra=context))


def _cloudwatch_handler(url: str, *, create_log_group: bool) -> Any:
    warnings.simplefilter("ignore")  # it warns of each batch that is not delivered
    handler = import_module("watchtower").CloudWatchLogHandler(
        GROUP, boto3_client=boto3.client("logs", endpoint_url=url), create_log_group=create_log_group
    )
    handler.setFormatter(_json())
    return handler


def _json() -> logging.Formatter:
    found: logging.Formatter = import_module("pythonjsonlogger.json").JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    return found


RIVALS: dict[str, Callable[[Path, Mapping[str, object], str], Rival]] = {
    "structlog": _structlog,
    "loguru": _loguru,
    "queue": _queued,
    "watchtower": _watchtower,
    "watchtower, down": _watchtower_down,
}
"""Each is given a folder, a context, and the URL of CloudWatch Logs. `queue` is python-json-logger behind a `QueueHandler`."""
