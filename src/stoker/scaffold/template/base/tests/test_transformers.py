"""The transformers on a few rows each: no files, no database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from project_name import schemas, transformers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MONDAY, TUESDAY = date(2024, 1, 1), date(2024, 1, 2)


def orders(spark: SparkSession, *rows: tuple[int, date, str | None, str]) -> DataFrame:
    """Orders of one customer: id, day, amount and currency."""
    values = [(number, day, "ada", amount and Decimal(amount), currency) for number, day, amount, currency in rows]
    return spark.createDataFrame(values, schemas.ORDER)


def rates(spark: SparkSession) -> DataFrame:
    """A dollar is 90 cents."""
    return spark.createDataFrame([("EUR", Decimal(1)), ("USD", Decimal("0.9"))], schemas.RATE)


def test_an_order_without_an_amount_is_left_out(spark: SparkSession) -> None:
    """It was not paid."""
    found = transformers.paid_orders(orders(spark, (1, MONDAY, "5.00", "EUR"), (2, MONDAY, None, "EUR")))

    assert [row.order_id for row in found.collect()] == [1]


def test_an_order_that_was_delivered_twice_counts_once(spark: SparkSession) -> None:
    """The same row, not another order of the same amount."""
    row, other = (1, MONDAY, "5.00", "EUR"), (2, MONDAY, "5.00", "EUR")

    found = transformers.paid_orders(orders(spark, row, row, other))

    assert sorted(row.order_id for row in found.collect()) == [1, 2]


def test_revenue_is_in_euro_from_the_first_day_on(spark: SparkSession) -> None:
    """`since` is the first day that counts."""
    paid = orders(
        spark,
        (1, MONDAY, "99.00", "EUR"),
        (2, TUESDAY, "5.00", "EUR"),
        (3, TUESDAY, "10.00", "USD"),
    )

    found = transformers.daily_revenue(paid, rates(spark), since=TUESDAY)

    assert [tuple(row) for row in found.collect()] == [(TUESDAY, 2, Decimal("14.00"))]


def test_an_order_without_a_rate_adds_no_revenue(spark: SparkSession) -> None:
    """It is counted all the same."""
    paid = orders(spark, (1, MONDAY, "5.00", "EUR"), (2, MONDAY, "5.00", "XXX"))

    found = transformers.daily_revenue(paid, rates(spark), since=MONDAY)

    assert [tuple(row) for row in found.collect()] == [(MONDAY, 2, Decimal("5.00"))]
