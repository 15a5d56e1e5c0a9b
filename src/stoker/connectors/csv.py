"""CSV: columns are found by the header's names, and a record that does not fit is never passed over in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from stoker.checks import checks_of
from stoker.connectors.folder import EXACT_MOMENTS, FolderSink
from stoker.connectors.headers import files_by_header, header_of, split_record
from stoker.connectors.inputs import Part, input_of
from stoker.connectors.layouts import layout_of
from stoker.connectors.malformed import check_malformed, explain_malformed, without_malformed
from stoker.connectors.paths import Param, Path, as_paths
from stoker.connectors.schemas import declared_schema
from stoker.connectors.source import FileSource
from stoker.errors import DefinitionError, SinkError, SourceError, suggestion
from stoker.files.form import FileFormat
from stoker.spark import marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.checks import Check
    from stoker.connectors.base import Context

MISSING = ("fail", "null")
"""What `missing_columns=` may be."""
_TOLD = 100_000
"""Headers after which it is said how many were read."""
_SPACES = {"ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}
"""Spark's writer of CSV takes the spaces away at both ends of a text, unless it is told not to."""


@dataclass(frozen=True)
class CsvSource(FileSource):
    """CSV files with a declared schema."""

    schema: StructType | str = ""
    malformed: str = "fail"
    header: bool = True
    missing_columns: str = "fail"
    kind: ClassVar[str] = "csv"
    own_options: ClassVar[frozenset[str]] = frozenset(
        {"header", "mode", "columnNameOfCorruptRecord", "enforceSchema", "inferSchema"}
    )

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        super().__post_init__()
        check_malformed(f"read.csv of {self.shown()}", self.malformed)
        if self.missing_columns not in MISSING:
            raise DefinitionError(
                f"read.csv of {self.shown()}: missing_columns={self.missing_columns!r} is not known."
                f"{suggestion(str(self.missing_columns), MISSING)}"
            )
        if self.missing_columns == "null" and not self.header:
            raise DefinitionError(
                f"read.csv of {self.shown()}: without a header there is no telling which column is missing.",
                next_step='Leave missing_columns="null" out, or the columns out of the schema.',
            )

    def details(self) -> dict[str, Any]:
        """What happens to records and files that do not fit."""
        return {"malformed": self.malformed} | ({"missing_columns": "null"} if self.missing_columns == "null" else {})

    def read(self, context: Context) -> DataFrame:
        """A frame of the files' records, with the declared columns in their order."""
        schema = declared_schema(self.schema)
        found = input_of(context, self.paths)
        if self.header:
            found.look_up()
        frames = (frame for part in found.parts for frame in self._frames(context, schema, part))
        return self.together(context, found, frames, schema)

    def _frames(self, context: Context, schema: StructType, part: Part) -> Iterator[DataFrame]:
        """A frame for all files of one layout."""
        if not self.header:
            yield self._frame(context, schema, schema, part, None)
            return
        files = part.paths()

        def noted(read: int) -> None:
            context.stop_if_asked()
            if read % _TOLD == 0:
                context.progress(f"has read {read:,} of {len(files):,} headers")

        groups = files_by_header(part.fs, files, self.options, noted)
        for header, group in groups.items():
            layout = self._layout(schema, header, group[0], partitions=_partitions(part.base, group[0]))
            # One layout is the rule: then Spark lists the folder itself, instead of being told each file.
            yield self._frame(context, schema, layout, part, group if len(groups) > 1 else None)

    def _frame(
        self, context: Context, schema: StructType, layout: StructType, part: Part, files: list[str] | None
    ) -> DataFrame:
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses
        from pyspark.sql.types import StringType, StructField, StructType

        marked = StructType([*layout.fields, StructField(marks.MALFORMED, StringType())])
        options = {"encoding": "UTF-8", **self.options}
        reader = context.spark.read.format("csv").schema(marked).options(**options)
        reader = reader.option("header", self.header).option("mode", "PERMISSIVE").option("enforceSchema", "true")
        reader = reader.option("columnNameOfCorruptRecord", marks.MALFORMED)
        frame = part.load(reader, files)
        there = {name.lower() for name in layout.names}
        absent = {
            column.name: F.lit(None).cast(column.dataType)
            for column in schema.fields
            if column.name.lower() not in there
        }
        return without_malformed(
            frame, schema, form="csv", drop=self.malformed == "drop", absent=absent, extra=self.file_names(schema)
        )

    def _layout(self, schema: StructType, header: tuple[str, ...], file: str, *, partitions: set[str]) -> StructType:
        """The declared types in the order of a file's header; columns that are not declared are text, and not used."""
        from pyspark.sql.types import StringType, StructField, StructType

        declared = {column.name.lower(): column for column in schema.fields}
        present = {name.lower() for name in header}
        missing = [column for column in schema.fields if column.name.lower() not in present | partitions]
        if self.missing_columns == "null":
            missing = [column for column in missing if not column.nullable]
        if missing:
            raise _lacking(file, [column.name for column in missing], header, nulls=self.missing_columns == "null")
        layout = [declared.get(name.lower(), StructField(name, StringType())) for name in header]
        layout += [column for column in schema.fields if column.name.lower() in partitions - present]
        return StructType([StructField(column.name, column.dataType) for column in layout])

    def explain(self, error: Exception, context: Context) -> Exception | None:
        """The file, the record and the column of a malformed record."""

        def why(record: str, parsed: Mapping[str, Any], file: str) -> str:
            schema = declared_schema(self.schema)
            header = header_of(context.spark, file, self.options) if self.header else tuple(schema.names)
            return _reason(record, parsed, schema, header, self.options)

        encoding = str(self.options.get("encoding", "UTF-8"))
        return explain_malformed(error, lambda: declared_schema(self.schema), form="csv", encoding=encoding, why=why)


