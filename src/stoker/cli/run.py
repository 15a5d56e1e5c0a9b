"""`stoker run`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.project import job_of, project
from stoker.entrypoint.arguments import options, parameter_help, run_options
from stoker.entrypoint.execute import execute
from stoker.entrypoint.plain import PlainObserver

if TYPE_CHECKING:
    from stoker.entrypoint.arguments import RunOptions
    from stoker.job.events import Observer


@click.command(add_help_option=False)
@click.argument("job", required=False)
@click.option("-h", "--help", "show_help", is_flag=True, help="Show this, and the job's parameters.")
@run_options
@click.pass_context
def run(context: click.Context, /, job: str | None, *, show_help: bool, **given: Any) -> int:
    """Run JOB, a name under [jobs] of stoker.toml."""
    if show_help:
        click.echo(context.get_help())
        if job is not None:
            click.echo("\n" + parameter_help(job_of(project(given["config"], given["environment"]), job)))
        return 0
    if job is None:
        raise click.UsageError("Missing argument 'JOB'. The names are under [jobs] of stoker.toml.")
    return execute(
        lambda: job_of(project(given["config"], given["environment"]), job), lambda: options(**given), observer
    )


def observer(asked: RunOptions) -> Observer:
    """What shows the run: drawn on a terminal if rich is there, else plain lines."""
    if sys.stderr.isatty() and not asked.as_json:
        try:
            from stoker.cli.live import LiveObserver
        except ImportError:
            click.echo('plain lines, because rich is not installed: pip install "stoker[local]" draws them', err=True)
            return PlainObserver(asked)
        return LiveObserver(asked)
    return PlainObserver(asked)
