"""Loading PostgreSQL: Spark's JDBC writer, Stoker's ways, and COPY by psql as the floor.

    python benchmarks/postgres_load.py [--shape NAME] [--mode MODE] [--rows N] [--rounds N] [--ways NAME ...]

Every way loads the same rows into the same table, in a fresh process: first cold, then twice warm. The ways take turns, and
their order changes from round to round; what counts are the ratios of the medians, because a machine that does other
things too slows all alike. The server's CPU seconds are apart. With `--rivals PYTHON` other tools take part (`rival_ways.py`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from pg8000.native import Connection

import rival_ways
import stoker
from flights_project import clean_environment, server_cpu
from load_ways import ONLY_REPLACE, TITLES
from process_tree import measure
from shapes import SHAPES
from stoker.postgres import embedded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shapes import Shape
    from stoker.postgres.embedded import Server

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Measured:
    """One process of one way."""

    cold: float
    """Seconds of the first load."""
    warm: float
    """Of the quicker of the later ones."""
    staged: float | None
    """Of the same one, until the rows are staged."""
    cpu: float
    """Of the process with all that it starts, for all loads."""
    server_cpu: float
    rewritten: float
    """Rows that the server updated, a load."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Loading PostgreSQL.")
    parser.add_argument("--shape", choices=SHAPES, default="lineitem")
    parser.add_argument("--mode", choices=("replace", "append", "upsert"), default="replace")
    parser.add_argument("--rows", type=int, help="by default those that the shape has")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each way (default: 3)")
    parser.add_argument("--ways", nargs="+", choices=[*TITLES, *rival_ways.TITLES])
    parser.add_argument("--rivals", metavar="PYTHON", help="one that has what rival_ways.py asks for")
    options = parser.parse_args()
    shape, mode = SHAPES[options.shape], options.mode
    rows = options.rows or shape.rows
    ways: list[str] = options.ways or [way for way in TITLES if _fits(way, mode)]
    if options.rivals and mode == "replace" and not options.ways:
        ways += list(rival_ways.TITLES)
    runs: dict[str, list[Measured]] = {way: [] for way in ways}
    with prepared(shape, mode, rows) as (folder, server):
        for at in range(options.rounds):
            for way in sorted(ways, reverse=at % 2 == 1):
                runs[way].append(measured(command(shape, mode, way, folder, options.rivals), folder, server))
                print(f"round {at + 1} {way:<14} {runs[way][-1]}", file=sys.stderr, flush=True)
    _print(runs, f"{shape.table}, {mode}, {rows:,} rows; medians of {options.rounds}", with_rewritten=mode == "upsert")


def _fits(way: str, mode: str) -> bool:
    if way in {"plain", "files"} and mode == "upsert":
        return False  # what differs is computed
    return mode == "replace" or way not in ONLY_REPLACE


@contextlib.contextmanager
def prepared(shape: Shape, mode: str, rows: int) -> Iterator[tuple[Path, Server]]:
    """The files in a folder of the table's name, a server with the table, and what psql loads."""
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # under root the server is another user's
        shape.write(folder / shape.table, rows)
        server = embedded.start(folder / "postgres")
        try:
            _sql(server, shape.ddl)
            if mode != "append":
                # psql writes what psql is to load, and an upsert finds the rows there.
                _fill(shape, folder, server)
            if mode == "replace":
                for form in ("csv", "binary"):
                    for number in range(2):
                        half = f"SELECT * FROM {shape.table} WHERE {shape.key[0]} % 2 = {number}"  # noqa: S608 - ours
                        _psql(server, [f"\\copy ({half}) TO '{folder}/{form}-{number}' (FORMAT {form})"])
            if mode == "upsert":
                _sql(server, f"ALTER TABLE {shape.table} ADD PRIMARY KEY ({', '.join(shape.key)})")
            yield folder, server
        finally:
            embedded.stop(folder / "postgres")


