"""`stoker runs`: what was run, and how it went."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.moments import age
from stoker.cli.project import project
from stoker.cli.runtext import text
from stoker.cli.tables import show as show_table
from stoker.entrypoint.execute import DONE
from stoker.entrypoint.summary import count, duration, here
from stoker.errors import UsageError, suggestion
from stoker.record import RecordStore, State, expired
from stoker.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stoker.record import RunRecord, Unreadable

_STATES = [str(state) for state in State if state is not State.SKIPPED]
_HEADINGS = ("run", "job", "environment", "state", "started", "took", "rows")


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which records."""
    for option in (
        click.option("--config", metavar="FILE", help="stoker.toml, if it is elsewhere. [STOKER_CONFIG]"),
        click.option("--env", "environment", metavar="NAME", help="Only runs of this environment; else all of them."),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_shared
@click.option("--job", metavar="NAME", help="Only runs of this job.")
@click.option("--state", type=click.Choice(_STATES), help="Only runs in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The last so many.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def runs(
    context: click.Context,
    /,
    environment: str | None,
    config: str | None,
    job: str | None,
    state: str | None,
    limit: int,
    *,
    as_json: bool,
) -> int:
    """List the project's runs, the last first; one whose process is gone is shown as killed.

    stoker runs show ID has all that is known of one.
    """
    if context.invoked_subcommand is not None:
        return DONE
    store, records, unreadable = _records(config, environment)
    found = [
        record
        for record in records
        if (job is None or record.job == job) and (state is None or record.settled == state)
    ]
    if job is not None and not any(record.job == job for record in records):
        raise UsageError(
            f"There is no run of the job {job!r} in {here(str(store.folder))}."
            f"{suggestion(job, {record.job for record in records})}"
        )
    if as_json:
        click.echo(redact(json.dumps(_listing(found[:limit], unreadable), indent=2, ensure_ascii=False)))
        return DONE
    if found:
        show_table(_HEADINGS, [_row(record) for record in found[:limit]], numeric={"took", "rows"})
    else:
        click.echo(f"no run in {here(str(store.folder))}" + (" fits" if records else ""))
    if len(found) > limit:
        click.echo(f"... and {len(found) - limit:,} earlier ones: --limit {len(found)} shows all", err=True)
    _tell(unreadable)
    return DONE


def _records(config: str | None, environment: str | None) -> tuple[RecordStore, list[RunRecord], list[Unreadable]]:
    store = RecordStore(project(config, environment).run.records)
    records, unreadable = store.all()
    return store, [each for each in records if environment in {None, each.environment}], unreadable


def _tell(unreadable: Sequence[Unreadable]) -> None:
    for each in unreadable:
        click.echo(f"not shown: {here(str(each.path))} cannot be read: {each.why}", err=True)


def _row(record: RunRecord) -> tuple[str, ...]:
    seconds = record.seconds
    if record.settled is State.RUNNING:
        seconds = (datetime.now(UTC) - record.start).total_seconds()
    started = f"{record.start.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    state = str(record.settled)
    return (record.run_id, record.job, record.environment, state, started, duration(seconds), count(record.rows))


def _listing(records: Sequence[RunRecord], unreadable: Sequence[Unreadable]) -> dict[str, Any]:
    keys = ("run_id", "job", "environment", "state", "start", "end", "seconds", "parameters", "only")
    documents = ((record, record.as_settled().to_json()) for record in records)
    return {
        "version": 1,
        "runs": [{**{key: document[key] for key in keys}, "rows": record.rows} for record, document in documents],
        "unreadable": [{"path": str(each.path), "why": each.why} for each in unreadable],
    }


@runs.command()
@click.argument("run")
@_shared
@click.option("--json", "as_json", is_flag=True, help="Print the run record.")
def show(run: str, environment: str | None, config: str | None, *, as_json: bool) -> int:
    """Show all that is known of RUN: a run id, the beginning of one, last or last-failed."""
    record = RecordStore(project(config, environment).run.records).find(run).as_settled()
    shown = json.dumps(record.to_json(), indent=2, ensure_ascii=False) if as_json else here(text(record))
    click.echo(redact(shown))
    return DONE


def _age(context: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    """`30d` as a time."""
    del context, parameter
    found = age(value, "hdw")
    if found is None:
        raise click.BadParameter(f"{value!r} is no age: give for instance 12h, 30d or 8w.")
    return found


@runs.command()
@click.option("--older-than", required=True, callback=_age, metavar="AGE", help="For instance 12h, 30d or 8w.")
@click.option("--keep", type=click.IntRange(min=0), default=0, metavar="N", help="Keep the last N of each job.")
@click.option("--unfinished", is_flag=True, help="Also runs that did not succeed and could be resumed.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@_shared
def prune(
    older_than: timedelta, keep: int, environment: str | None, config: str | None, *, unfinished: bool, dry_run: bool
) -> int:
    """Remove the records of old runs, with Spark's logs of them.

    A run that is going on stays, and so does one that did not succeed unless --unfinished is given. What runs have published is not
    touched; but stoker backfill --only-missing knows only the runs that have a record.
    """
    store, records, unreadable = _records(config, environment)
    before = datetime.now(UTC) - older_than
    old = expired(records, before=before, keep=keep, unfinished=unfinished)
    if not dry_run:
        store.remove(old)
    for record in old:
        click.echo(f"{'would remove' if dry_run else 'removed'} {record.run_id} ({record.job}, {record.settled})")
    resumable = len(expired(records, before=before, keep=keep, unfinished=True)) - len(old)
    click.echo(f"{len(old) or 'nothing'} {'to remove' if dry_run else 'removed'}, {len(records) - len(old)} left")
    if resumable:
        click.echo(
            f"of these, {resumable} did not succeed and could be resumed; --unfinished removes them too", err=True
        )
    _tell(unreadable)
    return DONE
