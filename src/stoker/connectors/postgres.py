"""PostgreSQL as a sink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stoker.checks import checks_of
from stoker.connectors.base import Endpoint, Load, Loaded, Sink
from stoker.errors import number_of
from stoker.postgres import embedded
from stoker.postgres.connection import resolve
from stoker.postgres.info import application_name
from stoker.postgres.modes.choice import Mode, columns_of
from stoker.postgres.names import LoadTarget
from stoker.postgres.repair import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from stoker.checks import Check, Checker
    from stoker.checks.checker import Keys
    from stoker.connectors.base import Context, Names
    from stoker.spark.data_files import DataFiles


@dataclass(frozen=True)
class PostgresSink(Sink):
    """A table of a configured connection."""

    table: str
    connection: str
    mode: str
    checks: tuple[Check, ...] = ()
    key: tuple[str, ...] = ()
    latest_by: str | None = None
    delete_missing: bool = False
    by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can never work, where it is declared."""
        LoadTarget.parse(self.table)
        self.how.check(f"write.postgres({self.table!r})")

    @property
    def how(self) -> Mode:
        """The mode with its options."""
        return Mode(self.mode, self.key, self.latest_by, self.delete_missing, self.by)

    def describe(self, names: Names) -> Endpoint:
        """The connection and the table."""
        names.config.connection(self.connection)
        return Endpoint("postgres", f"{self.connection}:{LoadTarget.parse(self.table)}", self.mode)

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
        config = context.names.config
        settings = config.connection(sink.connection)
        known_as = application_name(context.job, context.run_id)
        info = resolve(settings, folder=config.source.folder, application_name=known_as)
        if settings.embedded and settings.folder and (data := embedded.elsewhere(settings.folder)):
            context.fallback(f"the embedded PostgreSQL's data are in {data}, not in {settings.folder}")
        name = f"{context.job}/{context.pipeline} -> {LoadTarget.parse(sink.table)}"
        self._load = PostgresLoad(
            info,
            sink.table,
            mode=sink.how,
            run_id=context.run_id,
            sink=name,
            wait=config.run.lease_wait,
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
        )

    def close(self) -> None:
        self._load.discard()


def write_postgres(
    table: str,
    *,
    connection: str,
    mode: str,
    key: Sequence[str] = (),
    latest_by: str | None = None,
    delete_missing: bool = False,
    by: Sequence[str] = (),
    checks: Sequence[Check] = (),
) -> PostgresSink:
    """A table in PostgreSQL, loaded by COPY from the tasks and published in one transaction, once for a run id.

    Args:
        table: `name`, `schema.name`, or with odd characters `"my schema"."my table"`.
        connection: A name under `[postgres]` of the configuration.
        mode: `replace` all rows, `append` to an existing table, or `upsert`: rows whose key is there are rewritten if they differ,
            the others are added; or `replace_partitions`: the new rows take the place of those that have the same values in the
            columns of `by`. The table is made if there is none, unless rows are appended.
        key: Of `upsert`: the columns that tell rows apart. They need no unique index. No row may lack one, no two rows be alike.
        latest_by: Of `upsert`: of rows with the same key, that with the highest value in this column counts, and null is lowest.
        delete_missing: Of `upsert`: whether rows of the table go whose key is not among the new ones.
        by: Of `replace_partitions`: the columns whose values tell partitions apart; null is a value too.
        checks: What the staged rows must hold before they are published; see `check`. They are computed in the server.

    Raises:
        DefinitionError: If the mode or the name is wrong, an option is not one of the mode, or a check is none.
    """
    call = f"write.postgres({table!r})"
    keys, parts = columns_of(call, "key", key), columns_of(call, "by", by)
    return PostgresSink(table, connection, mode, checks_of(call, checks), keys, latest_by, delete_missing, parts)
