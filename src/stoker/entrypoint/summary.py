"""What is said at the end of a run, as rows of text that a plain and a drawn table share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stoker.record import State

if TYPE_CHECKING:
    from stoker.record import PipelineRecord, RunRecord

HEADINGS = ("pipeline", "state", "rows in", "rows out", "seconds", "where")
NUMERIC = {"rows in", "rows out", "seconds"}


def row(record: PipelineRecord) -> tuple[str, ...]:
    """One pipeline; its last cell has a line for each sink."""
    seconds = "" if record.seconds is None else f"{record.seconds:.1f}"
    state = str(record.state)
    if record.sinks and all(sink.already for sink in record.sinks):
        state = "had succeeded"
    where = "\n".join(here(sink.where) for sink in record.sinks)
    return record.name, state, _count(record.rows_read), _count(record.rows_written), seconds, where


def here(text: str) -> str:
    """The text with paths below the working folder made relative."""
    return text.replace(f"{Path.cwd()}/", "")


def endings(record: RunRecord) -> list[str]:
    """The lines after the table: errors, what was skipped and why, dropped rows, the verdict."""
    lines = []
    for pipeline in record.pipelines:
        if pipeline.rows_dropped:
            lines.append(f"{pipeline.name}: {pipeline.rows_dropped:,} malformed rows were dropped")
        if pipeline.reason:
            lines.append(f"{pipeline.name}: skipped, because {pipeline.reason}")
        if pipeline.error:
            lines.append(f"error: {pipeline.error['message']}")
            lines += [f"  State: {pipeline.error['state']}"] if pipeline.error["state"] else []
            lines += [f"  Next: {pipeline.error['next']}"] if pipeline.error["next"] else []
    seconds = f" in {record.seconds:.1f} s" if record.seconds is not None else ""
    lines.append(f"run {record.run_id} {record.state}{seconds}")
    if record.state is State.FAILED and record.spark_log:
        lines.append(f"Spark's own output is in {here(record.spark_log)}")
    if record.state is not State.SUCCEEDED and record.pipelines:
        lines.append(f"run it again with --run-id {record.run_id}: what is published is not published twice")
    return lines


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
