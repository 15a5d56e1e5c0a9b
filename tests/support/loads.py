"""A job with one sink of each kind, whose rows are told by a version number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark import TaskContext
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from stoker import Job, Pipeline, RunRecord, place, read, write
from stoker.config import find_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

SCHEMA = "id int, part int, version int"


def job(mode: str) -> Job:
    """A job that copies `source/rows.csv` into the lake."""
    partitioned: dict[str, Any] = {"partition_by": ["part"]} if mode == "replace_partitions" else {}
    return Job(
        "copy",
        [
            Pipeline(
                "rows",
                extract={"rows": read.csv(place("source") / "rows.csv", schema=SCHEMA)},
                transform=lambda rows: rows.repartition(2, F.col("id")),
                load=write.parquet(place("lake") / "rows", mode=mode, **partitioned),
            )
        ],
    )


def write_rows(folder: Path, version: str, parts: tuple[int, ...] = (1, 2, 3)) -> None:
    """Ten rows in each part, all of the version."""
    rows = [f"{part * 10 + number},{part},{version}" for part in parts for number in range(10)]
    (folder / "source" / "rows.csv").write_text("id,part,version\n" + "\n".join(rows) + "\n", "utf-8")


def load(spark: SparkSession, folder: Path, mode: str, version: str, run_id: str, parts: str = "123") -> None:
    """Run the job; fails loudly if the run did not succeed."""
    write_rows(folder, version, tuple(int(part) for part in parts))
    record = run(spark, folder, mode, run_id)
    if record.state != "succeeded":
        raise SystemExit(str(record.pipelines[0].error))


def run(spark: SparkSession, folder: Path, mode: str, run_id: str | None = None) -> RunRecord:
    """Run the job as it is."""
    return job(mode).run(spark=spark, config=find_config(explicit=folder / "stoker.toml").name, run_id=run_id)


def through_stoker(spark: SparkSession, folder: Path) -> list[tuple[int, int, int]]:
    """What another pipeline that reads the place sees."""
    reader = Pipeline("reader", extract={"rows": read.parquet(place("lake") / "rows", schema=SCHEMA)}, load=None)
    return as_rows(preview(reader, spark, folder))


def preview(pipeline: Pipeline, spark: SparkSession, folder: Path) -> Any:
    """A pipeline's frame in the project of a folder."""
    from stoker.config import load_config
    from stoker.connectors.base import Context, Names

    config = load_config(find_config(explicit=folder / "stoker.toml"))
    context = Context(spark, Names(config), run_id="preview", job="preview", pipeline=pipeline.name)
    return pipeline.frames(context)[""]


def as_rows(frame: DataFrame) -> list[tuple[int, int, int]]:
    """Sorted rows."""
    return sorted((row["id"], row["part"], row["version"]) for row in frame.select("id", "part", "version").collect())


def rows_of(version: int, parts: tuple[int, ...] = (1, 2, 3)) -> list[tuple[int, int, int]]:
    """What `write_rows` wrote."""
    return [(part * 10 + number, part, version) for part in parts for number in range(10)]


def load_without_exchange(spark: SparkSession, folder: Path, version: str, run_id: str) -> None:
    """Replace as on a file system that cannot exchange two folders in one step."""
    from stoker.files import filesystem

    filesystem.LocalFileSystem.exchange = filesystem.FileSystem.exchange  # type: ignore[method-assign]
    load(spark, folder, "replace", version, run_id)


def load_by_hadoop(spark: SparkSession, folder: Path, mode: str, version: str, run_id: str, parts: str = "123") -> None:
    """Publish through Hadoop's FileSystem alone, without what a local disk can do better: as on HDFS."""
    from stoker.files import filesystem

    for name in vars(filesystem.LocalFileSystem).keys() & vars(filesystem.FileSystem).keys() - {
        "__module__",
        "__doc__",
    }:
        setattr(filesystem.LocalFileSystem, name, getattr(filesystem.FileSystem, name))
    load(spark, folder, mode, version, run_id, parts)


def flaky(rows: DataFrame) -> DataFrame:
    """Gives half a partition and then fails, the first time it is tried."""

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        context = TaskContext.get()
        assert context is not None
        for frame in frames:
            yield frame
            if context.attemptNumber() == 0 and context.partitionId() == 0:
                raise RuntimeError("the first attempt fails in mid-partition")

    return rows.repartition(2, "id").mapInPandas(batches, rows.schema)  # type: ignore[arg-type]  # pandas has no types here
