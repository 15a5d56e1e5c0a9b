"""The pipelines of a run, each in a thread of its own; the main thread waits and hears signals.

The main thread never waits inside py4j, where Python cannot handle a signal.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stoker import logs
from stoker.connectors.base import Context, Names
from stoker.errors import InterruptedRunError, StokerError, TransientError
from stoker.job.hints import hints
from stoker.job.inputs import inputs
from stoker.job.retries import Retries, with_retries
from stoker.job.telling import told
from stoker.pipeline.run import run_pipeline
from stoker.record import AttemptRecord, PipelineRecord, RunRecord, State
from stoker.secrets import redact
from stoker.spark.stages import TaskMeter
from stoker.spark.threads import cancel_jobs, start_inheriting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import SparkSession

    from stoker.job.events import Observer
    from stoker.job.job import Job
    from stoker.job.stop import Stop

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
        save: Writes the record; called whenever a pipeline knows its inputs, and when it ends.
        stop: Looked at while it waits, for a run that is not in the main thread.
    """

    def __init__(
        self,
        job: Job,
        spark: SparkSession,
        names: Names,
        record: RunRecord,
        observer: Observer,
        save: Callable[[], None],
        stop: Stop,
    ) -> None:
        self._job = job
        self._spark = spark
        self._names = names
        self._record = record
        self._observer = observer
        self._save = save
        self._stop = stop
        self._inside: set[str] = set()
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
        self._inside = {*pipelines, *(record.name for record in self._record.pipelines)}
        while waiting or running:
            try:
                if self._stop.signal is not None:
                    self._interrupt(self._stop.signal, waiting, running)
                    return
                self._start_ready(waiting, running, parallel)
                if running:
                    self._hear(waiting, running, fail_fast=fail_fast)
            except KeyboardInterrupt as interrupt:
                signal = "SIGTERM" if isinstance(interrupt, TerminatedError) else "SIGINT"
                self._interrupt(signal, waiting, running)
                return

    def _hear(self, waiting: list[str], running: dict[str, threading.Thread], *, fail_fast: bool) -> None:
        """Wait a moment for a pipeline to end."""
        try:
            name = self._ended.get(timeout=0.2)
        except queue.Empty:
            return
        running.pop(name).join(timeout=5)
        if self._record.pipeline(name).state is not State.SUCCEEDED and fail_fast and not self._stopped.is_set():
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
        record = PipelineRecord(name, start=datetime.now(UTC))
        self._record.pipelines.append(record)

        def lost(error: Exception) -> None:
            if record.state is State.RUNNING:
                self._fail(record, error)

        with logs.log_context(pipeline=name, attempt=1):
            return start_inheriting(lambda: self._work(record), name=f"stoker-{name}", lost=lost)

    def _work(self, record: PipelineRecord) -> None:
        name, group = record.name, self._group(record)
        try:
            context = self._spark.sparkContext
            # Interrupting a thread that writes to HDFS can make Spark give a healthy node up; a local disk has no nodes.
            context.setJobGroup(group, name, interruptOnCancel=str(context.master).startswith("local"))
            context.addJobTag(self._tag)
            context.setLocalProperty("spark.scheduler.pool", name)
            self._observer.pipeline_started(name, group)
            self._run(record)
            record.state = State.SUCCEEDED
        except BaseException as error:  # noqa: BLE001 - a thread's error must reach the record, whatever it is
            self._fail(record, error)
        else:
            self._end(record)

    def _group(self, record: PipelineRecord) -> str:
        return f"{self._tag}-{record.name}"

    def _run(self, record: PipelineRecord) -> None:
        """Run it, and again after an error that may pass."""
        pipeline, settings = self._job.pipelines[record.name], self._names.config.run
        start = [datetime.now(UTC)]

        def work() -> None:
            start[0] = datetime.now(UTC)

            def reading() -> None:
                if not record.inputs:  # the frames of a view are asked for too
                    record.inputs = inputs(self._job, pipeline, context, self._inside)
                    if record.inputs:
                        self._try_to_save()  # whoever resumes the run after a kill compares them

            context = replace(self._context(record), reading=reading)
            run_pipeline(pipeline, context, record)

        def again(error: TransientError, number: int, seconds: float) -> None:
            cause = redact(error.what)
            record.attempts.append(AttemptRecord(start[0], datetime.now(UTC), State.FAILED, cause))
            record.sinks.clear()
            record.inputs.clear()
            record.rows_read = record.rows_dropped = record.rows_written = None
            logger.warning(
                "%s failed and is tried again in %.1f s (try %d of %d): %s",
                record.name,
                seconds,
                number,
                retries.most + 1,
                cause,
            )
            logs.note(attempt=number, step=None)
            self._observer.pipeline_retried(record.name, number, seconds)
            self._try_to_save()

        most = settings.retries if pipeline.retries is None else pipeline.retries
        retries = Retries(most, settings.retry_wait)
        with_retries(work, retries, stopped=self._stopped, possible=lambda: self._jvm_answers(record.name), again=again)

    def _jvm_answers(self, name: str) -> bool:
        try:
            self._spark.sparkContext.setJobDescription(name)
        except Exception:  # noqa: BLE001 - py4j raises many
            return False
        return True

    def _fail(self, record: PipelineRecord, error: BaseException) -> None:
        self._observer.pipeline_failed(record.name, error)
        record.state = State.INTERRUPTED if isinstance(error, InterruptedRunError) else State.FAILED
        record.error = told(error)
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
            # As rows and files: of the last try. Jobs of the others, under the same group, began before they ended.
            since = record.attempts[-1].end if record.attempts else record.start
            record.metrics = self._meter.read(self._group(record), since or record.start, wait=succeeded)
        record.hints = [redact(hint) for hint in hints(record)]
        for hint in record.hints:
            logger.warning("%s: %s", record.name, hint)

    def _after(self, record: PipelineRecord) -> None:
        self._try_to_save()
        self._observer.pipeline_ended(record)

    def _try_to_save(self) -> None:
        try:
            self._save()
        except StokerError as error:
            logger.warning("%s", error)

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

    def _interrupt(self, signal: str, waiting: list[str], running: dict[str, threading.Thread]) -> None:
        """After a signal: cancel Spark's jobs, let each pipeline clean up, skip the rest. A second signal ends the wait."""
        self._record.signal = signal
        logger.warning("%s: cancelling Spark's jobs", self._record.signal)
        self._stop_jobs()
        self._skip(waiting, f"the run was interrupted by {self._record.signal}")
        deadline = time.monotonic() + _GRACE
        with contextlib.suppress(KeyboardInterrupt):
            # Told by each, not joined: in Python 3.11 a signal during `join` makes a living thread count as ended.
            while running and time.monotonic() < deadline:
                with contextlib.suppress(queue.Empty):
                    del running[self._ended.get(timeout=0.2)]
        for name in running:
            record = self._record.pipeline(name)
            if record.state is State.RUNNING:
                record.state, record.end = State.INTERRUPTED, datetime.now(UTC)

    def _stop_jobs(self) -> None:
        """Cancel this run's Spark jobs; a second signal does not wait for it."""
        self._stopped.set()
        with contextlib.suppress(KeyboardInterrupt):
            cancel_jobs(self._spark, self._tag)
