"""Spark's own catalogue: what it knows of a table, and the changes of where its rows are, each one call to the metastore.

There is no public way to a table's location and format but `DESCRIBE`, whose text changes from version to version, and none
at all that changes several partitions in one call: what reaches into the JVM for them is in this file.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stoker.errors import SinkError, suggestion
from stoker.files.view import schema_of
from stoker.spark.columns import quoted
from stoker.tables.answers import answers, refusals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from stoker.tables.names import TableName

_REPLACED = "spark.sql.catalog.spark_catalog"
"""The setting by which something else takes the place of Spark's own catalogue."""
_PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_LENGTH = "__CHAR_VARCHAR_TYPE_STRING"
"""The key of a column's metadata that says that it is a CHAR or VARCHAR."""

_FEW = 50
"""Partitions that are asked for one by one."""
NULL = "__HIVE_DEFAULT_PARTITION__"
"""How the catalogue, and the folder, of a partition says null."""

Values = tuple[str, ...]
"""What tells a partition: the values of its columns, in their order, as texts."""


@dataclass(frozen=True)
class TableFacts:
    """What the catalogue says of a table."""

    location: str
    """A URI or path without a slash at its end; empty for a view."""
    schema: StructType
    """Partition columns included."""
    partition_by: tuple[str, ...]
    form: str
    """`parquet`, or what the table calls its format; `view` for one."""
    is_bucketed: bool
    is_transactional: bool
    lists_partitions: bool
    """Whether the catalogue knows the partitions, if there are any."""
    has_statistics: bool
    bounded: tuple[str, ...]
    """Columns of type CHAR or VARCHAR."""


