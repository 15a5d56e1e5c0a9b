"""Other tools that load PostgreSQL, without Spark: `postgres_load.py --rivals PYTHON` runs this by a Python that has them.

pip install pyarrow adbc-driver-postgresql "dlt[postgres]"
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import dataset

from lineitem import with_plain_texts

if TYPE_CHECKING:
    from collections.abc import Callable

WARM = 2
TITLES = {"adbc": "ADBC, one process", "dlt": "dlt, from Arrow, by COPY CSV"}


def main() -> None:
    """Load once cold and then warm, and print the seconds of each load, as JSON."""
    table, way, folder = sys.argv[1:]
    load = {"adbc": _adbc, "dlt": _dlt}[way](table, Path(folder))
    times = []
    for number in range(1 + WARM):
        subprocess.run([os.environ["BENCHMARK_PSQL"], "-q", f"--command=TRUNCATE {table}"], check=True)
        start = time.monotonic()
        load(number)
        times.append((time.monotonic() - start, None))
    print(json.dumps(times))


def _uri() -> str:
    environ = os.environ
    login, server = (
        ":".join(environ[name] for name in names) for names in (("PGUSER", "PGPASSWORD"), ("PGHOST", "PGPORT"))
    )
    return f"postgresql://{login}@{server}/{environ['PGDATABASE']}"


def _rows(table: str, folder: Path) -> pa.RecordBatchReader:
    """The files, with texts of the form that every tool knows."""
    found = dataset.dataset(folder / table)
    schema = with_plain_texts(found.schema)
    return pa.RecordBatchReader.from_batches(
        schema, (batch.cast(schema) for batch in found.to_batches(batch_size=100_000))
    )


def _adbc(table: str, folder: Path) -> Callable[[int], None]:
    """The files are read by pyarrow and sent over one connection, as COPY BINARY."""
    dbapi: Any = __import__("adbc_driver_postgresql.dbapi", fromlist=["dbapi"])

    def load(number: int) -> None:
        del number
        with dbapi.connect(_uri()) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest(table, _rows(table, folder), mode="append")
            connection.commit()

    return load


def _dlt(table: str, folder: Path) -> Callable[[int], None]:
    """A pipeline of its own into a schema of its own: dlt does not load into tables that it did not make."""
    dlt: Any = __import__("dlt")
    postgres: Any = __import__("dlt.destinations", fromlist=["postgres"]).postgres

    def load(number: int) -> None:
        pipeline = dlt.pipeline(
            f"benchmark_{number}",
            pipelines_dir=str(folder / "dlt"),
            destination=postgres(_uri()),
            dataset_name=f"dlt_{number}",
        )
        pipeline.run(_rows(table, folder), table_name=table, write_disposition="replace", loader_file_format="csv")

    return load


if __name__ == "__main__":
    main()
