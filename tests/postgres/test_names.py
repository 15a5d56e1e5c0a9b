from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.errors import DefinitionError, SinkError
from stoker.postgres.names import LoadTarget, quote

if TYPE_CHECKING:
    from pg8000.native import Connection

# What the server can have as a name: no NUL, no surrogates, at most 63 bytes.
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=63).filter(
    lambda name: len(name.encode()) <= 63
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES)
def test_quote_names_what_it_was_given(db: Connection, name: str) -> None:
    """Any name comes back from the server as it was given, and `quote_ident` means the same one."""
    by_us = db.run(f"SELECT 1 AS {quote(name)}") and db.columns[0]["name"]
    by_server = db.run(f"SELECT 1 AS {db.run('SELECT quote_ident(:name)', name=name)[0][0]}") and db.columns[0]["name"]
    assert by_us == name == by_server


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES)
def test_quoted_names_go_together_with_parameters(db: Connection, name: str) -> None:
    """A quoted name in a statement with parameters is not taken for one of them."""
    rows = db.run(f"SELECT {quote(name)} FROM (SELECT :value AS {quote(name)}) AS one", value="x")
    assert rows == [["x"]]


@given(st.one_of(st.none(), NAMES), NAMES)
def test_a_target_reads_back_as_itself(schema: str | None, table: str) -> None:
    """A target's text is read as the same target, both as it is shown and as SQL has it."""
    target = LoadTarget(schema, table)
    assert LoadTarget.parse(str(target)) == target
    assert LoadTarget.parse(target.sql) == target


@pytest.mark.parametrize(
    ("text", "schema", "table"),
    [
        ("flights", None, "flights"),
        ("public.flights", "public", "flights"),
        ("Public.Flights", "public", "flights"),
        ('"Public"."Flights"', "Public", "Flights"),
        ('reports."Odd ""name"".x"', "reports", 'Odd "name".x'),
        ("order", None, "order"),
        ("straße", None, "straße"),
    ],
)
def test_targets_are_read_by_the_rule_of_sql(text: str, schema: str | None, table: str) -> None:
    """Bare names fold to lower case, quoted ones stay, reserved words are names like others."""
    assert LoadTarget.parse(text) == LoadTarget(schema, table)


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a.b.c", "odd name", 'a"b', '"a', '"a"b', '""', "1a", "a\0b", "a\n", "x" * 64, "é" * 32],
)
def test_what_is_no_table_name_is_refused(text: str) -> None:
    """A target that cannot be read or be a name is refused when it is declared."""
    with pytest.raises(DefinitionError, match="table name"):
        LoadTarget.parse(text)


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "x" * 64, "é" * 32])
def test_names_that_postgresql_would_change_are_refused(name: str) -> None:
    """The server would cut a long name silently: it is refused before it gets there."""
    with pytest.raises(SinkError, match="cannot be a name"):
        quote(name)
