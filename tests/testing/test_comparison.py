"""Whether frames are equal, and what is told when they are not."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stoker import UsageError
from stoker.spark.started import count_jobs
from stoker.testing import assert_frames_equal, frame
from stoker.testing.matching import match_as_sets
from stoker.testing.values import is_close

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NESTED = "id:int | x:double | tags:array<string> | counts:map<string,int> | place:struct<city:string,east:double>\n"


def told(spark: SparkSession, left: str, right: str, **options: Any) -> str:
    """What is said of two tables that are not equal."""
    with pytest.raises(AssertionError) as caught:
        assert_frames_equal(frame(spark, left), right, **options)
    return str(caught.value)


@pytest.mark.smoke
def test_equal_frames_are_equal(spark: SparkSession) -> None:
    """NaN equals NaN and 0.0 equals -0.0; neither the order of rows counts nor that of a map's keys. A text needs no job."""
    left = frame(
        spark,
        NESTED + '1 | NaN | ["a"] | {"a": 1, "b": 2} | {"city": "Köln", "east": NaN}\n2 | 0.0 | [] | {} | null\n'
        "2 | 0.0 | [] | {} | null",
    )
    before = count_jobs(spark.sparkContext)
    assert_frames_equal(
        left,
        "id | x | tags | counts | place\n2 | -0.0 | [] | {} | null\n"
        '1 | NaN | ["a"] | {"b": 2, "a": 1} | {"city": "Köln", "east": NaN}\n2 | 0.0 | [] | {} | null',
    )
    assert_frames_equal(left, left, check_row_order=True, check_nullable=True)
    assert count_jobs(spark.sparkContext) == before


def test_each_differing_cell_is_named_by_row_and_column(spark: SparkSession) -> None:
    """Into arrays, maps and structs; rows are paired by what they have in common."""
    left = NESTED + '1 | NaN | ["a"] | {"a": 1, "b": 2} | {"city": "Köln", "east": 0.5}\n2 | 1.0 | [] | {} | null'
    right = (
        "id | x | tags | counts | place\n2 | 1.5 | [] | {} | null\n"
        '1 | NaN | ["a", "b"] | {"b": 3, "c": 1} | {"city": "Köln", "east": 0.25}\n7 | 1.25 | ["q"] | null | null'
    )
    assert (
        told(spark, left, right)
        == """\
The rows differ (their order is ignored): 2 of 2 rows in left and 3 of 3 rows in right have no equal.
  row 1 of left, row 2 of right:
    column        left       right
    tags[1]       (absent)   "b"
    counts['a']   1          (absent)
    counts['b']   2          3
    counts['c']   (absent)   1
    place.east    0.5        0.25
    equal: id=1, x=NaN
  row 2 of left, row 1 of right:
    column   left   right
    x        1.0    1.5
    equal: id=2, tags=[], counts={}, place=null
  only in right, row 3: id=7, x=1.25, tags=["q"], counts=null, place=null"""
    )


def test_a_row_that_is_there_twice_needs_two(spark: SparkSession) -> None:
    """Also where the order is ignored."""
    message = told(spark, "id:int | n:int\n1 | 1\n1 | 1\n2 | 2", "id | n\n1 | 1\n2 | 2\n2 | 2")
    assert "row 2 of left, row 3 of right:\n    column   left   right\n    id       1      2" in message


def test_the_order_of_rows_counts_where_it_is_asked_for(spark: SparkSession) -> None:
    """Rows are then compared one by one, and what is too much is named."""
    assert_frames_equal(frame(spark, "id:int\n1\n2"), "id\n2\n1")
    message = told(spark, "id:int\n1\n2\n3", "id\n2\n1", check_row_order=True)
    assert "compared in order" in message
    assert "row 1 of left, row 1 of right" in message
    assert "only in left, row 3: id=3" in message


def test_tolerance_is_for_floats_alone(spark: SparkSession) -> None:
    """At any depth; decimals stay exact, and infinity is close to nothing else."""
    left = frame(spark, 'x:double | s:struct<y:double>\n0.30000000000000004 | {"y": 100.0}')
    close = 'x | s\n0.3 | {"y": 100.1}'
    assert_frames_equal(left, close, rtol=0.01)
    assert_frames_equal(left, close, atol=0.11)
    with pytest.raises(AssertionError, match=r"place|s\.y"):
        assert_frames_equal(left, close, atol=0.05)
    assert "have no equal" in told(spark, "p:decimal(5,2)\n1.00", "p\n1.01", atol=1.0)
    assert "have no equal" in told(spark, "x:double\nInfinity", "x\n1e308", rtol=1.0)
    assert "have no equal" in told(spark, "x:double\nNaN", "x\n1.0", rtol=1.0, atol=1e300)


def test_floats_that_the_arithmetic_made_differ_give_a_hint(spark: SparkSession) -> None:
    """The cure is named, not applied."""
    message = told(spark, "x:double\n0.30000000000000004", "x\n0.3")
    assert "differ by at most 2e-16 of their size: rtol= and atol= allow for that" in message
    assert "rtol=" not in told(spark, "x:double\n0.31", "x\n0.3")


