"""What stands out in a pipeline's metrics, at the thresholds of `docs/architecture/RUN_LINES.md`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stoker.job.hints import hints, size
from stoker.job.runline import run_line
from stoker.record import PipelineRecord, SinkRecord, State, TaskMetrics

QUIET = TaskMetrics(
    jobs=2,
    stages=3,
    tasks=12,
    failed_tasks=0,
    task_seconds=100.0,
    cpu_seconds=80.0,
    gc_seconds=3.0,
    bytes_read=30_100_000,
    bytes_written=12_300_000,
    shuffle_bytes=0,
    spilled_memory_bytes=0,
    spilled_disk_bytes=0,
    skew=1.4,
    skew_stage=7,
    longest_task_seconds=14.0,
    median_task_seconds=10.0,
)
START = datetime(2026, 11, 1, tzinfo=UTC)


def record(
    *, files: int = 2, size_of_all: int = 12_300_000, state: State = State.SUCCEEDED, **changed: Any
) -> PipelineRecord:
    """A pipeline that ended, quiet but for what is changed."""
    sink = SinkRecord("parquet", "/lake/flights", "replace", files=files, bytes=size_of_all)
    return PipelineRecord(
        "flights",
        state,
        START,
        START + timedelta(seconds=36),
        rows_written=336_776,
        sinks=[sink],
        metrics=replace(QUIET, **changed),
    )


@pytest.mark.parametrize(
    ("below", "above", "told"),
    [
        ({"gc_seconds": 20.0}, {"gc_seconds": 20.1}, "garbage collection took 20% of the task time (20 of 100 s)"),
        ({"gc_seconds": 9.9, "task_seconds": 11.0}, {"gc_seconds": 10.0, "task_seconds": 11.0}, "took 91%"),
        ({"spilled_disk_bytes": 10**9}, {"spilled_disk_bytes": 10**9 + 1}, "1.0 GB were spilled to disk"),
        ({"skew": 5.0}, {"skew": 5.1}, "one task of stage 7 took 14 s, the median one 10.0 s"),
        (
            {"skew": 9.0, "longest_task_seconds": 10.0},
            {"skew": 9.0, "longest_task_seconds": 10.1},
            "one task of stage 7",
        ),
        ({}, {"failed_tasks": 1}, "1 task failed and was tried again"),
        ({"failed_tasks": 2, "state": State.FAILED}, {"failed_tasks": 2}, "2 tasks failed and were tried again"),
        (
            {"files": 100, "size_of_all": 1},
            {"files": 101, "size_of_all": 10_100},
            "files of 100 B on average, which makes reading slow: give the sink files=N",
        ),
        ({"files": 500, "size_of_all": 500_000_000}, {"files": 500, "size_of_all": 499_999_999}, "of 1,000.0 kB"),
    ],
)
def test_what_stands_out_is_told_above_its_threshold(below: dict[str, Any], above: dict[str, Any], told: str) -> None:
    """At the threshold nothing is said; above it there is one hint, with figures and a cure."""
    assert hints(record(**below)) == []
    [hint] = hints(record(**above))
    assert told in hint
    assert ": " in hint or "coalesce" in hint


def test_a_pipeline_without_metrics_has_no_hints_about_tasks() -> None:
    """Where Spark does not tell, nothing is made up."""
    unknown = record()
    unknown.metrics = None
    assert hints(unknown) == []
    assert run_line(unknown) == "flights: succeeded, 336,776 rows in 36.0 s"


def test_the_line_of_a_pipeline_is_for_people() -> None:
    """Rows, seconds, bytes, files, spill, garbage collection and skew; failed tasks only if there are any."""
    assert run_line(record()) == (
        "flights: succeeded, 336,776 rows in 36.0 s; 30.1 MB read, 12.3 MB written, 2 files, spilled 0, GC 3%, skew 1.4x"
    )
    assert run_line(record(failed_tasks=1, files=1, spilled_disk_bytes=2_500, skew=None)).endswith(
        "12.3 MB written, 1 file, spilled 2.5 kB, GC 3%, 1 failed task"
    )


def test_sizes_are_told_in_units_of_a_thousand() -> None:
    """From bytes to terabytes."""
    assert [size(number) for number in (0, 999, 1_000, 12_345_678, 2 * 10**9, 3 * 10**15)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "12.3 MB",
        "2.0 GB",
        "3,000.0 TB",
    ]
