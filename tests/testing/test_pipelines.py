"""One pipeline on given frames."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from stoker import Pipeline, TransformError, UsageError, place, read, write
from stoker.spark.started import count_jobs
from stoker.testing import assert_frames_equal, frame, run_pipeline

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ORDERS = "id int not null, day date, amount int"


@dataclass(frozen=True)
class Parameters:
    """Of the job."""

    since: date = date(2024, 1, 1)
    limit: int = 10


def split(orders: DataFrame) -> dict[str, DataFrame]:
    """Two outputs."""
    return {"good": orders.filter("amount > 0"), "bad": orders.filter("NOT amount > 0")}


def recent(orders: DataFrame, since: date) -> DataFrame:
    """A parameter."""
    return orders.filter(F.col("day") >= F.lit(since))


def named(orders: DataFrame, names: DataFrame) -> DataFrame:
    """Two inputs."""
    return orders.join(names, "id").select("id", "name")


orders = Pipeline(
    "orders",
    extract={"orders": read.csv(place("source") / "orders.csv", schema=ORDERS)},
    transform=split,
    load={"good": write.parquet("/nowhere/good", mode="replace"), "bad": write.csv("/nowhere/bad", mode="replace")},
)
view = Pipeline("recent", extract={"orders": orders["good"]}, transform=recent)
report = Pipeline(
    "report",
    extract={"orders": view, "names": read.csv("/nowhere", schema="id int, name string", file_column="file")},
    transform=named,
    load=[write.parquet("/nowhere/report", mode="replace"), write.postgres("r", connection="w", mode="replace")],
)
NAMES = "id | name\n1 | Ann\n2 | Bob"


def pipeline(transform: Any, **load: Any) -> Pipeline:
    """One input, one transformer."""
    return Pipeline("p", extract={"rows": read.csv("/nowhere", schema="id int")}, transform=transform, **load)


@pytest.mark.smoke
def test_the_outputs_of_a_transformer_are_the_frames(spark: SparkSession) -> None:
    """By their keys; types come from the source's schema. Nothing is read, written or computed."""
    before = count_jobs(spark.sparkContext)

    found = run_pipeline(orders, {"orders": "id | amount\n1 | 5\n2 | -5\n3 | null"})

    assert count_jobs(spark.sparkContext) == before
    assert sorted(found) == ["bad", "good"]
    assert_frames_equal(found["good"], "id | day | amount\n1 | null | 5")
    assert_frames_equal(found["bad"], "id | day | amount\n2 | null | -5")


def test_a_single_output_has_the_name_of_its_pipeline(spark: SparkSession) -> None:
    """Inputs are frames or tables, and a view upstream may be given as a frame; a file's name is a column like others."""
    found = run_pipeline(report, {"orders": frame(spark, "id:int\n1"), "names": "id | name | file\n1 | Ann | a.csv"})
    assert_frames_equal(found["report"], "id | name\n1 | Ann")


def test_a_view_upstream_runs_on_its_own_inputs(spark: SparkSession) -> None:
    """Given as a dict; the parameters reach it too."""
    inputs: dict[str, Any] = {
        "orders": {"orders": frame(spark, "id:int | day:date\n1 | 2024-01-01\n2 | 2023-12-31")},
        "names": NAMES,
    }
    found = run_pipeline(report, inputs, parameters=Parameters())
    assert_frames_equal(found["report"], "id | name\n1 | Ann")


MISTAKES: dict[str, tuple[Any, Any, str]] = {
    "unknown input": (report, {"order": NAMES}, "Pipeline 'report' extracts no 'order'. Did you mean 'orders'?"),
    "missing input": (report, {"names": NAMES}, "also extracts 'orders', which the inputs lack"),
    "no dict": (report, NAMES, "The inputs of pipeline 'report' are str, and should be a dict"),
    "no frame": (report, {"orders": 5, "names": NAMES}, "The input 'orders' of pipeline 'report' is int"),
    "dict for a source": (
        report,
        {"orders": "id:int", "names": {}},
        "The input 'names' of pipeline 'report' is a dict",
    ),
    "wrong input of a view": (
        report,
        {"orders": {"order": ""}, "names": NAMES},
        "Pipeline 'recent' extracts no 'order'",
    ),
    "no parameters": (view, {"orders": "id:int"}, "The argument 'since' of recent is neither extracted"),
    "wrong table": (orders, {"orders": "id | amount\n1 | x"}, "line 2, column 'amount': x is no whole number"),
    "no pipeline": (split, {}, "run_pipeline takes a Pipeline, not function"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_wrong_inputs_are_told(spark: SparkSession, mistake: str) -> None:
    """With the close names."""
    given, inputs, told = MISTAKES[mistake]
    with pytest.raises(UsageError) as caught:
        run_pipeline(given, inputs)
    assert told in str(caught.value)


@pytest.mark.parametrize("parameters", [Parameters, {"since": date(2024, 1, 1)}], ids=["class", "dict"])
def test_wrong_parameters_are_told(spark: SparkSession, parameters: Any) -> None:
    """They are an instance of the job's dataclass."""
    with pytest.raises(UsageError, match="should be an instance of the job's parameters"):
        run_pipeline(view, {"orders": "id:int | day:date"}, parameters=parameters)


def test_a_transformer_that_raises_is_told_with_its_line(spark: SparkSession) -> None:
    """Its own error is the cause; nothing is said about the command line."""
    with pytest.raises(TransformError) as caught:
        run_pipeline(pipeline(lambda rows: rows.select("idd")), {"rows": "id\n1"})
    assert "Pipeline 'p': The transformer" in str(caught.value)
    assert "test_pipelines.py:" in str(caught.value)
    assert "--traceback" not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("transform", "load", "told"),
    [
        (lambda rows: None, {}, "returned None.\nNext: Did it forget to return?"),
        (lambda rows: {"a": rows}, {}, "returned a dict with the keys ['a']"),
        (lambda rows: rows, {"load": {"a": write.csv("x", mode="append")}}, "with the keys ['a'], because load="),
        (lambda rows: {"b": rows}, {"load": {"a": write.csv("x", mode="append")}}, "returned the keys ['b']"),
        (lambda rows: {"a": 1}, {"load": {"a": write.csv("x", mode="append")}}, "no DataFrame for {'a': 'int'}"),
    ],
)
def test_a_transformer_that_returns_something_else_is_told(
    spark: SparkSession, transform: Any, load: Any, told: str
) -> None:
    """What it returned and what it should have."""
    with pytest.raises(TransformError) as caught:
        run_pipeline(pipeline(transform, **load), {"rows": "id\n1"})
    assert told in str(caught.value)


def test_frames_of_a_stopped_session_are_told(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Py4j's own words would be about a NoneType."""
    found = frame(spark, "id:int\n1")
    monkeypatch.setattr(spark.sparkContext, "_jsc", None)
    with pytest.raises(UsageError, match="The input 'rows' of pipeline 'p' is a frame of a session that is stopped"):
        run_pipeline(pipeline(lambda rows: rows), {"rows": found})
    with pytest.raises(UsageError, match="left is a frame of a session that is stopped"):
        assert_frames_equal(found, found)
