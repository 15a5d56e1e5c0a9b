"""Tables of Spark's catalogue: read whatever their format, loaded as Parquet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from stoker.checks import checks_of
from stoker.connectors.base import Endpoint, Sink, Source
from stoker.connectors.folder import check_modes
from stoker.connectors.layouts import check_options, folders_of, shown
from stoker.connectors.repairs import told
from stoker.connectors.source import file_name
from stoker.connectors.staged_files import StagedFilesLoad, loaded
from stoker.connectors.table_content import content, frame_of, read_frame
from stoker.errors import DefinitionError, SourceError
from stoker.files.filesystem import file_system
from stoker.files.form import FileFormat
from stoker.files.view import read_roots, schema_of
from stoker.spark.columns import quoted
from stoker.tables.catalogue import Catalogue, databases
from stoker.tables.commit import read_table_commit
from stoker.tables.load import TableLoad
from stoker.tables.names import TableName
from stoker.tables.repair import home_now, repair
from stoker.tables.view import look, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.checks import Check
    from stoker.connectors.base import Context, Load, Loaded, Names
    from stoker.files.layout import Layout
    from stoker.spark.data_files import DataFiles


@dataclass(frozen=True)
class TableSource(Source):
    """A table or view, of Spark's own catalogue or another one."""

    table: str
    options: dict[str, Any] = field(default_factory=dict)
    file_column: str | None = None

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        TableName.parse(self.table)
        if self.file_column is not None and (not isinstance(self.file_column, str) or not self.file_column):
            raise DefinitionError(
                f"read.table({self.table!r}): file_column= is a column's name, not {self.file_column!r}."
            )

    def describe(self, names: Names) -> Endpoint:
        """The table's name."""
        del names
        return Endpoint("table", str(TableName.parse(self.table)))

    def read(self, context: Context) -> DataFrame:
        """A frame of the rows; a publish of Stoker's that was cut is honoured."""
        frame = read_frame(context.spark, TableName.parse(self.table), self.options)
        if self.file_column is None:
            return frame
        if self.file_column.lower() in {name.lower() for name in frame.columns}:
            raise DefinitionError(
                f"read.table({self.table!r}): file_column={self.file_column!r} is a column of the table too.",
                next_step="Give it another name.",
            )
        try:
            return frame.select("*", file_name().alias(self.file_column))
        except Exception as error:
            if "_metadata" not in str(error):
                raise
            raise SourceError(
                f"{self.table} does not tell the files of its rows, which file_column={self.file_column!r} asks for.",
                state="Nothing was read.",
                next_step="Leave file_column= out for a view, or a table that is no files.",
            ) from error

    def fingerprint(self, context: Context) -> dict[str, Any] | None:
        """Place, number, bytes, times and names of the files, and the run that published last; None of a view."""
        return content(context.spark, TableName.parse(self.table))


@dataclass(frozen=True)
class TableSink(Sink):
    """A table of Spark's own catalogue."""

    keeps_types: ClassVar[bool] = True
    table: str
    mode: str
    layout: Layout
    options: dict[str, Any] = field(default_factory=dict)
    on_drift: str = "fail"
    checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        check_modes(self.name, self.mode, self.layout, self.on_drift)
        check_options(self.name, self.layout, self.options)

    @property
    def name(self) -> TableName:
        """The database and the table."""
        return TableName.parse_own(self.table)

    @property
    def form(self) -> FileFormat:
        """Parquet with the sink's options."""
        return FileFormat("parquet", self.options, {}, keeps_types=True)

    def describe(self, names: Names) -> Endpoint:
        """The table's name."""
        del names
        return Endpoint("table", str(self.name), self.mode, shown(self.layout, self.on_drift))

    def open(self, context: Context) -> Load:
        """Begin a load into the table."""
        return _TableSinkLoad(self, context)

    def read_back(self, context: Context, *, this_run: bool) -> DataFrame:
        """The published rows with the types that were written, and the table's order of columns.

        Raises:
            SourceError: If nothing was published there yet (or, for `this_run`, not by this run).
            ChangedError: If it was published meanwhile.
        """
        catalogue = Catalogue(context.spark, self.name)
        catalogue.check_database()
        seen = look(context.spark, catalogue)
        if this_run:
            commit = read_table_commit(seen.fs, seen.home.target.commit(context.run_id))
            if commit is None or (seen.facts is None and seen.unfinished is None):
                raise SourceError(
                    f"{self.name} has nothing of run {context.run_id}.",
                    next_step="Run the pipeline that loads it in the same run, or extract from .all().",
                )
            schema = schema_of(commit.schema)
            rows = read_roots(context.spark, placed(commit), form="parquet", schema=schema, options={})
            return self._in_order(rows)
        if seen.facts is None and seen.unfinished is None:
            raise SourceError(
                f"Nothing was published in {self.name} yet.",
                next_step="Run the pipeline that loads it first (without --only).",
            )
        return self._in_order(frame_of(context.spark, catalogue, seen, {}))

    def _in_order(self, frame: DataFrame) -> DataFrame:
        """The columns as every reader of the table has them: those of partitions last."""
        last = self.layout.partition_by
        return frame.select(*map(quoted, [*(name for name in frame.columns if name not in last), *last]))

    def fingerprint(self, context: Context) -> dict[str, Any] | None:
        """Place, number, bytes, times and names of the files, and the run that published last."""
        return content(context.spark, self.name)

    def repair(self, context: Context, *, dry: bool, needed: Callable[[str], bool]) -> list[str]:
        """Finish a publish that was decided, give up one that was not, remove the staging of others."""
        catalogue = Catalogue(context.spark, self.name)
        if self.name.parts[0].lower() not in {name.lower() for name in databases(context.spark)}:
            return []
        home = home_now(catalogue)
        found = repair(file_system(context.spark, home.folder), home, catalogue, dry=dry, needed=needed)
        given_up = [] if found.undecided is None else [found.undecided.run_id]
        return [
            *(f"gave up the publish of run {run_id}, of which the catalogue had not heard" for run_id in given_up),
            *told(found),
        ]

    def label(self) -> str:
        """The table, whose name has no case."""
        return f"table:{str(self.name).lower()}"


