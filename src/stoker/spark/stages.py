"""What the tasks of a pipeline did, from the store behind Spark's user interface: no job, no listener, no JAR.

The store is there also with `spark.ui.enabled=false`. It is no public interface: everything that reaches into the JVM for
it is in this file, and answers None where a Spark version has it otherwise. Whole objects come over as JSON, written by
the Jackson that Spark brings along, because each look at a field would be a call of its own.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from stoker.record.metrics import TaskMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pyspark.sql import SparkSession

_PATIENCE = 2.0
"""Seconds to wait for the listener that fills the store; it runs behind the jobs by milliseconds."""
_LOOKED_INTO = 3
"""Stages, those with the most task time, whose single tasks are looked at: that is a pass over all tasks of a stage."""
_FEWEST_TASKS = 3
"""With fewer there is no median that says anything."""
_QUANTILES = (0.5, 1.0)
_MS, _NS = 1e-3, 1e-9
_ENDED = {"SUCCEEDED", "FAILED"}

_Stage = dict[str, Any]
"""`StageData` of Spark's REST interface: https://spark.apache.org/docs/latest/monitoring.html#rest-api."""


class TaskMeter:
    """Reads the metrics of one session's jobs.

    Args:
        spark: The session.
    """

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._ready = False

    def read(self, group: str, since: datetime, *, wait: bool = True) -> TaskMetrics | None:
        """What the tasks of a job group did.

        Args:
            group: The job group.
            since: When it began; jobs of an earlier run under the same name do not count.
            wait: Whether to wait, for up to two seconds, until all its jobs have ended in the store.

        Returns:
            The sums; None if Spark does not tell, or has dropped a part (`spark.ui.retainedJobs`, `retainedStages`).
        """
        from py4j.protocol import Py4JError

        try:
            self._prepare()
            jobs = self._jobs(group, since.timestamp() * 1000, wait=wait)
            stages = None if jobs is None else self._stages(jobs)
            return None if jobs is None or stages is None else self._sums(len(jobs), stages)
        # A class that is not there is a package to py4j, and cannot be called; a field that is not there is a KeyError.
        except (Py4JError, OSError, TypeError, KeyError, ValueError):
            return None

    def _prepare(self) -> None:
        if self._ready:
            return
        context = self._spark.sparkContext
        jvm, gateway = context._jvm, context._gateway  # noqa: SLF001 - no public way
        assert jvm is not None
        assert gateway is not None
        self._mapper = jvm.com.fasterxml.jackson.databind.ObjectMapper()
        self._mapper.registerModule(jvm.com.fasterxml.jackson.module.scala.DefaultScalaModule())
        scala = context._jsc.sc()  # noqa: SLF001 - the same
        self._tracker, self._store = scala.statusTracker(), scala.statusStore()
        self._every_status = jvm.java.util.ArrayList()
        self._no_quantiles = gateway.new_array(jvm.double, 0)
        self._quantiles = gateway.new_array(jvm.double, len(_QUANTILES))
        for position, quantile in enumerate(_QUANTILES):
            self._quantiles[position] = quantile
        self._ready = True

    def _json(self, value: Any) -> Any:
        return json.loads(self._mapper.writeValueAsString(value))

    def _job(self, number: int) -> dict[str, Any] | None:
        from py4j.protocol import Py4JJavaError

        try:
            found: dict[str, Any] = self._json(self._store.job(number))
        except Py4JJavaError:  # NoSuchElementException
            return None
        return found

    def _jobs(self, group: str, since: float, *, wait: bool) -> list[dict[str, Any]] | None:
        """The group's jobs, or None if some of them may be gone."""
        deadline = time.monotonic() + (_PATIENCE if wait else 0)
        while True:
            numbers = sorted(self._json(self._tracker.getJobIdsForGroup(group)))
            found = [job for job in map(self._job, numbers) if job is not None]
            if all(job["status"] in _ENDED for job in found) or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        # The oldest go first: while the one before ours is there, none of ours has gone.
        gone = len(found) < len(numbers) or (numbers and numbers[0] > 0 and self._job(numbers[0] - 1) is None)
        ours = [job for job in found if (job["submissionTime"] or 0) >= int(since)]
        return None if gone or not ours else ours

    def _stages(self, jobs: Sequence[dict[str, Any]]) -> list[_Stage] | None:
        """The attempts of all their stages that ran, or None if a stage is gone."""
        stages: list[_Stage] = []
        for number in sorted({number for job in jobs for number in job["stageIds"]}):
            with_details = with_summaries = False
            attempts = self._json(
                self._store.stageData(number, with_details, self._every_status, with_summaries, self._no_quantiles)
            )
            if not attempts:
                return None
            stages += [attempt for attempt in attempts if attempt["status"] not in {"SKIPPED", "PENDING"}]
        return stages

    def _sums(self, jobs: int, stages: list[_Stage]) -> TaskMetrics:
        def total(field: str) -> int:
            return sum(int(stage[field]) for stage in stages)

        return TaskMetrics(
            jobs=jobs,
            stages=len(stages),
            tasks=total("numCompleteTasks"),
            failed_tasks=total("numFailedTasks"),
            task_seconds=round(total("executorRunTime") * _MS, 3),
            cpu_seconds=round(total("executorCpuTime") * _NS, 3),
            gc_seconds=round(total("jvmGcTime") * _MS, 3),
            bytes_read=total("inputBytes"),
            bytes_written=total("outputBytes"),
            shuffle_bytes=total("shuffleWriteBytes"),
            spilled_memory_bytes=total("memoryBytesSpilled"),
            spilled_disk_bytes=total("diskBytesSpilled"),
            **self._single_tasks(stages),
        )

    def _single_tasks(self, stages: list[_Stage]) -> dict[str, Any]:
        """Peak memory and skew, from the stages with the most task time."""
        large = sorted(stages, key=lambda stage: int(stage["executorRunTime"]), reverse=True)[:_LOOKED_INTO]
        peak: float | None = None
        worst: tuple[float, float, int] | None = None
        for stage in large:
            found = self._json(self._store.taskSummary(stage["stageId"], stage["attemptId"], self._quantiles))
            if found is None:
                continue
            peak = max(peak or 0.0, found["peakExecutionMemory"][1])
            median, longest = found["executorRunTime"]
            enough = int(stage["numCompleteTasks"]) >= _FEWEST_TASKS
            if enough and (worst is None or longest - median > worst[1] - worst[0]):
                worst = (median, longest, int(stage["stageId"]))
        told: dict[str, Any] = {} if peak is None else {"peak_memory_bytes": int(peak)}
        if worst is not None:
            median, longest, number = worst
            told |= {"skew_stage": number, "longest_task_seconds": longest * _MS, "median_task_seconds": median * _MS}
            # The clock of tasks has milliseconds: a median of none is less than one.
            told["skew"] = round(longest / max(median, 1.0), 2) if longest else 1.0
        return told
