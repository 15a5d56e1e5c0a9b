"""One run a value, each once, whatever happens in between."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from stoker import failpoints, logs
from stoker.cli.project import job_of
from stoker.job import series
from stoker.job.backfill import Backfill, values_of
from stoker.job.ranges import combinations
from stoker.logs.handler import Console, LineHandler
from stoker.logs.json_lines import JsonFormatter
from stoker.record import PipelineRecord, RecordStore, RunRecord, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from support.commands import Done
    from support.project import Project

    Stoker = Callable[..., Done]

APP = """
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from stoker import Job, Pipeline, place, read, write

@dataclass(frozen=True)
class Parameters:
    day: date
    most: int = 2

def of_day(rows, day, most):
    if Path(f"broken-{day}").exists():
        raise ValueError("no such day")
    return rows.where(f"id <= {most}").selectExpr("id", f"date'{day}' AS day")

rows = read.csv(place("source") / "rows.csv", schema="id int")
lake = place("lake")
days = Pipeline("days", extract={"rows": rows}, transform=of_day,
                load=write.parquet(lake / "days", mode="replace_partitions", partition_by=["day"]))
last = Pipeline("last", extract={"rows": rows}, transform=of_day, load=write.parquet(lake / "last", mode="replace"))
days_only = Job("days", [days], parameters=Parameters)
both = Job("both", [days, last], parameters=Parameters)
"""


@pytest.fixture
def app(project: Project) -> Project:
    """A project with two jobs whose rows depend on a day."""
    toml = (project.folder / "stoker.toml").read_text()
    project.write("stoker.toml", toml + '[jobs]\ndays = "app:days_only"\nboth = "app:both"\n')
    project.write("app.py", APP)
    project.write("source/rows.csv", "id\n1\n2\n3\n")
    return project


def content(spark: SparkSession, app: Project) -> list[tuple[str, int]]:
    """The days of the lake, with the number of their rows."""
    frame = spark.read.parquet(str(app.lake / "days")).groupBy("day").count()
    return sorted((str(row["day"]), row["count"]) for row in frame.collect())


def states(done: Done) -> list[str]:
    """The states in a JSON summary."""
    return [each["state"] for each in json.loads(done.out)["runs"]]


def test_each_value_is_run_once_and_a_failure_stops_no_other(spark: SparkSession, app: Project, stoker: Stoker) -> None:
    """In one session; the same command again resumes what failed and leaves the rest; replace_partitions keeps the days apart."""
    app.write("broken-2013-01-02", "")
    command = ("backfill", "days", "--param", "day=2013-01-01..2013-01-03", "--parallel", "2")

    first = stoker(*command)

    assert first.code == 1
    assert "2013-01-02: failed" in first.err
    assert "no such day" in first.err
    assert "2 of 3 are done; the same command goes on with the rest" in first.err
    assert [line.split()[2] for line in first.out.splitlines()[1:]] == ["succeeded", "failed", "succeeded"]
    assert content(spark, app) == [("2013-01-01", 2), ("2013-01-03", 2)]
    records = app.records()
    assert [each["parameters"]["day"] for each in records] == ["2013-01-01", "2013-01-02", "2013-01-03"]
    assert {each["spark_log"] for each in records} == {None}, "the session is the test's"

    (app.folder / "broken-2013-01-02").unlink()
    second = stoker(*command, "--json")
    third = stoker(*command, "--json")

    assert (second.code, third.code) == (0, 0), second.err
    assert states(second) == ["had succeeded", "succeeded", "had succeeded"]
    assert states(third) == ["had succeeded"] * 3
    assert content(spark, app) == [(f"2013-01-0{day}", 2) for day in (1, 2, 3)]
    assert [[str(each["state"]) for each in record["attempts"]] for record in app.records()] == [[], ["failed"], []]


def test_a_signal_ends_it_in_order_and_the_same_command_goes_on(
    spark: SparkSession, app: Project, stoker: Stoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM exits with 143, and says how many are done."""
    command = ("backfill", "days", "--param", "day=2013-01-01..2013-01-04", "--json")
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse("run.recorded:terminate"))

    stopped = stoker(*command)

    assert stopped.code == 143, stopped.err
    assert json.loads(stopped.out)["signal"] == "SIGTERM"
    assert " of 4 are done; the same command goes on with the rest" in stopped.err
    assert states(stopped)[0] in {"interrupted", "succeeded"}, "it may have been as good as done"
    assert states(stopped)[3] == "not started"
    again = stoker(*command)
    assert again.code == 0, again.err
    assert content(spark, app) == [(f"2013-01-0{day}", 2) for day in (1, 2, 3, 4)]


