"""One sink at work: runs into it, here or in a process that dies, and what its readers find."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behaviour.sinks import CASES, SCHEMA, Case, Rows
from stoker import Job, Pipeline, RunRecord, place, read
from stoker.config import find_config, load_config
from stoker.connectors.base import Context, Names
from stoker.connectors.schemas import declared_schema
from stoker.postgres.columns import create_statement, fitted
from stoker.postgres.names import LoadTarget
from stoker.record import RecordStore
from stoker.spark.columns import quoted
from support.child import run_child
from support.loads import preview, rows_of, write_rows
from support.servers import staging_tables

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from pg8000.native import Connection
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from stoker import Sink, Source
    from stoker.config import Config
    from stoker.job.events import Observer

PARTS = {"": (1, 2, 3), "23": (2, 3), "3": (3,), "none": ()}
"""The parts that versions of the rows have, by the name that a child process is given."""


@dataclass(frozen=True)
class Target:
    """A folder or table of one test, and the sink and mode that load it."""

    case: Case
    spark: SparkSession
    folder: Path
    """Of the project."""
    where: str = "rows"
    """The folder below the lake, or the table."""
    db: Connection | None = None
    """Looks on, for tables."""

    def _config(self) -> Config:
        return load_config(find_config(explicit=self.folder / "stoker.toml"))

    @property
    def path(self) -> Path:
        """The folder, for folders; the place of a table of the catalogue is beside it."""
        name = self.where if self.case.kind.is_folder else self.where.rpartition(".")[2]
        return Path(self._config().place("lake")) / name

    # -- runs ------------------------------------------------------------------------------------------------------

    def sink(self, **options: Any) -> Sink:
        """The sink as a pipeline declares it."""
        return self.case.kind.sink(self.where, self.case.mode, **options)

    def source(self) -> Source:
        """The rows that tests write."""
        return read.csv(place("source") / "rows.csv", schema=SCHEMA)

    def job(self, transform: Callable[..., Any] | None = None, **options: Any) -> Job:
        """A job that copies `source/rows.csv` into the sink, or what the transformer makes of it."""
        two = transform or (lambda rows: rows.repartition(2, "id"))
        return Job(
            "behaviour", [Pipeline("rows", extract={"rows": self.source()}, transform=two, load=self.sink(**options))]
        )

    def run(
        self,
        run_id: str | None = None,
        transform: Callable[..., Any] | None = None,
        *,
        observer: Observer | None = None,
        **options: Any,
    ) -> RunRecord:
        """One run, however it ends."""
        job = self.job(transform, **options)
        return job.run(spark=self.spark, config=self.folder / "stoker.toml", run_id=run_id, observer=observer)

    def make(self, schema: StructType) -> None:
        """Make an empty target with the columns of a schema, whatever the mode."""
        if self.db is None:
            return  # the first load of a folder makes it, in any mode
        self.db.run(f"DROP TABLE IF EXISTS {self.where}")
        name = LoadTarget.parse(self.where)
        self.db.run(create_statement(name, fitted(schema, None, name)))

    def named(self, where: str) -> Target:
        """The same sink into a folder or table of another name."""
        if self.db is None:
            return replace(self, where=where)
        schema, quoted = self.where.partition(".")[0], where.replace('"', '""')
        odd = replace(self, where=f'{schema}."{quoted}"')
        self.db.run(f'ALTER TABLE IF EXISTS {self.where} RENAME TO "{quoted}"')
        return odd

    def load(self, version: int, run_id: str, parts: str = "", **options: Any) -> RunRecord:
        """A run that loads rows of a version and must succeed."""
        write_rows(self.folder, str(version), PARTS[parts])
        return self.must(self.run(run_id, **options))

    def must(self, record: RunRecord) -> RunRecord:
        """The record, if the run succeeded."""
        if record.state != "succeeded":
            raise AssertionError(str(record.pipelines[0].error if record.pipelines else record.error))
        return record

    def child(
        self, version: int, run_id: str, parts: str = "", *, at: str, disk: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """The same in a process of its own, with failpoints."""
        arguments = (str(self.case), self.where, str(version), run_id, parts, disk)
        return run_child(self.spark, self.folder, "behaviour.target:load_in_child", *arguments, STOKER_FAILPOINT=at)

    def after(self, *loads: tuple[int, str]) -> Rows:
        """The rows once these versions and parts are published, one after the other."""
        there: Rows = []
        for version, parts in loads:
            there = self.case.mode.after(there, list(rows_of(version, PARTS[parts])))
        return sorted(there)

    # -- readers ---------------------------------------------------------------------------------------------------

    def through_stoker(self) -> Rows:
        """What Stoker's source of the folder gives; a table has none, and its readers are all alike."""
        if self.case.kind.read is None:
            return self.foreign()
        return _rows(preview(self._reader(SCHEMA), self.spark, self.folder))

    def _reader(self, schema: StructType | str) -> Pipeline:
        return Pipeline("reader", extract={"rows": self.case.kind.source(self.where, schema)}, load=None)

    def foreign(self) -> Rows:
        """What another program finds: plain Spark in a folder, plain SQL in a table. Nothing where there is none."""
        if self.db is None:
            there = self.path.exists() if self.case.kind.is_folder else self.spark.catalog.tableExists(self.where)
            return _rows(self.plain(declared_schema(SCHEMA))) if there else []
        if self.db.run("SELECT to_regclass(:name)", name=self.where) == [[None]]:
            return []
        return sorted(tuple(row) for row in self.db.run(f"SELECT id, part, version FROM {self.where}"))

    def plain(self, schema: StructType) -> DataFrame:
        """The folder, or the catalogue's table, as Spark reads it."""
        if not self.case.kind.is_folder:
            return self.spark.newSession().table(self.where).select(*map(quoted, schema.names))
        reader = self.spark.read.format(self.case.kind.name).schema(schema).option("header", "true")
        frame = reader.option("__globPaths__", "false").load(str(self.path))
        return frame.select(*map(quoted, schema.names))

    def rows_of(self, schema: StructType) -> Rows:
        """The rows of any schema, ordered by the first column, as another program finds them; and, of a folder, as Stoker does.

        Moments are aware, in UTC.
        """
        if self.db is not None:
            return [tuple(row) for row in self.db.run(f"SELECT * FROM {self.where} ORDER BY 1")]
        through_stoker = preview(self._reader(schema), self.spark, self.folder).select(*map(quoted, schema.names))
        both = (self.plain(schema), through_stoker)
        foreign, ours = (sorted(_collected(frame), key=lambda row: row[0]) for frame in both)
        assert repr(ours) == repr(foreign)
        return foreign

    def assert_all_see(self, rows: Rows) -> None:
        """Every reader finds these rows, and nothing of a publish is left."""
        assert self.through_stoker() == rows
        assert self.foreign() == rows
        assert self.leftovers() == []

    def leftovers(self) -> list[str]:
        """What only a publish in progress may have."""
        if self.db is not None:
            return staging_tables(self.db, self.where.partition(".")[0])
        names = ("staging-", "intent.json", "lease-", ".tmp")
        control = self.path.parent
        return sorted(str(path) for path in control.rglob("*") if any(part in path.name for part in names))

    @property
    def store(self) -> RecordStore:
        """The records of its runs."""
        return RecordStore(self._config().run.records)

    def repair(self) -> None:
        """What `stoker repair` does here: finish or undo what a killed run left, and load nothing."""
        context = Context(self.spark, Names(self._config()), run_id="repair", job="behaviour", pipeline="repair")
        self.sink().repair(context, dry=False, needed=lambda _: False)


