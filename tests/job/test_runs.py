"""Runs: failures, skips, outputs, views, retries, records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from stoker import ConfigurationError, Job, Pipeline, RunRecord, TransformError, UsageError, place, read, write
from stoker.record import schema
from support.loads import write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from support.project import Project

SCHEMA = "id int, part int, version int"
lake = place("lake")
rows_source = read.csv(place("source") / "rows.csv", schema=SCHEMA)


def pipeline(name: str, transform: Any = None, source: Any = rows_source, load: Any = None) -> Pipeline:
    """A pipeline into `lake/NAME`."""
    return Pipeline(
        name, extract={"rows": source}, transform=transform, load=load or write.parquet(lake / name, mode="replace")
    )


def run(project: Project, spark: SparkSession, *pipelines: Pipeline, **options: Any) -> RunRecord:
    """Run a job of these and check that its record is as its schema says."""
    job = Job("j", pipelines, parameters=options.pop("declared", None))
    record = job.run(spark=spark, config=project.folder / "stoker.toml", **options)
    for document in project.records():
        jsonschema.validate(document, schema())
    return record


def fails(rows: DataFrame) -> DataFrame:
    """A transformer with a mistake."""
    return rows.select("no_such_column")


@pytest.fixture(autouse=True)
def _rows(project: Project) -> None:
    write_rows(project.folder, "1")


def test_one_failure_skips_only_what_depends_on_it(spark: SparkSession, project: Project) -> None:
    """What depends on the failed pipeline is skipped with the reason; the others end."""
    bad = pipeline("bad", fails)
    record = run(project, spark, bad, pipeline("after_bad", source=bad), pipeline("other"))

    assert {each.name: str(each.state) for each in record.pipelines} == {
        "after_bad": "skipped",
        "bad": "failed",
        "other": "succeeded",
    }
    assert record.state == "failed"
    assert record.pipeline("after_bad").reason == "bad did not succeed"
    error = record.pipeline("bad").error
    assert error
    assert error["type"] == "TransformError"
    assert "transformer fails failed at " in str(error["message"])
    assert "test_runs.py:" in str(error["message"])


def test_fail_fast_stops_the_run(spark: SparkSession, project: Project) -> None:
    """With fail_fast the rest is skipped, and says why."""
    project.write("stoker.toml", (project.folder / "stoker.toml").read_text() + "\n[run]\nfail_fast = true\n")

    record = run(project, spark, pipeline("a_bad", fails), pipeline("b"), pipeline("c"))

    assert [str(each.state) for each in record.pipelines] == ["failed", "skipped", "skipped"]
    assert record.pipeline("b").reason == "fail_fast: a_bad failed"


def test_pipelines_run_side_by_side_when_told(spark: SparkSession, project: Project) -> None:
    """[run] parallel starts independent pipelines before others have ended."""
    project.write("stoker.toml", (project.folder / "stoker.toml").read_text() + "\n[run]\nparallel = 2\n")

    record = run(project, spark, pipeline("a"), pipeline("b"))

    a, b = record.pipeline("a"), record.pipeline("b")
    assert record.state == "succeeded"
    assert a.start
    assert b.start
    assert a.end
    assert b.end
    assert max(a.start, b.start) < min(a.end, b.end)


@pytest.mark.parametrize(
    ("transform", "told"),
    [
        (lambda rows: None, "returned None. "),
        (lambda rows: {"good": rows}, "returned a dict with the keys ['good']"),
        (lambda rows: [rows], "returned list"),
        (lambda rows: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_what_a_transformer_returns_is_checked(
    spark: SparkSession, project: Project, transform: Any, told: str
) -> None:
    """None, a dict or another value is named."""
    error = run(project, spark, pipeline("p", transform)).pipeline("p").error
    assert error
    assert told in f"{error['message']} "
    assert not (project.lake / "p").exists()


def test_a_wrong_dict_is_refused(spark: SparkSession, project: Project) -> None:
    """The keys of the dict are those of load=."""
    load = {key: write.parquet(lake / key, mode="replace") for key in ("good", "bad")}
    error = run(project, spark, pipeline("p", lambda rows: {"good": rows}, load=load)).pipeline("p").error
    assert error
    assert "returned the keys ['good']" in str(error["message"])


@pytest.mark.smoke
def test_several_outputs_and_a_reader_of_one(spark: SparkSession, project: Project) -> None:
    """Each output goes to its sinks, and a pipeline extracts from one of them."""
    load = {key: write.parquet(lake / key, mode="replace") for key in ("even", "odd")}
    split = pipeline(
        "split", lambda rows: {"even": rows.filter("id % 2 = 0"), "odd": rows.filter("id % 2 = 1")}, load=load
    )
    reader = pipeline("reader", lambda rows: rows.filter("part = 1"), split["odd"])

    record = run(project, spark, reader, split)

    assert record.state == "succeeded"
    assert record.pipeline("split").rows_written == 30
    assert record.pipeline("reader").rows_written == 5


def test_a_view_is_inlined(spark: SparkSession, project: Project) -> None:
    """A pipeline without load= stores nothing, and its plan is part of its readers."""
    view = Pipeline("view", extract={"rows": rows_source}, transform=lambda rows: rows.filter("part = 2"))

    record = run(project, spark, view, pipeline("reader", source=view))

    assert [each.name for each in record.pipelines] == ["reader"]
    assert record.pipeline("reader").rows_written == 10


def test_all_and_this_run_of_an_appended_place(spark: SparkSession, project: Project) -> None:
    """`all()` has the rows of every run, `this_run()` those of the running one."""
    added = pipeline("added", load=write.parquet(lake / "added", mode="append"))
    readers = [pipeline("every", source=added.all()), pipeline("last", source=added.this_run())]
    run(project, spark, added, *readers)
    write_rows(project.folder, "2", (4,))

    record = run(project, spark, added, *readers)

    assert (record.pipeline("every").rows_written, record.pipeline("last").rows_written) == (40, 10)


def test_only_reads_the_others_as_published(spark: SparkSession, project: Project) -> None:
    """With only=, what was not asked for is not run."""
    first = pipeline("first")
    second = pipeline("second", source=first)
    run(project, spark, first, second)
    write_rows(project.folder, "2", (1,))

    record = run(project, spark, first, second, only=["second"])

    assert [each.name for each in record.pipelines] == ["second"]
    assert record.pipeline("second").rows_written == 30
    with pytest.raises(UsageError, match="Did you mean 'second'"):
        run(project, spark, first, second, only=["secnod"])


def test_an_error_in_a_task_names_pythons_error(spark: SparkSession, project: Project) -> None:
    """The message has the worker's own error, not a Java stack."""

    def broken(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for _ in frames:
            raise ValueError("seven is no colour")
        yield from ()

    error = run(project, spark, pipeline("p", lambda rows: rows.mapInPandas(broken, SCHEMA))).pipeline("p").error
    assert error
    assert "ValueError: seven is no colour" in str(error["message"])
    assert "at org.apache" not in str(error["message"])


def test_empty_input_replaces_by_nothing_and_keeps_the_schema(spark: SparkSession, project: Project) -> None:
    """A source without rows gives an empty place that can be read, partitioned or not."""
    (project.source / "rows.csv").write_text("id,part,version\n")
    parted = pipeline("parted", load=write.parquet(lake / "parted", mode="replace", partition_by=["part"]))
    reader = pipeline("reader", source=parted)

    record = run(project, spark, parted, reader)

    assert record.state == "succeeded", [each.error for each in record.pipelines]
    assert record.pipeline("reader").rows_written == 0


def test_the_record_says_what_was_done(spark: SparkSession, project: Project) -> None:
    """Rows, files, bytes, versions and parameters are in the JSON file."""

    @dataclass(frozen=True)
    class Parameters:
        since: date = date(2013, 1, 1)

    record = run(project, spark, pipeline("p"), declared=Parameters, run_id="scheduled__2026-11-24T00:00:00+00:00")

    [document] = project.records()
    assert document == record.to_json()
    assert document["parameters"] == {"since": "2013-01-01"}
    assert document["versions"]["spark"] == spark.version
    [told] = document["pipelines"]
    assert (told["rows_read"], told["rows_written"]) == (30, 30)
    [done] = told["sinks"]
    files = list((project.lake / "p").glob("part-*"))
    assert (done["files"], done["bytes"]) == (len(files), sum(path.stat().st_size for path in files))


def test_rows_are_not_counted_by_jobs_of_our_own(spark: SparkSession, project: Project) -> None:
    """A copy into one sink is one Spark job."""
    before = spark.sparkContext.statusTracker().getJobIdsForGroup
    record = run(project, spark, pipeline("p"))
    jobs = before(f"stoker-{record.run_id}-p")
    assert len(jobs) == 1


def test_a_schema_that_differs_is_refused_on_append(spark: SparkSession, project: Project) -> None:
    """What could not be read back together is not written."""
    load = write.parquet(lake / "p", mode="append")
    run(project, spark, pipeline("p", load=load))

    error = (
        run(project, spark, pipeline("p", lambda rows: rows.withColumn("id", F.col("id").cast("string")), load=load))
        .pipeline("p")
        .error
    )

    assert error
    assert "column id is int there and string here" in str(error["message"])


@pytest.mark.parametrize(
    ("partition_by", "transform", "told"),
    [
        (["nothing"], None, "is partitioned by ['nothing'], which the frame does not have"),
        (["id"], lambda rows: rows.select("id"), "has no column beside its partition columns"),
        ([], lambda rows: rows.select("id", F.col("part").alias("ID")), "columns of the same name: ['ID', 'id']"),
    ],
)
def test_frames_that_cannot_be_stored_are_refused_before_a_job(
    spark: SparkSession, project: Project, partition_by: list[str], transform: Any, told: str
) -> None:
    """Missing partition columns, nothing but partitions, and equal names are errors of the sink."""
    load = write.parquet(lake / "p", mode="replace", partition_by=partition_by)
    error = run(project, spark, pipeline("p", transform, load=load)).pipeline("p").error
    assert error
    assert told in str(error["message"])


def test_a_target_that_is_a_file_is_refused(spark: SparkSession, project: Project) -> None:
    """A file is not replaced by a folder."""
    project.write("lake/p", "text")
    error = run(project, spark, pipeline("p")).pipeline("p").error
    assert error
    assert "is a file" in str(error["message"])
    assert (project.lake / "p").read_text() == "text"


def test_all_mistakes_of_a_plan_are_told_before_spark_starts(project: Project) -> None:
    """Unknown places and connections are in one message."""
    wrong = pipeline(
        "p",
        load=[
            write.parquet(place("lak") / "p", mode="replace"),
            write.postgres("t", connection="warehous", mode="replace"),
        ],
    )

    with pytest.raises(ConfigurationError) as caught:
        Job("j", [wrong]).run(config=project.folder / "stoker.toml")

    assert "The place 'lak' is not configured for development" in str(caught.value)
    assert "Did you mean 'lake'" in str(caught.value)
    assert "'warehous' is not configured" in str(caught.value)


def test_places_inside_each_other_are_a_mistake(project: Project) -> None:
    """Replacing the outer one would take the inner one away."""
    with pytest.raises(ConfigurationError, match="one inside the other"):
        Job("j", [pipeline("p"), pipeline("q", load=write.parquet(lake / "p" / "q", mode="replace"))]).run(
            config=project.folder / "stoker.toml"
        )


def test_preview_gives_the_frame_or_raises(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook a pipeline's frame is looked at without loading anything, and its error is raised."""
    monkeypatch.chdir(project.folder)

    assert pipeline("p").preview(spark).count() == 30

    with pytest.raises(TransformError, match="no_such_column"):
        pipeline("p", fails).preview(spark)
    assert not project.lake.exists()


def test_records_that_cannot_be_written_stop_the_run_before_it_begins(project: Project, spark: SparkSession) -> None:
    """A run that could not say what it did is not started."""
    toml = (project.folder / "stoker.toml").read_text()
    project.write("stoker.toml", toml + '\n[run]\nrecords = "/proc/stoker"\n')

    with pytest.raises(ConfigurationError, match=r"run record /proc/stoker/.* cannot be written"):
        run(project, spark, pipeline("p"))
    assert not project.lake.exists()
