"""What the server does between COPY and the commit of `replace`, by itself: no Spark, no client that sends rows.

    python benchmarks/postgres_publish.py [--rows 3000000] [--rounds 3]

The rows are lineitem's. Seconds and the server's CPU seconds of each step, medians of the rounds; the steps of both ways take
turns on one server. "scan" is the first query over all rows afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from pg8000.native import Connection

import lineitem
from flights_project import server_cpu
from stoker.postgres import embedded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stoker.postgres.embedded import Server

_SCAN = "SELECT sum(l_quantity), max(l_comment) FROM {}"
WAYS: dict[str, list[tuple[str, str]]] = {
    "unlogged staging, DELETE and INSERT": [
        ("make", "CREATE UNLOGGED TABLE staged (LIKE lineitem) WITH (autovacuum_enabled = false)"),
        ("COPY", "COPY staged FROM '{file}' (FORMAT binary)"),
        ("DELETE", "DELETE FROM target"),
        ("INSERT", "INSERT INTO target SELECT * FROM staged"),
        ("ANALYZE", "ANALYZE target"),
        ("scan", _SCAN.format("target")),
        ("clear", "DROP TABLE staged"),
        ("clear", "VACUUM target"),
    ],
    "logged staging, ANALYZE, swap": [
        ("make", "CREATE TABLE staged (LIKE lineitem) WITH (autovacuum_enabled = false)"),
        ("COPY", "COPY staged FROM '{file}' (FORMAT binary)"),
        ("ANALYZE", "ANALYZE staged"),
        ("swap", "DROP TABLE target; ALTER TABLE staged RENAME TO target"),
        ("scan", _SCAN.format("target")),
    ],
    "logged staging, VACUUM (FREEZE), ANALYZE, swap": [
        ("make", "CREATE TABLE staged (LIKE lineitem) WITH (autovacuum_enabled = false)"),
        ("COPY", "COPY staged FROM '{file}' (FORMAT binary)"),
        ("VACUUM", "VACUUM (FREEZE) staged"),
        ("ANALYZE", "ANALYZE staged"),
        ("swap", "DROP TABLE target; ALTER TABLE staged RENAME TO target"),
        ("scan", _SCAN.format("target")),
    ],
}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # under root the server is another user's
        lineitem.write(folder / "lineitem", options.rows)
        server = embedded.start(folder / "postgres")
        try:
            file = _fill(server, folder)
            for _ in range(options.rounds):
                for way, steps in WAYS.items():
                    for step, seconds, cpu in _measured(server, steps, file):
                        found.setdefault((way, step), []).append((seconds, cpu))
        finally:
            embedded.stop(folder / "postgres")
    print(f"lineitem, {options.rows:,} rows; medians of {options.rounds}\n")
    print("| way | step | s | server CPU s |\n|---|---|---|---|")
    for (way, step), times in found.items():
        if step not in {"make", "clear"}:
            print(
                f"| {way} | {step} | {median(each[0] for each in times):.2f} | {median(each[1] for each in times):.2f} |"
            )


def _fill(server: Server, folder: Path) -> Path:
    """The target with the rows of before, and a file that the server itself reads."""
    file = Path(server.data) / "lineitem.bin"
    with contextlib.closing(_connected(server)) as connection:
        connection.run(lineitem.TABLE)
        lineitem.copy(connection, folder / "lineitem")
        connection.run(f"COPY lineitem TO '{file}' (FORMAT binary)")
        connection.run("CREATE TABLE target (LIKE lineitem); INSERT INTO target TABLE lineitem")
        connection.run("VACUUM")
    return file


def _measured(server: Server, steps: Sequence[tuple[str, str]], file: Path) -> list[tuple[str, float, float]]:
    found = []
    with contextlib.closing(_connected(server)) as connection:
        connection.run("CHECKPOINT")
        for step, sql in steps:
            before, start = server_cpu(server.pid), time.monotonic()
            connection.run(sql.format(file=file))
            found.append((step, time.monotonic() - start, server_cpu(server.pid) - before))
    return found


def _connected(server: Server) -> Connection:
    return Connection(
        server.user, host=server.host, port=server.port, database=server.database, password=server.password
    )


if __name__ == "__main__":
    main()
