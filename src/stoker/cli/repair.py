"""`stoker repair`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from stoker import logs
from stoker.cli.project import job_of, project
from stoker.entrypoint.arguments import options
from stoker.entrypoint.execute import DONE, FAILED, guarded
from stoker.entrypoint.summary import here
from stoker.errors import StokerError, UsageError, number_of
from stoker.job.parameters import filled
from stoker.job.perform import stop
from stoker.job.repair import Repaired, repair_places, repair_records
from stoker.secrets import redact
from stoker.spark.session import obtain_session
from stoker.spark.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyspark.sql import SparkSession

    from stoker.config import Config
    from stoker.job import Job


@click.command()
@click.argument("job", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of JOB that its places need; repeatable.",
)
@click.option("--env", "environment", metavar="NAME", help="development, testing or production. [STOKER_ENV]")
@click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere; also s3://. [STOKER_CONFIG]")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.option("--traceback", is_flag=True, help="Show the whole trace of errors.")
def repair(
    job: str | None,
    *,
    dry_run: bool,
    parameters: tuple[str, ...],
    environment: str | None,
    config: str | None,
    as_json: bool,
    traceback: bool,
) -> int:
    """Finish or undo what killed runs left at the sinks of JOB, or of all jobs of stoker.toml.

    A publish that was decided is finished; staging folders, staging tables, temporary files and leases of dead processes are removed;
    a run whose process is gone is marked as killed. What a live run does is left alone. No row is computed; the next run of the job
    would do the same for the places that it loads.
    """
    del traceback  # is looked up where errors are shown

    def work() -> int:
        loaded = project(config, environment)
        logs.configure(loaded.environment, loaded.logging)
        if parameters and job is None:
            raise UsageError("--param needs the JOB whose parameters are meant.")
        jobs, problems = _jobs(loaded, job)
        given = filled(jobs[0].parameters, options(parameters=parameters, only=()).parameters) if parameters else None
        found = [*problems]

        def places(spark: SparkSession) -> None:
            for each in repair_places(jobs, loaded, spark, given, dry=dry_run):
                found.append(each)
                if not as_json:
                    _say(each, dry=dry_run)

        if jobs:
            _with_spark(loaded, places)
        for each in repair_records(loaded, None if job is None else [jobs[0].name], dry=dry_run):
            found.append(each)
            if not as_json:
                _say(each, dry=dry_run)
        if as_json:
            click.echo(redact(json.dumps(_document(found, dry=dry_run), indent=2, ensure_ascii=False)))
        else:
            click.echo(_verdict(found))
        return FAILED if any(each.error for each in found) else DONE

    return guarded(work, interrupted="what is left can be repaired later")


def _jobs(config: Config, name: str | None) -> tuple[list[Job], list[Repaired]]:
    """The jobs; of all jobs, one that cannot be imported does not keep the others from being repaired."""
    if name is not None:
        return [job_of(config, name)], []
    found, problems = [], []
    if not config.jobs:
        click.echo(f"{config.source.name} has no [jobs]: only the run records are looked at", err=True)
    for key in config.jobs:
        try:
            found.append(job_of(config, key))
        except StokerError as error:
            problems.append(Repaired(f"job {key}", error=error))
            _say(problems[-1], dry=False)
    return found, problems


def _with_spark(config: Config, work: Callable[[SparkSession], None]) -> None:
    """Do it with a session, whose JVM has Hadoop's file systems; the main thread hears signals meanwhile."""
    log = config.run.records / "repair.spark.log"
    session = in_thread(
        lambda: obtain_session(config.spark, application="stoker repair", scratch=config.run.records, log=log)
    )
    try:
        in_thread(lambda: work(session.spark))
    finally:
        stop(session)
    if session.ours:
        log.unlink(missing_ok=True)


def _say(found: Repaired, *, dry: bool) -> None:
    where = here(found.where)
    lines = [f"{where}: {'would have ' if dry else ''}{done}" for done in found.done]
    lines += [f"{where}: left alone: {here(found.left)}"] if found.left else []
    for line in lines:
        click.echo(redact(line))
    if found.error is not None:
        click.echo(redact(f"{where}: error: {here(str(found.error))}"), err=True)


def _verdict(found: Sequence[Repaired]) -> str:
    clean = sum(not (each.done or each.left or each.error) for each in found)
    return f"nothing was left in {number_of(clean, 'place')}" if clean or not found else "done"


def _document(found: Iterable[Repaired], *, dry: bool) -> dict[str, Any]:
    return {
        "version": 1,
        "dry_run": dry,
        "places": [
            {"where": each.where, "done": each.done, "left": each.left, "error": each.error and str(each.error)}
            for each in found
        ],
    }
