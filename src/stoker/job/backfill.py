"""Many runs of one job, one for each value of its parameters, in one Spark session."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import queue
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stoker.job.parameters import as_json
from stoker.job.perform import in_thread, perform, stop
from stoker.job.plan import make_plan
from stoker.job.request import Request
from stoker.job.resume import resume
from stoker.job.runner import TerminatedError
from stoker.job.stop import Stop
from stoker.job.telling import told
from stoker.record import RecordStore, State, new_run_id
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import SparkSession

    from stoker.config import Config
    from stoker.job.events import Observer
    from stoker.job.job import Job
    from stoker.record import RunRecord

_SLUG = 40
"""Characters of a job's name, and of the values, in a run id."""
HAD_SUCCEEDED, NOT_STARTED = "had succeeded", "not started"


@dataclass(frozen=True)
class Value:
    """One run of a backfill."""

    parameters: Any
    """An instance of the job's parameters."""
    name: str
    """What tells it from the others: `day=2013-01-01`."""
    run_id: str
    """Always the same for this job, environment, parameters and selection."""


@dataclass
class Outcome:
    """What became of one run."""

    value: Value
    state: str = NOT_STARTED
    """A state of runs (before this one has begun, that of its last try), `had succeeded` or `not started`."""
    record: RunRecord | None = None
    error: dict[str, str | None] | None = None
    """Why it could not be run at all; the errors of pipelines are in the record."""


@dataclass
class Backfill:
    """The runs, and what becomes of them."""

    job: Job
    config: Config
    values: Sequence[Value]
    given: Collection[str] = ()
    """The names of the parameters that were asked for."""
    only: Sequence[str] | None = None
    only_missing: bool = False
    """Whether a value counts as done if any run succeeded with its parameters, whatever its id."""
    anyway: bool = False
    """As for `resume`."""
    outcomes: list[Outcome] = field(default_factory=list)
    """One for each value, in order."""
    signal: str | None = None
    """That ended it."""
    lost: bool = False
    """Whether Spark's JVM went away, so that the rest was not started."""

    def check(self) -> list[str]:
        """Look at the plan of each run, before Spark starts.

        Returns:
            Warnings: places that each run replaces as a whole.

        Raises:
            ConfigurationError: If one of them cannot run.
        """
        replaced: dict[str, int] = {}
        for value in self.values:
            plan = make_plan(self.job, self.config, value.parameters, self.only)
            plan.check()
            for where in {sink.where for each in plan.pipelines for sink in each.sinks if sink.mode == "replace"}:
                replaced[where] = replaced.get(where, 0) + 1
        return [
            f'{where} is loaded with mode="replace" by {number} of the runs: only the rows of the last one will be there. Use '
            'mode="replace_partitions", or a path with param(...)'
            for where, number in sorted(replaced.items())
            if number > 1
        ]

    def look(self) -> list[Outcome]:
        """Find out from the run records what is done already; answers what is left to do."""
        records, _ = RecordStore(self.config.run.records).all()
        done = [record for record in records if record.settled is State.SUCCEEDED]
        by_id = {record.run_id: record for record in records}
        for value in self.values:
            earlier = by_id.get(value.run_id)
            record = earlier if earlier in done else None
            if record is None and self.only_missing:
                record = next((each for each in done if self._is_of(each, value)), None)
            state = HAD_SUCCEEDED if record else NOT_STARTED if earlier is None else str(earlier.settled)
            self.outcomes.append(Outcome(value, state, record))
        return [outcome for outcome in self.outcomes if outcome.record is None]

    def _is_of(self, record: RunRecord, value: Value) -> bool:
        """Whether a run did what a value stands for. A parameter that the job has got since does not count, if it has its default."""
        wanted = as_json(value.parameters)
        return (
            (record.job, record.environment) == (self.job.name, self.config.environment)
            and sorted(record.only or ()) == sorted(self.only or ())
            and record.parameters.keys() >= set(self.given)
            and all(record.parameters[name] == wanted[name] for name in wanted.keys() & record.parameters.keys())
        )

    def run(
        self,
        todo: Sequence[Outcome],
        *,
        parallel: int,
        observer: Callable[[], Observer],
        ended: Callable[[Outcome], None],
    ) -> None:
        """Run what is left; whatever one does, the others are run. After a signal those that run end in order.

        Args:
            todo: From `look`.
            parallel: Runs at a time.
            observer: Makes what hears of one run.
            ended: Is told of each that ended.
        """
        waiting: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        for outcome in todo:
            waiting.put(outcome)
        log = RecordStore(self.config.run.records).log(f"backfill-{new_run_id()}")
        stopping, config = Stop(), _patient(self.config, parallel)
        telling, idle, active = threading.Lock(), queue.SimpleQueue[None](), set[int]()
        try:
            session = in_thread(
                lambda: obtain_session(
                    config.spark, application=f"stoker backfill {self.job.name}", scratch=config.run.records, log=log
                )
            )
        except KeyboardInterrupt as interrupt:
            self.signal = _name(interrupt)
            return

        def work() -> None:
            # First of all, so that whoever has asked them to stop sees each that may have missed it.
            active.add(threading.get_ident())
            try:
                while stopping.signal is None and not self.lost:
                    outcome = waiting.get_nowait()
                    self._one(outcome, config, session.spark, session.jvm_log, observer(), stopping)
                    with telling:
                        ended(outcome)
            except queue.Empty:
                pass
            finally:
                active.discard(threading.get_ident())
                idle.put(None)

        workers = [threading.Thread(target=work, name=f"stoker-backfill-{n}", daemon=True) for n in range(parallel)]
        try:
            self._work(workers, active, idle, stopping)
        finally:
            stop(session)

    def _work(
        self, workers: Sequence[threading.Thread], active: set[int], idle: queue.SimpleQueue[None], stopping: Stop
    ) -> None:
        """Until all have ended; the first signal asks them to, a second one does not wait for it."""
        # Not by joining them: a signal in Thread.join makes Python 3.11 take a thread for ended that goes on.
        try:
            for worker in workers:
                worker.start()
            for _ in workers:
                _next(idle)
        except KeyboardInterrupt as interrupt:
            with suppress(KeyboardInterrupt):
                self.signal = _name(interrupt)
                stopping.ask(self.signal)
                while active:
                    time.sleep(0.1)

    def _one(
        self,
        outcome: Outcome,
        config: Config,
        spark: SparkSession,
        log: Path | None,
        observer: Observer,
        stopping: Stop,
    ) -> None:
        value, job = outcome.value, self.job
        try:
            earlier = RecordStore(config.run.records).earlier(value.run_id)
            if earlier is None:
                asked = Request(job, config, value.parameters, self.only, value.run_id, spark, log, observer, stopping)
                outcome.record = perform(asked)
            else:
                anyway = self.anyway or not _has_effect(earlier)
                outcome.record = resume(
                    job, earlier, config, anyway=anyway, spark=spark, spark_log=log, observer=observer, stop=stopping
                )
            outcome.state = str(outcome.record.state)
        except Exception as error:  # noqa: BLE001 - one value does not stop the others, whatever it meets
            outcome.state, outcome.error = str(State.FAILED), told(error)
        if outcome.state == State.FAILED and not _answers(spark):
            self.lost = True