def _fill(shape: Shape, folder: Path, server: Server) -> None:
    """The rows into the table, by the way that is measured least: it takes no part in the comparison."""
    filling = command(shape, "replace", "files", folder, None)
    subprocess.run(filling, env=clean_environment(connection_variables(server)), check=True, stdout=subprocess.DEVNULL)


def command(shape: Shape, mode: str, way: str, folder: Path, rivals: str | None) -> list[str]:
    """The process that loads by one way."""
    if way in rival_ways.TITLES:
        return [rivals or sys.executable, rival_ways.__file__, shape.table, way, str(folder)]
    return [sys.executable, str(HERE / "load_ways.py"), shape.table, mode, way, str(folder)]


def measured(command: Sequence[str], folder: Path, server: Server) -> Measured:
    """Run such a process."""
    _sql(server, "VACUUM")
    _sql(server, "CHECKPOINT")
    updated, before = _updated(server), server_cpu(server.pid)
    log = folder / "way.log"
    usage = measure(command, folder=HERE, environ=clean_environment(connection_variables(server)), log=log)
    times = json.loads(log.read_text("utf-8").splitlines()[-1])
    cold, *warm = times
    best = min(warm, key=lambda each: each[0])
    rewritten = (_updated(server) - updated) / len(times)
    return Measured(cold[0], best[0], best[1], usage.cpu, server_cpu(server.pid) - before, rewritten)


def _updated(server: Server) -> int:
    return int(_sql(server, "SELECT coalesce(sum(n_tup_upd), 0) FROM pg_stat_user_tables")[0][0])


def connection_variables(server: Server) -> dict[str, str]:
    """What a process needs to connect, as psql has it."""
    program, _, environ = embedded.psql(server, [])
    kept = {key: value for key, value in environ.items() if key.startswith("PG")}
    return {**kept, "BENCHMARK_PSQL": str(program), "PYTHONPATH": str(Path(stoker.__file__).parents[1])}


def _psql(server: Server, commands: Sequence[str]) -> None:
    program, arguments, environ = embedded.psql(server, [f"--command={command}" for command in commands])
    subprocess.run([program, *arguments[1:]], env=environ, check=True, stdout=subprocess.DEVNULL)


def _sql(server: Server, text: str) -> Any:
    with contextlib.closing(
        Connection(server.user, host=server.host, port=server.port, database=server.database, password=server.password)
    ) as connection:
        return connection.run(text)


def _print(runs: Mapping[str, list[Measured]], title: str, *, with_rewritten: bool) -> None:
    print(f"{title}\n")
    last = "| rewritten rows " if with_rewritten else ""
    print(
        f"| way | cold s | warm s | staged s | CPU s | server CPU s | cold, against JDBC | warm, against JDBC {last}|"
    )
    print("|---|---|---|---|---|---|---|---|" + "---|" * with_rewritten)
    tuned = runs.get("jdbc")
    for way, measured in runs.items():
        staged = [each.staged for each in measured if each.staged is not None]
        cells = [
            {**TITLES, **rival_ways.TITLES}[way],
            *(f"{median(getattr(each, name) for each in measured):.2f}" for name in ("cold", "warm")),
            f"{median(staged):.2f}" if staged else "",
            *(f"{median(getattr(each, name) for each in measured):.1f}" for name in ("cpu", "server_cpu")),
            *(_times(tuned, measured, name) for name in ("cold", "warm")),
            *([f"{median(each.rewritten for each in measured):,.0f}"] if with_rewritten else []),
        ]
        print(f"| {' | '.join(cells)} |")


def _times(tuned: Sequence[Measured] | None, measured: Sequence[Measured], name: str) -> str:
    if not tuned:
        return ""
    one, other = (median(getattr(each, name) for each in runs) for runs in (tuned, measured))
    return f"{one / other:.2f} x"


if __name__ == "__main__":
    main()
