"""What a log call costs its caller: `python benchmarks/log_calls.py [--lines 20000] [--rivals PYTHON]`.

The standard library's `FileHandler` with time, level, logger and message is 1.0. Every other writes JSON with a context of five
fields: Stoker to its spool (with redaction; with extra fields), and with `--rivals` structlog, loguru, python-json-logger behind a
`QueueHandler`, and watchtower, with CloudWatch Logs (moto) and with nobody there. They take turns, some calls each, so that what
else the machine does meets all; between turns each may finish what its threads have to do.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from log_rivals import RIVALS, add_packages, logger_with
from log_shipping import ACCOUNT, moto
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
TITLES = {
    "structlog": "structlog: JSON, context",
    "loguru": "loguru: JSON, context",
    "queue": "python-json-logger behind QueueHandler",
    "watchtower": "watchtower: JSON, context, CloudWatch",
    "watchtower, down": "watchtower, with CloudWatch down",
}


@dataclass
class Contender:
    """One way to log the same line."""

    name: str
    call: Callable[[], object]
    settle: Callable[[], object] = lambda: None
    """Waits until nothing of it is left to be done by a thread of its own."""
    nanoseconds: list[int] = field(default_factory=list)

    def turn(self) -> None:
        """Some calls, each with its time."""
        clock, call, add = time.perf_counter_ns, self.call, self.nanoseconds.append
        for _ in range(TURN):
            begin = clock()
            call()
            add(clock() - begin)
        self.settle()

    def microseconds(self, share: float) -> float:
        """A percentile."""
        ordered = sorted(self.nanoseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1000


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


def rivals(folder: Path, url: str) -> list[Contender]:
    """The others."""
    made = {name: make(folder, CONTEXT, url) for name, make in RIVALS.items()}
    return [
        Contender(TITLES[name], partial(each.info, MESSAGE, *ARGUMENTS), each.settle) for name, each in made.items()
    ]


def show(contenders: list[Contender], of: Contender) -> None:
    """The table: microseconds, and ratios to one of them."""
    print(f"{'':<44} {'p50 us':>8} {'p99 us':>8} {'p99.9 us':>8} {'p50 x':>6} {'p99 x':>6}")
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
    parser.add_argument(
        "--rivals", metavar="PYTHON", help="one of the same version that has what log_rivals.py asks for"
    )
    chosen = parser.parse_args()
    for number in range(chosen.secrets):
        secrets.remember(f"Secret{number}+of/a=warehouse")
    os.environ |= ACCOUNT
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack, logs.log_context(**CONTEXT):
        contenders = own(Path(name))
        if chosen.rivals:
            add_packages(chosen.rivals)
            contenders += rivals(Path(name), stack.enter_context(moto()))
        for _ in range(chosen.lines // TURN):
            for contender in random.sample(contenders, len(contenders)):
                contender.turn()
        off = [each for each in contenders if "off" in each.name]
        show([each for each in contenders if each not in off], contenders[0])
        show(off, off[0])


if __name__ == "__main__":
    main()
