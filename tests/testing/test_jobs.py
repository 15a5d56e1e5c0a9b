"""A whole job on temporary places and databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, UsageError, place, read, write
from stoker.postgres.connections.connection import connect, cut
from stoker.testing import RunJob, assert_frames_equal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.embedded import Server

TOML = """
[environments.testing.places]
source = "s3://never/read"
lake = "/never/written"
[environments.testing.postgres.warehouse]
host = "db.never.asked"
database = "d"
user = "u"
password = "secret://env/NEVER_SET"
"""
SCHEMA = "id int, amount decimal(9,2)"


@dataclass(frozen=True)
class Parameters:
    """Of the job."""

    at_least: int = 0


def enough(orders: DataFrame, at_least: int) -> dict[str, DataFrame]:
    """Two outputs."""
    return {"good": orders.filter(orders.amount >= at_least), "bad": orders.filter(orders.amount < at_least)}


orders = Pipeline(
    "orders",
    extract={"orders": read.csv(place("source") / "orders.csv", schema=SCHEMA)},
    transform=enough,
    load={
        "good": [
            write.parquet(place("lake") / "orders", mode="append"),
            write.postgres("sales.orders", connection="warehouse", mode="append"),
        ],
        "bad": write.csv(place("lake") / "bad", mode="replace"),
    },
)
view = Pipeline("view", extract={"orders": orders["good"].all()})
job = Job("sales", [orders, view], parameters=Parameters)
TABLE = "CREATE TABLE sales.orders (id int, amount numeric(9,2), note text, at timestamptz DEFAULT '2024-01-01Z')"
FILES = {"source/orders.csv": "id,amount\n1,2.50\n2,-1\n"}


@pytest.fixture
def runner(spark: SparkSession, postgres_server: Server, tmp_path: Path) -> Iterator[RunJob]:
    """Runs jobs of a project whose places and connections must never be touched."""
    (tmp_path / "stoker.toml").write_text(TOML, "utf-8")
    with RunJob(spark, start=tmp_path, server=lambda: postgres_server) as run:
        yield run


def test_a_job_runs_on_temporary_places_and_a_fresh_database(runner: RunJob) -> None:
    """What it loaded can be read as frames, tables, rows and files; a second run in the test finds it."""
    first = runner(job, parameters=Parameters(at_least=1), files=FILES, sql={"warehouse": TABLE})

    assert first.record.pipeline("orders").rows_written == 2
    assert_frames_equal(first.frame(orders, "good"), "id | amount\n1 | 2.50")
    assert_frames_equal(
        first.table("sales.orders"),
        "id:int | amount:decimal(9,2) | note:string | at:timestamp\n1 | 2.50 | null | 2024-01-01 00:00Z",
    )
    assert first.query("SELECT count(*) FROM sales.orders") == [(1,)]
    assert [path.read_text() for path in first.path("lake", "bad").glob("*.csv")] == ["id,amount\n2,-1.00\n"]

    again = runner(job, parameters=Parameters(at_least=1))

    assert again.record.run_id != first.record.run_id
    assert again.query("SELECT id, count(*) FROM sales.orders GROUP BY id") == [(1, 2)]


def test_nothing_is_left_behind(
    spark: SparkSession, postgres_server: Server, info: ConnectionInfo, tmp_path: Path
) -> None:
    """Neither folders nor databases, also where the run failed; a place that is given stays as it is."""
    (tmp_path / "stoker.toml").write_text(TOML, "utf-8")
    given = tmp_path / "given"
    given.mkdir()
    (given / "orders.csv").write_text(FILES["source/orders.csv"], "utf-8")
    with RunJob(spark, start=tmp_path, server=lambda: postgres_server) as run:
        found = run(job, places={"source": given}, check=False)
        lake = found.path("lake")
        assert lake.is_dir()
        assert found.record.state == "failed"  # mode is append, and there is no table
    assert not lake.parent.parent.exists()
    assert [path.name for path in given.iterdir()] == ["orders.csv"]
    connection = connect(info)
    assert connection.run("SELECT datname FROM pg_database WHERE datname LIKE 'test_%'") == []
    cut(connection)


def test_a_run_that_does_not_succeed_fails_the_test(runner: RunJob) -> None:
    """With the errors of its pipelines, and what to do."""
    with pytest.raises(AssertionError) as caught:
        runner(job, files=FILES)
    assert "The run of the job 'sales' failed:\n  orders failed: " in str(caught.value)
    assert "sales.orders does not exist, and mode is append" in str(caught.value)
    assert "Next: CREATE TABLE" in str(caught.value)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "place": ({"places": {"lakes": "."}}, "places= has the place 'lakes', which the environment lacks. Did you mean 'lake'?"),
    "file's place": ({"files": {"sources/a": ""}}, "files= has the place 'sources', which the environment lacks. Did you mean"),
    "file outside": ({"files": {"source/../a": ""}}, "files= has 'source/../a', which is no file below a place"),
    "file in a given place": ({"files": {"lake/a": ""}, "places": {"lake": "."}}, "says that the place 'lake' is yours"),
    "connection": ({"sql": {"mart": ""}}, "sql= has the connection 'mart', which the environment lacks. Known: 'warehouse'."),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_wrong_arguments_are_told(runner: RunJob, mistake: str) -> None:
    """With the close names; nothing is run."""
    arguments, told = MISTAKES[mistake]
    with pytest.raises(UsageError) as caught:
        runner(job, **arguments)
    assert told in str(caught.value)


def test_wrong_questions_are_told(runner: RunJob) -> None:
    """With the names that there are."""
    found = runner(job, files=FILES, check=False)
    questions: dict[str, Callable[[], object]] = {
        "has no pipeline 'order'. Did you mean 'orders'?": lambda: found.frame("order"),
        "loads no output ''. Known: 'bad', 'good'.": lambda: found.frame("orders"),
        "A view is looked at with run_pipeline": lambda: found.frame(view),
        "No sink of 'orders' keeps Spark's types": lambda: found.frame(orders, "bad"),
        "has no table 'sales.order'. It has: none": lambda: found.table("sales.order"),
        "has no connection 'mart'. Known: 'warehouse'.": lambda: found.query("SELECT 1", connection="mart"),
        "ran without a place 'lakes'. Did you mean 'lake'?": lambda: found.path("lakes"),
    }
    for told, ask in questions.items():
        with pytest.raises(UsageError) as caught:
            ask()
        assert told in str(caught.value)
