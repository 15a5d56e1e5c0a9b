"""The options of a run, on every command line that starts one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from stoker.errors import UsageError
from stoker.job.parameters import listing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stoker.job import Job


@dataclass(frozen=True)
class RunOptions:
    """What was asked for."""

    environment: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    run_id: str | None = None
    config: str | None = None
    as_json: bool = False
    traceback: bool = False
    entry_point: Path | None = None


_OPTIONS = [
    click.option("--env", "environment", metavar="NAME", help="development, testing or production. [STOKER_ENV]"),
    click.option(
        "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the job; repeatable."
    ),
    click.option("--only", multiple=True, metavar="PIPELINE", help="Run only this pipeline; repeatable."),
    click.option("--run-id", metavar="ID", help="The run's id, e.g. the scheduler's. [STOKER_RUN_ID]"),
    click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere; also s3://. [STOKER_CONFIG]"),
    click.option("--json", "as_json", is_flag=True, help="Print the run record as JSON."),
    click.option("--traceback", is_flag=True, help="Show the whole trace of errors."),
]


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options of a run."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def options(*, parameters: tuple[str, ...], only: tuple[str, ...], **rest: Any) -> RunOptions:
    """The options from what click gives.

    Raises:
        UsageError: If a parameter is not NAME=VALUE, or given twice.
    """
    found: dict[str, str] = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--param {text!r} is not NAME=VALUE.", next_step="For instance --param since=2013-06-01.")
        if name in found:
            raise UsageError(f"--param {name} is given twice.")
        found[name] = value
    # `--only a,b` reads as naturally as two options.
    chosen = tuple(name for text in only for name in text.split(",") if name)
    return RunOptions(parameters=found, only=chosen, **rest)


def parameter_help(job: Job) -> str:
    """The job's parameters, for `--help`."""
    known = listing(job.parameters)
    if not known:
        return f"Job {job.name} has no parameters."
    lines = [f"Parameters of job {job.name}, each as --param NAME=VALUE:"]
    for parameter in known:
        default = "required" if parameter.required else f"default {parameter.default or 'nothing'}"
        lines.append(f"  {parameter.name:<16} {parameter.kind} ({default})")
    return "\n".join(lines)


def run_command(job: Job, *, entry_point: Path | None) -> click.Command:
    """The command of an entry point."""

    @click.command(help=f"Run the job {job.name}.", epilog="\b\n" + parameter_help(job))
    @run_options
    def run(**given: Any) -> int:
        from stoker.entrypoint.execute import execute
        from stoker.entrypoint.plain import PlainObserver

        return execute(lambda: job, lambda: options(**given, entry_point=entry_point), PlainObserver)

    return _usage_aware(run)


def _usage_aware(command: click.Command) -> click.Command:
    """Click's own usage errors as exit code 2, since `main` asks it not to exit by itself."""
    inner = command.main

    def main(*arguments: Any, **settings: Any) -> Any:
        try:
            return inner(*arguments, **settings)
        except click.ClickException as error:
            error.show()
            return 2
        except click.Abort:
            return 130

    command.main = main  # type: ignore[method-assign]
    return command
