"""The transformers on a few rows each. They need PySpark alone: no Stoker, no files, no database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that all of PySpark uses

from flights import schemas, transformers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

# What the answers must not depend on: the session's time zone, ANSI mode, what `timestamp` means by default.
SETTINGS = {
    "utc, ansi": ("UTC", "true", "TIMESTAMP_LTZ"),
    "kathmandu, not ansi": ("Asia/Kathmandu", "false", "TIMESTAMP_NTZ"),
}

FLIGHT = {
    "year": 2013, "month": 7, "day": 4, "dep_time": 905, "sched_dep_time": 900, "dep_delay": 5, "arr_time": 1100,
    "sched_arr_time": 1050, "arr_delay": 10, "carrier": "UA", "flight": 1, "tailnum": "N1", "origin": "JFK",
    "dest": "LAX", "air_time": 100, "distance": 500,
}  # fmt: skip
READING = {
    "origin": "JFK", "year": 2013, "month": 7, "day": 4, "hour": 9, "temp": 70.0, "dewp": 60.0, "humid": 50.0,
    "wind_dir": 180, "wind_speed": 10.0, "wind_gust": None, "precip": 0.0, "pressure": 1010.0, "visib": 10.0,
    "time_hour": "2013-07-04T13:00:00Z",
}  # fmt: skip
CANCELLED = {"dep_time": None, "dep_delay": None, "arr_time": None, "arr_delay": None, "air_time": None}
DIVERTED = {"arr_delay": None, "air_time": None}


@pytest.fixture(scope="module")
def base() -> Iterator[SparkSession]:
    """A small local session; the one that is running, if there is one."""
    running = SparkSession.getActiveSession()
    session = running or (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    yield session
    if running is None:
        session.stop()


@pytest.fixture(scope="module", params=list(SETTINGS.values()), ids=list(SETTINGS))
def spark(base: SparkSession, request: pytest.FixtureRequest) -> SparkSession:
    """A session with settings of its own: each test runs once with each of them."""
    zone, ansi, timestamps = request.param
    session = base.newSession()
    session.conf.set("spark.sql.session.timeZone", zone)
    session.conf.set("spark.sql.ansi.enabled", ansi)
    session.conf.set("spark.sql.timestampType", timestamps)
    return session


def frame(spark: SparkSession, schema: str, template: dict[str, Any], *changes: dict[str, Any]) -> DataFrame:
    """One row for each change to the template."""
    names = [column.split()[0] for column in schema.split(",")]
    rows = [tuple({**template, **change}[name] for name in names) for change in changes]
    return spark.createDataFrame(rows, schema.replace(" NOT NULL", ""))


def clean(spark: SparkSession, *changes: dict[str, Any]) -> DataFrame:
    """Flights as the first pipeline leaves them."""
    return transformers.clean_flights(frame(spark, schemas.FLIGHT, FLIGHT, *changes))


def hourly(spark: SparkSession, *changes: dict[str, Any]) -> DataFrame:
    """Weather as its pipeline leaves it."""
    return transformers.hourly_weather(frame(spark, schemas.WEATHER, READING, *changes))


def rows(df: DataFrame, *names: str) -> list[tuple[Any, ...]]:
    """The rows of some columns, sorted by their text."""
    return sorted((tuple(row) for row in df.select(*names).collect()), key=repr)


def instants(df: DataFrame, column: str) -> list[datetime]:
    """A column of instants in UTC, whatever the session's zone; fails for a timestamp without a zone."""
    assert dict(df.dtypes)[column] == "timestamp"
    return sorted(datetime.fromtimestamp(row[0], UTC) for row in df.select(F.unix_seconds(column)).collect())


