"""What killed runs left is finished or undone by `stoker repair`, and nothing of live ones is touched."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, param, place, read, write
from stoker.files.control import Target
from stoker.files.filesystem import file_system
from stoker.files.lease import Lease
from stoker.job.repair import repair_places, repair_records
from stoker.postgres import staging
from stoker.record import Process, RecordStore, RunRecord, State
from support import warehouse
from support.child import run_child
from support.loads import SCHEMA, as_rows, load, rows_of, through_stoker, write_rows
from support.points import POINTS, UNDECIDED
from support.servers import staging_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection
    from pyspark.sql import SparkSession

    from stoker.postgres.connections.connection import ConnectionInfo
    from support.commands import Done
    from support.project import Project

    Stoker = Callable[..., Done]

ALWAYS = {("replace", "files.publish.intent_written")}


def has_jobs(project: Project, mode: str, module: str = "loads") -> None:
    """Give the project a `stoker.toml` with the job of `support`."""
    toml = (project.folder / "stoker.toml").read_text()
    project.write("stoker.toml", f'{toml}[jobs]\ncopy = "app:job"\n')
    project.write("app.py", f"from support import {module}\njob = {module}.job({mode})\n")


@pytest.mark.parametrize(
    ("mode", "point"),
    [
        pytest.param(mode, point, marks=() if (mode, point) in ALWAYS else pytest.mark.faults)
        for mode, points in POINTS.items()
        for point in points
    ],
)
def test_a_killed_publish_is_finished_or_undone(
    spark: SparkSession, project: Project, stoker: Stoker, mode: str, point: str
) -> None:
    """Any reader then sees all of the rows or none of them, nothing is left, and the run can be resumed."""
    has_jobs(project, repr(mode))
    load(spark, project.folder, mode, "1", "run-1")
    killed = run_child(spark, project.folder, "support.loads:load", mode, "2", "run-2", STOKER_FAILPOINT=point)
    assert killed.returncode == -9, killed.stderr
    new = rows_of(2) if mode != "append" else sorted(rows_of(1) + rows_of(2))
    seen = new if point not in UNDECIDED else rows_of(1)
    assert through_stoker(spark, project.folder) == seen
    before = project.leftovers()

    dry = stoker("repair", "--dry-run")
    assert dry.code == 0, dry.err
    assert project.leftovers() == before
    done = stoker("repair", "copy")

    assert done.code == 0, done.err
    assert project.leftovers() == []
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == seen
    assert through_stoker(spark, project.folder) == seen
    where = "lake/rows: "
    assert (f"{where}finished the publish of run run-2 ({mode}, " in done.out) == any(
        "intent.json" in path for path in before
    )
    assert dry.out.replace("would have ", "") == done.out
    assert "run run-2: marked as killed; go on with it: stoker resume run-2\n" in done.out
    assert {each["run_id"]: each["state"] for each in project.records()} == {"run-1": "succeeded", "run-2": "killed"}
    assert stoker("repair").out == "nothing was left in 1 place\n"
    assert stoker("resume", "run-2").code == 0
    assert through_stoker(spark, project.folder) == new


@pytest.fixture
def table(project: Project, info: ConnectionInfo, schema: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table's name in the test's schema; the project has the connection, and a job into lake and table."""
    assert info.password
    monkeypatch.setenv(warehouse.PASSWORD, info.password)
    warehouse.configure(project, info)
    has_jobs(project, f"'{schema}.rows', 'replace'", "warehouse")
    return f"{schema}.rows"


KILLS = {
    "postgres.stage.created": (1, 1),
    "postgres.stage.copied": (1, 1),
    "pipeline.one_published": (2, 1),
    "postgres.publish.swapped": (2, 1),
    "postgres.publish.before_commit": (2, 1),
    "postgres.publish.after_commit": (2, 2),
}
"""The versions that the lake and the table have after a kill there, and after a repair."""


@pytest.mark.parametrize(
    "point",
    [pytest.param(point, marks=() if point == "postgres.publish.swapped" else pytest.mark.faults) for point in KILLS],
)
def test_a_killed_load_into_postgresql_is_undone(
    spark: SparkSession, project: Project, stoker: Stoker, db: Connection, table: str, point: str
) -> None:
    """Its staging table is dropped, the table is whole; the resumed run brings both sinks to the same rows."""
    warehouse.load(spark, project.folder, table, "replace", "1", "first")
    killed = run_child(
        spark, project.folder, "support.warehouse:load", table, "replace", "2", "second", STOKER_FAILPOINT=point
    )
    assert killed.returncode == -9, killed.stderr
    schema = table.partition(".")[0]
    left = staging_tables(db, schema)

    dry = stoker("repair", "--dry-run")
    assert staging_tables(db, schema) == left
    done = stoker("repair", "--json")

    assert (done.code, dry.code) == (0, 0), done.err + dry.err
    assert staging_tables(db, schema) == []
    assert project.leftovers() == []
    found = {each["where"]: each["done"] for each in json.loads(done.out)["places"]}
    assert found[f"warehouse:{table}"] == (["dropped 1 staging table of dead runs"] if left else [])
    assert ("would have dropped 1 staging table" in dry.out) == bool(left)
    stored = warehouse.stored(db, table)
    assert (as_rows(spark.read.parquet(str(project.lake / "rows"))), stored) == tuple(map(rows_of, KILLS[point]))
    assert stoker("resume", "second").code == 0
    assert warehouse.stored(db, table) == rows_of(2) == as_rows(spark.read.parquet(str(project.lake / "rows")))


