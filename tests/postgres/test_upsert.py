"""`upsert`: which rows are rewritten, added and deleted, and which keys are refused. Without Spark."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from postgres.publisher import changed_by, content, put, schema_of, stage_values
from stoker.errors import DefinitionError, SinkError, TransientError
from stoker.postgres import waiting
from stoker.postgres.connections.connection import connect, cut
from stoker.postgres.modes.choice import Mode, mode_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]


def rewritten(db: Connection, schema: str) -> int:
    """What the server says of rows that were written again."""
    db.run("SELECT pg_stat_clear_snapshot()")
    return int(db.run(f"SELECT n_tup_upd FROM pg_stat_user_tables WHERE relid = '{schema}.t'::regclass")[0][0])


@pytest.mark.parametrize("constraint", ["", ", PRIMARY KEY (id)"], ids=["plain", "primary key"])
def test_only_rows_that_differ_are_rewritten(load: Loads, db: Connection, schema: str, constraint: str) -> None:
    """New ones are added, equal ones are not touched, columns that the frame lacks stay, and the key needs no index."""
    db.run(f"CREATE TABLE {schema}.t (id integer, name text, mine text DEFAULT 'new'{constraint})")
    db.run(f"INSERT INTO {schema}.t SELECT g, 'old', 'kept' FROM generate_series(1, 6) AS g")

    changed = changed_by(
        load(mode="upsert", key=("id",)), db, "id integer, name string", "(1, 'old'), (2, NULL)", "(3, 'x'), (7, 'y')"
    )

    assert changed == {"updated": 2, "inserted": 1}
    assert content(db, schema) == [
        [1, "old", "kept"],
        [2, None, "kept"],
        [3, "x", "kept"],
        *([number, "old", "kept"] for number in (4, 5, 6)),
        [7, "y", "new"],
    ]
    deadline = time.monotonic() + 10
    while rewritten(db, schema) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert rewritten(db, schema) == 2


def test_a_table_that_is_not_there_is_made_with_the_key(load: Loads, db: Connection, schema: str) -> None:
    """The key becomes its primary key, in the order that is given; a key of several columns is compared whole."""
    columns = "a integer, b string, c integer"
    assert changed_by(load(mode="upsert", run_id="1", key=("b", "a")), db, columns, "(1, 'x', 1), (1, 'y', 1)") == {
        "updated": 0,
        "inserted": 2,
    }
    assert db.run(
        f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{schema}.t'::regclass AND contype = 'p'"
    ) == [["PRIMARY KEY (b, a)"]]
    changed_by(load(mode="upsert", run_id="2", key=("b", "a")), db, columns, "(1, 'x', 2), (2, 'y', 2)")
    assert sorted(content(db, schema)) == [[1, "x", 2], [1, "y", 1], [2, "y", 2]]


@pytest.mark.parametrize(
    ("kind", "sent", "same", "other"),
    [
        ("json", "string", '{"a": 1}', '{"a":1}'),
        ("jsonb", "string", '{"a": 1, "b": 2}', '{"a": 1, "b": 3}'),
        ("point", "string", "(1,2)", "(1,3)"),
        ("box", "string", "(1,1),(0,0)", "(2,1),(1,0)"),  # of the same area, by which = compares
        ("interval", "interval day to second", "1 day", "24 hours"),
        ("numeric", "double", "1.0", "1.00"),
        ("double precision", "double", "NaN", "0"),
        ("double precision", "double", "-0", "0"),
        ("text", "string", "a", "a "),
        ("integer[]", "string", "{1,2}", "{1,NULL}"),
        ("bytea", "binary", "\\x00", "\\x0000"),
    ],
)
def test_what_differs_is_what_would_be_stored(
    load: Loads, db: Connection, schema: str, kind: str, sent: str, same: str, other: str
) -> None:
    """Types without equality, and those whose equality overlooks something, are compared as they are stored."""
    db.run(f"CREATE TABLE {schema}.t (id integer PRIMARY KEY, v {kind})")
    db.run(f"INSERT INTO {schema}.t VALUES (1, '{same}'), (2, '{same}'), (3, NULL), (4, NULL), (5, '{same}')")
    values = f"(1, '{same}'::{kind}), (2, '{other}'), (3, NULL), (4, '{other}'), (5, NULL)"

    changed = changed_by(load(mode="upsert", key=("id",)), db, f"id integer, v {sent}", values)

    assert changed == {"updated": 3, "inserted": 0}
    assert [text for (text,) in db.run(f"SELECT v::text FROM {schema}.t ORDER BY id")] == [
        text if text is None else db.run(f"SELECT '{text}'::{kind}::text")[0][0]
        for text in (same, other, None, other, None)
    ]


def test_a_row_without_a_key_is_shown(load: Loads, db: Connection, schema: str) -> None:
    """With the number of such rows and some of their values, though the table itself would refuse the first; nothing is published."""
    db.run(f"CREATE TABLE {schema}.t (id integer, day date, name text, PRIMARY KEY (id, day))")
    sink = load(mode="upsert", key=("id", "day"))
    with pytest.raises(SinkError) as raised:
        changed_by(
            sink,
            db,
            "id integer, day date, name string",
            "(1, '2024-01-01'::date, 'a'), (NULL, '2024-01-02', 'b')",
            "(3, NULL::date, 'c')",
        )
    assert str(raised.value).startswith(f"2 rows for {schema}.t with null in the key (id, day): ")
    assert "id=null, day=2024-01-02, name=b" in str(raised.value)
    assert "id=3, day=null, name=c" in str(raised.value)
    assert content(db, schema) == []


def test_keys_that_are_there_twice_are_shown(load: Loads, db: Connection, schema: str) -> None:
    """The most frequent first, with how many rows they have; equal rows are no exception."""
    parts = ["(1, 'a'), (2, 'b'), (2, 'b')", "(3, 'x'), (3, 'y'), (3, 'z')"]
    with pytest.raises(
        SinkError,
        match=r"(?s)have one key \(id\); 2 keys: id=3 \(3 rows\); id=2 \(2 rows\)\..*Nothing was published.*latest_by=",
    ) as raised:
        changed_by(load(mode="upsert", key=("id",)), db, "id integer, name string", *parts)
    assert "stoker_staging" not in str(raised.value)
    assert db.run("SELECT to_regclass(:name)", name=f"{schema}.t") == [[None]]


def test_the_newest_row_of_a_key_counts(load: Loads, db: Connection, schema: str) -> None:
    """Null is older than all; rows that are equal in all columns are one; what counts are the rows that are left."""
    sink = load(mode="upsert", key=("id",), latest_by="at")
    parts = [
        "(1, 1, 'old'), (1, 3, 'new'), (2, NULL, 'old'), (3, NULL, 'only'), (4, 1, 'same')",
        "(1, 2, 'old'), (2, 0, 'new'), (4, 1, 'same'), (4, 1, 'same')",
    ]
    assert stage_values(sink, db, "id integer, at integer, name string", *parts) == 4
    assert sink.publish() == 4
    assert content(db, schema, "id, name") == [[1, "new"], [2, "new"], [3, "only"], [4, "same"]]
    assert db.run(f"SELECT rows FROM {schema}.stoker_loads") == [[4]]


def test_rows_that_are_equally_new_are_shown(load: Loads, db: Connection, schema: str) -> None:
    """Which of them counts would be chance."""
    with pytest.raises(SinkError, match=r"with the same newest 'at' have one key \(id\); 1 key: id=1 \(2 rows\)"):
        changed_by(
            load(mode="upsert", key=("id",), latest_by="at"),
            db,
            "id integer, at integer, name string",
            "(1, 1, 'a'), (1, 2, 'b'), (1, 2, 'c')",
        )


def test_what_the_input_lacks_is_deleted_on_request(load: Loads, db: Connection, schema: str) -> None:
    """And no rows at all are taken for a mistake, unless the table has none either."""
    columns = "id integer, name string"
    options: dict[str, Any] = {"mode": "upsert", "key": ("id",), "delete_missing": True}
    changed_by(load(run_id="0", **options), db, columns, "")
    assert changed_by(load(run_id="1", **options), db, columns, "(1, 'a'), (2, 'b'), (3, 'c')")["inserted"] == 3
    assert changed_by(load(run_id="2", **options), db, columns, "(2, 'B'), (3, 'c'), (4, 'd')") == {
        "deleted": 1,
        "updated": 1,
        "inserted": 1,
    }
    with pytest.raises(SinkError, match=r'(?s)There are no rows for .* delete all that it has.*mode="replace"'):
        changed_by(load(run_id="3", **options), db, columns, "")
    assert content(db, schema) == [[2, "B"], [3, "c"], [4, "d"]]


def test_rows_of_attempts_that_do_not_count_are_no_duplicates(load: Loads, db: Connection, schema: str) -> None:
    """A task that was tried again, or a late attempt, has left the same keys in the staging table."""
    sink = load(mode="upsert", key=("id",), latest_by="name")
    sink.prepare(schema_of("id integer, name string"))
    ours = put(sink, db, "(1, 'a')")
    put(sink, db, "(1, 'z'), (NULL, 'z')")
    sink._report([(0, *ours)])
    put(sink, db, "(2, 'late')")
    assert sink.publish() == 1
    assert content(db, schema) == [[1, "a"]]


def test_an_attempt_that_still_writes_does_not_hold_up_the_keys(
    load: Loads, info: ConnectionInfo, db: Connection, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session is ended, as when rows are published."""
    monkeypatch.setattr(waiting, "_ONE_WAIT", 0.2)
    sink = load(mode="upsert", key=("id",))
    sink.prepare(schema_of("id integer"))
    zombie = connect(info)
    zombie.run("BEGIN")
    zombie.run(f"INSERT INTO {sink._plan().staging.table.sql} VALUES (1)")
    assert sink._report([(0, *put(sink, db, "(1)"))]) == 1
    cut(zombie)
    sink.publish()
    assert sink.changed == {"inserted": 1}
    assert content(db, schema) == [[1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": ("idd",)}, r"has no column 'idd', which key= names\. Did you mean 'id'\?"),
        ({"key": ("id",), "latest_by": "nam"}, r"has no column 'nam', which latest_by= names\. Did you mean 'name'\?"),
        ({"key": ("doc",)}, "key= names the column 'doc', and PostgreSQL does not compare values of its type, json"),
        ({"key": ("id",), "latest_by": "doc"}, "latest_by= names the column 'doc'"),
    ],
)
def test_wrong_columns_are_named_before_a_row_is_computed(
    load: Loads, db: Connection, schema: str, options: dict[str, Any], message: str
) -> None:
    """With the close ones."""
    db.run(f"CREATE TABLE {schema}.t (id integer, name text, doc json)")
    with pytest.raises(SinkError, match=message) as raised:
        load(mode="upsert", **options).prepare(schema_of("id integer, name string, doc string"))
    assert "No row was computed." in str(raised.value)


