"""What every sink does with rows, when nothing goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from behaviour.sinks import every_case

if TYPE_CHECKING:
    from behaviour.target import Target

ALWAYS = [
    "parquet-replace",
    "parquet-append",
    "parquet-replace_partitions",
    "csv-replace_partitions",
    "json-append",
    "postgres-replace",
    "postgres-append",
    "postgres-upsert",
    "postgres-replace_partitions",
]

SMOKE = ["parquet-replace", "csv-replace_partitions", "json-append", "postgres-append"]


@pytest.mark.parametrize("target", every_case(always=ALWAYS, smoke=SMOKE), indirect=True)
def test_rows_are_published_once_for_a_run_id(target: Target) -> None:
    """A run publishes as its mode says; its id again publishes nothing, though the rows have changed by then."""
    target.load(1, "first")
    second = target.load(2, "second", "23")
    again = target.load(3, "second")

    assert second.pipelines[0].rows_written == again.pipelines[0].rows_written == 20
    assert again.pipelines[0].sinks[0].already
    target.assert_all_see(target.after((1, ""), (2, "23")))


@pytest.mark.parametrize(
    "target", every_case(always=["parquet-replace_partitions", "json-append", "postgres-replace"]), indirect=True
)
def test_no_rows_are_rows_too(target: Target) -> None:
    """Into nothing, an empty frame publishes an empty target that can be read; later it empties, or adds nothing."""
    target.load(1, "first", "none")
    target.assert_all_see([])
    target.load(2, "second")
    target.assert_all_see(target.after((2, "")))

    record = target.load(3, "third", "none")

    assert record.pipelines[0].rows_written == 0
    target.assert_all_see(target.after((2, ""), (3, "none")))
