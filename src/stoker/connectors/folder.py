"""What the file formats have in common: a folder that is published into, and read as it was published."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.connectors.base import Endpoint, Load, Loaded, Sink
from stoker.connectors.fingerprint import fingerprint
from stoker.errors import DefinitionError, SourceError, suggestion
from stoker.files.control import Commit, Target, read_commit
from stoker.files.filesystem import file_system
from stoker.files.load import FileFormat, FolderLoad
from stoker.files.view import commit_view, read_view, view, written_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.connectors.base import Context, Names
    from stoker.connectors.paths import Path
    from stoker.spark.data_files import DataFiles

MODES = ("replace", "append", "replace_partitions")


@dataclass(frozen=True)
class FolderSink(Sink):
    """A sink that publishes data files into a folder."""

    path: Path
    mode: str
    partition_by: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    adopt: bool = False

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        if self.mode not in MODES:
            raise DefinitionError(
                f"write to {self.path}: mode={self.mode!r} is not a mode of files.{suggestion(str(self.mode), MODES)}"
            )
        if self.mode == "replace_partitions" and not self.partition_by:
            raise DefinitionError(
                f'write to {self.path}: mode="replace_partitions" needs partition_by=.',
                next_step='Name the columns whose partitions are replaced, or use mode="replace".',
            )
        if not all(isinstance(name, str) for name in self.partition_by):
            raise DefinitionError(f"write to {self.path}: partition_by= is a list of column names.")

    @property
    @abstractmethod
    def form(self) -> FileFormat:
        """How Spark writes this format."""

    def check(self, schema: StructType, path: str) -> None:
        """Refuse column types that the format does not have.

        Raises:
            SinkError: If there is one, with its column.
        """

    def describe(self, names: Names) -> Endpoint:
        """The folder in this environment."""
        details: dict[str, Any] = {"partition_by": list(self.partition_by)} if self.partition_by else {}
        if self.adopt:
            details["adopt"] = True
        return Endpoint(self.form.name, names.path(self.path), self.mode, details)

    def open(self, context: Context) -> Load:
        """Begin a load into the folder."""
        return _FolderSinkLoad(self, context)

    def read_back(self, context: Context, *, this_run: bool) -> DataFrame:
        """The published rows with the schema that was written.

        Raises:
            SourceError: If nothing was published there yet (or, for `this_run`, not by this run).
        """
        path = context.path(self.path)
        fs = file_system(context.spark, path)
        target = Target(path.rstrip("/"))
        if this_run:
            commit = read_commit(fs, target.commit(context.run_id))
            if commit is None:
                raise SourceError(
                    f"{path} has nothing of run {context.run_id}.",
                    next_step="Run the pipeline that loads it in the same run, or extract from .all().",
                )
            shown = view(fs, target) if commit.mode == "replace" else commit_view(target, commit)
        else:
            shown = view(fs, target)
        if shown.latest is None:
            raise SourceError(
                f"Nothing was published in {path} yet.",
                next_step="Run the pipeline that loads it first (without --only).",
            )
        schema = written_schema(shown.latest)
        return read_view(context.spark, shown, form=self.form.name, schema=schema, options=self.form.read_options)

    def fingerprint(self, context: Context) -> dict[str, Any]:
        """Number, bytes, times and names of the files, and the run that published last."""
        return fingerprint(context, (self.path,))

    def label(self) -> str:
        """The path as declared: the format does not make it another place."""
        return f"files:{self.path}"


class _FolderSinkLoad(Load):
    """The adapter between a sink and `stoker.files`."""

    def __init__(self, sink: FolderSink, context: Context) -> None:
        self._context = context
        self._sink = sink
        self._load = FolderLoad(
            context.spark,
            context.path(sink.path),
            form=sink.form,
            mode=sink.mode,
            partition_by=list(sink.partition_by),
            run_id=context.run_id,
            adopt=sink.adopt,
        )

    def published(self) -> Loaded | None:
        commit = self._load.published()
        return None if commit is None else _loaded(commit)

    def acquire(self) -> None:
        wait = self._context.names.config.run.lease_wait
        self._load.acquire(wait, self._context.progress, self._context.stopped)

    def prepare(self, schema: StructType) -> None:
        self._sink.check(schema, self._load.target.path)
        self._load.check_schema(schema)
        self._load.check_owner()

    def stage(self, frame: DataFrame, label: str) -> Loaded:
        commit = self._load.stage(frame, label)
        if commit.rows is None:
            self._context.fallback(f"Spark did not tell how many rows it wrote for {self._load.target.path}")
        return _loaded(commit)

    def frame(self) -> DataFrame | None:
        return self._load.frame() if self._sink.form.keeps_types else None

    def data_files(self) -> DataFiles | None:
        return self._load.data_files() if self._sink.form.keeps_types else None

    def publish(self) -> Loaded:
        commit, gap = self._load.publish()
        if gap:
            self._context.fallback(
                f"{self._load.target.path} was replaced by two renames, since its file system has no exchange: readers "
                "other than Stoker's may have found nothing for a moment"
            )
        return _loaded(commit)

    def close(self) -> None:
        self._load.close()


def column_names(partition_by: Sequence[str]) -> tuple[str, ...]:
    """What `partition_by=` holds.

    Raises:
        DefinitionError: If it is text: its letters would be columns.
    """
    if isinstance(partition_by, str):
        raise DefinitionError("partition_by= is a list of column names.", next_step=f"Write [{partition_by!r}].")
    return tuple(partition_by)


def _loaded(commit: Commit) -> Loaded:
    return Loaded(rows=commit.rows, files=len(commit.files), bytes=commit.bytes)
