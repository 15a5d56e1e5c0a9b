"""Parquet: the format between pipelines, because it keeps Spark's types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from stoker.connectors.base import Endpoint, Source
from stoker.connectors.folder import FolderSink
from stoker.connectors.inputs import fingerprint, input_view
from stoker.connectors.paths import Path, as_path
from stoker.connectors.schemas import declared_schema
from stoker.errors import SourceError
from stoker.files.load import FileFormat
from stoker.files.view import read_view, written_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.connectors.base import Context, Names


@dataclass(frozen=True)
class ParquetSource(Source):
    """A folder or pattern of Parquet files."""

    path: Path
    schema: StructType | str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def describe(self, names: Names) -> Endpoint:
        """The path in this environment."""
        return Endpoint("parquet", names.path(self.path))

    def read(self, context: Context) -> DataFrame:
        """A frame of the files; without a schema, Spark reads it from a file's footer."""
        found = input_view(context, self.path)
        schema = declared_schema(self.schema) if self.schema is not None else None
        if schema is None and found.view is not None and found.view.latest is not None:
            schema = written_schema(found.view.latest)
        if found.view is not None and schema is not None:
            return read_view(context.spark, found.view, form="parquet", schema=schema, options=self.options)
        reader = context.spark.read.options(**self.options)
        try:
            return (reader if schema is None else reader.schema(schema)).parquet(found.path)
        except Exception as error:
            if "UNABLE_TO_INFER_SCHEMA" not in str(error):
                raise
            raise SourceError(
                f"{found.path} has no Parquet file to read the columns from.",
                next_step="Check the path, or give read.parquet(..., schema=...) if it may be empty.",
            ) from error

    def fingerprint(self, context: Context) -> dict[str, Any]:
        """Number, bytes, times and names of the files."""
        return fingerprint(context, self.path)


@dataclass(frozen=True)
class ParquetSink(FolderSink):
    """A folder of Parquet files."""

    keeps_types: ClassVar[bool] = True

    @property
    def form(self) -> FileFormat:
        """Parquet with the sink's options."""
        return FileFormat("parquet", self.options, {}, keeps_types=True)


def read_parquet(path: str | Path, *, schema: StructType | str | None = None, **options: Any) -> ParquetSource:
    """Parquet files.

    Args:
        path: A place and what is below it, or a literal path; it may be a pattern such as `day=*/part-*`.
        schema: The columns to read, as a `StructType` or DDL text; by default all, found from the last commit
            where Stoker published the folder, else by Spark.
        options: Options of Spark's Parquet reader.
    """
    return ParquetSource(as_path(path), schema, options)


def write_parquet(path: str | Path, *, mode: str, partition_by: Sequence[str] = (), **options: Any) -> ParquetSink:
    """Parquet files in a folder.

    Args:
        path: The folder.
        mode: `replace` all that is there, `append`, or `replace_partitions` (those that occur in the rows).
        partition_by: Columns that become folders.
        options: Options of Spark's Parquet writer, e.g. `compression="zstd"`.

    Raises:
        DefinitionError: If the mode is not one of these.
    """
    columns = partition_by if isinstance(partition_by, str) else tuple(partition_by)
    return ParquetSink(as_path(path), mode, columns, options)  # type: ignore[arg-type]  # text is refused by the sink
