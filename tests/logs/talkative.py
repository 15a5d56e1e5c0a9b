"""A job whose functions log a line for each row, in each kind of Python worker. Its executors know only what is shipped."""

from __future__ import annotations

import logging
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import functions as F  # noqa: N812 - its usual name
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import IntegerType

from stoker import Job, Pipeline, logs, main, place, read, write
from stoker.secrets import parse, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa
    from pyspark.sql import DataFrame

ROWS = 40
LOUD = 1_000
LONG = 100_000
WIDE = 3_000
logger = logging.getLogger("talkative")


def tell(kind: str, row: int) -> int:
    """Log it."""
    logger.info("%s row %d", kind, row)
    return row


def rdd(rows: DataFrame) -> DataFrame:
    """A function of an RDD."""
    told = rows.rdd.map(lambda row: (tell("rdd", row.n),))
    return rows.sparkSession.createDataFrame(told, rows.schema)


def udf(rows: DataFrame) -> DataFrame:
    """A UDF."""
    return rows.select(F.udf(lambda n: tell("udf", n), IntegerType())("n").alias("n"))


def pandas(rows: DataFrame) -> DataFrame:
    """A pandas UDF."""

    def each(numbers: pd.Series) -> pd.Series:
        return numbers.map(lambda n: tell("pandas", n))

    each.__annotations__ = dict.fromkeys(("numbers", "return"), pd.Series)  # as pyspark looks for them
    made: Any = pandas_udf  # its types want literals of its own
    return rows.select(made(each, IntegerType())("n").alias("n"))


def arrow(rows: DataFrame) -> DataFrame:
    """`mapInArrow`, which logs within a context of its own."""

    def each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            with logs.log_context(batch=batch.num_rows):
                for n in batch.column(0).to_pylist():
                    tell("arrow", n)
            yield batch

    return rows.mapInArrow(each, rows.schema)


def killed(rows: DataFrame) -> DataFrame:
    """Its workers are killed when they have logged, the first time."""

    def each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        for batch in batches:
            for n in batch.column(0).to_pylist():
                tell("killed", n)
            if context is not None and context.attemptNumber() == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    return rows.mapInArrow(each, rows.schema)


def loud(rows: DataFrame) -> DataFrame:
    """Many lines of one call in one task, and then a very long one with a trace."""

    def each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in range(LOUD):
            tell("loud", number)
        nothing: dict[str, int] = {}
        try:
            nothing.pop("x" * LONG)
        except KeyError:
            logger.exception("long %s", "y" * LONG)
        yield from batches

    return rows.coalesce(1).mapInArrow(each, rows.schema)


def secret(rows: DataFrame) -> DataFrame:
    """A UDF that logs what the driver has resolved as a secret, as an argument, a field and an exception's text."""
    reference = parse("secret://file/planted")
    assert reference is not None
    value = resolve(reference, folder=Path.cwd())

    def each(n: int) -> int:
        try:
            int(value)  # the error has it
        except ValueError:
            logger.exception("secret row %d %s", n, value, extra={"other": [value]})
        return n

    return rows.select(F.udf(each, IntegerType())("n").alias("n"))


def lost(rows: DataFrame) -> DataFrame:
    """The executor of its first partition is killed when that has logged, the first time, with as much as a pipe holds underway."""

    def each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        assert context is not None
        for batch in batches:
            for n in batch.column(0).to_pylist():
                logger.info("lost row %d %s", n, "x" * WIDE)
            if context.attemptNumber() == 0 and context.partitionId() == 0:
                daemon = Path(f"/proc/{os.getppid()}/stat").read_text("utf-8")
                executor = int(daemon.rpartition(")")[2].split()[1])
                os.kill(executor, signal.SIGKILL)
                time.sleep(60)  # the end comes from outside
            yield batch

    return rows.mapInArrow(each, rows.schema)


def pipeline(kind: Callable[[DataFrame], DataFrame]) -> Pipeline:
    """Rows in, what the kind makes of them out."""
    return Pipeline(
        kind.__name__,
        extract={"rows": read.csv(place("source") / "rows", schema="n int")},
        transform=kind,
        load=write.parquet(place("lake") / kind.__name__, mode="replace"),
    )


KINDS: tuple[Callable[[DataFrame], DataFrame], ...] = (rdd, udf, pandas, arrow, killed, loud, secret)
job = Job("talkative", [pipeline(kind) for kind in KINDS])
losing = Job("losing", [pipeline(lost)])

if __name__ == "__main__":
    main(job)
