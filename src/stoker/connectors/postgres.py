"""PostgreSQL as a source and as a sink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stoker.checks import checks_of
from stoker.connectors.base import Endpoint, Load, Loaded, Sink, Source
from stoker.connectors.paths import Param
from stoker.errors import DefinitionError, number_of, suggestion
from stoker.postgres import embedded
from stoker.postgres.connections.connection import resolve
from stoker.postgres.connections.info import application_name
from stoker.postgres.modes.choice import mode_of
from stoker.postgres.names import LoadTarget
from stoker.postgres.options import PLAIN, LoadOptions
from stoker.postgres.read.wanted import Wanted
from stoker.postgres.repair import sweep
from stoker.postgres.waiting import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.checks import Check, Checker
    from stoker.checks.checker import Keys
    from stoker.connectors.base import Context, Names
    from stoker.postgres.connections.connection import ConnectionInfo
    from stoker.postgres.modes.choice import Mode
    from stoker.spark.data_files import DataFiles


@dataclass(frozen=True)
class PostgresSource(Source):
    """A table, a view or a query of a configured connection."""

    wanted: Wanted
    connection: str
    consistent: bool = True
    values: tuple[tuple[str, object], ...] = ()
    """By the names that stand for them in the SQL; a `Param` stands for a parameter of the job."""

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        wrong = self.wanted.mistake() or self._misnamed()
        if wrong is not None:
            raise DefinitionError(f"read.postgres({self.wanted.shown!r}): {wrong[0]}", next_step=wrong[1])

    def describe(self, names: Names) -> Endpoint:
        """The connection, and the table or the query."""
        names.config.connection(self.connection)
        self._values(names)
        return Endpoint("postgres", f"{self.connection}:{self.wanted.shown}", details=self._details())

    def _misnamed(self) -> tuple[str, str | None] | None:
        given, used = {name for name, _ in self.values}, self.wanted.placeholders() if self.values else set()
        for name in sorted(used - given):
            return f":{name} has no value.{suggestion(name, given)}", "Give it in values=, or take it out of the SQL."
        for name in sorted(given - used):
            return f"values= has {name!r}, and neither query= nor where= has :{name}.", None
        return None

    def _values(self, names: Names) -> dict[str, object]:
        return {
            name: value.value(names.parameters) if isinstance(value, Param) else value for name, value in self.values
        }

    def _details(self) -> dict[str, Any]:
        details: dict[str, Any] = {} if self.consistent else {"consistent": False}
        for name in ("query", "columns", "where", "partitions", "partition_column"):
            if getattr(self.wanted, name):
                details[name] = getattr(self.wanted, name)
        return details

    def read(self, context: Context) -> DataFrame:
        """A frame of the rows as they are at the pipeline's snapshot, whenever it is computed in the run.

        Without a run, as in a preview, each computation reads what is there then, over one connection.
        """
        from stoker.postgres.read.frame import frame, under_snapshot, without_snapshot
        from stoker.postgres.read.plan import Means
        from stoker.postgres.read.snapshot import Snapshot

        info = _resolved(context, self.connection)
        patience = Patience(context.names.config.run.lease_wait, context.stopped)
        means = Means(info, context.spark.sparkContext.defaultParallelism, patience)
        wanted = self.wanted.filled(self._values(context.names))
        if not self.consistent:
            plan = without_snapshot(wanted, means)
        elif context.lifetime is None:
            plan = without_snapshot(wanted.whole(), means)
        else:
            key = ("postgres", self.connection)
            snapshot = context.lifetime.keep(key, lambda: Snapshot(info, context.stopped), Snapshot.release)
            plan = under_snapshot(snapshot, wanted, means)
        if plan.uncut:
            context.fallback(f"{self.describe(context.names).where} is read by one connection: {plan.uncut}")
        return frame(context.spark, plan.task)

    def explain(self, error: Exception, context: Context) -> Exception | None:
        """What a task that reads has raised."""
        from stoker.postgres.sending.copy import refusal

        del context
        return refusal(str(error))


@dataclass(frozen=True)
class PostgresSink(Sink):
    """A table of a configured connection."""

    table: str
    connection: str
    mode: str
    how: Mode
    """The mode with its options."""
    checks: tuple[Check, ...] = ()
    options: LoadOptions = PLAIN

    def describe(self, names: Names) -> Endpoint:
        """The connection and the table."""
        names.config.connection(self.connection)
        return Endpoint("postgres", f"{self.connection}:{LoadTarget.parse(self.table)}", self.mode)

    def statements(self, names: Names) -> list[str]:
        """The statements of a load, as the catalogue is now."""
        config = names.config
        settings = config.connection(self.connection)
        if settings.embedded and settings.folder and not embedded.is_made(settings.folder):
            return ["-- the embedded server is not made yet"]
        from stoker.postgres.preview import preview

        info = resolve(settings, folder=config.source.folder)
        return preview(info, LoadTarget.parse(self.table), self.how, self.options)

    def open(self, context: Context) -> Load:
        """Begin a load; an embedded server is started here."""
        return _PostgresSinkLoad(self, context)

    def repair(self, context: Context, *, dry: bool, needed: Callable[[str], bool]) -> list[str]:
        """Drop the staging tables of dead runs, in the table's schema; what was committed is whole."""
        del needed  # no attempt reads the staging table of another
        config = context.names.config
        settings = config.connection(self.connection)
        if settings.embedded and settings.folder and not embedded.is_made(settings.folder):
            return []
        dropped = sweep(resolve(settings, folder=config.source.folder), LoadTarget.parse(self.table), dry=dry)
        return [f"dropped {number_of(len(dropped), 'staging table')} of dead runs"] if dropped else []

    def label(self) -> str:
        """The connection and the table; not the mode."""
        return f"postgres:{self.connection}:{LoadTarget.parse(self.table)}"


