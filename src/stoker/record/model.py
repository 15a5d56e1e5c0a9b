"""What a run record holds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stoker.record.metrics import TaskMetrics


class State(StrEnum):
    """How a run or a pipeline stands. `str(state)` is what the record has."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"


@dataclass
class SinkRecord:
    """What one sink of a pipeline did."""

    kind: str
    """The format: `parquet`, `csv`, `postgres`, or what a connector calls itself."""
    where: str
    """The path or table, resolved, without secrets."""
    mode: str
    """`replace`, `append` or `replace_partitions`."""
    output: str | None = None
    """The transformer's output, if it has several."""
    published: bool = False
    """Whether readers see the rows."""
    already: bool = False
    """Whether an earlier attempt with this run id had published them."""
    rows: int | None = None
    """Rows written; null if the sink cannot tell."""
    files: int | None = None
    """Files written, if they are files."""
    bytes: int | None = None
    """Bytes of these files."""


@dataclass
class PipelineRecord:
    """What one pipeline did."""

    name: str
    state: State = State.RUNNING
    start: datetime | None = None
    end: datetime | None = None
    rows_read: int | None = None
    """From the scans' SQL metrics: an estimate, since a retried or a twice-read scan counts twice. Null if unknown."""
    rows_dropped: int | None = None
    """Malformed rows that the sources dropped, where one was told to."""
    rows_written: int | None = None
    """Rows of all outputs, each counted once though several sinks hold it."""
    sinks: list[SinkRecord] = field(default_factory=list)
    error: dict[str, str | None] | None = None
    """`type`, `message`, `state` and `next` of the error."""
    reason: str | None = None
    """Why it was skipped."""
    fallbacks: list[str] = field(default_factory=list)
    metrics: TaskMetrics | None = None
    """What its Spark tasks cost; null if Spark does not tell."""
    hints: list[str] = field(default_factory=list)
    """What stands out in the metrics and files, each with what to do about it."""

    @property
    def seconds(self) -> float | None:
        """Seconds from start to end, or None if it has not run."""
        return (self.end - self.start).total_seconds() if self.start and self.end else None


@dataclass
class RunRecord:
    """What one run did: written as `<run id>.json` under `[run] records`."""

    run_id: str
    job: str
    environment: str
    start: datetime
    state: State = State.RUNNING
    end: datetime | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    only: list[str] | None = None
    """The pipelines that were asked for; null means all."""
    versions: dict[str, str] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    """Without secrets: these are shown as their `secret://` reference or masked."""
    pipelines: list[PipelineRecord] = field(default_factory=list)
    fallbacks: list[str] = field(default_factory=list)
    spark_log: str | None = None
    """The file with the output of Spark's JVM, if the run started it."""
    signal: str | None = None
    """`SIGINT` or `SIGTERM` if the run was interrupted by one."""

    @property
    def seconds(self) -> float | None:
        """Seconds from start to end, or None while it runs."""
        return (self.end - self.start).total_seconds() if self.end else None

    def pipeline(self, name: str) -> PipelineRecord:
        """The record of the pipeline of that name.

        Raises:
            KeyError: If the run had no such pipeline.
        """
        for record in self.pipelines:
            if record.name == name:
                return record
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values; `schema()` describes them."""
        document: dict[str, Any] = {"version": 1, **_plain(dataclasses.asdict(self))}
        document["seconds"] = self.seconds
        for entry, record in zip(document["pipelines"], self.pipelines, strict=True):
            entry["seconds"] = record.seconds
        return document


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
