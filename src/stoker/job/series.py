"""The runs of a backfill at work: in one Spark session, one after the other or some at a time."""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from stoker.errors import TransientError
from stoker.job.perform import perform, stop
from stoker.job.request import Request
from stoker.job.resume import resume
from stoker.job.runner import TerminatedError
from stoker.job.stop import Stop
from stoker.job.telling import told
from stoker.record import RecordStore, State, new_run_id
from stoker.spark.session import obtain_session
from stoker.spark.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import SparkSession

    from stoker.job.backfill import Backfill, Outcome
    from stoker.job.events import Observer
    from stoker.record import RunRecord
    from stoker.spark.session import Session

_AGAIN = "Look at the end of its log and at the machine's memory, then run the same command again."
_LOOK = 0.1
"""Seconds between two looks at the runs."""


class Series:
    """Does what is left of a backfill; whatever one run does, the others are run.

    Args:
        task: The backfill; it is told of a signal, and of a JVM that went away.
        todo: From `Backfill.look`.
        parallel: Runs at a time.
        observer: Makes what hears of one run.
        ended: Is told of each that ended.
    """

    def __init__(
        self,
        task: Backfill,
        todo: Sequence[Outcome],
        *,
        parallel: int,
        observer: Callable[[], Observer],
        ended: Callable[[Outcome], None],
    ) -> None:
        self._task = task
        self._parallel = parallel
        # Runs into one folder take turns: each waits for all that are before it.
        run = dataclasses.replace(task.config.run, lease_wait=task.config.run.lease_wait * parallel)
        self._config = dataclasses.replace(task.config, run=run)
        self._observer = observer
        self._ended = ended
        self._stop = Stop()
        self._telling = threading.Lock()
        self._at_work: set[int] = set()
        self._idle: list[int] = []
        self._waiting: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        for outcome in todo:
            self._waiting.put(outcome)

    def run(self) -> None:
        """Until all are done; after a signal those that run end in order, and no other begins.

        Raises:
            ConfigurationError: If Spark does not start.
        """
        config, name = self._config, self._task.job.name
        log = RecordStore(config.run.records).log(f"backfill-{new_run_id()}")
        try:
            session = in_thread(
                lambda: obtain_session(
                    config.spark, application=f"stoker backfill {name}", scratch=config.run.records, log=log
                )
            )
        except KeyboardInterrupt as interrupt:
            self._task.signal = _name(interrupt)
            return
        try:
            self._work_all(session)
        except KeyboardInterrupt as interrupt:
            self._task.signal = _name(interrupt)
            self._stop.ask(self._task.signal)
            with suppress(KeyboardInterrupt):  # a second one does not wait
                while self._at_work:
                    time.sleep(_LOOK)
        finally:
            stop(session)

    def _work_all(self, session: Session) -> None:
        for number in range(self._parallel):
            name = f"stoker-backfill-{number}"
            threading.Thread(target=self._work, args=(session, number), name=name, daemon=True).start()
        # A signal reaches any thread, and Python handles it when the main one wakes. Not by joining: a signal in Thread.join makes
        # Python 3.11 take a thread for ended that goes on.
        while len(self._idle) < self._parallel:
            time.sleep(_LOOK)

    def _work(self, session: Session, number: int) -> None:
        self._at_work.add(number)
        try:
            while self._stop.signal is None and not self._task.lost:
                outcome = self._waiting.get_nowait()
                self._one(outcome, session)
                with self._telling:
                    self._ended(outcome)
        except queue.Empty:
            pass
        finally:
            self._at_work.discard(number)
            self._idle.append(number)

    def _one(self, outcome: Outcome, session: Session) -> None:
        try:
            outcome.record = self._performed(outcome, session)
            outcome.state = str(outcome.record.state)
        except Exception as error:  # noqa: BLE001 - one value does not stop the others, whatever it meets
            outcome.state, outcome.error = str(State.FAILED), told(error)
        if outcome.state == State.FAILED and not _answers(session.spark):
            self._task.lost = True
            if outcome.record is None:  # whatever py4j said between two steps
                lost = TransientError("Spark's JVM went away (killed, or out of memory).", next_step=_AGAIN)
                outcome.error = told(lost)

    def _performed(self, outcome: Outcome, session: Session) -> RunRecord:
        task, value, config = self._task, outcome.value, self._config
        spark, log, observer = session.spark, session.jvm_log, self._observer()
        earlier = RecordStore(config.run.records).earlier(value.run_id)
        if earlier is None:
            asked = Request(
                task.job, config, value.parameters, task.only, value.run_id, spark, log, observer, self._stop
            )
            return perform(asked)
        anyway = task.anyway or not _has_effect(earlier)
        return resume(
            task.job, earlier, config, anyway=anyway, spark=spark, spark_log=log, observer=observer, stop=self._stop
        )


def _has_effect(earlier: RunRecord) -> bool:
    """Whether something of an earlier try stands, or may: else it is simply run again, with the code and inputs of today."""
    return earlier.settled in {State.KILLED, State.RUNNING} or any(
        pipeline.state is State.SUCCEEDED or any(sink.published for sink in pipeline.sinks)
        for pipeline in earlier.pipelines
    )


def _name(interrupt: KeyboardInterrupt) -> str:
    return "SIGTERM" if isinstance(interrupt, TerminatedError) else "SIGINT"


def _answers(spark: SparkSession) -> bool:
    try:
        spark.sparkContext.setJobDescription("")
    except Exception:  # noqa: BLE001 - py4j raises many
        return False
    return True
