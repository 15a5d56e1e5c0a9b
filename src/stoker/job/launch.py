"""A run from its arguments to its record."""

from __future__ import annotations

import os
import platform
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoker.config import find_config, load_config
from stoker.connectors.base import Names
from stoker.errors import StokerError
from stoker.failpoints import failpoint
from stoker.job.events import Observer
from stoker.job.parameters import as_json, checked
from stoker.job.plan import make_plan
from stoker.job.runner import Runner, TerminatedError
from stoker.record import RecordStore, RunRecord, State, checked_run_id, new_run_id
from stoker.spark.session import Session, obtain_session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import SparkSession

    from stoker.config import Config
    from stoker.job.job import Job


def launch(
    job: Job,
    *,
    spark: SparkSession | None = None,
    environment: str | None = None,
    parameters: Any = None,
    only: Sequence[str] | None = None,
    run_id: str | None = None,
    config: str | Path | Config | None = None,
    observer: Observer | None = None,
) -> RunRecord:
    """Run a job; the arguments are those of `Job.run`, and `config` may be loaded already."""
    observer = observer or Observer()
    loaded = (
        load_config(find_config(explicit=config), environment=environment)
        if config is None or isinstance(config, str | Path)
        else config
    )
    parameters = checked(job.parameters, parameters)
    plan = make_plan(job, loaded, parameters, only)
    plan.check()
    record = RunRecord(
        run_id=checked_run_id(run_id or os.environ.get("STOKER_RUN_ID") or new_run_id()),
        job=job.name,
        environment=loaded.environment,
        start=datetime.now(UTC),
        parameters=as_json(parameters),
        only=list(only) if only else None,
        versions=_versions(),
        configuration=loaded.public(),
    )
    store = RecordStore(loaded.run.records)
    lock = threading.Lock()

    def save() -> None:
        with lock:
            store.write(record)

    save()
    selected = [pipeline.name for pipeline in plan.pipelines if pipeline.sinks]
    try:
        observer.run_started(record, selected)
        _run(job, loaded, parameters, selected, record, observer, save, spark)
    except BaseException as error:
        record.end = datetime.now(UTC)
        record.state = State.INTERRUPTED if isinstance(error, KeyboardInterrupt) else State.FAILED
        if isinstance(error, KeyboardInterrupt):
            record.signal = "SIGTERM" if isinstance(error, TerminatedError) else "SIGINT"
        with suppress(StokerError):
            save()
        if not isinstance(error, KeyboardInterrupt):
            observer.close()
            raise
    order = {name: position for position, name in enumerate(selected)}
    record.pipelines.sort(key=lambda each: order.get(each.name, 0))
    failpoint("run.before_record")
    save()
    observer.run_ended(record)
    observer.close()
    return record


def _run(
    job: Job,
    config: Config,
    parameters: Any,
    selected: list[str],
    record: RunRecord,
    observer: Observer,
    save: Callable[[], None],
    given: SparkSession | None,
) -> None:
    log = RecordStore(config.run.records).log(record.run_id)
    session = _in_thread(
        lambda: obtain_session(
            config.spark, application=f"stoker {job.name}", scratch=config.run.records, log=log, given=given
        )
    )
    try:
        record.fallbacks += session.fallbacks
        record.spark_log = str(session.jvm_log) if session.jvm_log else None
        record.versions["spark"] = _in_thread(lambda: str(session.spark.version))
        observer.session_started(session.spark)
        runner = Runner(job, session.spark, Names(config, parameters), record, observer, save)
        runner.run(selected, parallel=_parallel(config), fail_fast=config.run.fail_fast)
        record.state = _state(record)
    finally:
        record.end = datetime.now(UTC)
        _stop(session)


def _parallel(config: Config) -> int:
    """One at a time unless the configuration says more: two are hardly faster in local mode (`benchmarks/session.py`)."""
    return config.run.parallel or 1


def _state(record: RunRecord) -> State:
    if record.signal is not None:
        return State.INTERRUPTED
    failed = any(pipeline.state is not State.SUCCEEDED for pipeline in record.pipelines)
    return State.FAILED if failed else State.SUCCEEDED


def _in_thread(work: Callable[[], Any]) -> Any:
    """Do it in a thread, so that the main thread hears signals meanwhile."""
    answer: list[Any] = []
    failure: list[BaseException] = []

    def worker() -> None:
        try:
            answer.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            failure.append(error)

    thread = threading.Thread(target=worker, name="stoker-session", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(timeout=0.2)
    if failure:
        raise failure[0]
    return answer[0]


def _stop(session: Session) -> None:
    thread = threading.Thread(target=session.stop, name="stoker-stop", daemon=True)
    thread.start()
    with suppress(KeyboardInterrupt):
        thread.join(timeout=15)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    for name in ("stoker", "pyspark", "pyarrow", "pg8000"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
