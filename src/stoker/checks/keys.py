"""How Spark finds out whether keys are unique: exactly, and as cheaply as their type allows.

A group for each key costs more than many a load. Two ways cost less, and are as sure:

* Whole numbers and dates that lie close together: 64 neighbours are one group, which has a bit for each of them.
* Other keys: their 64-bit hashes are compared. Distinct hashes prove distinct keys; where hashes repeat, the keys themselves
  are counted. Sorting hashes in one array costs much less than shuffling them as rows, so up to some millions are compared by
  the driver. More are sent to partitions by hash at once, since merging them before could merge nothing.
"""

from __future__ import annotations

import math
import re
from datetime import date
from functools import reduce
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

_WHOLE = {"tinyint", "smallint", "int", "bigint", "date"}
_HASHED = re.compile(
    r"tinyint|smallint|int|bigint|date|timestamp|timestamp_ntz|boolean|decimal\(\d+,\d+\)|string|binary"
)
"""Types of which equal values have equal hashes: neither zeros with a sign, nor texts with a collation of their own."""
_FIRST_DAY = date(1970, 1, 1)
_DENSE = 8
"""Numbers lie close together if their range has at most this many for each row."""
COLLECTED = 16_000_000
"""Hashes that the driver compares: 128 MB, and as much again while they arrive."""
_BYTES = 8
"""Of one hash."""
_PARTITION = 250_000
"""Rows that one task compares."""
_MOST = 2000
"""Partitions."""


class Key:
    """The key of one check.

    Args:
        columns: What it consists of.
        types: Their types, as Spark writes them.
    """

    def __init__(self, columns: Sequence[Column], types: Sequence[str]) -> None:
        self._columns = list(columns)
        self._is_whole = len(types) == 1 and types[0] in _WHOLE
        self._is_hashed = all(_HASHED.fullmatch(kind) for kind in types)
        self._is_date = types[0] == "date"
        self._is_dense = False
        self._rows = 0

    def measures(self) -> dict[str, Column]:
        """What to learn of the rows first, in a pass that is made anyway."""
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        return {"low": F.min(self._number()), "high": F.max(self._number())} if self._is_whole else {}

    def told(self, rows: int, values: Mapping[str, Any]) -> None:
        """Take the answers.

        Args:
            rows: All rows.
            values: Of the measures.
        """
        self._rows = rows
        if self._is_whole and values["low"] is not None:
            self._is_dense = values["high"] - values["low"] <= _DENSE * rows

    @property
    def is_exact(self) -> bool:
        """Whether keys are counted, and not their hashes."""
        return self._is_dense or not self._is_hashed

    def is_collected(self, spark: SparkSession) -> bool:
        """Whether the driver compares hashes, rather than a query."""
        if self.is_exact or self._rows > COLLECTED or not (find_spec("pyarrow") and find_spec("numpy")):
            return False
        context: Any = spark.sparkContext._jsc.sc()  # noqa: SLF001 - the public way gives the text, such as 1g
        most = context.conf().getSizeAsBytes("spark.driver.maxResultSize", "1g")
        return not most or 2 * _BYTES * self._rows <= most

    def repeats(self, frame: DataFrame) -> int:
        """How many rows repeat a hash, compared by the driver."""
        import numpy as np

        from stoker.checks.hashes import repeats

        hashes: Any = self._hashes(frame)
        batches = hashes._collect_as_arrow()  # noqa: SLF001 - toArrow does the same, and 3.5 has no toArrow
        found = np.empty(sum(batch.num_rows for batch in batches), np.int64)
        end = len(found)
        while batches:
            batch = batches.pop()
            found[end - batch.num_rows : end] = batch.column(0)
            end -= batch.num_rows
        return repeats(found)

    def counted(self, frame: DataFrame) -> DataFrame:
        """How many rows repeat a key, or the hash of a key: one row with the column `value`."""
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        if self._is_dense:
            numbers = frame.where(self._is_complete()).select(self._number().alias("n"))
            groups = numbers.groupBy(F.shiftright("n", 6)).agg(
                F.expr("bit_or(shiftleft(1L, int(n & 63)))").alias("bits"), F.count(F.lit(1)).alias("rows")
            )
            return groups.agg(F.expr("sum(rows - bit_count(bits)) AS value"))
        if self._is_hashed:
            partitions = min(math.ceil(max(self._rows, 1) / _PARTITION), _MOST)
            keys = self._hashes(frame).repartition(partitions, "k0")
        else:
            keys = frame.where(self._is_complete()).select(
                *(column.alias(f"k{at}") for at, column in enumerate(self._columns))
            )
        return keys.groupBy(*keys.columns).agg(F.count(F.lit(1)).alias("rows")).agg(F.expr("sum(rows - 1) AS value"))

    def _hashes(self, frame: DataFrame) -> DataFrame:
        return frame.where(self._is_complete()).select(_hash(self._columns).alias("k0"))

    def _number(self) -> Column:
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        column = F.datediff(self._columns[0], F.lit(_FIRST_DAY)) if self._is_date else self._columns[0]
        return column.cast("bigint")

    def _is_complete(self) -> Column:
        return reduce(lambda one, other: one & other, [column.isNotNull() for column in self._columns])


def _hash(columns: Sequence[Column]) -> Column:
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    return F.xxhash64(*columns)
