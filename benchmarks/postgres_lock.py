"""How long others wait when `replace` swaps tables: a reader asks for one row again and again, by a process of its own.

    python benchmarks/postgres_lock.py [--rows 1000000] [--loads 5]

Two tables: lineitem with a primary key and two indexes, and the small one of the tests that has one of each thing which belongs
to a table. The reader's longest wait in each publish has all that the lock takes; beside it the longest wait of as many seconds
without a load, which is what the machine takes by itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from pyspark.sql import functions as f

from load_ways import connection_info
from postgres_load import connection_variables, prepared
from shapes import SHAPES
from stoker.postgres.connections.connection import connect
from stoker.postgres.loading import PostgresLoad
from stoker.postgres.modes.choice import Mode
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

EVERYTHING = Path(__file__).parents[1] / "tests" / "postgres" / "everything.sql"
_KEYS = """
ALTER TABLE lineitem ADD PRIMARY KEY (l_orderkey, l_linenumber);
CREATE INDEX ON lineitem (l_shipdate);
CREATE INDEX ON lineitem (l_partkey, l_suppkey)
"""


@dataclass(frozen=True)
class Table:
    """One that is replaced."""

    title: str
    name: str
    frame: DataFrame


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What others wait for a swap.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of lineitem (default: 1000000)")
    parser.add_argument("--loads", type=int, default=5, help="of each table (default: 5)")
    parser.add_argument("--read", metavar="TABLE", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        _read(given.read)
        return
    with prepared(SHAPES["lineitem"], "append", given.rows) as (folder, server):
        os.environ.update(connection_variables(server))
        _measure(folder, given.loads)


def _measure(folder: Path, loads: int) -> None:
    db = connect(connection_info())
    for statement in _KEYS.split(";"):
        db.run(statement)
    db.run("CREATE ROLE everything_reader")
    db.run("CREATE SCHEMA everything")
    for statement in EVERYTHING.read_text("utf-8").replace("{s}", "everything").split(";\n"):
        if statement.strip():
            db.run(statement)
    spark = obtain_session({"spark.master": "local[2]"}, application="lock", scratch=folder / "spark").spark
    tables = [
        Table("lineitem, a key, two indexes", "lineitem", spark.read.parquet(str(folder / "lineitem"))),
        Table(
            "one of each thing",
            "everything.t",
            spark.range(1000).select("id", f.lit("x").alias("run")),
        ),
    ]
    print(
        "| table | rows | the longest wait of each publish, ms | median | the longest of one second without | \n|---|---|---|---|---|"
    )
    for table in tables:
        without = _longest(table, lambda: time.sleep(1))
        waits = [_load(table, number) for number in range(loads)]
        told = ", ".join(f"{wait:.0f}" for wait in waits)
        print(f"| {table.title} | {table.frame.count():,} | {told} | {median(waits):.0f} | {without:.0f} |", flush=True)


def _load(table: Table, number: int) -> float:
    """One load; milliseconds."""
    load = PostgresLoad(
        connection_info(), table.name, mode=Mode("replace", strategy="swap"), run_id=f"r{number}", sink=table.name
    )
    try:
        load.prepare(table.frame.schema)
        load.stage(table.frame)
        return _longest(table, load.publish)
    finally:
        load.discard()


def _longest(table: Table, work: Callable[[], object]) -> float:
    """The longest of the queries that are asked while something is done, in milliseconds."""
    with subprocess.Popen(
        [sys.executable, __file__, "--read", table.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdout.readline()  # it has begun
        work()
        reader.stdin.close()
        return float(reader.stdout.read())


def _read(table: str) -> None:
    """Ask until standard input ends; print the longest wait in milliseconds."""
    db = connect(connection_info())
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    longest = 0.0
    db.run(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - ours
    print("begun", flush=True)
    while not over.is_set():
        start = time.monotonic()
        db.run(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - ours
        longest = max(longest, time.monotonic() - start)
        time.sleep(0.001)
    print(longest * 1000)


if __name__ == "__main__":
    main()
