from __future__ import annotations

import datetime as dt
import math
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import types as t

from stoker.errors import SinkError
from stoker.postgres.sending.copy import copy_batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

KEPT: dict[str, tuple[t.DataType, pa.DataType, st.SearchStrategy[Any], str]] = {
    "boolean": (t.BooleanType(), pa.bool_(), st.booleans(), "boolean"),
    "byte": (t.ByteType(), pa.int8(), st.integers(-(2**7), 2**7 - 1), "smallint"),
    "short": (t.ShortType(), pa.int16(), st.integers(-(2**15), 2**15 - 1), "smallint"),
    "integer": (t.IntegerType(), pa.int32(), st.integers(-(2**31), 2**31 - 1), "integer"),
    "long": (t.LongType(), pa.int64(), st.integers(-(2**63), 2**63 - 1), "bigint"),
    "float": (t.FloatType(), pa.float32(), st.floats(width=32), "real"),
    "double": (t.DoubleType(), pa.float64(), st.floats(), "double precision"),
    "decimal": (
        t.DecimalType(38, 18),
        pa.decimal128(38, 18),
        st.decimals(-(10**19), 10**19, places=18, allow_nan=False),
        "numeric(38,18)",
    ),
    "string": (
        t.StringType(),
        pa.string(),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        "text",
    ),
    "date": (t.DateType(), pa.date32(), st.dates(), "date"),
    "timestamp": (
        t.TimestampType(),
        pa.timestamp("us", "America/New_York"),
        st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC)),
        "timestamp with time zone",
    ),
    "timestamp_ntz": (t.TimestampNTZType(), pa.timestamp("us"), st.datetimes(), "timestamp without time zone"),
}
"""By name: Spark's type, Arrow's as Spark makes it, values, and the type of the column that is created."""


def through(load: PostgresLoad, schema: t.StructType, batches: list[pa.RecordBatch]) -> int:
    """A whole load of one partition, without Spark."""
    load.prepare(schema)
    transaction, rows = copy_batches(load.task, batches, 0)
    load._report([(0, transaction, rows)] if rows else [])
    return load.publish()


def same(one: object, other: object) -> bool:
    """Equal, or both not a number."""
    return one == other or (
        isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("kind", KEPT)
def test_values_arrive_as_they_were(load: Loads, db: Connection, schema: str, kind: str, data: st.DataObject) -> None:
    """Any value of any type that is stored reads back the same, null as null and empty text as empty text."""
    spark_type, arrow_type, values, expected = KEPT[kind]
    given_rows = data.draw(st.lists(st.none() | values, max_size=20))
    column = pa.array(given_rows, arrow_type)
    batch = pa.RecordBatch.from_arrays([pa.array(range(len(column)), pa.int32()), column], names=["c0", "c1"])
    frame = t.StructType([t.StructField("n", t.IntegerType()), t.StructField("v", spark_type)])
    db.run(f"DROP TABLE IF EXISTS {schema}.t")
    sink = load(run_id=secrets.token_hex(8))
    assert through(sink, frame, [batch]) == len(given_rows)
    sink.discard()
    shown = "v::double precision" if kind == "float" else "v"  # as text it has the fewest digits that tell it apart
    found = [row[0] for row in db.run(f"SELECT {shown} FROM {schema}.t ORDER BY n")]
    assert len(found) == len(given_rows)
    for one, other in zip(column.to_pylist(), found, strict=True):
        assert same(one, other)
    assert db.run(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = :name::regclass AND attname = 'v'",
        name=f"{schema}.t",
    ) == [[expected]]


@pytest.mark.parametrize(
    ("data_type", "advice"),
    [
        (t.ArrayType(t.NullType()), 'cast("string")'),
        (t.NullType(), 'lit(None).cast("string")'),
    ],
    ids=lambda value: value if isinstance(value, str) else value.typeName(),
)
def test_a_type_that_is_not_stored_is_refused_before_any_job(load: Loads, data_type: t.DataType, advice: str) -> None:
    """The message has the column, its type, and what to write instead."""
    frame = t.StructType([t.StructField("good", t.LongType()), t.StructField("bad", data_type)])
    with pytest.raises(SinkError) as caught:
        load().prepare(frame)
    assert "'bad'" in str(caught.value)
    assert data_type.simpleString() in str(caught.value)
    assert advice in str(caught.value)
    assert "'good'" not in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "column", "fits"),
    [
        (t.IntegerType(), "bigint", True),
        (t.LongType(), "integer", True),
        (t.LongType(), "numeric(12,2)", True),
        (t.DecimalType(10, 2), "numeric(12,2)", True),
        (t.DecimalType(10, 2), "numeric", True),
        (t.DecimalType(10, 3), "numeric(12,2)", False),
        (t.DecimalType(10, 0), "bigint", True),
        (t.DecimalType(10, 2), "bigint", False),
        (t.DoubleType(), "integer", False),
        (t.StringType(), "integer", False),
        (t.StringType(), "boolean", False),
        (t.StringType(), "timestamp", False),
        (t.StringType(), "bytea", False),
        (t.StringType(), "varchar(10)", True),
        (t.StringType(), "uuid", True),
        (t.StringType(), "jsonb", True),
        (t.StringType(), "integer[]", True),
        (t.IntegerType(), "text", False),
        (t.BooleanType(), "integer", False),
        (t.DateType(), "timestamp", True),
        (t.DateType(), "timestamptz", False),
        (t.TimestampType(), "timestamp", False),
        (t.TimestampNTZType(), "timestamptz", False),
        (t.TimestampNTZType(), "timestamp(3)", True),
        (t.DayTimeIntervalType(), "interval", True),
        (t.DayTimeIntervalType(), "time", False),
        (t.ArrayType(t.IntegerType()), "bigint[]", True),
        (t.ArrayType(t.IntegerType()), "jsonb", True),
        (t.ArrayType(t.IntegerType()), "text[]", False),
        (t.ArrayType(t.IntegerType()), "text", False),
        (t.ArrayType(t.DecimalType(9, 3)), "numeric(9,2)[]", False),
        (t.ArrayType(t.ArrayType(t.IntegerType())), "integer[]", False),
        (t.ArrayType(t.StringType()), "uuid[]", True),
        (t.MapType(t.StringType(), t.StringType()), "json", True),
        (t.MapType(t.StringType(), t.StringType()), "text", False),
        (t.StructType([t.StructField("x", t.IntegerType())]), "jsonb", True),
    ],
    ids=str,
)
def test_a_type_fits_a_column_or_is_refused_before_any_job(
    load: Loads, db: Connection, schema: str, frame: t.DataType, column: str, *, fits: bool
) -> None:
    """What would change its meaning or cannot be parsed is refused by the catalogue's word, with both types."""
    db.run(f"CREATE TABLE {schema}.t (v {column})")
    sink = load()
    if fits:
        sink.prepare(t.StructType([t.StructField("v", frame)]))
        return
    with pytest.raises(SinkError) as caught:
        sink.prepare(t.StructType([t.StructField("v", frame)]))
    assert "column 'v' is" in str(caught.value)
    assert frame.simpleString() in str(caught.value)