class _TableSinkLoad(StagedFilesLoad[TableLoad]):
    """The adapter between a sink and `stoker.tables`."""

    def __init__(self, sink: TableSink, context: Context) -> None:
        load = TableLoad(
            context.spark,
            sink.name,
            form=sink.form,
            mode=sink.mode,
            layout=sink.layout,
            run_id=context.run_id,
            on_drift=sink.on_drift,
        )
        super().__init__(context, load)

    def acquire(self) -> None:
        super().acquire()
        if self._load.catalogue.is_in_memory:
            self._context.fallback(
                f"the catalogue that has {self._load.where} is in memory, and is gone when this process ends; "
                "spark.sql.catalogImplementation = hive keeps it"
            )

    def prepare(self, schema: StructType) -> None:
        self._load.check_schema(schema)

    def frame(self) -> DataFrame | None:
        return self._load.frame()

    def data_files(self) -> DataFiles | None:
        return self._load.data_files()

    def publish(self) -> Loaded:
        stays = self._load.stays
        commit = self._load.publish()
        if stays is not None:
            self._context.fallback(
                f"{self._load.where} was not loaded by Stoker before: its former files stay in {stays}, where no reader of the "
                "table looks any more"
            )
        return loaded(commit)


def read_table(name: str, *, file_column: str | None = None, **options: Any) -> TableSource:
    """A table or view, as Spark finds it: of its own catalogue (Hive metastore, Glue) or another one, or a temporary view.

    Args:
        name: `database.table`, `catalog.database.table`, or a bare name, which is one of the session's current database; odd
            names in backticks.
        file_column: The name of a column to add, with the whole URI of each row's file, not percent-encoded.
        options: Options of the table's reader, e.g. those of Iceberg and Delta that read an older state.

    Raises:
        DefinitionError: If an argument is wrong.
    """
    return TableSource(name, options, file_column)


def write_table(
    name: str,
    *,
    mode: str,
    partition_by: Sequence[str] = (),
    files: int | None = None,
    max_rows_per_file: int | None = None,
    on_drift: str = "fail",
    checks: Sequence[Check] = (),
    **options: Any,
) -> TableSink:
    """A table of Spark's own catalogue (Hive metastore, Glue), as Parquet files; it is made if it does not exist.

    Rows are staged in a folder of their own beside the table's place, and the catalogue is then told where they are.

    Args:
        name: `database.table`; the database must exist.
        mode: `replace` all rows, `append`, or `replace_partitions` (those that occur in the rows).
        partition_by: The partition columns; those of a table that exists stay what they are.
        files: How many files to write, with `partition_by` (then 1) in each partition.
        max_rows_per_file: Rows after which another file is begun.
        on_drift: What to do when the frame's columns differ from the table's: `fail`, `add` or `ignore`, as for files.
        checks: What the staged rows must hold before they are published; see `check`.
        options: Options of Spark's Parquet writer, e.g. `compression="zstd"`.

    Raises:
        DefinitionError: If an argument is wrong, or they do not go together.
    """
    where = TableName.parse_own(name)
    layout = folders_of(where, partition_by, files, max_rows_per_file)
    return TableSink(name, mode, layout, options, on_drift, checks_of(f"write.table({name!r})", checks))
