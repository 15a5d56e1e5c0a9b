"""A run's milestones in the log, beside whoever shows the run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stoker import logs
from stoker.errors import number_of
from stoker.job.events import Observer
from stoker.job.runline import run_line
from stoker.record import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import SparkSession

    from stoker.record import PipelineRecord, RunRecord

logger = logging.getLogger(logs.MILESTONES)


class Milestones(Observer):
    """Logs what happens, and tells it on.

    What the observer tells people on standard error is marked, so that a console does not show it twice.

    Args:
        observer: Is told everything.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    @property
    def tells(self) -> bool:
        """As the observer."""
        return self._observer.tells

    def run_started(self, record: RunRecord, pipelines: Sequence[str]) -> None:
        """INFO."""
        count = number_of(len(pipelines), "pipeline")
        self._log(logging.INFO, f"run {record.run_id} started: job {record.job}, {record.environment}, {count}")
        self._observer.run_started(record, pipelines)

    def session_started(self, spark: SparkSession) -> None:
        """Not a milestone."""
        self._observer.session_started(spark)

    def pipeline_started(self, name: str, group: str) -> None:
        """INFO."""
        self._log(logging.INFO, f"{name}: started")
        self._observer.pipeline_started(name, group)

    def pipeline_step(self, name: str, step: str) -> None:
        """DEBUG: there are many."""
        self._log(logging.DEBUG, f"{name}: {step}")
        self._observer.pipeline_step(name, step)

    def pipeline_retried(self, name: str, number: int, seconds: float) -> None:
        """The WARNING is the runner's."""
        self._observer.pipeline_retried(name, number, seconds)

    def pipeline_failed(self, name: str, error: BaseException) -> None:
        """ERROR, with the trace."""
        self._log(logging.ERROR, f"{name}: failed", error=error)
        self._observer.pipeline_failed(name, error)

    def pipeline_ended(self, record: PipelineRecord) -> None:
        """INFO, with rows and seconds; the state of one that did not succeed is a WARNING."""
        numbers = {"rows_read": record.rows_read, "rows_written": record.rows_written, "seconds": record.seconds}
        known = {name: number for name, number in numbers.items() if number is not None}
        reason = f", because {record.reason}" if record.reason else ""
        self._log(
            logging.INFO if record.state is State.SUCCEEDED else logging.WARNING,
            f"{run_line(record)}{reason}",
            {"pipeline": record.name, "state": str(record.state), **known},
        )
        self._observer.pipeline_ended(record)

    def run_ended(self, record: RunRecord) -> None:
        """INFO, or ERROR with the command that goes on."""
        succeeded = record.state is State.SUCCEEDED
        again = "" if succeeded or not record.pipelines else f"; go on with: stoker resume {record.run_id}"
        self._log(
            logging.INFO if succeeded else logging.ERROR,
            f"run {record.run_id} {record.state}{again}",
            {"state": str(record.state), "seconds": record.seconds},
        )
        self._observer.run_ended(record)

    def close(self) -> None:
        """Not a milestone."""
        self._observer.close()

    def _log(
        self, level: int, text: str, fields: Mapping[str, object] | None = None, error: BaseException | None = None
    ) -> None:
        # Without a handler Python would write the text to standard error: a notebook has the record.
        if logger.isEnabledFor(level) and logger.hasHandlers():
            shown = {logs.SHOWN: True} if self._observer.tells else {}
            logger.log(level, "%s", text, exc_info=error, extra={**(fields or {}), **shown}, stacklevel=2)
