"""Lines that are lost when a process ends: `python benchmarks/log_loss.py [--runs 3] [--lines 20000] [--rivals PYTHON]`.

A child logs, then ends in one of six ways; and once more in order, with the service down to which it sends (S3, CloudWatch Logs).
Stoker's spool, the same with S3 (a line in either is there), the standard library's `FileHandler`; and with `--rivals` structlog,
loguru, python-json-logger behind a `QueueHandler` whose listener is stopped by `atexit`, and watchtower.
"""

from __future__ import annotations

import argparse
import gzip
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from log_calls import CONTEXT
from log_rivals import GROUP, RIVALS, add_packages
from log_shipping import ACCOUNT, moto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUCKET = "logs"
NOBODY = "http://127.0.0.1:1"


def spool(folder: Path, s3: str | None = None) -> Callable[..., object]:
    """As `configure` sets it up."""
    from stoker import logs

    logs.configure("testing", logs.LoggingSettings(destinations=("spool",), spool=folder, s3=s3))
    logs.note(**CONTEXT)
    return logging.getLogger("flights").info


def direct(folder: Path) -> Callable[..., object]:
    """The standard library's."""
    logging.basicConfig(level=logging.INFO, filename=folder / "x.jsonl", format='{"msg":"%(message)s"}')
    return logging.getLogger("flights").info


OWN: dict[str, Callable[[Path], Callable[..., object]]] = {
    "spool": spool,
    "spool, S3": lambda folder: spool(folder, f"s3://{BUCKET}/{folder.name}"),
    "FileHandler": direct,
}
THEIRS = ("structlog", "loguru", "queue", "watchtower")
SERVICE = ("spool, S3", "watchtower")
"""Those that send lines to a service."""


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


DOWN = "exit, service down"
ENDS: dict[str, Callable[[], object]] = {
    "exit": lambda: None,
    "exception": fail,
    "thread": in_thread,
    "SIGTERM": terminate,
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "os._exit": lambda: os._exit(0),
    DOWN: lambda: None,
}


def child(way: str, end: str, folder: Path, lines: int) -> None:
    """Log and end."""
    url = os.environ["AWS_ENDPOINT_URL"]
    rival = f"{way}, down" if end == DOWN else way
    info = OWN[way](folder) if way in OWN else RIVALS[rival](folder, CONTEXT, url).info
    for number in range(lines):
        info("line %d", number)
    ENDS[end]()


def lost(way: str, end: str, lines: int, rivals: str | None) -> int:
    """How many lines of one child are nowhere."""
    with tempfile.TemporaryDirectory() as name, moto() as url:
        command = [sys.executable, __file__, "--child", way, end, name, "--lines", str(lines)]
        environ = {**os.environ, "AWS_ENDPOINT_URL": NOBODY if end == DOWN else url}
        given = ["--rivals", rivals] if rivals else []
        subprocess.run([*command, *given], check=False, env=environ, stderr=subprocess.DEVNULL)
        return lines - len({line for line in arrived(Path(name), url) if "line " in line})


def arrived(folder: Path, url: str) -> Iterator[str]:
    """The lines in files, in S3 and in CloudWatch Logs."""
    for path in folder.rglob("*.jsonl*"):
        content = path.read_bytes()
        yield from (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()
    s3: Any = boto3.client("s3", endpoint_url=url)
    for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        content = s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
        yield from gzip.decompress(content).decode().splitlines()
    logs: Any = boto3.client("logs", endpoint_url=url)
    if logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP):
            yield from (event["message"] for event in page["events"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--ways", nargs="+", choices=[*OWN, *THEIRS], help="only these")
    parser.add_argument(
        "--rivals", metavar="PYTHON", help="one of the same version that has what log_rivals.py asks for"
    )
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    os.environ |= ACCOUNT
    if chosen.rivals:
        add_packages(chosen.rivals)
    if chosen.child:
        way, end, folder = chosen.child
        child(way, end, Path(folder), chosen.lines)
        return
    ways = chosen.ways or [*OWN, *(THEIRS if chosen.rivals else ())]
    print(f"lost of {chosen.lines:,} lines, most of {chosen.runs} runs")
    print(f"| the process ends by | {' | '.join(ways)} |\n|{'---|' * (len(ways) + 1)}")
    for end in ENDS:
        cells = [
            f"{max(lost(way, end, chosen.lines, chosen.rivals) for _ in range(chosen.runs)):,}"
            if end != DOWN or way in SERVICE
            else ""
            for way in ways
        ]
        print(f"| {end} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
