from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg8000.exceptions import DatabaseError

from stoker.postgres import encode
from stoker.postgres.catalogue import table_columns
from stoker.postgres.sending.csv_rows import csv_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pg8000.native import Connection

    from stoker.postgres.column_type import ColumnType

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
EPOCH = 10_957
"""Days from 1970 to 2000."""
FIRST_DAY = -2_451_545 + EPOCH
DAY = 86_400_000_000
MICROS = "(extract(epoch FROM v) * 1000000)::bigint"


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    """All that the type holds, its ends as often as the rest."""
    most = 10**precision - 1
    return st.one_of(st.integers(-most, most), st.integers(-99_999, 99_999), st.sampled_from([most, -most, 0])).map(
        lambda digits: Decimal((digits < 0, tuple(map(int, str(abs(digits)))), -scale))
    )


def whole(bits: int) -> st.SearchStrategy[int]:
    """All whole numbers of so many bits."""
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@dataclass(frozen=True)
class Case:
    """An Arrow type, a column's type, and values."""

    kind: pa.DataType
    column: str
    values: st.SearchStrategy[Any]

    def __str__(self) -> str:
        return f"{self.kind} into {self.column}"


CASES = [
    Case(pa.bool_(), "boolean", st.booleans()),
    Case(pa.int8(), "smallint", whole(8)),
    Case(pa.int16(), "smallint", whole(16)),
    Case(pa.int32(), "integer", whole(32)),
    Case(pa.int64(), "bigint", whole(64)),
    Case(pa.int64(), "integer", whole(32)),
    Case(pa.int64(), "numeric(20,2)", st.integers(-(10**18) + 1, 10**18 - 1)),
    Case(pa.int64(), "numeric", whole(64)),
    Case(pa.int32(), "double precision", whole(32)),
    Case(pa.float32(), "real", st.floats(width=32)),
    Case(pa.float64(), "double precision", st.floats()),
    Case(pa.decimal128(38, 18), "numeric(38,18)", decimals(38, 18)),
    Case(pa.decimal128(38, 38), "numeric", decimals(38, 38)),
    Case(pa.decimal128(38, 0), "numeric(40,1)", decimals(38, 0)),
    Case(pa.decimal128(15, 2), "numeric(15,2)", decimals(15, 2)),
    Case(pa.decimal128(18, 17), "numeric(38,20)", decimals(18, 17)),
    Case(pa.decimal128(5, 5), "numeric(5,5)", decimals(5, 5)),
    Case(pa.decimal128(18, 0), "bigint", decimals(18, 0)),
    Case(pa.string(), "text", TEXTS),
    Case(pa.large_string(), "varchar(5)", TEXTS.map(lambda text: text[:5])),
    Case(pa.string(), "char(5)", TEXTS.map(lambda text: text[:5] + "   ")),
    Case(pa.string(), "pg_temp.mood", st.sampled_from(["good", "bad"])),
    Case(pa.string(), "json", st.sampled_from(['{"a": [1, null]}', "null", '"é"'])),
    Case(pa.string(), "jsonb", st.sampled_from(['{"b": 1, "a": [1, null]}', "null", '"é"', "1.50"])),
    Case(pa.string(), "uuid", st.uuids().map(str)),
    Case(pa.string(), "uuid", st.uuids().flatmap(lambda uuid: st.sampled_from([str(uuid), uuid.hex, f"{{{uuid.hex.upper()}}}"]))),
    Case(pa.date32(), "date", st.dates()),
    Case(pa.date32(), "timestamp", st.dates()),
    Case(pa.timestamp("us"), "timestamp", st.datetimes()),
    Case(pa.timestamp("us"), "timestamp(3)", st.datetimes()),
    Case(pa.timestamp("us", "America/New_York"), "timestamptz", st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))),
    Case(pa.duration("us"), "interval", whole(64)),
    Case(pa.list_(pa.int32()), "integer[]", st.lists(st.none() | whole(32))),
    Case(pa.list_(pa.string()), "text[]", st.lists(st.none() | TEXTS)),
    Case(pa.list_(pa.decimal128(9, 3)), "numeric(9,3)[]", st.lists(st.none() | decimals(9, 3))),
    Case(pa.list_(pa.duration("us")), "interval[]", st.lists(st.none() | whole(64))),
    Case(pa.list_(pa.timestamp("us", "UTC")), "timestamptz[]", st.lists(st.none() | whole(50))),
    Case(pa.large_list(pa.string()), "uuid[]", st.lists(st.none() | st.uuids().map(str))),
    Case(pa.list_(pa.bool_()), "boolean[]", st.lists(st.none() | st.booleans())),
]  # fmt: skip

