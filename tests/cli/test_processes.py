"""Whole processes: exit codes, signals, JSON. Each starts its own JVM."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from stoker import Job, Pipeline, place, read, write
from support.loads import write_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project

APP = """
import logging
import time
from stoker import Job, Pipeline, main, place, read, write

def slow(rows):
    def wait(frames):
        time.sleep(60)
        yield from frames
    return rows.mapInPandas(wait, rows.schema)

def told(rows):
    logging.getLogger("app").warning("from one end %s to the other", "-" * 200)
    return rows

def fails(rows):
    return rows.select("nothing")

rows = read.csv(place("source") / "rows.csv", schema="id int, part int, version int")
def pipeline(name, transform=None):
    return Pipeline(name, extract={"rows": rows}, transform=transform, load=write.parquet(place("lake") / name, mode="replace"))

fast = Job("fast", [pipeline("copied", told)])
failing = Job("failing", [pipeline("copied"), pipeline("wrong", fails)])
long = Job("long", [pipeline("a"), pipeline("b", slow), pipeline("c")])

if __name__ == "__main__":
    main(fast)
"""


def copied() -> Job:
    """The job `fast`, for the test's own JVM."""
    rows = read.csv(place("source") / "rows.csv", schema="id int, part int, version int")
    return Job(
        "fast",
        [Pipeline("copied", extract={"rows": rows}, load=write.parquet(place("lake") / "copied", mode="replace"))],
    )


@pytest.fixture
def app(project: Project) -> Project:
    """A project with a quick, a failing and a slow job."""
    toml = (project.folder / "stoker.toml").read_text()
    project.write("stoker.toml", toml + '[jobs]\nfast = "app:fast"\nfailing = "app:failing"\nlong = "app:long"\n')
    project.write("app.py", APP)
    write_rows(project.folder, "1")
    return project


def test_an_entry_point_runs_its_job_and_prints_the_record_as_json(app: Project) -> None:
    """`python app.py --json`: standard output is one JSON document; the lines are on standard error."""
    done = subprocess.run(
        [sys.executable, "app.py", "--json", "--run-id", "nightly-1"],
        cwd=app.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == app.records()[0]
    assert "copied: succeeded, 30 rows" in done.stderr
    assert (app.lake / "copied").exists()


def test_a_failure_exits_with_1(app: Project) -> None:
    """A job that fails says what, without a trace of Python's or Java's."""
    failed = app.stoker("run", "failing")

    assert failed.returncode == 1
    assert "error: Job failing, pipeline wrong: The transformer fails failed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "at org.apache.spark" not in failed.stderr
    assert "succeeded" in failed.stdout


def test_a_terminal_gets_live_lines_and_a_table(app: Project) -> None:
    """On a terminal the pipelines are drawn while they run, and the table stays; a line of the log above them is not broken."""
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stoker", "run", "fast"],
        cwd=app.folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "STOKER_LOGGING__CONSOLE_FORMAT": "json"},
    )
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone when the process has ended
        while piece := os.read(master, 65536):
            shown += piece
    os.close(master)

    assert process.wait(timeout=30) == 0, shown
    text = shown.decode()
    assert "Spark starts" in text
    assert "stages lake/copied" in text
    assert "rows out" in text
    assert "Traceback" not in text
    [line] = re.findall(r'{"ts":.*from one end.*}', text)
    assert json.loads(line)["msg"] == f"from one end {'-' * 200} to the other"


def test_nothing_is_published_after_the_jvm_is_gone(app: Project, spark: SparkSession) -> None:
    """A JVM that is killed between staging and publishing is an error in words, and the place stays as it was."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stoker", "run", "fast"],
        cwd=app.folder,
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "STOKER_FAILPOINT": "pipeline.all_staged:sleep=4"},
    )
    staging = app.lake / ".stoker-copied"
    while process.poll() is None and not list(staging.glob("staging-*/data/_stoker-*")):
        time.sleep(0.05)
    for child in psutil.Process(process.pid).children(recursive=True):
        if child.name() == "java":
            child.kill()
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1, errors
    assert "Spark's JVM went away" in errors
    assert "Traceback" not in errors, errors
    assert not (app.lake / "copied").exists()
    again = copied().run(spark=spark, config=app.folder / "stoker.toml")
    assert again.state == "succeeded", again.to_json()
    assert app.leftovers() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_cancels_cleans_and_records(app: Project, number: int, code: int) -> None:
    """Spark's jobs are cancelled, staging is removed, the record says what was done, and no process stays."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stoker", "run", "long"],
        cwd=app.folder,
        text=True,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith("b: stages"):
            break
    time.sleep(1.5)
    children = psutil.Process(process.pid).children(recursive=True)
    begin = time.monotonic()

    process.send_signal(number)
    output, errors = process.communicate(timeout=60)

    assert process.returncode == code, errors
    assert time.monotonic() - begin < 40
    [document] = app.records()
    assert document["state"] == "interrupted"
    assert document["signal"] == signal.Signals(number).name
    assert {each["name"]: each["state"] for each in document["pipelines"]} == {
        "a": "succeeded",
        "b": "interrupted",
        "c": "skipped",
    }
    assert app.leftovers() == []
    assert "interrupted" in output
    gone, alive = psutil.wait_procs(children, timeout=15)
    assert alive == []
    assert gone
