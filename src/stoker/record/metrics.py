"""What Spark's tasks cost, as a run record has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskMetrics:
    """What the tasks of one pipeline did in its last try, added up over its Spark jobs; failed and repeated tasks count too."""

    jobs: int
    """Spark jobs."""
    stages: int
    """Stages that ran, each attempt for itself; skipped ones are left out."""
    tasks: int
    """Tasks that succeeded."""
    failed_tasks: int
    """Attempts that failed; those that Spark killed itself, as speculation does, are left out."""
    task_seconds: float
    """Seconds that executors spent in tasks, one task after the other."""
    cpu_seconds: float
    """Seconds of CPU in that, of the JVM alone: a Python worker's are not in it."""
    gc_seconds: float
    """Seconds of garbage collection during tasks; tasks that run at the same time in one JVM each count them."""
    bytes_read: int
    """Bytes that scans read from files, compressed as they are; also of staged files that a second sink reads."""
    bytes_written: int
    """Bytes that tasks wrote to files. What COPY sends to PostgreSQL is not in it."""
    shuffle_bytes: int
    """Bytes written for shuffles."""
    spilled_memory_bytes: int
    """Bytes that did not fit into memory, as they were there."""
    spilled_disk_bytes: int
    """The same bytes as they were written to disk: serialised and compressed."""
    peak_memory_bytes: int | None = None
    """The most execution memory (sorts, joins, aggregates) of one task, in the stages that were looked into for skew."""
    skew: float | None = None
    """The longest task over the median one, in the stage where their difference is largest; null with fewer than 3 tasks."""
    skew_stage: int | None = None
    """The id of that stage, as Spark's UI and event log have it."""
    longest_task_seconds: float | None = None
    """Of that stage."""
    median_task_seconds: float | None = None
    """Of that stage."""

    @property
    def gc_share(self) -> float | None:
        """Garbage collection as a share of the tasks' time, from 0 to 1; None without any time."""
        return min(1.0, self.gc_seconds / self.task_seconds) if self.task_seconds else None
