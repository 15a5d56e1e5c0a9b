"""All that a run record says, for people."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any

from stoker.entrypoint.summary import count, duration
from stoker.errors import number_of
from stoker.job.hints import size
from stoker.job.runline import run_line
from stoker.job.telling import error_lines
from stoker.record import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from stoker.record import AttemptRecord, PipelineRecord, RunRecord, SinkRecord


def text(record: RunRecord) -> str:
    """The run, then each pipeline with its sinks, and why what did not happen did not."""
    facts = [(name, value) for name, value in _facts(record) if value]
    width = max(len(name) for name, _ in facts)
    lines = [f"run {record.run_id}", *(f"  {name:<{width}}  {value}" for name, value in facts)]
    lines += _inside(error_lines(record.error) if record.error else ())
    for pipeline in record.pipelines:
        lines += ["", run_line(pipeline), *_inside(_pipeline(pipeline))]
    if record.state in {State.FAILED, State.INTERRUPTED, State.KILLED}:
        lines += ["", f"go on with: stoker resume {record.run_id}"]
    return "\n".join(lines)


def _facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "job", record.job
    yield "environment", record.environment
    yield "state", f"{record.state}{f' by {record.signal}' if record.signal else ''}"
    yield "started", _time(record.start)
    yield "ended", _time(record.end)
    yield "took", duration(record.seconds)
    yield "rows", count(record.rows)
    yield "parameters", _pairs(record.parameters)
    yield "only", ", ".join(record.only or ())
    yield "process", str(record.process or "")
    yield "Spark's log", record.spark_log or ""
    yield "versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield "code", ", ".join(f"{name} {digest[:8]}" for name, digest in record.code.items())
    for table in ("places", "spark", "run"):
        yield table, _pairs(record.configuration.get(table, {}))
    for name, connection in record.configuration.get("postgres", {}).items():
        yield f"postgres {name}", _pairs(connection)
    for number, attempt in enumerate(record.attempts, 1):
        yield f"try {number}", _attempt(attempt)
    for difference in record.differences:
        yield "differed", difference
    for fallback in record.fallbacks:
        yield "fallback", fallback


def _pipeline(record: PipelineRecord) -> Iterator[str]:
    if record.reason:
        yield f"skipped, because {record.reason}"
    if record.start:
        yield f"from {_time(record.start)}{f' to {_time(record.end)}' if record.end else ''}"
    if _rows(record):
        yield f"rows: {_rows(record)}"
    for argument, found in record.inputs.items():
        yield f"<- {argument}: {_input(found)}"
    for sink in record.sinks:
        yield from _sink(sink)
    for number, attempt in enumerate(record.attempts, 1):
        yield f"try {number}: {_attempt(attempt)}"
    if record.metrics is not None:
        yield f"tasks: {_pairs({key: value for key, value in asdict(record.metrics).items() if value is not None})}"
    yield from (f"fallback: {each}" for each in record.fallbacks)
    yield from (f"hint: {each}" for each in record.hints)
    if record.error:
        yield from error_lines(record.error)


def _rows(record: PipelineRecord) -> str:
    numbers = {
        "read (an estimate)": record.rows_read,
        "malformed ones dropped": record.rows_dropped or None,
        "written": record.rows_written,
    }
    return ", ".join(f"{number:,} {what}" for what, number in numbers.items() if number is not None)


def _sink(sink: SinkRecord) -> Iterator[str]:
    state = "published" if sink.published else "not published"
    if sink.already:
        state = "had been published before"
    sizes = [number_of(sink.rows, "row")] if sink.rows is not None else []
    sizes += [number_of(sink.files, "file")] if sink.files is not None else []
    sizes += [size(sink.bytes)] if sink.bytes is not None else []
    changed = {"inserted": sink.inserted, "updated": sink.updated, "deleted": sink.deleted}
    sizes += [f"{rows:,} {what}" for what, rows in changed.items() if rows is not None]
    output = f"{sink.output}: " if sink.output else ""
    yield f"-> {output}{sink.kind} {sink.where} ({sink.mode}): {', '.join([state, *sizes])}"
    if sink.way:
        yield f"   sent by {sink.way}"
    yield from (f"   {change}" for change in sink.changes)
    for check in sink.checks:
        took = f" ({duration(check.seconds)})" if check.seconds is not None else ""
        yield f"   check {check.name}, else {check.on_failure}: {check.state}, {check.found}{took}"
        yield from (f"     for instance {instance}" for instance in check.instances)


def _input(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "its content could not be told apart"
    where = found.get("where", "")
    rest = {key: value for key, value in found.items() if key not in {"where", "digest"} and value is not None}
    return f"{where} ({_pairs(rest)})" if rest else str(where)


def _attempt(attempt: AttemptRecord) -> str:
    start = f" from {_time(attempt.start)}" if attempt.start else ""
    end = f" to {_time(attempt.end)}" if attempt.end else ""
    return f"{attempt.state}{start}{end}{f': {attempt.error}' if attempt.error else ''}"


def _inside(lines: Iterable[str]) -> list[str]:
    return [textwrap.indent(line, "  ") for line in lines]


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _time(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" if time else ""
