"""A run that goes on where an earlier try of it ended."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from stoker.config import find_config, load_config
from stoker.connectors.base import Names
from stoker.errors import ConfigurationError, UsageError
from stoker.job.changes import code_changes, configuration_changes, input_changes
from stoker.job.earlier import refuse_live
from stoker.job.events import Observer
from stoker.job.parameters import restored, shown
from stoker.job.perform import perform
from stoker.job.request import Request
from stoker.job.stop import Stop
from stoker.record import RecordStore, State

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from stoker.config import Config
    from stoker.job.job import Job
    from stoker.record import RunRecord


def recorded(asked: str, *, config: str | Path | None, environment: str | None) -> tuple[Config, RunRecord]:
    """A run's record, and the configuration of its environment.

    Args:
        asked: As for `RecordStore.find`: an id, the beginning of one, `last` or `last-failed`.
        config: The path of `stoker.toml`; else it is looked for.
        environment: Whose records are looked into; else `STOKER_ENV`, else `development`.

    Raises:
        UsageError: If there is no such run.
        ConfigurationError: If its record or the configuration cannot be read.
    """
    source = find_config(explicit=config)
    loaded = load_config(source, environment=environment)
    record = RecordStore(loaded.run.records).find(asked)
    if record.environment == loaded.environment:
        return loaded, record
    own = load_config(source, environment=record.environment)
    if own.run.records != loaded.run.records:
        raise ConfigurationError(
            f"The run {record.run_id} is one of {record.environment}, whose records are in {own.run.records}, and its record "
            f"is in {loaded.run.records}.",
            state="Nothing was started.",
            next_step=f"Move the record there, or correct [run] records in {source.name}.",
        )
    return own, record


def resume(
    job: Job,
    earlier: RunRecord,
    config: Config,
    *,
    anyway: bool = False,
    spark: SparkSession | None = None,
    spark_log: Path | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> RunRecord:
    """Run what did not succeed, under the same run id; before anything is touched, look whether it is still the same run.

    Args:
        job: That of the run.
        earlier: Its record.
        config: Of the run's environment.
        anyway: Whether to go on where code, configuration, parameters or inputs differ; the new record says how.
        spark: As for `Request`.
        spark_log: As for `Request`.
        observer: As for `Request`.
        stop: As for `Request`.

    Returns:
        The new record; the earlier one if there is nothing to do, because it succeeded.

    Raises:
        UsageError: If the run is of another job, is still running, or something differs.
    """
    if earlier.job != job.name:
        raise UsageError(
            f"The run {earlier.run_id} is one of the job {earlier.job!r}, not of {job.name!r}.",
            state="Nothing was started.",
        )
    if earlier.settled is State.SUCCEEDED:
        return earlier
    parameters, told = restored(job.parameters, earlier.parameters)
    differences = [
        *_elsewhere(earlier),
        *code_changes(earlier, config.source.folder),
        *configuration_changes(earlier, config),
        *(f"parameters: {each}" for each in told),
    ]

    def before(session: SparkSession, record: RunRecord) -> None:
        now = RecordStore(config.run.records).earlier(earlier.run_id)
        if now is not None:
            refuse_live(now)  # somebody else may have been quicker while Spark started
        found = [*differences, *input_changes(job, Names(config, parameters), session, earlier)]
        if found and not anyway:
            raise _not_the_same(earlier, found, config)
        record.differences += [each for each in found if each not in record.differences]

    return perform(
        Request(
            job,
            config,
            parameters,
            only=earlier.only,
            run_id=earlier.run_id,
            spark=spark,
            spark_log=spark_log,
            observer=observer or Observer(),
            stop=stop or Stop(),
            before=before,
        )
    )


def _elsewhere(earlier: RunRecord) -> list[str]:
    process = earlier.process
    if earlier.state is State.RUNNING and process is not None and not process.is_here:
        return [f"process: it says that it is running ({process}), which cannot be looked at from here"]
    return []


def _not_the_same(earlier: RunRecord, differences: list[str], config: Config) -> UsageError:
    lines = "".join(f"\n  - {each}" for each in differences)
    done = [pipeline.name for pipeline in earlier.pipelines if pipeline.state is State.SUCCEEDED]
    given = "".join(f" --param {name}={quote(shown(value))}" for name, value in earlier.parameters.items())
    job = earlier.job if earlier.job in config.jobs else "JOB"
    return UsageError(
        f"The run {earlier.run_id} would not go on as it began, because {'this differs' if len(differences) == 1 else 'these differ'}:"
        f"{lines}",
        state=f"Nothing was started. Succeeded before, and would not be run again: {', '.join(done) or 'nothing'}.",
        next_step=f"To go on all the same: stoker resume {earlier.run_id} --anyway. To begin anew: stoker run {job} --env "
        f"{earlier.environment}{given}",
    )
