"""What each setting of the test session is worth, and how long a unit test of a transformer takes.

    python benchmarks/testing_settings.py [--rounds N] [--variant NAME]

Every variant runs in a fresh process, in an order that moves on from round to round. It starts a session as the fixture `spark`
does, runs one unit test of each transformer of `examples/flights` (inline tables, `run_pipeline`, `assert_frames_equal`) for the
first time, then all of them ten times again. The ratios are to what is shipped, in the same round: above 1 it is slower.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil

from process_tree import measure
from stoker.spark.session import LOCAL_DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = "as shipped"
JVM = "spark.driver.defaultJavaOptions"
ROWS = "frames by createDataFrame"
"""No setting: what `frame` would be without its VALUES."""
AGAIN = 10

VARIANTS: dict[str, Mapping[str, str]] = {
    SHIPPED: {},
    "two cores": {"spark.master": "local[2]"},
    "200 shuffle partitions": {"spark.sql.shuffle.partitions": "200"},
    "adaptive execution": {"spark.sql.adaptive.enabled": "true"},
    "broadcast joins": {"spark.sql.autoBroadcastJoinThreshold": "10485760"},
    "lines of columns in errors": {"spark.python.sql.dataFrameDebugging.enabled": "true"},
    "with Spark's web interface": {"spark.ui.enabled": "true"},
    "the JVM of a run": {JVM: LOCAL_DEFAULTS[JVM]},
    "the JVM's own defaults": {JVM: "-Dnothing=1"},
    "code for each query": {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"},
    "no filters at run time": {
        "spark.sql.optimizer.dynamicPartitionPruning.enabled": "false",
        "spark.sql.optimizer.runtime.bloomFilter.enabled": "false",
    },
    ROWS: {},
}

FLIGHTS = """
    flight_date:date | origin:string | carrier:string | dest:string | tailnum:string | dep_delay:int | arr_delay:int | cancelled:boolean | scheduled_departure:timestamp | flight:int
    2013-07-04 | JFK | UA | LAX | N1   | 15   | 0    | false | 2013-07-04 09:00 | 1
    2013-07-04 | JFK | AA | SJU | N9   | 16   | null | false | 2013-07-04 10:00 | 2
    2013-07-05 | LGA | AA | LAX | null | null | null | true  | 2013-07-05 09:00 | 3
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Variants of the test session.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--variant", action="append", choices=list(VARIANTS)[1:], help="only this (repeatable)")
    given = parser.parse_args()
    chosen = [SHIPPED, *(given.variant or list(VARIANTS)[1:])]
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in chosen}
    for at in range(given.rounds):
        first = at % len(chosen)
        for name in chosen[first:] + chosen[:first]:
            seen[name].append(_measured(name))
    _print(seen)


