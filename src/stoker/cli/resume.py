"""`stoker resume`."""

from __future__ import annotations

import click

from stoker import logs
from stoker.cli.project import job_named, on_path
from stoker.cli.run import observer
from stoker.entrypoint.arguments import RunOptions
from stoker.entrypoint.execute import ended, guarded
from stoker.job.resume import recorded
from stoker.job.resume import resume as go_on
from stoker.record import State


@click.command()
@click.argument("run")
@click.option("--anyway", is_flag=True, help="Go on though code, configuration, parameters or inputs differ.")
@click.option(
    "--env", "environment", metavar="NAME", help="Whose records to look into; the run keeps its own. [STOKER_ENV]"
)
@click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere. [STOKER_CONFIG]")
@click.option("--json", "as_json", is_flag=True, help="Print the run record as JSON.")
@click.option("--traceback", is_flag=True, help="Show the whole trace of errors.")
def resume(
    run: str, *, anyway: bool, environment: str | None, config: str | None, as_json: bool, traceback: bool
) -> int:
    """Go on with RUN: what did not succeed, with the job, environment and parameters that it had.

    RUN is a run id, the beginning of one, or last-failed. What is published is not published twice; a publish that was cut between
    two sinks is finished with the same rows. Before anything is touched, code, configuration, parameters and inputs are compared
    with those of the run.
    """
    asked = RunOptions(as_json=as_json, traceback=traceback)

    def work() -> int:
        loaded, earlier = recorded(run, config=config, environment=environment)
        if earlier.settled is State.SUCCEEDED:
            click.echo(f"run {earlier.run_id} has succeeded: there is nothing to resume", err=True)
            return ended(earlier, as_json=as_json)
        logs.configure(loaded.environment, loaded.logging)
        on_path(loaded)
        job = job_named(loaded, earlier.job)
        return ended(go_on(job, earlier, loaded, anyway=anyway, observer=observer(asked)), as_json=as_json)

    return guarded(work)
