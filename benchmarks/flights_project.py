"""A copy of the flights example to measure in, with its data and a PostgreSQL that runs before and after."""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from pg8000.native import Connection

import stoker
from process_tree import Usage, measure
from stoker.postgres import embedded
from stoker.spark.session import LOCAL_DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "flights"
TABLES = ("flights", "daily_delays", "carrier_punctuality")
PLAIN_DATABASE = "plain"


@dataclass(frozen=True)
class Measured:
    """One run of the job."""

    usage: Usage
    server_cpu: float
    """Seconds of PostgreSQL, which is not in `usage`."""


@dataclass(frozen=True)
class FlightsProject:
    """The copy."""

    folder: Path
    server: embedded.Server

    def stoker(
        self,
        *,
        spark: Mapping[str, str] | None = None,
        run: Mapping[str, object] | None = None,
        only: Sequence[str] = (),
    ) -> Measured:
        """Run the job by its entry point.

        Args:
            spark: For `[spark]`.
            run: For `[run]`.
            only: The pipelines; none means all.
        """
        text = (EXAMPLE / "stoker.toml").read_text("utf-8")
        for table, values in (("spark", spark), ("run", run)):
            lines = "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in (values or {}).items())
            text += f"\n[{table}]\n{lines}" if lines else ""
        (self.folder / "stoker.toml").write_text(text, "utf-8")
        return self._measure("main.py", {}, *(f"--only={name}" for name in only))

    def plain(self, *, spark: Mapping[str, str] | None = None) -> Measured:
        """Run the plain script, with what Stoker gives a local session.

        Args:
            spark: More settings.
        """
        settings = {"spark.master": "local[*]", **LOCAL_DEFAULTS, **(spark or {})}
        server = self.server
        given = {"HOST": server.host, "PORT": str(server.port), "USER": server.user, "PASSWORD": server.password}
        variables = {f"PG{key}": value for key, value in given.items()}
        variables |= {"PGDATABASE": PLAIN_DATABASE, "PLAIN_SPARK": json.dumps(settings)}
        return self._measure("plain_flights.py", variables)

    def grow(self, name: str, times: int) -> None:
        """Repeat the rows of a file of the source."""
        path = self.folder / "data" / name
        header, rows = path.read_text("utf-8").split("\n", 1)
        path.write_text(header + "\n" + rows * times, "utf-8")

    def sums(self, database: str) -> dict[str, tuple[int, int]]:
        """Rows and a checksum of each table, whatever the order of the rows."""
        connection = self._connection(database)
        try:
            found = {}
            for table in TABLES:
                # By the columns' names: the two ways may have made the tables differently.
                names = connection.run(
                    "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute "
                    "WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped",
                    name=table,
                )[0][0]
                rows = connection.run(
                    f"SELECT count(*), coalesce(sum(hashtextextended(row({names})::text, 0)), 0)::text FROM {table}"  # noqa: S608 - ours
                )
                found[table] = (int(rows[0][0]), int(rows[0][1]))
            return found
        finally:
            connection.close()

    def _connection(self, database: str) -> Connection:
        server = self.server
        return Connection(server.user, host=server.host, port=server.port, database=database, password=server.password)

    def settle(self) -> None:
        """Have both databases in the same state before each run: no dead rows, nothing to write."""
        for database in (self.server.database, PLAIN_DATABASE):
            connection = self._connection(database)
            connection.run("VACUUM")
            connection.run("CHECKPOINT")
            connection.close()

    def _measure(self, script: str, variables: Mapping[str, str], *arguments: str) -> Measured:
        self.settle()
        before = server_cpu(self.server.pid)
        log = self.folder / f"{script}.log"
        usage = measure(
            [sys.executable, script, *arguments], folder=self.folder, environ=clean_environment(variables), log=log
        )
        return Measured(usage, server_cpu(self.server.pid) - before)


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would set Stoker, Spark or Python from outside; commands use this process's Stoker."""
    ours = ("STOKER_", "SPARK_", "PYSPARK_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(Path(stoker.__file__).parents[1]), **more}


@contextlib.contextmanager
def flights_project() -> Iterator[FlightsProject]:
    """Make the copy, start the server; stop it and remove all at the end."""
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        folder = Path(scratch) / "flights"
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".stoker", "data", "tests", "__pycache__"))
        shutil.copy(HERE / "plain_flights.py", folder)
        Path(scratch).chmod(0o755)  # under root the server is another user's
        runpy.run_path(str(EXAMPLE / "fetch_data.py"))["unpack"](folder / "data")
        place = folder / ".stoker" / "postgres"
        server = embedded.start(place)
        try:
            project = FlightsProject(folder, server)
            connection = project._connection(server.database)  # noqa: SLF001 - ours
            connection.run(f"CREATE DATABASE {PLAIN_DATABASE}")
            connection.close()
            yield project
        finally:
            embedded.stop(place)


def server_cpu(pid: int) -> float:
    """CPU seconds of a server's processes, with those that have ended."""
    server = psutil.Process(pid)
    times = [server.cpu_times()]
    for child in server.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times.append(child.cpu_times())
    # Each session's process is waited for by the server, which then has its time as a child's.
    return float(sum(each.user + each.system + each.children_user + each.children_system for each in times))
