"""The transformers on a few rows each, written as tables: no files, no database, no configuration."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flights import schemas, transformers
from stoker.testing import assert_frames_equal, frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The columns that a test does not write. Without a departure and an arrival, a flight is cancelled.
FLIGHT = {
    "year": 2013, "month": 7, "day": 4, "sched_dep_time": 900, "carrier": "UA", "flight": 1, "tailnum": "N1",
    "origin": "JFK", "dest": "LAX", "distance": 500,
}  # fmt: skip
READING = {
    "origin": "JFK", "year": 2013, "month": 7, "day": 4, "hour": 9, "temp": 70.0, "dewp": 60.0, "humid": 50.0,
    "wind_dir": 180, "wind_speed": 10.0, "precip": 0.0, "pressure": 1010.0, "visib": 10.0,
    "time_hour": "2013-07-04T13:00:00Z",
}  # fmt: skip


def clean(session: SparkSession, table: str) -> DataFrame:
    """Flights as the first pipeline leaves them."""
    return transformers.clean_flights(frame(session, table, schema=schemas.FLIGHT, fill=FLIGHT))


def hourly(session: SparkSession, table: str) -> DataFrame:
    """Weather as its pipeline leaves it."""
    return transformers.hourly_weather(frame(session, table, schema=schemas.WEATHER, fill=READING))


def test_a_scheduled_departure_is_an_instant_in_new_york(session: SparkSession) -> None:
    """A local time hhmm becomes its instant, on the days when daylight saving begins and ends too."""
    found = clean(
        session,
        """
        flight | month | day | sched_dep_time
        1      | 1     | 15  | 5
        2      | 1     | 15  | 1730
        3      | 3     | 10  | 159
        4      | 3     | 10  | 300
        5      | 3     | 10  | 230
        6      | 7     | 4   | 2359
        7      | 11    | 3   | 59
        8      | 11    | 3   | 130
        9      | 11    | 3   | 200
        10     | 12    | 31  | 2359
        """,
    )

    # 1: hhmm 0005 is the number 5. 3, 4: around the gap of daylight saving; 5 is in it: an hour later. 6: UTC's next day.
    # 8: the hour that comes twice: the first. 10: UTC's next year.
    assert_frames_equal(
        found.select("flight", "scheduled_departure"),
        """
        flight | scheduled_departure:timestamp_ltz
        1      | 2013-01-15T05:05Z
        2      | 2013-01-15T22:30Z
        3      | 2013-03-10T06:59Z
        4      | 2013-03-10T07:00Z
        5      | 2013-03-10T07:30Z
        6      | 2013-07-05T03:59Z
        7      | 2013-11-03T04:59Z
        8      | 2013-11-03T05:30Z
        9      | 2013-11-03T07:00Z
        10     | 2014-01-01T04:59Z
        """,
    )


def test_a_flight_without_a_departure_time_is_cancelled(session: SparkSession) -> None:
    """A diverted flight left, so it is not cancelled; unknown values stay unknown."""
    found = clean(
        session,
        """
        flight | dep_time | arr_delay | tailnum
        1      | 905      | 10        | N1
        2      | null     | null      | N1
        3      | 905      | null      | null
        """,
    )

    assert_frames_equal(
        found.select("flight", "cancelled", "arr_delay", "tailnum"),
        """
        flight | cancelled:boolean | arr_delay | tailnum
        1      | false             | 10        | N1
        2      | true              | null      | N1
        3      | false             | null      | null
        """,
    )


def test_of_an_hour_that_comes_twice_the_first_reading_is_kept(session: SparkSession) -> None:
    """When daylight saving ends; in whatever order the two are read, and for each origin alone."""
    found = hourly(
        session,
        """
        origin | month | day | hour | temp | time_hour
        JFK    | 11    | 3   | 1    | 50.0 | 2013-11-03T06:00:00Z
        JFK    | 11    | 3   | 1    | 52.0 | 2013-11-03T05:00:00Z
        LGA    | 11    | 3   | 1    | 50.0 | 2013-11-03T06:00:00Z
        JFK    | 11    | 3   | 2    | 49.0 | 2013-11-03T07:00:00Z
        """,
    )

    assert_frames_equal(
        found.select("origin", "hour", "temp", "observed"),
        """
        origin | hour | temp | observed:timestamp_ltz
        JFK    | 1    | 52.0 | 2013-11-03T05:00Z
        JFK    | 2    | 49.0 | 2013-11-03T07:00Z
        LGA    | 1    | 50.0 | 2013-11-03T06:00Z
        """,
    )


def test_two_readings_of_one_instant_give_one_always_the_same(session: SparkSession) -> None:
    """Their values decide, never the order in which they are read."""
    for table in ("temp\n60.0\n61.0", "temp\n61.0\n60.0"):
        assert_frames_equal(hourly(session, table).select("temp"), "temp\n60.0")


def test_the_hour_that_daylight_saving_leaves_out_stays_out(session: SparkSession) -> None:
    """01:00 and 03:00 of that day are one hour apart, and both are kept."""
    found = hourly(
        session,
        """
        month | day | hour | time_hour
        3     | 10  | 1    | 2013-03-10T06:00:00Z
        3     | 10  | 3    | 2013-03-10T07:00:00Z
        """,
    )

    assert_frames_equal(
        found.select("weather_date", "hour", "observed"),
        """
        weather_date:date | hour | observed
        2013-03-10        | 1    | 2013-03-10T06:00Z
        2013-03-10        | 3    | 2013-03-10T07:00Z
        """,
    )


def test_a_wind_that_cannot_be_is_unknown(session: SparkSession) -> None:
    """The rest of such a reading stays."""
    found = hourly(session, "hour | wind_speed | wind_gust\n9 | 1048.4 | 253.0\n10 | null | null")

    assert_frames_equal(
        found.select("hour", "wind_speed", "wind_gust", "temp"),
        """
        hour | wind_speed | wind_gust | temp
        9    | null       | 253.0     | 70.0
        10   | null       | null      | 70.0
        """,
    )


def test_delays_of_a_day_and_origin(session: SparkSession) -> None:
    """Late is more than the limit, not equal to it; cancelled flights are counted, but in no mean and no share."""
    flights = clean(
        session,
        """
        origin | dep_time | dep_delay | arr_delay
        JFK    | 915      | 15        | 0
        JFK    | 916      | 16        | null
        JFK    | 859      | -1        | -20
        JFK    | null     | null      | null
        LGA    | 1030     | 90        | 80
        """,
    )

    found = transformers.daily_delays(flights, hourly(session, "hour\n9"), date(2013, 1, 1), 15)

    assert_frames_equal(
        found.select("origin", "flights", "cancelled", "mean_dep_delay", "mean_arr_delay", "late_share"),
        """
        origin | flights:bigint | cancelled:bigint | mean_dep_delay | mean_arr_delay | late_share:double
        JFK    | 4              | 1                | 10.0           | -10.0          | 0.3333333333333333
        LGA    | 1              | 0                | 90.0           | 80.0           | 1.0
        """,
    )


def test_a_day_on_which_nothing_left_has_no_delay(session: SparkSession) -> None:
    """All cancelled: means and share are null, not zero; no division fails."""
    flights = clean(session, "dep_delay | arr_delay\nnull | null\nnull | null")

    found = transformers.daily_delays(flights, hourly(session, "hour\n1"), date(2013, 1, 1), 15)

    assert_frames_equal(
        found.select("flights", "cancelled", "mean_dep_delay", "mean_arr_delay", "late_share"),
        "flights | cancelled | mean_dep_delay | mean_arr_delay | late_share\n2 | 2 | null | null | null",
    )


def test_the_first_day_is_included(session: SparkSession) -> None:
    """`since` is the first day that is kept."""
    found = transformers.daily_delays(clean(session, "day\n3\n4\n5"), hourly(session, "hour"), date(2013, 7, 4), 15)

    assert_frames_equal(found.select("flight_date"), "flight_date:date\n2013-07-04\n2013-07-05")


def test_the_weather_of_a_day_is_summed_up_over_its_hours(session: SparkSession) -> None:
    """Unknown readings are left out of the means, and 0.1 ten times is 1."""
    hours = [f"{hour} | 70.0 | 10.0 | 0.1 | {10.0 - hour}" for hour in range(10)]
    weather = hourly(
        session,
        "\n".join(["hour | temp | wind_speed | precip | visib", *hours, "10 | null | 32.0 | null | null"]),
    )

    found = transformers.daily_delays(clean(session, "day\n4"), weather, date(2013, 1, 1), 15)

    assert_frames_equal(
        found.select("mean_temp", "mean_wind_speed", "max_wind_speed", "precip", "min_visib"),
        "mean_temp | mean_wind_speed | max_wind_speed | precip | min_visib\n70.0 | 12.0 | 32.0 | 1.0 | 1.0",
    )


def test_a_day_without_weather_keeps_its_flights(session: SparkSession) -> None:
    """Neither the next day's weather nor another origin's is taken; a day with weather and no flights gives no row."""
    weather = hourly(session, "origin | day\nJFK | 5\nLGA | 4")

    found = transformers.daily_delays(clean(session, "day\n4"), weather, date(2013, 1, 1), 15)

    assert_frames_equal(
        found.select("flights", "mean_temp", "mean_wind_speed", "max_wind_speed", "precip", "min_visib"),
        "flights | mean_temp | mean_wind_speed | max_wind_speed | precip | min_visib\n1 | null | null | null | null | null",
    )


def test_readings_that_are_all_unknown_have_no_mean(session: SparkSession) -> None:
    """The mean of no values is null, in ANSI mode too."""
    weather = hourly(session, "temp | wind_speed | precip | visib\nnull | null | null | null")

    found = transformers.daily_delays(clean(session, "day\n4"), weather, date(2013, 1, 1), 15)

    assert_frames_equal(
        found.select("mean_temp", "mean_wind_speed", "precip", "min_visib"),
        "mean_temp:double | mean_wind_speed:double | precip:double | min_visib:double\nnull | null | null | null",
    )


def test_airlines_are_ranked_by_punctual_arrivals(session: SparkSession) -> None:
    """Best first, ties by carrier, no arrival at all last; an airline that is not in the list has no name."""
    flights = clean(
        session,
        """
        carrier | arr_delay
        UA      | 16
        ZZ      | 15
        AA      | -5
        AA      | null
        B6      | null
        """,
    )
    airlines = frame(session, "carrier | name\nAA | American\nUA | United\nB6 | JetBlue", schema=schemas.AIRLINE)

    found = transformers.carrier_punctuality(flights, airlines, 15)

    assert_frames_equal(
        found,
        """
        rank:int | carrier:string | name:string | flights:bigint | arrived:bigint | on_time_share:double | mean_arr_delay:double
        1        | AA             | American    | 2              | 1              | 1.0                  | -5.0
        2        | ZZ             | null        | 1              | 1              | 1.0                  | 15.0
        3        | UA             | United      | 1              | 1              | 0.0                  | 16.0
        4        | B6             | JetBlue     | 1              | 0              | null                 | null
        """,
    )


def test_orphans_say_what_is_unknown(session: SparkSession) -> None:
    """A flight without a tail number has no known plane; a plane listed twice does not double a flight."""
    flights = clean(
        session,
        """
        flight | tailnum | dest
        1      | N1      | LAX
        2      | N9      | LAX
        3      | N1      | SJU
        4      | null    | SJU
        5      | null    | LAX
        """,
    )
    planes = frame(session, "tailnum\nN1\nN1", schema=schemas.PLANE)
    airports = frame(session, "faa | name\nLAX | Los Angeles Intl", schema=schemas.AIRPORT)

    found = transformers.orphans(flights, planes, airports)

    assert_frames_equal(
        found.select("flight", "tailnum", "dest", "reason"),
        """
        flight | tailnum | dest | reason:string
        2      | N9      | LAX  | plane
        3      | N1      | SJU  | airport
        4      | null    | SJU  | plane and airport
        5      | null    | LAX  | plane
        """,
    )


def test_no_rows_give_no_rows(session: SparkSession) -> None:
    """Empty sources are no error, and the columns are there."""
    flights, weather = clean(session, "day"), hourly(session, "hour")

    delays = transformers.daily_delays(flights, weather, date(2013, 1, 1), 15)
    ranked = transformers.carrier_punctuality(flights, frame(session, "carrier", schema=schemas.AIRLINE), 15)

    assert_frames_equal(delays.select("flights", "mean_temp"), "flights:bigint | mean_temp:double")
    assert_frames_equal(ranked.select("rank", "name"), "rank:int | name:string")
