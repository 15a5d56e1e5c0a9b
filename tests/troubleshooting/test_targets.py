"""What is told when a folder or a table cannot be loaded."""

from __future__ import annotations

import dataclasses
import shutil
import socket
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql.types import DataType, LongType, StringType, StructField, StructType

from postgres.proxies import Relay
from postgres.publisher import SCHEMA as ROWS
from postgres.publisher import changed_by, stage
from stoker import (
    ConfigurationError,
    ConnectionLostError,
    Job,
    Pipeline,
    SinkError,
    SourceError,
    TransientError,
    UnknownCommitError,
    check,
    failpoints,
    place,
    read,
    write,
)
from stoker.files.control import Target
from stoker.files.drift import left_out
from stoker.files.filesystem import file_system, write_error
from stoker.files.lease import Lease
from stoker.postgres import outcome
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.loading import PostgresLoad
from stoker.postgres.modes.choice import Mode
from stoker.postgres.options import LoadOptions
from stoker.postgres.sending.copy import copy_batches
from stoker.postgres.sending.executors import not_importable
from support import warehouse
from support.child import run_child
from support.loads import SCHEMA, load, report, run, through_stoker, write_rows
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from pg8000.native import Connection
    from pyspark.sql import SparkSession

    from stoker.postgres.connections.connection import ConnectionInfo
    from support.project import Project


def error_of(spark: SparkSession, project: Project, mode: str = "append") -> str:
    """The error of a run into `lake/rows` that must fail."""
    error = run(spark, project.folder, mode).pipelines[0].error
    assert error
    return f"{error['message']} {error['state']}"


def test_another_run_holds_the_target(spark: SparkSession, project: Project) -> None:
    """With no time to wait."""
    toml = project.folder / "stoker.toml"
    toml.write_text(toml.read_text() + "\n[run]\nlease_wait = 0.1\n")
    write_rows(project.folder, "1")
    path = str(project.lake / "rows")
    held = Lease(file_system(spark, path), Target(path), run_id="other", wait=1)
    try:
        told = error_of(spark, project)
    finally:
        held.release()
    assert_told("Another run holds the target", told)


def test_the_columns_do_not_fit(spark: SparkSession, project: Project) -> None:
    """What was published has other columns."""
    load(spark, project.folder, "append", "1", "one")
    latest = project.lake / ".stoker-rows" / "latest.json"
    latest.write_text(latest.read_text().replace('"version",', '"edition",'), "utf-8")
    assert_told("The columns do not fit the target", error_of(spark, project))


def test_a_type_cannot_be_widened(spark: SparkSession, project: Project) -> None:
    """A number where a text is published."""
    load(spark, project.folder, "append", "1", "one")
    latest = project.lake / ".stoker-rows" / "latest.json"
    latest.write_text(latest.read_text().replace('"integer"', '"string"', 1), "utf-8")
    assert_told("A type cannot be widened", error_of(spark, project))


def test_columns_were_left_out() -> None:
    """As the second sink is told; `tests/files/test_drift.py` has the run."""
    assert_told("Columns were left out that another sink needs", left_out("/lake/rows", ["id"]))


def test_the_executors_lack_stoker() -> None:
    """As a task tells it; `tests/postgres/test_alone.py` has the load."""
    assert_told("The executors lack stoker", not_importable("ModuleNotFoundError: No module named 'stoker'"))


def test_options_of_a_load(info: ConnectionInfo, schema: str) -> None:
    """A type that is not there, and SQL that the server refuses."""
    wrong = {
        "A type of `columns=` is wrong": LoadOptions(columns=(("id", "geometree"),)),
        "SQL of `before=` or `after=` fails": LoadOptions(before=("TABLE nowhere",)),
    }

    def published(options: LoadOptions) -> None:
        load = PostgresLoad(info, f"{schema}.t", mode=Mode("replace"), run_id="r", sink="s", options=options)
        try:
            stage(load, "r")
            load.publish()
        finally:
            load.discard()

    for title, options in wrong.items():
        with pytest.raises(SinkError) as refused:
            published(options)
        assert_told(title, refused.value)


def test_a_published_folder_is_gone(spark: SparkSession, project: Project) -> None:
    """Removed by hand, with its control folder left."""
    load(spark, project.folder, "replace", "1", "one")
    shutil.rmtree(project.lake / "rows")
    with pytest.raises(SourceError) as gone:
        through_stoker(spark, project.folder)
    assert_told("A published folder is gone", gone.value)


