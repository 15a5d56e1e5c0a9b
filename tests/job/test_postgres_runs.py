"""Runs into PostgreSQL, and everything that a server or a table can have against them."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from support.aws import free_port
from support.loads import write_rows
from support.project import TOML
from support.warehouse import PASSWORD, configure, run

if TYPE_CHECKING:
    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker import RunRecord
    from stoker.postgres.connections.connection import ConnectionInfo
    from support.project import Project


@pytest.fixture
def table(project: Project, info: ConnectionInfo, schema: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table's name in the test's schema; the project has the connection and thirty rows of version 1."""
    assert info.password
    monkeypatch.setenv(PASSWORD, info.password)
    configure(project, info)
    write_rows(project.folder, "1")
    return f"{schema}.rows"


def failure(record: RunRecord) -> str:
    """All that the error of the run's one pipeline says."""
    error = record.pipelines[0].error
    assert record.state == "failed"
    assert error
    return " ".join(str(value) for value in error.values())


@dataclass(frozen=True)
class Mistake:
    """Something that cannot be loaded."""

    told: tuple[str, ...]
    connection: dict[str, object] = field(default_factory=dict)
    column: str | None = None
    mode: str = "replace"


MISTAKES = {
    "wrong password": Mistake(("ConfigurationError", "password", "warehouse"), {"password": "sesame-open"}),
    "unknown database": Mistake(("ConfigurationError", "nowhere"), {"database": "nowhere"}),
    "missing table": Mistake(("does not exist, and mode is append", "CREATE TABLE"), mode="append"),
    "unsupported type": Mistake(("column 'nothing'", "void"), column="NULL AS nothing"),
    "NUL in a text": Mistake(("note", "NUL"), column="concat('a', char(0)) AS note"),
    "a name that is too long": Mistake(("x" * 64, "63"), column=f"1 AS {'x' * 64}"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_loaded_is_one_clear_error(
    spark: SparkSession, project: Project, db: Connection, info: ConnectionInfo, table: str, mistake: Mistake
) -> None:
    """The error names server, table or column; neither sink has changed, and the password is in no record."""
    project.write("stoker.toml", TOML)
    configure(project, info, **mistake.connection)

    def transform(rows: DataFrame) -> DataFrame:
        return rows.selectExpr("*", mistake.column) if mistake.column else rows

    message = failure(run(spark, project.folder, table, mistake.mode, transform=transform))

    assert [word for word in mistake.told if word not in message] == [], message
    assert not (project.lake / "rows").exists()
    assert db.run("SELECT to_regclass(:name)", name=table) == [[None]]
    assert project.leftovers() == []
    [record] = project.records()
    assert "sesame-open" not in json.dumps(record)
    assert str(info.password) not in json.dumps(record)


def test_a_server_that_is_down_is_told_on_the_command_line(project: Project, info: ConnectionInfo) -> None:
    """The message has the server, that nothing was written, and what to do; exit 1, no traceback."""
    configure(project, info, port=free_port())
    write_rows(project.folder, "1")
    project.write("stoker.toml", (project.folder / "stoker.toml").read_text() + '[jobs]\nboth = "app:job"\n')
    project.write("app.py", "from support import warehouse\njob = warehouse.job('rows', 'replace')\n")

    done = project.stoker("run", "both", PYTHONPATH=os.pathsep.join(sys.path), **{PASSWORD: "secret-word-7"})

    assert done.returncode == 1, done.stderr
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-word-7" not in done.stdout + done.stderr
    assert not (project.lake / "rows").exists()
