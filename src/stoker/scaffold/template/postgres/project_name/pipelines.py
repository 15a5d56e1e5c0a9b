"""Names and places: what is extracted, by which transformer, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stoker import Job, Pipeline, place, read, write

from project_name import transformers
from project_name.schemas import ORDER, RATE

source, lake = place("source"), place("lake")


@dataclass(frozen=True)
class Parameters:
    """What `--param` sets."""

    since: date = date(2024, 1, 1)
    """The first day of `daily_revenue`."""


orders = Pipeline(
    "orders",
    extract={"orders": read.csv(source / "orders.csv", schema=ORDER)},
    transform=transformers.paid_orders,
    load=write.parquet(lake / "orders", mode="replace"),
)

daily_revenue = Pipeline(
    "daily_revenue",
    extract={"orders": orders, "rates": read.csv(source / "rates.csv", schema=RATE)},
    transform=transformers.daily_revenue,
    load=[
        write.parquet(lake / "daily_revenue", mode="replace"),
        write.postgres("daily_revenue", connection="warehouse", mode="replace"),
    ],
)

job = Job("project_name", [orders, daily_revenue], parameters=Parameters)
