"""Log lines into S3 (moto, in a process of its own): how many a second, what it costs, and whether a caller waits.

    python benchmarks/log_shipping.py [--seconds S] [--ways NAME ...]

A process logs through `logging` as production does, with a run's context: at full rate, or 30,000 lines a second. Then all
that has arrived is counted. The black hole takes connections and never answers. To the spool only is the same work without
shipping, and without any destination is Python's logging alone. Each call is measured; from one that takes long, the time is
taken off in which the thread could have run and had no processor (Linux tells).
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil

from stoker import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).resolve().parents[1] / "tests" / "support" / "s3.py"
NOWHERE = "30,000 lines/s, to no destination"
SPOOL = ("full rate, spool only", "30,000 lines/s, spool only")
WAYS = {
    "full rate": 0,
    SPOOL[0]: 0,
    "30,000 lines/s": 30_000,
    "30,000 lines/s, black hole": 30_000,
    SPOOL[1]: 30_000,
    NOWHERE: 30_000,
}
"""Lines a second; 0 for as many as can be."""
ARRIVE = ("full rate", "30,000 lines/s")
PUT, STORED, INGESTED, OVERHEAD = 0.005 / 1_000, 0.023 / 2**30, 0.50 / 2**30, 26
"""List prices of us-east-1 in USD: a PUT, a byte a month, a byte into CloudWatch Logs, and the bytes it adds to each line."""
ACCOUNT = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
"""Environment variables of an account that moto takes."""
_WARM = 20_000
_KEY = "x"
_TICKS = 1e7
"""A second, in the units that calls are counted by."""
HEADINGS = (
    "way",
    "lines",
    "lines/s",
    "in S3",
    "PUTs per 100,000 lines",
    "bytes a line",
    "in S3, compressed",
    "memory growth MB",
    "p50 us",
    "p99 us",
    "longest ms",
    "longest ms, with a processor",
    "CPU s",
    "end s",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Log lines into S3.")
    parser.add_argument("--seconds", type=float, default=60, help="of each way (default: 60)")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS), help="only these")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        spool, way, seconds = given.child
        print(json.dumps(measure(Path(spool), way, float(seconds))))
        return
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
    costs: list[str] = []
    for way in given.ways:
        cells, cost = row(way, given.seconds)
        print(f"| {' | '.join(cells)} |", flush=True)
        costs += cost
    print("\n".join(["", *costs]))


def row(way: str, seconds: float) -> tuple[list[str], list[str]]:
    """One way, as cells; and what such lines cost."""
    place = moto() if way in ARRIVE else black_hole()
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch, place as url:
        environ = {**os.environ, **ACCOUNT, "AWS_ENDPOINT_URL": url}
        command = [sys.executable, __file__, "--child", scratch, way, str(seconds)]
        done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
        end = time.time()
        told = json.loads(done.stdout)
        lines, size, puts, packed = arrived(url) if way in ARRIVE else (0, 0, 0, 0)
    cells = [
        way,
        f"{told['lines']:,}",
        f"{(told['lines'] - _WARM) / told['seconds']:,.0f}",
        "all, once" if lines == told["lines"] else f"{lines:,}",
        f"{puts / told['lines'] * 100_000:.2f}",
        f"{size / lines:.0f}" if lines else "",
        f"{packed / lines:.0f}" if lines else "",
        f"{told['growth'] / 1e6:.1f}",
        f"{told['p50'] * 1e6:.1f}",
        f"{told['p99'] * 1e6:.1f}",
        f"{told['longest'] * 1e3:.1f}",
        f"{told['longest_own'] * 1e3:.1f}",
        f"{told['cpu']:.1f}",
        f"{end - told['ended']:.1f}",
    ]
    share = 100_000 / told["lines"]
    cost = (
        f"100,000 lines ({way}) in USD: PUTs {puts * share * PUT:.7f}, a month in S3 {packed * share * STORED:.7f}; "
        f"for comparison into CloudWatch Logs {(size * share + 100_000 * OVERHEAD) * INGESTED:.4f}"
    )
    return cells, [cost] if lines else []


@contextmanager
def moto() -> Iterator[str]:
    """A server with the bucket `logs`, in a process of its own."""
    # It tells of each client that is killed.
    quiet = {"stderr": subprocess.DEVNULL}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, **quiet}
    with subprocess.Popen([sys.executable, SERVER], **pipes) as server:
        url = server.stdout.readline().strip() if server.stdout else ""
        client(url).create_bucket(Bucket="logs")
        yield url
        server.terminate()


@contextmanager
def black_hole() -> Iterator[str]:
    """A socket that listens, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def client(url: str) -> Any:
    """Of the server."""
    return boto3.client(
        "s3", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key=_KEY, region_name="us-east-1"
    )


