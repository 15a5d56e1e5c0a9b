"""The example on its real data, compared with an independent computation."""

from __future__ import annotations

import shutil
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from pg8000.native import Connection

from example.oracle import expected, summary
from stoker.postgres import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from stoker import RunRecord

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "flights"
TABLES = {
    "flights": [
        "flight_date",
        "month",
        "scheduled_departure",
        "carrier",
        "flight",
        "tailnum",
        "origin",
        "dest",
        "dep_time",
        "sched_dep_time",
        "dep_delay",
        "arr_time",
        "sched_arr_time",
        "arr_delay",
        "air_time",
        "distance",
        "cancelled",
    ],
    "weather": ["origin", "weather_date", "hour", "observed", "temp", "wind_speed"],
    "daily_delays": [
        "flight_date",
        "origin",
        "flights",
        "cancelled",
        "mean_dep_delay",
        "mean_arr_delay",
        "late_share",
        "mean_temp",
        "max_wind_speed",
        "precip",
        "min_visib",
    ],
    "carrier_punctuality": ["rank", "carrier", "name", "flights", "arrived", "on_time_share", "mean_arr_delay"],
    "orphans": ["flight_date", "carrier", "flight", "tailnum", "origin", "dest", "reason"],
}
IN_POSTGRES = ("flights", "daily_delays", "carrier_punctuality")
SINCE, LATE = date(2013, 3, 10), 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the example, with its data; its PostgreSQL is stopped at the end."""
    copy = tmp_path_factory.mktemp("example") / "flights"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns(".stoker", "data", "__pycache__"))
    import fetch_data

    fetch_data.unpack(copy / "data")
    yield copy
    embedded.stop(copy / ".stoker" / "postgres")


@pytest.fixture(scope="module")
def record(spark: SparkSession, folder: Path) -> RunRecord:
    """One run with parameters that are not the defaults."""
    from flights.pipelines import Parameters, job

    return job.run(spark=spark, config=folder / "stoker.toml", parameters=Parameters(since=SINCE, late_after=LATE))


@cache
def right(folder: Path, table: str) -> dict[str, Any]:
    """The oracle's summary of a table."""
    return summary(expected(folder / "data", table, since=SINCE, late=LATE), TABLES[table])


@pytest.mark.smoke
def test_the_job_succeeds(record: RunRecord) -> None:
    """Every pipeline ends, with the rows that the data have."""
    assert record.state == "succeeded", [each.error for each in record.pipelines]
    assert record.pipeline("flights").rows_written == 336_776
    assert record.pipeline("weather").rows_written == 26_112
    assert record.pipeline("carrier_punctuality").rows_written == 16


@pytest.mark.smoke
@pytest.mark.parametrize("table", TABLES)
def test_parquet_equals_the_oracle(record: RunRecord, folder: Path, table: str) -> None:
    """Counts and sums of every column of every table, read by another program."""
    assert record.state == "succeeded"
    path = folder / ".stoker" / "lake" / table
    names = TABLES[table]
    result = duckdb.sql(f"SELECT {', '.join(names)} FROM read_parquet('{path}/**/*.parquet', hive_partitioning=true)")
    assert result is not None
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    assert summary(rows, names) == right(folder, table)


@pytest.mark.smoke
@pytest.mark.parametrize("table", IN_POSTGRES)
def test_postgres_equals_the_oracle(record: RunRecord, folder: Path, table: str) -> None:
    """The same in the embedded PostgreSQL."""
    assert record.state == "succeeded"
    server = embedded.status(folder / ".stoker" / "postgres")
    assert server is not None
    names = TABLES[table]
    connection = Connection(
        server.user, host=server.host, port=server.port, database=server.database, password=server.password
    )
    try:
        found: list[list[Any]] = connection.run(f"SELECT {', '.join(names)} FROM {table}")
    finally:
        connection.close()
    rows = [dict(zip(names, row, strict=True)) for row in found]

    assert summary(rows, names) == right(folder, table)


def test_the_example_does_not_need_the_session_time_zone() -> None:
    """No transformer depends on a setting of the session."""
    text = (EXAMPLE / "flights" / "transformers.py").read_text()
    assert "spark.sql.session.timeZone" not in text
    assert "stoker" not in text
