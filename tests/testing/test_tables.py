"""Frames from inline tables."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import Row

from stoker import UsageError
from stoker.spark.started import count_jobs
from stoker.testing import frame
from stoker.testing.cells import cell_value
from stoker.testing.layout import layout

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TYPES = r"""
    id:int not null | name:string          | at:timestamp      | local:timestamp_ntz | day:date   | price:decimal(9,2) | x:double  | ok:boolean | raw:binary | tags:array<string> | counts:map<string,int> | place:struct<city:string,`post code`:array<int>> | "odd: | name":bigint
    1               | Ann                  | 2013-01-01 05:00  | 2013-01-01 05:00    | 2013-01-31 | 1.5                | NaN       | true       | 0xCAFE     | ["a|b", null]      | {"k": 1}               | {"city": "Köln", "post code": [5, null]}         | -9223372036854775808
    2               | "a | \"b\" é \\ '%s" | 2013-01-01T05:00Z | null                | null       | null               | -Infinity | null       | null       | []                 | {}                     | {"city": null}                                   | null
"""
"""In the zone of Kathmandu, which is 5:45 ahead."""


@pytest.mark.smoke
@pytest.mark.parametrize("ansi", ["true", "false"])
def test_cells_become_values_of_their_types(spark: SparkSession, ansi: str) -> None:
    """In ANSI mode and out of it; a moment without a zone is in the session's. No Spark job is started."""
    session = spark.newSession()
    session.conf.set("spark.sql.ansi.enabled", ansi)
    session.conf.set("spark.sql.session.timeZone", "Asia/Kathmandu")
    before = count_jobs(spark.sparkContext)

    found = frame(session, TYPES)
    one, two = found.collect()

    assert count_jobs(spark.sparkContext) == before
    assert [field.dataType.simpleString() for field in found.schema.fields] == [
        "int", "string", "timestamp", "timestamp_ntz", "date", "decimal(9,2)", "double", "boolean", "binary",
        "array<string>", "map<string,int>", "struct<city:string,post code:array<int>>", "bigint",
    ]  # fmt: skip
    assert [field.nullable for field in found.schema.fields] == [False] + [True] * 12
    assert (one.id, one.name, one.at.astimezone(UTC)) == (1, "Ann", datetime(2012, 12, 31, 23, 15, tzinfo=UTC))
    assert (one.local, one.day, one.price) == (datetime(2013, 1, 1, 5), date(2013, 1, 31), Decimal("1.50"))
    assert str(one.x) == "nan"
    assert (one.ok, one.raw, one.tags, one.counts) == (True, b"\xca\xfe", ["a|b", None], {"k": 1})
    assert one.place == Row(**{"city": "Köln", "post code": [5, None]})
    assert one["odd: | name"] == -(2**63)
    assert (two.name, two.at.astimezone(UTC)) == ('a | "b" é \\ \'%s', datetime(2013, 1, 1, 5, tzinfo=UTC))
    assert (two.x, two.tags, two.counts, two.place.city) == (float("-inf"), [], {}, None)
    assert [two.local, two.day, two.price, two.ok, two.raw, two["odd: | name"]] == [None] * 6


def test_a_header_alone_is_a_frame_without_rows(spark: SparkSession) -> None:
    """With its columns."""
    found = frame(spark, "id:int | tags:array<string>")
    assert found.collect() == []
    assert found.dtypes == [("id", "int"), ("tags", "array<string>")]


def test_a_schema_gives_types_and_order_and_fill_the_other_values(spark: SparkSession) -> None:
    """What neither the table nor `fill` has is null."""
    schema = "day date not null, id int, note string, tags array<int>, price decimal(5,1)"
    found = frame(spark, "id\n1\n2", schema=schema, fill={"day": date(2013, 1, 1), "tags": [1], "price": 2.5})
    assert [tuple(row) for row in found.collect()] == [
        (date(2013, 1, 1), number, None, [1], Decimal("2.5")) for number in (1, 2)
    ]


