"""The transformers on a few rows each: no files, no database. The fixture `spark` is Stoker's."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from stoker.testing import assert_frames_equal, frame

from project_name import schemas, transformers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def orders(spark: SparkSession, table: str) -> DataFrame:
    """Orders with the columns that a test is about; the customer is always the same."""
    return frame(spark, table, schema=schemas.ORDER, fill={"customer": "ada"})


def rates(spark: SparkSession) -> DataFrame:
    """A dollar is 90 cents."""
    return frame(
        spark,
        """
        currency | rate
        EUR      | 1
        USD      | 0.9
        """,
        schema=schemas.RATE,
    )


def test_orders_that_were_paid_are_kept_once(spark: SparkSession) -> None:
    """One without an amount is left out, one that was delivered twice is kept once, one like it is another."""
    found = transformers.paid_orders(
        orders(
            spark,
            """
            order_id | day        | amount | currency
            1        | 2024-01-01 | 5.00   | EUR
            1        | 2024-01-01 | 5.00   | EUR
            2        | 2024-01-01 | 5.00   | EUR
            3        | 2024-01-01 | null   | EUR
            """,
        )
    )

    assert_frames_equal(
        found.select("order_id", "amount"),
        """
        order_id | amount
        1        | 5.00
        2        | 5.00
        """,
    )


def test_revenue_is_in_euro_from_the_first_day_on(spark: SparkSession) -> None:
    """`since` is the first day that counts. An order without a rate is counted, and adds no revenue."""
    paid = orders(
        spark,
        """
        order_id | day        | amount | currency
        1        | 2024-01-01 | 99.00  | EUR
        2        | 2024-01-02 | 5.00   | EUR
        3        | 2024-01-02 | 10.00  | USD
        4        | 2024-01-02 | 10.00  | XXX
        5        | 2024-01-03 | 10.00  | XXX
        """,
    )

    assert_frames_equal(
        transformers.daily_revenue(paid, rates(spark), since=date(2024, 1, 2)),
        """
        day        | orders | revenue
        2024-01-02 | 3      | 14.00
        2024-01-03 | 1      | null
        """,
    )
