"""What rows may hold: every type that a sink takes, nulls, many columns, and any names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from behaviour import values
from behaviour.sinks import every_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import DataFrame, SparkSession

    from behaviour.target import Target

ONE_A_KIND = ["parquet-replace", "csv-replace_partitions", "json-append", "postgres-replace"]


@pytest.fixture
def far_zone(spark: SparkSession) -> Iterator[None]:
    """A session whose time zone is neither this machine's nor the server's."""
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    yield
    spark.conf.set("spark.sql.session.timeZone", "UTC")


def publish(target: Target, frame: DataFrame) -> None:
    """Make the target as wide as the frame, then load the frame in the target's mode."""
    target.make(frame.schema)
    options: dict[str, Any] = {"key": ["n"]} if target.case.mode.name == "upsert" else {}
    target.must(target.run("frame", _made(frame), **options))


def _made(frame: DataFrame) -> Callable[[DataFrame], DataFrame]:
    """A transformer that gives the frame."""
    return lambda rows: frame


@pytest.mark.usefixtures("far_zone")
@pytest.mark.parametrize("target", every_case(always=[*ONE_A_KIND, "table-replace"]), indirect=True)
def test_every_type_arrives_as_it_was(target: Target) -> None:
    """Extremes, odd texts and nulls of each type that the sink takes are what its readers get, whatever the time zone."""
    frame, rows = values.frame(target.spark, target.case.kind.name)

    publish(target, frame)

    assert values.differences(frame.columns, rows, target.rows_of(frame.schema)) == []


@pytest.mark.parametrize("target", every_case(always=["csv-replace", "postgres-append"]), indirect=True)
def test_a_wide_frame_arrives(target: Target) -> None:
    """Three hundred columns, all of them."""
    wide = [(F.col("id") * number).alias(f"column {number}") for number in range(300)]
    frame = target.spark.range(20).select(F.col("id").alias("n"), (F.col("id") % 3).alias("part"), *wide)

    publish(target, frame)

    expected = [(n, n % 3, *(n * number for number in range(300))) for n in range(20)]
    assert target.rows_of(frame.schema) == expected


NAMES = [
    'a"b', "it's", "a.b", "a`b", "a,b;c", "a=b", "a/b", "select", "order", "UPPER", "with space", "straße", "日本", "c1",
    "%s", "%20", ":x", "$1", "{x}", "[y]", "#", "_hidden", ".dotted",
]  # fmt: skip


@pytest.mark.parametrize("target", every_case(always=ONE_A_KIND), indirect=True)
def test_names_are_only_names(target: Target) -> None:
    """Columns may be called anything: quotes, dots, spaces, keywords, capitals, letters of any script."""
    numbers = [(F.col("id") + at).alias(name) for at, name in enumerate(NAMES)]
    frame = target.spark.range(3).select(F.col("id").alias("n"), F.lit(1).alias("part"), *numbers)

    publish(target, frame)

    assert target.rows_of(frame.schema) == [(n, 1, *(n + at for at in range(len(NAMES)))) for n in range(3)]


@pytest.mark.parametrize(
    "where", [pytest.param("Select", marks=pytest.mark.faults), 'a="Ro ws" of it\'s.Grüße %s%20+ {x}[y]*']
)
@pytest.mark.parametrize(
    "target",
    # The catalogue takes letters, digits and _ only.
    every_case(always=["parquet-replace", "postgres-append"], where=lambda case: case.kind.name != "table"),
    indirect=True,
)
def test_targets_may_have_any_name(target: Target, where: str) -> None:
    """Folders and tables too, in every mode."""
    odd = target.named(where)
    odd.load(1, "first")
    odd.load(2, "second", "23")

    odd.assert_all_see(odd.after((1, ""), (2, "23")))


VALUES = [
    "plain",
    "a b",
    "a/b",
    "a=b",
    "a:b",
    "%41",
    "%",
    "ü",
    "{x}",
    "[y]",
    "*",
    "a'b",
    'a"b',
    "\\",
    "_x",
    ".x",
    "+",
    None,
]


@pytest.mark.parametrize(
    "target",
    every_case(
        always=["parquet-replace_partitions", "table-replace_partitions"],
        where=lambda case: case.kind.is_files,
    ),
    indirect=True,
)
def test_partitions_may_have_any_value(target: Target) -> None:
    """A partition's value comes back as it was, and is replaced by its own rows only."""
    name = 'part of, "x".y'
    schema = f"n int, `{name}` string"

    def rows_of_version(version: int, chosen: list[Any]) -> DataFrame:
        numbers = [(VALUES.index(value) + 100 * version, value) for value in chosen]
        return target.spark.createDataFrame(numbers, schema)

    for version, chosen in ((1, VALUES), (2, VALUES[::2])):
        record = target.run(f"run-{version}", _made(rows_of_version(version, chosen)), partition_by=[name])
        target.must(record)

    old, new = (
        [(row["n"], row[name]) for row in frame.collect()]
        for frame in (rows_of_version(1, VALUES), rows_of_version(2, VALUES[::2]))
    )
    expected = sorted(target.case.mode.after(old, new), key=str)
    assert sorted(target.rows_of(rows_of_version(1, VALUES).schema), key=str) == expected
