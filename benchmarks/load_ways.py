"""One way to load PostgreSQL, in a process of its own: `postgres_load.py` starts it and reads the seconds that it prints.

The table is restored before each load. `replace` finds it empty (Spark's JDBC writer then promises nothing, and Stoker does);
`append` and `upsert` are compared with what makes the same promise by JDBC: a staging table, then one statement.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shapes import SHAPES
from stoker.postgres import loading
from stoker.postgres.connections.connection import ConnectionInfo
from stoker.postgres.modes.choice import Mode
from stoker.postgres.sending import forms, send
from stoker.spark.data_files import DataFiles
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

    from shapes import Shape

DRIVER = "org.postgresql:postgresql:42.7.7"
WARM = 2
TITLES = {
    "jdbc-default": "Spark JDBC, as it is",
    "jdbc": "Spark JDBC, tuned",
    "counted": "Stoker, binary, batches as the session has them",
    "csv": "Stoker, CSV",
    "delete": "Stoker, binary, by DELETE and INSERT",
    "binary": "Stoker, binary, rows that Spark computes",
    "plain": "Stoker, binary, the frame is Parquet files",
    "files": "Stoker, binary, from staged files",
    "psql-csv-1": "psql, CSV, 1 connection",
    "psql-csv-2": "psql, CSV, 2 connections",
    "psql-binary-1": "psql, binary, 1 connection",
    "psql-binary-2": "psql, binary, 2 connections",
}
ONLY_REPLACE = (
    "jdbc-default",
    "counted",
    "delete",
    "adbc",
    "psql-csv-1",
    "psql-csv-2",
    "psql-binary-1",
    "psql-binary-2",
)


@dataclass(frozen=True)
class Task:
    """What is loaded, and how."""

    shape: Shape
    mode: str
    way: str
    folder: Path
    """With the rows in a folder of the table's name, and those for psql beside it."""

    @property
    def rows(self) -> Path:
        """The Parquet files."""
        return self.folder / self.shape.table

    def frame(self, spark: SparkSession, number: int) -> DataFrame:
        """The rows of one load; for an upsert a tenth of them differ from those that are there."""
        from pyspark.sql import functions as F  # noqa: N812 - as everyone does

        frame = spark.read.parquet(str(self.rows))
        if self.mode != "upsert":
            return frame
        name = self.shape.changed
        differs = F.pmod(F.hash(*self.shape.key), F.lit(10)) == 0
        kind = frame.schema[name].dataType
        return frame.withColumn(name, F.when(differs, F.lit(number + 1).cast(kind)).otherwise(F.col(name)))


def main() -> None:
    """Load once cold and then warm, and print the seconds of each load and until its rows were staged, as JSON."""
    shape, mode, way, folder = sys.argv[1:]
    task = Task(SHAPES[shape], mode, way, Path(folder))
    load = _psql(task) if way.startswith("psql") else _spark(task)
    times = []
    for number in range(1 + WARM):
        if mode != "upsert":
            # In an upsert the rows stay, and others of them differ each time.
            _sql(f"TRUNCATE {task.shape.table}")
        start = time.monotonic()
        staged = load(number)
        times.append((time.monotonic() - start, None if staged is None else staged - start))
    print(json.dumps(times))


def _psql(task: Task) -> Callable[[int], float | None]:
    _, form, connections = task.way.split("-")

    def load(number: int) -> None:
        del number
        copies = [f"\\copy {task.shape.table} FROM '{task.folder}/{form}-{half}' (FORMAT {form})" for half in range(2)]
        shares = [copies] if connections == "1" else [[copy] for copy in copies]
        program = os.environ["BENCHMARK_PSQL"]
        running = [
            subprocess.Popen([program, "-q", *(f"--command={each}" for each in share)], env=os.environ)
            for share in shares
        ]
        if any(process.wait() for process in running):
            raise RuntimeError("psql failed")

    return load


