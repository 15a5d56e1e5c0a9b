"""A run from its request to its record."""

from __future__ import annotations

import logging
import os
import platform
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from stoker import logs
from stoker.connectors.base import Names
from stoker.errors import StokerError
from stoker.failpoints import failpoint
from stoker.files.log_store import HadoopStore
from stoker.job.code import loaded
from stoker.job.earlier import claimed, follow, refuse_live, refuse_other, standing
from stoker.job.milestones import Milestones
from stoker.job.parameters import as_json
from stoker.job.plan import make_plan
from stoker.job.runner import Runner, TerminatedError
from stoker.job.telling import told
from stoker.logs.shipped import ship_no_more, ship_through
from stoker.record import Process, RecordStore, RunRecord, State, checked_run_id, new_run_id
from stoker.spark.session import Session, obtain_session
from stoker.spark.threads import in_thread, wait_briefly

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

    from stoker.job.events import Observer
    from stoker.job.request import Request


logger = logging.getLogger(__name__)


class _Saved:
    """The record on disk: written only from the moment on when nothing refuses the run any more."""

    def __init__(self, store: RecordStore, record: RunRecord) -> None:
        self._store = store
        self._record = record
        self._lock = threading.Lock()
        self.begun = False

    def __call__(self) -> None:
        with self._lock:
            self._store.write(self._record)
            self.begun = True


def perform(asked: Request) -> RunRecord:
    """Do a run; what it may raise is that of `Job.run`."""
    asked = replace(asked, observer=Milestones(asked.observer))
    plan = make_plan(asked.job, asked.config, asked.parameters, asked.only)
    plan.check()
    selected = [pipeline.name for pipeline in plan.pipelines if pipeline.sinks]
    record = _fresh(asked)
    store = RecordStore(asked.config.run.records)
    with claimed(store.path(record.run_id)):
        earlier = store.earlier(record.run_id)
        if earlier is not None:
            refuse_live(earlier)
            refuse_other(earlier, record)
            follow(record, earlier, keep=standing(earlier, asked.job.graph, selected) if asked.before else ())
        with logs.run_context(run_id=record.run_id, job=record.job):
            return _guarded(asked, record, selected, _Saved(store, record))


def _fresh(asked: Request) -> RunRecord:
    return RunRecord(
        run_id=checked_run_id(asked.run_id or os.environ.get("STOKER_RUN_ID") or new_run_id()),
        job=asked.job.name,
        environment=asked.config.environment,
        start=datetime.now(UTC),
        parameters=as_json(asked.parameters),
        only=list(asked.only) if asked.only else None,
        versions=_versions(),
        configuration=asked.config.public(),
        process=Process.current(),
        code=loaded(asked.config.source.folder),
    )


def _guarded(asked: Request, record: RunRecord, selected: list[str], save: _Saved) -> RunRecord:
    """Whatever happens, the record says how it ended."""
    observer = asked.observer
    if asked.before is None:
        save()
        failpoint("run.recorded")
    try:
        _run(asked, record, selected, save)
    except BaseException as error:
        record.end = datetime.now(UTC)
        if not isinstance(error, KeyboardInterrupt):
            record.state, record.error = State.FAILED, told(error)
            if save.begun:
                with suppress(StokerError):
                    save()
            observer.close()
            raise
        if record.state is State.RUNNING:  # else it came after the last pipeline, and changes nothing
            record.state = State.INTERRUPTED
            record.signal = "SIGTERM" if isinstance(error, TerminatedError) else "SIGINT"
    order = {name: position for position, name in enumerate(selected)}
    record.pipelines.sort(key=lambda each: order.get(each.name, 0))
    _conclude(record, observer, save)
    return record


def _conclude(record: RunRecord, observer: Observer, save: _Saved) -> None:
    """Write and tell how it ended: told also when it cannot be written, and to its end when a signal comes now."""

    def write() -> None:
        failpoint("run.before_record")
        if save.begun:
            save()
        failpoint("run.after_record")

    def tell() -> None:
        observer.run_ended(record)
        observer.close()

    try:
        _despite_a_signal(write)
    finally:
        _despite_a_signal(tell)


def _despite_a_signal(work: Callable[[], None]) -> None:
    """Nothing is left to stop, so one signal only makes it begin anew; a second one ends it."""
    try:
        work()
    except KeyboardInterrupt:
        work()


def _run(asked: Request, record: RunRecord, selected: list[str], save: _Saved) -> None:
    config, job = asked.config, asked.job
    kept = {pipeline.name for pipeline in record.pipelines}
    todo = [name for name in selected if name not in kept]
    asked.observer.run_started(record, todo)
    session = in_thread(
        lambda: obtain_session(
            config.spark,
            application=f"stoker {job.name}",
            scratch=config.run.records,
            log=RecordStore(config.run.records).log(record.run_id),
            given=asked.spark,
        )
    )
    try:
        record.fallbacks += session.fallbacks
        _log_through(session.spark, record)
        log = session.jvm_log or asked.spark_log
        record.spark_log = str(log) if log else None
        record.versions["spark"] = in_thread(lambda: str(session.spark.version))
        before = asked.before
        if before is not None:
            in_thread(lambda: before(session.spark, record))
            save()
        asked.observer.session_started(session.spark)
        runner = Runner(job, session.spark, Names(config, asked.parameters), record, asked.observer, save, asked.stop)
        runner.run(todo, parallel=_parallel(asked), fail_fast=config.run.fail_fast)
        record.state = _state(record)
        record.code |= loaded(config.source.folder)
    finally:
        record.end = datetime.now(UTC)
        with suppress(KeyboardInterrupt):
            wait_briefly(ship_no_more, name="stoker-logs", seconds=12)
        stop(session)


def _log_through(spark: SparkSession, record: RunRecord) -> None:
    """Without boto3, the lines of the log go to S3 through Spark."""
    told = in_thread(lambda: ship_through(lambda url: HadoopStore(spark, url)))
    for each in told:
        logger.warning("%s", each)
    record.fallbacks += told


def _parallel(asked: Request) -> int:
    """One at a time unless the configuration says more: two are hardly faster in local mode (`benchmarks/session.py`)."""
    return asked.config.run.parallel or 1


def _state(record: RunRecord) -> State:
    if record.signal is not None:
        return State.INTERRUPTED
    failed = any(pipeline.state is not State.SUCCEEDED for pipeline in record.pipelines)
    return State.FAILED if failed else State.SUCCEEDED


def stop(session: Session) -> None:
    """Stop a session that is ours, from a thread of its own: the JVM may not answer."""
    with suppress(KeyboardInterrupt):
        wait_briefly(session.stop, name="stoker-stop", seconds=15)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    for name in ("stoker", "pyspark", "pyarrow", "pg8000"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
