"""`replace_partitions`: which rows go, and which stay. Without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postgres.publisher import changed_by, content, insert, schema_of
from stoker.errors import DefinitionError, SinkError
from stoker.postgres.modes.choice import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

COLUMNS = "id integer, month string, region string"


@pytest.mark.parametrize("not_null", ["", " NOT NULL"], ids=["nullable", "not null"])
def test_only_partitions_that_occur_are_replaced(load: Loads, db: Connection, schema: str, not_null: str) -> None:
    """All of their rows go, whatever else is in them; no rows replace nothing."""
    db.run(f"CREATE TABLE {schema}.t (id integer, month text{not_null}, region text, mine text DEFAULT 'new')")
    db.run(f"INSERT INTO {schema}.t SELECT g, 'm' || g % 3, 'r', 'old' FROM generate_series(0, 5) AS g")
    options: dict[str, Any] = {"mode": "replace_partitions", "by": ("month",)}

    sink = load(run_id="1", **options)
    assert changed_by(sink, db, COLUMNS, "(10, 'm1', 'r')", "(11, 'm7', 'r'), (12, 'm1', 'r')") == {
        "deleted": 2,
        "inserted": 3,
    }

    expected = [
        [0, "m0", "r", "old"],
        [2, "m2", "r", "old"],
        [3, "m0", "r", "old"],
        [5, "m2", "r", "old"],
        [10, "m1", "r", "new"],
        [11, "m7", "r", "new"],
        [12, "m1", "r", "new"],
    ]
    assert content(db, schema) == expected
    assert changed_by(load(run_id="2", **options), db, COLUMNS, "") == {"deleted": 0, "inserted": 0}
    assert content(db, schema) == expected


def test_null_is_a_value_too(load: Loads, db: Connection, schema: str) -> None:
    """In each of the columns by itself."""
    old: list[list[Any]] = [[1, None, "a"], [2, None, None], [3, "m", None], [4, "m", "a"], [5, None, "b"]]
    db.run(f"CREATE TABLE {schema}.t (id integer, month text, region text)")
    for row in old:
        db.run(f"INSERT INTO {schema}.t VALUES (:id, :month, :region)", id=row[0], month=row[1], region=row[2])
    sink = load(mode="replace_partitions", by=("month", "region"))

    changed_by(sink, db, COLUMNS, "(10, NULL, 'a'), (11, NULL, NULL), (12, 'm', NULL)")

    assert content(db, schema) == [old[3], old[4], [10, None, "a"], [11, None, None], [12, "m", None]]


def test_a_table_that_is_not_there_is_made(load: Loads, db: Connection, schema: str) -> None:
    """Without a partition: PostgreSQL's own ones are the user's to declare."""
    changed_by(load(mode="replace_partitions", by=("month",)), db, COLUMNS, "(1, 'm', 'r')")
    assert content(db, schema) == [[1, "m", "r"]]


def test_rows_of_attempts_that_do_not_count_replace_nothing(load: Loads, db: Connection, schema: str) -> None:
    """A partition that only a failed attempt has staged stays."""
    db.run(f"CREATE TABLE {schema}.t (id integer, month text)")
    db.run(f"INSERT INTO {schema}.t VALUES (1, 'a'), (2, 'b'), (3, NULL)")
    sink = load(mode="replace_partitions", by=("month",))
    sink.prepare(schema_of("id integer, month string"))
    transaction = insert(db, sink, "(10, 'a')")
    insert(db, sink, "(11, 'b'), (12, NULL)")
    sink._report([(0, transaction, 1)])
    sink.publish()
    assert content(db, schema) == [[2, "b"], [3, None], [10, "a"]]


def test_columns_that_cannot_tell_partitions_are_named(load: Loads, db: Connection, schema: str) -> None:
    """Before a row is computed."""
    db.run(f"CREATE TABLE {schema}.t (id integer, doc json)")
    columns = schema_of("id integer, doc string")
    with pytest.raises(SinkError, match="by= names the column 'doc', and PostgreSQL does not compare"):
        load(mode="replace_partitions", by=("doc",)).prepare(columns)
    with pytest.raises(SinkError, match=r"has no column 'dox', which by= names\. Did you mean 'doc'\?"):
        load(mode="replace_partitions", by=("dox",)).prepare(columns)


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (Mode("replace_partitions"), r"needs by=\.\nNext: Name columns: by=\[\"month\"\]"),
        (Mode("replace", by=("month",)), "by= belongs to mode='replace_partitions'"),
        (Mode("replace_partitions", by=("month",), key=("id",)), "key= belongs to mode='upsert'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(mode: Mode, message: str) -> None:
    """Where they are declared."""
    with pytest.raises(DefinitionError, match=message):
        mode.check("write.postgres('t')")
