"""`replace_partitions` of tables that PostgreSQL partitions by the same columns. Without Spark."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import pytest

from postgres.publisher import changed_by, content, stage_values
from stoker.errors import SinkError, TransientError
from stoker.postgres import publish as publishing
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.modes.choice import Mode
from stoker.postgres.names import LoadTarget
from stoker.postgres.preview import preview

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

COLUMNS = "id integer, month string, name string"
OPTIONS: dict[str, Any] = {"mode": "replace_partitions", "by": ("month",)}


@pytest.fixture
def months(db: Connection, schema: str) -> Iterator[str]:
    """A table of three months, partitioned by them, with all that a partition gets from its table and may have itself."""
    table = f"{schema}.t"
    db.run(
        f"CREATE TABLE {table} (id integer, month text, name text DEFAULT 'x' CHECK (name <> ''), "
        "twice integer GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, month)) PARTITION BY LIST (month)"
    )
    db.run(f"CREATE INDEX by_name ON {table} (name)")
    for month in ("a", "b", "c"):
        db.run(f"CREATE TABLE {table}_{month} PARTITION OF {table} FOR VALUES IN ('{month}')")
    db.run(f"CREATE INDEX own ON {table}_b (lower(name))")
    db.run(f"COMMENT ON TABLE {table}_b IS 'the second'")
    db.run(f"ALTER TABLE {table}_b SET (fillfactor = 70)")
    db.run(f"INSERT INTO {table} SELECT g, chr(97 + g % 3), 'old' FROM generate_series(0, 8) AS g")
    yield table
    db.run("ROLLBACK")


def oids(db: Connection, table: str) -> dict[str, int]:
    """The partitions by their names."""
    rows = db.run(
        "SELECT relname, oid::bigint FROM pg_class JOIN pg_inherits ON oid = inhrelid "
        f"WHERE inhparent = '{table}'::regclass ORDER BY 1"
    )
    return dict(rows)


def described(db: Connection, partition: str) -> list[list[Any]]:
    """What belongs to a partition, but for its number."""
    found: list[list[Any]] = db.run(
        f"SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{partition}'::regclass "
        f"UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{partition}'::regclass "
        "UNION ALL SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits "
        f"JOIN pg_index ON indexrelid = inhrelid WHERE indrelid = '{partition}'::regclass "
        f"UNION ALL SELECT reloptions::text, obj_description(oid) FROM pg_class WHERE oid = '{partition}'::regclass ORDER BY 1, 2"
    )
    return found


def test_whole_partitions_change_places(load: Loads, db: Connection, schema: str, months: str) -> None:
    """The new one has the old one's name, bound, indexes, constraints and comment; the others are the same tables as before."""
    before, all_of_it = oids(db, months), described(db, f"{months}_b")
    sink = load(**OPTIONS)

    changed = changed_by(sink, db, COLUMNS, "(101, 'b', 'new')", "(102, 'b', NULL)")

    assert changed == {"inserted": 2}
    assert str(sink.way).endswith(f"; DETACH and ATTACH: the rows are all that {schema}.t_b will have")
    after = oids(db, months)
    assert [name for name, oid in after.items() if before[name] != oid] == ["t_b"]
    assert described(db, f"{months}_b") == all_of_it
    assert content(db, schema, "id, month, name, twice")[-2:] == [[101, "b", "new", 202], [102, "b", None, 204]]
    assert db.run(f"SELECT count(*) FROM {months}") == [[8]]
    db.run(f"INSERT INTO {months} VALUES (1, 'b', 'later')")


def test_partitions_for_new_values_are_made(load: Loads, db: Connection, schema: str, months: str) -> None:
    """Beside those that are replaced, with a name of table and value, whatever this is; also where nothing can be attached."""
    long = "l" * 70
    values = f"(1, 'b', 'new'), (2, 'd', 'new'), (3, 'it''s \"odd\"', 'new'), (4, '{long}', 'new')"
    changed_by(load(run_id="1", **OPTIONS), db, COLUMNS, values)
    assert {"t_a", "t_b", "t_c", "t_d", 't_it\'s "odd"'} < oids(db, months).keys()
    assert len(oids(db, months)) == 6
    assert db.run(f"SELECT count(*) FROM {months}") == [[10]]

    db.run(f"CREATE TABLE {schema}.other (id integer, month text, FOREIGN KEY (id, month) REFERENCES {months})")
    sink = load(run_id="2", **OPTIONS)
    changed_by(sink, db, COLUMNS, "(5, 'a', 'new'), (6, 'e', 'new')")
    assert str(sink.way).endswith("DELETE and INSERT: it has foreign keys, or is referred to")
    assert db.run(f"SELECT count(*) FROM {schema}.t_e") == [[1]]


