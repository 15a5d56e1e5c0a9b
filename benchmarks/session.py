"""What the local session's defaults and `[run] parallel` are worth, for a short job and a long one.

    python benchmarks/session.py [--rounds N]

In each round every variant runs once, in a fresh process, in an order that moves on from round to round. The figures are
ratios to what Stoker ships, in the same round: above 1 the variant is slower.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import TYPE_CHECKING

from flights_project import FlightsProject, flights_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flights_project import Measured

SHIPPED = "as shipped"
JVM = "spark.driver.defaultJavaOptions"


def _flags(collector: str = "Serial", times: int = 20) -> dict[str, str]:
    """A collector, and HotSpot's thresholds for its optimising compiler, several times its defaults."""
    thresholds = {"Invocation": 5000, "MinInvocation": 600, "Compile": 15000, "BackEdge": 40000}
    rarer = [f"-XX:Tier4{name}Threshold={value * times}" for name, value in thresholds.items()]
    return {JVM: " ".join([f"-XX:+Use{collector}GC", *rarer])}


VARIANTS: dict[str, tuple[Mapping[str, str], Mapping[str, object]]] = {
    SHIPPED: ({}, {}),
    "the JVM's own defaults": ({JVM: "-Dnothing=1"}, {}),
    "parallel collector": (_flags("Parallel"), {}),
    "optimising compiler by default": (_flags(times=1), {}),
    "optimising compiler x 100": (_flags(times=100), {}),
    "no optimising compiler": ({JVM: "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}, {}),
    "with Spark's web interface": ({"spark.ui.enabled": "true"}, {}),
    "two pipelines side by side": ({}, {"parallel": 2}),
}
LONG = 6
"""How many times the flights are in the long job's file."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Variants of the local session.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--variant", action="append", choices=list(VARIANTS)[1:], help="only this (repeatable)")
    given = parser.parse_args()
    chosen = [SHIPPED, *(given.variant or list(VARIANTS)[1:])]
    with flights_project() as project:
        _print(
            f"short: the pipeline weather, {given.rounds} rounds", _measure(project, chosen, given.rounds, "weather")
        )
        _print(f"the flights job, {given.rounds} rounds", _measure(project, chosen, given.rounds))
        project.grow("flights.csv", LONG)
        _print(f"long: {LONG} times the flights, {given.rounds} rounds", _measure(project, chosen, given.rounds))


def _measure(project: FlightsProject, chosen: list[str], rounds: int, *only: str) -> dict[str, list[Measured]]:
    runs: dict[str, list[Measured]] = {name: [] for name in chosen}
    for at in range(-1, rounds):
        first = at % len(chosen)
        for name in chosen[first:] + chosen[:first]:
            spark, run = VARIANTS[name]
            measured = project.stoker(spark=spark, run=run, only=only)
            if at >= 0:  # the round before warms the disk's cache
                runs[name].append(measured)
    return runs


def _print(title: str, runs: Mapping[str, list[Measured]]) -> None:
    columns: dict[str, Callable[[Measured], float]] = {
        "CPU s": lambda each: each.usage.cpu,
        "wall s": lambda each: each.usage.wall,
    }
    print(f"\n{title}\n{'':<32}" + "".join(f"{heading:>9}{'ratio':>8}" for heading in columns))
    for name, measured in runs.items():
        cells = ""
        for value in columns.values():
            ratios = [value(one) / value(other) for one, other in zip(measured, runs[SHIPPED], strict=True)]
            cells += f"{median(map(value, measured)):>9.1f}{median(ratios):>8.2f}"
        print(f"{name:<32}{cells}", flush=True)


if __name__ == "__main__":
    main()
