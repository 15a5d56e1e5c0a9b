"""Records that do not fit their schema: found inside the scan, explained on the driver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from stoker.errors import DefinitionError, SourceError, suggestion
from stoker.spark import marks
from stoker.spark.columns import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

    Why = Callable[[str, Mapping[str, Any], str], str]
    """Why a record does not fit, from its raw text, the values that could be parsed, and its file."""

WAYS = ("fail", "drop")
"""What `malformed=` may be."""
_REPLACEMENT = "\ufffd"
"""What a byte that is not of the encoding is read as."""
_SHOWN = 500
"""Characters of a record that a message shows."""
_CARRIED = 20_000
"""Characters of a record that its error carries to the driver: a document may be one record of a whole file."""


def check_malformed(call: str, malformed: str) -> None:
    """Refuse an unknown way.

    Raises:
        DefinitionError: With the call and the ways that are known.
    """
    if malformed not in WAYS:
        raise DefinitionError(f"{call}: malformed={malformed!r} is not known.{suggestion(str(malformed), WAYS)}")


def without_malformed(
    frame: DataFrame,
    schema: StructType,
    *,
    form: str,
    drop: bool,
    absent: Mapping[str, Column] | None = None,
    extra: Sequence[Column] = (),
) -> DataFrame:
    """The declared columns of the records that fit; another record fails the query or is left out.

    The condition names every declared column, so that all are parsed though the query may need few. It is not
    deterministic, so that the optimiser neither merges it with a transformer's filter nor lets that filter pass records
    by before they are looked at.

    Args:
        frame: What Spark's permissive reader gives, with `marks.MALFORMED` holding the raw text of a bad record.
        schema: The declared schema.
        form: The format's name; the error carries it.
        drop: Whether to leave bad records out.
        absent: What declared columns are that the files lack.
        extra: More columns of the scan to keep.
    """
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses
    from pyspark.sql.types import StringType

    columns = [absent[name].alias(name) if absent and name in absent else F.col(quoted(name)) for name in schema.names]
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
        told = F.struct(
            F.lit(form).alias("form"),
            F.input_file_name().alias("file"),
            F.substring(raw, 1, _CARRIED).alias("record"),
            F.struct(*columns).alias("parsed"),
        )
        bad = F.raise_error(F.concat(F.lit(marks.RECORD), F.to_json(told))).cast("boolean")
    fits = F.when(_any(wrong), bad).otherwise(F.lit(True))  # noqa: FBT003
    return frame.filter(fits).select(*columns, *extra)


def _any(conditions: Sequence[Column]) -> Column:
    """Whether one of them holds; as a tree that is not deep, since Spark's analyser follows each level by several calls."""
    half = len(conditions) // 2
    return _any(conditions[:half]) | _any(conditions[half:]) if half else conditions[0]


def explain_malformed(
    error: Exception, schema: Callable[[], StructType], *, form: str, encoding: str, why: Why
) -> SourceError | None:
    """The error of a malformed record in a user's words, if it is one of this source's files.

    Args:
        error: What Spark raised.
        schema: Gives the declared schema.
        form: The format's name.
        encoding: The encoding that the files were read with.
        why: The format's own reason.
    """
    text = str(error)
    at = text.find(marks.RECORD)
    if at < 0:
        return None
    try:
        told: dict[str, Any] = json.JSONDecoder().raw_decode(text, at + len(marks.RECORD))[0]
    except ValueError:
        return None
    declared = schema()
    record: str | None = told.get("record")
    parsed: dict[str, Any] = told.get("parsed", {})
    if told.get("form") != form or not set(parsed) <= set(declared.names):
        return None
    file = unquote(str(told.get("file", "")))
    shown = record if record is not None else json.dumps(parsed, ensure_ascii=False)
    reason = _reason(record, parsed, declared, encoding, form)
    if reason is None:
        reason = "a column has no value that fits" if record is None else why(record, parsed, file)
    return SourceError(
        f"A record of {file} does not fit the schema: {reason}.\n"
        f"Record: {shown[:_SHOWN]}{'...' if len(shown) > _SHOWN else ''}",
        next_step='Correct the file or the schema, or use malformed="drop" to leave such records out.',
    )


def _reason(record: str | None, parsed: Mapping[str, Any], schema: StructType, encoding: str, form: str) -> str | None:
    """What is wrong whatever the format is, if that is it."""
    for column in schema.fields:
        value = parsed.get(column.name)
        if isinstance(value, str) and _REPLACEMENT in value:
            return f"column {column.name} has bytes that are not {encoding} (give read.{form} another encoding=)"
        if record is None and value is None and not column.nullable:
            return f"column {column.name} is not null in the schema and has no value"
    return None