def test_checks(spark: SparkSession, project: Project) -> None:
    """Rows that violate one, and one on a column that is not there."""
    write_rows(project.folder, "1")
    for column, title in (("part", "A check failed"), ("prat", "A check cannot be computed")):
        sink = write.parquet(place("lake") / "rows", mode="replace", checks=[check.unique(column)])
        source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
        made = Job("j", [Pipeline("p", extract={"rows": source}, load=sink)])
        error = made.run(spark=spark, config=project.folder / "stoker.toml").pipelines[0].error
        assert error
        assert_told(title, error["message"])


def test_the_target_is_a_file(spark: SparkSession, project: Project) -> None:
    """A file of that name."""
    write_rows(project.folder, "1")
    project.lake.mkdir()
    (project.lake / "rows").write_text("a file", "utf-8")
    assert_told("The target is a file", error_of(spark, project))


def test_the_target_is_a_folder(spark: SparkSession, project: Project) -> None:
    """A folder where a named file should be."""
    (project.lake / "reports" / "rows.csv").mkdir(parents=True)
    with pytest.raises(SystemExit) as refused:
        report(spark, project.folder, "1", "one")
    assert_told("The target is a folder", refused.value)


def test_the_disk_is_full() -> None:
    """As the operating system says it; `tests/behaviour/test_disks.py` has real ones."""
    error = write_error("/lake/rows", "No space left on device")
    assert isinstance(error, TransientError)
    assert_told("The disk is full", error)


def test_a_staging_folder_is_gone(spark: SparkSession, project: Project) -> None:
    """A run is killed after it decided, and someone tidies up before the next one."""
    write_rows(project.folder, "1")
    killed = run_child(
        spark,
        project.folder,
        "support.loads:load",
        "append",
        "1",
        "one",
        STOKER_FAILPOINT="files.publish.intent_written",
    )
    assert killed.returncode == -9, killed.stderr
    for staging in (project.lake / ".stoker-rows").glob("staging-*"):
        shutil.rmtree(staging)
    assert_told("A staging folder is gone", error_of(spark, project))


def test_a_publish_was_cut_in_the_middle(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move is refused."""
    write_rows(project.folder, "1")
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse("files.publish.one_moved:raise"))
    assert_told("A publish was cut in the middle", error_of(spark, project))


def test_the_rows_of_a_run_are_gone(
    spark: SparkSession, project: Project, info: ConnectionInfo, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run replaces the first sink's rows, while the second sink does not have them yet."""
    monkeypatch.setenv(warehouse.PASSWORD, str(info.password))
    warehouse.configure(project, info)
    table = f"{schema}.rows"
    write_rows(project.folder, "1")
    monkeypatch.setattr(failpoints, "_armed", failpoints._parse("pipeline.one_published:raise"))
    warehouse.run(spark, project.folder, table, "replace", "one")
    monkeypatch.setattr(failpoints, "_armed", {})
    assert warehouse.run(spark, project.folder, table, "replace", "two").state == "succeeded"
    error = warehouse.run(spark, project.folder, table, "replace", "one").pipelines[0].error
    assert error
    assert_told("The rows of a run are gone", error["message"])


def test_a_commit_file_of_another_version(spark: SparkSession, project: Project) -> None:
    """A file with fields that this version does not know."""
    load(spark, project.folder, "append", "1", "one")
    latest = project.lake / ".stoker-rows" / "latest.json"
    latest.write_text(latest.read_text().replace('"run_id"', '"run"'), "utf-8")
    told = error_of(spark, project)
    assert_told("A commit file of another version", told)


def test_servers_that_do_not_let_us_in(info: ConnectionInfo) -> None:
    """Nobody listens on the port; the password is wrong."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionLostError) as down:
            connect(dataclasses.replace(info, port=taken.getsockname()[1]))
    with pytest.raises(ConfigurationError) as wrong:
        connect(dataclasses.replace(info, password="wrong"))

    assert_told("The server does not answer", down.value)
    assert_told("The server refuses the user", wrong.value)


def made(info: ConnectionInfo, schema: str, mode: str = "append", **options: Any) -> PostgresLoad:
    """A load into `SCHEMA.t`."""
    return PostgresLoad(info, f"{schema}.t", mode=Mode(mode), run_id="run", sink="sink", **options)


def test_the_table_is_missing(info: ConnectionInfo, schema: str) -> None:
    """Append into nothing."""
    with pytest.raises(SinkError) as caught:
        made(info, schema).prepare(ROWS)
    assert_told("The table is missing", caught.value)


@pytest.mark.parametrize(
    ("kind", "data_type", "value", "title"),
    [
        ("text", StringType(), b"a\0b", "NUL in a text"),
        ("text", StringType(), b"caf\xe9", "A text is not UTF-8"),
        ("varchar(3)", StringType(), b"four", "A text is too long"),
        ("integer", LongType(), 2**31, "A value is out of range"),
    ],
)
def test_a_value_does_not_fit(
    info: ConnectionInfo, db: Connection, schema: str, kind: str, data_type: DataType, value: object, title: str
) -> None:
    """One of two; the row is told by its primary key too."""
    import pyarrow as pa

    db.run(f"CREATE TABLE {schema}.t (v {kind}, id bigint PRIMARY KEY)")
    array = pa.array([None, value])
    values = array.view(pa.string()) if isinstance(value, bytes) else array
    sink = made(info, schema)
    try:
        sink.prepare(StructType([StructField("v", data_type), StructField("id", LongType())]))
        batch = pa.RecordBatch.from_arrays([values, pa.array([7, 8])], names=["c0", "c1"])
        with pytest.raises(SinkError, match=r"column 'v' in row 2 of partition 0 \(id = 8\)") as caught:
            copy_batches(sink.task, [batch], 0)
    finally:
        sink.discard()
    assert_told(title, caught.value)


def test_the_table_is_locked(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """Another session has written to it and did not commit."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, run text)")
    sink = made(info, schema, "replace", wait=0.2)
    other = connect(info)
    try:
        stage(sink, "run")
        other.run("BEGIN")
        other.run(f"LOCK TABLE {schema}.t IN EXCLUSIVE MODE")
        with pytest.raises(TransientError) as caught:
            sink.publish()
    finally:
        cut(other)
        sink.discard()
    assert_told("The table is locked", caught.value)


