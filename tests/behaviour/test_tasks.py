"""Spark's tasks: tried again, failing for good, and giving other rows each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from behaviour.sinks import SCHEMA, every_case
from support.loads import flaky, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from pyspark.sql import DataFrame

    from behaviour.target import Target


@pytest.mark.parametrize(
    "target", every_case(always=["parquet-replace_partitions", "csv-append", "postgres-append"]), indirect=True
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


@pytest.mark.parametrize("transform", [in_python, in_the_jvm])
@pytest.mark.parametrize("target", every_case(always=["parquet-append", "postgres-replace"]), indirect=True)
def test_an_error_in_mid_partition_publishes_nothing(target: Target, transform: object) -> None:
    """The transformer's own error is told, readers see the old rows, and nothing is left."""
    target.load(1, "first")

    record = target.run("second", transform)  # type: ignore[arg-type]  # one of the two above

    assert record.state == "failed"
    assert "no more" in str(record.pipelines[0].error)
    target.assert_all_see(target.after((1, "")))
