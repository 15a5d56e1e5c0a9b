"""What a run record holds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from stoker.record.metrics import TaskMetrics  # noqa: TC001 - as Process
from stoker.record.process import Process  # noqa: TC001 - a record is read back by the types of its fields

VERSION = 1
"""Of the form of a record: one that is newer is refused."""


class State(StrEnum):
    """How a run or a pipeline stands. `str(state)` is what the record has."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    """Its process is gone and could not say how it ended."""


class CheckState(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    """It was violated, and nothing of the pipeline is published."""
    WARNED = "warned"
    """It was violated, and that is said."""


@dataclass
class CheckRecord:
    """What one check of a sink found in the staged rows."""

    name: str
    on_failure: str
    """`fail` or `warn`."""
    state: CheckState
    violations: int | None = None
    """Rows that violate it; null for a check of the number of rows."""
    rows: int | None = None
    """Of how many rows."""
    detail: str | None = None
    """What a check of the number of rows compared."""
    examples: list[dict[str, str | None]] = field(default_factory=list)
    """Some of the rows, or keys, that violate it: values as text by column, long ones cut."""
    seconds: float | None = None
    """Of the queries that computed it, with the other checks of that sink."""

    @property
    def found(self) -> str:
        """What it found, in words."""
        return self.detail or f"{self.violations or 0:,} of {self.rows or 0:,} rows"

    @property
    def instances(self) -> list[str]:
        """The examples, in words: `id=7, city=null`."""
        return [
            ", ".join(f"{name}={'null' if value is None else value}" for name, value in example.items())
            for example in self.examples
        ]


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
    inserted: int | None = None
    """Rows that were added to a table; null if the sink cannot tell."""
    updated: int | None = None
    """Rows of a table that were rewritten."""
    deleted: int | None = None
    """Rows of a table that were removed."""
    changes: list[str] = field(default_factory=list)
    """How the columns differ from those that were published before, and what `on_drift=` made of it."""
    checks: list[CheckRecord] = field(default_factory=list)
    """What its checks found, before it was published."""
    way: str | None = None
    """How the rows were sent, where a sink has several ways, and why not the fastest."""


@dataclass
class AttemptRecord:
    """An earlier try, of a run or of a pipeline."""

    start: datetime | None
    end: datetime | None
    """None if it was killed."""
    state: State
    error: str | None = None
    """What failed, for a pipeline that is tried again."""


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
    inputs: dict[str, Any] = field(default_factory=dict)
    """What told the content of each external source when it was read, by argument; null where a source cannot say."""
    attempts: list[AttemptRecord] = field(default_factory=list)
    """Tries of this run that failed for a reason that may pass; see `retries=`."""
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
    process: Process | None = None
    """Who does the run."""
    code: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the project's own modules that were loaded, by path below the project."""
    attempts: list[AttemptRecord] = field(default_factory=list)
    """Earlier tries with this run id, oldest first."""
    differences: list[str] = field(default_factory=list)
    """What differed from the earlier tries when the run was resumed all the same."""
    error: dict[str, str | None] | None = None
    """Why it failed outside of its pipelines: `type`, `message`, `state` and `next`."""

    @property
    def seconds(self) -> float | None:
        """Seconds from start to end, or None while it runs."""
        return (self.end - self.start).total_seconds() if self.end else None

    @property
    def rows(self) -> int | None:
        """Rows written by all pipelines, or None if no one told."""
        told = [record.rows_written for record in self.pipelines if record.rows_written is not None]
        return sum(told) if told else None

    @property
    def settled(self) -> State:
        """The state; `killed` for a run that says it is running, and whose process is gone."""
        is_gone = self.state is State.RUNNING and self.process is not None and self.process.is_dead
        return State.KILLED if is_gone else self.state

    def as_settled(self) -> RunRecord:
        """The record as it stands: where its process is gone, the run and what it was doing are `killed`."""
        if self.settled is self.state:
            return self
        pipelines = [
            dataclasses.replace(each, state=State.KILLED) if each.state is State.RUNNING else each
            for each in self.pipelines
        ]
        return dataclasses.replace(self, state=self.settled, pipelines=pipelines)

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
        document: dict[str, Any] = {"version": VERSION, **_plain(dataclasses.asdict(self))}
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
