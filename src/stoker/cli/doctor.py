"""`stoker doctor`."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from stoker.cli.project import job_of, on_path
from stoker.doctor import Asked, Verdict, examine
from stoker.entrypoint.execute import DONE, FAILED
from stoker.entrypoint.summary import here
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.config import Config
    from stoker.doctor import Finding
    from stoker.job import Job

_COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "bold red", Verdict.NOT_CHECKED: "dim"}
_NARROW = 40
"""Columns for what was found, at least."""


@click.command()
@click.option(
    "--env", "environment", metavar="NAME", help="Only this environment; else all of stoker.toml. [STOKER_ENV]"
)
@click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere. [STOKER_CONFIG]")
@click.option(
    "--connect", is_flag=True, help="Also ask PostgreSQL servers, S3 and the stores of secrets; writes nothing."
)
@click.option("--spark", is_flag=True, help="Also start a Spark session and run a query.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(environment: str | None, config: str | None, *, connect: bool, spark: bool, as_json: bool) -> int:
    """Look at this machine and project, and say what to do about what is wrong.

    Exits with 0 if nothing is a problem, else with 1. Works outside of a project too.
    """

    def load_job(loaded: Config, name: str) -> Job:
        on_path(loaded)
        return job_of(loaded, name)

    findings = examine(Asked(load_job, environment, config, connect=connect, spark=spark))
    if as_json:
        shown = [{key: value and redact(value) for key, value in asdict(each).items()} for each in findings]
        click.echo(
            json.dumps({"version": 1, "problems": _count(findings), "findings": shown}, indent=2, ensure_ascii=False)
        )
    elif not (sys.stdout.isatty() and _draw(findings)):
        click.echo(redact(text(findings)))
    return FAILED if _count(findings) else DONE


def _count(findings: Sequence[Finding]) -> int:
    return sum(each.verdict is Verdict.PROBLEM for each in findings)


def text(findings: Sequence[Finding], width: int | None = None) -> str:
    """The report as plain lines: verdict, topic, what was found, and below it what to do."""
    width = width or shutil.get_terminal_size((120, 24)).columns
    topics = max(len(each.topic) for each in findings)
    indent = " " * (13 + topics + 2)
    room = max(_NARROW, width - len(indent))
    lines = []
    for each in findings:
        found = textwrap.wrap(here(each.found), room, break_long_words=False, break_on_hyphens=False)
        advice = [] if each.advice is None else textwrap.wrap(f"-> {here(each.advice)}", room, break_on_hyphens=False)
        lines.append(f"{each.verdict:<13}{each.topic:<{topics}}  {found[0] if found else ''}")
        lines += [indent + line for line in (*found[1:], *advice)]
    return "\n".join([*lines, "", verdict(findings)])


def verdict(findings: Sequence[Finding]) -> str:
    """The last line: how many of each."""
    counts = Counter(each.verdict for each in findings)
    problems, warnings = counts[Verdict.PROBLEM], counts[Verdict.WARNING]
    return (
        f"{problems or 'no'} problem{'' if problems == 1 else 's'}, {warnings or 'no'} warning{'' if warnings == 1 else 's'}, "
        f"{counts[Verdict.OK]} ok, {counts[Verdict.NOT_CHECKED]} not checked"
    )


def _draw(findings: Sequence[Finding]) -> bool:
    """Draw a table, if rich is there."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "what", "found"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "found")
    for each in findings:
        cell = Text(redact(here(each.found)))
        if each.advice is not None:
            cell.append(
                f"\n-> {redact(here(each.advice))}", style="bold" if each.verdict is Verdict.PROBLEM else "italic"
            )
        table.add_row(Text(each.verdict, style=_COLOURS[each.verdict]), Text(each.topic), cell)
    console = Console()
    console.print(table)
    console.print(f"\n{verdict(findings)}", highlight=False)
    return True
