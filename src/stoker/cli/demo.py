"""`stoker demo`: the flights example, on real data."""

from __future__ import annotations

import runpy
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stoker.cli import following
from stoker.cli.project import job_of, project
from stoker.cli.run import observer
from stoker.entrypoint.arguments import RunOptions
from stoker.entrypoint.execute import DONE, execute
from stoker.errors import ConfigurationError
from stoker.postgres import embedded

if TYPE_CHECKING:
    from stoker.postgres.embedded import Server

_PACKAGE = Path(__file__).resolve().parent.parent
_LOOK = (
    "SELECT rank, name, flights, round(100 * on_time_share::numeric, 1) FROM carrier_punctuality ORDER BY rank LIMIT 3"
)


@click.command()
@click.option("--set-up-seconds", type=float, metavar="SECONDS", help="What the set-up took, for the sum.")
def demo(set_up_seconds: float | None) -> int:
    """Run the flights example: 336,776 flights into Parquet and an embedded PostgreSQL.

    In a checkout of Stoker it runs in examples/flights, else in a copy, ./stoker-demo.
    """
    folder = _folder()
    times = {} if set_up_seconds is None else {"set-up": set_up_seconds}
    start = time.monotonic()
    try:
        runpy.run_path(str(folder / "fetch_data.py"))["unpack"](folder / "data")
    except FileNotFoundError as error:
        raise ConfigurationError(str(error), next_step="Install it, then run stoker demo again.") from error
    times["data"] = time.monotonic() - start
    config = str(folder / "stoker.toml")
    start = time.monotonic()
    code = execute(
        lambda: job_of(project(config, "development"), "flights"),
        lambda: RunOptions(config=config, environment="development"),
        observer,
    )
    times["run"] = time.monotonic() - start
    if code == DONE:
        _show(folder)
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in times.items())
    click.echo(f"\ntime: {parts}, together {sum(times.values()):.0f} s")
    return code


def _folder() -> Path:
    """The example in a checkout, or a copy of the one in the package."""
    checkout = _PACKAGE.parent.parent / "examples" / "flights"
    if (checkout / "stoker.toml").is_file():
        return checkout
    target = Path("stoker-demo").resolve()
    if not target.exists():
        shutil.copytree(_PACKAGE / "example", target)
    return target


def _show(folder: Path) -> None:
    """Where to look, and a first look."""
    server = embedded.status(folder / ".stoker" / "postgres")
    if server is None:
        return
    click.echo("\nthe most punctual airlines, from PostgreSQL:")
    for rank, name, flights, share in _rows(server):
        click.echo(f"  {rank}. {name:<24} {flights:>7,} flights, {share}% on time")
    following.show(
        "look at it",
        folder,
        [
            ("stoker plan flights", "what was done"),
            ("stoker postgres psql", "the tables"),
            ("ls .stoker/lake .stoker/runs", "the Parquet files and the run records"),
            ("stoker postgres stop", "stop the server; the data stay"),
        ],
    )


def _rows(server: Server) -> list[list[object]]:
    from pg8000.native import Connection

    connection = Connection(
        server.user, host=server.host, port=server.port, database=server.database, password=server.password
    )
    try:
        rows: list[list[object]] = connection.run(_LOOK)
        return rows
    finally:
        connection.close()
