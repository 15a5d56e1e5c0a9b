"""JSON: an object a line, or a document a file; a record that does not fit is never passed over in silence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from stoker.connectors.folder import EXACT_MOMENTS, FolderSink, column_names
from stoker.connectors.inputs import input_of
from stoker.connectors.malformed import check_malformed, explain_malformed, without_malformed
from stoker.connectors.paths import Path, as_path, as_paths
from stoker.connectors.schemas import declared_schema
from stoker.connectors.source import FileSource
from stoker.files.load import FileFormat
from stoker.spark import marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.connectors.base import Context


@dataclass(frozen=True)
class JsonSource(FileSource):
    """JSON files with a declared schema."""

    schema: StructType | str = ""
    malformed: str = "fail"
    kind: ClassVar[str] = "json"
    own_options: ClassVar[frozenset[str]] = frozenset({"mode", "columnNameOfCorruptRecord", "inferSchema"})

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        super().__post_init__()
        check_malformed(f"read.json of {self.shown()}", self.malformed)

    def details(self) -> dict[str, Any]:
        """What happens to records that do not fit."""
        return {"malformed": self.malformed}

    def read(self, context: Context) -> DataFrame:
        """A frame of the files' records, with the declared columns in their order."""
        from pyspark.sql.types import StringType, StructField, StructType

        schema = declared_schema(self.schema)
        # What is not null is checked by us: Spark's parser would make a zero of a null.
        fields = [StructField(column.name, column.dataType) for column in schema.fields]
        marked = StructType([*fields, StructField(marks.MALFORMED, StringType())])
        reader = context.spark.read.format("json").schema(marked).options(**self.options).option("mode", "PERMISSIVE")
        reader = reader.option("columnNameOfCorruptRecord", marks.MALFORMED)
        found = input_of(context, self.paths)
        frames = (
            without_malformed(
                part.load(reader), schema, form="json", drop=self.malformed == "drop", extra=self.file_names(schema)
            )
            for part in found.parts
        )
        return self.together(context, found, frames, schema)

    def explain(self, error: Exception, context: Context) -> Exception | None:
        """The file, the record and the column of a malformed record."""
        del context

        def schema() -> StructType:
            return declared_schema(self.schema)

        def why(record: str, parsed: Mapping[str, Any], file: str) -> str:
            del file
            return _reason(record, parsed, schema())

        encoding = str(self.options.get("encoding", "UTF-8"))
        return explain_malformed(error, schema, form="json", encoding=encoding, why=why)


def _reason(record: str, parsed: Mapping[str, Any], schema: StructType) -> str:
    """Why a record with a raw text does not fit."""
    try:
        document: object = json.loads(record)
    except ValueError as error:
        return f"it is no JSON ({error})"
    given = [each for each in (document if isinstance(document, list) else [document]) if isinstance(each, dict)]
    if not given:
        return "it is no object"
    for column in schema.fields:
        for each in given:
            value = each.get(column.name)
            if parsed.get(column.name) is None and value is not None:
                return f"column {column.name}: {json.dumps(value, ensure_ascii=False)} is no {column.dataType.simpleString()}"
    return "a value inside one of its columns is of another type"


@dataclass(frozen=True)
class JsonSink(FolderSink):
    """A folder of JSON files."""

    @property
    def form(self) -> FileFormat:
        """JSON with the sink's options; a null is written as one, unless the options say otherwise."""
        written = {**EXACT_MOMENTS, "ignoreNullFields": False, **self.options}
        return FileFormat("json", written, self.options, keeps_types=False)


def read_json(
    path: str | Path | Sequence[str | Path],
    *,
    schema: StructType | str,
    malformed: str = "fail",
    file_column: str | None = None,
    **options: Any,
) -> JsonSource:
    """JSON files: an object a line, or with `multiLine=True` an object or an array of objects a file.

    Args:
        path: A file, a folder or a pattern, or a list of these.
        schema: The columns to read, as a `StructType` or DDL text, by the fields' names (case matters). A field that is not
            there is null; a column that the schema declares as not null must have a value.
        malformed: `fail` with the file, the record and the column, or `drop` and count.
        file_column: The name of a column to add, with the whole URI of each row's file, not percent-encoded.
        options: Options of Spark's JSON reader: `multiLine`, `dateFormat`, `timestampFormat`, `encoding` ...

    Raises:
        DefinitionError: If an argument is wrong.
    """
    return JsonSource(as_paths(path), options, file_column, schema=schema, malformed=malformed)


def write_json(
    path: str | Path, *, mode: str, partition_by: Sequence[str] = (), adopt: bool = False, **options: Any
) -> JsonSink:
    """JSON files in a folder, an object a line. JSON keeps no types, so a pipeline that extracts from this one needs another
    sink.

    Args:
        path: The folder.
        mode: `replace` all that is there, `append`, or `replace_partitions` (those that occur in the rows).
        partition_by: Columns that become folders.
        adopt: Whether to take over files in the folder that Stoker did not write; otherwise they are a reason to refuse.
        options: Options of Spark's JSON writer, e.g. `compression="gzip"`; `ignoreNullFields` is False unless given.

    Raises:
        DefinitionError: If the mode is not one of these.
    """  # noqa: D205 - one sentence, over two lines
    return JsonSink(as_path(path), mode, column_names(partition_by), options, adopt=adopt)