def test_a_domain_counts_as_what_is_below_it(load: Loads, db: Connection, schema: str) -> None:
    """A domain over a domain takes what its base type takes, and its checks hold for staged rows."""
    db.run(f"CREATE DOMAIN {schema}.amount AS numeric(8,2)")
    db.run(f"CREATE DOMAIN {schema}.price AS {schema}.amount CHECK (VALUE > 0)")
    db.run(f"CREATE TABLE {schema}.t (v {schema}.price)")
    sink = load()
    with pytest.raises(SinkError, match="cut digits"):
        sink.prepare(t.StructType([t.StructField("v", t.DecimalType(8, 3))]))
    sink.prepare(t.StructType([t.StructField("v", t.DecimalType(8, 2))]))
    batch = pa.RecordBatch.from_arrays([pa.array([Decimal("-1.00")], pa.decimal128(8, 2))], names=["c0"])
    with pytest.raises(SinkError, match="price"):
        copy_batches(sink.task, [batch], 0)


def test_all_that_does_not_fit_is_in_one_message(load: Loads, db: Connection, schema: str) -> None:
    """Missing, surplus and doubled columns are named with the statement that helps, and a close name is offered."""
    db.run(
        f"CREATE TABLE {schema}.t (id bigint NOT NULL, amount numeric, made bigint GENERATED ALWAYS AS (id * 2) STORED, "
        'key bigint GENERATED ALWAYS AS IDENTITY, "given" bigint NOT NULL DEFAULT 1)'
    )
    fields = [("Amount", t.DoubleType()), ("made", t.LongType()), ("key", t.LongType()), ("x", t.LongType())] + [
        ("twice", t.LongType())
    ] * 2
    with pytest.raises(SinkError) as caught:
        load().prepare(t.StructType([t.StructField(*field) for field in fields]))
    told = str(caught.value)
    assert "no column 'Amount'. Did you mean 'amount'?" in told
    assert f'ALTER TABLE "{schema}"."t" ADD COLUMN "x" bigint;' in told
    assert "2 columns named 'twice'" in told
    assert "'made' is generated" in told
    assert "'key' is GENERATED ALWAYS AS IDENTITY" in told
    assert "'id', NOT NULL and without a default" in told
    assert "'given'" not in told
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[0]]


