"""Checks in runs: what is published, what the record and the messages say, kills and second attempts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from stoker import CheckState, Job, Pipeline, RunRecord, Sink, check, place, read, write
from stoker.record import schema as record_schema
from support.loads import SCHEMA, as_rows, rows_of, write_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from stoker import Check
    from support.project import Project

lake = place("lake")
rows_source = read.csv(place("source") / "rows.csv", schema=SCHEMA)


def job(load: Sink | Sequence[Sink], transform: Any = None, others: Sequence[Pipeline] = ()) -> Job:
    """A job that loads `source/rows.csv`."""
    return Job("j", [Pipeline("p", extract={"rows": rows_source}, transform=transform, load=load), *others])


def run(project: Project, spark: SparkSession, load: Any, transform: Any = None, **options: Any) -> RunRecord:
    """Run it and check that its record is as its schema says."""
    made = job(load, transform, options.pop("others", ()))
    record = made.run(spark=spark, config=project.folder / "stoker.toml", **options)
    for document in project.records():
        jsonschema.validate(document, record_schema())
    return record


def parquet(*checks: Check, name: str = "rows", mode: str = "replace") -> Sink:
    """A sink with checks."""
    return write.parquet(lake / name, mode=mode, checks=list(checks))


def error_of(record: RunRecord) -> str:
    """All that the error of the pipeline says."""
    error = record.pipeline("p").error
    assert error
    return " ".join(str(value) for value in error.values())


@pytest.fixture(autouse=True)
def _rows(project: Project) -> None:
    write_rows(project.folder, "1")


def test_a_check_that_fails_leaves_the_old_rows(spark: SparkSession, project: Project) -> None:
    """Nothing is published, no staging is left; the error names check, counts, examples and the next step."""
    assert run(project, spark, parquet()).state == "succeeded"
    write_rows(project.folder, "2")

    record = run(
        project,
        spark,
        parquet(check.between("version", 0, 1), check.not_null("id"), check.unique("part", name="one a part")),
    )

    told = error_of(record)
    assert record.state == "failed"
    assert "CheckError" in told
    assert "2 of 3 checks failed" in told
    assert "between(version, 0, 1): 30 of 30 rows, such as version=2, id=" in told
    assert "one a part: 27 of 30 rows, such as part=1, count(*)=10" in told
    assert "Nothing was published" in told
    assert 'on_failure="warn"' in told
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(1)
    assert project.leftovers() == []
    [sink] = record.pipeline("p").sinks
    assert [(each.name, str(each.state), each.violations, each.rows) for each in sink.checks] == [
        ("between(version, 0, 1)", "failed", 30, 30),
        ("not_null(id)", "passed", 0, 30),
        ("one a part", "failed", 27, 30),
    ]
    assert len(sink.checks[0].examples) == 5


def test_a_check_that_warns_publishes(spark: SparkSession, project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """The rows are published, a WARNING tells of it, and the record has it."""
    with caplog.at_level(logging.WARNING):
        record = run(project, spark, parquet(check.values("part", [1, 2], on_failure="warn")))

    assert record.state == "succeeded"
    [found] = record.pipeline("p").sinks[0].checks
    assert (found.state, found.violations) == (CheckState.WARNED, 10)
    assert "values(part, [1, 2]): 10 of 30 rows" in caplog.text
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(1)
