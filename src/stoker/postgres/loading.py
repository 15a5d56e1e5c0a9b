"""One load of a Spark frame into one table, from the first look to the commit, exactly once for a run."""

from __future__ import annotations

import dataclasses
import importlib.util
import logging
from typing import TYPE_CHECKING

from stoker.errors import SinkError, missing_extra
from stoker.failpoints import failpoint
from stoker.postgres import staging
from stoker.postgres.catalogue import check_rights, checks, located, primary_key, read_table
from stoker.postgres.columns import create_statement, fitted
from stoker.postgres.declared import declared_types
from stoker.postgres.driver import DriverConnection
from stoker.postgres.ledger import Ledger
from stoker.postgres.modes import keys, partitioned
from stoker.postgres.modes.statement import Publication
from stoker.postgres.modes.strategy import DELETE, decide
from stoker.postgres.names import LoadTarget
from stoker.postgres.options import PLAIN
from stoker.postgres.outcome import outcome
from stoker.postgres.publish import Published, UncertainCommitError, publish, seal
from stoker.postgres.sending.copy import CopyTask
from stoker.postgres.sending.forms import staged_otherwise, way
from stoker.postgres.sending.send import send, send_files
from stoker.postgres.sending.spread import Spread, most_tasks
from stoker.postgres.staged import Staged, column_types
from stoker.postgres.swap.sealing import like
from stoker.postgres.transaction import BEGIN, limit_lock_waits
from stoker.postgres.waiting import Patience
from stoker.spark.data_files import UnreadableError
from stoker.spark.plain_files import plain_files

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterable, Mapping

    from pg8000.native import Connection
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.postgres.catalogue import Table
    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.ledger import LoadedRows
    from stoker.postgres.modes.choice import Mode
    from stoker.postgres.options import LoadOptions
    from stoker.postgres.sending.forms import Way
    from stoker.spark.data_files import DataFiles

logger = logging.getLogger(__name__)