MISTAKES = {
    "": "The inline table is empty",
    "id\n1": "line 1, column 'id': it has no type",
    "id:int | x:strin\n1|2": "line 1, column 'x': 'strin' is no type",
    ":int": "line 1: ':int' has no column name",
    "id:int | ID:int": "line 1: the column 'id' is there twice",
    "i:interval day": "line 1, column 'i': values of type interval day cannot be written",
    "\n\nid:int\n\n1.5": "line 5, column 'id': 1.5 is no whole number (the column is int)",
    "id:tinyint\n128": "line 2, column 'id': 128 does not fit tinyint",
    "id:int not null\nnull": "line 2, column 'id': it is null, and the column is NOT NULL",
    'id:int\n"1"': "line 2, column 'id': \"1\" is a text",
    "id:int | n:string\n1": "line 2: 1 cell for 2 columns (id, n): 1",
    "id:int | n:string\n1 | a | b": "line 2: 3 cells for 2 columns",
    "id:int | n:string\n1 |": "line 2, column 'n': it is empty: write null, or \"\" for the empty text",
    'n:string\n5" disk': 'line 2: the quotation mark " is not closed: " disk',
    'n:string\n"a" b': "line 2, column 'n': \"a\" b is no text in quotes",
    "d:date\n2013-02-30": "line 2, column 'd': 2013-02-30 is no date such as 2013-01-31 (day is out of range for month)",
    "t:timestamp\n5": "line 2, column 't': 5 is no time such as",
    "t:timestamp_ntz\n2013-01-01 05:00Z": "line 2, column 't': 2013-01-01 05:00Z has a zone",
    "p:decimal(3,1)\n1.55": "line 2, column 'p': 1.55 does not fit decimal(3,1)",
    "p:decimal(3,1)\n100": "line 2, column 'p': 100 does not fit decimal(3,1)",
    "x:double\nmany": "line 2, column 'x': many is no number",
    "x:float\n1e99": "line 2, column 'x': 1e99 does not fit float",
    "b:boolean\nyes": "line 2, column 'b': yes is neither true nor false",
    "b:binary\n0xC": "line 2, column 'b': 0xC is no binary such as 0xCAFE",
    "a:array<int>\n[1": "line 2, column 'a': [1 is no JSON",
    "a:array<int>\n{}": "line 2, column 'a': {} is not a JSON array",
    'a:array<int>\n[1, "x"]': "line 2, column 'a': \"x\" is no int",
    "a:array<string>\n[1]": "line 2, column 'a': 1 is no string",
    "m:map<string,int>\n[]": "line 2, column 'm': [] is not a JSON object",
    's:struct<city:string>\n{"citty": 1}': "line 2, column 's': there is no field 'citty'. Did you mean 'city'?",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_column(spark: SparkSession, text: str) -> None:
    """Lines count from the first one of the text, blank ones too."""
    with pytest.raises(UsageError) as caught:
        frame(spark, text)
    assert MISTAKES[text] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fill", "told"),
    [
        ("idd\n1", {"day": "2013-01-01"}, "line 1: the schema has no column 'idd'. Did you mean 'id'?"),
        ("id:string\n1", {"day": "2013-01-01"}, "column 'id': it is string, and int in the schema"),
        ("id\n1", {"dya": "2013-01-01"}, "fill= has 'dya', which is no column of schema=. Did you mean 'day'?"),
        ("id\n1", {"day": "tomorrow"}, "fill= is wrong for 'day', which is date: tomorrow is no date"),
        ("id\n1", {}, "no value for 'day', which is NOT NULL"),
    ],
)
def test_a_table_that_does_not_fit_its_schema_is_told(
    spark: SparkSession, text: str, fill: dict[str, str], told: str
) -> None:
    """With the close names."""
    with pytest.raises(UsageError) as caught:
        frame(spark, text, schema="id int, day date not null", fill=fill)
    assert told in str(caught.value)


def test_fill_without_a_schema_is_told(spark: SparkSession) -> None:
    """Nobody would know its types."""
    with pytest.raises(UsageError, match="fill= goes together with schema="):
        frame(spark, "id:int\n1", fill={"day": "2013-01-01"})


@given(st.lists(st.text(), min_size=1))
def test_every_text_can_be_written_in_quotes(texts: list[str]) -> None:
    """As JSON writes it: with pipes, quotation marks, line breaks, `null` and nothing at all."""
    from pyspark.sql.types import StringType

    row = " | ".join(map(json.dumps, texts))
    header = " | ".join(f"c{at}:string" for at in range(len(texts)))
    (cells,) = layout(f"{header}\n{row}").rows
    assert [cell_value(cell, StringType(), UTC) for cell in cells] == texts