def _collected(frame: DataFrame) -> Rows:
    """The rows, with moments in UTC: Spark gives them in this machine's zone, and does not say so."""
    moments = [field.dataType.typeName() == "timestamp" for field in frame.schema.fields]
    return [
        tuple(
            value.astimezone(UTC) if moment and value is not None else value
            for value, moment in zip(row, moments, strict=True)
        )
        for row in frame.collect()
    ]


def _rows(frame: DataFrame) -> Rows:
    return sorted(tuple(row) for row in frame.select("id", "part", "version").collect())


def load_in_child(
    spark: SparkSession, folder: Path, case: str, where: str, version: str, run_id: str, parts: str, disk: str
) -> None:
    """`Target.load` in a process of its own; fails loudly if the run did not succeed."""
    if disk:
        _without(disk)
    record = _loaded(Target(CASES[case], spark, folder, where), int(version), run_id, parts)
    if record.state != "succeeded":
        raise SystemExit(str(record.pipelines[0].error))


def _loaded(target: Target, version: int, run_id: str, parts: str) -> RunRecord:
    write_rows(target.folder, str(version), PARTS[parts])
    return target.run(run_id)


def _without(disk: str) -> None:
    """Take away what a Linux disk can do better than others.

    Args:
        disk: `exchange` takes only the exchange of two folders, `hadoop` leaves nothing but Hadoop's FileSystem, as on HDFS.
    """
    from stoker.files import filesystem

    better, plain = filesystem.LocalFileSystem, filesystem.FileSystem
    names = {"exchange"} if disk == "exchange" else vars(better).keys() & vars(plain).keys() - {"__module__", "__doc__"}
    for name in names:
        setattr(better, name, getattr(plain, name))
