"""Late attempts, other writers and locks: readers see old rows or new ones. What any sink must stand is in `tests/behaviour`."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from typing import TYPE_CHECKING

import pytest

from postgres.publisher import SCHEMA, batch, stage
from stoker.errors import (
    ConnectionLostError,
    InterruptedRunError,
    SinkError,
    StokerError,
    TransientError,
)
from stoker.postgres import waiting
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.sending import copy as copying
from stoker.postgres.sending.copy import NO_TRANSACTION, copy_batches
from support.servers import staging_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

OLD, NEW = [[10, 1, "old"]], [[100, 1, "new"]]


def whole(load: PostgresLoad, run_id: str, **size: int) -> int:
    """A load from beginning to end."""
    try:
        done = load.published()
        if done is not None:
            return done.rows
        stage(load, run_id, **size)
        return load.publish()
    finally:
        load.discard()


def content(db: Connection, schema: str) -> list[list[object]]:
    """How many rows, of how many runs, and the name of one: one statement, so that it is one moment."""
    rows: list[list[object]] = db.run(f"SELECT count(*), count(DISTINCT run), min(run) FROM {schema}.t")
    return rows


def test_rows_of_a_late_attempt_are_not_published(load: Loads, db: Connection, schema: str) -> None:
    """An attempt that Spark did not report, because it lost or was killed, may commit at any time before the publish."""
    sink = load(run_id="new")
    stage(sink, "new")
    copy_batches(sink.task, [batch(range(500), "late")], 0)
    assert sink.publish() == 100
    assert content(db, schema) == NEW


def wait_for_writer(db: Connection, sink: PostgresLoad) -> None:
    """Until someone copies into the staging table."""
    while not db.run(
        "SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE relname = :name AND mode LIKE 'Row%'",
        name=sink._plan().staging.table.table,
    ):
        time.sleep(0.01)


def test_an_attempt_that_still_writes_is_shut_out(
    load: Loads, db: Connection, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zombie in the midst of its COPY holds the publish up for one wait, then its session is ended."""
    monkeypatch.setattr(waiting, "_ONE_WAIT", 0.3)
    sink = load(run_id="new")
    stage(sink, "new")
    writing, end = threading.Event(), threading.Event()
    failed: list[Exception] = []

    def endless() -> Iterator[pa.RecordBatch]:
        for at in range(200):
            yield batch(range(100), "late")
            if at == 50:
                writing.set()
                end.wait(20)

    def zombie() -> None:
        try:
            copy_batches(sink.task, endless(), 0)
        except ConnectionLostError as error:
            failed.append(error)

    thread = threading.Thread(target=zombie)
    thread.start()
    assert writing.wait(10)
    wait_for_writer(db, sink)
    assert sink.publish() == 100
    end.set()
    thread.join()
    assert len(failed) == 1
    assert content(db, schema) == NEW


def test_discard_does_not_wait_for_tasks_that_still_write(load: Loads, db: Connection) -> None:
    """After a cancelled job its tasks may go on for a while: their sessions are ended, and the table goes."""
    sink = load()
    sink.prepare(SCHEMA)
    end = threading.Event()

    def endless() -> Iterator[pa.RecordBatch]:
        yield batch(range(100), "late")
        end.wait(20)

    def zombie() -> None:
        with contextlib.suppress(ConnectionLostError):
            copy_batches(sink.task, endless(), 0)

    thread = threading.Thread(target=zombie)
    thread.start()
    wait_for_writer(db, sink)
    sink.discard()
    end.set()
    thread.join()


def test_staged_rows_that_are_not_as_reported_are_not_published(load: Loads, db: Connection, schema: str) -> None:
    """Rows that vanished, as UNLOGGED ones do in a crash of the server, or that were changed, stop the publish."""
    whole(load(run_id="old"), "old", partitions=1, rows=10)
    for change in ("DELETE FROM {0} WHERE id = 3", "UPDATE {0} SET id = 4 WHERE id = 3", "TRUNCATE {0}"):
        sink = load(run_id="new")
        stage(sink, "new")
        db.run(change.format(sink._plan().staging.table.sql))
        with pytest.raises(TransientError, match="are not those that the tasks reported"):
            sink.publish()
        sink.discard()
        assert content(db, schema) == OLD


def test_a_live_run_keeps_its_staging_table(load: Loads, db: Connection, schema: str) -> None:
    """Another run sweeps dead ones only; both publish, one after the other."""
    first, second = load(run_id="first"), load(run_id="second")
    stage(first, "first")
    stage(second, "second")
    assert len(staging_tables(db, schema)) == 2
    assert second.publish() == 100
    assert first.publish() == 100
    assert content(db, schema) == [[100, 1, "first"]]


