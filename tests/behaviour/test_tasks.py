"""Spark's tasks: tried again, failing for good, and giving other rows each time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyspark import TaskContext
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from behaviour.sinks import CASES, SCHEMA, every_case
from support.loads import flaky, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from behaviour.target import Target


@pytest.fixture(autouse=True)
def _small_batches(spark: SparkSession) -> Iterator[None]:
    """Several batches in a partition of ten rows, so that there is a midst."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "4")
    yield
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


@pytest.mark.parametrize(
    "target",
    every_case(always=["postgres-append"], smoke=["parquet-replace_partitions", "csv-append"]),
    indirect=True,
)
def test_a_task_that_fails_in_mid_partition_is_tried_again_without_a_trace(target: Target) -> None:
    """No row twice and none lost, and the same run id adds nothing."""
    target.load(1, "first")
    write_rows(target.folder, "2", (2, 3))

    record = target.must(target.run("second", flaky))
    again = target.must(target.run("second", flaky))

    assert record.pipelines[0].metrics is None or record.pipelines[0].metrics.failed_tasks
    assert again.pipelines[0].sinks[0].already
    target.assert_all_see(target.after((1, ""), (2, "23")))


def in_python(rows: DataFrame) -> DataFrame:
    """Gives rows, and then fails, each time."""

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield frame
            raise RuntimeError("no more")

    return rows.repartition(1).mapInPandas(batches, SCHEMA)  # type: ignore[arg-type]  # pandas has no types here


def in_the_jvm(rows: DataFrame) -> DataFrame:
    """The same; a Python worker behind it sees no error, only the end of its input."""
    many = rows.sparkSession.range(0, 30_000, numPartitions=1)
    bad = F.when(F.col("id") < 25_000, F.col("id")).otherwise(F.raise_error(F.lit("no more")))
    return many.select(bad.cast("int").alias("id"), F.lit(2).alias("part"), F.lit(2).alias("version"))


@pytest.mark.parametrize("transform", [pytest.param(in_python, marks=pytest.mark.faults), in_the_jvm])
@pytest.mark.parametrize("target", every_case(always=["parquet-append", "postgres-replace"]), indirect=True)
def test_an_error_in_mid_partition_publishes_nothing(target: Target, transform: object) -> None:
    """The transformer's own error is told, readers see the old rows, and nothing is left."""
    target.load(1, "first")

    record = target.run("second", transform)  # type: ignore[arg-type]  # one of the two above

    assert record.state == "failed"
    assert "no more" in str(record.pipelines[0].error)
    target.assert_all_see(target.after((1, "")))


def look_into_staging(rows: DataFrame, control: str) -> DataFrame:
    """The second partition waits until the first has committed, and gives the files that are beside it by then."""

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        context = TaskContext.get()
        assert context is not None
        for frame in frames:
            if context.partitionId() == 1:
                deadline = time.monotonic() + 60
                while not (shown := list(Path(control).glob("staging-*/data/part-*"))):
                    if list(Path(control).glob("staging-*/data/_temporary/0/task_*/part-*")):
                        break
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                frame["version"] = len(shown)
            yield frame

    two = rows.sparkSession.range(2, numPartitions=2).selectExpr("cast(id as int) id", "2 part", "2 version")
    return two.mapInPandas(batches, SCHEMA)  # type: ignore[arg-type]  # pandas has no types here


@pytest.mark.parametrize("target", [CASES["parquet-replace"]], ids=str, indirect=True)
def test_files_of_a_task_are_not_shown_before_the_job_commits(target: Target) -> None:
    """Also where the session asks for the committer that does it, which keeps files of attempts that were lost."""
    setting = "mapreduce.fileoutputcommitter.algorithm.version"
    target.spark.conf.set(setting, "2")
    try:
        control = str(target.path.parent / ".stoker-rows")
        target.must(target.run("first", lambda rows: look_into_staging(rows, control)))
    finally:
        target.spark.conf.unset(setting)

    assert target.foreign() == [(0, 2, 2), (1, 2, 0)]
