"""What is said of a row that its table does not take: the column, the key, and an example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyspark.sql import types as t

from stoker.errors import SinkError
from stoker.postgres.sending.copy import copy_batches
from stoker.postgres.sending.csv_rows import csv_rows
from stoker.postgres.sending.forms import BinaryForm, TextForm
from stoker.postgres.sending.sent import SentRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

NO_TEXT = pa.array([b"a", b"\xff\xfe"], pa.binary()).view(pa.string())
TEXT, LONG = t.StringType(), t.LongType()
REFUSED: dict[str, tuple[str, t.DataType, pa.Array]] = {
    "no UTF-8": ("text", TEXT, NO_TEXT),
    "no UTF-8 in an array": ("text[]", t.ArrayType(TEXT), pa.ListArray.from_arrays([0, 1, 2], NO_TEXT)),
    "NUL": ("text", TEXT, pa.array(["a", "\0"])),
    "NUL in an array": ("text[]", t.ArrayType(TEXT), pa.array([["a"], ["\0"]])),
    "too long": ("varchar(3)", TEXT, pa.array(["a", "four"])),
    "out of range": ("integer", LONG, pa.array([1, 2**40])),
    "out of range in an array": ("smallint[]", t.ArrayType(LONG), pa.array([[1], [2**40]])),
    "too many digits": ("numeric(10,0)", LONG, pa.array([1, 10**10])),
    "too large": ("real", t.DoubleType(), pa.array([1.0, 1e300])),
    "uuid": ("uuid", TEXT, pa.array([None, "none"])),
    "json": ("jsonb", TEXT, pa.array(["{}", "{none"])),
    "inet": ("inet", TEXT, pa.array(["::1", "none"])),
    "enum": ("mood", TEXT, pa.array(["ok", "none"])),
    "domain": ("positive", LONG, pa.array([1, -1])),
}
"""By what is wrong with the second value: its column's type, the frame's type, the values."""


def sent(load: Loads, kind: t.DataType, values: pa.Array, flags: bool) -> None:
    """The rows 7 and 8, in one partition; as CSV with `flags`, for which COPY BINARY has nothing."""
    fields = [t.StructField("id", LONG), t.StructField("v", kind)] + [t.StructField("flags", TEXT)] * flags
    arrays = [pa.array([7, 8]), values] + [pa.array(["101", None])] * flags
    one = load(mode="append")
    one.prepare(t.StructType(fields))
    assert one.way.binary is not flags
    copy_batches(one.task, [pa.RecordBatch.from_arrays(arrays, names=list("abc")[: len(arrays)])], 0)


@pytest.mark.parametrize("flags", [False, True], ids=["binary", "csv"])
def test_the_column_and_the_key_are_named(load: Loads, db: Connection, schema: str, flags: bool) -> None:
    """Whoever finds the value, our encoder or the server; nothing is published."""
    db.run(f"CREATE TYPE {schema}.mood AS ENUM ('ok'); CREATE DOMAIN {schema}.positive AS int CHECK (VALUE > 0)")
    for kind, frame, values in REFUSED.values():
        column = f"{schema}.{kind}" if kind in {"mood", "positive"} else kind
        db.run(
            f"DROP TABLE IF EXISTS {schema}.t; CREATE TABLE {schema}.t (id bigint PRIMARY KEY, v {column}, flags bit(3))"
        )
        with pytest.raises(SinkError, match=r"column '?v\b.*\bid = 8\b") as caught:
            sent(load, frame, values, flags)
        assert caught.value.state == "Nothing was published."
        assert "stoker_staging" not in str(caught.value)


@pytest.mark.parametrize("flags", [False, True], ids=["binary", "csv"])
@pytest.mark.parametrize("rule", ["NOT NULL", "CHECK (v IS NOT NULL)"])
def test_a_row_that_breaks_a_rule_is_shown(load: Loads, db: Connection, schema: str, rule: str, flags: bool) -> None:
    """As the server has it, with its key."""
    db.run(f"CREATE TABLE {schema}.t (id bigint PRIMARY KEY, v text {rule}, flags bit(3))")
    with pytest.raises(SinkError, match=r"Failing row contains \(8, null.*; id = 8 \(SQLSTATE 23"):
        sent(load, TEXT, pa.array(["a", None]), flags)


def test_the_key_of_an_upsert_names_rows(load: Loads, schema: str) -> None:
    """Also where there is no table yet that would have one."""
    one = load(mode="upsert", key=("id",))
    one.prepare(t.StructType([t.StructField("id", LONG), t.StructField("v", TEXT)]))
    with pytest.raises(SinkError, match=r"column 'v' .*\(id = 8\) is no valid UTF-8"):
        copy_batches(one.task, [pa.RecordBatch.from_arrays([pa.array([7, 8]), NO_TEXT], names=["a", "b"])], 0)


def test_lines_are_not_rows_where_values_have_line_breaks() -> None:
    """As CSV; in binary a row counts as one line whatever it has."""
    batch = pa.RecordBatch.from_arrays([pa.array(["a", "b\nb\nb", "c", "\n"])], names=["v"])
    text, binary = SentRows(TextForm(), keeps=True), SentRows(BinaryForm(()), keeps=True)
    for _ in range(2):
        text.begin(batch)
        binary.begin(batch)
        text.count(memoryview(csv_rows(batch)))
    ends = [1, 4, 5, 7]
    for row, end in enumerate([*ends, *(7 + end for end in ends)]):
        assert text.row_of(end) == (batch, row % 4)
        assert binary.row_of(row + 1) == (batch, row % 4)
    assert binary.row_of(9) is None


def test_rows_that_were_sent_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that they hold has a limit; the last batch is kept, however large."""
    batch: Any = pa.RecordBatch.from_arrays([pa.array([1, 2])], names=["v"])
    monkeypatch.setattr("stoker.postgres.sending.sent._KEPT", batch.nbytes)
    rows = SentRows(BinaryForm(()), keeps=True)
    rows.begin(batch)
    assert rows.row_of(2) == (batch, 1)
    rows.begin(batch)
    assert rows.row_of(2) is None
    assert rows.row_of(3) == (batch, 0)