def test_a_key_may_be_all_there_is(load: Loads, db: Connection, schema: str) -> None:
    """Then nothing is rewritten."""
    assert changed_by(load(mode="upsert", run_id="1", key=("id",)), db, "id integer", "(1), (2)") == {"inserted": 2}
    assert changed_by(load(mode="upsert", run_id="2", key=("id",)), db, "id integer", "(2), (3)") == {"inserted": 1}


def test_names_of_columns_are_only_names(load: Loads, db: Connection, schema: str) -> None:
    """Quotes, colons, and the names that the statements themselves use."""
    names = ['a"b', "x:y", "there", "staged", "stoker_attempt"]
    columns = ", ".join(f"{name} string" for name in names)
    options: dict[str, Any] = {"mode": "upsert", "key": ('a"b', "there"), "latest_by": "x:y"}
    changed_by(load(run_id="1", **options), db, columns, "('a', '1', 'b', 'c', 'd')")
    assert changed_by(
        load(run_id="2", **options), db, columns, "('a', '1', 'b', 'x', 'd'), ('a', '2', 'b', 'C', 'd')"
    ) == {
        "updated": 1,
        "inserted": 0,
    }
    assert content(db, schema) == [["a", "2", "b", "C", "d"]]


def test_partitioned_tables_are_upserted(load: Loads, db: Connection, schema: str) -> None:
    """A row may move to another partition."""
    db.run(f"CREATE TABLE {schema}.t (id integer, part integer) PARTITION BY LIST (part)")
    for part in (1, 2):
        db.run(f"CREATE TABLE {schema}.p{part} PARTITION OF {schema}.t FOR VALUES IN ({part})")
    db.run(f"INSERT INTO {schema}.t VALUES (1, 1), (2, 2)")
    changed_by(load(mode="upsert", key=("id",)), db, "id integer, part integer", "(1, 2), (2, 2), (3, 1)")
    assert content(db, schema) == [[1, 2], [2, 2], [3, 1]]
    assert db.run(f"SELECT count(*) FROM {schema}.p2") == [[2]]


