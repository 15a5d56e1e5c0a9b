"""What the tasks of a pipeline did, as Spark's status store tells it."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jsonschema
import pytest
from pyspark import TaskContext
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from stoker import Job, Pipeline, place, read, write
from stoker.record import schema
from stoker.spark.stages import TaskMeter
from support.loads import SCHEMA, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from support.project import Project


def uneven(rows: DataFrame) -> DataFrame:
    """Spills, has one slow task of three, and one that fails at first."""

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        context = TaskContext.get()
        assert context is not None
        if context.partitionId() == 1 and context.attemptNumber() == 0:
            raise RuntimeError("the first attempt fails")
        time.sleep(1.2 if context.partitionId() == 2 else 0.1)
        yield from frames

    window = Window.partitionBy("part").orderBy("id").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    spilling = rows.withColumn("version", F.max("version").over(window))
    return spilling.repartition(3).mapInPandas(batches, SCHEMA)  # type: ignore[arg-type]  # pandas has no types here


@pytest.mark.smoke
def test_metrics_come_from_spark_without_a_job_of_our_own(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Spill, skew, a failed task and bytes are those of the run, and the failed task is warned about."""
    write_rows(project.folder, "1")
    session = spark.newSession()
    for side in ("windowExec.buffer", "windowExec.buffer.in.memory"):
        key = "spill.threshold" if side.endswith("buffer") else "threshold"
        session.conf.set(f"spark.sql.{side}.{key}", "1")
    rows = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    load = write.parquet(place("lake") / "p", mode="replace")
    quick = Pipeline("quick", extract={"rows": rows}, load=write.parquet(place("lake") / "q", mode="replace"))
    job = Job("j", [Pipeline("p", extract={"rows": rows}, transform=uneven, load=load), quick])
    spark.range(1).collect()  # the first job of a session has none before it
    with caplog.at_level(logging.WARNING):
        record = job.run(spark=session, config=project.folder / "stoker.toml", run_id="metered")

    assert record.state == "succeeded", [each.error for each in record.pipelines]
    found = record.pipeline("p").metrics
    assert found is not None
    jobs = spark.sparkContext.statusTracker().getJobIdsForGroup("stoker-metered-p")
    assert (found.jobs, found.failed_tasks) == (len(jobs), 1)
    assert found.spilled_disk_bytes > 0
    assert found.spilled_memory_bytes > 0
    assert found.bytes_read == (project.source / "rows.csv").stat().st_size
    assert found.bytes_written == record.pipeline("p").sinks[0].bytes
    assert found.longest_task_seconds is not None
    assert found.median_task_seconds is not None
    assert found.longest_task_seconds > found.median_task_seconds
    # By how much depends on what else the machine does.
    assert found.skew == pytest.approx(found.longest_task_seconds / found.median_task_seconds, abs=0.01)
    assert 1.2 <= found.longest_task_seconds < found.task_seconds
    [hint] = record.pipeline("p").hints
    assert f"p: {hint}" in caplog.text
    assert "1 task failed and was tried again" in hint

    other = record.pipeline("quick").metrics
    assert other is not None
    assert (other.jobs, other.tasks, other.failed_tasks, other.skew) == (1, 1, 0, None)
    jsonschema.validate(record.to_json(), schema())

    # An earlier run under the same id, and what the store has dropped, are not made up.
    meter = TaskMeter(spark)
    assert meter.read("stoker-metered-p", datetime.now(UTC)) is None
    assert meter.read("stoker-metered-p", record.start) == found
    whole = meter._job
    for gone in (max(jobs), min(jobs) - 1):
        monkeypatch.setattr(meter, "_job", lambda number, gone=gone: None if number == gone else whole(number))
        assert meter.read("stoker-metered-p", record.start) is None
