"""Types that can take another one's values, where files with both are read as the wider one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, DecimalType

MIXED = (4, 0)
"""The Spark version from which on its Parquet readers read a column that is narrower in some files. They are not asked for
anything else: `decimal(5,2)` read as `double` gives wrong numbers and no error."""
NESTED = (4, 1)
"""The Spark version from which on a struct that lacks all fields that a query needs is not read as null (SPARK-53535)."""
_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_DIGITS = {"tinyint": 10, "smallint": 10, "int": 10, "bigint": 20}
"""Digits before the point that a decimal must have: Spark's readers ask for those of the type in the file, `INT32` or
`INT64`."""


def widens(narrow: DataType, wide: DataType) -> bool:
    """Whether each value of a type has its like in another one, and Spark's readers make it so."""
    from pyspark.sql.types import DateType, DecimalType, DoubleType, FloatType, TimestampNTZType

    one, other = narrow.simpleString(), wide.simpleString()
    if _integer_widens(one, other):
        return True
    if isinstance(wide, DoubleType):
        return isinstance(narrow, FloatType) or one in _INTEGERS[:3]
    if isinstance(wide, DecimalType):
        if isinstance(narrow, DecimalType):
            return wide.scale >= narrow.scale and _before_point(wide) >= _before_point(narrow)
        return one in _DIGITS and _before_point(wide) >= _DIGITS[one]
    return isinstance(narrow, DateType) and isinstance(wide, TimestampNTZType)


def widens_in_place(narrow: DataType, wide: DataType) -> bool:
    """The same where nothing but the type's name changes: for the Parquet readers of Spark 3.5."""
    from pyspark.sql.types import DecimalType

    if isinstance(narrow, DecimalType) and isinstance(wide, DecimalType):
        return wide.scale == narrow.scale and wide.precision >= narrow.precision and _storage(wide) == _storage(narrow)
    one, other = narrow.simpleString(), wide.simpleString()
    return _integer_widens(one, other) and other != "bigint"


def keeps_its_text(narrow: DataType, wide: DataType) -> bool:
    """The same where each value is also written alike: for partition columns, whose values are the names of folders."""
    from pyspark.sql.types import DecimalType

    if isinstance(narrow, DecimalType) and isinstance(wide, DecimalType):
        return wide.scale == narrow.scale and wide.precision >= narrow.precision
    return _integer_widens(narrow.simpleString(), wide.simpleString())


def _integer_widens(one: str, other: str) -> bool:
    return one in _INTEGERS and other in _INTEGERS[_INTEGERS.index(one) + 1 :]


def _before_point(decimal: DecimalType) -> int:
    return decimal.precision - decimal.scale


def _storage(decimal: DecimalType) -> int:
    """Parquet keeps a decimal in 4 bytes, in 8, or in as many as it needs."""
    return 4 if decimal.precision <= 9 else 8 if decimal.precision <= 18 else 16  # noqa: PLR2004 - Parquet's own limits
