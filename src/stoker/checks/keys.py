"""How Spark finds out whether keys are unique: exactly, and as cheaply as their type allows.

A group for each key costs more than many a load. Two ways cost less, and are as sure:

* Whole numbers and dates that lie close together: 64 neighbours are one group, which has a bit for each of them.
* Other keys: their 64-bit hashes are counted. Distinct hashes prove distinct keys; where hashes repeat, the keys themselves
  are counted. Rows are sent to partitions by hash at once, since merging them before could merge nothing.
"""

from __future__ import annotations

import math
import re
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame

_WHOLE = {"tinyint", "smallint", "int", "bigint", "date"}
_HASHED = re.compile(
    r"tinyint|smallint|int|bigint|date|timestamp|timestamp_ntz|boolean|decimal\(\d+,\d+\)|string|binary"
)
"""Types of which equal values have equal hashes: neither zeros with a sign, nor texts with a collation of their own."""
_FIRST_DAY = date(1970, 1, 1)
_DENSE = 8
"""Numbers lie close together if their range has at most this many for each row."""
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
        self.rows = 0
        """Rows whose key has no null, once that is told."""

    @property
    def is_exact(self) -> bool:
        """Whether `distinct` counts keys, and not their hashes."""
        return self._is_dense or not self._is_hashed

    def measures(self) -> dict[str, Column]:
        """What to learn of the rows first, in a pass that is made anyway."""
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        asked = {"rows": F.count(F.when(self._is_complete(), 1))}
        if self._is_whole:
            asked |= {"low": F.min(self._number()), "high": F.max(self._number())}
        return asked

    def told(self, values: Mapping[str, Any]) -> None:
        """Take the answers."""
        self.rows = int(values["rows"])
        if self._is_whole and self.rows:
            self._is_dense = values["high"] - values["low"] <= _DENSE * self.rows

    def distinct(self, frame: DataFrame) -> DataFrame:
        """How many keys, or hashes of keys, differ: one row with the column `value`."""
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        complete = frame.where(self._is_complete())
        if self._is_dense:
            groups = complete.select(self._number().alias("n")).groupBy(F.shiftright("n", 6))
            return groups.agg(F.expr("bit_or(shiftleft(1L, int(n & 63)))").alias("bits")).agg(
                F.sum(F.bit_count("bits")).alias("value")
            )
        partitions = min(math.ceil(max(self.rows, 1) / _PARTITION), _MOST)
        if self._is_hashed:
            keys = complete.select(_hash(self._columns).alias("k0")).repartition(partitions, "k0")
        else:
            keys = complete.select(*(column.alias(f"k{at}") for at, column in enumerate(self._columns)))
        return keys.distinct().agg(F.count(F.lit(1)).alias("value"))

    def _number(self) -> Column:
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        column = F.datediff(self._columns[0], F.lit(_FIRST_DAY)) if self._is_date else self._columns[0]
        return column.cast("bigint")

    def _is_complete(self) -> Column:
        return reduce(lambda one, other: one & other, [column.isNotNull() for column in self._columns])


def _hash(columns: Sequence[Column]) -> Column:
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    return F.xxhash64(*columns)