READ_BACK = [
    # As text it would be another number: the shortest that is this one in four bytes.
    (Case(pa.float32(), "double precision", st.floats(width=32, allow_nan=False)), "v"),
    # Bytes are made text in the JVM, and Arrow has no text of years before 1 and after 9999.
    (Case(pa.binary(), "bytea", st.binary()), "v"),
    (Case(pa.large_binary(), "bytea", st.binary()), "v"),
    (Case(pa.list_(pa.binary()), "bytea[]", st.lists(st.none() | st.binary())), "v"),
    (Case(pa.date32(), "date", st.integers(FIRST_DAY, 2_145_031_948 + EPOCH)), "v - date '1970-01-01'"),
    (
        Case(pa.date32(), "timestamp", st.integers(FIRST_DAY, 106_751_982 + EPOCH)),
        "(extract(epoch FROM v) / 86400)::int",
    ),
    (Case(pa.timestamp("us"), "timestamp", st.integers(FIRST_DAY * DAY, 2**62)), MICROS),
    (Case(pa.timestamp("us", "America/New_York"), "timestamptz", st.integers(FIRST_DAY * DAY, 2**62)), MICROS),
]
"""Cases, and the expression that gives the value back."""


@pytest.fixture
def typed(db: Connection) -> Connection:
    """A connection with an enum of its own, and a session in UTC."""
    db.run("CREATE TYPE pg_temp.mood AS ENUM ('good', 'bad')")
    db.run("SET timezone = 'UTC'")
    return db


def column_type(db: Connection, column: str) -> ColumnType:
    """What the catalogue says of a type; leaves a table `pg_temp.t (v)`."""
    db.run("DROP TABLE IF EXISTS pg_temp.t")
    db.run(f"CREATE TEMPORARY TABLE t (v {column})")
    [[oid]] = db.run("SELECT 'pg_temp.t'::regclass::oid")
    return table_columns(db, oid)[0].type


def copied(db: Connection, form: str, stream: Iterable[Any], shown: str = "v::text") -> list[Any]:
    """What COPY made of a stream."""
    db.run("TRUNCATE pg_temp.t")
    db.run(f"COPY pg_temp.t FROM STDIN (FORMAT {form})", stream=stream)
    return [row[0] for row in db.run(f"SELECT {shown} FROM pg_temp.t ORDER BY ctid")]


def one_column(array: pa.Array) -> pa.RecordBatch:
    """A batch of it."""
    return pa.RecordBatch.from_arrays([array], names=["v"])


def binary(array: pa.Array, target: ColumnType) -> list[Any]:
    """The whole stream of a table of one column."""
    encoder = encode.encoder(array.type, target)
    assert encoder, f"{array.type} into {target.sql}"
    return [encode.HEADER, *encode.encode(one_column(array), [encoder]), encode.TRAILER]


def drawn(data: st.DataObject, case: Case) -> pa.Array:
    """Values and nulls, also as a slice: its buffers begin elsewhere."""
    rows = data.draw(st.lists(st.none() | case.values, max_size=12) | st.lists(case.values, max_size=12))
    begin = data.draw(st.integers(0, 3))
    return pa.array(rows, case.kind).slice(begin)


def check_text(data: st.DataObject, db: Connection, case: Case) -> None:
    """Both ways give the server's same text."""
    target = column_type(db, case.column)
    array = drawn(data, case)
    stream = [bytes(csv_rows(one_column(array)))] if len(array) else []
    assert copied(db, "binary", binary(array, target)) == copied(db, "csv", stream)


ONCE = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
OFTEN = settings(ONCE, max_examples=60)


@ONCE
@given(data=st.data())
@pytest.mark.parametrize("case", CASES, ids=str)
def test_binary_is_as_text(typed: Connection, case: Case, data: st.DataObject) -> None:
    """What is sent as bytes is what the server makes of the text."""
    check_text(data, typed, case)


@pytest.mark.faults
@OFTEN
@given(data=st.data())
@pytest.mark.parametrize("case", CASES, ids=str)
def test_binary_is_as_text_for_many_values(typed: Connection, case: Case, data: st.DataObject) -> None:
    """The same, with many more values."""
    check_text(data, typed, case)