class Catalogue:
    """One table of Spark's own catalogue.

    Args:
        spark: The session.
        name: The table; its database is the session's current one if the name has none.
    """

    def __init__(self, spark: SparkSession, name: TableName) -> None:
        self.spark = spark
        self.name = name
        self._jvm: Any = spark._jvm  # noqa: SLF001 - see the module
        self._state: Any = spark._jsparkSession.sessionState()  # noqa: SLF001 - as above
        self._catalog: Any = self._state.catalog()
        self._identifier: Any = self._state.sqlParser().parseTableIdentifier(name.sql)

    @property
    def is_in_memory(self) -> bool:
        """Whether the tables are gone with the process."""
        conf = self.spark.conf
        return conf.get("spark.sql.catalogImplementation") == "in-memory" and not conf.get(_REPLACED, "")

    @property
    def is_hidden(self) -> bool:
        """Whether the name is that of a temporary view."""
        return bool(self._catalog.isTempView(self._identifier))

    @cached_property
    def _own(self) -> SparkSession:
        """A session whose parser reads our literals, whatever the user's settings are."""
        own = self.spark.newSession()
        own.conf.set("spark.sql.parser.escapedStringLiterals", "false")
        own.conf.set("spark.sql.ansi.doubleQuotedIdentifiers", "false")
        return own

    def check_database(self) -> None:
        """Make sure that the table's database is there.

        Raises:
            SinkError: If it is not, with the names of those that are close.
            TransientError: If the catalogue does not answer.
        """
        database = self.name.parts[-2]
        with answers(self.name):
            there = self._catalog.databaseExists(database)
        if there:
            return
        raise SinkError(
            f"The database of {self.name} does not exist.{suggestion(database, databases(self.spark))}",
            state="Nothing was written.",
            next_step=f"Correct the name, or make it first: CREATE DATABASE {quoted(database)}.",
        )

    def facts(self) -> TableFacts | None:
        """What there is of the table; None if it does not exist.

        Raises:
            TransientError: If the catalogue does not answer.
        """
        with answers(self.name):
            return self._facts()

    def _facts(self) -> TableFacts | None:
        if not self._catalog.tableExists(self._identifier):
            return None
        table = self._catalog.getTableMetadata(self._identifier)
        serde, properties = table.storage().serde(), table.properties()
        provider = str(table.provider().get() if table.provider().isDefined() else "hive").lower()
        if provider == "hive" and serde.isDefined() and serde.get() == _PARQUET_SERDE:
            provider = "parquet"
        kind = properties.get("table_type")  # what Iceberg leaves in a metastore
        if kind.isDefined():
            provider = str(kind.get()).lower()
        is_view = str(table.tableType().name()) == "VIEW"
        document = json.loads(table.schema().json())
        transactional = properties.get("transactional")
        return TableFacts(
            location="" if is_view else self._path(table.location()),
            schema=schema_of(document),
            partition_by=tuple(_items(table.partitionColumnNames())),
            form="view" if is_view else provider,
            is_bucketed=bool(table.bucketSpec().isDefined()),
            is_transactional=bool(transactional.isDefined()) and str(transactional.get()).lower() == "true",
            lists_partitions=bool(table.tracksPartitionsInCatalog()),
            has_statistics=bool(table.stats().isDefined()),
            bounded=tuple(each["name"] for each in document["fields"] if _LENGTH in each["metadata"]),
        )

    def default_location(self) -> str:
        """Where the database has its tables by default.

        Raises:
            TransientError: If the catalogue does not answer.
        """
        with answers(self.name):
            return self._path(self._catalog.defaultTablePath(self._identifier))

    def _path(self, uri: Any) -> str:
        return str(self._jvm.org.apache.hadoop.fs.Path(uri).toString()).rstrip("/")

    def partitions(self, among: Collection[Values] | None = None) -> dict[Values, str]:
        """The partitions that the catalogue knows, and where the rows of each are.

        Args:
            among: Those that are of interest; a few are asked for one by one, whatever the number of all. None for all.

        Raises:
            TransientError: If the catalogue does not answer.
        """
        with answers(self.name):
            return {values: self._path(found.location()) for values, found in self._partitions(among).items()}

    def _partitions(self, among: Collection[Values] | None = None) -> dict[Values, Any]:
        names, option = self._columns(), self._jvm.scala.Option
        # Hive's metastore does not look up nulls.
        if among is None or len(among) > _FEW or any(NULL in values for values in among):
            found = _items(self._catalog.listPartitions(self._identifier, option.apply(None)))
        else:
            specs = [option.apply(self._spec(names, values)) for values in among]
            found = [each for spec in specs for each in _items(self._catalog.listPartitions(self._identifier, spec))]
        return {tuple(str(each.spec().apply(name)) for name in names): each for each in found}

    def _columns(self) -> list[str]:
        return [str(name) for name in _items(self._table().partitionColumnNames())]

    def _table(self) -> Any:
        return self._catalog.getTableMetadata(self._identifier)

    def create(self, schema: StructType, partition_by: Sequence[str], location: str) -> None:
        """Make the table, of Parquet files at a location.

        Raises:
            RefusedError: If the catalogue refuses, as it does where somebody was quicker.
        """
        columns = self._jvm.org.apache.spark.sql.types.DataType.fromJson(schema.json()).toDDL()
        partitioned = f" PARTITIONED BY ({', '.join(map(quoted, partition_by))})" if partition_by else ""
        with refusals():
            self._own.sql(
                f"CREATE TABLE {self.name.sql} ({columns}) USING parquet{partitioned} LOCATION {_text(location)}"
            )

    def set_location(self, location: str) -> None:
        """Have the table's rows be those of another folder.

        Raises:
            RefusedError: If the catalogue refuses.
        """
        with refusals():
            self._own.sql(f"ALTER TABLE {self.name.sql} SET LOCATION {_text(location)}")

    def set_columns(self, schema: StructType, partition_by: Iterable[str]) -> None:
        """Have the table other columns; partition columns stay.

        Raises:
            RefusedError: If the catalogue refuses.
        """
        left = {name.lower() for name in partition_by}
        data = type(schema)([each for each in schema.fields if each.name.lower() not in left])
        identifier = self._table().identifier()
        with refusals():
            columns = self._jvm.org.apache.spark.sql.types.DataType.fromJson(data.json())
            self._catalog.externalCatalog().alterTableDataSchema(
                identifier.database().get(), identifier.table(), columns
            )

    def add_partitions(self, locations: Mapping[Values, str]) -> None:
        """Make partitions known, each with its location, in one call; those that are known stay as they are.

        Raises:
            RefusedError: If the catalogue refuses.
        """
        with refusals():
            table = self._table()
            columns = [str(name) for name in _items(table.partitionColumnNames())]
            made = [
                self._jvm.org.apache.spark.sql.catalyst.catalog.CatalogTablePartition(
                    self._spec(columns, values),
                    self._moved(table.storage(), location),
                    self._map({}),
                    int(time.time() * 1000),
                    -1,
                    self._jvm.scala.Option.apply(None),
                )
                for values, location in locations.items()
            ]
            self._catalog.createPartitions(self._identifier, self._sequence(made), True)  # noqa: FBT003 - Java

    def move_partitions(self, locations: Mapping[Values, str]) -> None:
        """Have the rows of partitions be those of other folders, in one call; those that are not known are passed over.

        Raises:
            RefusedError: If the catalogue refuses.
        """
        with refusals():
            moved = []
            for values, found in self._partitions(locations).items():
                location = locations.get(values)
                if location is not None and self._path(found.location()) != location:
                    fields = [found.productElement(at) for at in range(found.productArity())]
                    fields[1] = self._moved(fields[1], location)
                    fields[2], fields[-1] = (
                        self._map({}),
                        self._jvm.scala.Option.apply(None),
                    )  # statistics of the former
                    moved.append(found.copy(*fields))
            if moved:
                self._catalog.alterPartitions(self._identifier, self._sequence(moved))

    def drop_partitions(self, gone: Iterable[Values]) -> None:
        """Forget partitions, in one call; their files stay.

        Raises:
            RefusedError: If the catalogue refuses.
        """
        with refusals():
            columns = self._columns()
            specs = self._sequence([self._spec(columns, values) for values in gone])
            self._catalog.dropPartitions(self._identifier, specs, True, False, True)  # noqa: FBT003 - Java

    def forget_statistics(self) -> None:
        """Have the optimiser no longer take the former rows' statistics for those of the table."""
        with refusals():
            self._catalog.alterTableStats(self._table().identifier(), self._jvm.scala.Option.apply(None))

    def refresh(self) -> None:
        """Have the user's session look at the catalogue anew."""
        with suppress(Exception):  # it is published all the same
            self.spark.catalog.refreshTable(self.name.sql)

    def _moved(self, storage: Any, location: str) -> Any:
        """A description of storage with another location."""
        fields = [storage.productElement(at) for at in range(storage.productArity())]
        fields[0] = self._jvm.scala.Option.apply(self._jvm.org.apache.hadoop.fs.Path(location).toUri())
        return storage.copy(*fields)

    def _spec(self, columns: Sequence[str], values: Values) -> Any:
        return self._map(dict(zip(columns, values, strict=True)))

    def _map(self, given: Mapping[str, str]) -> Any:
        made = self._jvm.java.util.LinkedHashMap()
        for key, value in given.items():
            made.put(key, value)
        return self._jvm.org.apache.spark.api.python.PythonUtils.toScalaMap(made)

    def _sequence(self, given: Iterable[Any]) -> Any:
        made = self._jvm.java.util.ArrayList()
        for each in given:
            made.add(each)
        return self._jvm.org.apache.spark.api.python.PythonUtils.toSeq(made)


def databases(spark: SparkSession) -> list[str]:
    """The names of the databases of Spark's own catalogue.

    Raises:
        TransientError: If the catalogue does not answer.
    """
    with answers(None):
        return [str(name) for name in _items(spark._jsparkSession.sessionState().catalog().listDatabases())]  # noqa: SLF001


def _items(sequence: Any) -> list[Any]:
    return [sequence.apply(position) for position in range(sequence.size())]


def _text(value: str) -> str:
    """A literal of Spark's SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
