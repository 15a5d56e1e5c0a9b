from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from postgres.reading import arrow, planned, whole
from stoker import SourceError
from stoker.postgres.read.snapshot import Snapshot

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.postgres.connections.connection import ConnectionInfo

ZONED = dt.datetime(2024, 2, 29, 23, 59, 59, 999999, dt.UTC)
VALUES: list[tuple[str, str, list[tuple[str, Any]]]] = [
    ("boolean", "boolean", [("true", True), ("false", False)]),
    ("smallint", "smallint", [("-32768", -32768), ("32767", 32767)]),
    ("integer", "int", [("-2147483648", -(2**31)), ("2147483647", 2**31 - 1)]),
    ("bigint", "bigint", [("-9223372036854775808", -(2**63)), ("9223372036854775807", 2**63 - 1)]),
    ("real", "float", [("1.5", 1.5), ("'-Infinity'", float("-inf"))]),
    ("double precision", "double", [("0.1", 0.1), ("'Infinity'", float("inf")), ("-0.0", -0.0)]),
    ("numeric(9,2)", "decimal(9,2)", [("-1234567.89", Decimal("-1234567.89")), ("0", Decimal("0.00")), ("0.05", Decimal("0.05"))]),
    ("numeric(18,6)", "decimal(18,6)", [("999999999999.999999", Decimal("999999999999.999999")), ("-0.000001", Decimal("-0.000001"))]),
    ("numeric(18,18)", "decimal(18,18)", [("0.000000000000000001", Decimal("1E-18"))]),
    ("numeric(15,0)", "decimal(15,0)", [("100000000000000", Decimal(10**14)), ("10001", Decimal(10001))]),
    ("numeric(3,-2)", "decimal(5,0)", [("12300", Decimal(12300))]),
    ("numeric(2,5)", "decimal(5,5)", [("0.00012", Decimal("0.00012"))]),
    ("numeric(38,10)", "decimal(38,10)", [("-1234567890123456789012345678.0123456789", Decimal("-1234567890123456789012345678.0123456789"))]),
    ("numeric", "decimal(38,18)", [("12345678901234567890.5", Decimal("12345678901234567890.5")), ("1e-18", Decimal("1E-18"))]),
    ("text", "string", [("''", ""), ("'ä€😀\n\"\\'", 'ä€😀\n"\\'), (r"'\N'", r"\N")]),
    ("varchar(5)", "string", [("'a '", "a ")]),
    ("char(3)", "string", [("'a'", "a  ")]),
    ("name", "string", [("'a'", "a")]),
    ("json", "string", [("'{\"b\": 1,  \"a\":null}'", '{"b": 1,  "a":null}')]),
    ("jsonb", "string", [("'{\"b\": 1,  \"a\":null}'", '{"a": null, "b": 1}')]),
    ("bytea", "binary", [(r"'\x00ff'", b"\x00\xff"), ("''", b"")]),
    ("date", "date", [("'0001-01-01'", dt.date(1, 1, 1)), ("'2024-02-29'", dt.date(2024, 2, 29)), ("'9999-12-31'", dt.date(9999, 12, 31))]),
    ("timestamp", "timestamp_ntz", [("'1582-10-10 00:00:00.000001'", dt.datetime(1582, 10, 10, microsecond=1))]),
    ("timestamptz", "timestamp", [("'2024-03-01 01:59:59.999999+02'", ZONED)]),
    ("uuid", "string", [("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]),
    ("interval", "string", [("'1 year 2 days 03:04:05.6'", "1 year 2 days 03:04:05.6")]),
    ("inet", "string", [("'10.0.0.1/8'", "10.0.0.1/8")]),
    ("time", "string", [("'24:00'", "24:00:00")]),
    ("bit(3)", "string", [("'101'", "101")]),
    ("int4range", "string", [("'[1,5)'", "[1,5)")]),
    ("oidvector", "string", [("'1 2'", "1 2")]),
    ("integer[]", "array<int>", [("'{}'", []), ("'{1,NULL,3}'", [1, None, 3]), ("'[5:6]={7,8}'", [7, 8])]),
    ("text[]", "array<string>", [("ARRAY['', NULL, 'x,\"y']", ["", None, 'x,"y'])]),
    ("numeric(5,1)[]", "array<decimal(5,1)>", [("'{1.5,NULL}'", [Decimal("1.5"), None])]),
    ("numeric[]", "array<decimal(38,18)>", [("'{1.5,-2}'", [Decimal("1.5"), Decimal(-2)])]),
    ("timestamptz[]", "array<timestamp>", [("'{2024-02-29 23:59:59.999999+00}'", [ZONED])]),
    ("jsonb[]", "array<string>", [("ARRAY['{\"a\":1}'::jsonb]", ['{"a": 1}'])]),
    ("uuid[]", "array<string>", [("'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"])]),
    ("bytea[]", "array<binary>", [(r"ARRAY['\x00'::bytea, '']", [b"\0", b""])]),
]  # fmt: skip


def test_every_type_keeps_its_values(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """One table with a column of each type; each column's values stand in rows of their own, between nulls."""
    columns = ", ".join(f"c{at} {kind}" for at, (kind, _, _) in enumerate(VALUES))
    db.run(f"CREATE TABLE {schema}.t (n serial, {columns})")
    longest = max(len(values) for _, _, values in VALUES)
    expected: list[dict[str, Any]] = []
    for row in range(-1, longest + 1):
        given = {f"c{at}": (kind, values[row]) for at, (kind, _, values) in enumerate(VALUES) if 0 <= row < len(values)}
        texts = [f"({value[0]})::{kind}" for kind, value in given.values()]
        db.run(f"INSERT INTO {schema}.t ({', '.join(['n', *given])}) VALUES ({', '.join([str(row), *texts])})")
        expected.append(
            {name: given[name][1][1] if name in given else None for name in (f"c{at}" for at in range(len(VALUES)))}
        )
    rows = whole(info, f"{schema}.t")
    assert [row.pop("n") for row in rows] == list(range(-1, longest + 1))
    for at, (kind, _, _) in enumerate(VALUES):
        assert [row[f"c{at}"] for row in rows] == [row[f"c{at}"] for row in expected], kind


def test_every_type_has_one_in_spark(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """As the page on reading has them."""
    db.run(f"CREATE TABLE {schema}.t ({', '.join(f'c{at} {kind}' for at, (kind, _, _) in enumerate(VALUES))})")
    snapshot = Snapshot(info)
    try:
        found = [column.form.spark for column in planned(snapshot, info, f"{schema}.t").task.columns]
    finally:
        snapshot.release()
    assert found == [spark for _, spark, _ in VALUES]


def test_types_of_a_users_own(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """Enums are texts; domains are what is below them, also as elements of arrays; a composite is its text."""
    db.run(f"CREATE TYPE {schema}.mood AS ENUM ('sad', 'ok')")
    db.run(f"CREATE DOMAIN {schema}.positive AS numeric(6,2) CHECK (VALUE > 0)")
    db.run(f"CREATE DOMAIN {schema}.smaller AS {schema}.positive")
    db.run(f"CREATE DOMAIN {schema}.id AS integer")
    db.run(f"CREATE TYPE {schema}.pair AS (a int, b text)")
    db.run(
        f"CREATE TABLE {schema}.t AS SELECT 'ok'::{schema}.mood AS m, ARRAY['sad']::{schema}.mood[] AS ms, "
        f"1.5::{schema}.smaller AS d, ARRAY[1, 2]::{schema}.id[] AS ids, (1, 'x y')::{schema}.pair AS p"
    )
    assert whole(info, f"{schema}.t") == [
        {"m": "ok", "ms": ["sad"], "d": Decimal("1.50"), "ids": [1, 2], "p": '(1,"x y")'}
    ]


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        ("'infinity'", "date", "has infinity"),
        ("'-infinity'", "timestamptz", "has infinity"),
        ("'294276-12-31'", "timestamp", "after the year 294246"),
        ("'NaN'", "numeric(10,2)", "NaN"),
        ("'NaN'", "numeric", "decimal(38,18)"),
        ("1e30", "numeric", "decimal(38,18)"),
        ("1e-19", "numeric", "decimal(38,18)"),
        ("'{{1,2},{3,4}}'", "int[]", "more than one dimension"),
    ],
)
def test_a_value_that_spark_has_not(
    value: str, kind: str, told: str, info: ConnectionInfo, db: Connection, schema: str
) -> None:
    """The column is named, and the statement that finds such rows finds this one."""
    db.run(f'CREATE TABLE {schema}.t AS SELECT NULL::{kind} AS "The column" UNION ALL SELECT {value}::{kind}')
    with pytest.raises(SourceError, match="column 'The column'") as caught:
        whole(info, f"{schema}.t")
    assert told in caught.value.what
    assert len(db.run(str(caught.value.next_step).partition("They are: ")[2])) == 1


def test_long_arrays_beside_short_ones(info: ConnectionInfo) -> None:
    """Many arrays whose lengths differ, and one that is much longer than all others."""
    query = "SELECT n, array(SELECT CASE WHEN i % 7 = 0 THEN NULL ELSE n * i END FROM generate_series(1, CASE n WHEN 50 THEN 20000 ELSE n % 40 END) i) AS a FROM generate_series(1, 200) n"
    found = arrow(info, query).to_pylist()
    for row in found:
        n, length = row["n"], 20000 if row["n"] == 50 else row["n"] % 40
        assert row["a"] == [None if i % 7 == 0 else n * i for i in range(1, length + 1)]


def test_a_row_that_is_longer_than_a_piece(info: ConnectionInfo) -> None:
    """Cells of many megabytes between short ones come whole."""
    query = "SELECT n, repeat(chr(96 + n), CASE n WHEN 2 THEN 7000000 ELSE 3 END) AS t FROM generate_series(1, 4) n"
    assert [(row["n"], len(row["t"]), row["t"][-1]) for row in arrow(info, query).to_pylist()] == [
        (1, 3, "a"), (2, 7_000_000, "b"), (3, 3, "c"), (4, 3, "d"),
    ]  # fmt: skip


def test_empty_results(info: ConnectionInfo, db: Connection, schema: str) -> None:
    """An empty table, one whose rows are all left out, and a query without rows."""
    db.run(f"CREATE TABLE {schema}.t (a int)")
    assert whole(info, f"{schema}.t") == []
    db.run(f"INSERT INTO {schema}.t VALUES (1)")
    assert whole(info, f"{schema}.t", where="a > 1") == []
    assert whole(info, query="SELECT 1 AS a WHERE false") == []
