"""`stoker postgres`: the embedded server of a project."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from stoker.cli.project import project
from stoker.entrypoint.execute import DONE, FAILED
from stoker.errors import UsageError
from stoker.postgres import embedded

if TYPE_CHECKING:
    from pathlib import Path

    from stoker.postgres.embedded import Server


@click.group()
def postgres() -> None:
    """Start, stop and find the embedded PostgreSQL of the project."""


def _folder(connection: str | None, config: str | None, environment: str | None) -> Path:
    """The data folder of the connection that is meant: the only embedded one, or the named one."""
    settings = project(config, environment).postgres
    embedded_ones = {name: found for name, found in settings.items() if found.embedded}
    if connection is None and len(embedded_ones) != 1:
        known = ", ".join(embedded_ones) or "none"
        raise UsageError(
            f"Which connection? Those with embedded = true are: {known}.",
            next_step="Name one by --connection, or add embedded = true to a connection in stoker.toml.",
        )
    name = connection or next(iter(embedded_ones))
    if name not in embedded_ones:
        raise UsageError(f"The connection {name!r} has no embedded = true in this environment.")
    folder = embedded_ones[name].folder
    assert folder is not None
    return folder


_connection = click.option("--connection", metavar="NAME", help="The connection, if several are embedded.")
_config = click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere. [STOKER_CONFIG]")
_environment = click.option("--env", "environment", metavar="NAME", help="The environment. [STOKER_ENV]")


@postgres.command()
@_connection
@_config
@_environment
def start(connection: str | None, config: str | None, environment: str | None) -> int:
    """Start the server, or find it running."""
    server = embedded.start(_folder(connection, config, environment))
    click.echo(f"running: {server.url()} (pid {server.pid}, data in {server.folder})")
    return DONE


@postgres.command()
@_connection
@_config
@_environment
def stop(connection: str | None, config: str | None, environment: str | None) -> int:
    """Stop the server."""
    stopped = embedded.stop(_folder(connection, config, environment))
    click.echo("stopped" if stopped else "was not running")
    return DONE


@postgres.command()
@_connection
@_config
@_environment
def status(connection: str | None, config: str | None, environment: str | None) -> int:
    """Say whether the server runs; exits with 1 if it does not."""
    server = embedded.status(_folder(connection, config, environment))
    click.echo("not running" if server is None else f"running: {server.url()} (pid {server.pid})")
    return FAILED if server is None else DONE


@postgres.command()
@click.option("--with-password", is_flag=True, help="Put the password into the URL: for a client, not for logs.")
@_connection
@_config
@_environment
def url(connection: str | None, config: str | None, environment: str | None, *, with_password: bool) -> int:
    """Print the server's URL; exits with 1 if it does not run."""
    server = _running(connection, config, environment)
    if server is None:
        return FAILED
    click.echo(server.url(with_password=with_password))
    return DONE


@postgres.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGUMENT...]")
@_connection
@_config
@_environment
def psql(connection: str | None, config: str | None, environment: str | None, arguments: tuple[str, ...]) -> int:
    """Open psql on the server, with psql's own ARGUMENTS, such as -c "SELECT 1"; exits with 1 if it does not run."""
    server = _running(connection, config, environment)
    if server is not None:
        program, words, variables = embedded.psql(server, arguments)
        os.execve(program, words, variables)  # noqa: S606 - the wheel's own; the terminal and its Ctrl-C are psql's now
    return FAILED


def _running(connection: str | None, config: str | None, environment: str | None) -> Server | None:
    server = embedded.status(_folder(connection, config, environment))
    if server is None:
        click.echo("not running; start it with: stoker postgres start", err=True)
    return server
