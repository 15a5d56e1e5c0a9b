"""What a frame is sorted by, so that it can be kept when the rows are dealt out anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def ordering(frame: DataFrame) -> list[Column]:
    """The sort order that a frame's plan ends with, in terms of its own columns; empty if it has none."""
    order: Any = frame._jdf.queryExecution().analyzed().outputOrdering()  # noqa: SLF001 - no public way to the plan
    return [_column(frame, order.apply(position)) for position in range(order.size())]


def _column(frame: DataFrame, key: Any) -> Column:
    """A `SortOrder` of the plan as a column."""
    from pyspark.sql import Column

    jvm: Any = frame.sparkSession._jvm  # noqa: SLF001
    sql = jvm.org.apache.spark.sql
    # Spark 3.5 makes a column of an expression by Column itself, Spark 4 by its classic half.
    has_classic = frame.sparkSession.version >= "4"
    made = sql.classic.ExpressionUtils.column(key.child()) if has_classic else sql.Column(key.child())
    way = f"{key.direction().sql()} {key.nullOrdering().sql()}".lower().replace(" ", "_")
    sorted_by: Column = getattr(Column(made), way)()
    return sorted_by
