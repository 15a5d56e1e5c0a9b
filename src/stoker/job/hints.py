"""What stands out in the metrics of a pipeline, and what to do about it: thresholds, and nothing of Spark.

`docs/architecture/RUN_LINES.md` has them as a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.record import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stoker.record import PipelineRecord, SinkRecord, TaskMetrics

KB, MB, GB = 10**3, 10**6, 10**9

GC_SHARE, GC_SECONDS = 0.20, 10.0
"""Garbage collection is told above this share of the task time, if it took this many seconds."""
SPILLED = 1 * GB
"""Bytes on disk."""
SKEW, SKEWED_SECONDS = 5.0, 10.0
"""The longest task is told above this multiple of the median one, if it took this many seconds."""
FILES, FILE_BYTES = 100, 1 * MB
"""Files of one sink are told above this number, if they have less than these bytes each on average."""


def hints(record: PipelineRecord) -> list[str]:
    """What stands out, one sentence each with its cure; empty if nothing does.

    Args:
        record: A pipeline that ended, with its metrics if there are any.
    """
    found = [] if record.metrics is None else list(_of_tasks(record.metrics))
    if record.metrics is not None and record.metrics.failed_tasks and record.state is State.SUCCEEDED:
        found.append(_failed(record.metrics))
    return found + [hint for sink in record.sinks for hint in _of_files(sink)]


def _of_tasks(metrics: TaskMetrics) -> Iterator[str]:
    share = metrics.gc_share or 0.0
    if share > GC_SHARE and metrics.gc_seconds >= GC_SECONDS:
        yield (
            f"garbage collection took {share:.0%} of the task time ({metrics.gc_seconds:.0f} of "
            f"{metrics.task_seconds:.0f} s): give more memory (spark.executor.memory; spark.driver.memory for a local "
            "run), or make partitions smaller (spark.sql.shuffle.partitions, repartition)"
        )
    if metrics.spilled_disk_bytes > SPILLED:
        yield (
            f"{size(metrics.spilled_disk_bytes)} were spilled to disk: raise spark.sql.shuffle.partitions, give more "
            "memory, or sort, join and aggregate fewer columns"
        )
    if metrics.skew is not None and metrics.skew > SKEW and (metrics.longest_task_seconds or 0.0) > SKEWED_SECONDS:
        yield (
            f"one task of stage {metrics.skew_stage} took {metrics.longest_task_seconds:.0f} s, the median one "
            f"{metrics.median_task_seconds:.1f} s: look for a value that most rows share in the keys of joins, "
            "groups and repartition (null too), or for one large file that cannot be split (gzip)"
        )


def _failed(metrics: TaskMetrics) -> str:
    one = metrics.failed_tasks == 1
    return (
        f"{metrics.failed_tasks} {'task' if one else 'tasks'} failed and {'was' if one else 'were'} tried again: rows "
        "are exact, time was lost; Spark's log has the causes (lost executors: memory; others: the data, the network)"
    )


def _of_files(sink: SinkRecord) -> Iterator[str]:
    if sink.files and sink.bytes is not None and sink.files > FILES and sink.bytes / sink.files < FILE_BYTES:
        yield (
            f"{sink.where} got {sink.files:,} files of {size(sink.bytes / sink.files)} on average, which makes reading "
            "slow: give the sink files=N (with partition_by= files=1, which is one in each partition), or partition by fewer "
            "columns"
        )


def size(number: float) -> str:
    """Bytes for people: `0 B`, `812 B`, `12.3 MB`; units of 1,000."""
    for unit, name in ((GB * KB, "TB"), (GB, "GB"), (MB, "MB"), (KB, "kB")):
        if number >= unit:
            return f"{number / unit:,.1f} {name}"
    return f"{number:.0f} B"