def _spark(task: Task) -> Callable[[int], float | None]:
    settings = {"spark.master": "local[2]", "spark.driver.memory": "2g"}
    if task.way.startswith("jdbc"):
        settings["spark.jars.packages"] = DRIVER
    spark = obtain_session(settings, application=task.way, scratch=task.folder / "spark").spark
    spark.range(1).collect()  # the session is up: what is measured is the load
    return _jdbc(task, spark) if task.way.startswith("jdbc") else _ours(task, spark)


def _jdbc(task: Task, spark: SparkSession) -> Callable[[int], float | None]:
    environ, table = os.environ, task.shape.table
    url = f"jdbc:postgresql://{environ['PGHOST']}:{environ['PGPORT']}/{environ['PGDATABASE']}"
    options = {"user": environ["PGUSER"], "password": environ["PGPASSWORD"], "driver": "org.postgresql.Driver"}
    if task.way == "jdbc":
        options |= {"batchsize": "10000", "numPartitions": "2"}
        url += f"?reWriteBatchedInserts=true{task.shape.jdbc}"
    elif task.shape.jdbc:
        url += task.shape.jdbc.replace("&", "?", 1)

    def load(number: int) -> None:
        staged = table if task.mode == "replace" else f"{table}_staged"
        if staged != table:
            _sql(f"DROP TABLE IF EXISTS {staged}; CREATE UNLOGGED TABLE {staged} (LIKE {table})")
        # The table keeps its types.
        task.frame(spark, number).write.mode("append").format("jdbc").options(url=url, dbtable=staged, **options).save()
        if staged != table:
            insert = f"INSERT INTO {table} SELECT * FROM {staged}{_conflict(task)}"  # noqa: S608 - ours
            _sql(f"BEGIN; {insert}; DROP TABLE {staged}; COMMIT")

    return load


def _conflict(task: Task) -> str:
    if task.mode != "upsert":
        return ""
    key = task.shape.key
    others = [name for name in _columns(task) if name not in key]
    sets = ", ".join(f"{name} = excluded.{name}" for name in others)
    table = task.shape.table
    old, new = (", ".join(f"{side}.{name}" for name in others) for side in (table, "excluded"))
    return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets} WHERE ({old}) IS DISTINCT FROM ({new})"


def _columns(task: Task) -> list[str]:
    from pyarrow import parquet as pq

    return list(pq.read_schema(next(iter(sorted(task.rows.iterdir())))).names)


def _ours(task: Task, spark: SparkSession) -> Callable[[int], float | None]:
    if task.way == "csv":
        vars(loading)["way"] = lambda *_: forms.Way(binary=False, reason="to compare")
    if task.way != "plain":
        vars(loading)["plain_files"] = lambda _: None
    if task.way == "counted":
        vars(send)["fast"] = lambda *_: None
    info = connection_info()
    table = task.shape.table

    def load(number: int) -> float:
        frame = task.frame(spark, number)
        names = tuple(sorted(path.name for path in task.rows.iterdir()))
        files = DataFiles("parquet", str(task.rows), names, frame.schema) if task.way == "files" else None
        sink = loading.PostgresLoad(info, table, mode=_mode(task), run_id=f"{os.getpid()}-{number}", sink=table)
        try:
            assert sink.published() is None
            sink.prepare(frame.schema)
            sink.stage(frame, files)
            staged = time.monotonic()
            sink.publish()
        finally:
            sink.discard()
        assert sink.way.binary == (task.way != "csv"), sink.way
        return staged

    return load


def connection_info() -> ConnectionInfo:
    """The server, as `postgres_load.connection_variables` names it."""
    environ = os.environ
    return ConnectionInfo(
        environ["PGHOST"],
        int(environ["PGPORT"]),
        environ["PGDATABASE"],
        environ["PGUSER"],
        environ["PGPASSWORD"],
        sslmode="disable",
    )


def _mode(task: Task) -> Mode:
    if task.mode == "upsert":
        return Mode("upsert", key=task.shape.key)
    return Mode(task.mode, strategy="delete") if task.way == "delete" else Mode(task.mode)


def _sql(text: str) -> None:
    subprocess.run([os.environ["BENCHMARK_PSQL"], "-q", f"--command={text}"], check=True)


if __name__ == "__main__":
    main()
