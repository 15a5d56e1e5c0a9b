"""What it costs to have fewer and larger files, and what they are without it.

    python benchmarks/file_sizes.py [--rounds N] [--times N]

Each shape of a job is written as Spark does it, through Spark's REBALANCE hint (which a framework could add to every
write), and with `files=`. CPU seconds are those of the JVM for the write; Spark jobs are counted by group.
"""

from __future__ import annotations

import argparse
import runpy
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil

from flights_project import EXAMPLE
from stoker.files.layout import Layout
from stoker.spark.session import LOCAL_DEFAULTS, obtain_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import DataFrame, SparkSession

AS_IS = "as Spark writes it"
Shape = tuple["Callable[[DataFrame], DataFrame]", tuple[str, ...]]
SHAPES: dict[str, Shape] = {
    "a scan": (lambda flights: flights, ()),
    "a scan, 1 row in 50": (lambda flights: flights.filter("pmod(hash(flight, day), 50) = 0"), ()),
    "a scan by month": (lambda flights: flights, ("month",)),
    "groups by month": (lambda flights: flights.groupBy("month", "day", "carrier", "dest").count(), ("month",)),
}


def ways(partition_by: tuple[str, ...]) -> Mapping[str, Callable[[DataFrame], DataFrame]]:
    """How a frame is arranged before it is written."""
    return {
        AS_IS: lambda frame: frame,
        "REBALANCE hint": lambda frame: frame.hint("rebalance", *partition_by),
        "files=1": Layout(partition_by, files=1).arranged,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Sizes of files and their cost.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default: 5)")
    parser.add_argument("--times", type=int, default=12, help="how many times the flights are read (default: 12)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        folder = Path(scratch)
        settings = {"spark.master": "local[*]", **LOCAL_DEFAULTS}
        session = obtain_session(settings, application="file sizes", scratch=folder)
        try:
            flights = _flights(session.spark, folder, given.times)
            print(f"{'':<22}{'':<20}{'files':>7}{'MB each':>9}{'Spark jobs':>12}{'CPU s':>8}{'ratio':>7}{'wall s':>8}")
            for name, (shape, partition_by) in SHAPES.items():
                _measure(session.spark, folder, name, shape(flights), partition_by, given.rounds)
        finally:
            session.stop()


def _flights(spark: SparkSession, folder: Path, times: int) -> DataFrame:
    """The flights, several times, as one Parquet file each."""
    runpy.run_path(str(EXAMPLE / "fetch_data.py"))["unpack"](folder / "data")
    frame = spark.read.csv(str(folder / "data" / "flights.csv"), header=True, inferSchema=True).coalesce(1)
    for _ in range(times):
        frame.write.mode("append").parquet(str(folder / "flights"))
    return spark.read.parquet(str(folder / "flights"))


def _measure(
    spark: SparkSession, folder: Path, shape: str, frame: DataFrame, partition_by: tuple[str, ...], rounds: int
) -> None:
    jvm = psutil.Process(spark.sparkContext._gateway.proc.pid)  # type: ignore[union-attr]  # noqa: SLF001 - ours
    seen: dict[str, list[tuple[float, float]]] = {}
    written: dict[str, tuple[int, float, int]] = {}
    for at in range(-1, rounds):
        for way, arranged in ways(partition_by).items():
            target, group = folder / "out", f"{shape} {way} {at}"
            spark.sparkContext.setJobGroup(group, group)
            before, start = _cpu(jvm), time.monotonic()
            writer = arranged(frame).write.mode("overwrite")
            (writer.partitionBy(*partition_by) if partition_by else writer).parquet(str(target))
            taken = _cpu(jvm) - before, time.monotonic() - start
            if at >= 0:  # the round before warms the JVM
                seen.setdefault(way, []).append(taken)
            sizes = [path.stat().st_size for path in target.rglob("*.parquet")]
            jobs = len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))
            written[way] = len(sizes), sum(sizes) / len(sizes) / 1e6, jobs
    for way, taken_by in seen.items():
        files, size, jobs = written[way]
        ratio = median(one[0] / other[0] for one, other in zip(taken_by, seen[AS_IS], strict=True))
        cpu, wall = (median(column) for column in zip(*taken_by, strict=True))
        print(f"{shape:<22}{way:<20}{files:>7}{size:>9.2f}{jobs:>12}{cpu:>8.1f}{ratio:>7.2f}{wall:>8.1f}", flush=True)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
