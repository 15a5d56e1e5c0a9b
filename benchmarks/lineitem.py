"""The table `lineitem` of TPC-H, as `tpchgen-cli` makes it (`pip install tpchgen-cli`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv
from pyarrow import parquet as pq

if TYPE_CHECKING:
    from pg8000.native import Connection

TABLE = """
CREATE TABLE lineitem (
    l_orderkey bigint NOT NULL, l_partkey bigint NOT NULL, l_suppkey bigint NOT NULL, l_linenumber integer NOT NULL,
    l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, l_discount numeric(15,2) NOT NULL,
    l_tax numeric(15,2) NOT NULL, l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL,
    l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
    l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, l_comment varchar(44) NOT NULL
)
"""
_ROWS_OF_SCALE_1 = 6_000_000


def write(folder: Path, rows: int, files: int = 2) -> None:
    """Write about so many rows as Parquet, as the program writes it.

    Args:
        folder: Is made.
        rows: Six million are scale factor 1.
        files: Of about the same size.
    """
    program = shutil.which("tpchgen-cli", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        raise SystemExit("This benchmark needs tpchgen-cli: pip install tpchgen-cli")
    made = folder.with_name(f"{folder.name}-made")
    scale = f"--scale-factor={rows / _ROWS_OF_SCALE_1}"
    arguments = [scale, "--tables=lineitem", f"--parts={files}", f"--output-dir={made}"]
    subprocess.run([program, "parquet", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (made / "lineitem").rename(folder)
    made.rmdir()


def with_plain_texts(schema: pa.Schema) -> pa.Schema:
    """The same with texts of the form that every tool knows."""
    return pa.schema([each.with_type(pa.string()) if pa.types.is_string_view(each.type) else each for each in schema])


def copy(connection: Connection, folder: Path) -> None:
    """Load the files into the table, one after the other."""
    for path in sorted(folder.iterdir()):
        table = pq.read_table(path)
        text: Any = pa.BufferOutputStream()
        csv.write_csv(table.cast(with_plain_texts(table.schema)), text, csv.WriteOptions(include_header=False))
        connection.run("COPY lineitem FROM STDIN (FORMAT csv)", stream=[memoryview(text.getvalue())])
