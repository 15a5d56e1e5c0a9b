"""Columns whose type has no binary form: staged as text, cast by the publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stoker import postgres
from stoker.errors import SinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

ODD = {
    "host": ("inet", "string", ["10.0.0.1", "::1/64"]),
    "span": ("int4range", "string", ["[1,5)", "empty"]),
    "cash": ("money", "string", ["12.50", "-3"]),
    "at": ("time", "string", ["23:59:59.5", "24:00"]),
    "flags": ("bit varying", "string", ["0101", ""]),
    "numbers": ("integer[]", "string", ["{1,NULL}", "{}"]),
    "day": ("daterange", "string", ["[2020-01-01,2020-02-01)", "(,)"]),
    "exact": ("numeric", "double", ["0.1d", "double('-inf')"]),
    "rounded": ("numeric(9,2)", "float", ["1.005f", "float('nan')"]),
    "near": ("double precision", "decimal(38,18)", ["0.1", "-12345678901234567890.000000000000000001"]),
    "prices": ("numeric(9,2)[]", "array<double>", ["array(1.005d, NULL)", "array()"]),
    "words": ("tsvector", "string", ["ü", "a:1 b"]),
}
"""Columns: the type in the table, the one in the frame, and two values in Spark's SQL, or as text."""


def odd_frame(spark: SparkSession, more: str = "NULL") -> DataFrame:
    """Two rows of odd values and one of nulls."""

    def row(at: int) -> str:
        values = (
            (f"'{values[at]}'" if kind == "string" else values[at]) if at < 2 else "NULL"
            for _, kind, values in ODD.values()
        )
        casts = (f"CAST({value} AS {ODD[name][1]}) AS {name}" for name, value in zip(ODD, values, strict=True))
        return f"SELECT {at} AS id, {', '.join(casts)}, CAST({more if at == 0 else 'NULL'} AS string) AS more"

    return spark.sql(" UNION ALL ".join(map(row, range(3))))


def test_odd_columns_are_cast_to_what_copy_makes_of_them(
    spark: SparkSession, db: Connection, schema: str, url: str
) -> None:
    """The others go in binary; where one cannot be cast faithfully, the whole is CSV, with the same values."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, *_) in ODD.items())
    db.run(f"CREATE TYPE {schema}.pair AS (a int, b text)")
    db.run(f"CREATE TABLE {schema}.cast (id bigint PRIMARY KEY, {columns}, more text)")
    db.run(f"CREATE TABLE {schema}.copied (id bigint PRIMARY KEY, {columns}, more {schema}.pair)")
    cast = postgres.load(odd_frame(spark), f"{schema}.cast", connection=url, mode="append")
    copied = postgres.load(odd_frame(spark, "'(1,x)'"), f"{schema}.copied", connection=url, mode="append")
    assert cast.way == f"binary COPY; the publish casts {', '.join(map(repr, ODD))}"
    assert copied.way == "CSV COPY: column 'host' (string into inet) has no binary form"
    shown = ", ".join(f"{name}::text" for name in ODD)
    found = db.run(f"SELECT {shown} FROM {schema}.cast ORDER BY id")
    assert found == db.run(f"SELECT {shown} FROM {schema}.copied ORDER BY id")
    assert found[2] == [None] * len(ODD)
    assert dict(zip(ODD, found[0], strict=True))["exact"] == "0.1"
    assert db.run(f"SELECT (more).b FROM {schema}.copied WHERE id = 0") == [["x"]]


def test_a_value_that_cannot_be_cast_is_refused_by_the_task(
    spark: SparkSession, db: Connection, schema: str, url: str
) -> None:
    """The message has the value, its row and its column; nothing is published."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, host inet, span int4range)")
    frame = spark.range(0, 4, 1, 1).selectExpr("id", "if(id = 2, '10.0.0.300', '10.0.0.3') AS host")
    with pytest.raises(SinkError, match=r'"10\.0\.0\.300"; COPY .*t, line 3; cast from column \'host\' \(SQLSTATE'):
        postgres.load(frame, f"{schema}.t", connection=url, mode="append")
    with pytest.raises(SinkError, match=r"line 1; cast from column 'host' or 'span' \(SQLSTATE"):
        postgres.load(frame.selectExpr("*", "'5,1' AS span"), f"{schema}.t", connection=url, mode="append")
    assert db.run(f"SELECT count(*) FROM {schema}.t") == [[0]]


@pytest.mark.parametrize("kind", ["bit(3)", "varchar(3)[]"])
def test_what_a_cast_would_cut_is_refused(
    spark: SparkSession, db: Connection, schema: str, url: str, kind: str
) -> None:
    """A cast cuts what is too long without a word, so these types are never staged as text."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, v {kind})")
    value = "{1010}" if "[" in kind else "1010"
    with pytest.raises(SinkError, match=r"\(SQLSTATE 22"):
        postgres.load(spark.range(1).selectExpr("id", f"'{value}' AS v"), f"{schema}.t", connection=url, mode="append")


def test_checks_see_the_tables_types(load: Loads, db: Connection, schema: str, spark: SparkSession) -> None:
    """What is asked of the staged rows is asked of the cast values; a constraint on such a column is held by the publish."""
    db.run(f"CREATE TABLE {schema}.t (id bigint, host inet CHECK (family(host) = 4))")
    sink = load(mode="append")
    frame = spark.range(1).selectExpr("id", "'::1' AS host")
    sink.prepare(frame.schema)
    sink.stage(frame)
    staged = sink.staged()
    assert db.run(f"SELECT pg_typeof(host)::text, family(host) FROM ({staged.rows()}) AS staged") == [["inet", 6]]
    with pytest.raises(SinkError, match="t_host_check"):
        sink.publish()


def test_an_identity_takes_values_by_default(spark: SparkSession, db: Connection, schema: str, url: str) -> None:
    """By default it is a column like others; always, or generated, it is the table's, which the message says."""
    db.run(
        f"CREATE TABLE {schema}.t (id bigint GENERATED BY DEFAULT AS IDENTITY, always bigint GENERATED ALWAYS AS IDENTITY, "
        "twice bigint GENERATED ALWAYS AS (id * 2) STORED, name text)"
    )
    frame = spark.range(7, 8)
    postgres.load(frame, f"{schema}.t", connection=url, mode="append")
    postgres.load(frame.selectExpr("'x' AS name"), f"{schema}.t", connection=url, mode="append")
    assert db.run(f"SELECT id, always, twice, name FROM {schema}.t ORDER BY always") == [
        [7, 1, 14, None],
        [1, 2, 2, "x"],
    ]
    with pytest.raises(SinkError, match=r"(?s)'always' is GENERATED ALWAYS AS IDENTITY.*'twice' is generated"):
        postgres.load(frame.selectExpr("id AS always", "id AS twice"), f"{schema}.t", connection=url, mode="append")


