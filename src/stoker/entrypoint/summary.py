"""What is said at the end of a run, as rows of text that a plain and a drawn table share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from stoker.errors import number_of
from stoker.job.telling import error_lines
from stoker.record import CheckState, State

if TYPE_CHECKING:
    from stoker.record import PipelineRecord, RunRecord

HEADINGS = ("pipeline", "state", "rows in", "rows out", "seconds", "where")
_MINUTE = 60
NUMERIC = {"rows in", "rows out", "seconds"}


def row(record: PipelineRecord) -> tuple[str, ...]:
    """One pipeline; its last cell has a line for each sink."""
    seconds = "" if record.seconds is None else f"{record.seconds:.1f}"
    state = str(record.state)
    if record.sinks and all(sink.already for sink in record.sinks):
        state = "had succeeded"
    warned = sum(check.state is CheckState.WARNED for sink in record.sinks for check in sink.checks)
    if warned:
        state += f", {number_of(warned, 'check')} warned"
    where = "\n".join(here(sink.where) for sink in record.sinks)
    return record.name, state, count(record.rows_read), count(record.rows_written), seconds, where


def here(text: str) -> str:
    """The text with paths below the working folder made relative."""
    return text.replace(f"{Path.cwd()}/", "")


def endings(record: RunRecord) -> list[str]:
    """The lines after the table: errors, what was skipped and why, dropped rows, checks that warned, the verdict."""
    lines = []
    for pipeline in record.pipelines:
        if pipeline.rows_dropped:
            lines.append(f"{pipeline.name}: {pipeline.rows_dropped:,} malformed rows were dropped")
        for sink in pipeline.sinks:
            lines += [f"{pipeline.name}: {here(sink.where)}: {change}" for change in sink.changes]
        lines += [
            f"{pipeline.name}: check {check.name} on {here(sink.where)} warned: {check.found}"
            for sink in pipeline.sinks
            for check in sink.checks
            if check.state is CheckState.WARNED
        ]
        if pipeline.reason:
            lines.append(f"{pipeline.name}: skipped, because {pipeline.reason}")
        if pipeline.error:
            lines += error_lines(pipeline.error)
    seconds = f" in {record.seconds:.1f} s" if record.seconds is not None else ""
    lines.append(f"run {record.run_id} {record.state}{seconds}")
    if not record.pipelines:
        lines.append("no pipeline had begun: nothing was written")
    if record.state is State.FAILED and record.spark_log:
        lines.append(f"Spark's own output is in {here(record.spark_log)}")
    if record.state is not State.SUCCEEDED and record.pipelines:
        lines.append(
            f"go on with: stoker resume {record.run_id} (or run it again with --run-id {record.run_id}); "
            "what is published is not published twice"
        )
    return lines


def count(number: int | None) -> str:
    """A number of rows for people; empty if it is not known."""
    return "" if number is None else f"{number:,}"


def duration(seconds: float | None) -> str:
    """Seconds for people: `12.3 s`, `4 min 05 s`, `2 h 03 min`; empty if they are not known."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE:02d} min"
