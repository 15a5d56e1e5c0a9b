from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker import DefinitionError, UsageError, param, read
from stoker.postgres.read.values import ended, filled, literal, names

if TYPE_CHECKING:
    from pg8000.native import Connection

    from stoker.connectors.postgres import PostgresSource


class Color(Enum):
    """Texts."""

    RED = "it's red"


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("day >= :since AND x = :since", {"since"}),
        ("a::int > :a", {"a"}),
        ("':no' || \":no\" || e'\\':no' || $$:no$$ || $t$ $$ :no $t$ -- :no\n /* :no */ || :yes", {"yes"}),
        ("tags[1:n] && :tags AND b[(1):n] = :c", {"tags", "c"}),
        ("it''s :a", {"a"}),
        ("'it''s :no'", set()),
        ("a:::b", set()),
    ],
)
def test_names_stand_outside_of_texts_and_comments(sql: str, found: set[str]) -> None:
    """And are neither casts nor ends of slices."""
    assert names(sql) == found


@pytest.mark.parametrize(
    ("sql", "left"),
    [
        ("SELECT 1 ; \n", "SELECT 1"),
        ("SELECT 1 /* x; */ ;-- done; really", "SELECT 1"),
        ("-- first;\nSELECT ';' -- last", "-- first;\nSELECT ';'"),
        ("SELECT 1 -- a\n, 2 -- b\n;", "SELECT 1 -- a\n, 2"),
        ("SELECT $$a;--$$;;", "SELECT $$a;--$$"),
        ("SELECT 1; SELECT 2", "SELECT 1; SELECT 2"),
        ("-- nothing\n;", ""),
    ],
)
def test_what_stands_behind_a_query_is_left_out(sql: str, left: str) -> None:
    """Semicolons and comments at its end; what is within stays, and so does a second statement, which the server refuses."""
    assert ended(sql) == left


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    | st.dates(min_value=dt.date(1000, 1, 1))
    | st.datetimes(min_value=dt.datetime(1000, 1, 1))
    | st.datetimes(min_value=dt.datetime(1900, 1, 1), timezones=st.just(dt.UTC))
    | st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.floats(allow_nan=False)
)
def test_the_server_reads_each_value_as_it_is(value: Any, db: Connection) -> None:
    """Quotes, backslashes, signs and zones included."""
    assert db.run(filled("SELECT :v", {"v": value})) == [[value]]


def test_lists_and_enums(db: Connection) -> None:
    """As arrays, which `= ANY` takes, also an empty one; an Enum is its value."""
    sql = "SELECT n FROM generate_series(1, 5) n WHERE n = ANY(:some) ORDER BY n"
    assert db.run(filled(sql, {"some": [5, -1, 2]})) == [[2], [5]]
    assert db.run(filled(sql, {"some": ()})) == []
    assert literal("c", Color.RED) == "'it''s red'"
    assert literal("d", Decimal("-1.50")) == "'-1.50'::numeric"


@pytest.mark.parametrize("value", [b"x", {"a": 1}, "\0", [object()]])
def test_values_that_sql_has_not(value: object) -> None:
    """They are refused by their name."""
    with pytest.raises(UsageError, match="The value 'since'"):
        literal("since", value)


def source(**arguments: Any) -> PostgresSource:
    """A source of a query."""
    return read.postgres(connection="warehouse", **arguments)


def test_names_and_values_belong_together() -> None:
    """A name without a value and a value without a name are refused where they are declared."""
    with pytest.raises(DefinitionError, match=r":sinse has no value\. Did you mean 'since'"):
        source(query="SELECT :sinse", values={"since": 1})
    with pytest.raises(DefinitionError, match="has 'until', and neither"):
        source(table="t", where="a > :since", values={"since": 1, "until": 2})
    assert source(table="t", where="a > :since", values={"since": param("since")})
