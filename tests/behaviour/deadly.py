"""Transformers whose tasks kill their own executor, or lag behind; named places instead of timed kills."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from pyspark import TaskContext

from behaviour.sinks import SCHEMA
from support.loads import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from pyspark.sql import DataFrame

    from behaviour.sinks import Rows
    from behaviour.target import Target

ROWS = 8_000
PARTITIONS = 4
VERSION = 9
_LONGEST = 60.0
"""Seconds that a laggard waits to be killed, before it fails the test."""


def expected(target: Target) -> Rows:
    """What is there when version 1 was published before, and then these rows."""
    loaded = [(number, number % 2 + 2, VERSION) for number in range(ROWS)]
    return sorted(target.case.mode.after(list(rows_of(1)), loaded))


def _made(rows: DataFrame, *, shuffled: bool = False) -> DataFrame:
    made = rows.sparkSession.range(0, ROWS, numPartitions=PARTITIONS).selectExpr(
        "cast(id as int) id", "cast(id % 2 + 2 as int) part", f"{VERSION} version"
    )
    return made.repartition(PARTITIONS, "id") if shuffled else made


def _in_python(frame: DataFrame, between: Callable[[TaskContext, int], None]) -> DataFrame:
    """Rows that pass through Python; between two batches it is asked what to do."""

    def batches(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        context = TaskContext.get()
        assert context is not None
        for number, each in enumerate(frames):
            between(context, number)
            yield each

    return frame.mapInPandas(batches, SCHEMA)  # type: ignore[arg-type]  # pandas has no types here


def kill_executor(mark: str) -> None:
    """Kill the JVM that this Python worker belongs to, once for a mark."""
    with suppress(FileExistsError), Path(mark).open("x") as once:
        daemon = psutil.Process().parent()
        executor = daemon.parent() if daemon else None
        assert executor is not None
        assert executor.name() == "java", executor
        once.write(str(executor.pid))
        once.flush()
        executor.send_signal(signal.SIGKILL)
        time.sleep(_LONGEST)  # it dies with the executor


def early(rows: DataFrame, mark: str) -> DataFrame:
    """The executor dies in the midst of the first partition."""
    return _in_python(_made(rows), lambda task, number: _dies(task, number, 0, mark))


def late(rows: DataFrame, mark: str) -> DataFrame:
    """It dies in the last partition, when it has committed others."""
    return _in_python(_made(rows), lambda task, number: _dies(task, number, PARTITIONS - 1, mark))


def shuffled(rows: DataFrame, mark: str) -> DataFrame:
    """It takes files of the shuffle with it, so that stages are tried again."""
    return _in_python(_made(rows, shuffled=True), lambda task, number: _dies(task, number, PARTITIONS - 1, mark))


def _dies(task: TaskContext, number: int, partition: int, mark: str) -> None:
    if task.partitionId() == partition and number == 1:
        kill_executor(mark)


def plain(rows: DataFrame, mark: str) -> DataFrame:
    """Nothing happens in the transformer."""
    return _made(rows)


def overtaken(rows: DataFrame, mark: str) -> DataFrame:
    """The first attempt lags behind until it is killed: its copy is faster."""
    return _in_python(_made(rows), lambda task, number: _lags(task, number, first=True, mark=mark))


def in_vain(rows: DataFrame, mark: str) -> DataFrame:
    """The first attempt goes on as soon as it has a copy, which then lags behind until it is killed."""
    return _in_python(_made(rows), lambda task, number: _lags(task, number, first=False, mark=mark))


def _lags(task: TaskContext, number: int, *, first: bool, mark: str) -> None:
    if task.partitionId() != 0 or number != 1:
        return
    copied = task.attemptNumber() > 0
    if copied:
        Path(mark).touch()
    for_ever = copied != first
    deadline = time.monotonic() + _LONGEST
    while for_ever or not Path(mark).exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the other attempt did not come or did not win")
        time.sleep(0.05)


def dies_after_its_commit(copy: Callable[..., Any], mark: str) -> Callable[..., Any]:
    """In the place of `copy_function`: an executor dies between the commit of a task's rows and the task's report."""

    def function(task: Any, **options: Any) -> Callable[[Any], Iterator[Any]]:
        inner = copy(task, **options)

        def copied(batches: Any) -> Iterator[Any]:
            for report in inner(batches):
                kill_executor(mark)
                yield report

        return copied

    return function