def test_generated_and_identity_columns_are_left_alone(load: Loads, db: Connection, schema: str) -> None:
    """Columns that the server fills, or that have a default, may be missing from the frame."""
    db.run(
        f"CREATE TABLE {schema}.t (made bigint GENERATED ALWAYS AS (id * 2) STORED, id bigint, "
        "key bigint GENERATED ALWAYS AS IDENTITY, given bigint NOT NULL DEFAULT 5)"
    )
    batch = pa.RecordBatch.from_arrays([pa.array([21])], names=["c0"])
    assert through(load(), t.StructType([t.StructField("id", t.LongType())]), [batch]) == 1
    assert db.run(f"SELECT id, made, key, given FROM {schema}.t") == [[21, 42, 1, 5]]


def test_columns_go_by_name_and_never_by_position(load: Loads, db: Connection, schema: str) -> None:
    """A frame with another order of columns, and names that differ in case only, is loaded right."""
    db.run(f'CREATE TABLE {schema}.t (a bigint, "A" bigint, transaction bigint)')
    frame = t.StructType([t.StructField(name, t.LongType()) for name in ("transaction", "A", "a")])
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["c0", "c1", "c2"])
    assert through(load(), frame, [batch]) == 1
    assert db.run(f'SELECT a, "A", transaction FROM {schema}.t') == [[3, 2, 1]]


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("a view", "CREATE VIEW {} AS SELECT 1::bigint AS id"),
        ("a materialized view", "CREATE MATERIALIZED VIEW {} AS SELECT 1"),
    ],
)
def test_what_is_no_table_is_refused(load: Loads, db: Connection, schema: str, kind: str, statement: str) -> None:
    """Views are refused by what they are."""
    db.run(statement.format(f"{schema}.t"))
    with pytest.raises(SinkError, match=f"is {kind}"):
        load().prepare(t.StructType([t.StructField("id", t.LongType())]))


def test_a_missing_table_to_append_to_comes_with_its_statement(load: Loads, db: Connection, schema: str) -> None:
    """`append` creates nothing, and shows the statement that does."""
    frame = t.StructType([t.StructField("id", t.LongType()), t.StructField("Odd name", t.DecimalType(9, 2))])
    with pytest.raises(SinkError) as caught:
        load(mode="append").prepare(frame)
    statement = f'CREATE TABLE "{schema}"."t" ("id" bigint, "Odd name" numeric(9,2));'
    assert caught.value.next_step == statement
    db.run(statement)
    load(mode="append").prepare(frame)


def test_a_missing_schema_is_not_created(load: Loads, db: Connection, schema: str) -> None:
    """The message has the statement; nobody but the user creates schemas."""
    sink = load()
    db.run(f"DROP SCHEMA {schema}")
    with pytest.raises(SinkError, match=f"CREATE SCHEMA {schema!r}".replace("'", '"')):
        sink.prepare(t.StructType([t.StructField("id", t.LongType())]))
    db.run(f"CREATE SCHEMA {schema}")


def test_missing_rights_are_said_with_the_grant(load: Loads, db: Connection, schema: str) -> None:
    """A user who may not create, or not write the table, learns it before any job."""
    import dataclasses

    role = f"r_{schema}"
    frame = t.StructType([t.StructField("id", t.LongType())])
    db.run(f"CREATE ROLE {role} LOGIN PASSWORD 'made-up'")
    try:
        db.run(f"CREATE TABLE {schema}.t (id bigint)")
        db.run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        info = dataclasses.replace(load()._info, user=role, password="made-up")
        with pytest.raises(SinkError, match=f'GRANT USAGE, CREATE ON SCHEMA "{schema}" TO "{role}"'):
            load(info=info).prepare(frame)
        db.run(f"GRANT CREATE ON SCHEMA {schema} TO {role}")
        db.run(f"GRANT INSERT ON {schema}.t TO {role}")
        load(info=info, mode="append").prepare(frame)
        with pytest.raises(SinkError, match=f'GRANT DELETE ON "{schema}"."t" TO "{role}"'):
            load(info=info, mode="replace").prepare(frame)
    finally:
        db.run(f"DROP OWNED BY {role}")
        db.run(f"DROP ROLE {role}")


def test_a_frame_without_columns_and_names_that_cannot_be_are_refused(load: Loads) -> None:
    """What PostgreSQL would cut or cannot have is refused by name."""
    with pytest.raises(SinkError, match="no columns"):
        load().prepare(t.StructType([]))
    with pytest.raises(SinkError, match="64 bytes"):
        load().prepare(t.StructType([t.StructField("x" * 64, t.LongType())]))
