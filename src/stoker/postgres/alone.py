"""A load by itself, in any PySpark program: no job, no project."""

from __future__ import annotations

import dataclasses
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.errors import ConfigurationError, InterruptedRunError, UsageError, missing_extra
from stoker.postgres.connections.info import DEFAULT_NAME, application_name
from stoker.postgres.modes.choice import mode_of
from stoker.postgres.names import LoadTarget
from stoker.postgres.options import LoadOptions
from stoker.postgres.refusals import NOTHING
from stoker.record import checked_run_id, new_run_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pyspark.sql import DataFrame

    from stoker.postgres.connections.info import ConnectionInfo

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadResult:
    """What a load did."""

    table: str
    """`schema.table`."""
    mode: str
    rows: int
    """That were published for this run id, by this call or an earlier one."""
    run_id: str
    """With it, another call of the same load does nothing."""
    already_published: bool
    """Whether the run had been published before, so that this call did nothing."""
    way: str | None
    """How the rows were sent, and why not the fastest way; None if none were sent."""
    seconds: float
    inserted: int | None = None
    """Rows of the table that this call added; None if it did not publish."""
    updated: int | None = None
    """Rows that it rewrote, by `upsert`."""
    deleted: int | None = None
    """Rows that it removed."""


def load(  # noqa: PLR0913 - options, all by name
    frame: DataFrame,
    table: str,
    *,
    connection: str,
    mode: str,
    key: Sequence[str] = (),
    latest_by: str | None = None,
    delete_missing: bool = False,
    by: Sequence[str] = (),
    strategy: str = "auto",
    columns: Mapping[str, str] | None = None,
    before: str | Sequence[str] = (),
    after: str | Sequence[str] = (),
    connections: int | None = None,
    run_id: str | None = None,
    wait: float = 300.0,
    environment: str | None = None,
    config: str | Path | None = None,
) -> LoadResult:
    """Load a frame into a table of PostgreSQL: sent by COPY from Spark's tasks, published in one transaction, exactly once.

    On a cluster, the tasks must be able to import stoker: ship it by `--py-files`. No setting of the session is changed, and
    Ctrl-C publishes nothing and drops what is staged.

    Args:
        frame: The rows. They are computed once.
        table: `name`, `schema.name`, or with odd characters `"my schema"."my table"`.
        connection: `postgresql://user:password@host:port/database?sslmode=...`, or a name under `[postgres]` of a `stoker.toml`.
        mode: `replace` all rows; `append` to an existing table; `upsert`: rows whose key is there are rewritten if they differ,
            the others are added; `replace_partitions`: the new rows take the place of those that have the same values in the
            columns of `by`. The table is made if there is none, unless rows are appended.
        key: Of `upsert`: the columns that tell rows apart.
        latest_by: Of `upsert`: of rows with the same key, that with the highest value in this column counts, and null is lowest.
        delete_missing: Of `upsert`: whether rows of the table go whose key is not among the new ones.
        by: Of `replace_partitions`: the columns whose values tell partitions apart; null is a value too.
        strategy: Of `replace`: how the old rows go. `auto` swaps tables where nothing that depends on the table would be lost, else
            it is `delete`. `swap` insists on it; `delete` is DELETE and INSERT; `truncate` is TRUNCATE and INSERT, for which
            readers wait.
        columns: Types of the table for some columns, as `{"geometry": "geometry(Point,4326)", "tags": "jsonb"}`: a table that is made
            has them, one that is there must have them. The others are derived from the frame's types.
        before: SQL that the publishing transaction runs before the rows: a statement, or a list of statements. It has no parameters.
        after: SQL that the publishing transaction runs after the rows.
        connections: How many tasks send at once at most, each over a connection of its own; by default 8. Rows are repartitioned if
            more could run at once.
        run_id: Tells a load that is tried again from a new one: what was published for a run id and a table is not published
            again. By default a new one.
        wait: Seconds to wait for locks of other sessions.
        environment: For a name: `development`, `testing` or `production`; else `STOKER_ENV`, else `development`.
        config: For a name: the path of `stoker.toml`, if it is not in the working folder or above it.

    Raises:
        UsageError: If an argument is wrong.
        DefinitionError: If the table's name, the mode or one of its options is.
        ConfigurationError: If the connection is not configured or refused, or the frame is one of Spark Connect.
        SinkError: If the frame does not fit the table, or the server refuses a row; nothing was published.
        TransientError: If trying again may succeed, also as `ConnectionLostError`; nothing was published.
        UnknownCommitError: If the connection was lost at the commit, and its outcome could not be learnt.
    """
    from stoker.postgres.loading import PostgresLoad
    from stoker.spark.interruptible import interruptible

    begin = time.monotonic()
    target = LoadTarget.parse(table)
    call = f"stoker.postgres.load({table!r})"
    chosen = mode_of(call, mode, key=key, latest_by=latest_by, delete_missing=delete_missing, by=by, strategy=strategy)
    options = LoadOptions.of(call, columns=columns, before=before, after=after, connections=connections)
    _check(frame)
    run = new_run_id() if run_id is None else checked_run_id(run_id)
    info = _info(connection, environment, config)
    if info.application_name == DEFAULT_NAME:
        info = dataclasses.replace(info, application_name=application_name("load", run))

    def work(stopped: Callable[[], bool]) -> LoadResult:
        one = PostgresLoad(
            info,
            table,
            mode=chosen,
            run_id=run,
            sink=f"stoker.postgres.load -> {target}",
            options=options,
            wait=wait,
            stopped=stopped,
        )
        way = None
        try:
            done = one.published()
            if done is None:
                one.prepare(frame.schema)
                one.stage(frame)
                if one.way.note:
                    logger.warning("%s was %s", one.target, one.way.note)
                if stopped():
                    raise InterruptedRunError("The load was interrupted.", state=NOTHING)
                rows = one.publish()
                way = str(one.way)
            else:
                rows = done.rows
        finally:
            one.discard()
        seconds = time.monotonic() - begin
        return LoadResult(str(one.target), mode, rows, run, done is not None, way, seconds, **one.changed)

    return interruptible(frame.sparkSession, work)