def arrived(url: str) -> tuple[int, int, int, int]:
    """Lines that are there (0 if one is there twice), their bytes, objects, and their bytes."""
    seen: set[bytes] = set()
    lines = size = packed = 0
    found = client(url).list_objects_v2(Bucket="logs")["Contents"]
    for each in found:
        content = client(url).get_object(Bucket="logs", Key=each["Key"])["Body"].read()
        packed += len(content)
        for line in gzip.decompress(content).splitlines(keepends=True):
            seen.add(line.partition(b'"msg":')[2])
            lines += 1
            size += len(line)
    return lines if len(seen) == lines else 0, size, len(found), packed


def measure(spool: Path, way: str, seconds: float) -> dict[str, float]:
    """Log in this process; what it took."""
    s3 = None if way in (NOWHERE, *SPOOL) else "s3://logs/benchmark"
    destinations = ("spool",) if way in SPOOL else ()
    settings = logs.LoggingSettings(level="INFO", destinations=destinations, spool=spool, s3=s3, s3_seconds=10)
    logs.configure("production", settings)
    with (
        logs.run_context(run_id="20261126T070000.042Z-3f9a1c", job="flights"),
        logs.log_context(pipeline="daily_delays", step="transform", attempt=1),
    ):
        return {**_log(WAYS[way], seconds), "ended": time.time()}


def _log(rate: int, seconds: float) -> dict[str, float]:
    logger, process, clock = logging.getLogger("flights.transformers"), psutil.Process(), time.perf_counter
    waits, lines, longest, longest_own = [0] * 1_000_000, 0, 0.0, 0.0
    for number in range(_WARM):
        logger.info("warm %d", number)
    before = peak = process.memory_info().rss
    used, start = time.process_time(), clock()
    while (now := clock()) - start < seconds:
        goal = int((now - start) * rate) if rate else lines + 100
        stood = _without_processor()
        while lines < goal:
            begun = clock()
            logger.info("batch %d of %d took %.3f s", lines, lines + 7, lines / 3)
            took = clock() - begun
            waits[min(int(took * _TICKS), len(waits) - 1)] += 1
            lines += 1
            longest = max(longest, took)
            if took > longest_own:
                now_stood = _without_processor()
                longest_own, stood = max(longest_own, took - (now_stood - stood)), now_stood
        peak = max(peak, process.memory_info().rss)
        if rate:
            time.sleep(0.002)
    return {
        "lines": lines + _WARM,
        "seconds": now - start,
        "growth": peak - before,
        "cpu": time.process_time() - used,
        "p50": _share(waits, 0.5),
        "p99": _share(waits, 0.99),
        "longest": longest,
        "longest_own": longest_own,
    }


def _without_processor() -> float:
    """The seconds in which this thread could have run, and another one did."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text("ascii").split()[1]) / 1e9
    except OSError:
        return 0.0


def _share(waits: list[int], share: float) -> float:
    """The seconds within which that share of the calls were done."""
    wanted = share * sum(waits)
    for at, count in enumerate(waits):
        wanted -= count
        if wanted <= 0:
            return at / _TICKS
    raise AssertionError


if __name__ == "__main__":
    main()
