from __future__ import annotations

from typing import Any

import pytest

from stoker import write
from stoker.errors import DefinitionError
from stoker.postgres.options import LoadOptions


@pytest.mark.parametrize("sql", ["commit", " /* x */ COMMIT;", "-- x\nRollback", "START  transaction", "end", "(abort"])
def test_sql_that_ends_the_transaction_is_refused(sql: str) -> None:
    """It would commit the note of the load without its rows."""
    with pytest.raises(DefinitionError, match="part of the transaction"):
        LoadOptions.of("load('t')", after=["SELECT 1", sql])


@pytest.mark.parametrize(
    "sql", ["INSERT INTO ends VALUES (':a')", "-- commit\nTABLE t", "SELECT 'commit'", "START_IT()"]
)
def test_other_sql_is_taken_as_it_is(sql: str) -> None:
    """One statement, or a list of them."""
    assert LoadOptions.of("load('t')", before=sql, after=[sql, sql]) == LoadOptions(before=(sql,), after=(sql, sql))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"connections": 0}, "is a number from 1, not 0"),
        ({"connections": True}, "is a number from 1, not True"),
        ({"columns": ["id"]}, "is a dict"),
        ({"columns": {"id": ""}}, "is no name and type"),
        ({"columns": {"id": "int; DROP TABLE t"}}, "is more than a type"),
        ({"before": [1]}, "before= is a statement"),
        ({"after": "  "}, "after= is a statement"),
    ],
)
def test_wrong_options_are_refused(option: dict[str, Any], told: str) -> None:
    """Where they are declared, by the call that a user wrote."""
    with pytest.raises(DefinitionError, match=told) as caught:
        write.postgres("t", connection="warehouse", mode="append", **option)
    assert caught.value.what.startswith("write.postgres('t'): ")