def utc(text: str) -> datetime:
    """An instant, from ISO text without a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# (month, day, hhmm) in New York, in the order of the instants they are.
LOCAL_TIMES = {
    (1, 15, 5): utc("2013-01-15T05:05"),  # standard time; hhmm 0005 is the number 5
    (1, 15, 1730): utc("2013-01-15T22:30"),
    (3, 10, 159): utc("2013-03-10T06:59"),  # the last minute before the gap of daylight saving
    (3, 10, 300): utc("2013-03-10T07:00"),  # the first after it
    (3, 10, 230): utc("2013-03-10T07:30"),  # in the gap: an hour later
    (7, 4, 2359): utc("2013-07-05T03:59"),  # daylight time; UTC's next day
    (11, 3, 59): utc("2013-11-03T04:59"),
    (11, 3, 130): utc("2013-11-03T05:30"),  # in the hour that comes twice: the first
    (11, 3, 200): utc("2013-11-03T07:00"),
    (12, 31, 2359): utc("2014-01-01T04:59"),  # UTC's next year
}


def test_a_scheduled_departure_is_an_instant_in_new_york(spark: SparkSession) -> None:
    """A local time hhmm becomes its instant, on the days when daylight saving begins and ends too."""
    local = [{"month": month, "day": day, "sched_dep_time": hhmm} for month, day, hhmm in LOCAL_TIMES]

    found = clean(spark, *local).orderBy("scheduled_departure")

    assert dict(found.dtypes)["scheduled_departure"] == "timestamp"
    columns = ("month", F.dayofmonth("flight_date"), "sched_dep_time", F.unix_seconds("scheduled_departure"))
    answers = [tuple(row) for row in found.select(*columns).collect()]
    assert [(answer[:3], datetime.fromtimestamp(answer[3], UTC)) for answer in answers] == list(LOCAL_TIMES.items())


def test_a_flight_without_a_departure_time_is_cancelled(spark: SparkSession) -> None:
    """A diverted flight left, so it is not cancelled; unknown values stay unknown."""
    found = clean(spark, {"flight": 1}, {"flight": 2, **CANCELLED}, {"flight": 3, **DIVERTED, "tailnum": None})

    assert rows(found, "flight", "cancelled", "arr_delay", "tailnum") == [
        (1, False, 10, "N1"),
        (2, True, None, "N1"),
        (3, False, None, None),
    ]


def test_of_an_hour_that_comes_twice_the_first_reading_is_kept(spark: SparkSession) -> None:
    """When daylight saving ends; in whatever order the two are read, and for each origin alone."""
    second = {"month": 11, "day": 3, "hour": 1, "temp": 50.0, "time_hour": "2013-11-03T06:00:00Z"}
    first = second | {"temp": 52.0, "time_hour": "2013-11-03T05:00:00Z"}

    found = hourly(spark, second, first, second | {"origin": "LGA"}, second | {"hour": 2, "temp": 49.0})

    assert rows(found, "origin", "hour", "temp") == [("JFK", 1, 52.0), ("JFK", 2, 49.0), ("LGA", 1, 50.0)]
    assert instants(found.filter("temp = 52"), "observed") == [utc("2013-11-03T05:00")]


def test_two_readings_of_one_instant_give_one_always_the_same(spark: SparkSession) -> None:
    """Their values decide, never the order in which they are read."""
    low, high = {"temp": 60.0}, {"temp": 61.0}

    assert rows(hourly(spark, low, high), "temp") == rows(hourly(spark, high, low), "temp") == [(60.0,)]


def test_the_hour_that_daylight_saving_leaves_out_stays_out(spark: SparkSession) -> None:
    """01:00 and 03:00 of that day are one hour apart, and both are kept."""
    one = {"month": 3, "day": 10, "hour": 1, "time_hour": "2013-03-10T06:00:00Z"}

    found = hourly(spark, one, one | {"hour": 3, "time_hour": "2013-03-10T07:00:00Z"})

    assert instants(found, "observed") == [utc("2013-03-10T06:00"), utc("2013-03-10T07:00")]
    assert rows(found, "weather_date", "hour") == [(date(2013, 3, 10), 1), (date(2013, 3, 10), 3)]


def test_a_wind_that_cannot_be_is_unknown(spark: SparkSession) -> None:
    """The rest of such a reading stays."""
    found = hourly(spark, {"wind_speed": 1048.4, "wind_gust": 253.0}, {"hour": 10, "wind_speed": None})

    assert rows(found, "hour", "wind_speed", "wind_gust", "temp") == [(10, None, None, 70.0), (9, None, 253.0, 70.0)]


def test_delays_of_a_day_and_origin(spark: SparkSession) -> None:
    """Late is more than the limit, not equal to it; cancelled flights are counted, but in no mean and no share."""
    flights = clean(
        spark,
        {"dep_delay": 15, "arr_delay": 0},
        {"dep_delay": 16, **DIVERTED},
        {"dep_delay": -1, "arr_delay": -20},
        CANCELLED,
        {"origin": "LGA", "dep_delay": 90, "arr_delay": 80},
    )

    found = transformers.daily_delays(flights, hourly(spark, {}), date(2013, 1, 1), 15)

    names = ("origin", "flights", "cancelled", "mean_dep_delay", "mean_arr_delay", "late_share")
    assert rows(found, *names) == [("JFK", 4, 1, 10.0, -10.0, 1 / 3), ("LGA", 1, 0, 90.0, 80.0, 1.0)]


def test_a_day_on_which_nothing_left_has_no_delay(spark: SparkSession) -> None:
    """All cancelled: means and share are null, not zero; no division fails."""
    found = transformers.daily_delays(
        clean(spark, CANCELLED, CANCELLED), hourly(spark, {"hour": 1}), date(2013, 1, 1), 15
    )

    names = ("flights", "cancelled", "mean_dep_delay", "mean_arr_delay", "late_share")
    assert rows(found, *names) == [(2, 2, None, None, None)]


def test_the_first_day_is_included(spark: SparkSession) -> None:
    """`since` is the first day that is kept."""
    flights = clean(spark, {"day": 3}, {"day": 4}, {"day": 5})

    found = transformers.daily_delays(flights, hourly(spark, {}), date(2013, 7, 4), 15)

    assert rows(found, "flight_date") == [(date(2013, 7, 4),), (date(2013, 7, 5),)]


def test_the_weather_of_a_day_is_summed_up_over_its_hours(spark: SparkSession) -> None:
    """Unknown readings are left out of the means, and 0.1 ten times is 1."""
    weather = hourly(spark, *({"hour": hour, "precip": 0.1, "visib": 10.0 - hour} for hour in range(10)), {
        "hour": 10, "temp": None, "wind_speed": 32.0, "precip": None, "visib": None,
    })  # fmt: skip

    found = transformers.daily_delays(clean(spark, {}), weather, date(2013, 1, 1), 15)

    names = ("mean_temp", "mean_wind_speed", "max_wind_speed", "precip", "min_visib")
    assert rows(found, *names) == [(70.0, 12.0, 32.0, 1.0, 1.0)]


def test_a_day_without_weather_keeps_its_flights(spark: SparkSession) -> None:
    """Neither the next day's weather nor another origin's is taken; a day with weather and no flights gives no row."""
    weather = hourly(spark, {"day": 5}, {"origin": "LGA"})

    found = transformers.daily_delays(clean(spark, {}), weather, date(2013, 1, 1), 15)

    names = ("flights", "mean_temp", "mean_wind_speed", "max_wind_speed", "precip", "min_visib")
    assert rows(found, *names) == [(1, None, None, None, None, None)]


def test_readings_that_are_all_unknown_have_no_mean(spark: SparkSession) -> None:
    """The mean of no values is null, in ANSI mode too."""
    weather = hourly(spark, {"temp": None, "wind_speed": None, "precip": None, "visib": None})

    found = transformers.daily_delays(clean(spark, {}), weather, date(2013, 1, 1), 15)

    assert rows(found, "mean_temp", "mean_wind_speed", "precip", "min_visib") == [(None, None, None, None)]


def test_airlines_are_ranked_by_punctual_arrivals(spark: SparkSession) -> None:
    """Best first, ties by carrier, no arrival at all last; an airline that is not in the list has no name."""
    flights = clean(
        spark,
        {"carrier": "UA", "arr_delay": 16},
        {"carrier": "ZZ", "arr_delay": 15},
        {"carrier": "AA", "arr_delay": -5},
        {"carrier": "AA", **CANCELLED},
        {"carrier": "B6", **DIVERTED},
    )
    airlines = spark.createDataFrame([("AA", "American"), ("UA", "United"), ("B6", "JetBlue")], schemas.AIRLINE)

    found = transformers.carrier_punctuality(flights, airlines, 15)

    assert rows(found, "rank", "carrier", "name", "flights", "arrived", "on_time_share", "mean_arr_delay") == [
        (1, "AA", "American", 2, 1, 1.0, -5.0),
        (2, "ZZ", None, 1, 1, 1.0, 15.0),
        (3, "UA", "United", 1, 1, 0.0, 16.0),
        (4, "B6", "JetBlue", 1, 0, None, None),
    ]


def test_orphans_say_what_is_unknown(spark: SparkSession) -> None:
    """A flight without a tail number has no known plane; a plane listed twice does not double a flight."""
    flights = clean(
        spark,
        {"flight": 1},
        {"flight": 2, "tailnum": "N9"},
        {"flight": 3, "dest": "SJU"},
        {"flight": 4, "tailnum": None, "dest": "SJU"},
        {"flight": 5, "tailnum": None},
    )
    planes = spark.createDataFrame([("N1", None, None, None), ("N1", None, None, None)], schemas.PLANE)
    airports = spark.createDataFrame([("LAX", "Los Angeles Intl")], schemas.AIRPORT)

    found = transformers.orphans(flights, planes, airports)

    assert rows(found, "flight", "tailnum", "dest", "reason") == [
        (2, "N9", "LAX", "plane"),
        (3, "N1", "SJU", "airport"),
        (4, None, "SJU", "plane and airport"),
        (5, None, "LAX", "plane"),
    ]


def test_no_rows_give_no_rows(spark: SparkSession) -> None:
    """Empty sources are no error, and the columns are there."""
    flights, weather = clean(spark), hourly(spark)
    airlines = spark.createDataFrame([], schemas.AIRLINE)

    delays = transformers.daily_delays(flights, weather, date(2013, 1, 1), 15)
    ranked = transformers.carrier_punctuality(flights, airlines, 15)

    assert rows(delays, "flights", "mean_temp") == rows(ranked, "rank", "name") == []
