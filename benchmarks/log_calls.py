"""What a log call costs its caller: `python benchmarks/log_calls.py [--lines 20000]`.

The standard library's `FileHandler` with time, level, logger and message is 1.0. Every other writes JSON with a context of five fields
to a file: Stoker's spool (with redaction; with extra fields; with ten known secrets), and structlog, loguru and python-json-logger
behind a `QueueHandler`, as far as they are installed. They take turns, some calls each, so that what else the machine does meets all.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import logging.handlers
import queue
import random
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker import logs, secrets
from stoker.logs.handler import LineHandler
from stoker.logs.json_lines import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Callable

TURN = 500
"""Calls of one contender before the next one's turn: few first ones, which find nothing in the processor's caches."""
CONTEXT = {
    "run_id": "20261124T120315.042Z-3f9a1c",
    "job": "flights",
    "pipeline": "daily_delays",
    "step": "stage",
    "attempt": 1,
}
MESSAGE, ARGUMENTS = "loaded %d rows from %s in %.1f s", (12345, "s3://bucket/flights", 1.25)
EXTRA = {"batch": 7, "source": "airports"}


@dataclass
class Contender:
    """One way to log the same line."""

    name: str
    call: Callable[[], object]
    idle: Callable[[], bool] = lambda: True
    """Whether nothing of it is left to be done by a thread of its own."""
    nanoseconds: list[int] = field(default_factory=list)

    def turn(self) -> None:
        """Some calls, each with its time."""
        clock, call, add = time.perf_counter_ns, self.call, self.nanoseconds.append
        for _ in range(TURN):
            begin = clock()
            call()
            add(clock() - begin)
        while not self.idle():
            time.sleep(0.0005)

    def microseconds(self, share: float) -> float:
        """A percentile."""
        ordered = sorted(self.nanoseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1000


def logger_with(name: str, handler: logging.Handler) -> logging.Logger:
    """A logger of its own."""
    logger = logging.getLogger(f"flights.{name}")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    return logger


def own(folder: Path) -> list[Contender]:
    """The standard library and Stoker."""
    plain = logging.FileHandler(folder / "plain.log")
    plain.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    standard = logger_with("plain", plain)
    bare = logger_with("bare", logging.FileHandler(folder / "bare.log"))
    ours = logger_with("ours", LineHandler(JsonFormatter(), [logs.Spool(folder / "spool")]))

    return [
        Contender("stdlib FileHandler, plain text", lambda: standard.info(MESSAGE, *ARGUMENTS)),
        Contender("stdlib FileHandler, message alone", lambda: bare.info(MESSAGE, *ARGUMENTS)),
        Contender("stoker: JSON, context, redaction, spool", lambda: ours.info(MESSAGE, *ARGUMENTS)),
        Contender("stoker: with two extra fields", lambda: ours.info(MESSAGE, *ARGUMENTS, extra=EXTRA)),
        Contender("stdlib debug call that is off", lambda: standard.debug(MESSAGE, *ARGUMENTS)),
        Contender("stoker debug call that is off", lambda: ours.debug(MESSAGE, *ARGUMENTS)),
        Contender(
            "stoker debug call that is off, lazy", lambda: ours.debug("%s", logs.lazy(lambda: json.dumps(EXTRA)))
        ),
    ]


def structlog_contender(folder: Path, stack: ExitStack) -> Contender:
    """As its documentation has it for files."""
    import structlog

    file = stack.enter_context((folder / "structlog.log").open("w"))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=file),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(**CONTEXT)
    logger = structlog.get_logger()
    return Contender("structlog: JSON, context", lambda: logger.info(MESSAGE, *ARGUMENTS))


def loguru_contender(folder: Path, stack: ExitStack) -> Contender:
    """One file, JSON."""
    from loguru import logger

    logger.remove()
    logger.add(folder / "loguru.log", serialize=True)
    stack.enter_context(logger.contextualize(**CONTEXT))
    return Contender("loguru: JSON, context", lambda: logger.info("loaded {} rows from {} in {:.1f} s", *ARGUMENTS))


def queue_contender(folder: Path, stack: ExitStack) -> Contender:
    """The thread that writes shares the interpreter with its callers."""
    from pythonjsonlogger.json import JsonFormatter as Theirs

    file = logging.FileHandler(folder / "queue.log")
    file.setFormatter(Theirs("%(asctime)s %(levelname)s %(name)s %(message)s"))
    lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(lines, file)
    listener.start()
    stack.callback(listener.stop)
    logger = logger_with("queue", logging.handlers.QueueHandler(lines))
    return Contender(
        "python-json-logger behind QueueHandler", lambda: logger.info(MESSAGE, *ARGUMENTS, extra=CONTEXT), lines.empty
    )


OTHERS = {"structlog": structlog_contender, "loguru": loguru_contender, "pythonjsonlogger": queue_contender}


def show(contenders: list[Contender], of: Contender) -> None:
    """The table: microseconds, and ratios to one of them."""
    print(f"{'':<44} {'p50 us':>8} {'p99 us':>8} {'p99.9':>8} {'p50 x':>6} {'p99 x':>6}")
    for each in contenders:
        half, most, nearly = (each.microseconds(share) for share in (0.5, 0.99, 0.999))
        print(
            f"{each.name:<44} {half:8.2f} {most:8.2f} {nearly:8.2f} {half / of.microseconds(0.5):6.2f} "
            f"{most / of.microseconds(0.99):6.2f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20_000, help="calls of each contender")
    parser.add_argument("--secrets", type=int, default=0, help="how many secrets the process knows")
    chosen = parser.parse_args()
    for number in range(chosen.secrets):
        secrets.remember(f"Secret{number}+of/a=warehouse")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack, logs.log_context(**CONTEXT):
        folder = Path(name)
        contenders = own(folder)
        for module, make in OTHERS.items():
            if importlib.util.find_spec(module) is None:
                print(f"{module} is not installed")
            else:
                contenders.append(make(folder, stack))
        for _ in range(chosen.lines // TURN):
            for contender in random.sample(contenders, len(contenders)):
                contender.turn()
        off = [each for each in contenders if "off" in each.name]
        show([each for each in contenders if each not in off], contenders[0])
        show(off, off[0])


if __name__ == "__main__":
    main()
