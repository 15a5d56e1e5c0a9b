"""CSV: columns are found by the header's names, and a record that does not fit is never passed over in silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.connectors.base import Endpoint, Source
from stoker.connectors.folder import FolderSink
from stoker.connectors.headers import files_by_header
from stoker.connectors.inputs import fingerprint, input_view
from stoker.connectors.malformed import explain_malformed, without_malformed
from stoker.connectors.paths import Path, as_path
from stoker.connectors.schemas import declared_schema
from stoker.errors import DefinitionError, SinkError, SourceError, suggestion
from stoker.files.load import FileFormat
from stoker.spark import marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.connectors.base import Context, Names

_MALFORMED = ("fail", "drop")
_OWN = {"header", "mode", "columnNameOfCorruptRecord", "enforceSchema", "inferSchema"}
"""Options of Spark's reader that this source decides."""


@dataclass(frozen=True)
class CsvSource(Source):
    """CSV files with a declared schema."""

    path: Path
    schema: StructType | str
    malformed: str = "fail"
    header: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        if self.malformed not in _MALFORMED:
            raise DefinitionError(
                f"read.csv of {self.path}: malformed={self.malformed!r} is not known."
                f"{suggestion(str(self.malformed), _MALFORMED)}"
            )
        taken = sorted(_OWN & set(self.options))
        if taken:
            raise DefinitionError(
                f"read.csv of {self.path}: the options {taken} are not taken.",
                next_step='Use schema=, header= and malformed="fail" or "drop" instead.',
            )

    def describe(self, names: Names) -> Endpoint:
        """The path in this environment."""
        return Endpoint("csv", names.path(self.path), details={"malformed": self.malformed})

    def read(self, context: Context) -> DataFrame:
        """A frame of the files' records, with the declared columns in their order."""
        schema = declared_schema(self.schema)
        found = input_view(context, self.path)
        if not self.header:
            return self._frame(context, schema, schema, [found.path], {})
        roots: list[tuple[str | None, list[str]]] = []
        if found.view is not None:
            for root in found.view.roots:
                names = root.files or [info.path for info in found.fs.data_files(root.base)]
                roots.append((root.base, [f"{root.base}/{name}" for name in names]))
        else:
            for path in found.fs.glob(found.path):
                if found.fs.is_file(path):
                    roots.append((None, [path]))
                else:
                    roots.append((path, [f"{path}/{info.path}" for info in found.fs.data_files(path)]))
        frames = []
        for base, files in roots:
            for header, group in files_by_header(found.fs, files, self.options).items():
                layout = _by_name(schema, header, group[0], partitions=_partitions(base, group[0]))
                frames.append(self._frame(context, schema, layout, group, {"basePath": base} if base else {}))
        if not frames:
            raise SourceError(
                f"{found.path} holds no CSV file.",
                state="Nothing was read.",
                next_step="Check the path; files whose names begin with _ or . are not read.",
            )
        frame = frames[0]
        for other in frames[1:]:
            frame = frame.unionByName(other)
        return frame

    def _frame(
        self, context: Context, schema: StructType, layout: StructType, files: list[str], extra: Mapping[str, str]
    ) -> DataFrame:
        from pyspark.sql.types import StringType, StructField, StructType

        marked = StructType([*layout.fields, StructField(marks.MALFORMED, StringType())])
        options = {"encoding": "UTF-8", **self.options, **extra}
        reader = context.spark.read.schema(marked).options(**options)
        reader = reader.option("header", self.header).option("mode", "PERMISSIVE").option("enforceSchema", "true")
        reader = reader.option("columnNameOfCorruptRecord", marks.MALFORMED)
        if self.header:
            reader = reader.option("__globPaths__", "false")
        return without_malformed(reader.csv(files), schema, drop=self.malformed == "drop")

    def fingerprint(self, context: Context) -> dict[str, Any]:
        """Number, bytes, times and names of the files."""
        return fingerprint(context, self.path)

    def explain(self, error: Exception, context: Context) -> Exception | None:
        """The file, the record and the column of a malformed record."""
        return explain_malformed(error, self, context)