def test_a_row_that_another_is_adding_is_seen(load: Loads, info: ConnectionInfo, db: Connection, schema: str) -> None:
    """The publish waits for other writers, so that it rewrites what they have added, and adds no second row."""
    db.run(f"CREATE TABLE {schema}.t (id integer, name text)")
    writer = connect(info)
    writer.run("BEGIN")
    writer.run(f"INSERT INTO {schema}.t VALUES (1, 'foreign')")
    sink = load(mode="upsert", key=("id",))
    stage_values(sink, db, "id integer, name string", "(1, 'ours')")
    thread = threading.Thread(target=sink.publish)
    thread.start()
    while not db.run("SELECT 1 FROM pg_locks WHERE NOT granted"):
        assert thread.is_alive()
    writer.run("COMMIT")
    cut(writer)
    thread.join()
    assert sink.changed == {"updated": 1, "inserted": 0}
    assert content(db, schema) == [[1, "ours"]]


def test_who_does_not_wait_is_told_who_writes(load: Loads, info: ConnectionInfo, db: Connection, schema: str) -> None:
    """Another writer holds the table for longer than `lease_wait`."""
    db.run(f"CREATE TABLE {schema}.t (id integer)")
    writer = connect(info)
    writer.run("BEGIN")
    writer.run(f"INSERT INTO {schema}.t VALUES (1)")
    with pytest.raises(TransientError, match=r"locked by others for 0\.2 s\. Held by pid"):
        changed_by(load(mode="upsert", key=("id",), wait=0.2), db, "id integer", "(1)")
    cut(writer)


