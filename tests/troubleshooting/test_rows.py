"""What is told while rows are extracted and transformed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from py4j.protocol import Py4JNetworkError

from stoker import ConfigurationError, Endpoint, Job, Pipeline, Source, place, read, write
from stoker.config import find_config
from stoker.spark import session
from support.loads import write_rows
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

    from stoker import Context, Names
    from support.project import Project

SCHEMA = "id int, part int, version int"
lake = place("lake")


def error_of(spark: SparkSession, project: Project, *, transform: Any = None, source: Any = None) -> str:
    """The error of a run that must fail, as the record has it."""
    source = source or read.csv(place("source") / "rows.csv", schema=SCHEMA)
    pipeline = Pipeline(
        "p", extract={"rows": source}, transform=transform, load=write.parquet(lake / "p", mode="replace")
    )
    record = Job("j", [pipeline]).run(spark=spark, config=find_config(explicit=project.folder / "stoker.toml").name)
    error = record.pipeline("p").error
    assert error
    assert not (project.lake / "p").exists()
    return str(error["message"])


def test_spark_does_not_start(tmp_path: Path) -> None:
    """The cause from the JVM's log is part of the message."""
    log = tmp_path / "spark.log"
    log.write_text("Exception in thread main: Master must either be yarn or ...\n", "utf-8")
    error = session._not_started(RuntimeError("Java gateway process exited"), log)
    assert isinstance(error, ConfigurationError)
    assert "Master must either be" in str(error)
    assert_told("Spark does not start", error)


def test_many_small_files(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning has their number and size."""
    monkeypatch.setattr("stoker.connectors.source._MANY", 1)
    for name in ("a", "b"):
        project.write(f"source/many/{name}.csv", "id,part,version\n1,1,1\n")
    source = read.csv(place("source") / "many", schema=SCHEMA)
    pipeline = Pipeline("p", extract={"rows": source}, load=write.parquet(lake / "p", mode="replace"))
    Job("j", [pipeline]).run(spark=spark, config=project.folder / "stoker.toml")
    assert_told("Too many small files", caplog.text)


def test_more_files_than_there_is_room_for(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files so large in the JVM's memory that two of them do not fit."""
    monkeypatch.setattr("stoker.connectors.room._MANY", 2)
    monkeypatch.setattr("stoker.connectors.room._LISTED", 1 << 40)
    for name in ("a", "b"):
        project.write(f"source/many/{name}.csv", "id,part,version\n1,1,1\n")
    error = error_of(spark, project, source=read.csv(place("source") / "many", schema=SCHEMA))
    assert_told("More files than the driver has room for", error)


def test_the_jvm_went_away(spark: SparkSession, project: Project) -> None:
    """What py4j raises when nobody answers any more."""
    write_rows(project.folder, "1")

    class Gone(Source):
        def describe(self, names: Names) -> Endpoint:
            return Endpoint("gone", str(names.config.source.folder))

        def read(self, context: Context) -> DataFrame:
            raise Py4JNetworkError(f"Answer from Java side is empty ({context.run_id})")

    assert_told("The JVM went away", error_of(spark, project, source=Gone()))


@pytest.mark.parametrize(
    ("text", "schema", "title"),
    [
        (None, SCHEMA, "Nothing is there"),
        (b"\n", SCHEMA, "An empty CSV file"),
        (b"id,part\n1,1\n", SCHEMA, "A column is missing"),
        (b"id,part,version\n1,x,1\n", SCHEMA, "A record does not fit"),
        (b"id,name\n1,caf\xe9\n", "id int, name string", "Bytes that are not UTF-8"),
    ],
)
def test_files_that_do_not_fit(
    spark: SparkSession, project: Project, text: bytes | None, schema: str, title: str
) -> None:
    """A missing, an empty and a wrong file."""
    if text is not None:
        (project.source / "rows.csv").write_bytes(text)
    told = error_of(spark, project, source=read.csv(place("source") / "rows.csv", schema=schema))
    assert_told(title, told)


def fails_in_a_task(rows: DataFrame) -> DataFrame:
    """Divides by zero in a Python worker."""

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield frame.assign(id=1 // 0)

    return rows.mapInPandas(batches, SCHEMA)  # type: ignore[arg-type]  # pandas has no types here


@pytest.mark.parametrize(
    ("transform", "title"),
    [
        (lambda rows: None, "The transformer returned nothing"),
        (lambda rows: rows.select("no_such_column"), "The transformer failed"),
        (fails_in_a_task, "Python code failed in a task"),
    ],
)
def test_transformers_that_fail(spark: SparkSession, project: Project, transform: Any, title: str) -> None:
    """A missing return, a wrong column, and a value that Python code does not take."""
    write_rows(project.folder, "1")
    assert_told(title, error_of(spark, project, transform=transform))


def test_nothing_was_published_yet(spark: SparkSession, project: Project) -> None:
    """A pipeline of another job that never ran."""
    other = Pipeline(
        "other", extract={"rows": read.parquet(lake / "x")}, load=write.parquet(lake / "other", mode="replace")
    )
    assert_told("Nothing was published yet", error_of(spark, project, source=other))