def _lacking(file: str, missing: list[str], header: tuple[str, ...], *, nulls: bool) -> SourceError:
    near = "".join(f" {name}:{suggestion(name, header)}" for name in missing[:3])
    return SourceError(
        f"{file} lacks {', '.join(missing)} of the schema's columns{', which must not be null' if nulls else ''}.{near}",
        state="Nothing was read.",
        next_step="Correct the file's header or the schema"
        + (" (leave NOT NULL out)." if nulls else ', or read what is missing as null by missing_columns="null".'),
    )


def _reason(
    record: str, parsed: Mapping[str, Any], schema: StructType, header: tuple[str, ...], options: Mapping[str, Any]
) -> str:
    """Why a record with a raw text does not fit."""
    fields = split_record(record, options)
    if len(fields) != len(header):
        return f"it has {len(fields)} fields and the header {len(header)}"
    nothing = {"", str(options.get("nullValue", ""))}
    given = {name.lower(): value for name, value in zip(header, fields, strict=True)}
    for column in schema.fields:
        value = given.get(column.name.lower(), "")
        if parsed.get(column.name) is None and value not in nothing:
            return f"column {column.name}: {value!r} is no {column.dataType.simpleString()}"
    return "its quotes or separators are wrong"


def _partitions(base: str | None, file: str) -> set[str]:
    """The columns that a file's folders hold, in lower case, as in `base/month=1/part-0.csv`; Spark encodes odd characters."""
    if base is None:
        return set()
    return {
        unquote(piece.partition("=")[0]).lower() for piece in file.removeprefix(base).split("/")[:-1] if "=" in piece
    }


@dataclass(frozen=True)
class CsvSink(FolderSink):
    """A folder of CSV files."""

    header: bool = True

    @property
    def form(self) -> FileFormat:
        """CSV with the sink's options."""
        options = {"header": self.header, **self.options}
        # Read back, a text may have line ends in it.
        read = {**options, "multiLine": True}
        return FileFormat("csv", {**EXACT_MOMENTS, **_SPACES, **options}, read, keeps_types=False)

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
    path: str | Path | Sequence[str | Path],
    *,
    schema: StructType | str,
    malformed: str = "fail",
    header: bool = True,
    missing_columns: str = "fail",
    file_column: str | None = None,
    **options: Any,
) -> CsvSource:
    """CSV files.

    Args:
        path: A file, a folder or a pattern, or a list of these; files packed by gzip, bzip2 and what else Hadoop knows are
            told by their names' ends.
        schema: The columns to read, as a `StructType` or DDL text. They are matched with each file's header by name; a
            column that the schema declares as not null must have a value.
        malformed: `fail` with the file, the record and the column, or `drop` and count.
        header: Whether the first line of each file has the names; without, columns are taken by position.
        missing_columns: A file whose header lacks a declared column makes the read `fail`, or its rows have `null` there.
        file_column: The name of a column to add, with the whole URI of each row's file, not percent-encoded.
        options: Options of Spark's CSV reader: `sep`, `quote`, `escape`, `nullValue`, `timestampFormat` ...

    Raises:
        DefinitionError: If an argument is wrong.
    """
    return CsvSource(
        as_paths(path),
        options,
        file_column,
        schema=schema,
        malformed=malformed,
        header=header,
        missing_columns=missing_columns,
    )


def write_csv(  # noqa: PLR0913 - options, all by name
    path: str | Path,
    *,
    mode: str,
    partition_by: Sequence[str] = (),
    files: int | None = None,
    name: str | Param | None = None,
    max_rows_per_file: int | None = None,
    on_drift: str = "fail",
    header: bool = True,
    adopt: bool = False,
    checks: Sequence[Check] = (),
    **options: Any,
) -> CsvSink:
    """CSV files in a folder. CSV keeps no types, so a pipeline that extracts from this one needs another sink.

    Args:
        path: The folder.
        mode: `replace` all that is there, `append`, or `replace_partitions` (those that occur in the rows).
        partition_by: Columns that become folders.
        header: Whether each file begins with the names.
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
        options: Options of Spark's CSV writer.

    Raises:
        DefinitionError: If an argument is wrong, or they do not go together.
    """
    target, layout = layout_of(path, partition_by, files, name, max_rows_per_file)
    held = checks_of(f"write.csv to {path}", checks)
    return CsvSink(target, mode, layout, options, on_drift, adopt=adopt, checks=held, header=header)
