from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from stoker import Job, Pipeline, failpoints, place, read, write
from stoker.errors import ConfigurationError
from stoker.job import perform
from stoker.job.events import Observer
from support.loads import write_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from stoker.record import PipelineRecord, RunRecord
    from support.project import Project


class Told(Observer):
    """Keeps what it is told at the end; the first failpoint after the last pipeline can be made to raise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, point: str, number: int) -> None:
        self.ended: list[str] = []
        self.closed = 0
        self._monkeypatch = monkeypatch
        self._point = point
        self._number = number

    def pipeline_ended(self, record: PipelineRecord) -> None:
        """From here on a failpoint can send one signal, or the disk is full."""
        del record
        self._monkeypatch.setattr(perform, "failpoint", self._once)
        if self._point == "full":
            self._monkeypatch.setattr(failpoints, "_armed", failpoints._parse("record.written:raise"))

    def run_ended(self, record: RunRecord) -> None:
        """The table."""
        self.ended.append(str(record.state))

    def close(self) -> None:
        """The drawing ends."""
        self.closed += 1

    def _once(self, name: str) -> None:
        if name == self._point:
            self._point = ""
            os.kill(os.getpid(), self._number)


def _job() -> Job:
    rows = read.csv(place("source") / "rows.csv", schema="id int, part int, version int")
    target = write.parquet(place("lake") / "copied", mode="replace")
    return Job("copy", [Pipeline("copied", extract={"rows": rows}, load=target)])


@pytest.mark.parametrize("point", ["run.before_record", "run.after_record"])
def test_a_signal_after_the_last_pipeline_comes_too_late(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """All is published: the record and the table say so, whenever Ctrl-C came after it."""
    write_rows(project.folder, "1")
    told = Told(monkeypatch, point, signal.SIGINT)

    record = _job().run(spark=spark, config=project.folder / "stoker.toml", observer=told)

    assert (record.state, record.signal) == ("succeeded", None)
    assert told.ended == ["succeeded"]
    assert project.records()[0]["state"] == "succeeded"


def test_a_record_that_cannot_be_written_at_the_end_does_not_take_the_table_away(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is told to its end, and then the error, which says that the data stand."""
    write_rows(project.folder, "1")
    told = Told(monkeypatch, "full", 0)

    with pytest.raises(ConfigurationError, match=r"run record .* cannot be written") as raised:
        _job().run(spark=spark, config=project.folder / "stoker.toml", observer=told)

    assert raised.value.state == "What the pipelines published stands."
    assert told.ended == ["succeeded"]
    assert told.closed == 1
