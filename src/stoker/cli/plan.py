"""`stoker plan`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from stoker.cli.project import job_of, project
from stoker.entrypoint.arguments import options
from stoker.entrypoint.execute import DONE, WRONG
from stoker.job.parameters import filled
from stoker.job.plan import make_plan

if TYPE_CHECKING:
    from stoker.job.plan import Plan


@click.command()
@click.argument("job")
@click.option("--env", "environment", metavar="NAME", help="development, testing or production. [STOKER_ENV]")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the job; repeatable.")
@click.option("--only", multiple=True, metavar="PIPELINE", help="Plan only this pipeline; repeatable.")
@click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere. [STOKER_CONFIG]")
@click.option("--sql", is_flag=True, help="Ask the databases, and show what they would do, statement by statement.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--traceback", is_flag=True, help="Show the whole trace of errors.")
def plan(
    job: str,
    environment: str | None,
    parameters: tuple[str, ...],
    only: tuple[str, ...],
    config: str | None,
    form: str,
    *,
    sql: bool,
    traceback: bool,
) -> int:
    """Show what JOB would do: its graph, what is read and written where, parameters and mistakes.

    Starts no Spark and touches no data; only with --sql it connects to databases. Exits with 2 if there are mistakes.
    """
    del traceback  # is looked up where errors are shown
    loaded = project(config, environment)
    found = job_of(loaded, job)
    asked = options(parameters=parameters, only=only)
    made = make_plan(found, loaded, filled(found.parameters, asked.parameters), asked.only, sql=sql)
    click.echo(json.dumps(made.to_json(), indent=2, ensure_ascii=False) if form == "json" else text(made))
    return WRONG if made.mistakes else DONE


def text(made: Plan) -> str:
    """A plan for people."""
    lines = [f"job {made.job} in {made.environment}"]
    for name, value in made.parameters.items():
        lines.append(f"  --param {name}={value}")
    for pipeline in made.pipelines:
        after = f", after {', '.join(pipeline.after)}" if pipeline.after else ""
        lines += ["", f"{pipeline.name}  ({pipeline.transformer}{after})"]
        for source in pipeline.sources:
            origin = f"pipeline {source.pipeline}, " if source.pipeline else ""
            outside = "  (external)" if source.external and source.pipeline else ""
            lines.append(f"  <- {source.argument}: {origin}{source.kind} {source.where}{outside}")
        for sink in pipeline.sinks:
            output = f"{sink.output}: " if sink.output else ""
            details = "".join(f", {key} {value}" for key, value in sink.details.items())
            lines.append(f"  -> {output}{sink.kind} {sink.where} ({sink.mode}{details})")
            for check in sink.checks:
                where = f", in {check.where}" if check.where else ""
                lines.append(f"     {'warns unless' if check.on_failure == 'warn' else 'only if'} {check.name}{where}")
            lines += [f"     {line}" for line in sink.sql]
            if sink.columns and sink.mode != "replace":
                lines.append(f"     has {', '.join(f'{name} {kind}' for name, kind in sink.columns.items())}")
        if not pipeline.sinks:
            lines.append("  a view: nothing is stored")
    if made.external:
        lines += ["", "read from outside of this run:", *(f"  {where}" for where in made.external)]
    lines += ["", *(f"warning: {warning}" for warning in made.warnings)] if made.warnings else []
    lines += ["", *(f"mistake: {mistake}" for mistake in made.mistakes)] if made.mistakes else []
    return "\n".join(lines)
