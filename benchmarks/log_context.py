"""What `log_context` costs while there is a Spark session: `python benchmarks/log_context.py [--blocks 2000]`.

Tasks know the context of the driver's thread as a local property. One block is entered and left, with a run's fields around it:
without a session, and with one whose workers are configured, while it does nothing and while a job keeps its cores busy; and with a
call into the JVM in the block, before which Spark is told the block's fields.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from stoker import logs
from stoker.spark.java import find_java

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUN = {"run_id": "20261124T120315.042Z-3f9a1c", "job": "flights", "pipeline": "delays", "step": "stage", "attempt": 1}


def microseconds(blocks: int, work: Callable[[], object] = lambda: None) -> list[float]:
    """What each of so many blocks takes that does the work."""
    took = []
    with logs.log_context(**RUN):
        for number in range(blocks):
            begin = time.perf_counter()
            with logs.log_context(batch=number):
                work()
            took.append((time.perf_counter() - begin) * 1e6)
    return took


def measured(spark: SparkSession, blocks: int) -> Iterator[tuple[str, list[float]]]:
    """Each case with what its blocks take."""
    yield "no session", microseconds(blocks)
    logs.configure_workers(spark)
    microseconds(blocks // 4)  # the JVM's compiler
    yield "a session", microseconds(blocks)
    call = spark.sparkContext._jsc.startTime  # noqa: SLF001 - the cheapest call
    yield "a call into the JVM, without a block", _alone(blocks, call)
    yield "a session, and that call in it", microseconds(blocks, call)
    spark_context, over = spark.sparkContext, threading.Event()

    def work() -> None:
        while not over.is_set():
            spark_context.parallelize(range(200_000), 2).map(lambda n: n % 7).sum()

    thread = threading.Thread(target=work)
    thread.start()
    yield "a session at work", microseconds(blocks)
    over.set()
    thread.join()


def _alone(blocks: int, call: Callable[[], object]) -> list[float]:
    """What so many calls take while the context stays."""
    took = []
    for _ in range(blocks):
        begin = time.perf_counter()
        call()
        took.append((time.perf_counter() - begin) * 1e6)
    return took


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=2_000)
    blocks = parser.parse_args().blocks
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("JAVA_HOME", str(find_java(Path(scratch)).home))
        logs.configure("production", logs.LoggingSettings(destinations=("spool",), spool=Path(scratch)))
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
        print("| a block, entered and left, us | p50 | p99 |\n|---|---|---|")
        for name, took in measured(spark, blocks):
            print(f"| {name} | {statistics.median(took):,.0f} | {statistics.quantiles(took, n=100)[98]:,.0f} |")
        spark.stop()


if __name__ == "__main__":
    main()
