"""An error between any two statements of `upsert` and `replace_partitions`; kills there are in `tests/behaviour`. Without Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postgres.publisher import changed_by, content
from stoker import failpoints
from stoker.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.loading import PostgresLoad

    Loads = Callable[..., PostgresLoad]

UPSERT: dict[str, Any] = {"mode": "upsert", "key": ("id",), "delete_missing": True}
PARTITIONS: dict[str, Any] = {"mode": "replace_partitions", "by": ("part",)}
COLUMNS = "id integer, part string"
OLD = [[1, "a"], [2, "b"], [3, "b"]]


@pytest.mark.parametrize(
    ("options", "partitioned", "steps", "new"),
    [
        (UPSERT, "", ("deleted", "compared", "updated", "inserted", "dropped"), [[2, "c"], [4, "b"]]),
        (PARTITIONS, "", ("deleted", "inserted", "dropped"), [[1, "a"], [2, "c"], [4, "b"]]),
        (PARTITIONS, " PARTITION BY LIST (part)", ("filled", "attached", "dropped"), [[1, "a"], [2, "c"], [4, "b"]]),
    ],
    ids=["upsert", "delete", "attach"],
)
def test_an_error_leaves_the_old_rows(
    load: Loads,
    db: Connection,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    partitioned: str,
    steps: tuple[str, ...],
    new: list[list[Any]],
) -> None:
    """Nothing of the tables beside is left, and the same run id ends it."""
    db.run(f"CREATE TABLE {schema}.t (id integer, part text){partitioned}")
    if partitioned:
        for part in ("a", "b"):
            db.run(f"CREATE TABLE {schema}.{part} PARTITION OF {schema}.t FOR VALUES IN ('{part}')")
    db.run(f"INSERT INTO {schema}.t VALUES (1, 'a'), (2, 'b'), (3, 'b')")
    values = "(2, 'c'), (4, 'b')"
    for step in steps:
        monkeypatch.setattr(failpoints, "_armed", failpoints._parse(f"postgres.publish.{step}:raise"))
        with pytest.raises(ConnectionLostError, match="Nothing was published"):
            changed_by(load(**options), db, COLUMNS, values)
        assert content(db, schema) == OLD, step
    assert (
        db.run(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            f"WHERE nspname = '{schema}' AND relname LIKE 'stoker!_%' ESCAPE '!' AND relname NOT LIKE 'stoker!_loads%' ESCAPE '!'"
        )
        == []
    )
    monkeypatch.setattr(failpoints, "_armed", {})
    changed_by(load(**options), db, COLUMNS, values)
    assert content(db, schema) == new
