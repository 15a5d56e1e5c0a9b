"""Column logic: pure functions from frames to frames. They know nothing of files, tables or Stoker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

LOCAL_ZONE = "America/New_York"


def clean_flights(flights: DataFrame) -> DataFrame:
    """Flights with the scheduled departure as an instant, whatever the session's time zone is.

    A flight is cancelled if it has no departure time.
    """
    scheduled = F.make_timestamp("year", "month", "day", "hour", "minute", F.lit(0), F.lit(LOCAL_ZONE))
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

    When daylight saving ends, 01:00 comes twice: the earlier reading is kept, which is the one in daylight time.
    """
    instant = F.to_timestamp("time_hour", "yyyy-MM-dd'T'HH:mm:ssX")
    first = Window.partitionBy("origin", "year", "month", "day", "hour").orderBy("observed")
    return (
        weather.withColumn("observed", instant)
        .withColumn("place_in_hour", F.row_number().over(first))
        .filter("place_in_hour = 1")
        .select(
            "origin",
            F.make_date("year", "month", "day").alias("weather_date"),
            "hour",
            "observed",
            "temp",
            "dewp",
            "humid",
            "wind_dir",
            "wind_speed",
            "wind_gust",
            "precip",
            "pressure",
            "visib",
        )
    )


def daily_delays(flights: DataFrame, weather: DataFrame, since: date, late_after: int) -> DataFrame:
    """Delays by day and origin, beside that day's weather. Late is a departure of more than `late_after` minutes."""
    late = F.when(F.col("dep_delay") > late_after, 1).when(F.col("dep_delay").isNotNull(), 0)
    days = (
        flights.filter(F.col("flight_date") >= F.lit(since))
        .groupBy("flight_date", "origin")
        .agg(
            F.count("*").alias("flights"),
            F.sum(F.col("cancelled").cast("int")).alias("cancelled"),
            F.avg("dep_delay").alias("mean_dep_delay"),
            F.avg("arr_delay").alias("mean_arr_delay"),
            F.avg(late).alias("late_share"),
        )
    )
    conditions = weather.groupBy(F.col("weather_date").alias("flight_date"), "origin").agg(
        F.avg("temp").alias("mean_temp"),
        F.max("wind_speed").alias("max_wind_speed"),
        F.sum("precip").alias("precip"),
        F.min("visib").alias("min_visib"),
    )
    return days.join(conditions, ["flight_date", "origin"], "left")


def carrier_punctuality(flights: DataFrame, airlines: DataFrame, late_after: int) -> DataFrame:
    """Airlines ranked by their share of arrivals at most `late_after` minutes late; equal shares rank by carrier."""
    on_time = F.when(F.col("arr_delay") <= late_after, 1).when(F.col("arr_delay").isNotNull(), 0)
    carriers = flights.groupBy("carrier").agg(
        F.count("*").alias("flights"),
        F.count("arr_delay").alias("arrived"),
        F.avg(on_time).alias("on_time_share"),
        F.avg("arr_delay").alias("mean_arr_delay"),
    )
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
    """Flights whose plane or destination airport is unknown, and which of them. A flight without a tail number has no plane."""
    known_planes = planes.select("tailnum").distinct().withColumn("plane_known", F.lit(1))
    known_airports = airports.select(F.col("faa").alias("dest")).distinct().withColumn("airport_known", F.lit(1))
    plane, airport = F.col("plane_known").isNull(), F.col("airport_known").isNull()
    return (
        flights.join(known_planes, "tailnum", "left")
        .join(known_airports, "dest", "left")
        .filter(plane | airport)
        .select(
            "flight_date",
            "carrier",
            "flight",
            "tailnum",
            "origin",
            "dest",
            F.when(plane & airport, "plane and airport").when(plane, "plane").otherwise("airport").alias("reason"),
        )
    )
