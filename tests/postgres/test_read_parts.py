from __future__ import annotations

import dataclasses
import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest

from postgres.proxies import Relay
from postgres.reading import parts, planned, whole
from stoker import ConnectionLostError, DefinitionError, SourceError, TransientError, read
from stoker.postgres import embedded
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.names import LoadTarget
from stoker.postgres.read import frame as frames
from stoker.postgres.read import relation
from stoker.postgres.read.frame import without_snapshot
from stoker.postgres.read.plan import Means
from stoker.postgres.read.ranges import by_place
from stoker.postgres.read.snapshot import Snapshot
from stoker.postgres.read.task import rows_of_part
from stoker.postgres.read.wanted import Wanted
from support.servers import connection_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo


@pytest.fixture
def snapshot(info: ConnectionInfo) -> Iterator[Snapshot]:
    """A snapshot as a run holds it."""
    made = Snapshot(info)
    yield made
    made.release()


def fill(db: Connection, table: str, rows: int, first: int = 1) -> None:
    """Rows of about 200 bytes."""
    db.run(f"INSERT INTO {table} SELECT n, repeat('x', 180) FROM generate_series({first}, {first + rows - 1}) AS n")


def ids(found: list[list[dict[str, Any]]]) -> list[int]:
    """All ids, sorted."""
    return sorted(row["id"] for part in found for row in part)


def test_blocks_are_shared_evenly(info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot) -> None:
    """Each row is in one part, and the parts are about as large; each is a scan of a range."""
    db.run(f"CREATE TABLE {schema}.t (id int, x text)")
    fill(db, f"{schema}.t", 4000)
    snapshot.renew()
    plan = planned(snapshot, info, f"{schema}.t", partitions=4)
    found = parts(plan)
    assert ids(found) == list(range(1, 4001))
    assert [900 < len(part) < 1100 for part in found] == [True] * 4
    for condition in plan.task.conditions:
        shown = "\n".join(row[0] for row in db.run(f"EXPLAIN {plan.task.select(condition)}"))
        assert "Tid Range Scan" in shown


def test_a_small_table_is_one_part(info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot) -> None:
    """Where nobody says how many; and a table has no more parts than blocks."""
    db.run(f"CREATE TABLE {schema}.t (id int, x text)")
    fill(db, f"{schema}.t", 50)
    snapshot.renew()
    assert len(planned(snapshot, info, f"{schema}.t").task.conditions) == 1
    assert len(planned(snapshot, info, f"{schema}.t", partitions=100).task.conditions) == 2


def test_the_blocks_of_partitions_are_read_together(
    info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot
) -> None:
    """A partitioned table, one of whose partitions is much larger, and a table with heirs: no row is lost or twice."""
    db.run(f"CREATE TABLE {schema}.t (id int, x text) PARTITION BY RANGE (id)")
    for low, high in ((1, 101), (101, 3001), (3001, 4001), (4001, 5001)):
        db.run(f"CREATE TABLE {schema}.t{low} PARTITION OF {schema}.t FOR VALUES FROM ({low}) TO ({high})")
    fill(db, f"{schema}.t", 4000)
    snapshot.renew()
    found = parts(planned(snapshot, info, f"{schema}.t", partitions=4))
    assert ids(found) == list(range(1, 4001))
    assert [700 < len(part) < 1300 for part in found] == [True] * 4
    db.run(f"CREATE TABLE {schema}.parent (id int, x text)")
    db.run(f"CREATE TABLE {schema}.child (y int) INHERITS ({schema}.parent)")
    fill(db, f"{schema}.parent", 100)
    db.run(f"INSERT INTO {schema}.child SELECT id + 100, x FROM {schema}.parent CROSS JOIN generate_series(1, 9)")
    snapshot.renew()
    assert len(ids(parts(planned(snapshot, info, f"{schema}.parent", partitions=3)))) == 1000