@ONCE
@given(data=st.data())
@pytest.mark.parametrize(("case", "back"), READ_BACK, ids=str)
def test_binary_reads_back(typed: Connection, case: Case, back: str, data: st.DataObject) -> None:
    """Values that have no text of Arrow's are the same when they are read."""
    target = column_type(typed, case.column)
    array = drawn(data, case)
    number = {4: pa.int32(), 8: pa.int64()}.get(0 if pa.types.is_nested(case.kind) else bits(case.kind) // 8)
    assert copied(typed, "binary", binary(array, target), back) == (array.view(number) if number else array).to_pylist()


def bits(kind: pa.DataType) -> int:
    """Of a type of a fixed width; 0 for others."""
    return int(kind.bit_width) if pa.types.is_temporal(kind) else 0


def decimal(text: str, precision: int, scale: int) -> pa.Array:
    """One decimal."""
    return pa.array([Decimal(text)], pa.decimal128(precision, scale))


REFUSED = {
    "int2": (pa.array([1, None, 2**15], pa.int32()), "smallint", 2, "out of range for smallint: 32768"),
    "int4": (pa.array([1, -(2**31) - 1]), "integer", 1, "out of range for integer: -2147483649"),
    "decimal": (decimal("9999999999", 10, 0), "integer", 0, "out of range for integer: 9999999999"),
    "numeric": (pa.array([None, Decimal("1000.0")], pa.decimal128(8, 1)), "numeric(5,2)", 1, "numeric(5,2): 1000.0"),
    "wide numeric": (decimal("1" + "0" * 30, 38, 0), "numeric(30,0)", 0, "out of range for numeric(30,0)"),
    "float": (pa.array([1.0, None, 1e39]), "real", 2, "out of range for real: 1e+39"),
    "small float": (pa.array([1e-50]), "real", 0, "out of range for real: 1e-50"),
    "varchar": (pa.array(["ééé   ", None, "éééé"]), "varchar(3)", 2, "has 4 characters, too many for character varying(3)"),
    "char": (pa.array(["", "abcd"]), "char(3)", 1, "has 4 characters, too many for character(3)"),
    "NUL": (pa.array([None, "", "a\0"]), "text", 2, "has a NUL character"),
    "NUL in JSON": (pa.array(['"\0"']), "jsonb", 0, "has a NUL character"),
    "UTF-8": (pa.array([b"\xc3\xa9", b"\xc3"]).view(pa.string()), "text", 1, "is no valid UTF-8"),
    "surrogate": (pa.array([b"\xed\xa0\x80"]).view(pa.string()), "text", 0, "is no valid UTF-8"),
    "uuid": (pa.array([None, "0" * 31 + "x"]), "uuid", 1, "is no UUID: '000"),
    "short uuid": (pa.array(["", "0" * 32]), "uuid", 0, "is no UUID: ''"),
    "hyphens": (pa.array(["0-" + "0" * 31]), "uuid", 0, "is no UUID"),
    "date": (pa.array([0, 2**31 - 1], pa.int32()).view(pa.date32()), "date", 1, "out of range for date"),
    "early date": (pa.array([-(2**31)], pa.int32()).view(pa.date32()), "date", 0, "out of range for date"),
    "day": (pa.array([2**27], pa.int32()).view(pa.date32()), "timestamp", 0, "out of range for timestamp without time zone: "),
    "moment": (pa.array([0, -(2**63)], pa.int64()).view(pa.timestamp("us")), "timestamp", 1, "out of range for timestamp without time zone: "),
    "array": (pa.array([[1], None, [], [2, None, 40_000]]), "smallint[]", 3, "out of range for smallint: 40000"),
    "text in an array": (pa.array([["a"], ["b", "\0"]]), "text[]", 1, "has a NUL character"),
}  # fmt: skip


@pytest.mark.parametrize(("array", "column", "row", "why"), REFUSED.values(), ids=REFUSED)
def test_what_a_column_cannot_hold_is_named(
    typed: Connection, array: pa.Array, column: str, row: int, why: str
) -> None:
    """The first value that does not fit is found with its row and its column, in a slice too."""
    target = column_type(typed, column)
    padded = pa.concat_arrays([pa.nulls(3, array.type), array]).slice(3)
    for each in (array, padded):
        with pytest.raises(encode.RefusedValueError) as caught:
            binary(each, target)
        assert (caught.value.column, caught.value.row) == (0, row)
        assert why in caught.value.why


def test_digits_are_never_cut(typed: Connection) -> None:
    """A decimal with more digits behind the point than the column has no encoder: the server would cut them silently."""
    assert encode.encoder(pa.decimal128(9, 3), column_type(typed, "numeric(9,2)")) is None
    assert encode.encoder(pa.decimal128(9, 3), column_type(typed, "numeric(9,3)")) is not None
    assert encode.encoder(pa.decimal128(9, 3), column_type(typed, "numeric(9,2)[]")) is None


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        (pa.string(), "inet"),
        (pa.string(), "xml"),
        (pa.string(), "integer[]"),
        (pa.string(), "int2vector"),
        (pa.float64(), "numeric"),
        (pa.decimal128(9, 2), "double precision"),
        (pa.decimal128(9, 2), "bigint"),
        (pa.timestamp("us"), "timestamptz"),
        (pa.timestamp("us", "UTC"), "timestamp"),
        (pa.timestamp("us"), "time"),
        (pa.list_(pa.list_(pa.int32())), "integer[]"),
        (pa.list_(pa.int32()), "jsonb"),
    ],
    ids=str,
)
def test_what_has_no_encoder_is_known_before(typed: Connection, kind: pa.DataType, column: str) -> None:
    """These are sent as text."""
    assert encode.encoder(kind, column_type(typed, column)) is None


