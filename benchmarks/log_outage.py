"""Log lines over an outage of S3: how many are lost, and how many arrive twice.

    python benchmarks/log_outage.py [--runs N] [--lines N] [--ways NAME ...] [--jobs N]

A process logs as in production, to S3 (moto, which is made to fail) and the spool. The outage begins when objects of it have arrived,
lasts until some puts have failed, and ends before the last lines are logged; where in the lines it begins and ends differs from
run to run. When the process has ended, all that is in S3 is counted, and what it left in the spool. Runs are side by side, as
many as `--jobs` says: only lines are counted, and no time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from stoker import logs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.s3 import S3Server, s3_server

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = {
    "connections are refused": "refused",
    "a black hole": "black hole",
    "503": "ServiceUnavailable",
    "SlowDown": "SlowDown",
    "AccessDenied": "AccessDenied",
    "an expired token": "ExpiredToken",
    "half a body": "half a body",
    "the answer is lost": "lost answer",
    "half an answer": "half an answer",
}
_FAILURES = 2
"""Puts that fail before the outage ends."""
_PATIENCE = 60.0
_KEY = "x"


@dataclass(frozen=True)
class Counted:
    """What became of the lines of one run."""

    lost: int
    twice: int
    in_spool: int
    failures: int
    objects: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Log lines over an outage of S3.")
    parser.add_argument("--runs", type=int, default=3, help="of each way (default: 3)")
    parser.add_argument("--lines", type=int, default=20_000, help="of each run (default: 20,000)")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS), help="only these")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side (default: 2)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        spool, *ends = given.child
        child(Path(spool), [*map(int, ends), given.lines])
        return
    print(f"{given.runs} runs of {given.lines:,} lines each\n")
    print("| S3 | lost | twice | left in the spool | puts that failed | objects |\n|---|---|---|---|---|---|")
    for way in given.ways:
        with ProcessPoolExecutor(given.jobs) as pool:
            found = list(pool.map(partial(run, WAYS[way], given.lines), range(given.runs)))
        print(
            f"| {way} | {' | '.join(f'{value:,}' for value in map(sum, zip(*map(_cells, found), strict=True)))} |",
            flush=True,
        )


def _cells(counted: Counted) -> tuple[int, ...]:
    return counted.lost, counted.twice, counted.in_spool, counted.failures, counted.objects


def run(fault: str, lines: int, number: int) -> Counted:
    """One process and one outage.

    Args:
        fault: As `S3Server` names it.
        lines: That are logged.
        number: Of the run: where the outage begins and ends depends on it.
    """
    chosen = random.Random(number)  # noqa: S311 - no secret
    begin, end = sorted(chosen.sample(range(lines // 10, lines * 9 // 10), 2))
    with s3_server() as server, tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        client(server).create_bucket(Bucket="logs")
        spool = Path(scratch) / "spool"
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": _KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        command = [sys.executable, __file__, "--lines", str(lines), "--child", str(spool), str(begin), str(end)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, env=environ, text=True, **pipes) as process:
            _heard(process, begin)
            _until(lambda: bool(server.puts()))
            _fail(server, fault)
            _tell(process)
            _heard(process, end)
            _until(lambda: fault == "refused" or server.held.is_set() or server.faults >= _FAILURES)
            if fault == "refused":
                time.sleep(chosen.uniform(0, 2))
            failures = server.faults
            _recover(server, fault)
            _tell(process)
            process.wait(_PATIENCE)
        return count(server, spool, lines, failures)


def child(spool: Path, ends: list[int]) -> None:
    """Log, and wait at each of the ends; in the process that is measured."""
    settings = logs.LoggingSettings(
        level="INFO", destinations=(), spool=spool, s3="s3://logs/benchmark", s3_seconds=0.1, segment_mib=0.25
    )
    logs.configure("production", settings)
    logger = logging.getLogger("flights.transformers")
    done = 0
    with logs.run_context(run_id="20261126T070000.042Z-3f9a1c", job="flights"):
        for end in ends:
            for number in range(done, end):
                logger.info("line %d", number, extra={"n": number})
            done = end
            sys.stdout.write(f"{done}\n")
            sys.stdout.flush()
            if end != ends[-1]:
                sys.stdin.readline()


def count(server: S3Server, spool: Path, lines: int, failures: int) -> Counted:
    """What is there of the lines, now that the process has ended."""
    found = client(server).list_objects_v2(Bucket="logs").get("Contents", [])
    seen = [0] * lines
    for each in found:
        content = client(server).get_object(Bucket="logs", Key=each["Key"])["Body"].read()
        for line in gzip.decompress(content).splitlines():
            context = json.loads(line)["context"]
            if "n" in context:
                seen[int(context["n"])] += 1
    left = sum(path.is_file() for path in spool.rglob("*.jsonl*"))
    return Counted(seen.count(0), sum(times > 1 for times in seen), left, failures, len(found))


def client(server: S3Server) -> Any:
    """Of the server."""
    return boto3.client(
        "s3", endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key=_KEY, region_name="us-east-1"
    )


def _heard(process: subprocess.Popen[str], end: int) -> None:
    """Wait until the process has logged so many lines."""
    assert process.stdout is not None
    told = process.stdout.readline().strip()
    if told != str(end):
        raise RuntimeError(f"the process said {told!r} instead of {end}")


def _tell(process: subprocess.Popen[str]) -> None:
    """Have the process go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > _PATIENCE:
            raise TimeoutError
        time.sleep(0.01)


def _fail(server: S3Server, fault: str) -> None:
    if fault == "refused":
        server.refuse()
    else:
        server.fault = fault


def _recover(server: S3Server, fault: str) -> None:
    server.fault = None
    server.free()
    if fault == "refused":
        server.listen()


if __name__ == "__main__":
    main()