def test_a_partition_of_a_table_with_a_long_name(load: Loads, db: Connection, schema: str) -> None:
    """Bytes count, and not letters."""
    name = f'"{"🦆" * 15}"'
    db.run(f"CREATE TABLE {schema}.{name} (id integer, month text) PARTITION BY LIST (month)")
    changed_by(load(name, mode="replace_partitions", by=("month",)), db, "id integer, month string", "(1, 'a')")
    assert db.run(f"SELECT * FROM {schema}.{name}") == [[1, "a"]]


def test_a_range_is_replaced_if_it_has_no_other_values(load: Loads, db: Connection, schema: str) -> None:
    """Else only the rows with the values that are staged."""
    db.run(f"CREATE TABLE {schema}.t (id integer, day date) PARTITION BY RANGE (day)")
    for month in (1, 2):
        db.run(
            f"CREATE TABLE {schema}.m{month} PARTITION OF {schema}.t FOR VALUES FROM ('2024-0{month}-01') TO ('2024-0{month + 1}-01')"
        )
    db.run(f"INSERT INTO {schema}.t VALUES (1, '2024-01-01'), (2, '2024-02-01'), (3, '2024-02-02')")
    options: dict[str, Any] = {"mode": "replace_partitions", "by": ("day",)}
    first, second = load(run_id="1", **options), load(run_id="2", **options)
    changed_by(first, db, "id integer, day date", "(10, '2024-01-01'::date), (11, '2024-01-02')")
    changed_by(second, db, "id integer, day date", "(20, '2024-02-01'::date)")
    assert "DETACH and ATTACH" in str(first.way)
    assert str(second.way).endswith(f"DELETE and INSERT: partition {schema}.m2 has rows of other values too")
    assert [row[0] for row in content(db, schema)] == [3, 10, 11, 20]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("CREATE VIEW {s}.v AS SELECT * FROM {s}.t_b", "partition {s}.t_b: view {s}.v depends on it"),
        ("CREATE TABLE {s}.rest PARTITION OF {s}.t DEFAULT", "it has a default partition, which would have to be searched"),
        ("CREATE TRIGGER a BEFORE INSERT ON {s}.t FOR EACH ROW EXECUTE FUNCTION {s}.f()", "it has triggers"),
        ("CREATE PUBLICATION {s} FOR TABLE {s}.t", "a publication has it"),
        ("CREATE PUBLICATION {s} FOR TABLE {s}.t_b", "a publication has it"),
    ],
)  # fmt: skip
def test_what_would_be_lost_keeps_partitions_in_place(
    load: Loads, db: Connection, schema: str, months: str, change: str, why: str
) -> None:
    """The rows are deleted and inserted then, and it is said why."""
    db.run(f"CREATE FUNCTION {schema}.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    db.run(change.format(s=schema))
    before = oids(db, months)
    sink = load(**OPTIONS)
    try:
        changed_by(sink, db, COLUMNS, "(101, 'b', 'new')")
    finally:
        db.run(f"DROP PUBLICATION IF EXISTS {schema}")
    assert str(sink.way).endswith(f"DELETE and INSERT: {why.format(s=schema)}")
    assert oids(db, months) == before
    assert db.run(f"SELECT count(*) FROM {months}") == [[7]]


def test_a_table_that_is_partitioned_otherwise(load: Loads, db: Connection, schema: str, months: str) -> None:
    """By another column than those of `by=`."""
    sink = load(mode="replace_partitions", by=("name",))
    changed_by(sink, db, COLUMNS, "(101, 'b', 'old')")
    assert str(sink.way).endswith("DELETE and INSERT: it is partitioned by other columns than those of by=")
    assert db.run(f"SELECT count(*) FROM {months}") == [[1]]


def test_rows_that_come_meanwhile_are_seen(load: Loads, db: Connection, schema: str, months: str) -> None:
    """What was decided when the rows were staged is looked at again when nobody else can write."""
    db.run(f"CREATE TABLE {schema}.two PARTITION OF {months} FOR VALUES IN ('y', 'z')")
    sink = load(**OPTIONS)
    stage_values(sink, db, COLUMNS, "(1, 'y', 'new')")
    db.run(f"INSERT INTO {months} VALUES (2, 'z', 'theirs')")
    sink.publish()
    assert str(sink.way).endswith(f"DELETE and INSERT: partition {schema}.two has got rows of other values")
    assert db.run(f"SELECT id FROM {schema}.two ORDER BY 1") == [[1], [2]]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("ALTER TABLE {s}.t_b RENAME TO renamed", "its partitions were altered while the load went on"),
        ("CREATE INDEX late ON {s}.t_b (id)", "its partitions were altered while the load went on"),
        ("CREATE VIEW {s}.v AS SELECT * FROM {s}.t_b", "partition {s}.t_b: view {s}.v depends on it"),
        (
            "CREATE TABLE {s}.o (id integer, month text, FOREIGN KEY (id, month) REFERENCES {s}.t)",
            "it has foreign keys, or is referred to",
        ),
    ],
)
def test_a_partition_that_is_altered_meanwhile_stays(
    load: Loads, db: Connection, schema: str, months: str, change: str, why: str
) -> None:
    """And what has been added to it."""
    sink = load(**OPTIONS)
    stage_values(sink, db, COLUMNS, "(1, 'a', 'new'), (2, 'b', 'new')")
    before = oids(db, months)
    db.run(change.format(s=schema))
    sink.publish()
    assert str(sink.way).endswith(f"DELETE and INSERT: {why.format(s=schema)}")
    assert set(oids(db, months).values()) == set(before.values())
    assert db.run(f"SELECT count(*) FROM {months}") == [[5]]


