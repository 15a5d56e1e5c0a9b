"""The main thread hears signals, whatever it waits for."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, place, read, write
from stoker.spark.threads import in_thread
from support.loads import SCHEMA, write_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project


def test_what_a_thread_answers_or_raises_is_the_callers() -> None:
    """As if it had been called."""
    assert in_thread(lambda: threading.current_thread() is threading.main_thread()) is False
    with pytest.raises(KeyError, match="STOKER_GONE"):
        in_thread(lambda: os.environ["STOKER_GONE"])


def test_a_signal_is_heard_while_a_thread_works() -> None:
    """It goes on by itself: what it does with the JVM cannot be cut."""
    heard, ended = threading.Event(), threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert heard.wait(60)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        in_thread(work)
    heard.set()
    assert ended.wait(60)


def test_a_signal_between_two_pipelines_is_one_while_they_run(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has ended and its thread is waited for; the second is not begun, and the record says why."""
    write_rows(project.folder, "1")
    source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    pipelines = [
        Pipeline(name, extract={"rows": source}, load=write.parquet(place("lake") / name, mode="replace"))
        for name in ("one", "two")
    ]
    join = threading.Thread.join

    def joined(thread: threading.Thread, timeout: float | None = None) -> Any:
        if thread.name == "stoker-one":
            raise KeyboardInterrupt
        return join(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", joined)

    record = Job("j", pipelines).run(spark=spark, config=project.folder / "stoker.toml")

    assert (record.state, record.signal) == ("interrupted", "SIGINT")
    assert [str(each.state) for each in record.pipelines] == ["succeeded", "skipped"]
    assert record.pipelines[1].reason == "the run was interrupted by SIGINT"
