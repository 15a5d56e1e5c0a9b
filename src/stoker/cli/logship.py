"""`stoker logs ship`: sends what a process could not send."""

from __future__ import annotations

from pathlib import Path

import click

from stoker.config import find_config, load_config
from stoker.entrypoint.execute import DONE
from stoker.entrypoint.summary import here
from stoker.errors import ConfigurationError, SinkError, TransientError, UsageError, number_of
from stoker.logs.ship import RefusedError, StoreError
from stoker.logs.ship.delivery import send
from stoker.logs.ship.names import scan
from stoker.logs.ship.outbox import Outbox, files_of, sizes_of
from stoker.logs.ship.s3 import S3Store


@click.command()
@click.option("--spool", "folder", metavar="FOLDER", help="The spool, if it is not that of [logging].")
@click.option("--to", "url", metavar="URL", help="s3://BUCKET/PREFIX, if it is not that of [logging].")
@click.option("--env", "environment", metavar="NAME", help="The environment. [STOKER_ENV]")
@click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere. [STOKER_CONFIG]")
def ship(folder: str | None, url: str | None, environment: str | None, config: str | None) -> int:
    """Send the log lines that a spool still has to S3, and remove them when S3 has them.

    What a process that lives has logged is left to it. It can be stopped and started again: no line is sent twice.
    """
    spool, url = _asked(folder, url, environment, config)
    outbox = Outbox(spool)
    try:
        outbox.collect(force=True)
        store = S3Store(url)
        sent = send(outbox, store)
    except StoreError as error:
        kind = SinkError if isinstance(error, RefusedError) else TransientError
        raise kind(
            f"Log lines cannot be sent to {url}: {error}.",
            state=f"What is not there yet is kept in {here(str(spool))}.",
            next_step="Correct what S3 complains of, and run this again."
            if kind is SinkError
            else "Run this again later.",
        ) from None
    finally:
        outbox.release()
    for writer, problem in outbox.problems.items():
        click.echo(f"not sent: the lines of {writer} cannot be read: {problem}", err=True)
    click.echo(
        f"sent {number_of(sent, 'object')} to {store.where}" if sent else f"nothing to send in {here(str(spool))}"
    )
    left = sum(size for written in scan(spool).values() for size in sizes_of(files_of(written)))
    if left:
        click.echo(f"{left:,} bytes there are of processes that live and send them themselves", err=True)
    return DONE


def _asked(folder: str | None, url: str | None, environment: str | None, config: str | None) -> tuple[Path, str]:
    """The spool and where it goes; no project is needed if both are given."""
    if folder is None or url is None:
        found = load_config(find_config(explicit=config), environment=environment)
        url = url or found.logging.s3
        if url is None:
            raise ConfigurationError(
                f"{found.source.name} does not say where the log lines of {found.environment} go.",
                state="Nothing was sent.",
                next_step=f'Add s3 = "s3://BUCKET/PREFIX" to [environments.{found.environment}.logging], or give --to.',
            )
        folder = folder or str(found.logging.spool)
    elif not Path(folder).is_dir():
        raise UsageError(f"There is no folder {folder}.", state="Nothing was sent.", next_step="Check --spool.")
    return Path(folder), url
