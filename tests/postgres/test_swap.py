"""`replace` by a swap: what comes with the table, what forbids it, and what is seen while it happens."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postgres.publisher import stage
from stoker.postgres.embedded import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg8000.native import Connection

    from stoker.postgres.connection import ConnectionInfo
    from stoker.postgres.loading import PostgresLoad
    from stoker.postgres.strategy import Strategy

    Loads = Callable[..., PostgresLoad]

EVERYTHING = Path(__file__).with_name("everything.sql")


def dumped(info: ConnectionInfo, schema: str) -> list[str]:
    """The tables of a schema as pg_dump writes them, statement by statement."""
    environ = {"PGPASSWORD": info.password or ""}
    command = [
        str(programs.find().folder / "pg_dump"),
        "--schema-only",
        f"--schema={schema}",
        f"--exclude-table={schema}.stoker_*",
    ]
    connection = [f"--host={info.host}", f"--port={info.port}", f"--username={info.user}", info.database]
    text = subprocess.run([*command, *connection], env=environ, check=True, capture_output=True, text=True).stdout
    lines = [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]
    return sorted(re.split(r"(?<=;)\n", "\n".join(lines)))


def used(load: PostgresLoad) -> Strategy:
    """What was decided on when the load was prepared."""
    return load._plan().strategy


@pytest.fixture
def everything(db: Connection, schema: str) -> str:
    """A table that has one of each thing that belongs to tables; the schema."""
    db.run(f"CREATE ROLE {schema}_reader")
    db.run(EVERYTHING.read_text("utf-8").replace("{s}", schema))
    return schema


def test_all_that_belongs_to_the_table_comes_with_it(
    load: Loads, db: Connection, info: ConnectionInfo, everything: str
) -> None:
    """pg_dump writes the same before and after, and the table is another one."""
    schema = everything
    db.run(f"INSERT INTO {schema}.t (id, run) SELECT generate_series(0, 3), 'old'")
    before, [[oid]] = dumped(info, schema), db.run(f"SELECT '{schema}.t'::regclass::oid")
    sink = load(run_id="new")
    stage(sink, "new")
    assert used(sink).name == "swap", str(used(sink))
    assert sink.publish() == 100
    assert str(sink.way) == "binary COPY; swap: nothing that depends on it would be lost"
    assert db.run(f"SELECT '{schema}.t'::regclass::oid") != [[oid]]
    assert dumped(info, schema) == before
    assert db.run(f"SELECT count(*), min(run), sum(twice - 2 * id) FROM {schema}.t") == [[100, "new", 0]]
