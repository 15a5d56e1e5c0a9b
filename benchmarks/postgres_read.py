"""Reading PostgreSQL: Stoker's COPY against Spark's JDBC source, all of a table and a part of it.

Each way has a process of its own, which reads the table several times into Spark's `noop` sink: the first read is cold, the
quickest of the others warm. Both read under one exported snapshot, cut by ranges of blocks. The ways take turns, so that what
else the machine does hits all of them. JDBC's driver comes from Maven Central.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from pg8000.native import Connection

from flights_project import clean_environment, server_cpu
from load_ways import DRIVER, connection_info
from postgres_load import connection_variables, prepared
from process_tree import measure
from shapes import SHAPES
from stoker.postgres.names import LoadTarget
from stoker.postgres.read.frame import frame, under_snapshot
from stoker.postgres.read.plan import Means
from stoker.postgres.read.ranges import by_place
from stoker.postgres.read.snapshot import Snapshot
from stoker.postgres.read.wanted import Wanted
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.embedded import Server

WARM = 3
NARROW = ("l_orderkey", "l_shipdate", "l_extendedprice")
WHERE = "l_discount = 0.05"
TITLES = {
    "jdbc": "all columns: Spark JDBC, 4 parts",
    "copy": "all columns: Stoker, as it cuts the table",
    "copy-4": "all columns: Stoker, 4 parts",
    "jdbc-part": "3 columns, 9% of the rows: Spark JDBC, 4 parts",
    "copy-part": "the same: Stoker, with columns= and where=",
    "copy-late": "the same: Stoker, selected by the transformer",
    "psql": "all columns: psql, binary, 2 connections, to /dev/null",
}


@dataclass(frozen=True)
class Measured:
    """One process of one way."""

    cold: float
    """Seconds of the first read."""
    warm: float
    """Of the quickest of the later ones."""
    cpu: float
    """Of the process with all that it starts, for all reads."""
    server_cpu: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Reading PostgreSQL.")
    rows = SHAPES["lineitem"].rows
    parser.add_argument("--rows", type=int, default=rows, help=f"6000000 are scale factor 1 (default: {rows})")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each way (default: 3)")
    parser.add_argument("--ways", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--inside", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        way, folder = options.inside
        print(json.dumps(_reads(way, Path(folder))))
        return
    runs: dict[str, list[Measured]] = {way: [] for way in options.ways}
    with prepared(SHAPES["lineitem"], "replace", options.rows) as (folder, server):
        for at in range(options.rounds):
            for way in sorted(options.ways, reverse=at % 2 == 1):
                runs[way].append(_measured(way, folder, server))
                print(f"round {at + 1} {way:<10} {runs[way][-1]}", file=sys.stderr, flush=True)
    _print(runs, options.rows)


def _measured(way: str, folder: Path, server: Server) -> Measured:
    before = server_cpu(server.pid)
    log = folder / f"{way}.log"
    command = [sys.executable, __file__, "--inside", way, str(folder)]
    variables = clean_environment(connection_variables(server))
    usage = measure(command, folder=Path(__file__).parent, environ=variables, log=log)
    cold, *warm = json.loads(log.read_text("utf-8").splitlines()[-1])
    return Measured(cold, min(warm), usage.cpu, server_cpu(server.pid) - before)


def _reads(way: str, folder: Path) -> list[float]:
    """Seconds of each read."""
    read = _psql() if way == "psql" else _spark(way, folder)
    times = []
    for _ in range(1 + WARM):
        start = time.monotonic()
        read()
        times.append(time.monotonic() - start)
    return times


def _psql() -> Callable[[], None]:
    halves = _halves(2)

    def read() -> None:
        copies = [f"\\copy (SELECT * FROM lineitem WHERE {half}) TO /dev/null (FORMAT binary)" for half in halves]  # noqa: S608 - ours
        running = [
            subprocess.Popen([os.environ["BENCHMARK_PSQL"], "-q", f"--command={copy}"], env=os.environ)
            for copy in copies
        ]
        if any(process.wait() for process in running):
            raise RuntimeError("psql failed")

    return read


def _halves(parts: int) -> list[str]:
    info = connection_info()
    with contextlib.closing(
        Connection(info.user, host=info.host, port=info.port, database=info.database, password=info.password)
    ) as connection:
        size = connection.run("SELECT pg_relation_size('lineitem') / current_setting('block_size')::int")[0][0]
    return by_place([size], parts)


def _spark(way: str, folder: Path) -> Callable[[], None]:
    settings = {"spark.master": "local[2]", "spark.driver.memory": "2g"}
    if way.startswith("jdbc"):
        settings["spark.jars.packages"] = DRIVER
    spark = obtain_session(settings, application=way, scratch=folder / "spark").spark
    spark.range(1).collect()  # the session is up: what is measured is the read

    def read() -> None:
        snapshot = Snapshot(connection_info())
        try:
            rows = _jdbc(spark, snapshot) if way.startswith("jdbc") else _copy(spark, snapshot, way)
            if way in {"jdbc-part", "copy-late"}:
                rows = rows.filter(WHERE).select(*NARROW)
            rows.write.format("noop").mode("overwrite").save()
        finally:
            snapshot.release()

    return read


def _jdbc(spark: SparkSession, snapshot: Snapshot) -> DataFrame:
    info = connection_info()
    properties: dict[str, Any] = {
        "user": info.user,
        "password": info.password,
        "driver": "org.postgresql.Driver",
        "fetchsize": "10000",
        "sessionInitStatement": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
        f"SET TRANSACTION SNAPSHOT '{snapshot.shared.name}'",
    }
    url = f"jdbc:postgresql://{info.host}:{info.port}/{info.database}"
    return spark.read.jdbc(url, "lineitem", predicates=_halves(4), properties=properties)


def _copy(spark: SparkSession, snapshot: Snapshot, way: str) -> DataFrame:
    part = {"columns": NARROW, "where": WHERE} if way == "copy-part" else {}
    wanted = Wanted(LoadTarget(None, "lineitem"), partitions=4 if way == "copy-4" else None, **part)  # type: ignore[arg-type]
    plan = under_snapshot(snapshot, wanted, Means(connection_info(), spark.sparkContext.defaultParallelism))
    return frame(spark, plan.task)


def _print(runs: Mapping[str, Sequence[Measured]], rows: int) -> None:
    print(f"lineitem, {rows:,} rows; medians of {len(next(iter(runs.values())))}\n")
    print("| way | cold s | warm s | CPU s | server CPU s |")
    print("|---|---|---|---|---|")
    for way, measured in runs.items():
        cells = [
            TITLES[way],
            *(f"{median(getattr(each, name) for each in measured):.2f}" for name in ("cold", "warm")),
            *(f"{median(getattr(each, name) for each in measured):.1f}" for name in ("cpu", "server_cpu")),
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
