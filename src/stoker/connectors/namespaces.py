"""`read` and `write`: what users call."""

from __future__ import annotations

from stoker.connectors.csv import read_csv, write_csv
from stoker.connectors.parquet import read_parquet, write_parquet
from stoker.connectors.postgres import write_postgres


class read:  # noqa: N801 - used as a namespace, like spark.read
    """Sources: `read.csv(...)`, `read.parquet(...)`."""

    csv = staticmethod(read_csv)
    parquet = staticmethod(read_parquet)


class write:  # noqa: N801 - used as a namespace, like df.write
    """Sinks: `write.parquet(...)`, `write.csv(...)`, `write.postgres(...)`."""

    csv = staticmethod(write_csv)
    parquet = staticmethod(write_parquet)
    postgres = staticmethod(write_postgres)
