"""Runs into PostgreSQL: two sinks, kills, retries, and everything that a server or a table can have against them."""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from support.aws import free_port
from support.child import run_child
from support.loads import as_rows, flaky, rows_of, write_rows
from support.project import TOML
from support.warehouse import PASSWORD, configure, load, run, stored

if TYPE_CHECKING:
    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession

    from stoker import RunRecord
    from stoker.postgres.connection import ConnectionInfo
    from support.project import Project


@pytest.fixture
def table(project: Project, info: ConnectionInfo, schema: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table's name in the test's schema; the project has the connection and thirty rows of version 1."""
    assert info.password
    monkeypatch.setenv(PASSWORD, info.password)
    configure(project, info)
    write_rows(project.folder, "1")
    return f"{schema}.rows"


def lake(spark: SparkSession, project: Project) -> list[tuple[int, int, int]]:
    """What another program finds in the lake."""
    return as_rows(spark.read.parquet(str(project.lake / "rows")))


def failure(record: RunRecord) -> str:
    """All that the error of the run's one pipeline says."""
    error = record.pipelines[0].error
    assert record.state == "failed"
    assert error
    return " ".join(str(value) for value in error.values())


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_task_that_fails_in_mid_partition_leaves_no_trace(
    spark: SparkSession, project: Project, db: Connection, table: str, mode: str
) -> None:
    """No row twice and none lost, in either sink; the same run id again adds nothing."""
    load(spark, project.folder, table, "replace", "1", "first")
    write_rows(project.folder, "2")

    record = run(spark, project.folder, table, mode, "second", flaky)
    again = run(spark, project.folder, table, mode, "second", flaky)

    expected = rows_of(2) if mode == "replace" else sorted(rows_of(1) + rows_of(2))
    assert [record.state, again.state] == ["succeeded", "succeeded"], failure(record)
    assert [sink.already for sink in again.pipelines[0].sinks] == [True, True]
    assert lake(spark, project) == expected
    assert stored(db, table) == expected


KILLS = {
    "pipeline.one_staged": (1, 1),
    "postgres.stage.copied": (1, 1),
    "pipeline.all_staged": (1, 1),
    "files.publish.moved": (2, 1),
    "pipeline.one_published": (2, 1),
    "postgres.publish.before_commit": (2, 1),
    "postgres.publish.after_commit": (2, 2),
}
"""The versions that the lake and the table have after a kill there."""


@pytest.mark.parametrize(
    "point",
    [pytest.param(point, marks=() if point == "pipeline.one_published" else pytest.mark.faults) for point in KILLS],
)
def test_a_kill_between_two_sinks_is_rolled_forward(
    spark: SparkSession, project: Project, db: Connection, table: str, point: str
) -> None:
    """Each sink has all old or all new rows; the same run id again brings both to the new ones and cleans up."""
    load(spark, project.folder, table, "replace", "1", "first")

    killed = run_child(
        spark, project.folder, "support.warehouse:load", table, "replace", "2", "second", STOKER_FAILPOINT=point
    )

    assert killed.returncode == -9, killed.stderr
    assert (lake(spark, project), stored(db, table)) == tuple(map(rows_of, KILLS[point]))
    # The source has other rows by now: those of the first attempt are published where it had decided so.
    load(spark, project.folder, table, "replace", "3", "second")
    decided = rows_of(2 if KILLS[point][0] == 2 else 3)
    assert lake(spark, project) == decided
    assert stored(db, table) == decided
    assert project.leftovers() == []


def test_two_runs_into_one_table_do_not_mix(spark: SparkSession, project: Project, db: Connection, table: str) -> None:
    """The second waits while the first publishes; both succeed, and the table has the rows of one of them."""
    other = threading.Thread(
        target=run_child,
        args=(spark, project.folder, "support.warehouse:load", table, "replace", "1", "one"),
        kwargs={"STOKER_FAILPOINT": "postgres.publish.locked:sleep=3"},
    )
    other.start()
    record = run(spark, project.folder, table, "replace", "two")
    other.join()

    assert record.state == "succeeded", failure(record)
    assert stored(db, table) == rows_of(1)
    assert db.run(f"SELECT count(*) FROM {table.split('.', maxsplit=1)[0]}.stoker_loads") == [[2]]


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
    "unsupported type": Mistake(("column 'span'", "interval year"), column="INTERVAL '1' YEAR AS span"),
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


@pytest.mark.parametrize(
    "names",
    [["select", "order"], ['a "quoted" name', "it's"], ["Grüße", "a.b"], ["%s", ":name"], ["ID", "Part"]],
    ids=str,
)
def test_reserved_and_quoted_names_are_only_names(
    spark: SparkSession, project: Project, db: Connection, schema: str, table: str, names: list[str]
) -> None:
    """Tables and columns may be called anything that PostgreSQL can store."""
    del table
    quoted = names[0].replace('"', '""')

    def renamed(rows: DataFrame) -> DataFrame:
        return rows.select(F.col("id").alias(names[0]), F.col("part").alias(names[1]))

    for run_id in ("one", "two"):
        record = run(spark, project.folder, f'{schema}."{quoted}"', "replace", run_id, renamed)
        assert record.state == "succeeded", failure(record)
        assert record.pipelines[0].rows_written == 30
        assert record.pipelines[0].sinks[1].way == "binary COPY; from staged files"

    columns = db.run(
        "SELECT attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname = :schema AND relname = :table AND attnum > 0 ORDER BY attnum",
        schema=schema,
        table=names[0],
    )
    assert [name for (name,) in columns] == names


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
