"""A run drawn on a terminal: one line a pipeline, from Spark's status tracker."""

from __future__ import annotations

import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from stoker.cli.tables import COLOURS, show
from stoker.entrypoint.summary import HEADINGS, NUMERIC, endings, here, row
from stoker.job.events import Observer
from stoker.job.runline import run_line
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import SparkSession

    from stoker.entrypoint.arguments import RunOptions
    from stoker.record import PipelineRecord, RunRecord

_EVERY = 0.25
"""Seconds between two looks at Spark."""


@dataclass
class _Line:
    """One pipeline on the screen."""

    group: str | None = None
    started: float = 0.0
    step: str = "waits"
    tasks: str = ""
    ended: PipelineRecord | None = None


class LiveObserver(Observer):
    """Draws on standard error; the table at the end goes to standard output."""

    def __init__(self, asked: RunOptions) -> None:
        self._asked = asked
        # What is logged meanwhile is printed above the lines, and a line of JSON stays one.
        self._console = Console(stderr=True, soft_wrap=True)
        self._lines: dict[str, _Line] = {}
        self._tracker: Any = None
        self._over = threading.Event()
        self._starting = "Spark starts"
        self._live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=8, transient=True)

    @property
    def tells(self) -> bool:
        """It draws."""
        return True

    def run_started(self, record: RunRecord, pipelines: Sequence[str]) -> None:
        """Draw all pipelines as waiting."""
        self._lines = {name: _Line() for name in pipelines}
        self._console.print(f"run [bold]{record.run_id}[/]: job {record.job}, {record.environment}", highlight=False)
        self._live.start()

    def session_started(self, spark: SparkSession) -> None:
        """Begin to ask Spark."""
        self._starting = ""
        self._tracker = spark.sparkContext.statusTracker()
        threading.Thread(target=self._watch, name="stoker-progress", daemon=True).start()

    def pipeline_started(self, name: str, group: str) -> None:
        """Let its line run."""
        self._lines[name] = _Line(group, time.monotonic(), "starts")

    def pipeline_step(self, name: str, step: str) -> None:
        """Show what it does."""
        self._lines[name].step = here(step)
        self._lines[name].tasks = ""

    def pipeline_retried(self, name: str, number: int, seconds: float) -> None:
        """Show when it goes on."""
        self._lines[name].step = f"failed, try {number} in {seconds:.1f} s"
        self._lines[name].tasks = ""

    def pipeline_failed(self, name: str, error: BaseException) -> None:
        """Print the trace above the lines if that was asked for."""
        if self._asked.traceback:
            trace = "".join(traceback.format_exception(error))
            self._console.print(Text(redact(f"{name}: {trace}")))

    def pipeline_ended(self, record: PipelineRecord) -> None:
        """Show its state, and above the lines what it cost."""
        self._lines.setdefault(record.name, _Line()).ended = record
        if record.metrics is not None:
            self._console.print(Text(redact(run_line(record))))

    def run_ended(self, record: RunRecord) -> None:
        """Take the lines away and print the table."""
        self.close()
        if record.pipelines:
            show(HEADINGS, [row(pipeline) for pipeline in record.pipelines], numeric=NUMERIC)
        for line in endings(record):
            style = "red" if line.startswith("error:") else ""
            self._console.print(Text(redact(line), style=style))

    def close(self) -> None:
        """End the drawing, whatever happened."""
        self._over.set()
        with suppress(Exception):
            self._live.stop()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            for line in list(self._lines.values()):
                if line.group and line.ended is None:
                    with suppress(Exception):  # the session may be stopping
                        line.tasks = self._progress(line.group)

    def _progress(self, group: str) -> str:
        """The newest stage that runs, with its tasks."""
        for job in sorted(self._tracker.getJobIdsForGroup(group), reverse=True):
            info = self._tracker.getJobInfo(job)
            if info is None or info.status != "RUNNING":
                continue
            for stage in sorted(info.stageIds, reverse=True):
                found = self._tracker.getStageInfo(stage)
                if found is not None and found.numActiveTasks:
                    return f"stage {stage}: {found.numCompletedTasks}/{found.numTasks} tasks"
        return ""

    def _draw(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        if self._starting:
            grid.add_row(Spinner("dots"), self._starting)
        for name, line in list(self._lines.items()):
            if line.ended is not None:
                seconds = "" if line.ended.seconds is None else f"{line.ended.seconds:.1f} s"
                state = Text(str(line.ended.state), style=COLOURS.get(str(line.ended.state), ""))
                grid.add_row("", name, state, "", seconds)
            elif line.group is None:
                grid.add_row("", Text(name, style="dim"), Text(line.step, style="dim"), "", "")
            else:
                seconds = f"{time.monotonic() - line.started:.0f} s"
                grid.add_row(Spinner("dots"), name, Text(line.step), line.tasks, seconds)
        return grid
