from __future__ import annotations

import importlib
import os
import signal
import sys
import sysconfig
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as f

from stoker.errors import ConfigurationError, DefinitionError, SinkError, UsageError
from stoker.postgres import load
from stoker.postgres.loading import PostgresLoad
from stoker.postgres.sending import spread
from stoker.postgres.sending.spread import Spread
from stoker.spark.slots import task_slots
from support.warehouse import PASSWORD, configure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from pg8000.native import Connection
    from pyspark.sql import SparkSession

    from stoker.postgres.connections.connection import ConnectionInfo
    from support.project import Project

DAEMON = "spark.python.daemon.module"


def test_a_frame_is_loaded_by_a_url(
    spark: SparkSession, db: Connection, schema: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a project anywhere: the result says what was done, and the session's settings are as they were."""
    monkeypatch.chdir(tmp_path)
    before = spark.sql("SET").collect()
    result = load(spark.range(5), f"{schema}.t", connection=url, mode="replace")
    way = "binary COPY; the staged table takes the name: there was no table"
    assert (result.table, result.mode, result.rows, result.way) == (f"{schema}.t", "replace", 5, way)
    assert not result.already_published
    assert result.seconds > 0
    assert db.run(f"SELECT sum(id) FROM {schema}.t") == [[10]]
    assert db.run(f"SELECT run_id FROM {schema}.stoker_loads") == [[result.run_id]]
    assert spark.sql("SET").collect() == before


def test_a_run_id_loads_once(spark: SparkSession, db: Connection, schema: str, url: str) -> None:
    """The second call with it does nothing and says so; a call without one is a run of its own."""
    db.run(f"CREATE TABLE {schema}.t (id bigint)")
    first = load(spark.range(5), f"{schema}.t", connection=url, mode="append", run_id="nightly-1")
    second = load(spark.range(7), f"{schema}.t", connection=url, mode="append", run_id="nightly-1")
    assert (first.already_published, second.already_published) == (False, True)
    assert (second.rows, second.run_id, second.way) == (5, "nightly-1", None)
    load(spark.range(1), f"{schema}.t", connection=url, mode="append")
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[6]]


def test_each_mode_has_its_options(spark: SparkSession, db: Connection, schema: str, url: str) -> None:
    """As of `write.postgres`; the result has how many rows of the table were changed, and how."""
    target: dict[str, Any] = {"table": f"{schema}.t", "connection": url}
    rows = spark.range(4).withColumn("part", f.col("id") % 2)
    load(rows, **target, mode="upsert", key=["id"])
    changed = load(rows.withColumn("part", f.expr("part + int(id = 0)")), **target, mode="upsert", key=["id"])
    assert (changed.inserted, changed.updated, changed.deleted) == (0, 1, None)
    replaced = load(rows.where("part = 1"), **target, mode="replace_partitions", by=["part"])
    assert (replaced.inserted, replaced.updated, replaced.deleted) == (2, None, 3)
    assert replaced.way == "binary COPY; DELETE and INSERT: it is no partitioned table"
    with pytest.raises(DefinitionError, match=r"needs by=\."):
        load(rows, **target, mode="replace_partitions")


