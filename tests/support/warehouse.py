"""A job whose rows go into Parquet and then into PostgreSQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stoker import Job, Pipeline, RunRecord, place, read, write
from support.loads import SCHEMA, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from pg8000.native import Connection
    from pyspark.sql import SparkSession

    from stoker.postgres.connections.connection import ConnectionInfo
    from support.project import Project

PASSWORD = "WAREHOUSE_PASSWORD"


def configure(project: Project, info: ConnectionInfo, **changes: object) -> None:
    """Add the connection `warehouse`; `changes` replace its keys, None takes one away."""
    keys: dict[str, object] = {
        "host": info.host,
        "port": info.port,
        "database": info.database,
        "user": info.user,
        "password": f"secret://env/{PASSWORD}",
        "sslmode": info.sslmode,
        "connect_retry": info.connect_retry,
        **changes,
    }
    # Texts and whole numbers are the same in JSON and TOML.
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items() if value is not None]
    toml = (project.folder / "stoker.toml").read_text("utf-8")
    project.write("stoker.toml", toml + "\n[environments.development.postgres.warehouse]\n" + "\n".join(lines) + "\n")


def job(table: str, mode: str, transform: Any = None) -> Job:
    """A job that copies `source/rows.csv` into the lake and into a table."""
    return Job(
        "both",
        [
            Pipeline(
                "rows",
                extract={"rows": read.csv(place("source") / "rows.csv", schema=SCHEMA)},
                transform=transform or (lambda rows: rows.repartition(2, "id")),
                load=[
                    write.parquet(place("lake") / "rows", mode=mode),
                    write.postgres(table, connection="warehouse", mode=mode),
                ],
            )
        ],
    )


def run(
    spark: SparkSession, folder: Path, table: str, mode: str, run_id: str | None = None, transform: Any = None
) -> RunRecord:
    """Run it on the rows that are there."""
    return job(table, mode, transform).run(spark=spark, config=folder / "stoker.toml", run_id=run_id)


def load(spark: SparkSession, folder: Path, table: str, mode: str, version: str, run_id: str) -> None:
    """Run it on rows of a version; for a process of its own, which fails loudly if the run did not succeed."""
    write_rows(folder, version)
    record = run(spark, folder, table, mode, run_id)
    if record.state != "succeeded":
        raise SystemExit(str(record.pipelines[0].error))


def stored(db: Connection, table: str) -> list[tuple[int, int, int]]:
    """The table's rows, sorted."""
    return [tuple(row) for row in db.run(f"SELECT id, part, version FROM {table} ORDER BY id, part, version")]
