"""How many rows Spark hands to Python at once.

Spark 4.1 counts the bytes of a batch by walking all of its columns again for each row, which takes a third of the time of a
load. Without it only the number of rows bounds the memory, so a row must not be wide: a column beside the others says
whether one is, and its long values are left out. The worker stops there, and the rows are sent again in small batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

RECORDS = "spark.sql.execution.arrow.maxRecordsPerBatch"
BYTES = "spark.sql.execution.arrow.maxBytesPerBatch"
_SPARKS_RECORDS = 10_000
_UNCOUNTED = str((1 << 31) - 1)
"""The value with which Spark does not count."""
_BATCH = 32 << 20
"""Bytes of a batch, as expected."""
_LARGEST = 80 << 20
"""Bytes of a batch in which every row is as wide as can be."""
_FEW = 64
"""Rows in a batch of wide rows, where Spark cannot count bytes."""
_WIDTHS = {
    "boolean": 1,
    "byte": 1,
    "short": 2,
    "integer": 4,
    "long": 8,
    "float": 4,
    "double": 8,
    "date": 4,
    "decimal": 16,
}
_OTHER = 32
"""Bytes that are expected of a text, and counted for each element of an array beside its own."""
_WIDE = "wide"


class WideRowsError(Exception):
    """A row is wider than a batch without a limit of bytes allows."""


@dataclass(frozen=True)
class Batches:
    """The settings for one way through the rows."""

    settings: dict[str, str]
    widest: int | None = None
    """Bytes of the long values of a row; None where Spark bounds the batches."""


def fast(spark: SparkSession, schema: StructType) -> Batches | None:
    """Batches bounded by rows; None if the user has set how large they are."""
    if spark.conf.get(RECORDS) != str(_SPARKS_RECORDS):
        return None
    width = sum(_WIDTHS.get(field.dataType.typeName(), _OTHER) for field in schema.fields)
    records = max(min(_SPARKS_RECORDS, _BATCH // max(width, 1)), 1)
    settings = {RECORDS: str(records)}
    if _counts(spark):
        settings[BYTES] = _UNCOUNTED
    return Batches(settings, _LARGEST // records)


def bounded(spark: SparkSession) -> Batches:
    """Batches for wide rows."""
    return Batches({} if _counts(spark) else {RECORDS: str(_FEW)})


def _counts(spark: SparkSession) -> bool:
    """Whether Spark bounds batches by bytes, as 4.1 does."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        # Without a default of ours: with one, that is what a setting has which nobody has set.
        spark.conf.get(BYTES)
    except (PySparkException, Py4JError):  # 3.5 raises what Java does
        return False
    return True


def guarded(frame: DataFrame, widest: int) -> DataFrame:
    """The frame without the long values of rows that are wider, and with a column that says which are."""
    from pyspark.sql import functions as f

    long = [field.name for field in frame.schema.fields if _is_long(field.dataType)]
    if not long:
        return frame.withColumn(_WIDE, f.lit(False))  # noqa: FBT003 - a value
    widths = [
        f.coalesce(_width(frame[field.name], field.dataType), f.lit(0)) for field in frame.schema if field.name in long
    ]
    wide = sum(widths[1:], widths[0]) > widest
    columns = [f.when(~wide, frame[name]).alias(name) if name in long else frame[name] for name in frame.columns]
    return frame.select(*columns, wide.alias(_WIDE))


def narrow(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches of a guarded frame without the column that says which rows are wide.

    Raises:
        WideRowsError: If one is.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for batch in batches:
        *columns, wide = batch.columns
        if pc.any(wide).as_py():
            raise WideRowsError
        yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names[:-1])


def _is_long(data_type: DataType) -> bool:
    return data_type.typeName() in {"string", "char", "varchar", "binary", "array"}


def _width(column: Column, data_type: Any) -> Column:
    """The bytes of a column's value."""
    from pyspark.sql import functions as f

    if data_type.typeName() != "array":
        return f.octet_length(column).cast("long")
    length = f.size(column).cast("long") * _OTHER
    if not _is_long(data_type.elementType):
        return length
    return length + f.aggregate(
        column,
        f.lit(0).cast("long"),
        lambda total, each: total + f.coalesce(f.octet_length(each).cast("long"), f.lit(0)),
    )