def test_concurrent_loads_never_mix(load: Loads, db: Connection, schema: str) -> None:
    """Runs that replace the same table at the same time leave the rows of one; readers see one at any moment."""
    runs = [f"run{at}" for at in range(4)]
    sinks = [load(run_id=run, wait=60.0) for run in runs]
    for sink, run in zip(sinks, runs, strict=True):
        stage(sink, run)
    errors: list[Exception] = []

    def publish(sink: PostgresLoad) -> None:
        try:
            sink.publish()
        except StokerError as error:
            errors.append(error)

    threads = [threading.Thread(target=publish, args=(sink,)) for sink in sinks]
    for thread in threads:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in threads):
        if db.run("SELECT to_regclass(:name)", name=f"{schema}.t") != [[None]]:
            seen.append(content(db, schema)[0][:2])
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(look == [100, 1] for look in seen)
    assert content(db, schema)[0][:2] == [100, 1]
    assert db.run(f"SELECT count(*) FROM {schema}.stoker_loads") == [[4]]


def test_another_writer_comes_before_or_after_replace(
    load: Loads, info: ConnectionInfo, db: Connection, schema: str
) -> None:
    """A row that someone else is adding is replaced too, once it is committed; it never stays among the new ones."""
    whole(load(run_id="old"), "old", partitions=1, rows=10)
    writer = connect(info)
    writer.run("BEGIN")
    writer.run(f"INSERT INTO {schema}.t VALUES (0, 'foreign')")
    sink = load(run_id="new")
    stage(sink, "new")
    thread = threading.Thread(target=sink.publish)
    thread.start()
    while not db.run("SELECT 1 FROM pg_locks WHERE NOT granted"):
        assert thread.is_alive()
    writer.run("COMMIT")
    thread.join()
    cut(writer)
    assert content(db, schema) == NEW


def test_two_attempts_of_one_run_publish_once(load: Loads, db: Connection, schema: str) -> None:
    """Also when both publish at the same time: the second waits, sees the first in the ledger, and adds nothing."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, run text)")
    sinks = [load(run_id="new", mode="append") for _ in range(3)]
    for sink in sinks:
        stage(sink, "new")
    answers: list[int] = []
    threads = [threading.Thread(target=lambda one=sink: answers.append(one.publish())) for sink in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [100, 100, 100]
    assert content(db, schema) == NEW


def test_a_lock_that_is_held_is_named(
    load: Loads, info: ConnectionInfo, db: Connection, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits too long is told the pid and the statement of the holder; nothing was published."""
    monkeypatch.setattr(waiting, "_ONE_WAIT", 0.2)
    whole(load(run_id="old"), "old", partitions=1, rows=10)
    holder = connect(info)
    holder.run("BEGIN")
    holder.run(f"UPDATE {schema}.t SET id = 0 /* the night's report */")
    pid = holder.run("SELECT pg_backend_pid() /* last statement */")[0][0]
    sink = load(run_id="new", wait=0.6)
    stage(sink, "new")
    with pytest.raises(TransientError) as caught:
        sink.publish()
    assert f"pid {pid}" in str(caught.value)
    assert "last statement" in str(caught.value)
    assert caught.value.state == "Nothing was published."
    cut(holder)
    assert sink.publish() == 100
    assert content(db, schema) == NEW


