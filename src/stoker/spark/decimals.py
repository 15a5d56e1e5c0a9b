"""Decimals out of whole numbers, as Spark's optimiser makes them in sums.

Out of Arrow's decimals Spark makes an object of Java for each value, which takes longer than all else that it does with a
row. There is no public function for the other way: what reaches into the JVM for it is here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

logger = logging.getLogger(__name__)


def with_decimals(frame: DataFrame, decimals: Mapping[int, tuple[int, int]]) -> DataFrame | None:
    """The frame with decimals in place of the whole numbers that they are without their points.

    Args:
        frame: Some of its columns are bigint.
        decimals: Precision (at most 18) and scale, by the columns' positions.

    Returns:
        None if Spark does not let us make them.
    """
    from py4j.protocol import Py4JError
    from pyspark.sql import functions as f

    plain = frame.toDF(*(f"c{at}" for at in range(len(frame.columns))))
    try:
        made = [
            _decimal(frame.sparkSession, f"c{at}", *decimals[at]) if at in decimals else f.col(f"c{at}")
            for at in range(len(frame.columns))
        ]
        return plain.select(*(column.alias(name) for column, name in zip(made, frame.columns, strict=True)))
    except (Py4JError, TypeError) as error:
        logger.info("Spark does not make decimals of whole numbers: %s", error)
        return None


def _decimal(session: Any, name: str, precision: int, scale: int) -> Any:
    package = session._jvm.org.apache.spark.sql  # noqa: SLF001 - no public way
    attribute = package.catalyst.analysis.UnresolvedAttribute.quoted(name)
    made = package.catalyst.expressions.MakeDecimal(attribute, precision, scale, False)  # noqa: FBT003 - Java has no names for arguments
    if session.version.startswith("3."):
        from pyspark.sql import Column

        return Column(package.Column(made))
    from pyspark.sql.classic.column import Column as ClassicColumn

    return ClassicColumn(package.Column(package.classic.ExpressionColumnNode.apply(made)))
