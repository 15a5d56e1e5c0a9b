"""Parquet: the format between pipelines, because it keeps Spark's types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from stoker.checks import checks_of
from stoker.connectors.folder import FolderSink
from stoker.connectors.inputs import input_of
from stoker.connectors.layouts import layout_of
from stoker.connectors.paths import Param, Path, as_paths
from stoker.connectors.schemas import declared_schema
from stoker.connectors.source import FileSource
from stoker.errors import SourceError
from stoker.files.form import FileFormat
from stoker.files.view import written_schema
from stoker.spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.checks import Check
    from stoker.connectors.base import Context
    from stoker.connectors.inputs import Part


@dataclass(frozen=True)
class ParquetSource(FileSource):
    """Folders or patterns of Parquet files."""

    schema: StructType | str | None = None
    kind: ClassVar[str] = "parquet"

    def read(self, context: Context) -> DataFrame:
        """A frame of the files; without a schema, Spark reads it from a file's footer."""
        found = input_of(context, self.paths)
        schema = declared_schema(self.schema) if self.schema is not None else None
        if schema is None and found.latest is not None:
            schema = written_schema(found.latest)
        frames = (self._part(context, part, schema) for part in found.parts)
        return self.together(context, found, frames, schema)

    def _part(self, context: Context, part: Part, schema: StructType | None) -> DataFrame:
        reader = context.spark.read.format("parquet").options(**self.options)
        if schema is not None:
            columns = [quoted(name) for name in schema.names]
            return part.load(reader.schema(schema)).select(*columns, *self.file_names(schema))
        try:
            frame = part.load(reader)
        except Exception as error:
            if "UNABLE_TO_INFER_SCHEMA" not in str(error):
                raise
            raise SourceError(
                f"{part.base or ', '.join(part.paths()[:3])} has no Parquet file to read the columns from.",
                next_step="Check the path, or give read.parquet(..., schema=...) if it may be empty.",
            ) from error
        return frame.select("*", *self.file_names(frame.schema))


@dataclass(frozen=True)
class ParquetSink(FolderSink):
    """A folder of Parquet files."""

    keeps_types: ClassVar[bool] = True

    @property
    def form(self) -> FileFormat:
        """Parquet with the sink's options."""
        return FileFormat("parquet", self.options, {}, keeps_types=True)


def read_parquet(
    path: str | Path | Sequence[str | Path],
    *,
    schema: StructType | str | None = None,
    file_column: str | None = None,
    **options: Any,
) -> ParquetSource:
    """Parquet files.

    Args:
        path: A place and what is below it, or a literal path; it may be a pattern such as `day=*/part-*`, or a list of these.
        schema: The columns to read, as a `StructType` or DDL text; by default all, found from the last commit
            where Stoker published the folder, else by Spark. A file that lacks one has null there.
        file_column: The name of a column to add, with the whole URI of each row's file, not percent-encoded.
        options: Options of Spark's Parquet reader.

    Raises:
        DefinitionError: If an argument is wrong.
    """
    return ParquetSource(as_paths(path), options, file_column, schema=schema)


def write_parquet(  # noqa: PLR0913 - options, all by name
    path: str | Path,
    *,
    mode: str,
    partition_by: Sequence[str] = (),
    files: int | None = None,
    name: str | Param | None = None,
    max_rows_per_file: int | None = None,
    on_drift: str = "fail",
    adopt: bool = False,
    checks: Sequence[Check] = (),
    **options: Any,
) -> ParquetSink:
    """Parquet files in a folder.

    Args:
        path: The folder.
        mode: `replace` all that is there, `append`, or `replace_partitions` (those that occur in the rows).
        partition_by: Columns that become folders.
        files: How many files to write, with `partition_by` (then 1) in each partition; fewer if there are fewer rows. The rows
            are shuffled for it; a frame that the transformer sorted stays sorted.
        name: The name of the only file (`files=1`), e.g. `report.csv` or `param("day", "report_%Y-%m-%d.csv")`: then that file
            is the target, and what else is in the folder is left alone.
        max_rows_per_file: Rows after which another file is begun.
        on_drift: What to do when the frame's columns differ from those that are published. `fail`; `add`: what is new is
            added, what is missing is null, types are widened (int to bigint, float to double, a decimal's digits ...);
            `ignore`: what is new is left out, what is missing is null. A type that would lose values always fails.
        adopt: Whether to take over files in the folder that Stoker did not write; otherwise they are a reason to refuse.
        checks: What the staged rows must hold before they are published; see `check`.
        options: Options of Spark's Parquet writer, e.g. `compression="zstd"`.

    Raises:
        DefinitionError: If an argument is wrong, or they do not go together.
    """
    target, layout = layout_of(path, partition_by, files, name, max_rows_per_file)
    held = checks_of(f"write.parquet to {path}", checks)
    return ParquetSink(target, mode, layout, options, on_drift, adopt=adopt, checks=held)
