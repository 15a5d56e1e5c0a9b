"""A run shown as plain lines: for files, schedulers and clusters."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

from stoker import logs
from stoker.entrypoint.columns import aligned
from stoker.entrypoint.summary import HEADINGS, NUMERIC, endings, here, row
from stoker.errors import number_of
from stoker.job.events import Observer
from stoker.job.runline import run_line
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.entrypoint.arguments import RunOptions
    from stoker.record import PipelineRecord, RunRecord


class PlainObserver(Observer):
    """Writes lines to standard error, and the table to standard output.

    Where standard error gets the log as JSON, the milestones are in it, and lines for people are not.
    """

    def __init__(self, asked: RunOptions) -> None:
        self._asked = asked

    @property
    def tells(self) -> bool:
        """Unless the log does."""
        return not logs.console_is_json()

    def run_started(self, record: RunRecord, pipelines: Sequence[str]) -> None:
        """Say the run and its pipelines."""
        self._say(
            f"run {record.run_id}: job {record.job}, {record.environment}, {number_of(len(pipelines), 'pipeline')}"
        )

    def pipeline_started(self, name: str, group: str) -> None:
        """Say it."""
        del group
        self._say(f"{name}: started")

    def pipeline_step(self, name: str, step: str) -> None:
        """Say it."""
        self._say(f"{name}: {here(step)}")

    def pipeline_retried(self, name: str, number: int, seconds: float) -> None:
        """Say when it goes on."""
        self._say(f"{name}: failed, try {number} in {seconds:.1f} s")

    def pipeline_failed(self, name: str, error: BaseException) -> None:
        """Print the trace if that was asked for."""
        if self._asked.traceback:
            self._say(f"{name}: {''.join(traceback.format_exception(error))}")

    def pipeline_ended(self, record: PipelineRecord) -> None:
        """Say the state and what it cost."""
        self._say(run_line(record))

    def run_ended(self, record: RunRecord) -> None:
        """Print the table and what comes after it."""
        if record.pipelines and not self._asked.as_json:
            print(redact(table(record)))  # noqa: T201 - the result
        for line in endings(record):
            self._say(line)

    def _say(self, text: str) -> None:
        if self.tells:
            print(redact(text), file=sys.stderr, flush=True)  # noqa: T201 - the command line speaks


def table(record: RunRecord) -> str:
    """The pipelines as a table of text."""
    return aligned(HEADINGS, NUMERIC, [row(pipeline) for pipeline in record.pipelines])