@pytest.mark.parametrize("blocks", [(), (0,), (1,), (10,), (10, 10), (1, 100), (3, 5, 1000, 0), (7, 7, 8)])
@pytest.mark.parametrize("asked", [1, 2, 3, 7])
def test_ranges_of_blocks_are_even(blocks: tuple[int, ...], asked: int) -> None:
    """However the blocks are shared between the tables, no range has many more than its share."""
    conditions = by_place(blocks, asked)
    cuts = [
        int(condition.rpartition("'(")[2].partition(",")[0]) for condition in conditions[:-1] if "ctid" in condition
    ]
    edges = [0, *cuts, max(blocks, default=0)]
    assert edges == sorted(edges)
    held = [sum(max(0, min(size, high) - low) for size in blocks) for low, high in itertools.pairwise(edges)]
    assert sum(held) == sum(blocks)
    assert max(held) <= sum(blocks) / asked + len(blocks)


def test_ranges_of_a_key(info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot) -> None:
    """By the server's statistics, whatever the type; rows without a key are read too."""
    db.run(f'CREATE TABLE {schema}.t (id int, "Odd \'key" text)')
    db.run(
        f"INSERT INTO {schema}.t SELECT n, CASE WHEN n % 10 > 0 THEN 'k''\\' || n END FROM generate_series(1, 2000) n"
    )
    wanted = {"partition_column": "Odd 'key", "partitions": 3}
    snapshot.renew()
    unknown = planned(snapshot, info, f"{schema}.t", **wanted)
    assert len(unknown.task.conditions) == 1
    assert "ANALYZE" in str(unknown.uncut)
    db.run(f"ANALYZE {schema}.t")
    snapshot.uses = 0
    snapshot.renew()
    found = parts(planned(snapshot, info, f"{schema}.t", **wanted))
    assert ids(found) == list(range(1, 2001))
    assert [500 < len(part) < 900 for part in found] == [True] * 3


def test_given_bounds(info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot) -> None:
    """Of a query, and of values that have quotes."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT n AS id, DATE '2024-01-01' + n AS day FROM generate_series(1, 100) n")
    query = f"SELECT * FROM {schema}.t -- all of them"
    found = parts(planned(snapshot, info, query=query, partition_column="day", bounds=("2024-02-01", "2024-03-01")))
    assert [len(part) for part in found] == [30, 29, 41]
    found = parts(planned(snapshot, info, query="SELECT 'a''b' AS k, 1 AS id;", partition_column="k", bounds=("a'a",)))
    assert [len(part) for part in found] == [0, 1]


def test_an_older_server_is_cut_by_its_primary_key(
    info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before version 14, a range of blocks is read by reading all of them."""
    monkeypatch.setattr(relation, "_WITH_CTID_RANGES", 10**9)
    db.run(f"CREATE TABLE {schema}.t (id int PRIMARY KEY, x text)")
    db.run(f"CREATE TABLE {schema}.u (id int, x text)")
    fill(db, f"{schema}.t", 1000)
    db.run(f"ANALYZE {schema}.t")
    snapshot.renew()
    found = parts(planned(snapshot, info, f"{schema}.t", partitions=2))
    assert (len(found), ids(found)) == (2, list(range(1, 1001)))
    assert "older than PostgreSQL 14" in str(planned(snapshot, info, f"{schema}.u", partitions=2).uncut)


def test_what_has_no_blocks_is_one_part(info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot) -> None:
    """A view and a query; a materialized view is cut as a table."""
    db.run(f"CREATE TABLE {schema}.t (id int, x text)")
    fill(db, f"{schema}.t", 500)
    db.run(f"CREATE VIEW {schema}.v AS SELECT * FROM {schema}.t")
    db.run(f"CREATE MATERIALIZED VIEW {schema}.m AS SELECT * FROM {schema}.t")
    snapshot.renew()
    for wanted, uncut in (
        ({"table": f"{schema}.v"}, "it is a view"),
        ({"query": f"TABLE {schema}.t"}, "it is a query"),
    ):
        plan = planned(snapshot, info, **wanted, partitions=2)
        assert uncut in str(plan.uncut)
        assert ids(parts(plan)) == list(range(1, 501))
        assert planned(snapshot, info, **wanted).uncut is None
    found = parts(planned(snapshot, info, f"{schema}.m", partitions=2))
    assert (len(found), ids(found)) == (2, list(range(1, 501)))


