"""What checks cost: a load of many rows into Parquet with five checks against the same load without them.

    python benchmarks/checks.py [--rows N] [--pairs N]

The source is Parquet (the leanest load: a copy) or CSV. The checks are not null, unique, values in a set, a range and an
expression; the unique key is a whole number, or a text. All ways run in turn, each in a fresh process, in an order that
moves on; what counts are the ratios within a round.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from flights_project import clean_environment
from process_tree import Usage, measure
from stoker.spark.session import obtain_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WAYS = ("without", "five checks", "key is text")
SOURCES = ("parquet", "csv")
SCHEMA = (
    "flight_id BIGINT, code STRING, origin STRING, day DATE, delay INT, departure TIMESTAMP, arrival TIMESTAMP, "
    "fare DECIMAL(9,2), score DOUBLE, tailnum STRING"
)
PROJECT = f"""
from stoker import Job, Pipeline, check, place, read, write

SCHEMA = "{SCHEMA}"
SOURCES = {{
    "csv": read.csv(place("source") / "csv", schema=SCHEMA),
    "parquet": read.parquet(place("source") / "parquet", schema=SCHEMA),
}}


def checks(key):
    return [
        check.not_null("flight_id"),
        check.unique(key),
        check.values("origin", ["JFK", "LGA", "EWR"]),
        check.between("delay", -60, 2000),
        check.expression("arrival >= departure"),
    ]


def job(source, checks):
    load = write.parquet(place("lake") / "flights", mode="replace", checks=checks)
    return Job("load", [Pipeline("load", extract={{"flights": SOURCES[source]}}, load=load)])


for name in SOURCES:
    globals()[f"{{name}}_0"] = job(name, [])
    globals()[f"{{name}}_1"] = job(name, checks("flight_id"))
    globals()[f"{{name}}_2"] = job(name, checks("code"))
"""
TOML = """
[environments.development.places]
source = "source"
lake = "lake"
[jobs]
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Checks against none.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the load (default: 10,000,000)")
    parser.add_argument("--pairs", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--source", action="append", choices=SOURCES, help="only this (repeatable)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stoker-benchmark-") as scratch:
        folder = Path(scratch)
        (folder / "loads.py").write_text(PROJECT, "utf-8")
        names = [f"{source}_{at}" for source in SOURCES for at in range(len(WAYS))]
        (folder / "stoker.toml").write_text(TOML + "".join(f'{name} = "loads:{name}"\n' for name in names), "utf-8")
        _generate(folder, given.rows)
        for source in given.source or SOURCES:
            runs: dict[str, list[Usage]] = {way: [] for way in WAYS}
            for at in range(-1, given.pairs):
                for way in WAYS[at % len(WAYS) :] + WAYS[: at % len(WAYS)]:
                    usage = _load(folder, f"{source}_{WAYS.index(way)}")
                    if at >= 0:  # the round before warms the disk's cache
                        runs[way].append(usage)
            _print(f"{given.rows:,} rows from {source}, {given.pairs} rounds", runs)


def _generate(folder: Path, rows: int) -> None:
    session = obtain_session({"spark.master": "local[*]"}, application="generate", scratch=folder)
    try:
        frame = _rows(session.spark, rows)
        frame.write.parquet(str(folder / "source" / "parquet"))
        frame.write.option("header", "true").csv(str(folder / "source" / "csv"))
    finally:
        session.stop()


def _rows(spark: SparkSession, rows: int) -> DataFrame:
    number = "pmod(hash(id), 1000000)"
    return spark.range(rows, numPartitions=8).selectExpr(
        "id AS flight_id",
        "concat('F', hex(id)) AS code",
        f"element_at(array('JFK', 'LGA', 'EWR'), {number} % 3 + 1) AS origin",
        "date_add(date'2013-01-01', int(id % 365)) AS day",
        f"int({number} % 500 - 30) AS delay",
        "timestamp_seconds(1356998400 + id * 3) AS departure",
        f"timestamp_seconds(1356998400 + id * 3 + {number} % 20000) AS arrival",
        f"cast({number} / 100 AS DECIMAL(9,2)) AS fare",
        "rand(1) AS score",
        f"concat('N', {number} % 4000) AS tailnum",
    )


def _load(folder: Path, job: str) -> Usage:
    command = [sys.executable, "-m", "stoker", "run", job]
    return measure(command, folder=folder, environ=clean_environment({}), log=folder / f"{job}.log")


def _print(title: str, runs: dict[str, list[Usage]]) -> None:
    print(f"\n{title}\n{'':<14}{'CPU s':>8}{'wall s':>8}{'CPU ratio, median (lowest to highest)':>40}")
    for way, measured in runs.items():
        ratios = [one.cpu / other.cpu for one, other in zip(measured, runs[WAYS[0]], strict=True)]
        spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        cpu, wall = (median(getattr(each, name) for each in measured) for name in ("cpu", "wall"))
        print(f"{way:<14}{cpu:>8.1f}{wall:>8.1f}{spread:>40}", flush=True)


if __name__ == "__main__":
    main()
