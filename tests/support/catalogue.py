"""A database of Spark's catalogue, and runs into its tables."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Context, Job, Names, Pipeline, RunRecord, Source, place, read, write
from stoker.config import find_config, load_config
from stoker.tables.catalogue import Catalogue
from stoker.tables.names import TableName
from support.loads import SCHEMA, preview, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

    from support.project import Project

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Database:
    """A database, whose tables are in `lake` of the project."""

    name: str
    spark: SparkSession
    folder: Path

    def table(self, name: str = "rows") -> str:
        """The name of one of its tables."""
        return f"{self.name}.{name}"

    def run(
        self,
        version: int,
        run_id: str | None = None,
        name: str = "rows",
        *,
        parts: tuple[int, ...] = (1, 2, 3),
        transform: Any = None,
        mode: str = "replace",
        **options: Any,
    ) -> RunRecord:
        """Load rows of a version into a table."""
        write_rows(self.folder, str(version), parts)
        load = write.table(self.table(name), mode=mode, **options)
        source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
        job = Job("tables", [Pipeline("rows", extract={"rows": source}, transform=transform, load=load)])
        return job.run(spark=self.spark, config=self.folder / "stoker.toml", run_id=run_id)

    def load(self, version: int, run_id: str | None = None, name: str = "rows", **options: Any) -> RunRecord:
        """The same, which must succeed."""
        record = self.run(version, run_id, name, **options)
        assert record.state == "succeeded", record.pipelines[0].error
        return record

    def refused(self, version: int = 9, name: str = "rows", **options: Any) -> str:
        """What is told when it fails."""
        record = self.run(version, None, name, **options)
        assert record.state == "failed"
        error = record.pipelines[0].error
        assert error
        return f"{error['message']}\n{error['state']}\n{error['next']}"

    def versions(self, name: str = "rows") -> Rows:
        """How many rows of which part and version any reader finds."""
        table = self.spark.newSession().table(self.table(name))
        return sorted((*row,) for row in table.groupBy("part", "version").count().collect())

    def read(self, source: Source) -> Any:
        """The frame of a source."""
        return preview(Pipeline("reader", extract={"rows": source}, load=None), self.spark, self.folder)

    def location(self, name: str = "rows") -> Path:
        """Where the catalogue says that a table is."""
        facts = Catalogue(self.spark, TableName.parse(self.table(name))).facts()
        assert facts is not None
        return Path(facts.location.removeprefix("file:"))

    def context(self, run_id: str = "look") -> Context:
        """What connectors get."""
        names = Names(load_config(find_config(explicit=self.folder / "stoker.toml")))
        return Context(self.spark, names, run_id=run_id, job="tables", pipeline="rows")


@pytest.fixture
def database(spark: SparkSession, project: Project) -> Iterator[Database]:
    """An empty one."""
    name = f"t_{secrets.token_hex(4)}"
    spark.sql(f"CREATE DATABASE {name} LOCATION '{project.lake}'")
    yield Database(name, spark, project.folder)
    spark.sql(f"DROP DATABASE {name} CASCADE")