def test_what_a_live_run_does_is_left_alone(
    spark: SparkSession, project: Project, stoker: Stoker, db: Connection, table: str
) -> None:
    """A folder with a live lease, a staging table whose connection lives, a run whose process is there or elsewhere."""
    target = Target(str(project.lake / "rows"))
    lease = Lease(file_system(spark, target.path), target, run_id="other", wait=0)
    staged = project.lake / ".stoker-rows" / "staging-0" / "data"
    staged.mkdir(parents=True)
    store = RecordStore(project.config().run.records)
    here = Process.current()
    for name, process in (("live", here), ("far", Process("elsewhere", 1, "0"))):
        store.write(RunRecord(name, "both", "development", datetime.now(UTC), process=process))
    nonce = "0123456789ab"
    assert staging.hold(db, nonce)
    db.run(f"CREATE TABLE {table.partition('.')[0]}.stoker_staging_{'0' * 12}_{nonce} ()")

    for options in ([], ["--dry-run"]):
        done = stoker("repair", *options)
        assert done.code == 0
        assert f"lake/rows: left alone: lake/rows is held by run other (process {here.pid} on {here.host})" in done.out
        assert f"run live: left alone: it is running ({here})\n" in done.out
        assert "run far: left alone: it says that it is running, which cannot be seen from here" in done.out
    lease.release()

    assert staged.exists()
    assert len(staging_tables(db, table.partition(".")[0])) == 1
    assert {each["state"] for each in project.records()} == {"running"}
    db.run("SELECT pg_advisory_unlock_all()")
    done = stoker("repair")
    assert "lake/rows: removed 1 staging folder of dead processes\n" in done.out
    assert f"warehouse:{table}: dropped 1 staging table of dead runs\n" in done.out


def test_what_cannot_be_repaired_does_not_keep_the_rest(spark: SparkSession, project: Project, stoker: Stoker) -> None:
    """A decided publish whose staging is gone, a job that cannot be imported: told each, exit 1, the others are done."""
    del spark
    project.write(
        "app.py",
        "from stoker import Job, Pipeline, place, read, write\n"
        "rows = read.csv(place('source') / 'rows.csv', schema='id int')\n"
        "job = Job('j', [Pipeline(name, extract={'rows': rows}, load=write.parquet(place('lake') / name, mode='replace'))\n"
        "                for name in ('a', 'b')])\n",
    )
    toml = (project.folder / "stoker.toml").read_text()
    project.write("stoker.toml", f'{toml}[jobs]\nj = "app:job"\nbroken = "no_such_module:job"\n')
    commit = {
        "version": 2, "run_id": "x", "nonce": "0", "format": "parquet", "mode": "replace", "schema": {}, "partition_by": [],
        "rows": 1, "files": ["f"], "bytes": 1,
    }  # fmt: skip
    project.write("lake/.stoker-a/intent.json", json.dumps(commit))
    project.write("lake/.stoker-b/staging-1/data/f", "")
    project.write("lake/.stoker-b/commits/x.json.0.tmp", "")
    project.write(
        "lake/.stoker-b/lease-1-1.json", json.dumps({"host": Process.current().host, "pid": 1, "started": "0"})
    )

    done = stoker("repair")

    assert done.code == 1
    assert "job broken: error: The job 'broken' cannot be imported" in done.err
    assert "lake/a: error: lake/.stoker-a/staging-0/data is gone, though its publish" in done.err
    assert done.out == (
        "lake/b: removed 1 staging folder of dead processes\n"
        "lake/b: removed 1 temporary file of dead processes\n"
        "lake/b: removed 1 lease of dead processes\ndone\n"
    )
    assert [path for path in project.leftovers() if ".stoker-b" in path] == []


def report_first() -> Job:
    """A job whose first sink has the rows as text only, so that the second can have them from its own staging alone."""
    load = [write.csv(place("lake") / "report", mode="replace"), write.parquet(place("lake") / "rows", mode="replace")]
    source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    return Job("j", [Pipeline("p", extract={"rows": source}, load=load)])


def report_rows(spark: SparkSession, folder: Any, version: str, run_id: str) -> None:
    """Run it in a process of its own."""
    write_rows(folder, version)
    report_first().run(spark=spark, config=folder / "stoker.toml", run_id=run_id)


