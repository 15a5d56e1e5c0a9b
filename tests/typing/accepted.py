"""What a type checker accepts; `make check` runs mypy over it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, assert_type

from pyspark.sql import DataFrame

from stoker import Check, Job, Path, Pipeline, PipelineSource, RunRecord, check, param, place, read, write
from stoker.testing import JobRun, RunJob, assert_frames_equal, frame, run_pipeline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Parameters:
    """Of the job."""

    day: date = date(2013, 1, 1)


def one(flights: DataFrame, day: date, limit: int = 5) -> DataFrame:
    """A transformer with a parameter and a default."""
    return flights.filter(flights.day == day).limit(limit)


def two(flights: DataFrame) -> dict[str, DataFrame]:
    """A transformer with two outputs."""
    return {"good": flights, "bad": flights}


path = place("lake") / "flights" / param("day", "%Y/%m/%d")
assert_type(path, Path)

flights = Pipeline(
    "flights",
    extract={"flights": read.csv(place("source") / "flights.csv", schema="day date", nullValue="NA")},
    transform=functools.partial(one, limit=7),
    load=write.parquet(path, mode="replace", partition_by=["day"]),
)
split = Pipeline(
    "split",
    extract={"flights": flights},
    transform=two,
    load={
        "good": write.csv("good", mode="append"),
        "bad": [write.parquet("bad", mode="append"), write.postgres("bad", connection="w", mode="append")],
    },
)
assert_type(split["bad"], PipelineSource)
checks: list[Check] = [
    check.not_null("id"),
    check.unique("id", "day", on_failure="warn"),
    check.values("day", {date(2013, 1, 1)}),
    check.between("id", 1, None, name="positive"),
    check.rows(within=0.2, at_least=1),
    check.references("id", flights),
    check.references(("id", "day"), check.table("t", connection="w"), ("number", "date")),
    check.expression("id > 0"),
]
write.json("checked", mode="append", checks=checks)
report = write.csv(path, mode="replace", files=1, name=param("day", "report_%Y.csv"))
many = write.json("many", mode="append", files=4, max_rows_per_file=1000, on_drift="ignore")
wide = write.parquet("wide", mode="append", partition_by=["day"], files=1, on_drift="add")
view = Pipeline("view", extract={"bad": split["bad"].all(), "flights": flights.this_run()})
job = Job("flights", [flights, split], parameters=Parameters)


def run() -> None:
    """A run from a program."""
    assert_type(job.run(environment="testing", parameters=Parameters()), RunRecord)


def tests(spark: SparkSession, run_job: RunJob) -> None:
    """Of a project, with the plugin's fixtures."""
    rows = frame(spark, "day | n\n2013-01-01 | 1", schema="day date, n int", fill={"n": 1})
    assert_type(rows, DataFrame)
    found = run_pipeline(flights, {"flights": rows}, parameters=Parameters())
    assert_type(found, dict[str, DataFrame])
    run_pipeline(Pipeline("v", extract={"rows": view}), {"rows": {"bad": rows, "flights": "day:date"}})
    assert_frames_equal(found["flights"], "day\n2013-01-01", check_nullable=True, rtol=1e-9)
    done = run_job(job, environment="testing", files={"source/flights.csv": "day\n"}, only=["flights"])
    assert_type(done, JobRun)
    assert_type(done.record, RunRecord)
    assert_frames_equal(done.frame(flights), done.table("flights", connection="w"))