def test_what_cannot_be_right_is_told_before_spark_starts(app: Project, stoker: Stoker) -> None:
    """No values, a backwards range, a place that is missing: exit 2, no record."""
    for arguments, told in (
        (["days"], "needs the values of at least one parameter"),
        (["days", "--param", "day=2013-01-02..2013-01-01"], "is backwards"),
        (["dys", "--param", "day=2013-01-02"], "Did you mean 'days'?"),
        (["days", "--param", "day=2013-01-02", "--env", "production"], "is not configured for production"),
        (["days", "--param", "day=2013-01-02", "--parallel", "0"], "0 is not in the range x>=1"),
    ):
        done = stoker("backfill", *arguments)
        assert (done.code, told in done.err) == (2, True), done.err
    assert app.records() == []


def test_a_dry_run_shows_ids_and_warns_of_what_each_run_replaces(app: Project, stoker: Stoker) -> None:
    """The ids depend on job, environment, all parameters and the selection, and not on the order of the values."""

    def ids(*options: str, job: str = "both") -> dict[str, str]:
        done = stoker("backfill", job, "--dry-run", "--json", *options)
        assert done.code == 0, done.err
        return {each["name"]: each["run_id"] for each in json.loads(done.out)["runs"]}

    one = ids("--param", "day=2013-01-01,2013-01-02")
    assert list(one) == ["day=2013-01-01", "day=2013-01-02"]
    assert one["day=2013-01-01"].startswith("backfill-both-2013-01-01-")
    assert ids("--param", "day=2013-01-02,2013-01-01") == one
    with_default = ids("--param", "day=2013-01-01", "--param", "most=2")
    assert list(with_default.values()) == [one["day=2013-01-01"]]
    others = [
        ids("--param", "day=2013-01-01", "--param", "most=3"),
        ids("--param", "day=2013-01-01", "--only", "last"),
        ids("--param", "day=2013-01-01", job="days"),
    ]
    assert len({*one.values(), *(run_id for each in others for run_id in each.values())}) == 5

    warned = stoker("backfill", "both", "--dry-run", "--param", "day=2013-01-01,2013-01-02").err
    assert 'warning: lake/last is loaded with mode="replace" by 2 of the runs' in warned
    assert "lake/days" not in warned
    assert app.records() == []


