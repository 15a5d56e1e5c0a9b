"""The wiring: one pipeline on given frames, and a part of the job from its files to its tables."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from flights import pipelines
from stoker.testing import assert_frames_equal, run_pipeline

if TYPE_CHECKING:
    from stoker.testing import RunJob

FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance
2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400
2013,1,1,533,529,4,850,830,20,UA,1714,N24211,LGA,IAH,227,1416
2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,N18120,EWR,RDU,NA,416
"""


@pytest.mark.usefixtures("spark")
@pytest.mark.spark_jobs(at_most=5)
def test_the_parameters_reach_the_transformer() -> None:
    """`since` leaves the first day out, and `late_after` says what is late."""
    inputs = {
        "flights": """
            flight_date:date | origin:string | dep_delay:int | arr_delay:int | cancelled:boolean
            2013-07-03       | JFK           | 90            | 90            | false
            2013-07-04       | JFK           | 20            | 20            | false
            2013-07-04       | JFK           | 40            | 40            | false
        """,
        "weather": """
            weather_date:date | origin:string | temp:double | wind_speed:double | precip:double | visib:double
            2013-07-04        | JFK           | 70.0        | 10.0              | 0.0           | 10.0
        """,
    }

    found = run_pipeline(
        pipelines.daily_delays, inputs, parameters=pipelines.Parameters(since=date(2013, 7, 4), late_after=30)
    )

    assert_frames_equal(
        found["daily_delays"].select("flight_date", "flights", "late_share", "mean_temp"),
        "flight_date | flights | late_share | mean_temp\n2013-07-04 | 2 | 0.5 | 70.0",
    )


def test_flights_and_airlines_arrive_in_the_lake_and_in_the_database(run_job: RunJob) -> None:
    """Both have the same rows; `NA` is null, and an airline that is not in the list has no name."""
    done = run_job(
        pipelines.job,
        only=["flights", "carrier_punctuality"],
        files={"source/flights.csv": FLIGHTS, "source/airlines.csv": "carrier,name\nUA,United Air Lines Inc.\n"},
    )

    assert done.record.pipeline("flights").rows_written == 3
    assert [path.name for path in done.path("lake", "flights").glob("month=*")] == ["month=1"]
    assert done.query("SELECT carrier, arr_delay FROM flights ORDER BY flight") == [
        ("UA", 11),
        ("UA", 20),
        ("EV", None),
    ]
    ranked = """
        rank | carrier | name                   | flights | arrived | on_time_share | mean_arr_delay
        1    | UA      | United Air Lines Inc.  | 2       | 2       | 0.5           | 15.5
        2    | EV      | null                   | 1       | 0       | null          | null
    """
    assert_frames_equal(done.frame("carrier_punctuality"), ranked)
    assert_frames_equal(done.table("carrier_punctuality"), ranked)
