"""What the file formats have in common: a folder that is published into, and read as it was published."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stoker.connectors.base import Endpoint, Load, Loaded, Sink
from stoker.connectors.fingerprint import fingerprint
from stoker.connectors.layouts import check_layout, shown
from stoker.errors import DefinitionError, SourceError, number_of, suggestion
from stoker.files.control import Commit, Target, read_commit
from stoker.files.drift import WAYS
from stoker.files.filesystem import file_system
from stoker.files.load import FolderLoad
from stoker.files.peek import published_columns
from stoker.files.repair import repair
from stoker.files.view import commit_view, read_view, view, written_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.checks import Check
    from stoker.connectors.base import Context, Names
    from stoker.connectors.paths import Path
    from stoker.files.form import FileFormat
    from stoker.files.layout import Layout
    from stoker.spark.data_files import DataFiles

MODES = ("replace", "append", "replace_partitions")
EXACT_MOMENTS = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}
"""Writer options of the formats of text. Spark's own forms cut microseconds, and the seconds of the offsets that were in use
before about 1900; its readers, and others, take these as well."""


@dataclass(frozen=True)
class FolderSink(Sink):
    """A sink that publishes data files into a folder."""

    path: Path
    """The folder, or the file."""
    mode: str
    layout: Layout
    options: dict[str, Any] = field(default_factory=dict)
    on_drift: str = "fail"
    adopt: bool = False
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        if self.mode not in MODES:
            raise DefinitionError(
                f"write to {self.path}: mode={self.mode!r} is not a mode of files.{suggestion(str(self.mode), MODES)}"
            )
        if self.mode == "replace_partitions" and not self.layout.partition_by:
            raise DefinitionError(
                f'write to {self.path}: mode="replace_partitions" needs partition_by=.',
                next_step='Name the columns whose partitions are replaced, or use mode="replace".',
            )
        if self.on_drift not in WAYS:
            raise DefinitionError(
                f"write to {self.path}: on_drift={self.on_drift!r} is not known.{suggestion(str(self.on_drift), WAYS)}"
            )
        if self.on_drift != "fail" and self.mode == "replace":
            raise DefinitionError(
                f'write to {self.path}: on_drift={self.on_drift!r} with mode="replace", which publishes the columns that it gets.',
                next_step="Leave on_drift= out.",
            )
        check_layout(self.path, self.layout, self.mode, self.options, packs=not self.form.keeps_types)

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
        details = shown(self.layout)
        if self.on_drift != "fail":
            details["on_drift"] = self.on_drift
        if self.adopt:
            details["adopt"] = True
        where = names.path(self.path)
        return Endpoint(self.form.name, where, self.mode, details, columns=published_columns(where))

    def open(self, context: Context) -> Load:
        """Begin a load into the folder."""
        return _FolderSinkLoad(self, context)

    def read_back(self, context: Context, *, this_run: bool) -> DataFrame:
        """The published rows with the schema that was written.

        Raises:
            SourceError: If nothing was published there yet (or, for `this_run`, not by this run).
            ChangedError: If it was published meanwhile.
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
        frame = read_view(context.spark, shown, form=self.form.name, schema=schema, options=self.form.read_options)
        if not this_run:
            shown.check_current(fs, target)
        return frame

    def fingerprint(self, context: Context) -> dict[str, Any]:
        """Number, bytes, times and names of the files, and the run that published last."""
        return fingerprint(context, (self.path,))

    def repair(self, context: Context, *, dry: bool, needed: Callable[[str], bool]) -> list[str]:
        """Finish a publish that was decided, remove the staging of others."""
        path = context.path(self.path)
        keeps = needed if self.form.keeps_types else _not_needed
        found = repair(file_system(context.spark, path), Target(path.rstrip("/")), dry=dry, needed=keeps)
        done = []
        decided = found.decided
        if decided is not None:
            files = number_of(len(decided.files), "file")
            done.append(f"finished the publish of run {decided.run_id} ({decided.mode}, {files})")
        for names, thing in (
            (found.staging, "staging folder"),
            (found.temporary, "temporary file"),
            (found.leases, "lease"),
        ):
            if names:
                done.append(f"removed {number_of(len(names), thing)} of dead processes")
        done += [
            f"kept what run {run_id} has staged, whose rows another sink has; go on with it: stoker resume {run_id}"
            for run_id in found.kept
        ]
        return done

    def label(self) -> str:
        """The path as declared: the format does not make it another place."""
        return f"files:{self.path}"


def _not_needed(run_id: str) -> bool:
    """Rows that cannot be read back as they were serve no other attempt."""
    del run_id
    return False


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
            layout=sink.layout,
            run_id=context.run_id,
            on_drift=sink.on_drift,
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
        return replace(_loaded(commit), changes=tuple(self._load.changes))

    def frame(self) -> DataFrame | None:
        return self._load.frame() if self._sink.form.keeps_types else None

    def staged(self) -> DataFrame | None:
        return self._load.frame()

    def last_rows(self) -> int | None:
        return self._load.last_rows()

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

    def keep(self) -> None:
        self._load.keep()

    def close(self) -> None:
        self._load.close()


def _loaded(commit: Commit) -> Loaded:
    return Loaded(rows=commit.rows, files=len(commit.files), bytes=commit.bytes)
