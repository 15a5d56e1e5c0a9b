"""`stoker logs`: what runs have logged, wherever it is by now."""

from __future__ import annotations

import os
import sys
from collections import deque
from time import sleep
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.logplaces import Asked, find_run, no_such_run, places_of
from stoker.cli.logship import ship
from stoker.cli.logtext import text_of
from stoker.cli.moments import moment
from stoker.entrypoint.execute import DONE
from stoker.errors import UsageError
from stoker.logs.read import Follower, S3Place, Wanted, merged
from stoker.logs.read.line import RANKS
from stoker.record import State
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from stoker.logs.read import LogLine

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_PAUSE, _PAUSE_S3 = 0.5, 5.0
"""Seconds between two looks; in S3 each look is a request that costs."""


class _WithDefault(click.Group):
    """`stoker logs RUN` is `stoker logs show RUN`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self.commands["show"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_WithDefault)
def logs() -> None:
    """Show what a run has logged, or send what a spool still has.

    stoker logs RUN is stoker logs show RUN.
    """


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    del context, parameter
    for value in values:
        if not value.partition("=")[0] or "=" not in value:
            raise click.BadParameter(f"{value!r} is no KEY=VALUE.")
    return {key: value for key, _, value in (each.partition("=") for each in values)}


@logs.command()
@click.argument("run", required=False)
@click.option("--level", type=click.Choice(_LEVELS, case_sensitive=False), help="This level and those above it.")
@click.option(
    "--pipeline", "pipelines", multiple=True, metavar="NAME", help="Only lines of this pipeline. (repeatable)"
)
@click.option(
    "--context", "pairs", multiple=True, callback=_pairs, metavar="KEY=VALUE", help="Only lines with this. (repeatable)"
)
@click.option("--since", callback=moment, metavar="TIME", help="10m, 2h or 1d ago, or 2026-11-26T07:00.")
@click.option("--until", callback=moment, metavar="TIME", help="The same; before it.")
@click.option("--lines", type=click.IntRange(min=1), metavar="N", help="Only the last so many.")
@click.option("--all", "every", is_flag=True, help="Lines of all runs, and of none.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until the run has ended.")
@click.option(
    "--from",
    "named",
    multiple=True,
    metavar="PLACE",
    help="file, spool or s3; or a folder, or s3://BUCKET/PREFIX, also of executors' standard errors. (repeatable)",
)
@click.option("--json", "as_json", is_flag=True, help="Print the lines as JSON.")
@click.option("--env", "environment", metavar="NAME", help="Only a run of this environment, where that logs to.")
@click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere. [STOKER_CONFIG]")
def show(
    run: str | None, pairs: dict[str, str], lines: int | None, *, every: bool, follow: bool, as_json: bool, **given: Any
) -> int:
    """Show what RUN has logged: its driver and its workers, merged by time.

    RUN is a run id, the beginning of one, last or last-failed; without it, the last one.
    """
    if run and every:
        raise UsageError(f"{run!r} and --all exclude each other.", next_step="Leave one of them out.")
    asked = find_run(run, every=every, named=given["named"], environment=given["environment"], config=given["config"])
    asked.places += places_of(asked.config, given["named"])
    wanted = _wanted(asked.run_id, pairs, **given)
    show_line = _printer(as_json=as_json, runs=asked.run_id is None)
    if follow:
        _follow(asked, wanted, show_line, lines)
        return DONE
    files = (file for each in asked.places for file in each.files(asked.run_id))
    found: Iterable[LogLine] = merged(files, wanted, lambda text: click.echo(f"not shown: {text}", err=True))
    shown = 0
    for line in deque(found, lines) if lines else found:
        show_line(line)
        shown += 1
    if not shown:
        if asked.run_id and asked.record is None:
            raise no_such_run(asked)
        click.echo(f"no line{f' of the run {asked.run_id}' if asked.run_id else ''} fits in {asked.where}", err=True)
    return DONE


logs.add_command(ship)


def _wanted(
    run_id: str | None,
    pairs: dict[str, str],
    *,
    level: str | None,
    pipelines: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    **_: Any,
) -> Wanted:
    return Wanted(run_id, RANKS[level.upper()] if level else 0, frozenset(pipelines), pairs, since, until)


def _printer(*, as_json: bool, runs: bool) -> Callable[[LogLine], None]:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def show_line(line: LogLine) -> None:
        click.echo(redact(line.as_json() if as_json else text_of(line, colour=colour, runs=runs)))

    return show_line


def _follow(asked: Asked, wanted: Wanted, show_line: Callable[[LogLine], None], lines: int | None) -> None:
    """Show what is there and what comes; until the run has ended, if it has a record, else until Ctrl-C."""
    pause = _PAUSE_S3 if any(isinstance(each, S3Place) for each in asked.places) else _PAUSE
    follower = Follower(asked.places, wanted)
    try:
        news = follower.news()
        for line in news[-lines:] if lines else news:
            show_line(line)
        while asked.state() in {None, State.RUNNING}:
            sys.stdout.flush()
            sleep(pause)
            for line in follower.news():
                show_line(line)
        for line in follower.news():  # what came between the last look and the end
            show_line(line)
    finally:
        follower.close()
