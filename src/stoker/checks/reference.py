"""The keys that a check refers to, as a frame that can be joined or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.checks.columns import column_at, type_of
from stoker.checks.definitions import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.checks.checker import Keys
    from stoker.checks.definitions import References


def known_keys(check: References, keys: Keys, schema: StructType) -> DataFrame:
    """The keys as `f0`, `f1`, ..., in the order of the check's columns.

    Args:
        check: The check.
        keys: Gives what it refers to; a table's keys come as text.
        schema: Of the rows whose keys are looked up.
    """
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    there = keys(check)
    known = there.select(*(column_at(there.schema, name).alias(f"f{at}") for at, name in enumerate(check.to)))
    if not isinstance(check.source, Table):
        return known
    types = [type_of(schema, name) for name in check.keys]
    # What is no value of the column's type is nobody's key.
    casts = [f"try_cast(f{at} AS {kind.simpleString()}) AS f{at}" for at, kind in enumerate(types) if kind is not None]
    return known.select(*map(F.expr, casts))
