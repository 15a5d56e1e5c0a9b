"""A run id that was given before."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from stoker import ConfigurationError, Job, Pipeline, UsageError, place, read, write
from stoker.job.earlier import claimed, follow, refuse_live, refuse_other
from stoker.record import PipelineRecord, Process, RecordStore, RunRecord, State
from support.child import run_child
from support.loads import SCHEMA, load, rows_of, run, through_stoker, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from support.project import Project


@dataclass(frozen=True)
class Parameters:
    """Those of the job."""

    day: date = date(2013, 1, 1)
    limit: int = 5


job = Job(
    "j",
    [
        Pipeline(
            "p",
            extract={"rows": read.csv(place("source") / "rows.csv", schema=SCHEMA)},
            load=write.parquet(place("lake") / "p", mode="replace"),
        )
    ],
    parameters=Parameters,
)


def earlier(**changes: Any) -> RunRecord:
    """The record of a run of the job that failed."""
    record = RunRecord("x", "j", "development", datetime(2026, 1, 1, tzinfo=UTC), State.FAILED)
    return dataclasses.replace(record, **{"parameters": {"day": "2013-01-01", "limit": 5}, **changes})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"parameters": {"day": "2013-01-02", "limit": 5}}, "day 2013-01-02, now 2013-01-01"),
        ({"job": "other"}, "job other, now j"),
        ({"environment": "testing"}, "environment testing, now development"),
        ({"only": ["q", "p"]}, "--only p,q, now none"),
    ],
)
def test_a_run_id_stands_for_one_thing(project: Project, changes: dict[str, Any], told: str) -> None:
    """Other parameters, another job, environment or selection are refused before Spark starts, with what differs."""
    store = RecordStore(project.config().run.records)
    path = store.write(earlier(**changes))
    before = path.read_text()

    with pytest.raises(UsageError, match="stands for another run") as caught:
        job.run(config=project.folder / "stoker.toml", run_id="x")

    assert told in caught.value.what
    its_own = {"environment": "development", **changes}
    again = f"stoker resume x --env {its_own['environment']}"
    assert again in str(caught.value.next_step)
    assert path.read_text() == before


def test_a_parameter_that_the_job_did_not_have_is_no_other_run() -> None:
    """The job was changed, not the call."""
    refuse_other(earlier(parameters={"day": "2013-01-01", "gone": 1}), earlier())


def test_a_record_that_cannot_be_read_refuses_its_run_id(project: Project) -> None:
    """Nobody knows what that run was: the file is named, and nothing is started."""
    store = RecordStore(project.config().run.records)
    store.write(earlier()).write_text('{"version": 1, "run_id": "x", "jo')

    with pytest.raises(ConfigurationError, match="cannot be read: it is torn") as caught:
        job.run(config=project.folder / "stoker.toml", run_id="x")
    assert str(store.path("x")) in caught.value.what


def test_a_run_that_is_going_on_is_not_done_beside_itself(tmp_path: Path) -> None:
    """Neither by another process of this machine nor by another thread; a dead one, or one elsewhere, is followed."""
    parent = Process.current()
    other = dataclasses.replace(parent, pid=1, started=_started(1))
    running = earlier(state=State.RUNNING, process=other)

    with pytest.raises(UsageError, match=r"still running \(process 1 on "):
        refuse_live(running)
    refuse_live(dataclasses.replace(running, process=dataclasses.replace(other, started="0")))
    refuse_live(dataclasses.replace(running, process=dataclasses.replace(other, host="elsewhere")))
    refuse_live(dataclasses.replace(running, state=State.FAILED))

    refused = []

    def second() -> None:
        try:
            with claimed(tmp_path):
                pass
        except UsageError as error:
            refused.append(error.what)

    with claimed(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "still running in this process" in refused[0]
    with claimed(tmp_path):
        pass


def test_earlier_tries_are_kept_in_the_record() -> None:
    """With start, end and state; one that could not say how it ended was killed. What is kept has succeeded."""
    first = earlier(
        state=State.RUNNING, pipelines=[PipelineRecord("a", State.SUCCEEDED), PipelineRecord("b", State.RUNNING)]
    )
    second, third = earlier(), earlier()

    follow(second, first, keep=["a"])
    follow(third, second, keep=[])

    assert [each.name for each in second.pipelines] == ["a"]
    assert third.pipelines == []
    assert [str(each.state) for each in third.attempts] == ["killed", "failed"]


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=() if point == "record.renamed" else pytest.mark.faults)
        for point in (
            "record.begin",
            "record.written",
            "record.renamed",
            "run.recorded",
            "run.before_record",
            "run.after_record",
        )
    ],
)
def test_a_kill_around_the_record_leaves_none_or_a_whole_one(spark: SparkSession, project: Project, point: str) -> None:
    """The records can be listed, a dead run counts as killed, and the same id again loads once."""
    load(spark, project.folder, "append", "1", "first")

    killed = run_child(spark, project.folder, "support.loads:load", "append", "2", "x", STOKER_FAILPOINT=point)

    assert killed.returncode == -9, killed.stderr
    records, unreadable = RecordStore(project.config().run.records).all()
    assert unreadable == []
    states = {record.run_id: str(record.settled) for record in records}
    written = point not in {"record.begin", "record.written"}
    ended = "succeeded" if point == "run.after_record" else "killed"
    assert states == {"first": "succeeded", **({"x": ended} if written else {})}
    assert run(spark, project.folder, "append", "x").state == "succeeded"
    assert through_stoker(spark, project.folder) == sorted(rows_of(1) + rows_of(2))
    [again] = [record for record in RecordStore(project.config().run.records).all()[0] if record.run_id == "x"]
    assert [str(each.state) for each in again.attempts] == ([ended] if written else [])
    write_rows(project.folder, "1")


def _started(pid: int) -> str | None:
    from stoker.record.process import started

    return started(pid)
