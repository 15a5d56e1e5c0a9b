"""A plain PySpark program that logs in its workers; Stoker is installed where the driver is, and nowhere else."""

from __future__ import annotations

import logging

from pyspark.sql import SparkSession

from stoker import logs


def main() -> None:
    """Log in a task, and print what it gave."""
    logs.configure("production")
    spark = SparkSession.builder.getOrCreate()
    logs.configure_workers(spark)

    def tell(row: int) -> int:
        logging.getLogger("bare").error("row %d", row)
        return row

    print(spark.sparkContext.parallelize(range(4), 2).map(tell).collect())  # noqa: T201 - the test reads it
    spark.stop()


if __name__ == "__main__":
    main()
