"""`stoker init`."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from stoker.entrypoint.execute import DONE
from stoker.scaffold import check_name, make_project


@click.command()
@click.argument("name")
@click.option("--path", "folder", type=click.Path(path_type=Path), metavar="FOLDER", help="Its folder; else ./NAME.")
@click.option("--postgres/--no-postgres", help="Also load into PostgreSQL; embedded in development.  [default: no]")
def init(name: str, folder: Path | None, *, postgres: bool) -> int:
    """Make a new project NAME, which runs and passes its tests as it is.

    Writes a job with two pipelines, their transformers, tests, sample data, stoker.toml, Makefile and a workflow for CI.
    The folder must be new or empty: nothing is ever overwritten.
    """
    check_name(name)
    made = make_project(name, folder or Path(name), postgres=postgres)
    click.echo(f"made {made}\n\nnext:")
    for command, purpose in _next(name, made, postgres=postgres):
        click.echo(f"  {command:<{_WIDTH}}  {purpose}".rstrip())
    return DONE


_WIDTH = 34
"""Columns for a command, beside what it is for."""


def _next(name: str, folder: Path, *, postgres: bool) -> list[tuple[str, str]]:
    """What to type now, in order, with what it is for."""
    commands = [(f"cd {shlex.quote(os.path.relpath(folder) if _stands() else str(folder))}", "")]
    if sys.prefix != sys.base_prefix and Path(shutil.which("stoker") or "/").parent != Path(sys.executable).parent:
        commands.append((f". {shlex.quote(str(Path(sys.prefix) / 'bin' / 'activate'))}", "stoker is installed there"))
    if find_spec("pyspark") is None:
        commands.append(("pip install 'stoker[local]'", "Spark, for this machine"))
    if find_spec("pytest") is None:
        commands.append(("pip install 'stoker[testing]'", "pytest, for its tests"))
    commands += [
        (f"stoker plan {name}", "what would be done"),
        (f"stoker run {name}", "do it: from data/ into .stoker/lake" + (" and PostgreSQL" if postgres else "")),
        ("make test", "run its tests"),
        ("make help", "what else there is"),
    ]
    return commands


def _stands() -> bool:
    """Whether the working folder is still there: a project that was made in it has taken its place."""
    try:
        return Path.cwd().exists()
    except OSError:
        return False
