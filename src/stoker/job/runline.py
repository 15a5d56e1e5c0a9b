"""The one line that says what a pipeline did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.errors import number_of
from stoker.job.hints import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stoker.record import PipelineRecord


def run_line(record: PipelineRecord) -> str:
    """One pipeline that ended, on one line: state, rows, seconds, its tries if there were several, and what its tasks did in the last."""
    rows = "" if record.rows_written is None else f", {record.rows_written:,} rows"
    seconds = "" if record.seconds is None else f" in {record.seconds:.1f} s"
    tries = f" over {len(record.attempts) + 1} tries" if record.attempts else ""
    costs = ", ".join(_costs(record))
    return f"{record.name}: {record.state}{rows}{seconds}{tries}{f'; {costs}' if costs else ''}"


def _costs(record: PipelineRecord) -> Iterator[str]:
    metrics = record.metrics
    if metrics is None:
        return
    yield f"{size(metrics.bytes_read)} read"
    # The same rows in a second sink are bytes and files of their own.
    sized = [sink for sink in record.sinks if sink.bytes is not None and not sink.already]
    if sized:
        files = sum(sink.files or 0 for sink in sized)
        yield f"{size(sum(sink.bytes or 0 for sink in sized))} written, {number_of(files, 'file')}"
    yield f"spilled {size(metrics.spilled_disk_bytes) if metrics.spilled_disk_bytes else 0}"
    if metrics.gc_share is not None:
        yield f"GC {metrics.gc_share:.0%}"
    if metrics.skew is not None:
        yield f"skew {metrics.skew:.1f}x"
    if metrics.failed_tasks:
        yield number_of(metrics.failed_tasks, "failed task")