class _PostgresSinkLoad(Load):
    """The adapter between a sink and `stoker.postgres`."""

    def __init__(self, sink: PostgresSink, context: Context) -> None:
        from stoker.postgres.loading import PostgresLoad

        self._sink = sink
        self._context = context
        self._files: DataFiles | None = None
        self._where = sink.describe(context.names).where
        info = _resolved(context, sink.connection)
        name = f"{context.job}/{context.pipeline} -> {LoadTarget.parse(sink.table)}"
        self._load = PostgresLoad(
            info,
            sink.table,
            mode=sink.how,
            run_id=context.run_id,
            sink=name,
            options=sink.options,
            wait=context.names.config.run.lease_wait,
            stopped=context.stopped,
        )

    def published(self) -> Loaded | None:
        done = self._load.published()
        return None if done is None else Loaded(rows=done.rows)

    def prepare(self, schema: StructType) -> None:
        self._load.prepare(schema)

    def offer(self, files: DataFiles) -> None:
        self._files = files

    def stage(self, frame: DataFrame, label: str) -> Loaded:
        del label  # COPY itself says how many rows it took
        rows, way = self._load.stage(frame, self._files), self._load.way
        if way.note:
            self._context.fallback(f"{self._where} was {way.note}")
        return Loaded(rows=rows, way=str(way))

    def last_rows(self) -> int | None:
        return self._load.last_rows()

    def checker(self, keys: Keys) -> Checker | None:
        from stoker.checks.postgres import PostgresChecker

        return PostgresChecker(self._load.staged(), self._sink.connection, keys)

    def publish(self) -> Loaded:
        rows, changed = self._load.publish(), self._load.changed
        return Loaded(
            rows=rows,
            inserted=changed.get("inserted"),
            updated=changed.get("updated"),
            deleted=changed.get("deleted"),
            way=str(self._load.way),
        )

    def close(self) -> None:
        self._load.discard()


def _resolved(context: Context, name: str) -> ConnectionInfo:
    """What a connection needs; an embedded server is started here."""
    config = context.names.config
    settings = config.connection(name)
    known_as = application_name(context.job, context.run_id)
    info = resolve(settings, folder=config.source.folder, application_name=known_as)
    if settings.embedded and settings.folder and (data := embedded.elsewhere(settings.folder)):
        context.fallback(f"the embedded PostgreSQL's data are in {data}, not in {settings.folder}")
    return info


def read_postgres(  # noqa: PLR0913 - options, all by name
    table: str | None = None,
    *,
    connection: str,
    query: str | None = None,
    columns: Sequence[str] = (),
    where: str | None = None,
    values: Mapping[str, object] | None = None,
    partitions: int | None = None,
    partition_column: str | None = None,
    bounds: Sequence[object] = (),
    consistent: bool = True,
) -> PostgresSource:
    """A table, a view or a query in PostgreSQL, read by COPY from the tasks.

    All that a pipeline reads from one connection is of one snapshot, which the driver holds until the rows are staged. The
    tasks read what is declared here: what the transformer filters and selects later is not pushed down.

    Args:
        table: `name`, `schema.name`, or with odd characters `"my schema"."my table"`.
        connection: A name under `[postgres]` of the configuration.
        query: A SELECT, in place of a table.
        columns: Those to read, as the database has their names; by default all.
        where: A condition in SQL: only such rows are sent.
        values: What `:name` stands for in `query` and `where`, by these names: None, truth values, numbers, texts, dates, times,
            lists of these for `= ANY(:name)`, or `param("name")` for a parameter of the job. They are quoted, never pasted.
        partitions: How many parts are read at a time; by default as many as tasks can run, at most 8, and fewer of a small
            table. Tables are cut by blocks, or by ranges of `partition_column`.
        partition_column: A column by whose ranges to cut; it should have an index.
        bounds: The values of that column between the ranges, rising; by default from the server's statistics of a table.
        consistent: Whether all parts must be of one snapshot. Without, each is of the moment at which its task begins, and
            tasks may reach different servers.

    Raises:
        DefinitionError: If the arguments do not fit each other.
    """
    target = None if table is None else LoadTarget.parse(table)
    wanted = Wanted(target, query, tuple(columns), where, partitions, partition_column, tuple(bounds))
    return PostgresSource(wanted, connection, consistent, tuple((values or {}).items()))


def write_postgres(  # noqa: PLR0913 - options, all by name
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
    checks: Sequence[Check] = (),
) -> PostgresSink:
    """A table in PostgreSQL, loaded by COPY from the tasks and published in one transaction, once for a run id.

    Args:
        table: `name`, `schema.name`, or with odd characters `"my schema"."my table"`.
        connection: A name under `[postgres]` of the configuration.
        mode: `replace` all rows; `append` to an existing table; `upsert`: rows whose key is there are rewritten if they differ,
            the others are added; `replace_partitions`: the new rows take the place of those that have the same values in the
            columns of `by`. The table is made if there is none, unless rows are appended.
        key: Of `upsert`: the columns that tell rows apart. They need no unique index. No row may lack one, no two rows be alike.
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
        checks: What the staged rows must hold before they are published; see `check`. They are computed in the server.

    Raises:
        DefinitionError: If the mode, the strategy or the name is wrong, an option is not one of the mode, or a check is none.
    """
    call = f"write.postgres({table!r})"
    LoadTarget.parse(table)
    options = LoadOptions.of(call, columns=columns, before=before, after=after, connections=connections)
    how = mode_of(call, mode, key=key, latest_by=latest_by, delete_missing=delete_missing, by=by, strategy=strategy)
    return PostgresSink(table, connection, mode, how, checks_of(call, checks), options)
