"""A folder of very many tiny files: what it costs to look at it, beside Spark's own reader.

    python benchmarks/small_files.py [--files N] [--way NAME]

Each way runs in a fresh process, up to the frame: no row is read. Printed are the seconds, without those of the session's
start, the highest memory of the driver's Python and of its JVM, and how often Python called the JVM. Files are made in a
temporary folder (4 KiB of disk and an inode each), and removed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from py4j.clientserver import ClientServerConnection
from py4j.java_gateway import GatewayConnection

from flights_project import clean_environment
from stoker import Job, Pipeline, read, write
from stoker.config import find_config, load_config
from stoker.connectors.base import Context, Names
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import SparkSession

    from stoker.connectors.base import Source

SCHEMA = "id INT, name STRING"
_PATIENCE = 3600.0
"""Seconds for one way."""


def _source(source: Callable[[str], Source]) -> Callable[[SparkSession, Path], None]:
    """What a run does with a source before it starts a job."""

    def run(spark: SparkSession, folder: Path) -> None:
        config = load_config(find_config(explicit=folder / "stoker.toml"), environment="development")
        context = Context(spark, Names(config), run_id="benchmark", job="benchmark", pipeline="benchmark")
        one = source(str(folder / "many"))
        one.fingerprint(context)
        one.read(context)

    return run


def _append(spark: SparkSession, folder: Path) -> None:
    """One more file into a folder of so many."""
    (folder / "one.csv").write_text("id,name\n1,a\n", "utf-8")
    sink = write.csv(str(folder / "many"), mode="append", adopt=True)
    pipeline = Pipeline("append", extract={"rows": read.csv(str(folder / "one.csv"), schema=SCHEMA)}, load=sink)
    record = Job("append", [pipeline]).run(spark=spark, config=folder / "stoker.toml")
    if record.state != "succeeded":
        raise RuntimeError(record.state)


WAYS: dict[str, Callable[[SparkSession, Path], Any]] = {
    "spark.read.text": lambda spark, folder: spark.read.text(str(folder / "many")),
    "read.text": _source(read.text),
    "read.text, pattern": _source(lambda path: read.text(f"{path}/*.csv")),
    "spark.read.csv": lambda spark, folder: spark.read.csv(str(folder / "many"), schema=SCHEMA, header=True),
    "read.csv": _source(lambda path: read.csv(path, schema=SCHEMA)),
    "append": _append,
    "append again": _append,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Very many tiny files.")
    parser.add_argument("--files", type=int, default=1_000_000, help="how many (default: 1,000,000)")
    parser.add_argument("--way", action="append", choices=WAYS, help="only this (repeatable)")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(_measured(given.run, Path.cwd())))
        return
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        folder = Path(scratch)
        (folder / "stoker.toml").write_text("[environments.development]\n", "utf-8")
        _make(folder / "many", given.files)
        heads = f"{'s':>8}{'Python MiB':>12}{'JVM MiB':>9}{'calls':>9}"
        print(f"\n{given.files:,} files\n{'':<20}{heads}", flush=True)
        for way in given.way or WAYS:
            told = _in_a_process(way, folder)
            print(f"{way:<20}{told}", flush=True)


def _make(folder: Path, files: int) -> None:
    folder.mkdir()
    at = os.open(folder, os.O_RDONLY)
    for number in range(files):
        file = os.open(f"part-{number:07}.csv", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=at)
        os.write(file, b"id,name\n1,a\n")
        os.close(file)
    os.close(at)


def _in_a_process(way: str, folder: Path) -> str:
    command = [sys.executable, str(Path(__file__).resolve()), "--run", way]
    ended = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment({}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if ended.returncode != 0:
        return f"  failed: {ended.stderr.strip().splitlines()[-1]}"
    told = json.loads(ended.stdout.splitlines()[-1])
    return f"{told['seconds']:>8.1f}{told['python']:>12.0f}{told['jvm']:>9.0f}{told['calls']:>9,}"


def _measured(way: str, folder: Path) -> dict[str, float]:
    session = obtain_session({"spark.master": "local[*]"}, application="benchmark", scratch=folder)
    session.spark.range(1).schema  # noqa: B018 - loads what any frame needs
    with _counted() as calls:
        start = time.monotonic()
        WAYS[way](session.spark, folder)
        seconds = time.monotonic() - start
    gateway: Any = session.spark.sparkContext._gateway  # noqa: SLF001 - knows the process that we started
    jvm = gateway.proc.pid
    status = Path(f"/proc/{jvm}/status").read_text("utf-8")
    highest = int(status.partition("VmHWM:")[2].split()[0])
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    session.stop()
    return {"seconds": seconds, "python": own / 1024, "jvm": highest / 1024, "calls": len(calls)}


@contextlib.contextmanager
def _counted() -> Iterator[list[None]]:
    """Counts what Python sends to the JVM, by any of the two kinds of connection."""
    calls: list[None] = []

    def counted(send: Callable[..., Any]) -> Callable[..., Any]:
        def sends(*arguments: Any, **named: Any) -> Any:
            calls.append(None)
            return send(*arguments, **named)

        return sends

    with contextlib.ExitStack() as undo:
        for kind in (ClientServerConnection, GatewayConnection):
            undo.enter_context(mock.patch.object(kind, "send_command", counted(kind.send_command)))
        yield calls


if __name__ == "__main__":
    main()
