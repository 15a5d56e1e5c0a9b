"""What a type checker accepts; `make check` runs mypy over it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, assert_type

from stoker import Job, Path, Pipeline, PipelineSource, RunRecord, param, place, read, write

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


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
report = write.csv(path, mode="replace", files=1, name=param("day", "report_%Y.csv"))
many = write.json("many", mode="append", files=4, max_rows_per_file=1000, on_drift="ignore")
wide = write.parquet("wide", mode="append", partition_by=["day"], files=1, on_drift="add")
view = Pipeline("view", extract={"bad": split["bad"].all(), "flights": flights.this_run()})
job = Job("flights", [flights, split], parameters=Parameters)


def run() -> None:
    """A run from a program."""
    assert_type(job.run(environment="testing", parameters=Parameters()), RunRecord)