def _measured(variant: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        answer, log = Path(scratch) / "answer.json", Path(scratch) / "log"
        paths = [str(ROOT / "src"), str(ROOT / "examples" / "flights"), os.environ.get("PYTHONPATH", "")]
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        command = [sys.executable, __file__, "--child", variant, str(answer)]
        usage = measure(command, folder=Path(scratch), environ=environ, log=log)
        told: dict[str, float] = json.loads(answer.read_text("utf-8"))
    return {**told, "cpu": usage.cpu}


def _print(seen: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    columns = {"start": "start s", "first": "first ms", "again": "again ms", "each": "CPU ms", "cpu": "CPU s"}
    print(f"{'':<28}" + "".join(f"{heading:>10}{'ratio':>7}" for heading in columns.values()))
    for name, measured in seen.items():
        cells = ""
        for key in columns:
            ratios = [one[key] / other[key] for one, other in zip(measured, seen[SHIPPED], strict=True)]
            middle = median(one[key] for one in measured)
            cells += f"{middle:>10.{0 if key in {'first', 'again', 'each'} else 1}f}{median(ratios):>7.2f}"
        print(f"{name:<28}{cells}", flush=True)
    print("first, again: the median of the unit tests of five transformers, at their first time and later")
    print(
        "CPU ms: of one of these later tests, JVM and Python; CPU s: of the whole process tree, from its start to its end"
    )


def _child(variant: str, answer: Path) -> None:
    from stoker.testing import tables
    from stoker.testing.session import testing_session

    if variant == ROWS:
        tables.as_frame = lambda spark, table: spark.createDataFrame(table.rows, table.schema)
    start = time.perf_counter()
    with testing_session(VARIANTS[variant]) as spark:
        # The first query loads classes that all others share: it belongs to the start.
        spark.range(1).groupBy("id").count().collect()
        told = {"start": time.perf_counter() - start}
        tests = _tests(spark)
        told["first"] = median(_milliseconds(test) for test in tests)
        before = _cpu()
        told["again"] = median(_milliseconds(test) for _ in range(AGAIN) for test in tests)
        told["each"] = (_cpu() - before) * 1000 / AGAIN / len(tests)
    answer.write_text(json.dumps(told), "utf-8")


def _cpu() -> float:
    """Seconds of this process and the JVM, so far."""
    here = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in (here, *here.children(recursive=True)))


def _milliseconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _tests(spark: SparkSession) -> list[Callable[[], None]]:
    """One unit test of each transformer."""
    from flights import pipelines, schemas
    from stoker.testing import assert_frames_equal, frame, run_pipeline

    parameters = pipelines.Parameters()
    hour = {
        "year": 2013, "month": 7, "day": 4, "wind_dir": 180, "pressure": 1010.0, "humid": 50.0, "dewp": 60.0,
    }  # fmt: skip
    flight = {
        "year": 2013, "month": 7, "day": 4, "sched_dep_time": 900, "carrier": "UA", "origin": "JFK", "dest": "LAX",
    }  # fmt: skip

    def weather(text: str) -> DataFrame:
        return frame(spark, text, schema=schemas.WEATHER, fill=hour)

    def clean_flights() -> None:
        given = frame(spark, "flight | dep_time\n1 | 905\n2 | null", schema=schemas.FLIGHT, fill=flight)
        found = run_pipeline(pipelines.flights, {"flights": given})["flights"]
        assert_frames_equal(found.select("flight", "cancelled"), "flight | cancelled\n1 | false\n2 | true")

    def hourly_weather() -> None:
        given = weather("""
            origin | hour | temp | wind_speed | time_hour
            JFK    | 9    | 70.0 | 1048.4     | 2013-07-04T13:00:00Z
            JFK    | 9    | 71.0 | 10.0       | 2013-07-04T14:00:00Z
        """)
        found = run_pipeline(pipelines.weather, {"weather": given})["weather"]
        assert_frames_equal(found.select("hour", "temp", "wind_speed"), "hour | temp | wind_speed\n9 | 70.0 | null")

    def daily_delays() -> None:
        hours = """
            origin:string | weather_date:date | hour:int | temp:double | wind_speed:double | precip:double | visib:double
            JFK           | 2013-07-04        | 9        | 70.0        | 10.0              | 0.0           | 10.0
        """
        inputs = {"flights": FLIGHTS, "weather": hours}
        found = run_pipeline(pipelines.daily_delays, inputs, parameters=parameters)["daily_delays"]
        assert_frames_equal(
            found.select("origin", "flights", "late_share", "mean_temp"),
            "origin | flights | late_share | mean_temp\nJFK | 2 | 0.5 | 70.0\nLGA | 1 | null | null",
        )

    def carrier_punctuality() -> None:
        inputs = {"flights": FLIGHTS, "airlines": "carrier | name\nUA | United"}
        found = run_pipeline(pipelines.carrier_punctuality, inputs, parameters=parameters)["carrier_punctuality"]
        assert_frames_equal(
            found.select("rank", "carrier", "name"), "rank | carrier | name\n1 | UA | United\n2 | AA | null"
        )

    def orphans() -> None:
        inputs = {"flights": FLIGHTS, "planes": "tailnum\nN1", "airports": "faa\nLAX"}
        found = run_pipeline(pipelines.orphans, inputs)["orphans"]
        assert_frames_equal(found.select("flight", "reason"), "flight | reason\n2 | plane and airport\n3 | plane")

    frame(spark, "id:int\n1").collect()
    return [clean_flights, hourly_weather, daily_delays, carrier_punctuality, orphans]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
