"""What is told when a run is done again, resumed or repeated for many values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from stoker import ConfigurationError, Job, Pipeline, UsageError, place, read, write
from stoker.job.backfill import Backfill, values_of
from stoker.job.ranges import combinations
from stoker.record import Process, RecordStore, RunRecord, State
from stoker.record.process import started
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project


@dataclass(frozen=True)
class Parameters:
    """Those of the job."""

    day: date = date(2013, 1, 1)


rows = read.csv(place("source") / "rows.csv", schema="id int")
sink = write.parquet(place("lake") / "rows", mode="replace")
job = Job("j", [Pipeline("rows", extract={"rows": rows}, load=sink)], parameters=Parameters)


@pytest.fixture
def store(project: Project) -> RecordStore:
    """The project's records: one of a run `x` that failed."""
    store = RecordStore(project.config().run.records)
    store.write(earlier())
    return store


def earlier() -> RunRecord:
    """A run of the job that failed."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return RunRecord("x", "j", "development", start, State.FAILED, parameters={"day": "2013-01-01"})


def test_run_ids(project: Project, store: RecordStore) -> None:
    """With other parameters, while it runs, with a torn record, and without any."""
    config = project.folder / "stoker.toml"
    with pytest.raises(UsageError) as other:
        job.run(config=config, run_id="x", parameters=Parameters(date(2013, 1, 2)))
    with pytest.raises(UsageError) as missing:
        job.resume("y", config=config)
    alive = dataclasses.replace(Process.current(), pid=1, started=started(1))
    store.write(dataclasses.replace(earlier(), state=State.RUNNING, process=alive))
    with pytest.raises(UsageError) as running:
        job.resume("x", config=config)
    store.path("x").write_text("{")
    with pytest.raises(ConfigurationError) as torn:
        job.run(config=config, run_id="x")

    assert_told("A run id of another run", other.value)
    assert_told("No such run", missing.value)
    assert_told("The run is still running", running.value)
    assert_told("A run record that cannot be read", torn.value)


def test_a_run_that_is_not_what_it_was(spark: SparkSession, project: Project, store: RecordStore) -> None:
    """Its lake was elsewhere."""
    store.write(dataclasses.replace(earlier(), configuration={"places": {"lake": "/old/lake"}}))
    with pytest.raises(UsageError) as caught:
        job.resume("x", spark=spark, config=project.folder / "stoker.toml")
    assert_told("The run would not go on as it began", caught.value)


def test_backfills(project: Project) -> None:
    """A range that is backwards, and a sink that each run replaces."""
    with pytest.raises(UsageError) as caught:
        combinations(Parameters, {"day": "2013-01-02..2013-01-01"})
    assert_told("A backfill range without a value", caught.value)

    given = {"day": "2013-01-01..2013-01-02"}
    values = values_of(job, "development", combinations(Parameters, given), given, ())
    [warning] = Backfill(job, project.config(), values, given).check()
    assert_told("A backfill replaces its own rows", warning)