def test_columns_and_conditions_are_the_servers_work(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """Only what is asked for is sent, in that order; generated and odd columns are columns as others."""
    db.run(
        f'CREATE TABLE {schema}."T ""1" (id int, "Select" text, twice int GENERATED ALWAYS AS (id * 2) STORED, "a.b`c" int)'
    )
    db.run(f'INSERT INTO {schema}."T ""1" (id, "Select", "a.b`c") SELECT n, n::text, -n FROM generate_series(1, 9) n')
    found = whole(info, f'{schema}."T ""1"', columns=("twice", "a.b`c", "Select"), where="id < 2 OR id > 8 -- ends")
    assert [list(row.items()) for row in found] == [
        [("twice", 2), ("a.b`c", -1), ("Select", "1")],
        [("twice", 18), ("a.b`c", -9), ("Select", "9")],
    ]


def test_all_reads_see_one_state(info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot) -> None:
    """What is committed while parts of two tables are read is in none of them."""
    for name in ("a", "b"):
        db.run(f"CREATE TABLE {schema}.{name} (id int, x text)")
        fill(db, f"{schema}.{name}", 200)
    snapshot.renew()
    first = planned(snapshot, info, f"{schema}.a", partitions=2)
    fill(db, f"{schema}.b", 10, first=1000)
    db.run(f"DELETE FROM {schema}.a WHERE id % 2 = 0")
    second = planned(snapshot, info, f"{schema}.b", partitions=2)
    assert ids(parts(first)) == ids(parts(second)) == list(range(1, 201))


def test_a_table_cannot_be_emptied_while_it_is_read(
    info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot
) -> None:
    """TRUNCATE, which a snapshot does not see through, waits until the snapshot is released."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id")
    snapshot.renew()
    plan = planned(snapshot, info, query=f"SELECT * FROM {schema}.t")
    db.run("SET lock_timeout = 100")
    with pytest.raises(Exception, match="55P03"):
        db.run(f"TRUNCATE {schema}.t")
    assert ids(parts(plan)) == [1]
    snapshot.release()
    db.run("SET lock_timeout = '10s'")
    db.run(f"TRUNCATE {schema}.t")


def test_a_table_that_was_replaced_before_it_was_locked(
    info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot is taken anew if nothing has it yet; else the run fails, and would read no rows otherwise."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id")
    snapshot.renew()

    def replace(_: str) -> None:
        db.run(f"BEGIN; TRUNCATE {schema}.t; INSERT INTO {schema}.t VALUES (2); COMMIT")
        monkeypatch.setattr(frames, "failpoint", lambda _: None)

    monkeypatch.setattr(frames, "failpoint", replace)
    assert ids(parts(planned(snapshot, info, f"{schema}.t"))) == [2]
    db.run(f"CREATE TABLE {schema}.u AS SELECT 1 AS id")
    db.run(f"ALTER TABLE {schema}.u RENAME TO old")
    db.run(f"CREATE TABLE {schema}.u AS SELECT 1 AS id")
    with pytest.raises(TransientError, match="emptied or replaced"):
        planned(snapshot, info, query=f"SELECT * FROM {schema}.u")


def test_a_snapshot_that_was_released(info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot) -> None:
    """A frame that is used after its run is refused, and reads nothing else."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id")
    snapshot.renew()
    plan = planned(snapshot, info, f"{schema}.t")
    snapshot.release()
    with pytest.raises(SourceError, match="its snapshot is gone"):
        parts(plan)


def test_a_snapshot_whose_session_was_ended(
    info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next task fails, and the next source too."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id")
    snapshot.renew()
    plan = planned(snapshot, info, f"{schema}.t")
    with snapshot.look() as connection:
        pid = connection.run("SELECT pg_backend_pid()")[0][0]
    db.run("SELECT pg_terminate_backend(:pid, 5000)", pid=pid)
    with pytest.raises(SourceError, match="its snapshot is gone"):
        parts(plan)
    with pytest.raises(TransientError, match=r"terminating connection|was lost"):
        planned(snapshot, info, f"{schema}.t")