def test_a_partition_that_another_has_made_meanwhile(load: Loads, db: Connection, schema: str, months: str) -> None:
    """The run's next try finds it."""
    sink = load(**OPTIONS)
    stage_values(sink, db, COLUMNS, "(1, 'd', 'new')")
    db.run(f"CREATE TABLE {schema}.t_d PARTITION OF {months} FOR VALUES IN ('d')")
    with pytest.raises(TransientError, match=r"(?s)Partition t_d of .* was made by another.*same run id"):
        sink.publish()
    sink.discard()
    changed_by(load(**OPTIONS), db, COLUMNS, "(1, 'd', 'new')")
    assert db.run(f"SELECT count(*) FROM {schema}.t_d") == [[1]]


def test_a_reader_that_stays_is_not_waited_for_long(
    load: Loads, info: ConnectionInfo, db: Connection, months: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DETACH waits for readers and holds up those who come; DELETE does not."""
    monkeypatch.setattr(publishing, "_SHORT", 0.3)
    reader = connect(info)
    reader.run("BEGIN")
    assert reader.run(f"SELECT count(*) FROM {months}") == [[9]]
    sink = load(**OPTIONS)
    changed_by(sink, db, COLUMNS, "(1, 'b', 'new')")
    cut(reader)
    assert str(sink.way).endswith("DELETE and INSERT: others had a lock on it for 0.3 s")
    assert db.run(f"SELECT count(*) FROM {months}") == [[7]]


def test_readers_see_old_rows_or_new_ones(load: Loads, info: ConnectionInfo, db: Connection, months: str) -> None:
    """While partitions change places."""
    seen: list[int] = []
    end = threading.Event()

    def read() -> None:
        reader = connect(info)
        while not end.is_set():
            seen.append(reader.run(f"SELECT count(*) FROM {months} WHERE month = 'b'")[0][0])
        cut(reader)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for run in range(5):
            changed_by(load(run_id=str(run), **OPTIONS), db, COLUMNS, "(1, 'b', 'n'), (2, 'b', 'n'), (3, 'b', 'n')")
    finally:
        end.set()
        thread.join()
    assert set(seen) == {3}


def test_who_does_not_own_the_table_replaces_rows(
    load: Loads, info: ConnectionInfo, db: Connection, schema: str, months: str
) -> None:
    """Partitions are its owner's to attach, and to make for new values."""
    user = f"u_{schema}"
    db.run(f"CREATE ROLE {user} LOGIN PASSWORD 'secret'")
    db.run(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}")
    db.run(f"GRANT SELECT, INSERT, DELETE ON {months} TO {user}")
    theirs = {**OPTIONS, "info": dataclasses.replace(info, user=user, password="secret")}
    sink = load(run_id="1", **theirs)
    try:
        changed_by(sink, db, COLUMNS, "(101, 'b', 'new')")
        with pytest.raises(SinkError, match="no partition of relation"):
            changed_by(load(run_id="2", **theirs), db, COLUMNS, "(102, 'd', 'new')")
    finally:
        db.run(f"DROP OWNED BY {user}")
        db.run(f"DROP ROLE {user}")
    assert str(sink.way).endswith(f"DELETE and INSERT: {user} is not a member of its owner")
    assert db.run(f"SELECT count(*) FROM {months}") == [[7]]


def test_plan_says_what_can_be_said_without_rows(
    info: ConnectionInfo, db: Connection, schema: str, months: str
) -> None:
    """Whether partitions may change places depends on the rows; that they cannot is known before."""
    target = LoadTarget(schema, "t")
    by_month, by_name = Mode("replace_partitions", by=("month",)), Mode("replace_partitions", by=("name",))
    assert preview(info, target, by_month)[0].startswith(
        "-- DETACH and ATTACH, if the partitions that take rows have no"
    )
    assert "partitioned by other columns" in preview(info, target, by_name)[0]
    upsert = "\n".join(preview(info, target, Mode("upsert", key=("id",))))
    assert upsert.index("record_image_ne") < upsert.index("UPDATE ") < upsert.rindex("INSERT INTO ")
    assert db.run(f"SELECT count(*) FROM {months}") == [[9]]
