"""Runs that are resumed: what is left is run, if it is still the same run."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, UsageError, place, read, write
from stoker.job.earlier import standing
from stoker.job.parameters import as_json, restored
from stoker.job.resume import recorded, resume
from stoker.record import PipelineRecord, Process, RecordStore, RunRecord, State
from stoker.record.process import started
from stoker.spark import session
from support.child import run_child
from support.loads import SCHEMA, as_rows, rows_of, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from support.commands import Done
    from support.project import Project

APP = """
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from stoker import Job, Pipeline, place, read, write

@dataclass(frozen=True)
class Parameters:
    day: date = date(2013, 1, 1)

def cut(rows, day):
    return rows.select("no_such_column") if Path("broken").exists() else rows.limit(day.day)

lake = place("lake")
rows = read.csv(place("source") / "rows.csv", schema="id int, part int, version int")
a = Pipeline("a", extract={"rows": rows}, load=write.parquet(lake / "a", mode="append"))
b = Pipeline("b", extract={"rows": a.all()}, transform=cut, load=write.parquet(lake / "b", mode="append"))
c = Pipeline("c", extract={"rows": b.all()}, load=write.parquet(lake / "c", mode="append"))
job = Job("j", [a, b, c], parameters=Parameters)
"""


@pytest.fixture
def app(project: Project) -> Project:
    """A project with three pipelines, each after the one before; the second fails while a file `broken` is there."""
    toml = (project.folder / "stoker.toml").read_text()
    project.write(
        "stoker.toml", toml + '[environments.testing.places]\nsource="source"\nlake="lake"\n[jobs]\nk = "app:job"\n'
    )
    project.write("app.py", APP)
    write_rows(project.folder, "1")
    project.write("broken", "")
    return project


def failed(app: Project, stoker: Callable[..., Done], *options: str) -> dict[str, Any]:
    """A run of it that failed, and whose cause is removed."""
    done = stoker("run", "k", "--run-id", "night", *options)
    assert done.code == 1, done.err
    assert "stoker resume night" in done.err
    (app.folder / "broken").unlink()
    return app.records()[0]


def test_what_did_not_succeed_is_run_with_what_depends_on_it(
    spark: SparkSession, app: Project, stoker: Callable[..., Done]
) -> None:
    """By the beginning of the id, with the job, environment and parameters of the run, whatever the defaults are."""
    before = failed(app, stoker, "--env", "testing", "--param", "day=2013-01-07")

    done = stoker("resume", "nig", "--json")

    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert (record["run_id"], record["environment"], record["state"]) == ("night", "testing", "succeeded")
    assert record["parameters"] == {"day": "2013-01-07"}
    assert record["pipelines"][0]["start"] == before["pipelines"][0]["start"], "a is not run again"
    assert [each["rows_written"] for each in record["pipelines"]] == [30, 7, 7]
    assert [each["sinks"][0]["already"] for each in record["pipelines"]] == [True, False, False]
    assert [each["state"] for each in record["attempts"]] == ["failed"]
    assert record["differences"] == []
    assert as_rows(spark.read.parquet(str(app.lake / "a"))) == rows_of(1)
    assert app.records() == [record]

    again = stoker("resume", "last")
    assert (again.code, again.out) == (0, "")
    assert again.err == "run night has succeeded: there is nothing to resume\n"
    assert app.records() == [record]


def test_what_differs_is_told_before_anything_is_touched(app: Project, stoker: Callable[..., Done]) -> None:
    """Code, places, parameters and inputs, all at once; --anyway goes on and the record says how it differed."""
    failed(app, stoker)
    path = RecordStore(app.config().run.records).path("night")
    before = path.read_text()
    app.write("app.py", APP.replace("= date(2013, 1, 1)", "= date(2013, 1, 3)\n    more: int = 5"))
    app.write(
        "stoker.toml", (app.folder / "stoker.toml").read_text().replace('lake = "lake"', 'lake = "./lake/../sea"')
    )
    write_rows(app.folder, "22")

    refused = stoker("resume", "last-failed")

    assert refused.code == 2
    for told in (
        "The run night would not go on as it began, because these differ:\n",
        "- code: app.py has changed",
        f"- configuration: the place lake was {app.folder}/lake, now ",
        "- parameters: more is new, with its default 5",
        f"- input: rows of a, {app.source}/rows.csv, has changed: bytes ",
        "would not be run again: a.",
        "stoker resume night --anyway",
        "stoker run JOB --env development --param day=2013-01-01\n",
    ):
        assert told in refused.err
    assert path.read_text() == before
    assert not (app.folder / "sea").exists()

    app.write("stoker.toml", (app.folder / "stoker.toml").read_text().replace("./lake/../sea", "lake"))
    assert stoker("resume", "night", "--anyway").code == 0
    [record] = app.records()
    assert [each.partition(":")[0] for each in record["differences"]] == ["code", "parameters", "input"]
    assert record["parameters"] == {"day": "2013-01-01", "more": 5}
    assert record["pipelines"][1]["rows_written"] == 1


def test_what_the_run_has_published_itself_is_no_other_input(spark: SparkSession, project: Project) -> None:
    """A pipeline that reads what another one publishes by its path has an input that the run changes."""
    write_rows(project.folder, "1")
    broken = [True]
    path = place("lake") / "seen"

    def transform(rows: Any, before: Any) -> Any:
        return rows.select("no_such_column") if broken[0] else rows

    seen = Pipeline(
        "a",
        extract={"rows": read.csv(place("source") / "rows.csv", schema=SCHEMA), "before": read.parquet(path)},
        transform=lambda rows, before: rows,
        load=write.parquet(path, mode="replace"),
    )
    last = Pipeline(
        "b",
        extract={"rows": seen, "before": read.csv(place("source") / "rows.csv", schema=SCHEMA)},
        transform=transform,
        load=write.parquet(place("lake") / "b", mode="replace"),
    )
    first = Pipeline("a", extract={"rows": seen.extract["rows"]}, load=write.parquet(path, mode="replace"))
    config = project.folder / "stoker.toml"
    assert Job("j", [first]).run(spark=spark, config=config).state == "succeeded"
    job = Job("j", [seen, last])
    assert job.run(spark=spark, config=config, run_id="x").state == "failed"
    broken.clear()
    broken.append(False)

    record = job.resume("x", spark=spark, config=config)

    assert (record.state, record.differences) == ("succeeded", [])


def two_places(spark: SparkSession, folder: Path, version: str) -> None:
    """A run into two folders, for a process that is killed between them."""
    write_rows(folder, version)
    twice().run(spark=spark, config=folder / "stoker.toml", run_id="x")


def twice() -> Job:
    """A job with one pipeline into two folders."""
    sinks = [write.parquet(place("lake") / name, mode="append") for name in ("one", "two")]
    source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    return Job("j", [Pipeline("p", extract={"rows": source}, load=sinks)])


def test_a_publish_that_was_cut_between_two_sinks_rolls_forward(spark: SparkSession, project: Project) -> None:
    """After a kill the second sink gets the rows of the first; what the run had read is compared, though it died at work."""
    killed = run_child(
        spark, project.folder, "job.test_resume:two_places", "1", STOKER_FAILPOINT="pipeline.one_published"
    )
    assert killed.returncode == -9, killed.stderr
    assert project.records()[0]["state"] == "running"
    assert not (project.lake / "two").exists()
    write_rows(project.folder, "2")
    config = project.folder / "stoker.toml"

    with pytest.raises(UsageError, match=r"- input: rows of p, .*rows\.csv, has changed"):
        twice().resume("last-failed", spark=spark, config=config)
    record = twice().resume("last-failed", spark=spark, config=config, anyway=True)

    assert record.state == "succeeded"
    assert [str(each.state) for each in record.attempts] == ["killed"]
    for name in ("one", "two"):
        assert as_rows(spark.read.parquet(str(project.lake / name))) == rows_of(1)
    assert project.leftovers() == []


def stored(project: Project, **changes: Any) -> RunRecord:
    """The record of a run of `twice` that failed."""
    record = RunRecord("x", "j", "development", datetime(2026, 1, 1, tzinfo=UTC), State.FAILED)
    record = dataclasses.replace(record, **changes)
    RecordStore(project.config().run.records).write(record)
    return record


def test_a_run_that_goes_on_elsewhere_is_left_alone(spark: SparkSession, project: Project) -> None:
    """One of a process that lives is refused with who it is; one of another machine may be resumed on request only."""
    here = Process.current()
    config = project.folder / "stoker.toml"
    other = dataclasses.replace(here, pid=1, started=started(1))
    stored(project, state=State.RUNNING, process=other)
    with pytest.raises(UsageError, match=r"still running \(process 1 on ") as caught:
        twice().resume("x", spark=spark, config=config, anyway=True)
    assert "stoker resume x" in str(caught.value.next_step)

    stored(project, state=State.RUNNING, process=dataclasses.replace(here, host="elsewhere"))
    with pytest.raises(UsageError, match=r"process: it says that it is running \(process \d+ on elsewhere\)"):
        twice().resume("x", spark=spark, config=config)


def test_two_that_resume_at_once_do_not_both_go_on(spark: SparkSession, project: Project) -> None:
    """Whoever finds, when Spark is there, that another process has begun meanwhile stops before it touches the record."""
    earlier = stored(project)
    other = dataclasses.replace(Process.current(), pid=1, started=started(1))

    write_rows(project.folder, "1")
    made = session.obtain_session

    def obtain(*arguments: Any, **options: Any) -> Any:
        stored(project, state=State.RUNNING, process=other)
        return made(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stoker.job.perform.obtain_session", obtain)
        with pytest.raises(UsageError, match="still running"):
            resume(twice(), earlier, project.config(), spark=spark)
    assert project.records()[0]["process"]["pid"] == 1


def test_a_run_is_resumed_by_its_own_job(spark: SparkSession, project: Project) -> None:
    """Another one is refused."""
    stored(project, job="other")
    with pytest.raises(UsageError, match="is one of the job 'other', not of 'j'"):
        twice().resume("x", spark=spark, config=project.folder / "stoker.toml")


@pytest.mark.parametrize(
    ("asked", "told"),
    [("y", "no record of the run 'y'"), ("a b/c", "cannot be used"), ("last-failed", "no run that did")],
)
def test_runs_that_are_not_there(project: Project, asked: str, told: str) -> None:
    """An unknown id, an odd one, and none that failed."""
    stored(project, state=State.SUCCEEDED)
    with pytest.raises(UsageError, match=told):
        recorded(asked, config=project.folder / "stoker.toml", environment=None)


def test_only_what_stands_on_what_stands_is_kept() -> None:
    """A pipeline that succeeded is run again where one that it extracts from is."""
    record = RunRecord("x", "j", "development", datetime(2026, 1, 1, tzinfo=UTC), State.FAILED)
    record.pipelines = [
        PipelineRecord("a", State.FAILED),
        PipelineRecord("b", State.SUCCEEDED),
        PipelineRecord("c", State.SUCCEEDED),
        PipelineRecord("d", State.SUCCEEDED),
    ]
    graph = {"a": [], "b": ["a"], "c": [], "d": ["c", "outside"]}
    assert standing(record, graph, ["a", "c", "b", "d"]) == ["c", "d"]


class Colour(Enum):
    """A choice."""

    RED = 1


@dataclasses.dataclass(frozen=True)
class Everything:
    """A parameter of each kind."""

    text: str = "a,b"
    day: date = date(2013, 1, 2)
    at: datetime = datetime(2013, 1, 2, 3)
    price: Decimal = Decimal("1.50")
    yes: bool = False
    share: float = 1e-7
    colour: Colour = Colour.RED
    perhaps: str | None = None
    empty: str | None = ""
    many: tuple[str, ...] = ("a,b", "", "c")


def test_parameters_come_back_from_the_record() -> None:
    """Of each kind the very value; what the job has more or fewer now is told, what does not fit any more is refused."""
    recorded_then = json.loads(json.dumps(as_json(Everything())))
    assert restored(Everything, recorded_then) == (Everything(), [])

    fewer = {**recorded_then, "gone": 1}
    del fewer["text"]
    assert restored(Everything, fewer)[1] == [
        "gone was 1, and is none of the job's any more",
        "text is new, with its default a,b",
    ]
    with pytest.raises(UsageError, match="day=5 is not a date"):
        restored(Everything, {**recorded_then, "day": 5})