def test_parts_of_a_read_without_a_snapshot(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """With `consistent=False` each part is of the moment at which it is read, and nothing stays locked."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id")
    plan = without_snapshot(Wanted(LoadTarget(schema, "t")), Means(info, 2))
    db.run(f"TRUNCATE {schema}.t")
    db.run(f"INSERT INTO {schema}.t VALUES (5)")
    assert ids(parts(plan)) == [5]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"table": "SCHEMA.flihgts"}, "Did you mean 'flights'?"),
        ({"table": "flights"}, "in any schema of the search path. Did you mean 'SCHEMA.flights'?"),
        ({"table": "SCHEMAx.flights"}, "there is no schema 'SCHEMAx'. Did you mean 'SCHEMA'"),
        ({"table": "SCHEMA.flights", "columns": ("id", "Dely")}, "has no column 'Dely'. Did you mean 'Delay'?"),
        ({"table": "SCHEMA.flights", "partition_column": "idd"}, "has no column 'idd'. Did you mean 'id'?"),
        ({"table": "SCHEMA.flights", "where": "dely > 1"}, 'column "dely" does not exist'),
        ({"table": "SCHEMA.flights", "where": "id > 'x'"}, 'invalid input syntax for type integer: "x"'),
        ({"table": "SCHEMA.numbers"}, "is no table or view"),
        ({"table": "SCHEMA.nothing"}, "has no columns"),
        ({"query": "SELECT 1 AS a, 2 AS a"}, "has several columns with the name 'a'"),
        ({"query": "SELECT FROM WHERE"}, 'syntax error at or near "WHERE"'),
        ({"query": "SELECT * FROM nowhere.t"}, 'relation "nowhere.t" does not exist'),
        ({"query": "INSERT INTO SCHEMA.flights VALUES (1) RETURNING *"}, "syntax error"),
    ],
)  # fmt: skip
def test_names_that_are_wrong(
    wanted: dict[str, Any], told: str, info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot
) -> None:
    """Each is said by its name, with the close ones."""
    db.run(f'CREATE TABLE {schema}.flights (id int, "Delay" int)')
    db.run(f"CREATE SEQUENCE {schema}.numbers")
    db.run(f"CREATE TABLE {schema}.nothing ()")
    snapshot.renew()
    given = {key: value.replace("SCHEMA", schema) if isinstance(value, str) else value for key, value in wanted.items()}
    with pytest.raises(SourceError) as caught:
        planned(snapshot, info, **given)
    assert told.replace("SCHEMA", schema) in caught.value.what


def test_a_query_that_locks_rows(info: ConnectionInfo, snapshot: Snapshot) -> None:
    """It is the query that is wrong, and not the server that is a standby."""
    plan = planned(snapshot, info, query="SELECT oid FROM pg_class FOR UPDATE")
    with pytest.raises(SourceError, match="cannot execute SELECT FOR UPDATE in a read-only transaction") as caught:
        parts(plan)
    assert caught.value.next_step == "Only what reads can be given as query= and where=."


def test_rights_that_are_missing(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """The statement that grants them is told; a column that may be read can be read."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id, 2 AS secret")
    reader = f"{schema}_reader"
    db.run(f"CREATE ROLE {reader} LOGIN PASSWORD 'x'")
    try:
        theirs = type(info)(info.host, info.port, info.database, reader, "x", sslmode="disable")
        for grant in (f"GRANT USAGE ON SCHEMA {schema}", f"GRANT SELECT ON {schema}.t"):
            with pytest.raises(SourceError, match="has no right to read") as caught:
                whole(theirs, f"{schema}.t")
            assert str(caught.value.next_step).replace('"', "") == f"{grant} TO {reader};"
            if "USAGE" in grant:
                db.run(str(caught.value.next_step))
        db.run(f"GRANT SELECT (id) ON {schema}.t TO {reader}")
        with pytest.raises(SourceError, match="permission denied"):
            whole(theirs, f"{schema}.t")
        assert whole(theirs, f"{schema}.t", columns=("id",)) == [{"id": 1}]
    finally:
        db.run(f"DROP OWNED BY {reader}")
        db.run(f"DROP ROLE {reader}")


