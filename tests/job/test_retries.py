"""Pipelines that are tried again."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from stoker import (
    ConnectionLostError,
    DefinitionError,
    InterruptedRunError,
    Job,
    Pipeline,
    StokerError,
    TerminalError,
    TransientError,
    UnknownCommitError,
    place,
    read,
    write,
)
from stoker.job.events import Observer
from stoker.job.perform import perform
from stoker.job.request import Request
from stoker.job.retries import LONGEST, Retries, with_retries
from stoker.job.runline import run_line
from support.loads import SCHEMA, rows_of, through_stoker, write_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project


def tried(errors: list[StokerError], retries: int, *, possible: bool = True) -> tuple[int, StokerError | None]:
    """How often work is done that fails with these errors in turn, and the error that is raised at the end."""
    done = [0]

    def work() -> None:
        done[0] += 1
        if done[0] <= len(errors):
            raise errors[done[0] - 1]

    try:
        with_retries(
            work,
            Retries(retries, 0),
            stopped=threading.Event(),
            possible=lambda: possible,
            again=lambda error, number, seconds: None,
        )
    except StokerError as error:
        return done[0], error
    return done[0], None


def test_only_errors_that_may_pass_are_tried_again() -> None:
    """As often as told; a terminal error and an unknown commit never, nor where another try is impossible."""
    lost = ConnectionLostError("lost")
    unknown, terminal = UnknownCommitError("unknown"), TerminalError("no")

    assert tried([lost, lost], 2) == (3, None)
    assert tried([lost, lost, lost], 2) == (3, lost)
    assert tried([lost], 0) == (1, lost)
    assert tried([unknown], 5) == (1, unknown)
    assert tried([lost, terminal], 5) == (2, terminal)
    assert tried([lost], 5, possible=False) == (1, lost)


def test_waits_grow_and_are_never_equal_or_endless() -> None:
    """Each is about twice as long as the one before, up to a limit, with a random part."""
    retries = Retries(9, 2.0)

    assert 1.0 <= retries.wait(1) <= 2.0
    assert 4.0 <= retries.wait(3) <= 8.0
    assert retries.wait(1000) <= LONGEST
    assert len({retries.wait(1) for _ in range(9)}) > 1
    assert Retries(1, 0).wait(1) == 0


class _SetWhileWaitedFor(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        assert 30 <= timeout <= 60
        self.set()
        return super().wait()


def test_a_signal_ends_the_wait_at_once() -> None:
    """The pipeline counts as interrupted, and the error that it waited for is told."""
    stopped = _SetWhileWaitedFor()

    def work() -> None:
        raise TransientError("the server is starting")

    with pytest.raises(InterruptedRunError, match="the server is starting"):
        with_retries(work, Retries(3, 60), stopped=stopped, possible=lambda: True, again=lambda *_: None)


class _Told(Observer):
    def __init__(self) -> None:
        self.retried: list[tuple[str, int]] = []

    def pipeline_retried(self, name: str, number: int, seconds: float) -> None:
        assert seconds <= 0.02
        self.retried.append((name, number))


@pytest.mark.parametrize("own", [2, None])
def test_a_pipeline_is_tried_again_and_the_record_says_so(
    spark: SparkSession, project: Project, caplog: pytest.LogCaptureFixture, own: int | None
) -> None:
    """By `retries=` or `[run] retries`; the rows are there once, and each try is told with its cause."""
    write_rows(project.folder, "1")
    tries = [0]

    def flaky(rows: Any) -> Any:
        tries[0] += 1
        rows.count()
        if tries[0] < 3:
            raise ConnectionLostError(f"the server went away, time {tries[0]}")
        return rows

    setting = "retry_wait = 0.01\n" + ("retries = 2\n" if own is None else "retries = 0\n")
    project.write("stoker.toml", (project.folder / "stoker.toml").read_text() + f"[run]\n{setting}")
    rows = Pipeline(
        "rows",
        extract={"rows": read.csv(place("source") / "rows.csv", schema=SCHEMA)},
        transform=flaky,
        load=write.parquet(place("lake") / "rows", mode="append"),
        retries=own,
    )
    told = _Told()
    with caplog.at_level(logging.WARNING):
        record = perform(Request(Job("j", [rows]), project.config(), spark=spark, observer=told))

    [pipeline] = record.pipelines
    assert (record.state, pipeline.rows_written, len(pipeline.sinks)) == ("succeeded", 30, 1)
    assert [str(each.state) for each in pipeline.attempts] == ["failed", "failed"]
    assert "time 2" in str(pipeline.attempts[1].error)
    assert pipeline.metrics is not None
    assert pipeline.metrics.bytes_read == 2 * (project.source / "rows.csv").stat().st_size, "counted and written, once"
    assert " over 3 tries; " in run_line(pipeline)
    assert told.retried == [("rows", 2), ("rows", 3)]
    assert sum("the server went away" in line for line in caplog.messages) == 2
    assert through_stoker(spark, project.folder) == rows_of(1)
    assert project.records() == [record.to_json()]


@pytest.mark.parametrize("retries", [-1, 1.5, True, "2"])
def test_a_wrong_number_of_tries_is_refused(retries: Any) -> None:
    """Where the pipeline is declared."""
    with pytest.raises(DefinitionError, match="is no number of tries"):
        Pipeline("p", extract={"rows": read.parquet("x")}, retries=retries)
