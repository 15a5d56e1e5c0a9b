"""`read` and `write`: what users call."""

from __future__ import annotations

from stoker.connectors.csv import read_csv, write_csv
from stoker.connectors.json import read_json, write_json
from stoker.connectors.parquet import read_parquet, write_parquet
from stoker.connectors.postgres import read_postgres, write_postgres
from stoker.connectors.text import read_text


class read:  # noqa: N801 - used as a namespace, like spark.read
    """Sources: `read.csv(...)`, `read.json(...)`, `read.parquet(...)`, `read.postgres(...)`, `read.text(...)`."""

    csv = staticmethod(read_csv)
    json = staticmethod(read_json)
    parquet = staticmethod(read_parquet)
    postgres = staticmethod(read_postgres)
    text = staticmethod(read_text)


class write:  # noqa: N801 - used as a namespace, like df.write
    """Sinks: `write.csv(...)`, `write.json(...)`, `write.parquet(...)`, `write.postgres(...)`."""

    csv = staticmethod(write_csv)
    json = staticmethod(write_json)
    parquet = staticmethod(write_parquet)
    postgres = staticmethod(write_postgres)
