"""What the server does in an upsert, by itself: no Spark, no client that sends rows.

    python benchmarks/postgres_upsert.py [--rows 1000000] [--rounds 3]

The rows are lineitem's with a number as key. The table has 95% of the staged ones, of which every tenth differs. They are
staged in the order of the key, or in none. Seconds and the server's CPU seconds from staged to committed, without ANALYZE of
the table, medians of the rounds; and how many rows of the table were written again.
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
from stoker.postgres.columns import Column
from stoker.postgres.ledger import Ledger
from stoker.postgres.modes import upsert
from stoker.postgres.modes.choice import Mode
from stoker.postgres.modes.statement import Publication, parameters
from stoker.postgres.names import LoadTarget
from stoker.postgres.staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stoker.postgres.embedded import Server

_UNIQUE = "CREATE UNIQUE INDEX ON staged (id)"


def _ours(connection: Connection, columns: list[str]) -> None:
    place = LoadTarget("public", "staged")
    kinds = tuple(Column(name, "") for name in columns)
    work = Publication(
        LoadTarget("public", "target"),
        Mode("upsert", key=("id",)),
        kinds,
        Staging(place, place, "0"),
        Ledger("", "", "", ""),
    )
    [[transaction]] = connection.run("SELECT xmin::text::bigint FROM staged LIMIT 1")
    # The index is how keys that come twice are found.
    connection.run(_UNIQUE)
    for statement in upsert.statements(work):
        if not statement.sql.startswith("CREATE TABLE"):
            connection.run(statement.sql, **parameters(statement.sql, [transaction], statement.parameters))


def _on_conflict(connection: Connection, columns: list[str]) -> None:
    names = ", ".join(columns)
    others = [name for name in columns if name != "id"]
    connection.run(
        f"INSERT INTO target AS t ({names}) SELECT {names} FROM staged ON CONFLICT (id) DO UPDATE SET "  # noqa: S608 - ours
        f"{_assigned(others, 'excluded')} WHERE {_differs(others, 'excluded')}"
    )


def _merge(connection: Connection, columns: list[str]) -> None:
    others = [name for name in columns if name != "id"]
    connection.run("ANALYZE staged (id)")
    connection.run(
        f"MERGE INTO target t USING staged s ON t.id = s.id WHEN MATCHED AND {_differs(others, 's')} "  # noqa: S608 - ours
        f"THEN UPDATE SET {_assigned(others, 's')} WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) "
        f"VALUES ({', '.join(f's.{name}' for name in columns)})"
    )


def _two_joins(connection: Connection, columns: list[str]) -> None:
    names, others = ", ".join(columns), [name for name in columns if name != "id"]
    connection.run("ANALYZE staged (id)")
    connection.run(
        f"UPDATE target t SET {_assigned(others, 's')} FROM staged s WHERE t.id = s.id AND {_differs(others, 's')}"  # noqa: S608 - ours
    )
    connection.run(
        f"INSERT INTO target ({names}) SELECT {names} FROM staged s "  # noqa: S608 - ours
        "WHERE NOT EXISTS (SELECT FROM target t WHERE t.id = s.id)"
    )


def _assigned(names: list[str], row: str) -> str:
    return ", ".join(f"{name} = {row}.{name}" for name in names)


def _differs(names: list[str], row: str) -> str:
    return f"({', '.join(f't.{name}' for name in names)}) IS DISTINCT FROM ({', '.join(f'{row}.{name}' for name in names)})"


WAYS: dict[str, Callable[[Connection, list[str]], None]] = {
    "Stoker: duplicates, one comparison, UPDATE, INSERT": _ours,
    "INSERT ... ON CONFLICT DO UPDATE ... WHERE it differs": _on_conflict,
    "MERGE": _merge,
    "UPDATE and INSERT, a join each": _two_joins,
}
ORDERS = {"by key": "id", "none": "hashint8(id)"}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
    with _prepared(options.rows) as (server, columns):
        for _ in range(options.rounds):
            for order in ORDERS:
                for way in WAYS:
                    found.setdefault((way, order), []).append(_measured(server, columns, way, order))
    print(f"lineitem, {options.rows:,} rows, a tenth differs; medians of {options.rounds}\n")
    print("| way | order of the rows | s | server CPU s | written again |\n|---|---|---|---|---|")
    for (way, order), measured in found.items():
        seconds, cpu, rows = (median(each) for each in zip(*measured, strict=True))
        print(f"| {way} | {order} | {seconds:.2f} | {cpu:.2f} | {rows:,.0f} |")


@contextlib.contextmanager
def _prepared(rows: int) -> Iterator[tuple[Server, list[str]]]:
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # under root the server is another user's
        lineitem.write(folder / "lineitem", rows)
        server = embedded.start(folder / "postgres")
        try:
            with contextlib.closing(_connected(server)) as connection:
                connection.run(lineitem.TABLE)
                lineitem.copy(connection, folder / "lineitem")
                connection.run("ALTER TABLE lineitem ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY")
                found = connection.run(
                    "SELECT attname FROM pg_attribute WHERE attrelid = 'lineitem'::regclass AND attnum > 0"
                )
            yield server, [name for (name,) in found]
        finally:
            embedded.stop(folder / "postgres")


def _measured(server: Server, columns: list[str], way: str, order: str) -> tuple[float, float, int]:
    names = ", ".join(columns)
    changed = ", ".join("l_tax + (id % 10 = 3)::int" if name == "l_tax" else name for name in columns)
    with contextlib.closing(_connected(server)) as connection:
        connection.run("DROP TABLE IF EXISTS target, staged")
        connection.run("CREATE TABLE target (LIKE lineitem, PRIMARY KEY (id))")
        connection.run(f"INSERT INTO target SELECT {names} FROM lineitem WHERE id % 20 <> 7")  # noqa: S608 - ours
        connection.run("CREATE UNLOGGED TABLE staged (LIKE lineitem) WITH (autovacuum_enabled = false)")
        connection.run(f"INSERT INTO staged ({names}) SELECT {changed} FROM lineitem ORDER BY {ORDERS[order]}")  # noqa: S608 - ours
        connection.run("VACUUM ANALYZE target")
        connection.run("CHECKPOINT")
    # A session of its own, which tells what it counted when it ends.
    before, start = server_cpu(server.pid), time.monotonic()
    with contextlib.closing(_connected(server)) as connection:
        connection.run("BEGIN")
        WAYS[way](connection, columns)
        connection.run("COMMIT")
        seconds = time.monotonic() - start
    with contextlib.closing(_connected(server)) as connection:
        time.sleep(1)
        [[rows]] = connection.run("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'target'")
    return seconds, server_cpu(server.pid) - before, rows


def _connected(server: Server) -> Connection:
    return Connection(
        server.user, host=server.host, port=server.port, database=server.database, password=server.password
    )


if __name__ == "__main__":
    main()