class PostgresLoad:
    """One sink of one pipeline of one run: `published`, then `prepare`, `stage`, `publish`, and always `discard`.

    Args:
        info: The server. A pooler that gives each transaction another session is refused.
        target: `table` or `schema.table`, as `LoadTarget.parse` reads it.
        mode: What becomes of the rows that are there.
        run_id: The run; it loads once.
        sink: What tells this sink from the run's others.
        options: How rows are stored and published.
        wait: Seconds to wait for locks of other sessions when publishing.
        stopped: Whether the run is being cancelled; asked while it waits.

    Raises:
        DefinitionError: If the target is no table name.
    """

    def __init__(
        self,
        info: ConnectionInfo,
        target: str,
        *,
        mode: Mode,
        run_id: str,
        sink: str,
        options: LoadOptions = PLAIN,
        wait: float = 300.0,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._info = info
        self._target = LoadTarget.parse(target)
        self._mode = mode
        self._run_id = run_id
        self._sink = sink
        self._options = options
        self._patience = Patience(wait, stopped)
        self._driver = DriverConnection(info, self._patience.stopped)
        self._work: Publication | None = None
        self._schema: StructType | None = None
        self._task: CopyTask | None = None
        self._way: Way | None = None
        self._reported: dict[int, int] | None = None
        self.changed: Mapping[str, int] = {}
        """How many rows of the target the publish has `inserted`, `updated` and `deleted`, as far as it knows."""
        self._staged = False
        """Whether there may be a staging table to drop."""

    def published(self) -> LoadedRows | None:
        """What this run has published for this sink before; then there is nothing to do.

        Raises:
            ConnectionLostError: If the server does not answer.
            ConfigurationError: If it lets us not in.
            SinkError: If the run published it into another target.
        """
        with self._explained("cannot be looked up"):
            connection = self._driver.made()
            return self._ledger(self._locate(connection)).find(connection)

    def prepare(self, schema: StructType) -> None:
        """Check all that can be checked before a row is computed, and create the staging table.

        Args:
            schema: Of the frame.

        Raises:
            SinkError: If table, columns, types or rights do not fit the frame and the mode.
            TransientError: If the server lacks something, or a lock is not to be had.
            MissingExtraError: If a library that Spark needs for this is not installed.
        """
        for library in ("pandas", "pyarrow"):
            # pyspark asks for both before it hands batches to Python, though only pyarrow is used.
            if importlib.util.find_spec(library) is None:
                raise missing_extra(library, "local", "Loading into PostgreSQL")
        with self._explained("cannot be prepared"):
            connection = self._driver.made()
            target = self._locate(connection)
            table = read_table(connection, target)
            declared = declared_types(connection, self._options.columns, schema.names, target)
            there = declared if table is None else {column.name: column.type for column in table.columns}
            # Values of these are compared in the staging table; one that takes the target's place has its types.
            exact = schema.names if self._mode.strategy == "swap" else self._mode.compared
            columns = staged_otherwise(schema, fitted(schema, table, target, declared), there, exact)
            if table is None and self._mode.name == "append":
                raise SinkError(
                    f"{target} does not exist, and mode is append.",
                    state="No row was computed, nothing was written.",
                    next_step=f"{create_statement(target, columns)};",
                )
            self._mode.check_frame(schema.names, target)
            if table is not None:
                names = [column.name for column in columns]
                check_rights(connection, target, table, names, self._mode.rights)
            replaces = self._mode.name == "replace"
            strategy = decide(connection, target, table, self._mode.strategy, columns) if replaces else DELETE
            place, options = staging.Staging.fresh(target), self._options
            self._work = Publication(
                target,
                self._mode,
                columns,
                place,
                self._ledger(target),
                strategy,
                before=options.before,
                after=options.after,
            )
            self._schema = schema
            assert target.schema is not None
            for name in staging.sweep(connection, target.schema):
                logger.info("dropped the staging table %s of a run that is dead", name)
            staging.hold(connection, place.nonce)
            self._create(connection, table)
            self._choose(connection, schema, table)
        failpoint("postgres.stage.created")

    def _create(self, connection: Connection, table: Table | None) -> None:
        """The ledger and the staging table."""
        work = self._plan()
        names = [column.name for column in work.columns if column.staged_as is None]
        connection.run(BEGIN)
        limit_lock_waits(connection, self._patience.seconds)
        work.ledger.ensure(connection)
        # Of rows without a key all are counted, and not the first refused.
        columns = [
            dataclasses.replace(column, not_null=False) if column.name in work.mode.key else column
            for column in work.columns
        ]
        if work.strategy.definition is not None:
            like(connection, work.strategy.definition, work.target, work.staging.table)
        else:
            held = checks(connection, table, names) if table is not None else []
            # The sign of life is held already, else it could be taken for a dead one's.
            connection.run(staging.statement(work.staging, columns, held, logged=work.strategy.renames))
        keys.check_types(connection, work)
        self._staged = True
        connection.run("COMMIT")

    @property
    def target(self) -> LoadTarget:
        """The table; with its schema once the server was asked."""
        return self._target

    @property
    def task(self) -> CopyTask:
        """What tasks are told; known once it is prepared."""
        assert self._task is not None, "prepare() comes first"
        return self._task

    @property
    def way(self) -> Way:
        """How the rows are sent; known once it is prepared."""
        assert self._way is not None, "prepare() comes first"
        return self._way

    def _choose(self, connection: Connection, schema: StructType, table: Table | None) -> None:
        """How the rows are sent, by the types that the staging table has got."""
        work = self._plan()
        names = tuple(column.name for column in work.columns)
        types = column_types(connection, work.staging, names)
        cast = tuple(column.name for column in work.columns if column.staged_as)
        self._way = way(schema, types, cast)
        key = self._mode.key or (primary_key(connection, table) if table is not None else ())
        self._task = CopyTask(
            self._info,
            work.staging.table,
            str(work.target),
            names,
            types,
            key if set(key) <= set(names) else (),
            self._way.binary,
            cast,
        )

    def stage(self, frame: DataFrame, files: DataFiles | None = None) -> int:
        """Send the rows from Spark's tasks to the staging table. One Spark job.

        Args:
            frame: With the schema that was given to `prepare`.
            files: Files that hold the same rows, if there are such: the tasks read them themselves where they can.

        Returns:
            The rows that are staged.

        Raises:
            SinkError: If the server refuses a row; it names the column as far as the server does.
            TransientError: If its disk is full, or it has no connection free.
            ConnectionLostError: If a task lost it, as often as Spark tries.
            Exception: What Spark raises for reasons of the frame's own.
        """
        assert self._schema is not None
        assert frame.columns == self._schema.names
        origin, note = None, None
        told = None
        most = most_tasks(frame.sparkSession.sparkContext, self._options.connections)
        own = plain_files(frame) if files is None else None
        spread = Spread(most, cheap=files is not None)
        if sent := files or own:
            try:
                told = send_files(frame.sparkSession, sent, self._schema, self.task, most)
                origin = "from staged files" if files else "from the Parquet files that the frame is"
            except UnreadableError as error:
                origin = f"through Spark: {error}" if files else None
        if told is None:
            told, note = send(spread.of(frame), self._schema, self.task)
            origin = "; ".join(part for part in (origin, spread.told) if part) or None
        self._way = dataclasses.replace(self.way, origin=origin, note=note)
        return self._report(told)

    def _report(self, rows: Iterable[tuple[int, int, int]]) -> int:
        """Take partition, transaction and rows of each task that succeeded; answers the rows of all."""
        told = list(rows)
        if not len(told) == len({partition for partition, *_ in told}) == len({number for _, number, _ in told}):
            raise SinkError(
                f"Spark reported a partition, or a transaction, of {self._plan().target} twice.",
                state="Nothing was published.",
                next_step="Run again with the same run id.",
            )
        self._reported = {transaction: count for _, transaction, count in told}
        work = self._plan()
        if self._mode.key:
            self._reported = keys.settle(self._revived(work), work, self._reported, self._patience)
        if self._mode.by:
            connection = self._revived(work)
            with self._explained("cannot be prepared"):
                connection.run(BEGIN)
                limit_lock_waits(connection, self._patience.seconds)
                self._work = dataclasses.replace(work, strategy=partitioned.decide(connection, work, self._reported))
                connection.run("COMMIT")
        failpoint("postgres.stage.copied")
        return sum(self._reported.values())

    def staged(self) -> Staged:
        """What is staged, to be looked at; without rows until `stage` has ended."""
        work = self._plan()
        assert self._schema is not None
        connection = self._revived(work)
        transactions = tuple(self._reported or ())
        wait = self._patience.seconds
        return Staged(connection, self._info, work.target, work.staging, self._schema, work.columns, transactions, wait)

    def last_rows(self) -> int | None:
        """Rows that the last other run published for this sink; None if there was none."""
        work = self._plan()
        with self._explained("cannot be looked up"):
            return work.ledger.last_rows(self._revived(work))

    def publish(self) -> int:
        """Show the staged rows to readers, in one transaction.

        Returns:
            The rows that were published, by this call or by another attempt of the same run.

        Raises:
            SinkError: If the server refuses the rows.
            TransientError: If the staged rows are not those that were reported, or a lock was not to be had in time.
            ConnectionLostError: If the connection was lost and nothing was published.
            UnknownCommitError: If it was lost and whether something was published could not be learnt.
        """
        assert self._reported is not None
        work = self._plan()
        connection = self._revived(work)
        try:
            if work.strategy.renames and not work.staging.is_sealed:
                work = self._work = seal(connection, work, self._reported, self._patience)
            published = publish(connection, work, self._reported, self._patience)
            if self._mode.name in {"replace", "replace_partitions"}:
                self._way = dataclasses.replace(self.way, strategy=str(published.strategy))
        except UncertainCommitError as error:
            self._driver.cut()
            published = Published(outcome(self._info, work, error.sent), work.strategy)
        self._staged = published.is_staged
        self.changed = published.changed
        return published.rows

    def discard(self) -> None:
        """Drop what is staged and not published, and close. Never raises; what it cannot drop the next load drops."""
        try:
            if self._staged and self._work is not None:
                self._staged = False
                self._driver.dropped(self._work.staging)
        except Exception as error:  # noqa: BLE001 - the run's own error, if there is one, matters more
            logger.info("the staging table of %s was left to the next load: %s", self._target, type(error).__name__)
        finally:
            self._driver.cut()

    def _plan(self) -> Publication:
        assert self._work is not None, "prepare() comes first"
        return self._work

    def _locate(self, connection: Connection) -> LoadTarget:
        self._target = located(connection, self._target)
        return self._target

    def _ledger(self, target: LoadTarget) -> Ledger:
        assert target.schema is not None
        return Ledger(target.schema, self._run_id, self._sink, str(target))

    def _revived(self, work: Publication) -> Connection:
        return self._driver.revived(work.target, work.staging.nonce)

    def _explained(self, what: str) -> contextlib.AbstractContextManager[None]:
        return self._driver.explained(f"The load into {self._target} {what}")
