"""What is made of errors that a run meets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError

from stoker import Pipeline, PipelineRecord, SinkError, StokerError, TransformError, TransientError, place, read, write
from stoker.connectors.base import Context, Names
from stoker.pipeline.failures import explained

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from support.project import Project

rows = Pipeline(
    "rows",
    extract={"rows": read.csv(place("source") / "rows.csv", schema="id int")},
    load=write.parquet(place("lake") / "rows", mode="replace"),
)


def told(project: Project, spark: Any, error: Exception) -> StokerError:
    """What a run with this session makes of an error."""
    context = Context(spark, Names(project.config()), run_id="r", job="j", pipeline="rows")
    return explained(error, rows, context, "stage", PipelineRecord("rows"))


def caused(error: StokerError, cause: Exception) -> StokerError:
    """An error that another part of the code made of one of py4j."""
    error.__cause__ = cause
    return error


CUT = [
    lambda: Py4JError("An error occurred while calling o116.schema"),
    lambda: Py4JError("org.apache.hadoop.fs.Path does not exist in the JVM"),
    lambda: Py4JNetworkError("Answer from Java side is empty"),
    lambda: ConnectionRefusedError(111, "Connection refused"),
    lambda: caused(TransformError("The transformer t failed"), Py4JNetworkError("Answer from Java side is empty")),
    lambda: caused(SinkError("lake/rows cannot be written"), ConnectionRefusedError(111, "Connection refused")),
]


@pytest.mark.parametrize("cut", CUT)
def test_a_jvm_that_is_gone_is_told_as_such(project: Project, cut: Callable[[], Exception]) -> None:
    """In whatever words py4j has for the call that it cut short, and whoever has wrapped them since."""

    def gone() -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    error = told(project, SimpleNamespace(sparkContext=SimpleNamespace(_jsc=SimpleNamespace(getClass=gone))), cut())

    assert isinstance(error, TransientError)
    assert "Spark's JVM went away" in error.what
    assert error.state == "Nothing was published."


def test_a_jvm_that_answers_is_not_taken_for_gone(project: Project, spark: SparkSession) -> None:
    """A server that refuses a connection, and a method that Java does not have, are what they are."""
    refused = caused(SinkError("The table t cannot be loaded"), ConnectionRefusedError(111, "Connection refused"))
    unknown = Py4JError("An error occurred while calling o1.nothing. Trace: Method nothing([]) does not exist")

    assert "The table t cannot be loaded" in told(project, spark, refused).what
    assert "nothing([]) does not exist" in told(project, spark, unknown).what