def test_another_constraint_may_refuse(load: Loads, db: Connection, schema: str) -> None:
    """The server's words, with the value; nothing is published, and corrected rows are by the same run id."""
    db.run(f"CREATE TABLE {schema}.t (id integer PRIMARY KEY, mail text UNIQUE)")
    db.run(f"INSERT INTO {schema}.t VALUES (1, 'a'), (2, 'b')")
    options: dict[str, Any] = {"mode": "upsert", "key": ("id",)}
    with pytest.raises(SinkError, match=r"Key \(mail\)=\(a\) already exists"):
        changed_by(load(**options), db, "id integer, mail string", "(2, 'a'), (3, 'c')")
    assert content(db, schema) == [[1, "a"], [2, "b"]]
    changed_by(load(**options), db, "id integer, mail string", "(2, 'd'), (3, 'c')")
    assert content(db, schema) == [[1, "a"], [2, "d"], [3, "c"]]


def test_rights_that_are_missing_are_named(load: Loads, db: Connection, schema: str, info: ConnectionInfo) -> None:
    """Before a row is computed, with the statement that grants them."""
    db.run(f"CREATE TABLE {schema}.t (id integer, name text)")
    user = f"u_{schema}"
    db.run(f"CREATE ROLE {user} LOGIN PASSWORD 'secret'")
    try:
        db.run(f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}")
        db.run(f"GRANT INSERT ON {schema}.t TO {user}")
        theirs = dataclasses.replace(info, user=user, password="secret")
        sink = load(info=theirs, mode="upsert", key=("id",), delete_missing=True)
        with pytest.raises(SinkError, match=f'GRANT SELECT, UPDATE, DELETE ON "{schema}"."t" TO "{user}"'):
            sink.prepare(schema_of("id integer, name string"))
    finally:
        db.run(f"DROP OWNED BY {user}")
        db.run(f"DROP ROLE {user}")


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (Mode("upsert"), r"mode='upsert' needs key=\."),
        (Mode("upsert", key=("id", "id")), "key= names 'id' twice"),
        (Mode("append", key=("id",)), r"key= belongs to mode='upsert', and the mode is 'append'\."),
        (Mode("replace", delete_missing=True), "delete_missing= belongs to mode='upsert'"),
        (Mode("upsert", key=("id",), latest_by="id"), "latest_by='id' is of the key"),
        (Mode("upset", key=("id",)), "Did you mean 'upsert'?"),
    ],
)
def test_options_that_do_not_go_together_are_refused(mode: Mode, message: str) -> None:
    """Where they are declared."""
    with pytest.raises(DefinitionError, match=message):
        mode.check("write.postgres('t')")


def test_a_key_is_a_list() -> None:
    """The letters of a text are no columns."""
    with pytest.raises(DefinitionError, match=r"Write \['id'\]"):
        mode_of("write.postgres('t')", "upsert", key="id")
