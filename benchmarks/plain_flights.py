"""The flights job as a careful person writes it without Stoker: same transformers, same files, COPY by hand.

It makes no promises: a file that does not fit becomes nulls, a kill leaves half a folder, a retried task doubles its rows.
`overhead.py` runs it in a copy of the example; settings come as JSON in `PLAIN_SPARK`, the server as `PG...` variables.
"""

from __future__ import annotations

import csv
import json
import os
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from pg8000.native import Connection, identifier
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from flights import schemas, transformers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from pyspark.sql import DataFrame

LAKE = ".plain/lake"
SQL_TYPES = {
    "int": "integer",
    "bigint": "bigint",
    "double": "double precision",
    "string": "text",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
}


def main() -> None:
    """Run the five pipelines, one after the other."""
    builder = SparkSession.builder.appName("plain flights")
    for key, value in json.loads(os.environ["PLAIN_SPARK"]).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    postgres = connect(server())

    clean = transformers.clean_flights(read_csv(spark, "flights", schemas.FLIGHT))
    flights = write(clean, "flights", partition_by=["month"])
    load(postgres, flights, "flights")

    weather = write(transformers.hourly_weather(read_csv(spark, "weather", schemas.WEATHER)), "weather")

    airlines = read_csv(spark, "airlines", schemas.AIRLINE)
    punctual = write(transformers.carrier_punctuality(flights, airlines, 15), "carrier_punctuality")
    load(postgres, punctual, "carrier_punctuality")

    delays = write(transformers.daily_delays(flights, weather, date(2013, 1, 1), 15), "daily_delays")
    load(postgres, delays, "daily_delays")

    planes = read_csv(spark, "planes", schemas.PLANE)
    write(transformers.orphans(flights, planes, read_csv(spark, "airports", schemas.AIRPORT)), "orphans")
    postgres.close()
    spark.stop()


def read_csv(spark: SparkSession, name: str, ddl: str) -> DataFrame:
    """One of the files, with an explicit schema: the declared columns, and text for the others of the file."""
    path = f"data/{name}.csv"
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - as people write it
        header = next(csv.reader(stream))
    fields = cast("StructType", StructType.fromDDL(ddl)).fields
    declared = {field.name: field for field in fields}
    schema = StructType([declared.get(column, StructField(column, StringType())) for column in header])
    frame = spark.read.schema(schema).option("header", True).option("nullValue", "NA").csv(path)  # noqa: FBT003
    return frame.select(*declared)


def write(frame: DataFrame, name: str, partition_by: list[str] | None = None) -> DataFrame:
    """Write Parquet, and answer what was written."""
    path = f"{LAKE}/{name}"
    frame.write.mode("overwrite").parquet(path, partitionBy=partition_by)
    return frame.sparkSession.read.schema(frame.schema).parquet(path).select(*frame.columns)


def load(postgres: Connection, frame: DataFrame, name: str) -> None:
    """COPY from the tasks into a staging table, then one transaction."""
    columns = ", ".join(f"{identifier(f.name)} {SQL_TYPES[f.dataType.simpleString()]}" for f in frame.schema.fields)
    names = ", ".join(identifier(column) for column in frame.columns)
    staging, target = identifier(f"staging_{name}"), identifier(name)
    postgres.run(f"DROP TABLE IF EXISTS {staging}")
    postgres.run(f"CREATE UNLOGGED TABLE {staging} ({columns})")
    copy = f"COPY {staging} ({names}) FROM STDIN WITH (FORMAT csv)"
    to = server()

    def copy_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        connection = connect(to)
        connection.run("SET timezone = 'UTC'")
        connection.run(copy, stream=(csv_text(batch) for batch in batches))
        connection.close()
        yield from ()

    frame.mapInArrow(copy_partition, "nothing int").collect()
    postgres.run("START TRANSACTION")
    postgres.run(f"CREATE TABLE IF NOT EXISTS {target} ({columns})")
    postgres.run(f"DELETE FROM {target}")  # noqa: S608 - quoted
    postgres.run(f"INSERT INTO {target} ({names}) SELECT {names} FROM {staging}")  # noqa: S608 - quoted
    postgres.run(f"DROP TABLE {staging}")
    postgres.run("COMMIT")


def csv_text(batch: pa.RecordBatch) -> bytes:
    """A batch as CSV. Moments are sent as naive UTC: with a time zone pyarrow formats them nine times as slowly."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    arrays = [
        column.view(pa.timestamp(column.type.unit)) if pa.types.is_timestamp(column.type) else column
        for column in batch.columns
    ]
    sink = pa.BufferOutputStream()
    options = arrow_csv.WriteOptions(include_header=False, batch_size=max(batch.num_rows, 1))
    arrow_csv.write_csv(pa.RecordBatch.from_arrays(arrays, names=batch.schema.names), sink, options)
    text: bytes = sink.getvalue().to_pybytes()
    return text


def server() -> dict[str, Any]:
    """The server, from the variables that psql knows."""
    names = {"host": "PGHOST", "database": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}
    return {**{key: os.environ[name] for key, name in names.items()}, "port": int(os.environ["PGPORT"])}


def connect(to: dict[str, Any]) -> Connection:
    """A connection."""
    return Connection(**to)


if __name__ == "__main__":
    main()
