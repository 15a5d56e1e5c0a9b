"""Column logic: pure functions from frames to frames. They know nothing of files, tables or Stoker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

LOCAL_ZONE = "America/New_York"
"""The zone of all local times in the data: the three origins lie in it."""

STRONGEST_WIND = 253.0
"""Miles an hour; the strongest gust ever measured. The data have one reading of 1,048."""

WINDS = ("wind_speed", "wind_gust")
READINGS = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")


def clean_flights(flights: DataFrame) -> DataFrame:
    """Flights with the scheduled departure as an instant, whatever the session's time zone is.

    `sched_dep_time` is local, written hhmm. An hour that comes twice (daylight saving ends) is the first of the two,
    in daylight time; one that does not exist (it begins) is an hour later. The data have neither.
    A flight is cancelled if it has no departure time.
    """
    hour, minute = F.expr("int(sched_dep_time div 100)"), F.expr("int(sched_dep_time % 100)")
    # The _ltz says "an instant" even where spark.sql.timestampType has another default.
    scheduled = F.make_timestamp_ltz("year", "month", "day", hour, minute, F.lit(0), F.lit(LOCAL_ZONE))
    return flights.select(
        F.make_date("year", "month", "day").alias("flight_date"),
        "month",
        scheduled.alias("scheduled_departure"),
        "carrier",
        "flight",
        "tailnum",
        "origin",
        "dest",
        "dep_time",
        "sched_dep_time",
        "dep_delay",
        "arr_time",
        "sched_arr_time",
        "arr_delay",
        "air_time",
        "distance",
        F.col("dep_time").isNull().alias("cancelled"),
    )


def hourly_weather(weather: DataFrame) -> DataFrame:
    """One reading for each origin and local hour.

    When daylight saving ends, 01:00 comes twice: the earlier reading is kept, which is the one in daylight time. Two
    readings of the same instant would be told apart by their values, so that the answer is always the same.
    When daylight saving begins, there is no 02:00. A wind above `STRONGEST_WIND` is a broken sensor's: it is unknown.
    """
    observed = F.to_timestamp_ltz("time_hour", F.lit("yyyy-MM-dd'T'HH:mm:ssX"))
    earliest_first = Window.partitionBy("origin", "year", "month", "day", "hour").orderBy("observed", *READINGS)
    first = weather.withColumn("observed", observed).withColumn("nth", F.row_number().over(earliest_first))
    return first.filter("nth = 1").select(
        "origin",
        F.make_date("year", "month", "day").alias("weather_date"),
        "hour",
        "observed",
        *(_plausible(name) if name in WINDS else F.col(name) for name in READINGS),
    )


def daily_delays(flights: DataFrame, weather: DataFrame, since: date, late_after: int) -> DataFrame:
    """Delays by day and origin, beside that day's weather (null where there is none).

    Late is a departure of more than `late_after` minutes. Cancelled flights count in `flights`, and in no mean or share.
    """
    late = F.when(F.col("dep_delay") > late_after, 1).when(F.col("dep_delay").isNotNull(), 0)
    days = (
        flights.filter(F.col("flight_date") >= F.lit(since))
        .groupBy("flight_date", "origin")
        .agg(
            F.count("*").alias("flights"),
            F.count_if("cancelled").alias("cancelled"),
            F.avg("dep_delay").alias("mean_dep_delay"),
            F.avg("arr_delay").alias("mean_arr_delay"),
            F.avg(late).alias("late_share"),
        )
    )
    conditions = (
        weather.filter(F.col("weather_date") >= F.lit(since))
        .groupBy(F.col("weather_date").alias("flight_date"), "origin")
        .agg(
            _exact_mean("temp").alias("mean_temp"),
            _exact_mean("wind_speed").alias("mean_wind_speed"),
            F.max("wind_speed").alias("max_wind_speed"),
            _exact_sum("precip").alias("precip"),
            F.min("visib").alias("min_visib"),
        )
    )
    return days.join(conditions, ["flight_date", "origin"], "left")


def carrier_punctuality(flights: DataFrame, airlines: DataFrame, late_after: int) -> DataFrame:
    """Airlines ranked by their share of arrivals at most `late_after` minutes late; equal shares rank by carrier.

    Flights that did not arrive (cancelled, diverted) are in no share; an airline without any arrival comes last.
    """
    on_time = F.when(F.col("arr_delay") <= late_after, 1).when(F.col("arr_delay").isNotNull(), 0)
    carriers = flights.groupBy("carrier").agg(
        F.count("*").alias("flights"),
        F.count("arr_delay").alias("arrived"),
        F.avg(on_time).alias("on_time_share"),
        F.avg("arr_delay").alias("mean_arr_delay"),
    )
    # All rows in one partition, which is right here: there is one row an airline.
    best_first = Window.orderBy(F.col("on_time_share").desc_nulls_last(), "carrier")
    return carriers.join(airlines, "carrier", "left").select(
        F.row_number().over(best_first).alias("rank"),
        "carrier",
        "name",
        "flights",
        "arrived",
        "on_time_share",
        "mean_arr_delay",
    )


def orphans(flights: DataFrame, planes: DataFrame, airports: DataFrame) -> DataFrame:
    """Flights whose plane or destination airport is unknown, and which of them.

    A flight without a tail number has no known plane: it is an orphan too, with a null `tailnum`.
    """
    # distinct: a key that stands twice in its file must not double a flight. The files are small.
    known_planes = planes.select("tailnum").distinct().withColumn("plane_known", F.lit(1))
    known_airports = airports.select(F.col("faa").alias("dest")).distinct().withColumn("airport_known", F.lit(1))
    plane, airport = F.col("plane_known").isNull(), F.col("airport_known").isNull()
    return (
        flights.join(known_planes, "tailnum", "left")
        .join(known_airports, "dest", "left")
        .filter(plane | airport)
        .select(
            "flight_date",
            "scheduled_departure",
            "carrier",
            "flight",
            "tailnum",
            "origin",
            "dest",
            F.when(plane & airport, "plane and airport").when(plane, "plane").otherwise("airport").alias("reason"),
        )
    )


def _plausible(wind: str) -> Column:
    return F.when(F.col(wind) <= STRONGEST_WIND, F.col(wind)).alias(wind)


def _exact_sum(reading: str) -> Column:
    """The sum as a DOUBLE, of exact decimals: a sum of doubles changes with the order in which tasks end."""
    return F.sum(F.col(reading).cast("decimal(12,5)")).cast("double")


def _exact_mean(reading: str) -> Column:
    return _exact_sum(reading) / F.count(reading)
