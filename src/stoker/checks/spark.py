"""Checks computed by Spark: one aggregate over the checked columns, and one query for keys."""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Any

from stoker.checks.checker import CARRIED, EXAMPLES, TIMES, Checker, Measured, example, example_columns
from stoker.checks.columns import column_at, mistakes_of, mistakes_of_keys, type_of
from stoker.checks.definitions import Between, Expression, NotNull, References, RowCheck, Table, Unique, Values, only
from stoker.checks.keys import Key
from stoker.checks.reference import known_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, Row
    from pyspark.sql.types import StructType

    from stoker.checks.checker import Example, Keys
    from stoker.checks.definitions import Check, Value


class SparkChecker(Checker):
    """Checks on a frame.

    Args:
        frame: What is staged, as it can be read back; for `mistakes`, anything with its schema.
        keys: Gives what a check refers to.
    """

    def __init__(self, frame: DataFrame, keys: Keys) -> None:
        self._frame = frame
        self._keys = keys

    def mistakes(self, checks: Sequence[Check]) -> list[str]:
        """What Spark's analysis says, without a job."""
        schema = self._frame.schema
        found = [mistake for each in checks for mistake in mistakes_of(each, schema)]
        for each in only(checks, Expression):
            found += self._mistake(each)
        for reference in only(checks, References):
            if not isinstance(reference.source, Table):
                found += mistakes_of_keys(reference, schema, self._keys(reference).schema)
        return found

    def _mistake(self, check: Expression) -> list[str]:
        from pyspark.errors import PySparkException
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        try:
            kind = self._frame.select(F.expr(check.sql)).schema.fields[0].dataType.simpleString()
            if kind != "boolean":
                return [f"{check}: the expression is {kind}, and not true or false"]
            # An aggregate or a window would be right in a select, and is not right of one row.
            _ = self._frame.where(F.expr(check.sql)).schema
        except PySparkException as error:
            return [f"{check}: {first_sentence(error)}"]
        return []

    def count(self) -> int:
        """One job."""
        return self._frame.count()

    def measure(self, checks: Sequence[Check]) -> list[Measured]:
        """One query for all; one for each unique key by its hashes, another for all other keys; one for the examples of each that fails."""
        rows, counts, keys = self._aggregate(checks)
        if rows and (keys or only(checks, References)):
            counts |= self._keyed(checks, keys)
        return [
            Measured(counts.get(at, 0), rows, self._examples(each) if counts.get(at) else [])
            for at, each in enumerate(checks)
        ]

    def _aggregate(self, checks: Sequence[Check]) -> tuple[int, dict[int, int], dict[int, Key]]:
        """All that one pass over the rows tells: their number, the violations of row checks, and what keys are like."""
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        asked: dict[str, Column] = {"n": F.count(F.lit(1))}
        keys: dict[int, Key] = {}
        for at, each in enumerate(checks):
            if isinstance(each, RowCheck):
                asked[f"r{at}"] = _count_if(self._violates(each))
            elif isinstance(each, Unique):
                types = [type_of(self._frame.schema, name) for name in each.keys]
                columns = [self._column(name) for name in each.keys]
                keys[at] = Key(columns, [kind.simpleString() for kind in types if kind is not None])
                asked |= {f"k{at}_{name}": column for name, column in keys[at].measures().items()}
        told: Row = self._frame.agg(*(column.alias(name) for name, column in asked.items())).collect()[0]
        values: dict[str, Any] = told.asDict()
        counts = {at: int(values[f"r{at}"]) for at in range(len(checks)) if f"r{at}" in values}
        for at, key in keys.items():
            key.told(int(values["n"]), {name: values[f"k{at}_{name}"] for name in key.measures()})
        return int(values["n"]), counts, keys

    def _keyed(self, checks: Sequence[Check], keys: dict[int, Key]) -> dict[int, int]:
        """Violations of checks that compare rows with each other or with keys elsewhere."""
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        spark = self._frame.sparkSession
        collected = {at: key for at, key in keys.items() if key.is_collected(spark)}
        frames = {at: key.counted(self._frame) for at, key in keys.items() if at not in collected}
        for at, each in enumerate(checks):
            if isinstance(each, References):
                frames[at] = self._orphans(each).agg(F.count(F.lit(1)).alias("value"))
        counts = {at: key.repeats(self._frame) for at, key in collected.items()}
        if frames:
            numbered = [frame.select(F.lit(at).alias("at"), "value") for at, frame in frames.items()]
            told = reduce(lambda one, other: one.unionAll(other), numbered).collect()
            counts |= {row["at"]: int(row["value"] or 0) for row in told}
        for at, key in keys.items():
            if counts[at] and not key.is_exact:
                # Two keys may have one hash: only the keys themselves say.
                counts[at] = self._surplus(checks[at])
        return counts

    def _surplus(self, check: Check) -> int:
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        return int(self._repeated(check).agg(F.sum(F.col("times") - 1)).collect()[0][0] or 0)

    def _repeated(self, check: Check) -> DataFrame:
        """The keys that more than one row has, as `k0`, `k1`, ..., and how many rows have each."""
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        keyed = self._keyed_rows(check)
        return keyed.groupBy(*keyed.columns).agg(F.count(F.lit(1)).alias("times")).where(F.col("times") > 1)

    def _keyed_rows(self, check: Check) -> DataFrame:
        """The keys without nulls, as `k0`, `k1`, ..."""
        columns = [self._column(name) for name in check.columns]
        complete = reduce(lambda one, other: one & other, [column.isNotNull() for column in columns])
        return self._frame.where(complete).select(*(column.alias(f"k{at}") for at, column in enumerate(columns)))

    def _orphans(self, check: References) -> DataFrame:
        """The rows' keys, as `k0`, `k1`, ..., that are not where they should be."""
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        keyed, known = self._keyed_rows(check), known_keys(check, self._keys, self._frame.schema)
        equal = reduce(
            lambda one, other: one & other, [F.col(f"k{at}") == F.col(f"f{at}") for at in range(len(check.to))]
        )
        return keyed.join(known, equal, "left_anti")

    def _examples(self, check: Check) -> list[Example]:
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        if isinstance(check, RowCheck):
            return self._rows(check)
        if isinstance(check, References):
            orphans = self._orphans(check)
            found = orphans.groupBy(*orphans.columns).agg(F.count(F.lit(1)).alias("times"))
        else:
            found = self._repeated(check)
        named = dict(zip((f"k{at}" for at in range(len(check.columns))), check.columns, strict=True)) | {"times": TIMES}
        texts = [_text(found.schema, name).alias(f"t{at}") for at, name in enumerate(named)]
        most = found.orderBy(F.col("times").desc(), "k0").limit(EXAMPLES).select(*texts)
        return [example(zip(named.values(), row, strict=True)) for row in most.collect()]

    def _rows(self, check: RowCheck) -> list[Example]:
        names = example_columns(check.columns, self._frame.columns)
        bad = self._frame.where(self._violates(check))
        texts = [_text(bad.schema, name).alias(f"t{at}") for at, name in enumerate(names)]
        return [example(zip(names, row, strict=True)) for row in bad.select(*texts).limit(EXAMPLES).collect()]

    def _violates(self, check: RowCheck) -> Column:
        from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

        if isinstance(check, NotNull):
            return self._column(check.column).isNull()
        if isinstance(check, Values):
            return ~self._column(check.column).isin(*(_literal(value) for value in check.values))
        if isinstance(check, Between):
            column, wrong = self._column(check.column), []
            if check.low is not None:
                wrong.append(column < _literal(check.low))
            if check.high is not None:
                wrong.append(column > _literal(check.high))
            return reduce(lambda one, other: one | other, wrong)
        assert isinstance(check, Expression)
        return ~F.expr(check.sql)

    def _column(self, name: str) -> Column:
        return column_at(self._frame.schema, name)


def first_sentence(error: Exception) -> str:
    """What Spark says first, without the name of the error and the plan that follows."""
    first = str(error).strip().splitlines()[0]
    return re.sub(r"\.? SQLSTATE: \w+.*", "", re.sub(r"^\[[A-Z0-9_.]+\] ", "", first)).rstrip(".;")


def _count_if(condition: Column) -> Column:
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    return F.count(F.when(condition, 1))


def _literal(value: Value) -> Column:
    from datetime import UTC, datetime

    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    if isinstance(value, datetime):
        # By way of a text, which means the same whatever the zones of Python and of the session are.
        if value.tzinfo is None:
            return F.lit(value.isoformat()).cast("timestamp_ntz")
        return F.lit(value.astimezone(UTC).isoformat()).cast("timestamp")
    return F.lit(value)


def _text(schema: StructType, name: str) -> Column:
    """A column's values for people."""
    from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

    column, data_type = column_at(schema, name), type_of(schema, name)
    if data_type is not None and data_type.typeName() == "binary":
        return F.concat(F.lit("\\x"), F.lower(F.hex(F.substring(column, 1, CARRIED))))
    return F.substring(column.cast("string"), 1, CARRIED)
