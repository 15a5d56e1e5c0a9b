"""What the file formats have in common: a folder that is published into, and read as it was published."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.connectors.base import Endpoint, Sink
from stoker.connectors.fingerprint import fingerprint
from stoker.connectors.layouts import check_layout, shown
from stoker.connectors.repairs import told
from stoker.connectors.staged_files import StagedFilesLoad, loaded
from stoker.errors import DefinitionError, SourceError, suggestion
from stoker.files.control import Target, read_commit
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
    from stoker.connectors.base import Context, Load, Loaded, Names
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


def check_modes(where: object, mode: str, layout: Layout, on_drift: str) -> None:
    """Refuse a mode that there is not, and what does not go with it.

    Args:
        where: The target, for messages.
        mode: The sink's mode.
        layout: Its files.
        on_drift: What happens to columns that differ.

    Raises:
        DefinitionError: If there is something.
    """
    if mode not in MODES:
        raise DefinitionError(f"write to {where}: mode={mode!r} is not a mode of files.{suggestion(str(mode), MODES)}")
    if mode == "replace_partitions" and not layout.partition_by:
        raise DefinitionError(
            f'write to {where}: mode="replace_partitions" needs partition_by=.',
            next_step='Name the columns whose partitions are replaced, or use mode="replace".',
        )
    if on_drift not in WAYS:
        raise DefinitionError(f"write to {where}: on_drift={on_drift!r} is not known.{suggestion(str(on_drift), WAYS)}")
    if on_drift != "fail" and mode == "replace":
        raise DefinitionError(
            f'write to {where}: on_drift={on_drift!r} with mode="replace", which publishes the columns that it gets.',
            next_step="Leave on_drift= out.",
        )


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
        check_modes(self.path, self.mode, self.layout, self.on_drift)
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
        details = shown(self.layout, self.on_drift)
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
        return told(repair(file_system(context.spark, path), Target(path.rstrip("/")), dry=dry, needed=keeps))

    def label(self) -> str:
        """The path as declared: the format does not make it another place."""
        return f"files:{self.path}"


def _not_needed(run_id: str) -> bool:
    """Rows that cannot be read back as they were serve no other attempt."""
    del run_id
    return False


class _FolderSinkLoad(StagedFilesLoad[FolderLoad]):
    """The adapter between a sink and `stoker.files`."""

    def __init__(self, sink: FolderSink, context: Context) -> None:
        load = FolderLoad(
            context.spark,
            context.path(sink.path),
            form=sink.form,
            mode=sink.mode,
            layout=sink.layout,
            run_id=context.run_id,
            on_drift=sink.on_drift,
            adopt=sink.adopt,
        )
        super().__init__(context, load)
        self._sink = sink

    def prepare(self, schema: StructType) -> None:
        self._sink.check(schema, self._load.where)
        self._load.check_schema(schema)
        self._load.check_owner()

    def frame(self) -> DataFrame | None:
        return self._load.frame() if self._sink.form.keeps_types else None

    def staged(self) -> DataFrame | None:
        return self._load.frame()

    def data_files(self) -> DataFiles | None:
        return self._load.data_files() if self._sink.form.keeps_types else None

    def publish(self) -> Loaded:
        commit, gap = self._load.publish()
        if gap:
            self._context.fallback(
                f"{self._load.where} was replaced by two renames, since its file system has no exchange: readers "
                "other than Stoker's may have found nothing for a moment"
            )
        return loaded(commit)