def test_bytes_go_into_a_type_that_is_cast_from_them(
    spark: SparkSession, db: Connection, schema: str, url: str
) -> None:
    """As WKB into PostGIS's types, for which a made-up type stands here; also where the rest is CSV."""
    db.run(f"CREATE TYPE {schema}.shape AS (hex text)")
    db.run(
        f"CREATE FUNCTION {schema}.shape(bytea) RETURNS {schema}.shape IMMUTABLE LANGUAGE sql AS "
        f"$$ SELECT CASE WHEN $1 IS NOT NULL THEN ROW(encode($1, 'hex'))::{schema}.shape END $$"
    )
    db.run(f"CREATE CAST (bytea AS {schema}.shape) WITH FUNCTION {schema}.shape(bytea) AS ASSIGNMENT")
    frame = spark.sql("SELECT X'00FF' AS g, CAST(NULL AS string) AS flags UNION ALL SELECT NULL, '101'")
    ways: dict[str, str | None] = {}
    for flags in ("bit varying", "bit(3)"):
        columns = {"g": f"{schema}.shape", "flags": flags}
        ways[flags] = postgres.load(
            frame, f"{schema}.t{len(ways)}", connection=url, mode="replace", columns=columns
        ).way
        assert db.run(f"SELECT (g).hex, flags::text FROM {schema}.t{len(ways) - 1} ORDER BY 1") == [
            ["00ff", None],
            [None, "101"],
        ]
    assert str(ways["bit varying"]).startswith("binary COPY; the publish casts 'g', 'flags'; DELETE and INSERT: ")
    told = "CSV COPY: column 'flags' (string into bit(3)) has no binary form; the publish casts 'g'; "
    assert str(ways["bit(3)"]).startswith(told)


def test_types_are_said_where_they_are_not_derived(spark: SparkSession, db: Connection, schema: str, url: str) -> None:
    """A table is made with the types of `columns=`; one that is there must have them."""
    frame = spark.sql("SELECT 1 AS id, '10.0.0.1' AS host, named_struct('a', 1) AS tags, 'x' AS name")
    columns = {"host": "inet", "tags": "json", "name": "varchar(3)"}
    for _ in range(2):
        postgres.load(frame, f"{schema}.t", connection=url, mode="replace", columns=columns)
    assert db.run(
        "SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute "
        f"WHERE attrelid = '{schema}.t'::regclass AND attnum > 0"
    ) == [["integer, inet, json, character varying(3)"]]
    with pytest.raises(SinkError, match="column 'host' is inet in the table and cidr in columns="):
        postgres.load(frame, f"{schema}.t", connection=url, mode="replace", columns={"host": "cidr"})


def test_every_wrong_type_is_told(spark: SparkSession, schema: str, url: str) -> None:
    """What the frame lacks, what the server does not know, what is more than a type, and what does not take the values."""
    frame = spark.sql("SELECT 1 AS id, 'x' AS name, 'y' AS place")
    columns = {"nme": "text", "place": "geometree", "name": "text NOT NULL", "id": "numeric(3000)"}
    with pytest.raises(SinkError) as caught:
        postgres.load(frame, f"{schema}.t", connection=url, mode="replace", columns=columns)
    for told in (
        "no column 'nme'. Did you mean 'name'?",
        "no type 'geometree'",
        "'text NOT NULL' is no type: syntax",
        "3000 must",
    ):
        assert told in caught.value.what
    with pytest.raises(SinkError, match="column 'id' is boolean in columns= and int in the frame"):
        postgres.load(frame, f"{schema}.t", connection=url, mode="replace", columns={"id": "boolean"})


def test_intervals_of_months(spark: SparkSession, db: Connection, schema: str, url: str) -> None:
    """Arrow has none: they are months in the tasks, and intervals again in the table; also as CSV."""
    frame = spark.sql(
        "SELECT 1 AS id, INTERVAL '1-2' YEAR TO MONTH AS a, array(INTERVAL '-1' YEAR, NULL) AS b, '101' AS flags "
        "UNION ALL SELECT 2, NULL, NULL, NULL"
    )
    for flags, way in (("text", "binary"), ("bit(3)", "CSV")):
        result = postgres.load(frame, f"{schema}.{way}", connection=url, mode="replace", columns={"flags": flags})
        assert (result.way or "").startswith(way)
        assert db.run(f"SELECT a::text, b::text, pg_typeof(a)::text FROM {schema}.{way} ORDER BY id") == [
            ["1 year 2 mons", '{"-1 years",NULL}', "interval"],
            [None, None, "interval"],
        ]