def _check(frame: Any) -> None:
    """Refuse what is no frame of a classic session.

    Raises:
        UsageError: If it is none.
        ConfigurationError: If it is one of Spark Connect.
    """
    from stoker.spark.session import refuse_connect

    try:
        from pyspark.sql import DataFrame
    except ImportError as error:
        raise missing_extra("pyspark", "local", "Loading a frame") from error
    refuse_connect(getattr(frame, "sparkSession", None))
    if not isinstance(frame, DataFrame):
        kind = f"{type(frame).__module__.partition('.')[0]}.{type(frame).__qualname__}"
        raise UsageError(
            f"load() takes a DataFrame of Spark, not {kind}.", next_step="Make one: spark.createDataFrame(...)."
        )
    if frame.isStreaming:
        raise UsageError(
            "load() takes a batch, and this frame is a stream.",
            next_step='Load each batch by writeStream.foreachBatch, with run_id=f"orders-{batch_id}".',
        )


def _info(connection: str, environment: str | None, config: str | Path | None) -> ConnectionInfo:
    if "://" in connection:
        from stoker.postgres.connections.resolve import from_url

        return from_url(connection)
    from stoker.config import find_config, load_config
    from stoker.postgres.connections.resolve import resolve

    try:
        source = find_config(explicit=config)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"The connection {connection!r} is a name of a configuration. {error.what}",
            state=error.state,
            next_step="Name the file by config=..., or give the connection as "
            "postgresql://user:password@host:port/database?sslmode=verify-full.",
        ) from None
    found = load_config(source, environment=environment)
    return resolve(found.connection(connection), folder=found.source.folder)
