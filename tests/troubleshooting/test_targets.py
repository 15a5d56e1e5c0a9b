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
from postgres.publisher import stage
from stoker import (
    ConfigurationError,
    ConnectionLostError,
    SinkError,
    TransientError,
    UnknownCommitError,
)
from stoker.files.control import Target
from stoker.files.filesystem import file_system, write_error
from stoker.files.lease import Lease
from stoker.postgres import outcome
from stoker.postgres.connection import connect, cut
from stoker.postgres.copy import copy_batches
from stoker.postgres.load import PostgresLoad
from support.child import run_child
from support.loads import load, run, write_rows
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from pg8000.native import Connection
    from pyspark.sql import SparkSession

    from stoker.postgres.connection import ConnectionInfo
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


def test_the_target_is_a_file(spark: SparkSession, project: Project) -> None:
    """A file of that name."""
    write_rows(project.folder, "1")
    project.lake.mkdir()
    (project.lake / "rows").write_text("a file", "utf-8")
    assert_told("The target is a file", error_of(spark, project))


def test_the_disk_is_full() -> None:
    """As the operating system says it; `tests/files/test_targets.py` has a real full disk."""
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
    return PostgresLoad(info, f"{schema}.t", mode=mode, run_id="run", sink="sink", **options)


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
            copy_batches(sink.task, [batch], 0, 1)
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


def test_the_commits_outcome_is_unknown(info: ConnectionInfo, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is cut at the commit, and the server does not come back."""
    monkeypatch.setattr(outcome, "_PATIENCE", 0.3)
    with Relay(info.host, info.port) as relay:
        sink = made(dataclasses.replace(info, port=relay.port), schema, "replace")
        stage(sink, "run")
        relay.cut_at_commit("after", then_refuse=True)
        with pytest.raises(UnknownCommitError) as caught:
            sink.publish()
    assert_told("The commit's outcome is unknown", caught.value)
