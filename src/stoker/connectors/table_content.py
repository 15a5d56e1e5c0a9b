"""The rows of a table of a catalogue, and what tells them from others."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stoker.errors import SourceError, suggestion
from stoker.tables.catalogue import Catalogue, databases
from stoker.tables.names import SESSION_CATALOG, TableName
from stoker.tables.view import look, unfinished_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from stoker.tables.view import TableView

_FILES = {"avro", "csv", "json", "orc", "parquet", "text"}
"""Formats whose rows are what is in the files of the table's place."""


def own_catalogue(spark: SparkSession, name: TableName) -> Catalogue | None:
    """The table in Spark's own catalogue, if that is where its name leads."""
    parts = name.parts
    if parts[0].lower() == SESSION_CATALOG and len(parts) > 1:
        parts = parts[1:]
    if len(parts) > 2:  # noqa: PLR2004 - database and table
        return None
    if len(parts) == 2 and parts[0].lower() not in {known.lower() for known in databases(spark)}:  # noqa: PLR2004
        return None
    return Catalogue(spark, TableName(parts))


def read_frame(spark: SparkSession, name: TableName, options: Mapping[str, Any]) -> DataFrame:
    """The rows of a table or view.

    Raises:
        SourceError: If it does not exist.
        ChangedError: If it was published meanwhile.
    """
    catalogue = own_catalogue(spark, name)
    facts = None if catalogue is None else catalogue.facts()
    if catalogue is None or catalogue.is_hidden or (facts is not None and facts.form != "parquet"):
        return _table(spark, name, options)
    return frame_of(spark, catalogue, look(spark, catalogue), options)


def frame_of(spark: SparkSession, catalogue: Catalogue, seen: TableView, options: Mapping[str, Any]) -> DataFrame:
    """The rows of a table that Stoker may have published.

    Raises:
        SourceError: If it does not exist.
        ChangedError: If it was published meanwhile.
    """
    if seen.unfinished is None:
        frame = _table(spark, catalogue.name, options)
    else:
        there = None if seen.facts is None else _table(spark, catalogue.name, options)
        frame = unfinished_frame(spark, seen, there)
    seen.check_current()
    return frame


def _table(spark: SparkSession, name: TableName, options: Mapping[str, Any]) -> DataFrame:
    from pyspark.errors import AnalysisException

    try:
        # The session may know the files of before.
        spark.catalog.refreshTable(name.sql)
        return spark.read.options(**options).table(name.sql)
    except AnalysisException as error:
        text = str(error)
        if any(known in text for known in ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "REQUIRES_SINGLE_PART")):
            raise _missing(spark, name) from error
        raise SourceError(
            f"The table {name} cannot be read: {text.strip().partition(chr(10))[0]}",
            state="Nothing was read.",
            next_step="Check that the session has what the table's format and catalogue need: JARs, settings, rights.",
        ) from error


def _missing(spark: SparkSession, name: TableName) -> SourceError:
    """The refusal of a name that leads nowhere, with those that are close."""
    database = name.database
    if len(name.parts) == 2 and name.parts[0].lower() not in {each.lower() for each in databases(spark)}:  # noqa: PLR2004
        told = f"Its database does not exist.{suggestion(name.parts[0], databases(spark))}"
    else:
        told = suggestion(name.table, _beside(spark, database)).strip()
    return SourceError(
        f"The table {name} does not exist. {told}".rstrip(),
        state="Nothing was read.",
        next_step="Check the name, and that the session has the catalogue: spark.sql.catalogImplementation = hive for a metastore.",
    )


def _beside(spark: SparkSession, database: str | None) -> list[str]:
    """The tables and views of a database, as far as they can be listed."""
    try:
        rows = spark.sql(f"SHOW TABLES IN {database}" if database else "SHOW TABLES").collect()
    except Exception:  # noqa: BLE001 - whatever hinders it, the missing table is told
        return []
    return [str(row["tableName"]) for row in rows]


def content(spark: SparkSession, name: TableName) -> dict[str, Any] | None:
    """What tells the rows of a table from others, by listings: no file is opened.

    Returns:
        `where`, `location`, `files`, `bytes`, `modified` (the newest), `digest` (of places, names, sizes and times), and
        `run`, the run that published last, if Stoker did; None for a view, or a table that is no plain files.
    """
    catalogue = own_catalogue(spark, name)
    facts = None if catalogue is None or catalogue.is_hidden else catalogue.facts()
    if catalogue is None or facts is None or facts.form not in _FILES:
        return None
    seen = look(spark, catalogue)
    lines, size, newest = [], 0, 0.0
    places = sorted(catalogue.partitions().values()) if facts.partition_by else [facts.location]
    for place in places:
        for info in seen.fs.data_files(place):
            lines.append(f"{place}/{info.path}\t{info.bytes}\t{info.modified:.3f}")
            size, newest = size + info.bytes, max(newest, info.modified)
    told: dict[str, Any] = {
        "where": str(name),
        "location": facts.location,
        "files": len(lines),
        "bytes": size,
        "modified": None,
        "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }
    if lines:
        told["modified"] = datetime.fromtimestamp(newest, UTC).isoformat(timespec="milliseconds")
    latest = seen.unfinished or seen.latest
    if latest is not None:
        told["run"] = latest.run_id
    return told
