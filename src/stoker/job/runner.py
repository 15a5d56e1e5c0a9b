"""The pipelines of a run, each in a thread of its own; the main thread waits and hears signals.

The main thread never waits inside py4j, where Python cannot handle a signal.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stoker.connectors.base import Context, Names
from stoker.errors import InterruptedRunError, StokerError
from stoker.job.hints import hints
from stoker.pipeline.run import run_pipeline
from stoker.record import PipelineRecord, RunRecord, State
from stoker.secrets import redact
from stoker.spark.stages import TaskMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import SparkSession

    from stoker.job.events import Observer
    from stoker.job.job import Job

logger = logging.getLogger(__name__)

_GRACE = 30.0
"""Seconds that pipelines have to end after a signal: a publish that is decided is finished in them."""


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, raised in the main thread like Ctrl-C."""


class Runner:
    """Runs the pipelines of one run.

    Args:
        job: The job.
        spark: The session.
        names: Configuration and parameters.
        record: Is filled.
        observer: Is told what happens.
        save: Writes the record; called whenever a pipeline ends.
    """

    def __init__(
        self,
        job: Job,
        spark: SparkSession,
        names: Names,
        record: RunRecord,
        observer: Observer,
        save: Callable[[], None],
    ) -> None:
        self._job = job
        self._spark = spark
        self._names = names
        self._record = record
        self._observer = observer
        self._save = save
        self._tag = f"stoker-{record.run_id.replace(',', '_')}"
        self._meter = TaskMeter(spark)
        self._stopped = threading.Event()
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self, pipelines: Sequence[str], *, parallel: int, fail_fast: bool) -> None:
        """Run them; a pipeline whose predecessor did not succeed is skipped.

        Args:
            pipelines: In order.
            parallel: How many at a time.
            fail_fast: Whether the first failure stops all.
        """
        waiting, running = list(pipelines), dict[str, threading.Thread]()
        while waiting or running:
            try:
                self._start_ready(waiting, running, parallel)
                if not running:
                    continue
                name = self._ended.get(timeout=0.2)
            except queue.Empty:
                continue
            except KeyboardInterrupt as interrupt:
                self._interrupt(interrupt, waiting, running)
                return
            running.pop(name).join(timeout=5)
            state = self._record.pipeline(name).state
            if state is not State.SUCCEEDED and fail_fast and not self._stopped.is_set():
                self._stop_jobs()
                self._skip(waiting, f"fail_fast: {name} failed")

    def _start_ready(self, waiting: list[str], running: dict[str, threading.Thread], parallel: int) -> None:
        for name in list(waiting):
            above = [other for other in self._job.graph[name] if other in waiting or other in running]
            failed = self._failed_above(name)
            if failed:
                waiting.remove(name)
                self._skip([name], f"{failed} did not succeed")
            elif not above and len(running) < parallel:
                waiting.remove(name)
                running[name] = self._start(name)

    def _failed_above(self, name: str) -> str | None:
        for other in sorted(self._job.graph[name]):
            states = [record.state for record in self._record.pipelines if record.name == other]
            if states and states[0] not in {State.SUCCEEDED, State.RUNNING}:
                return other
        return None

    def _start(self, name: str) -> threading.Thread:
        from pyspark import InheritableThread

        record = PipelineRecord(name, start=datetime.now(UTC))
        self._record.pipelines.append(record)
        thread = InheritableThread(target=self._work, args=(record,), name=f"stoker-{name}", daemon=True)
        run = thread.run

        def guarded() -> None:
            # Around our work, PySpark copies and cleans up properties in the JVM, which may be gone.
            try:
                run()
            except Exception as error:  # noqa: BLE001 - py4j raises many
                if record.state is State.RUNNING:
                    self._fail(record, error)

        thread.run = guarded  # type: ignore[method-assign]
        thread.start()
        return thread

    def _work(self, record: PipelineRecord) -> None:
        name, group = record.name, self._group(record)
        try:
            context = self._spark.sparkContext
            # Interrupting a thread that writes to HDFS can make Spark give a healthy node up; a local disk has no nodes.
            context.setJobGroup(group, name, interruptOnCancel=str(context.master).startswith("local"))
            context.addJobTag(self._tag)
            context.setLocalProperty("spark.scheduler.pool", name)
            self._observer.pipeline_started(name, group)
            run_pipeline(self._job.pipelines[name], self._context(record), record)
            record.state = State.SUCCEEDED
        except BaseException as error:  # noqa: BLE001 - a thread's error must reach the record, whatever it is
            self._fail(record, error)
        else:
            self._end(record)

    def _group(self, record: PipelineRecord) -> str:
        return f"{self._tag}-{record.name}"

    def _fail(self, record: PipelineRecord, error: BaseException) -> None:
        self._observer.pipeline_failed(record.name, error)
        record.state = State.INTERRUPTED if isinstance(error, InterruptedRunError) else State.FAILED
        record.error = _told(error)
        self._end(record)

    def _end(self, record: PipelineRecord) -> None:
        record.end = datetime.now(UTC)
        self._measure(record)
        self._after(record)
        self._ended.put(record.name)

    def _measure(self, record: PipelineRecord) -> None:
        """What its tasks cost, and a WARNING for what stands out; not after a cancel, when the JVM may be gone."""
        if self._stopped.is_set() or record.start is None:
            return
        with contextlib.suppress(Exception):  # whatever py4j raises: the rows are published
            succeeded = record.state is State.SUCCEEDED
            record.metrics = self._meter.read(self._group(record), record.start, wait=succeeded)
        record.hints = [redact(hint) for hint in hints(record)]
        for hint in record.hints:
            logger.warning("%s: %s", record.name, hint)

    def _after(self, record: PipelineRecord) -> None:
        try:
            self._save()
        except StokerError as error:
            logger.warning("%s", error)
        self._observer.pipeline_ended(record)

    def _context(self, record: PipelineRecord) -> Context:
        def fallback(text: str) -> None:
            if text not in record.fallbacks:
                record.fallbacks.append(text)
                logger.warning("%s: %s", record.name, text)

        return Context(
            spark=self._spark,
            names=self._names,
            run_id=self._record.run_id,
            job=self._job.name,
            pipeline=record.name,
            fallback=fallback,
            progress=lambda step: self._observer.pipeline_step(record.name, step),
            stopped=self._stopped.is_set,
        )

    def _skip(self, names: list[str], reason: str) -> None:
        for name in list(names):
            record = PipelineRecord(name, state=State.SKIPPED, reason=reason)
            self._record.pipelines.append(record)
            self._after(record)
        names.clear()

    def _interrupt(
        self, interrupt: KeyboardInterrupt, waiting: list[str], running: dict[str, threading.Thread]
    ) -> None:
        """After a signal: cancel Spark's jobs, let each pipeline clean up, skip the rest. A second signal ends the wait."""
        self._record.signal = "SIGTERM" if isinstance(interrupt, TerminatedError) else "SIGINT"
        logger.warning("%s: cancelling Spark's jobs", self._record.signal)
        self._stop_jobs()
        self._skip(waiting, f"the run was interrupted by {self._record.signal}")
        deadline = time.monotonic() + _GRACE
        with contextlib.suppress(KeyboardInterrupt):
            for thread in running.values():
                # Joined in slices, so that a second signal is heard.
                while thread.is_alive() and time.monotonic() < deadline:
                    thread.join(timeout=0.2)
        for name in running:
            record = self._record.pipeline(name)
            if record.state is State.RUNNING:
                record.state, record.end = State.INTERRUPTED, datetime.now(UTC)

    def _stop_jobs(self) -> None:
        """Cancel this run's Spark jobs, from a thread of its own: the JVM may not answer."""
        self._stopped.set()
        cancel = threading.Thread(target=self._cancel, name="stoker-cancel", daemon=True)
        cancel.start()
        with contextlib.suppress(KeyboardInterrupt):
            cancel.join(timeout=5)

    def _cancel(self) -> None:
        with contextlib.suppress(Exception):
            self._spark.sparkContext.cancelJobsWithTag(self._tag)


def _told(error: BaseException) -> dict[str, str | None]:
    if isinstance(error, StokerError):
        parts = (error.what, error.state, error.next_step)
        what, state, next_step = (None if part is None else redact(part) for part in parts)
    else:
        what, state, next_step = redact(f"{type(error).__name__}: {error}"), None, "This is a bug in Stoker: report it."
    return {"type": type(error).__name__, "message": what, "state": state, "next": next_step}
