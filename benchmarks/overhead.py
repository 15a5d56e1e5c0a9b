"""What Stoker costs: the flights job against a plain PySpark script that does the same work.

    python benchmarks/overhead.py [--pairs N]

The two run in turn, each in a fresh process, in the order A B, B A, A B ...; what counts are the ratios within the pairs,
because a machine that does other things too slows both alike.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from flights_project import PLAIN_DATABASE, FlightsProject, Measured, flights_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Ways = dict[str, "Callable[..., Measured]"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Stoker against plain PySpark.")
    parser.add_argument("--pairs", type=int, default=5, help="how often each is measured (default: 5)")
    pairs = parser.parse_args().pairs
    with flights_project() as project:
        ways: Ways = {"stoker": project.stoker, "plain": project.plain}
        # Not measured: it warms the disk's cache, and Spark's event log would cost time.
        jobs = {name: _jobs(way) for name, way in ways.items()}
        _check_same_rows(project)
        runs: dict[str, list[Measured]] = {name: [] for name in ways}
        for at in range(pairs):
            for name in sorted(ways, reverse=at % 2 == 0):
                runs[name].append(ways[name]())
                _say(f"pair {at + 1}", name, runs[name][-1])
    _print(runs, jobs)


def _jobs(way: Callable[..., Measured]) -> int:
    """How many Spark jobs a run starts, by its event log."""
    with tempfile.TemporaryDirectory() as events:
        measured = way(spark=event_log(Path(events)))
        _say("warm-up", getattr(way, "__name__", "?"), measured)
        return count_events(Path(events))["SparkListenerJobStart"]


def event_log(folder: Path) -> Mapping[str, str]:
    """Settings for a log as plain text."""
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }


def count_events(folder: Path) -> Counter[str]:
    """How many events of each kind the logs in a folder hold."""
    counts: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            with path.open(encoding="utf-8") as lines:
                counts.update(line.split('"', 4)[3] for line in lines if line.startswith('{"Event"'))
    return counts


def _check_same_rows(project: FlightsProject) -> None:
    one, other = project.sums(project.server.database), project.sums(PLAIN_DATABASE)
    if one != other:
        raise RuntimeError(f"The two ways do not do the same work: {one} and {other}.")
    print(f"both loaded the same rows: { {table: rows for table, (rows, _) in one.items()} }\n")


def _say(what: str, name: str, measured: Measured) -> None:
    usage = measured.usage
    print(
        f"{what:<8} {name:<7} {usage.cpu:6.1f} s CPU {usage.wall:6.1f} s wall "
        f"{measured.server_cpu:5.1f} s CPU of PostgreSQL",
        flush=True,
    )


def _print(runs: Mapping[str, list[Measured]], jobs: Mapping[str, int]) -> None:
    columns: dict[str, Callable[[Measured], float]] = {
        "CPU s": lambda each: each.usage.cpu,
        "wall s": lambda each: each.usage.wall,
        "PostgreSQL CPU s": lambda each: each.server_cpu,
    }
    print(f"\n{'':<24}" + "".join(f"{heading:>18}" for heading in columns) + f"{'Spark jobs':>12}")
    for name, measured in runs.items():
        cells = "".join(f"{median(map(value, measured)):>18.1f}" for value in columns.values())
        print(f"{name:<24}{cells}{jobs[name]:>12}")
    ratios = {
        heading: [value(one) / value(other) for one, other in zip(runs["stoker"], runs["plain"], strict=True)]
        for heading, value in columns.items()
    }
    print(f"{'ratio, median of pairs':<24}" + "".join(f"{median(each):>18.2f}" for each in ratios.values()))
    spread = "".join(f"{f'{min(each):.2f} to {max(each):.2f}':>18}" for each in ratios.values())
    print(f"{'  lowest to highest':<24}{spread}{jobs['stoker'] - jobs['plain']:>+12}")


if __name__ == "__main__":
    main()
