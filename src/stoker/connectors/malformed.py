"""Records that do not fit their schema: found inside the scan, explained on the driver."""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from stoker.connectors.headers import split_record
from stoker.connectors.schemas import declared_schema
from stoker.errors import SourceError
from stoker.spark import marks

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

    from stoker.connectors.base import Context
    from stoker.connectors.csv import CsvSource

_REPLACEMENT = "\ufffd"
"""What a byte that is not of the encoding is read as."""
_SHOWN = 500
"""Characters of a record that a message shows."""


def without_malformed(frame: DataFrame, schema: StructType, *, drop: bool) -> DataFrame:
    """The declared columns of the records that fit; another record fails the query or is left out.

    The condition names every declared column, so that all are parsed though the query may need few. It is not
    deterministic, so that the optimiser neither merges it with a transformer's filter nor lets that filter pass records
    by before they are looked at.

    Args:
        frame: What Spark's permissive reader gives, with `marks.MALFORMED` holding the raw text of a bad record.
        schema: The declared schema.
        drop: Whether to leave bad records out.
    """
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses
    from pyspark.sql.types import StringType

    columns = [F.col(_quoted(name)) for name in schema.names]
    raw = F.col(marks.MALFORMED)
    wrong: list[Column] = [raw.isNotNull()]
    for column, declared in zip(columns, schema.fields, strict=True):
        if not declared.nullable:
            wrong.append(column.isNull())
        if isinstance(declared.dataType, StringType):
            wrong.append(F.coalesce(column.contains(_REPLACEMENT), F.lit(False)))  # noqa: FBT003
    if drop:
        texts = [column.cast("string") for column in columns]
        bad = F.length(F.concat_ws(marks.DROPPING, *texts, F.input_file_name())) < 0
    else:
        told = F.struct(F.input_file_name().alias("file"), raw.alias("record"), F.struct(*columns).alias("parsed"))
        bad = F.raise_error(F.concat(F.lit(marks.RECORD), F.to_json(told))).cast("boolean")
    fits = F.when(reduce(lambda one, other: one | other, wrong), bad).otherwise(F.lit(True))  # noqa: FBT003
    return frame.filter(fits).select(*columns)


def explain_malformed(error: Exception, source: CsvSource, context: Context) -> SourceError | None:
    """The error of a malformed record in a user's words, if it is one of this source's files."""
    text = str(error)
    at = text.find(marks.RECORD)
    if at < 0:
        return None
    try:
        told: dict[str, Any] = json.JSONDecoder().raw_decode(text, at + len(marks.RECORD))[0]
    except ValueError:
        return None
    file = unquote(str(told.get("file", "")))
    record = told.get("record")
    parsed: dict[str, Any] = told.get("parsed", {})
    schema = declared_schema(source.schema)
    if not set(parsed) <= set(schema.names):
        return None
    shown = record if record is not None else json.dumps(parsed, ensure_ascii=False)
    return SourceError(
        f"A record of {file} does not fit the schema: {_reason(record, parsed, schema, source, context, file)}.\n"
        f"Record: {shown[:_SHOWN]}{'...' if len(shown) > _SHOWN else ''}",
        next_step='Correct the file or the schema, or use malformed="drop" to leave such records out.',
    )


def _reason(
    record: str | None, parsed: dict[str, Any], schema: StructType, source: CsvSource, context: Context, file: str
) -> str:
    for column in schema.fields:
        value = parsed.get(column.name)
        if isinstance(value, str) and _REPLACEMENT in value:
            encoding = source.options.get("encoding", "UTF-8")
            return f"column {column.name} has bytes that are not {encoding} (give read.csv another encoding=)"
        if record is None and value is None and not column.nullable:
            return f"column {column.name} is not null in the schema and has no value"
    if record is None:
        return "a column has no value that fits"
    header = _layout(source, context, file, schema)
    fields = split_record(record, source.options)
    if len(fields) != len(header):
        return f"it has {len(fields)} fields and the header {len(header)}"
    nothing = {"", str(source.options.get("nullValue", ""))}
    given = {name.lower(): value for name, value in zip(header, fields, strict=True)}
    for column in schema.fields:
        value = given.get(column.name.lower(), "")
        if parsed.get(column.name) is None and value not in nothing:
            return f"column {column.name}: {value!r} is no {column.dataType.simpleString()}"
    return "its quotes or separators are wrong"


def _layout(source: CsvSource, context: Context, file: str, schema: StructType) -> list[str]:
    from stoker.connectors.headers import files_by_header
    from stoker.files.filesystem import file_system

    if not source.header:
        return schema.names
    return list(next(iter(files_by_header(file_system(context.spark, file), [file], source.options))))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
