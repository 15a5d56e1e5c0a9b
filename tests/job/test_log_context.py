from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from stoker import ConnectionLostError, Job, Pipeline, logs, place, read, write
from stoker.job.perform import perform
from stoker.job.request import Request
from stoker.logs import inheritance

if TYPE_CHECKING:
    import pytest
    from pyspark.sql import SparkSession

    from support.log_lines import Log
    from support.project import Project


def test_lines_of_a_run_say_where_they_are_from(
    spark: SparkSession,
    project: Project,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Run, job, pipeline, step and attempt, in the pipeline's own thread and in those that a transformer starts."""
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", ThreadPoolExecutor.submit)
    inheritance.install()
    caplog.set_level(logging.INFO, logger=logs.MILESTONES)
    project.write("source/rows.csv", "id\n1\n")
    project.write(
        "stoker.toml", (project.folder / "stoker.toml").read_text() + "[run]\nretries = 1\nretry_wait = 0.01\n"
    )
    tries = []

    def flaky(rows: Any) -> Any:
        tries.append(1)
        log.logger.info("own")
        thread = threading.Thread(target=log.logger.info, args=("thread",))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(log.logger.info, "pool")
        if len(tries) == 1:
            raise ConnectionLostError("the server went away")
        return rows

    rows = Pipeline(
        "rows",
        extract={"rows": read.csv(place("source") / "rows.csv", schema="id int")},
        transform=flaky,
        load=write.parquet(place("lake") / "rows", mode="replace"),
    )
    other = logging.getLogger(logs.MILESTONES)
    other.addHandler(log.logger.handlers[0])
    try:
        record = perform(Request(Job("j", [rows]), project.config(), run_id="r-1", spark=spark))
    finally:
        other.removeHandler(log.logger.handlers[0])

    assert record.state == "succeeded"
    lines = [(line["msg"], line["context"]) for line in log.kept.lines if line["logger"] == "tests.log"]
    where = {"run_id": "r-1", "job": "j", "pipeline": "rows", "step": "stage"}
    assert lines == [
        (kind, {**where, "attempt": attempt}) for attempt in ("1", "2") for kind in ("own", "thread", "pool")
    ]
    told = [line["context"] for line in log.kept.lines if line["logger"] == logs.MILESTONES]
    assert {context["run_id"] for context in told} == {"r-1"}
    log.logger.info("after")
    assert log.last["context"] == {}