def test_a_table_that_others_have_locked(info: ConnectionInfo, db: Connection, schema: str, snapshot: Snapshot) -> None:
    """It is waited for as long as for a lease, and then said who has it."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id")
    snapshot.renew()
    other = connect(info)
    try:
        other.run("BEGIN")
        other.run(f"LOCK TABLE {schema}.t")
        with pytest.raises(TransientError, match=r"was locked by others for 0\.1 s\. Held by pid"):
            planned(snapshot, info, f"{schema}.t")
    finally:
        cut(other)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"table": "t", "query": "SELECT 1"},
        {"query": " ; "},
        {"query": "-- nothing"},
        {"query": "SELECT '\0'"},
        {"table": "t", "columns": [""]},
        {"table": "t", "columns": ["a", "a"]},
        {"table": "t", "where": " "},
        {"table": "t", "partitions": 0},
        {"table": "t", "partitions": True},
        {"table": "t", "bounds": [1]},
        {"table": "t", "partition_column": "a", "bounds": [1], "partitions": 3},
        {"table": "t", "partition_column": "a", "bounds": [b"x"]},
        {"query": "SELECT 1", "partition_column": "a"},
        {"table": "a.b.c"},
    ],
)
def test_declarations_that_cannot_be(arguments: dict[str, Any]) -> None:
    """They are refused where they are made."""
    with pytest.raises(DefinitionError):
        read.postgres(**arguments, connection="warehouse")


LONG = "SELECT n, repeat('x', 1000) AS x FROM generate_series(1, 200000) AS n"
"""Longer than what fits into the buffers of a connection."""


def test_a_session_that_is_ended_in_the_midst_of_rows(info: ConnectionInfo, db: Connection, snapshot: Snapshot) -> None:
    """The rows that came are no result, since the task fails."""
    plan = planned(snapshot, info, query=LONG)
    rows = rows_of_part(plan.task, 0)
    assert next(rows).num_rows > 0
    db.run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%'")
    with pytest.raises(ConnectionLostError, match=r"terminating connection|closed the connection"):
        list(rows)


def test_a_connection_that_is_cut_in_the_midst_of_rows(info: ConnectionInfo) -> None:
    """By what lies between."""
    with Relay(info.host, info.port) as relay:
        theirs = dataclasses.replace(info, port=relay.port)
        snapshot = Snapshot(theirs)
        rows = rows_of_part(planned(snapshot, theirs, query=LONG).task, 0)
        assert next(rows).num_rows > 0
        relay.cut_all()
        snapshot.release()
        with pytest.raises(ConnectionLostError, match=r"lost|closed the connection"):
            list(rows)


def test_a_failure_in_the_midst_of_rows(info: ConnectionInfo, snapshot: Snapshot) -> None:
    """Of the query itself; nothing is left open."""
    query = "SELECT 100 / (19999 - n) AS x, repeat('x', 1000) AS y FROM generate_series(1, 20000) AS n"
    with pytest.raises(SourceError, match="division by zero"):
        parts(planned(snapshot, info, query=query))


def test_rows_that_nobody_wants_any_more(info: ConnectionInfo, db: Connection, snapshot: Snapshot) -> None:
    """As with a LIMIT: the server stops."""
    rows = rows_of_part(planned(snapshot, info, query=LONG).task, 0)
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while db.run("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%' AND state = 'active'")[0][0]:
        assert time.monotonic() < deadline


@pytest.mark.faults
def test_an_end_point_that_leads_to_another_server(
    info: ConnectionInfo, db: Connection, schema: str, tmp_path: Path
) -> None:
    """A task that comes to a second real server, which has the same table, fails and reads nothing there."""
    db.run(f"CREATE TABLE {schema}.t AS SELECT 1 AS id")
    tmp_path.chmod(0o755)
    other = embedded.start(tmp_path / "other")
    try:
        with Relay(info.host, info.port) as relay:
            theirs = dataclasses.replace(info, port=relay.port)
            snapshot = Snapshot(theirs)
            plan = planned(snapshot, theirs, f"{schema}.t")
            login = dataclasses.replace(plan.task.info, user=other.user, password=other.password)
            relay.towards(other.host, other.port)
            with pytest.raises(SourceError, match="to another server than the driver"):
                parts(dataclasses.replace(plan, task=dataclasses.replace(plan.task, info=login)))
            snapshot.release()
    finally:
        embedded.stop(tmp_path / "other")


@pytest.mark.faults
def test_a_server_that_is_restarted(tmp_path: Path) -> None:
    """The snapshot is gone for tasks that come later."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "own"
    info = connection_info(embedded.start(folder))
    try:
        snapshot = Snapshot(info)
        plan = planned(snapshot, info, query="SELECT 1 AS id")
        embedded.stop(folder)
        again = connection_info(embedded.start(folder))
        with pytest.raises(SourceError, match=r"gone|another server"):
            parts(dataclasses.replace(plan, task=dataclasses.replace(plan.task, info=again)))
        snapshot.release()
    finally:
        embedded.stop(folder)