def test_a_row_breaks_a_rule_of_the_table(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """A check, which is held to where the rows arrive."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, run text CHECK (run <> 'run'))")
    sink = made(info, schema)
    try:
        with pytest.raises(SinkError) as caught:
            stage(sink, "run")
    finally:
        sink.discard()
    assert_told("A row breaks a rule of the table", caught.value)


def test_the_table_was_altered_in_the_meantime(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """Between the sending and the publish."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, run text)")
    sink = made(info, schema)
    try:
        stage(sink, "run")
        db.run(f"ALTER TABLE {schema}.t ALTER run TYPE varchar(3)")
        with pytest.raises(TransientError) as caught:
            sink.publish()
    finally:
        sink.discard()
    assert_told("The table was altered in the meantime", caught.value)


def test_a_swap_cannot_be(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """A view is in the way."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, run text); CREATE VIEW {schema}.w AS SELECT * FROM {schema}.t")
    mode = Mode("replace", strategy="swap")
    sink = PostgresLoad(info, f"{schema}.t", mode=mode, run_id="run", sink="sink")
    with pytest.raises(SinkError) as caught:
        stage(sink, "run")
    sink.discard()
    assert_told("A swap cannot be", caught.value)


def test_the_commits_outcome_is_unknown(info: ConnectionInfo, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is cut at the commit, and the server does not come back."""
    monkeypatch.setattr(outcome, "_PATIENCE", 0.3)
    with Relay(info.host, info.port) as relay:
        mode = Mode("replace", strategy="delete")  # which has one commit only
        through = dataclasses.replace(info, port=relay.port)
        sink = PostgresLoad(through, f"{schema}.t", mode=mode, run_id="run", sink="sink")
        stage(sink, "run")
        relay.cut_at_commit("after", then_refuse=True)
        with pytest.raises(UnknownCommitError) as caught:
            sink.publish()
    assert_told("The commit's outcome is unknown", caught.value)


def test_staged_rows_are_gone(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """As after a crash of the server."""
    load = made(info, schema, "replace")
    stage(load, "run")
    db.run(f"TRUNCATE {load._plan().staging.table.sql}")
    with pytest.raises(TransientError) as caught:
        load.publish()
    load.discard()
    assert_told("Staged rows are gone", caught.value)


@pytest.mark.parametrize(
    ("title", "values"),
    [
        ("A key is null", "(NULL, 'a'), (1, 'b')"),
        ("A key is there twice", "(1, 'a'), (1, 'b')"),
        ("No rows would delete all", ""),
    ],
)
def test_keys_of_an_upsert(info: ConnectionInfo, db: Connection, schema: str, title: str, values: str) -> None:
    """Rows that cannot be told apart, and none at all."""
    db.run(f"CREATE TABLE {schema}.t (id integer, name text)")
    db.run(f"INSERT INTO {schema}.t VALUES (1, 'old')")
    how = Mode("upsert", key=("id",), delete_missing=True)
    sink = PostgresLoad(info, f"{schema}.t", mode=how, run_id="run", sink="sink")
    with pytest.raises(SinkError) as raised:
        changed_by(sink, db, "id integer, name string", values)
    assert_told(title, raised.value)