def test_where_the_console_is_json_so_is_what_a_backfill_says(
    app: Project, stoker: Stoker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What collects the lines of the process reads each of them; elsewhere people read them."""
    caplog.set_level(logging.INFO, logs.MILESTONES)
    asked = ("backfill", "both", "--dry-run", "--param", "day=2013-01-01,2013-01-02")
    plain = stoker(*asked).err.splitlines()
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers, LineHandler(JsonFormatter(), [Console()])])
    lines = [json.loads(line) for line in stoker(*asked).err.splitlines()]

    assert plain[0].startswith("warning: lake/last is loaded")
    assert [(line["level"], line["logger"]) for line in lines] == [("WARNING", "stoker.run"), ("INFO", "stoker.run")]
    assert lines[1]["msg"] == plain[1] == "both in development: 2 runs, 0 done before"


def task(app: Project, values: str, **options: Any) -> Backfill:
    """A backfill of the days."""
    config = app.config()
    job = job_of(config, "days")
    given = {"day": values}
    each = values_of(job, "development", combinations(job.parameters, given), given, ())
    return Backfill(job, config, each, given, **options)


def store(app: Project, run_id: str, day: str, **more: Any) -> RunRecord:
    """The record of a run of the days."""
    made = {"job": "days", "environment": "development", "state": State.SUCCEEDED, "start": datetime.now(UTC), **more}
    record = RunRecord(run_id, **{"parameters": {"day": day, "most": 2}, **made})
    RecordStore(app.config().run.records).write(record)
    return record


def test_what_any_run_has_done_is_not_missing(app: Project, stoker: Stoker) -> None:
    """If it was of that job and environment, whole, with these parameters, and succeeded."""
    del stoker  # imports the project
    store(app, "nightly-1", "2013-01-01")
    store(app, "old", "2013-01-02", parameters={"day": "2013-01-02", "gone": 1})
    store(app, "failed", "2013-01-03", state=State.FAILED)
    store(app, "elsewhere", "2013-01-04", environment="testing")
    store(app, "part", "2013-01-05", only=["days"])
    store(app, "other", "2013-01-06", job="both")
    store(app, "more", "2013-01-07", parameters={"day": "2013-01-07", "most": 9})
    store(app, "before-days", "", parameters={"most": 2})

    left = task(app, "2013-01-01..2013-01-08", only_missing=True).look()

    assert [each.value.name[-1] for each in left] == list("345678")
    assert len(task(app, "2013-01-01..2013-01-08").look()) == 8


def test_a_try_that_had_an_effect_is_resumed_only_as_it_was(
    spark: SparkSession, app: Project, stoker: Stoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing was published, the new code simply runs; else the change is told, and --anyway goes on."""
    monkeypatch.setattr(series, "obtain_session", lambda *_, **__: given_session(spark))
    one, two = (each.value.run_id for each in task(app, "2013-01-01..2013-01-02").look())
    changed = {"state": State.FAILED, "code": {"app.py": "0" * 64}}
    store(app, one, "2013-01-01", **changed, pipelines=[PipelineRecord("days", State.FAILED)])
    store(app, two, "2013-01-02", **changed, pipelines=[PipelineRecord("gone", State.SUCCEEDED)])
    command = ("backfill", "days", "--param", "day=2013-01-01..2013-01-02")

    done = stoker(*command, "--json")

    assert (done.code, states(done)) == (1, ["succeeded", "failed"]), done.err
    assert "code: app.py has changed" in done.err
    assert app.records()[0]["differences"] == ["code: app.py has changed"]
    assert states(stoker(*command, "--anyway", "--json")) == ["had succeeded", "succeeded"]


def given_session(spark: SparkSession) -> Any:
    """A session that is not ours."""
    from stoker.spark.session import Session

    return Session(spark, ours=False)


def test_after_the_jvm_is_gone_nothing_more_is_started(
    spark: SparkSession, app: Project, stoker: Stoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each further run would fail in the same way."""
    del spark
    monkeypatch.setattr(series, "_answers", lambda _: False)

    def lost(asked: Any) -> Any:
        raise OSError("the gateway does not answer")

    monkeypatch.setattr(series, "perform", lost)

    done = stoker("backfill", "days", "--param", "day=2013-01-01..2013-01-03", "--json")

    assert (done.code, states(done)) == (1, ["failed", "not started", "not started"])
    assert "error: Spark's JVM went away (killed, or out of memory)." in done.err
    assert "Spark's JVM went away, so that the rest was not started" in done.err
    errors = [[error["message"] for error in run["errors"]] for run in json.loads(done.out)["runs"]]
    assert errors == [["Spark's JVM went away (killed, or out of memory)."], [], []], "as in a run record"