def test_rows_that_a_cut_run_still_needs_are_kept(spark: SparkSession, project: Project) -> None:
    """Until it has gone on with them: one sink has published them and cannot give them back. Without its record they go."""

    def cut(version: str, run_id: str) -> None:
        arguments = ("job.test_repair:report_rows", version, run_id)
        killed = run_child(spark, project.folder, *arguments, STOKER_FAILPOINT="pipeline.one_published")
        assert killed.returncode == -9, killed.stderr

    def repaired(*, dry: bool = False) -> list[str]:
        found = list(repair_places([report_first()], project.config(), spark, None, dry=dry))
        assert [each.error for each in found] == [None, None]
        return [done for each in found for done in each.done if "lease" not in done]

    cut("1", "x")
    kept = "kept what run x has staged, whose rows another sink has; go on with it: stoker resume x"
    assert repaired(dry=True) == repaired() == repaired() == [kept]
    write_rows(project.folder, "2")
    assert (
        report_first().resume("x", spark=spark, config=project.folder / "stoker.toml", anyway=True).state == "succeeded"
    )
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(1)
    assert as_rows(spark.read.schema(SCHEMA).csv(str(project.lake / "report"), header=True)) == rows_of(1)
    assert project.leftovers() == []

    cut("3", "y")
    RecordStore(project.config().run.records).path("y").unlink()
    assert repaired() == ["removed 1 staging folder of dead processes"]
    assert project.leftovers() == []


@dataclass(frozen=True)
class Parameters:
    """One that a path needs."""

    day: date


def test_paths_with_parameters_are_those_of_unfinished_runs(spark: SparkSession, project: Project) -> None:
    """In the same environment and of the same job; or of the parameters that are given. Without any it says what it needs."""
    source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    sink = write.parquet(place("lake") / "rows" / param("day"), mode="replace")
    job = Job("j", [Pipeline("p", extract={"rows": source}, load=sink)], parameters=Parameters)
    config = project.config()

    def found(given: Any = None) -> list[Any]:
        repaired = repair_places([job, job], config, spark, given, dry=False)
        return [(each.where.removeprefix(f"{project.lake}/"), each.left or each.error) for each in repaired]

    [(where, told), _] = found()
    assert (where, "no unfinished run says them; give --param" in str(told)) == ("job j", True)

    def store(run_id: str, day: str, **more: Any) -> None:
        made = {"job": "j", "environment": "development", "state": State.FAILED, "start": datetime.now(UTC), **more}
        RecordStore(config.run.records).write(RunRecord(run_id, parameters={"day": day}, **made))

    store("a", "2013-01-01", process=Process(Process.current().host, 1, "0"), state=State.RUNNING)
    store("b", "2013-01-02")
    store("c", "2013-01-03", state=State.SUCCEEDED)
    store("d", "2013-01-04", environment="testing")
    store("e", "2013-01-05", job="other")
    assert sorted(found()) == [("rows/2013-01-01", None), ("rows/2013-01-02", None)]
    assert found(Parameters(date(2013, 1, 9)))[0] == ("rows/2013-01-09", None)
    store("b", "soon")
    assert any(where == "run b" and "is not a date" in str(told) for where, told in found())


def test_records_that_were_never_whole_are_removed(project: Project) -> None:
    """The temporary file of a process that is gone, and not that of one that is there; nothing in a dry run."""
    config = project.config()
    kept = project.write(f".stoker/runs/.x.json.{os.getpid()}", "")
    torn = project.write(".stoker/runs/.x.json.99999999", "{")

    assert [each.done for each in repair_records(config, None, dry=True)] == [["removed 1 unfinished file"]]
    assert torn.exists()
    assert [each.done for each in repair_records(config, None, dry=False)] == [["removed 1 unfinished file"]]
    assert (kept.exists(), torn.exists()) == (True, False)


@pytest.mark.faults
@pytest.mark.parametrize("point", ["files.publish.moved", "files.publish.latest_written", "record.written"])
def test_a_repair_that_is_killed_can_be_repeated(
    spark: SparkSession, project: Project, stoker: Stoker, point: str
) -> None:
    """It has no state of its own."""
    has_jobs(project, "'replace'")
    load(spark, project.folder, "replace", "1", "run-1")
    decided = "files.publish.intent_written"
    run_child(spark, project.folder, "support.loads:load", "replace", "2", "run-2", STOKER_FAILPOINT=decided)

    killed = run_child(spark, project.folder, "job.test_repair:repair_all", STOKER_FAILPOINT=point)

    assert killed.returncode == -9, killed.stderr
    assert through_stoker(spark, project.folder) == rows_of(2)
    assert stoker("repair").code == 0
    assert project.leftovers() == []
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(2)
    assert project.records()[1]["state"] == "killed"


def repair_all(spark: SparkSession, folder: Any) -> None:
    """What the command does, in a process of its own."""
    from stoker.config import find_config, load_config
    from support.loads import job

    config = load_config(find_config(explicit=folder / "stoker.toml"))
    for each in repair_places([job("replace")], config, spark, None, dry=False):
        assert each.error is None
    assert list(repair_records(config, None, dry=False))
