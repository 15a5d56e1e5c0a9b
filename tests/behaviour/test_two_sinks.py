"""Several sinks of one frame, whose rows are not the same when they are computed again."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from pyspark import TaskContext
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from behaviour.sinks import CASES, SCHEMA
from stoker import Job, Pipeline, RunRecord, place, read, write
from support.child import run_child
from support.loads import flaky

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from behaviour.target import Target


def by_python(rows: DataFrame) -> DataFrame:
    """Keys that are made in the tasks, one of which fails in mid-partition and is tried again."""

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        context = TaskContext.get()
        assert context is not None
        for frame in frames:
            yield frame.assign(key=[str(uuid.uuid4()) for _ in range(len(frame))])
            if context.attemptNumber() == 0 and context.partitionId() == 0:
                raise RuntimeError("the first attempt fails in mid-partition")

    made = rows.repartition(2, "id").mapInPandas(batches, f"{SCHEMA}, key string")  # type: ignore[arg-type]  # no types
    return made.select("id", "key")


def by_rand(rows: DataFrame) -> DataFrame:
    """`rand()`, and a task that is tried again."""
    return flaky(rows).select("id", F.rand().cast("string").alias("key"))


def by_uuid(rows: DataFrame) -> DataFrame:
    """`uuid()`, and a task that is tried again."""
    return flaky(rows).select("id", F.expr("uuid()").alias("key"))


def by_limit(rows: DataFrame) -> DataFrame:
    """Some of the rows, whichever come first, and a task that is tried again."""
    return flaky(rows.repartition(4)).select("id", F.expr("uuid()").alias("key")).limit(7)


WAYS = {way.__name__: way for way in (by_python, by_rand, by_uuid, by_limit)}
FOLDERS = ("json", "parquet", "csv")
Keys = list[tuple[int, str]]


def job(table: str, way: str) -> Job:
    """A job that loads into a folder of each format and a table; Parquet is staged first, and published third."""
    json, parquet, csv = (CASES[f"{name}-replace"] for name in FOLDERS)
    load = [
        json.kind.sink("json", json.mode),
        write.postgres(table, connection="warehouse", mode="replace"),
        parquet.kind.sink("parquet", parquet.mode),
        csv.kind.sink("csv", csv.mode),
    ]
    source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    return Job("several", [Pipeline("rows", extract={"rows": source}, transform=WAYS[way], load=load)])


def run(spark: SparkSession, folder: Path, table: str, way: str, run_id: str) -> RunRecord:
    """Run it; for a process of its own too."""
    return job(table, way).run(spark=spark, config=folder / "stoker.toml", run_id=run_id)


def keys(target: Target) -> dict[str, Keys]:
    """What each sink holds."""
    found: dict[str, Keys] = {}
    for name in FOLDERS:
        reader = target.spark.read.format(name).schema("id int, key string").option("header", "true")
        rows = reader.load(str(target.folder / "lake" / name)).select("id", "key").collect()
        found[name] = sorted(tuple(row) for row in rows)
    assert target.db is not None
    found["postgres"] = sorted((row[0], row[1]) for row in target.db.run(f"SELECT id, key FROM {target.where}"))
    return found


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=() if way == "by_python" else pytest.mark.faults) for way in WAYS]
)
@pytest.mark.parametrize("target", [CASES["postgres-replace"]], ids=str, indirect=True)
def test_all_hold_the_same_rows(target: Target, way: str) -> None:
    """The frame is computed once, and the other sinks read what the first has staged, though its tasks are tried again."""
    record = target.must(run(target.spark, target.folder, target.where, way, "first"))

    found = keys(target)
    assert record.pipelines[0].rows_written == len(found["parquet"]) == (7 if way == "by_limit" else 30)
    assert all(rows == found["parquet"] for rows in found.values())


KILLS = {
    "pipeline.one_staged": [],
    "pipeline.one_staged#2": [],
    "postgres.stage.copied": [],
    "pipeline.all_staged": [],
    "files.publish.moved": ["json"],
    "pipeline.one_published": ["json"],
    "postgres.publish.before_commit": ["json"],
    "postgres.publish.after_commit": ["json", "postgres"],
    "files.publish.begin#2": ["json", "postgres"],
    "files.publish.moved#2": ["json", "postgres", "parquet"],
    "pipeline.one_published#3": ["json", "postgres", "parquet"],
}
"""The sinks that have new rows after a kill there."""


@pytest.mark.parametrize(
    "point",
    [pytest.param(point, marks=() if point == "files.publish.begin#2" else pytest.mark.faults) for point in KILLS],
)
@pytest.mark.parametrize("target", [CASES["postgres-replace"]], ids=str, indirect=True)
def test_a_kill_between_sinks_is_rolled_forward(target: Target, point: str) -> None:
    """The same run id brings the rows that some sinks have to all of them; if none has, it computes new ones."""
    target.must(run(target.spark, target.folder, target.where, "by_uuid", "first"))
    old = keys(target)["parquet"]

    function = "behaviour.test_two_sinks:run"
    killed = run_child(target.spark, target.folder, function, target.where, "by_uuid", "second", STOKER_FAILPOINT=point)

    assert killed.returncode == -9, killed.stderr
    cut = keys(target)
    assert [name for name in ("json", "postgres", "parquet", "csv") if cut[name] != old] == KILLS[point]
    target.must(run(target.spark, target.folder, target.where, "by_uuid", "second"))
    found = keys(target)
    assert all(rows == found["parquet"] != old for rows in found.values())
    assert [name for name in KILLS[point] if found[name] != cut[name]] == []
