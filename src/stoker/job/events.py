"""What a run tells to whoever shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from stoker.record import PipelineRecord, RunRecord


class Observer:
    """Is told what happens in a run; each method may be called from any thread and should return at once."""

    @property
    def tells(self) -> bool:
        """Whether it tells people on standard error."""
        return False

    def run_started(self, record: RunRecord, pipelines: Sequence[str]) -> None:
        """The run begins; Spark is not there yet."""

    def session_started(self, spark: SparkSession) -> None:
        """Spark is there."""

    def pipeline_started(self, name: str, group: str) -> None:
        """A pipeline begins; its Spark jobs have this job group."""

    def pipeline_step(self, name: str, step: str) -> None:
        """What a pipeline does now, in words."""

    def pipeline_retried(self, name: str, number: int, seconds: float) -> None:
        """A pipeline failed and is tried again after so many seconds, for the time of that number (2 is the first retry)."""

    def pipeline_failed(self, name: str, error: BaseException) -> None:
        """A pipeline raised; its record has the words, this the trace."""

    def pipeline_ended(self, record: PipelineRecord) -> None:
        """A pipeline ended, or is skipped."""

    def run_ended(self, record: RunRecord) -> None:
        """All is done, and the record is written."""

    def close(self) -> None:
        """The run is over, however it ended; called last, also after an error."""