def values_of(
    job: Job, environment: str, combinations: Sequence[Any], given: Mapping[str, str], only: Collection[str]
) -> list[Value]:
    """The runs of a backfill, each once.

    Args:
        job: The job.
        environment: Its environment.
        combinations: From `ranges.combinations`.
        given: The parameters that were asked for.
        only: The pipelines that were, or nothing for all.
    """
    found: dict[str, Value] = {}
    for parameters in combinations:
        values = as_json(parameters)
        content = json.dumps([job.name, environment, values, sorted(only)], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:10]
        slug = re.sub(r"[^A-Za-z0-9.+=@_-]+", "-", "_".join(_shown(value) for value in _special(parameters).values()))
        run_id = "-".join(part for part in ("backfill", job.name[:_SLUG], slug[:_SLUG], digest) if part)
        name = ", ".join(f"{name}={_shown(values[name])}" for name in given)
        found.setdefault(run_id, Value(parameters, name, run_id))
    return list(found.values())


def _special(parameters: Any) -> dict[str, Any]:
    """The values that are not the defaults: by these a person tells runs apart."""
    defaults = {each.name: each.default for each in dataclasses.fields(parameters)}
    return {
        name: value
        for name, value in as_json(parameters).items()
        if defaults[name] is dataclasses.MISSING or getattr(parameters, name) != defaults[name]
    }


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def _has_effect(earlier: RunRecord) -> bool:
    """Whether something of an earlier try stands, or may: else it is simply run again, with the code and inputs of today."""
    return earlier.settled in {State.KILLED, State.RUNNING} or any(
        pipeline.state is State.SUCCEEDED or any(sink.published for sink in pipeline.sinks)
        for pipeline in earlier.pipelines
    )


def _patient(config: Config, parallel: int) -> Config:
    """Runs into one folder take turns: each waits for all that are before it."""
    return dataclasses.replace(config, run=dataclasses.replace(config.run, lease_wait=config.run.lease_wait * parallel))


def _next(idle: queue.SimpleQueue[None]) -> None:
    """Wait for one in slices, so that signals are heard."""
    while True:
        with suppress(queue.Empty):
            return idle.get(timeout=0.2)


def _name(interrupt: KeyboardInterrupt) -> str:
    return "SIGTERM" if isinstance(interrupt, TerminatedError) else "SIGINT"


def _answers(spark: SparkSession) -> bool:
    try:
        spark.sparkContext.setJobDescription("")
    except Exception:  # noqa: BLE001 - py4j raises many
        return False
    return True
