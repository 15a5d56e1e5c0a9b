"""Names and places: what is extracted, by which transformer, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flights import transformers
from flights.schemas import AIRLINE, AIRPORT, FLIGHT, PLANE, WEATHER
from stoker import Job, Pipeline, check, place, read, write

source, lake = place("source"), place("lake")


@dataclass(frozen=True)
class Parameters:
    """What `--param` sets."""

    since: date = date(2013, 1, 1)
    """The first day of `daily_delays`."""
    late_after: int = 15
    """Minutes after which a flight is late."""


flights = Pipeline(
    "flights",
    extract={"flights": read.csv(source / "flights.csv", schema=FLIGHT, nullValue="NA")},
    transform=transformers.clean_flights,
    load=[
        write.parquet(lake / "flights", mode="replace", partition_by=["month"]),
        write.postgres("flights", connection="warehouse", mode="replace"),
    ],
)

weather = Pipeline(
    "weather",
    extract={"weather": read.csv(source / "weather.csv", schema=WEATHER, nullValue="NA")},
    transform=transformers.hourly_weather,
    load=write.parquet(lake / "weather", mode="replace"),
)

daily_delays = Pipeline(
    "daily_delays",
    extract={"flights": flights, "weather": weather},
    transform=transformers.daily_delays,
    load=[
        write.parquet(lake / "daily_delays", mode="replace"),
        write.postgres("daily_delays", connection="warehouse", mode="replace"),
    ],
)

carrier_punctuality = Pipeline(
    "carrier_punctuality",
    extract={"flights": flights, "airlines": read.csv(source / "airlines.csv", schema=AIRLINE)},
    transform=transformers.carrier_punctuality,
    load=[
        write.parquet(lake / "carrier_punctuality", mode="replace"),
        write.postgres(
            "carrier_punctuality",
            connection="warehouse",
            mode="replace",
            # Held against the staged rows, before anyone sees them.
            checks=[
                check.unique("carrier"),
                check.between("on_time_share", 0, 1),
                check.expression("arrived <= flights"),
                check.not_null("name", on_failure="warn"),
            ],
        ),
    ],
)

orphans = Pipeline(
    "orphans",
    extract={
        "flights": flights,
        "planes": read.csv(source / "planes.csv", schema=PLANE, nullValue="NA"),
        "airports": read.csv(source / "airports.csv", schema=AIRPORT),
    },
    transform=transformers.orphans,
    load=write.parquet(lake / "orphans", mode="replace"),
)

job = Job("flights", [flights, weather, daily_delays, carrier_punctuality, orphans], parameters=Parameters)
