"""`stoker backfill`."""

from __future__ import annotations

import json
import logging
import textwrap
import traceback as traces
from collections import Counter
from typing import Any

import click

from stoker import logs
from stoker.cli.project import job_of, project
from stoker.cli.tables import show
from stoker.entrypoint.arguments import options
from stoker.entrypoint.execute import DONE, FAILED, INTERRUPTED, TERMINATED, guarded
from stoker.entrypoint.summary import count, duration, here
from stoker.errors import UsageError, number_of
from stoker.job.backfill import HAD_SUCCEEDED, Backfill, Outcome, values_of
from stoker.job.events import Observer
from stoker.job.ranges import combinations
from stoker.job.series import Series
from stoker.job.telling import error_lines
from stoker.record import State
from stoker.secrets import redact

_logger = logging.getLogger(logs.MILESTONES)
_GOOD = {str(State.SUCCEEDED), HAD_SUCCEEDED}


@click.command()
@click.argument("job")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUES",
    help="FROM..TO, FROM..TO..STEP, several with commas, or one; repeatable: all combinations are run.",
)
@click.option("--only-missing", is_flag=True, help="Leave out what any run with these parameters has succeeded in.")
@click.option(
    "--parallel", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Runs at a time."
)
@click.option("--only", multiple=True, metavar="PIPELINE", help="Run only this pipeline; repeatable.")
@click.option("--anyway", is_flag=True, help="Resume runs that did not succeed though code or inputs differ.")
@click.option("--dry-run", is_flag=True, help="Only show the runs, and which are done.")
@click.option("--env", "environment", metavar="NAME", help="development, testing or production. [STOKER_ENV]")
@click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere; also s3://. [STOKER_CONFIG]")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--traceback", is_flag=True, help="Show the whole trace of errors.")
def backfill(job: str, **given: Any) -> int:
    """Run JOB once for each value of its parameters, for instance --param day=2013-01-01..2013-01-31.

    Each run has an id that depends on job, environment and parameters only, so that the same command goes on after it was stopped:
    what has succeeded is not done again, what has not is resumed. A run that fails does not stop the others.
    """
    return guarded(lambda: _work(job, **given))


def _work(  # noqa: PLR0913 - one for each option
    job: str,
    *,
    parameters: tuple[str, ...],
    only_missing: bool,
    parallel: int,
    only: tuple[str, ...],
    anyway: bool,
    dry_run: bool,
    environment: str | None,
    config: str | None,
    as_json: bool,
    traceback: bool,
) -> int:
    loaded = project(config, environment)
    logs.configure(loaded.environment, loaded.logging)
    found = job_of(loaded, job)
    asked = options(parameters=parameters, only=only)
    if not asked.parameters:
        raise UsageError(
            "A backfill needs the values of at least one parameter.",
            state="Nothing was started.",
            next_step="For instance --param day=2013-01-01..2013-01-31.",
        )
    each = combinations(found.parameters, asked.parameters)
    values = values_of(found, loaded.environment, each, asked.parameters, asked.only)
    task = Backfill(found, loaded, values, asked.parameters.keys(), asked.only or None, only_missing, anyway)
    warnings = task.check()
    for warning in warnings:
        _say(warning, logging.WARNING)
    todo = task.look()
    _say(
        f"{found.name} in {loaded.environment}: {number_of(len(values), 'run')}, {len(values) - len(todo)} done before"
    )
    if todo and not dry_run:
        parallel = min(parallel, len(todo))
        ended = _Told(len(todo))
        Series(task, todo, parallel=parallel, observer=lambda: _Traces(shown=traceback), ended=ended).run()
    if as_json:
        click.echo(redact(json.dumps(_document(task, warnings), indent=2, ensure_ascii=False)))
    else:
        _summary(task)
    return DONE if dry_run else _end(task)


class _Traces(Observer):
    """Shows the traces of what fails, if that was asked for."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown

    @property
    def tells(self) -> bool:
        """Unless the log does: a line a run is enough."""
        return not logs.console_is_json()

    def pipeline_failed(self, name: str, error: BaseException) -> None:
        """Print it."""
        if self._shown:
            _say(f"{name}: {''.join(traces.format_exception(error))}")


class _Told:
    """Says of each run how it ended, and how many are left."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._ended = 0

    def __call__(self, outcome: Outcome) -> None:
        self._ended += 1
        record = outcome.record
        took = f" in {duration(record.seconds)}" if record and record.seconds is not None else ""
        rows = f", {record.rows:,} rows" if record and record.rows is not None else ""
        run_id = record.run_id if record else outcome.value.run_id
        _say(f"{self._ended}/{self._number} {outcome.value.name}: {outcome.state}{took}{rows}", run_id=run_id)
        for error in _errors(outcome):
            _say(textwrap.indent("\n".join(error_lines(error)), "  "), logging.ERROR, run_id=run_id)


def _errors(outcome: Outcome) -> list[dict[str, str | None]]:
    """Why a run failed: its own error, or those of its pipelines."""
    if outcome.state != State.FAILED:
        return []
    record = outcome.record
    errors = [outcome.error, *((pipeline.error for pipeline in record.pipelines) if record else ())]
    return [error for error in errors if error is not None]


def _summary(task: Backfill) -> None:
    rows = []
    for outcome in task.outcomes:
        record = outcome.record
        run = record.run_id if record else outcome.value.run_id
        seconds, written = (duration(record.seconds), count(record.rows)) if record else ("", "")
        rows.append((outcome.value.name, run, outcome.state, seconds, written))
    show(("parameters", "run", "state", "took", "rows"), rows, numeric={"took", "rows"})


def _end(task: Backfill) -> int:
    """The last lines, and the exit code."""
    states = Counter(outcome.state for outcome in task.outcomes)
    done = sum(states[state] for state in _GOOD)
    _say(", ".join(f"{number} {state}" for state, number in states.items()))
    if task.lost:
        _say("Spark's JVM went away, so that the rest was not started; stoker runs show ID names its log")
    if done < len(task.outcomes):
        _say(f"{done} of {len(task.outcomes)} are done; the same command goes on with the rest")
    if task.signal is not None:
        return TERMINATED if task.signal == "SIGTERM" else INTERRUPTED
    return DONE if done == len(task.outcomes) else FAILED


def _document(task: Backfill, warnings: list[str]) -> dict[str, Any]:
    return {
        "version": 1,
        "job": task.job.name,
        "environment": task.config.environment,
        "signal": task.signal,
        "warnings": warnings,
        "runs": [
            {
                "name": outcome.value.name,
                "run_id": outcome.record.run_id if outcome.record else outcome.value.run_id,
                "state": outcome.state,
                "seconds": outcome.record.seconds if outcome.record else None,
                "rows": outcome.record.rows if outcome.record else None,
                "errors": _errors(outcome),
            }
            for outcome in task.outcomes
        ],
    }


def _say(text: str, level: int = logging.INFO, **fields: str) -> None:
    """In the log, and to people on standard error, unless that gets the log as JSON."""
    plain = not logs.console_is_json()
    _logger.log(level, "%s", text.strip(), extra={**fields, **({logs.SHOWN: True} if plain else {})})
    if plain:
        click.echo(redact(here(f"warning: {text}" if level == logging.WARNING else text)), err=True)