def test_a_name_is_looked_up_in_the_configuration(
    spark: SparkSession,
    schema: str,
    project: Project,
    info: ConnectionInfo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`stoker.toml` is found as elsewhere; without one the message says what can be given instead."""
    monkeypatch.setenv(PASSWORD, info.password or "")
    outside = tmp_path / "outside"
    configure(project, info)
    monkeypatch.chdir(project.folder)
    assert load(spark.range(2), f"{schema}.t", connection="warehouse", mode="replace").rows == 2
    with pytest.raises(ConfigurationError, match="Did you mean 'warehouse'"):
        load(spark.range(2), f"{schema}.t", connection="warehous", mode="replace")
    outside.mkdir()
    (project.folder / "stoker.toml").unlink()
    monkeypatch.chdir(outside)
    with pytest.raises(ConfigurationError, match=r"(?s)'warehouse' is a name.*There is no stoker\.toml.*postgresql://"):
        load(spark.range(2), f"{schema}.t", connection="warehouse", mode="replace")


def test_wrong_calls_are_refused_before_anything_is_done(spark: SparkSession) -> None:
    """What is no frame, a stream, a wrong mode, table or run id: each says what to write."""
    nowhere: dict[str, Any] = {"connection": "postgresql://a:b@127.0.0.1:1/c", "mode": "append"}
    with pytest.raises(UsageError, match=r"takes a DataFrame of Spark, not builtins\.list"):
        load([1], "t", **nowhere)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="foreachBatch"):
        load(spark.readStream.format("rate").load(), "t", **nowhere)
    with pytest.raises(DefinitionError, match="'upsrt' is not a mode"):
        load(spark.range(1), "t", **{**nowhere, "mode": "upsrt"})
    with pytest.raises(DefinitionError, match="is no table name"):
        load(spark.range(1), "a.b.c", **nowhere)
    with pytest.raises(UsageError, match="run id"):
        load(spark.range(1), "t", **nowhere, run_id="a b")


def test_what_the_table_does_not_take_is_said(spark: SparkSession, db: Connection, schema: str, url: str) -> None:
    """The errors are those of a sink, and the table holds what it held."""
    db.run(f"CREATE TABLE {schema}.t (id smallint)")
    with pytest.raises(SinkError, match=r"column 'id' in row 1 .*out of range for smallint"):
        load(spark.range(70_000, 70_001), f"{schema}.t", connection=url, mode="append")
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[0]]


def test_ctrl_c_publishes_nothing_and_drops_what_is_staged(
    spark: SparkSession, db: Connection, schema: str, url: str, tmp_path: Path
) -> None:
    """Spark's job is cancelled, the table and other jobs of the session stay; the schema's fixture looks for staging."""
    started = tmp_path / "started"

    def slow(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            started.touch()
            for _ in range(600):
                time.sleep(0.1)

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    db.run(f"CREATE TABLE {schema}.t (id bigint)")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            load(spark.range(5).mapInArrow(slow, "id long"), f"{schema}.t", connection=url, mode="append")
    finally:
        signal.signal(signal.SIGINT, before)
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[0]]
    assert spark.range(3).select(f.sum("id")).collect()[0][0] == 3


def test_ctrl_c_between_the_steps(
    spark: SparkSession, db: Connection, schema: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When all is staged nothing is published any more; a publish that has begun is finished, and a note says so."""

    def interrupted(name: str) -> Any:
        work = getattr(PostgresLoad, name)

        def with_interrupt(self: PostgresLoad, *arguments: Any) -> Any:
            done = work(self, *arguments)
            os.kill(os.getpid(), signal.SIGINT)
            while not self._patience.stopped():
                time.sleep(0.01)
            return done

        return with_interrupt

    db.run(f"CREATE TABLE {schema}.t (id bigint)")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for step, rows in (("stage", 0), ("publish", 3)):
            with monkeypatch.context() as patched:
                patched.setattr(PostgresLoad, step, interrupted(step))
                with pytest.raises(KeyboardInterrupt) as caught:
                    load(spark.range(3), f"{schema}.t", connection=url, mode="append")
            assert any("too late" in note for note in getattr(caught.value, "__notes__", [])) == bool(rows)
            assert db.run(f"SELECT count(*) FROM {schema}.t") == [[rows]]
    finally:
        signal.signal(signal.SIGINT, before)


def test_executors_without_stoker_are_told_how_to_get_it(
    spark: SparkSession,
    schema: str,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Tasks in a Python that has no stoker: the message has the commands, and the zip that they make is enough."""
    python = python_without_stoker(tmp_path)
    monkeypatch.setattr(spark.sparkContext, "pythonExec", str(python))
    assert spark._jvm is not None
    settings = spark._jvm.org.apache.spark.SparkEnv.get().conf()  # as in sessions of others
    before = settings.get(DAEMON)
    settings.set(DAEMON, "pyspark.daemon")
    request.addfinalizer(lambda: settings.set(DAEMON, before))
    with pytest.raises(ConfigurationError, match=r"(?s)tasks cannot import stoker.*--py-files stoker\.zip"):
        load(spark.range(5), f"{schema}.t", connection=url, mode="replace")
    monkeypatch.setattr(spark.sparkContext, "_python_includes", [])
    monkeypatch.setattr(sys, "path", list(sys.path))  # the driver gets the zip too
    spark.sparkContext.addPyFile(str(shipped(tmp_path)))
    assert load(spark.range(5), f"{schema}.t", connection=url, mode="replace").rows == 5


def test_sql_of_the_users_own_is_part_of_the_publish(
    spark: SparkSession, db: Connection, schema: str, url: str
) -> None:
    """Before and after the rows, in one transaction with them, with colons as they are; a failure is named as theirs."""
    db.run(f"CREATE TABLE {schema}.log (rows bigint, told text)")
    count = f"INSERT INTO {schema}.log SELECT count(*), 'a:b' FROM {schema}.t"
    db.run(f"CREATE TABLE {schema}.t (id bigint)")
    into: dict[str, Any] = {"connection": url, "mode": "append"}
    load(spark.range(3), f"{schema}.t", **into, before=count, after=[count, f"DELETE FROM {schema}.t WHERE id = 0"])
    assert db.run(f"SELECT rows, told FROM {schema}.log ORDER BY 1") == [[0, "a:b"], [3, "a:b"]]
    with pytest.raises(
        SinkError, match=rf"The SQL of after= for {schema}\.t failed: relation \"nowhere\" does not exist"
    ):
        load(spark.range(3), f"{schema}.t", **into, before=count, after="TABLE nowhere")
    with pytest.raises(SinkError, match=r"(?s)The SQL of before= .*one statement in each text"):
        load(spark.range(3), f"{schema}.t", **into, before="SELECT 1; COMMIT")
    assert db.run(f"SELECT count(*) FROM {schema}.log") == [[2]]
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[2]]


def test_so_many_tasks_send_at_once(
    spark: SparkSession, db: Connection, schema: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more could run, rows are repartitioned, which is said; where no more can run, they stay as they are."""
    db.run(f"CREATE TABLE {schema}.t (id bigint)")
    frame = spark.range(0, 90, 1, 9)
    monkeypatch.setattr(spread, "task_slots", lambda _: 16)
    ways = [
        load(frame, f"{schema}.t", connection=url, mode="append", connections=number).way for number in (3, None, 16)
    ]
    assert ways == [
        "binary COPY; repartitioned for at most 3 connections",
        "binary COPY; repartitioned for at most 8 connections",
        "binary COPY",
    ]
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[270]]
    assert Spread(2, cheap=True).of(frame).rdd.getNumPartitions() == 2
    assert Spread(2, cheap=False).of(frame).rdd.getNumPartitions() == 2


def test_a_session_knows_how_many_tasks_run_at_once(spark: SparkSession) -> None:
    """One core is one task."""
    assert task_slots(spark.sparkContext) == spark.sparkContext.defaultParallelism


def python_without_stoker(folder: Path) -> Path:
    """A Python that has what this one has, but for stoker and its dependencies."""
    libraries, python = folder / "libraries", folder / "python"
    libraries.mkdir()
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if path.suffix != ".pth" and not path.name.startswith(("stoker", "pg8000", "scramp", "asn1crypto")):
            (libraries / path.name).symlink_to(path)
    python.write_text(f'#!/bin/sh\nexec env PYTHONPATH={libraries} {sys.executable} -S "$@"\n', "utf-8")
    python.chmod(0o755)
    return python


def shipped(folder: Path) -> Path:
    """A zip of stoker and its dependencies, as the message says to make it."""
    with zipfile.ZipFile(folder / "stoker.zip", "w") as archive:
        for name in ("stoker", "pg8000", "scramp", "asn1crypto"):
            top = Path(importlib.import_module(name).__file__ or "").parent
            for path in (*top.rglob("*.py"), *top.parent.glob(f"{name}-*.dist-info/METADATA")):
                archive.write(path, path.relative_to(top.parent))
    return folder / "stoker.zip"