def test_a_run_that_is_stopped_does_not_wait_for_locks(
    load: Loads, info: ConnectionInfo, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling reaches a publish that waits."""
    monkeypatch.setattr(waiting, "_ONE_WAIT", 0.2)
    whole(load(run_id="old"), "old", partitions=1, rows=10)
    holder = connect(info)
    holder.run("BEGIN")
    holder.run(f"LOCK TABLE {schema}.t IN SHARE MODE")
    sink = load(run_id="new", stopped=lambda: True)
    stage(sink, "new")
    with pytest.raises(InterruptedRunError):
        sink.publish()
    cut(holder)


def test_a_reader_does_not_hold_up_replace(load: Loads, info: ConnectionInfo, db: Connection, schema: str) -> None:
    """A long report goes on seeing the old rows, and the load does not wait for it."""
    whole(load(run_id="old"), "old", partitions=1, rows=10)
    reader = connect(info)
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert content(reader, schema) == OLD
    assert whole(load(run_id="new", wait=1.0), "new") == 100
    assert content(reader, schema) == OLD
    assert content(db, schema) == NEW
    cut(reader)


def test_a_constraint_that_the_rows_break_publishes_nothing(load: Loads, db: Connection, schema: str) -> None:
    """CHECK and NOT NULL are held to in the task already, UNIQUE at the publish; each is named."""
    db.run(f"CREATE TABLE {schema}.t (id bigint UNIQUE, run text NOT NULL, CONSTRAINT small CHECK (id < 1000))")
    sink = load()
    sink.prepare(SCHEMA)
    with pytest.raises(SinkError, match='"small"'):
        copy_batches(sink.task, [batch(range(999, 1001), "x")], 0)
    with pytest.raises(SinkError, match=r'"run".*not-null'):
        copy_batches(sink.task, [batch(range(1), None)], 0)
    sink._report([(0, *copy_batches(sink.task, [batch(range(3), "x"), batch(range(1), "x")], 0))])
    with pytest.raises(SinkError, match=r"unique index \"t_id_key\"; Key \(id\)=\(0\) is duplicated"):
        sink.publish()
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[0]]
    assert db.run(f"SELECT count(*) FROM {schema}.stoker_loads") == [[0]]


def test_an_error_of_the_rows_origin_commits_nothing(load: Loads, db: Connection) -> None:
    """It is passed on as it is, and the COPY is broken off."""

    def broken() -> Iterator[pa.RecordBatch]:
        for _ in range(50):
            yield batch(range(1000), "x")
        raise OSError("the disk of the executor")

    sink = load()
    sink.prepare(SCHEMA)
    with pytest.raises(OSError, match="the disk of the executor"):
        copy_batches(sink.task, broken(), 0)
    assert db.run(f"SELECT count(*) FROM {sink._plan().staging.table.sql}") == [[0]]


def test_a_refused_row_stops_the_sending(load: Loads, db: Connection, schema: str) -> None:
    """The rest of a long partition is not sent to a server that has refused its beginning."""
    db.run(f"CREATE TABLE {schema}.t (id bigint CHECK (id < 1000), run text)")
    taken = 0

    def long() -> Iterator[pa.RecordBatch]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield batch(range(100_000, 110_000), "x" * 20)
            time.sleep(0.002)

    sink = load()
    sink.prepare(SCHEMA)
    with pytest.raises(SinkError, match="violates check constraint"):
        copy_batches(sink.task, long(), 0)
    assert taken < 200


def test_an_empty_partition_opens_no_connection(load: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of empty partitions cost the server nothing."""
    sink = load()
    sink.prepare(SCHEMA)
    monkeypatch.setattr(copying, "connect_patiently", None)
    assert copy_batches(sink.task, [batch(range(0), "x")], 0) == (NO_TRANSACTION, 0)
    assert copy_batches(sink.task, [], 0) == (NO_TRANSACTION, 0)


def test_time_outs_of_the_role_do_not_end_a_load(
    load: Loads, info: ConnectionInfo, db: Connection, schema: str
) -> None:
    """Limits that are meant for people at a prompt are set aside, for our transactions only."""
    role = f"r_{schema}"
    db.run(f"CREATE ROLE {role} LOGIN PASSWORD 'made-up'")
    db.run(f"ALTER ROLE {role} SET statement_timeout = '150ms'")
    db.run(f"ALTER ROLE {role} SET default_transaction_isolation = 'serializable'")
    db.run(f"ALTER ROLE {role} SET datestyle = 'SQL, DMY'")
    db.run(f"GRANT ALL ON SCHEMA {schema} TO {role}")
    try:
        sink = load(info=dataclasses.replace(info, user=role, password="made-up"), run_id="new")
        sink.prepare(SCHEMA)

        def slow() -> Iterator[pa.RecordBatch]:
            for at in range(3):
                yield batch(range(at * 100, at * 100 + 100), "new")
                time.sleep(0.15)

        sink._report([(0, *copy_batches(sink.task, slow(), 0))])
        assert sink.publish() == 300
        sink.discard()
    finally:
        db.run(f"DROP OWNED BY {role}")
        db.run(f"DROP ROLE {role}")


def test_discard_is_always_safe(load: Loads, db: Connection, schema: str) -> None:
    """Before anything, after everything, twice: it raises nothing and leaves nothing."""
    sink = load()
    sink.discard()
    sink.prepare(SCHEMA)
    assert len(staging_tables(db, schema)) == 1
    sink.discard()
    sink.discard()
    assert staging_tables(db, schema) == []


def test_the_ledger_is_created_by_many_at_once(load: Loads, db: Connection, schema: str) -> None:
    """Loads that begin at the same moment in a new schema do not trip over each other."""
    sinks = [load(f"t{at}") for at in range(6)]
    errors: list[Exception] = []

    def prepare(sink: PostgresLoad) -> None:
        try:
            sink.prepare(SCHEMA)
        except StokerError as error:
            errors.append(error)

    threads = [threading.Thread(target=prepare, args=(sink,)) for sink in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(staging_tables(db, schema)) == 6
