"""The connector of `examples/connectors`, in a job."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, RunRecord, State, place
from stoker.config import load_config
from stoker.connectors.base import Names
from stoker.job.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession

    from support.project import Project

FILE = Path(__file__).resolve().parents[2] / "examples" / "connectors" / "jsonl.py"
SCHEMA = "id int, city string"
source, lake = place("source"), place("lake")


@pytest.fixture
def jsonl() -> Iterator[Any]:
    """The example, as a module."""
    spec = importlib.util.spec_from_file_location("jsonl", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["jsonl"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["jsonl"]


@pytest.fixture(autouse=True)
def _cities(project: Project) -> None:
    project.lake.mkdir()
    project.write("source/cities.jsonl", '{"id": 1, "city": "Köln"}\n{"city": null, "id": 2}\n')


def job(jsonl: Any, transform: Any = None) -> Job:
    """Copies `cities.jsonl` from the source into the lake."""
    cities = Pipeline(
        "cities",
        extract={"cities": jsonl.JsonLinesSource(source / "cities.jsonl", SCHEMA)},
        transform=transform,
        load=jsonl.JsonLinesSink(lake / "cities.jsonl"),
    )
    return Job("cities", [cities])


def run(project: Project, spark: SparkSession, found: Job, run_id: str | None = None) -> RunRecord:
    """Run it in the project."""
    return found.run(spark=spark, config=project.folder / "stoker.toml", run_id=run_id)


def lines(project: Project) -> list[Any]:
    """What is published."""
    return [json.loads(line) for line in (project.lake / "cities.jsonl").read_text("utf-8").splitlines()]


def test_rows_arrive(spark: SparkSession, project: Project, jsonl: Any) -> None:
    """The rows arrive with their nulls, the record counts them, and nothing else is left in the folder."""
    record = run(project, spark, job(jsonl))
    assert record.state is State.SUCCEEDED
    assert lines(project) == [{"id": 1, "city": "Köln"}, {"id": 2, "city": None}]
    (sink,) = record.pipelines[0].sinks
    assert (sink.kind, sink.rows, sink.files) == ("jsonl", 2, 1)
    assert sink.bytes == (project.lake / "cities.jsonl").stat().st_size
    assert [path.name for path in project.lake.iterdir()] == ["cities.jsonl"]


def test_run_again(spark: SparkSession, project: Project, jsonl: Any) -> None:
    """The same run id, and another one, leave each row there once; an empty folder is read as no rows."""
    for run_id in ("one", "one", "two"):
        assert run(project, spark, job(jsonl), run_id).state is State.SUCCEEDED
        assert len(lines(project)) == 2
    (project.source / "cities.jsonl").write_text("", "utf-8")
    assert run(project, spark, job(jsonl)).state is State.SUCCEEDED
    assert lines(project) == []


def test_failure_leaves_the_old_file(
    spark: SparkSession, project: Project, jsonl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transformer that fails in a task, and a publish that fails, leave the old rows and no staging."""
    run(project, spark, job(jsonl))

    def fails(cities: DataFrame) -> DataFrame:
        return cities.selectExpr("id", "raise_error('no') AS city")

    assert run(project, spark, job(jsonl, fails)).state is State.FAILED

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", _only_for(project.lake / "cities.jsonl", full))
        assert run(project, spark, job(jsonl)).state is State.FAILED
    assert len(lines(project)) == 2
    assert [path.name for path in project.lake.iterdir()] == ["cities.jsonl"]


def test_malformed_line(spark: SparkSession, project: Project, jsonl: Any) -> None:
    """A line that is no JSON fails the run with the path, and nothing is published."""
    project.write("source/cities.jsonl", '{"id": 1}\nnot json\n')
    record = run(project, spark, job(jsonl))
    assert record.pipelines[0].error is not None
    assert "cities.jsonl has a line that is not id int, city string" in (record.pipelines[0].error["message"] or "")
    assert list(project.lake.iterdir()) == []


def test_plan_refuses_a_uri(project: Project, jsonl: Any) -> None:
    """A place on S3 is refused by the plan, before Spark starts."""
    project.write("stoker.toml", '[places]\nsource = "source"\nlake = "s3://bucket/lake"\n')
    config = load_config(project.config().source)
    assert Names(config).path(lake / "x") == "s3://bucket/lake/x"
    (mistake,) = make_plan(job(jsonl), config, None).mistakes
    assert "not on a local disk" in mistake


def _only_for(path: Path, fault: Any) -> Any:
    real = os.replace

    def replace(one: Any, other: Any) -> None:
        if Path(other) == path:
            fault()
        real(one, other)

    return replace
