"""Loading PostgreSQL: Spark's JDBC writer, Stoker's ways, and COPY by psql as the floor.

    python benchmarks/postgres_load.py [--rows N] [--rounds N] [--ways NAME ...]

Every way loads the same lineitem into the same empty table, in a fresh process: first cold, then twice warm. The ways take
turns, and their order changes from round to round; what counts are the ratios of the medians, because a machine that does
other things too slows all alike. The server's CPU seconds are apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pg8000.native import Connection
from pyarrow import csv
from pyarrow import parquet as pq

import lineitem
import stoker
from flights_project import clean_environment, server_cpu
from process_tree import measure
from stoker.postgres import embedded, forms, loading, send
from stoker.postgres.connection import ConnectionInfo
from stoker.postgres.modes.choice import Mode
from stoker.spark.data_files import DataFiles
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.embedded import Server

DRIVER = "org.postgresql:postgresql:42.7.7"
WARM = 2
TITLES = {
    "jdbc": "Spark JDBC, tuned",
    "counted": "Stoker, binary, batches as the session has them",
    "csv": "Stoker, CSV",
    "binary": "Stoker, binary",
    "files": "Stoker, binary, from staged files",
    "psql-csv-1": "psql, CSV, 1 connection",
    "psql-csv-2": "psql, CSV, 2 connections",
    "psql-binary-1": "psql, binary, 1 connection",
    "psql-binary-2": "psql, binary, 2 connections",
}


@dataclass(frozen=True)
class Measured:
    """One process of one way."""

    cold: float
    """Seconds of the first load."""
    warm: float
    """Of the quicker of the later ones."""
    staged: float | None
    """Of the same one, until the rows are staged."""
    cpu: float
    """Of the process with all that it starts, for all loads."""
    server_cpu: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Loading PostgreSQL.")
    parser.add_argument("--rows", type=int, default=1_200_000, help="6000000 are scale factor 1 (default: 1200000)")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each way (default: 3)")
    parser.add_argument("--ways", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--inside", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        way, folder = options.inside
        print(json.dumps(_loads(way, Path(folder))))
        return
    runs: dict[str, list[Measured]] = {way: [] for way in options.ways}
    with prepared(options.rows) as (folder, server):
        for at in range(options.rounds):
            for way in sorted(options.ways, reverse=at % 2 == 1):
                runs[way].append(_measured(way, folder, server))
                print(f"round {at + 1} {way:<14} {runs[way][-1]}", file=sys.stderr, flush=True)
    _print(runs, options.rows)


@contextlib.contextmanager
def prepared(rows: int) -> Any:
    """The files, a server with the empty table, and what psql loads."""
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # under root the server is another user's
        lineitem.write(folder / "lineitem", rows)
        server = embedded.start(folder / "postgres")
        try:
            _sql(server, lineitem.TABLE)
            _fill(server, folder)
            for form in ("csv", "binary"):
                for number in range(2):
                    half = f"SELECT * FROM lineitem WHERE l_orderkey % 2 = {number}"  # noqa: S608 - ours
                    _psql(server, [f"\\copy ({half}) TO '{folder}/{form}-{number}' (FORMAT {form})"])
            yield folder, server
        finally:
            embedded.stop(folder / "postgres")


def _fill(server: Server, folder: Path) -> None:
    """The rows in the table, so that psql can write what it is to load."""
    connection = Connection(
        server.user, host=server.host, port=server.port, database=server.database, password=server.password
    )
    with contextlib.closing(connection):
        for path in sorted((folder / "lineitem").iterdir()):
            text = pa.BufferOutputStream()
            csv.write_csv(pq.read_table(path), text, csv.WriteOptions(include_header=False))
            connection.run("COPY lineitem FROM STDIN (FORMAT csv)", stream=[memoryview(text.getvalue())])


def _measured(way: str, folder: Path, server: Server) -> Measured:
    _sql(server, "VACUUM")
    _sql(server, "CHECKPOINT")
    before = server_cpu(server.pid)
    log = folder / f"{way}.log"
    command = [sys.executable, __file__, "--inside", way, str(folder)]
    usage = measure(
        command, folder=Path(__file__).parent, environ=clean_environment(connection_variables(server)), log=log
    )
    times = json.loads(log.read_text("utf-8").splitlines()[-1])
    cold, *warm = times
    best = min(warm, key=lambda each: each[0])
    return Measured(cold[0], best[0], best[1], usage.cpu, server_cpu(server.pid) - before)


def _loads(way: str, folder: Path) -> list[tuple[float, float | None]]:
    """Seconds of each load, and until its rows were staged."""
    loads = _psql_loads(way, folder) if way.startswith("psql") else _spark_loads(way, folder)
    times = []
    for number in range(1 + WARM):
        _run("TRUNCATE lineitem")
        start = time.monotonic()
        staged = loads(number)
        times.append((time.monotonic() - start, None if staged is None else staged - start))
    return times


def _psql_loads(way: str, folder: Path) -> Callable[[int], None]:
    _, form, connections = way.split("-")

    def load(number: int) -> None:
        del number
        copies = [f"\\copy lineitem FROM '{folder}/{form}-{half}' (FORMAT {form})" for half in range(2)]
        shares = [copies] if connections == "1" else [[copy] for copy in copies]
        program = os.environ["BENCHMARK_PSQL"]
        running = [
            subprocess.Popen([program, "-q", *(f"--command={each}" for each in share)], env=os.environ)
            for share in shares
        ]
        if any(process.wait() for process in running):
            raise RuntimeError("psql failed")

    return load


def _spark_loads(way: str, folder: Path) -> Callable[[int], float | None]:
    settings = {"spark.master": "local[2]", "spark.driver.memory": "2g"}
    if way == "jdbc":
        settings["spark.jars.packages"] = DRIVER
    spark = obtain_session(settings, application=way, scratch=folder / "spark").spark
    spark.range(1).collect()  # the session is up: what is measured is the load
    return _jdbc(spark, folder) if way == "jdbc" else _ours(way, spark, folder)


def _frame(spark: SparkSession, folder: Path) -> DataFrame:
    return spark.read.parquet(str(folder / "lineitem"))


def _jdbc(spark: SparkSession, folder: Path) -> Callable[[int], None]:
    environ = os.environ
    url = (
        f"jdbc:postgresql://{environ['PGHOST']}:{environ['PGPORT']}/{environ['PGDATABASE']}?reWriteBatchedInserts=true"
    )
    options = {"user": environ["PGUSER"], "password": environ["PGPASSWORD"], "driver": "org.postgresql.Driver"}

    def load(number: int) -> None:
        del number
        # The table keeps its types; it is empty already.
        _frame(spark, folder).write.mode("append").format("jdbc").options(
            url=url, dbtable="lineitem", batchsize="10000", numPartitions="2", **options
        ).save()

    return load


def _ours(way: str, spark: SparkSession, folder: Path) -> Callable[[int], float]:
    if way == "csv":
        vars(loading)["way"] = lambda *_: forms.Way(binary=False, reason="to compare")
    if way == "counted":
        vars(send)["fast"] = lambda *_: None
    environ = os.environ
    info = ConnectionInfo(
        environ["PGHOST"],
        int(environ["PGPORT"]),
        environ["PGDATABASE"],
        environ["PGUSER"],
        environ["PGPASSWORD"],
        sslmode="disable",
    )

    def load(number: int) -> float:
        frame = _frame(spark, folder)
        names = tuple(sorted(path.name for path in (folder / "lineitem").iterdir()))
        files = DataFiles("parquet", str(folder / "lineitem"), names, frame.schema) if way == "files" else None
        sink = loading.PostgresLoad(
            info, "lineitem", mode=Mode("replace"), run_id=f"{os.getpid()}-{number}", sink="lineitem"
        )
        try:
            assert sink.published() is None
            sink.prepare(frame.schema)
            sink.stage(frame, files)
            staged = time.monotonic()
            sink.publish()
        finally:
            sink.discard()
        assert sink.way.binary == (way != "csv"), sink.way
        return staged

    return load


def connection_variables(server: Server) -> dict[str, str]:
    """The environment of a process that connects to the server."""
    program, _, environ = embedded.psql(server, [])
    kept = {key: value for key, value in environ.items() if key.startswith("PG")}
    return {**kept, "BENCHMARK_PSQL": str(program), "PYTHONPATH": str(Path(stoker.__file__).parents[1])}


def _psql(server: Server, commands: Sequence[str]) -> None:
    program, arguments, environ = embedded.psql(server, [f"--command={command}" for command in commands])
    subprocess.run([program, *arguments[1:]], env=environ, check=True, stdout=subprocess.DEVNULL)


def _sql(server: Server, text: str) -> None:
    with contextlib.closing(
        Connection(server.user, host=server.host, port=server.port, database=server.database, password=server.password)
    ) as connection:
        connection.run(text)


def _run(text: str) -> None:
    subprocess.run([os.environ["BENCHMARK_PSQL"], "-q", f"--command={text}"], check=True)


def _print(runs: Mapping[str, list[Measured]], rows: int) -> None:
    print(f"lineitem, {rows:,} rows; medians of {len(next(iter(runs.values())))}\n")
    print("| way | cold s | warm s | staged s | CPU s | server CPU s | cold, against JDBC | warm, against JDBC |")
    print("|---|---|---|---|---|---|---|---|")
    tuned = runs.get("jdbc")
    for way, measured in runs.items():
        staged = [each.staged for each in measured if each.staged is not None]
        cells = [
            TITLES[way],
            *(f"{median(getattr(each, name) for each in measured):.2f}" for name in ("cold", "warm")),
            f"{median(staged):.2f}" if staged else "",
            *(f"{median(getattr(each, name) for each in measured):.1f}" for name in ("cpu", "server_cpu")),
            *(_times(tuned, measured, name) for name in ("cold", "warm")),
        ]
        print(f"| {' | '.join(cells)} |")


def _times(tuned: Sequence[Measured] | None, measured: Sequence[Measured], name: str) -> str:
    if not tuned:
        return ""
    one, other = (median(getattr(each, name) for each in runs) for runs in (tuned, measured))
    return f"{one / other:.2f} x"


if __name__ == "__main__":
    main()