def test_a_domain_is_sent_as_what_is_below_it(db: Connection, schema: str) -> None:
    """Domains over domains, of arrays, and as elements of arrays, with the length that is given below."""
    db.run(f"CREATE DOMAIN {schema}.word AS varchar(3)")
    db.run(f"CREATE DOMAIN {schema}.short AS {schema}.word CHECK (VALUE <> 'no')")
    db.run(f"CREATE DOMAIN {schema}.words AS {schema}.short[]")
    target = column_type(db, f"{schema}.short")
    assert copied(db, "binary", binary(pa.array(["yes", None]), target)) == ["yes", None]
    target = column_type(db, f"{schema}.words")
    assert copied(db, "binary", binary(pa.array([["yes", None], []]), target)) == ["{yes,NULL}", "{}"]
    with pytest.raises(encode.RefusedValueError, match="has 4 characters"):
        binary(pa.array([["long"]]), target)
    with pytest.raises(DatabaseError, match="check constraint"):
        copied(db, "binary", binary(pa.array([["no"]]), target))


def test_many_rows_are_sent_in_several_pieces(db: Connection) -> None:
    """Long values beside short ones, in more than one piece; what is refused is counted through all of them."""
    target = column_type(db, "text")
    array = pa.array(["x" * (1 << 20) if at % 20 == 0 else str(at) for at in range(1000)])
    stream = binary(array, target)
    assert len(stream) > 5
    assert copied(db, "binary", stream, "length(v)") == [len(value) for value in array.to_pylist()]
    array = pa.concat_arrays([array, pa.array(["\0"])])
    with pytest.raises(encode.RefusedValueError) as caught:
        binary(array, target)
    assert caught.value.row == 1000


def test_a_row_of_many_columns(db: Connection) -> None:
    """Columns of all kinds beside each other, with and without nulls, as COPY reads them in order."""
    columns = {
        "a": ("integer", pa.array([1, 2], pa.int32())),
        "b": ("text", pa.array(["", None])),
        "c": ("numeric(9,2)", pa.array([None, Decimal("-0.01")], pa.decimal128(9, 2))),
        "d": ("char(1)", pa.array(["x", "y"])),
        "e": ("bigint[]", pa.array([[1, None], None])),
        "f": ("boolean", pa.array([True, None])),
    }
    db.run(f"CREATE TEMPORARY TABLE w ({', '.join(f'{name} {kind}' for name, (kind, _) in columns.items())})")
    [[oid]] = db.run("SELECT 'pg_temp.w'::regclass::oid")
    batch = pa.RecordBatch.from_arrays([array for _, array in columns.values()], names=list(columns))
    chosen = [encode.encoder(a.type, c.type) for a, c in zip(batch.columns, table_columns(db, oid), strict=True)]
    stream = [encode.HEADER, *encode.encode(batch, [each for each in chosen if each]), encode.TRAILER]
    db.run("COPY pg_temp.w FROM STDIN (FORMAT binary)", stream=stream)
    assert [
        dict(zip(columns, row, strict=True)) for row in db.run("SELECT * FROM pg_temp.w ORDER BY a")
    ] == batch.to_pylist()