def _by_name(schema: StructType, header: tuple[str, ...], file: str, *, partitions: set[str]) -> StructType:
    """The declared types in the order of a file's header; columns that are not declared are text, and not used."""
    from pyspark.sql.types import StringType, StructField, StructType

    declared = {column.name.lower(): column for column in schema.fields}
    present = {name.lower() for name in header}
    missing = [name for name in schema.names if name.lower() not in present and name not in partitions]
    if missing:
        near = "".join(f" {name}:{suggestion(name, header)}" for name in missing[:3])
        raise SourceError(
            f"{file} lacks {', '.join(missing)} of the schema's columns.{near}",
            state="Nothing was read.",
            next_step="Correct the file's header or the schema.",
        )
    layout = [declared.get(name.lower(), StructField(name, StringType())) for name in header]
    layout += [declared[name.lower()] for name in schema.names if name in partitions]
    return StructType([StructField(column.name, column.dataType) for column in layout])


def _partitions(base: str | None, file: str) -> set[str]:
    """The columns that a file's folders hold, as in `base/month=1/part-0.csv`."""
    if base is None:
        return set()
    return {piece.partition("=")[0] for piece in file.removeprefix(base).split("/")[:-1] if "=" in piece}


@dataclass(frozen=True)
class CsvSink(FolderSink):
    """A folder of CSV files."""

    header: bool = True

    @property
    def form(self) -> FileFormat:
        """CSV with the sink's options."""
        options = {"header": self.header, **self.options}
        return FileFormat("csv", options, options, keeps_types=False)

    def check(self, schema: StructType, path: str) -> None:
        """Refuse nested and binary columns: CSV has no form for them."""
        from pyspark.sql.types import ArrayType, BinaryType, MapType, StructType

        nested = (ArrayType, BinaryType, MapType, StructType)
        refused = [column for column in schema.fields if isinstance(column.dataType, nested)]
        if refused:
            told = ", ".join(f"{column.name} {column.dataType.simpleString()}" for column in refused)
            raise SinkError(
                f"CSV at {path} cannot hold the columns {told}.",
                state="Nothing was written.",
                next_step="Turn them into text in the transformer (to_json, base64), or use write.parquet.",
            )


def read_csv(
    path: str | Path, *, schema: StructType | str, malformed: str = "fail", header: bool = True, **options: Any
) -> CsvSource:
    """CSV files.

    Args:
        path: A file, a folder or a pattern.
        schema: The columns to read, as a `StructType` or DDL text. They are matched with each file's header by name; a
            column that the schema declares as not null must have a value.
        malformed: `fail` with the file, the record and the column, or `drop` and count.
        header: Whether the first line of each file has the names; without, columns are taken by position.
        options: Options of Spark's CSV reader: `sep`, `quote`, `escape`, `nullValue`, `timestampFormat` ...

    Raises:
        DefinitionError: If an argument is wrong.
    """
    return CsvSource(as_path(path), schema, malformed, header, options)


def write_csv(
    path: str | Path, *, mode: str, partition_by: Sequence[str] = (), header: bool = True, **options: Any
) -> CsvSink:
    """CSV files in a folder. CSV keeps no types, so a pipeline that extracts from this one needs another sink.

    Args:
        path: The folder.
        mode: `replace` all that is there, `append`, or `replace_partitions` (those that occur in the rows).
        partition_by: Columns that become folders.
        header: Whether each file begins with the names.
        options: Options of Spark's CSV writer.

    Raises:
        DefinitionError: If the mode is not one of these.
    """
    columns = partition_by if isinstance(partition_by, str) else tuple(partition_by)
    return CsvSink(as_path(path), mode, columns, options, header)  # type: ignore[arg-type]  # text is refused by the sink