def test_days_far_from_ours_are_the_same_both_ways(load: Loads, db: Connection, schema: str) -> None:
    """Before Christ, and after the last year that Arrow writes; also in arrays, between nulls and days of ours."""
    days = [-719_163, -719_162, -800_000, None, 0, 100_000_000, 11_248_737, 11_248_738]
    dates = pa.array(days, pa.int32()).view(pa.date32())
    moments = pa.array([None if day is None else day * 86_400_000_000 + 1 for day in days], pa.int64()).view(
        pa.timestamp("us")
    )
    columns = {
        "day": (t.DateType(), dates),
        "at": (t.TimestampNTZType(), moments),
        "zoned": (t.TimestampType(), moments.cast(pa.timestamp("us", "UTC"))),
        "days": (t.ArrayType(t.DateType()), pa.ListArray.from_arrays([0, 3, 3, 4, 5, 6, 7, 8, 8], dates)),
    }
    found = []
    for name, flags in (("one", False), ("other", True)):
        kinds = "day date, at timestamp, zoned timestamptz, days date[], flags bit(3)"
        db.run(f"CREATE TABLE {schema}.{name} ({kinds})")
        one = load(name, mode="append", sink=name)
        fields = [t.StructField(column, kind) for column, (kind, _) in columns.items()]
        arrays = [values for _, values in columns.values()]
        if flags:
            fields, arrays = [*fields, t.StructField("flags", TEXT)], [*arrays, pa.nulls(len(days), pa.string())]
        one.prepare(t.StructType(fields))
        batch = pa.RecordBatch.from_arrays(arrays, names=[str(at) for at in range(len(arrays))])
        transaction, rows = copy_batches(one.task, [batch], 0)
        one._report([(0, transaction, rows)])
        assert one.publish() == len(days)
        found.append(db.run(f"SELECT day::text, at::text, zoned::text, days::text FROM {schema}.{name} ORDER BY 1, 4"))
    assert found[0] == found[1]
    assert {row[0] for row in found[0]} >= {
        "0001-12-31 BC",
        "0001-01-01",
        "0222-09-04 BC",
        None,
        "32767-12-31",
        "32768-01-01",
    }
