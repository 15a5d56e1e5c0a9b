"""What is asked of one run, with its configuration loaded and its parameters checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.job.events import Observer
from stoker.job.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from stoker.config import Config
    from stoker.job.job import Job
    from stoker.record import RunRecord


@dataclass(frozen=True)
class Request:
    """One run."""

    job: Job
    config: Config
    parameters: Any = None
    only: Sequence[str] | None = None
    run_id: str | None = None
    """Else `STOKER_RUN_ID`, else a new one."""
    spark: SparkSession | None = None
    """A session to use; else the active one; else one is made, and stopped at the end."""
    spark_log: Path | None = None
    """Where the output of that session's JVM goes, if it is known."""
    observer: Observer = field(default_factory=Observer)
    stop: Stop = field(default_factory=Stop)
    before: Callable[[SparkSession, RunRecord], None] | None = None
    """For a run that is resumed: called before its record is touched, and may refuse. What succeeded is then kept."""
