"""Column logic: pure functions from frames to frames. They know nothing of files, tables or Stoker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame


def paid_orders(orders: DataFrame) -> DataFrame:
    """Orders that have an amount. A row that was delivered twice is kept once."""
    return orders.filter(F.col("amount").isNotNull()).distinct()


def daily_revenue(orders: DataFrame, rates: DataFrame, since: date) -> DataFrame:
    """Orders and their revenue in euro by day, from the day `since` on.

    An order in a currency that has no rate counts in `orders`, and adds nothing to `revenue`.
    """
    euro = (F.col("amount") * F.col("rate")).cast("DECIMAL(12,2)")
    return (
        orders.filter(F.col("day") >= F.lit(since))
        .join(rates, "currency", "left")
        .groupBy("day")
        .agg(F.count("*").alias("orders"), F.sum(euro).alias("revenue"))
    )
