"""`stoker init`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from stoker.cli import following
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
    click.echo(f"made {made}")
    following.show("next", made, _commands(name, postgres=postgres))
    return DONE


def _commands(name: str, *, postgres: bool) -> list[tuple[str, str]]:
    """What to type in the project, with what it is for."""
    commands = []
    if find_spec("pyspark") is None:
        commands.append(("pip install 'stoker[local]'", "Spark, for this machine"))
    if find_spec("pytest") is None:
        commands.append(("pip install 'stoker[testing]'", "pytest, for its tests"))
    commands += [
        (f"stoker plan {name}", "what would be done"),
        (f"stoker run {name}", "do it: from data/ into .stoker/lake" + (" and PostgreSQL" if postgres else "")),
    ]
    if postgres:
        commands.append(("stoker postgres psql", "look at the tables"))
    return [*commands, ("make test", "run its tests"), ("make help", "what else there is")]
