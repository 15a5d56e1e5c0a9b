"""Tables read by a real Spark from a real PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, RunRecord, place, read, write
from support import warehouse

if TYPE_CHECKING:
    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.connection import ConnectionInfo
    from support.project import Project


@pytest.fixture
def connected(project: Project, info: ConnectionInfo, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the connection `warehouse`."""
    monkeypatch.setenv(warehouse.PASSWORD, str(info.password))
    warehouse.configure(project, info)
    return project


def copied(spark: SparkSession, project: Project, source: Any, transform: Any = None) -> RunRecord:
    """A run that copies a source into the lake."""
    pipeline = Pipeline(
        "copy",
        extract={"rows": source},
        transform=transform,
        load=write.parquet(place("lake") / "rows", mode="replace"),
    )
    return Job("copy", [pipeline]).run(spark=spark, config=project.folder / "stoker.toml")


def rows_of(spark: SparkSession, project: Project) -> DataFrame:
    """What was copied."""
    return spark.read.parquet(str(project.lake / "rows"))


def test_a_whole_table_is_read(spark: SparkSession, connected: Project, db: Connection, schema: str) -> None:
    """Rows and their number come out as they are in the table."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT n AS id, 'text ' || n AS t FROM generate_series(1, 50000) AS n")
    record = copied(spark, connected, read.postgres(f"{schema}.t", connection="warehouse"))
    assert record.state == "succeeded", record.pipelines[0].error
    found = rows_of(spark, connected)
    assert (found.count(), found.filter("t = 'text ' || id").count()) == (50000, 50000)