VALUES = st.one_of(st.floats(0, 3).map(lambda x: round(x, 1)), st.none())
ROWS = st.lists(st.tuples(st.sampled_from("ab"), VALUES), max_size=5)


@example([("a", 0.0), ("a", 3.0), ("a", 2.0)], [("a", 1.0), ("a", 2.0), ("a", 0.0)], 1.0)
@given(ROWS, ROWS, st.sampled_from([0.0, 0.25, 1.0]))
def test_rows_match_if_there_is_any_way_to_pair_them(left: list[Any], right: list[Any], atol: float) -> None:
    """Whatever the order in which close rows are looked at; the oracle tries all."""
    possible = len(left) == len(right) and any(
        all(is_close(one, other, 0.0, atol) for one, other in zip(left, order, strict=True))
        for order in itertools.permutations(right)
    )
    found = match_as_sets(left, right, 0.0, atol)
    assert bool(found) is not possible
    assert len(found.left) - len(found.right) == len(left) - len(right)


def test_schemas_are_compared_before_rows(spark: SparkSession) -> None:
    """Missing columns come with the close name, types side by side; nothing is collected."""
    left = frame(spark, "id:int | delay:double | n:int\n1 | 1.0 | 1").selectExpr(
        "id", "delay", "raise_error('no') AS n"
    )
    with pytest.raises(AssertionError) as caught:
        assert_frames_equal(left, "id:bigint | dellay:double | n:void\n1 | 1.0 | null")
    assert (
        str(caught.value)
        == """\
The schemas differ:
  column   left     right
  id       int      bigint
  delay    double   -        not in right. Did you mean 'dellay'?
  dellay   -        double   not in left. Did you mean 'delay'?"""
    )


def test_the_order_of_columns_counts_unless_told_otherwise(spark: SparkSession) -> None:
    """Then the right one's are taken in the order of the left one's."""
    left, right = "id:int | name:string\n1 | a", "name | id\na | 1"
    assert "The columns differ in their order:\n  left:  id, name\n  right: name, id" in told(spark, left, right)
    assert_frames_equal(frame(spark, left), right, check_column_order=False)


def test_what_may_be_null_counts_where_it_is_asked_for(spark: SparkSession) -> None:
    """Into arrays and structs."""
    left = frame(spark, "id:int not null\n1").selectExpr("id", "array(1) AS a", "named_struct('b', 1) AS s")
    right = frame(spark, 'id:int | a:array<int> | s:struct<b:int>\n1 | [1] | {"b": 1}')
    assert_frames_equal(left, right)
    with pytest.raises(AssertionError) as caught:
        assert_frames_equal(left, right, check_nullable=True)
    assert "int not null" in str(caught.value)
    assert "not null: a[]" in str(caught.value)
    assert "not null: s.b" in str(caught.value)


def test_columns_of_one_name_are_told_apart(spark: SparkSession) -> None:
    """By their position."""
    left = frame(spark, "a:int\n1").selectExpr("a", "2 AS a")
    assert_frames_equal(left, left)
    with pytest.raises(AssertionError, match=r"a \(2\) +int +string"):
        assert_frames_equal(left, left.selectExpr("1 AS a", "'2' AS b").toDF("a", "a"))


def test_moments_are_compared_as_instants(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the hour that comes twice where the tests run: PySpark's two datetimes are equal to Python, but for `fold`."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        twice = "at:timestamp\n2013-10-27 00:30Z", "at\n2013-10-27 01:30Z"
        left, right = (frame(spark, text.replace("at\n", "at:timestamp\n")).collect()[0].at for text in twice)
        assert left == right
        message = told(spark, *twice)
        assert_frames_equal(frame(spark, twice[0]), "at\n2013-10-27 02:30+02:00")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert "2013-10-27 00:30:00+00:00   2013-10-27 01:30:00+00:00" in message


def test_long_values_are_cut_around_their_first_difference(spark: SparkSession) -> None:
    """So that the difference is seen."""
    left, right = ("x" * 200 + middle + "z" * 100 for middle in "yY")
    line = next(each for each in told(spark, f"a:string\n{left}", f"a\n{right}").splitlines() if "zzz" in each)
    assert len(line) < 160
    assert "xxy" in line
    assert "xxY" in line


def test_many_rows_are_counted_and_not_listed(spark: SparkSession) -> None:
    """The first ones are shown."""
    sides = ["id:int | n:string\n" + "\n".join(f"{at} | {side}" for at in range(30)) for side in "ab"]
    message = told(spark, *sides, most=2)
    assert "30 of 30 rows in left" in message
    assert "... and 28 more" in message
    assert message.count("of left, row") == 2


def test_what_is_no_frame_is_told(spark: SparkSession) -> None:
    """A list, two texts, and an inline table that does not fit."""
    found = frame(spark, "id:int\n1")
    with pytest.raises(UsageError, match="right is list, and neither a DataFrame nor an inline table"):
        assert_frames_equal(found, [1])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="two inline tables"):
        assert_frames_equal("id:int\n1", "id:int\n1")
    with pytest.raises(UsageError, match=r"the other frame has no such column. Did you mean 'id'\?"):
        assert_frames_equal(found, "idd\n1")
