from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from stoker import logs
from stoker.entrypoint.arguments import RunOptions
from stoker.entrypoint.plain import PlainObserver
from stoker.errors import SourceError
from stoker.job.events import Observer
from stoker.job.milestones import Milestones
from stoker.record import PipelineRecord, RunRecord, State

if TYPE_CHECKING:
    from stoker.job.events import Observer as Observing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def tell(observer: Observing, state: State) -> None:
    """A run of one pipeline."""
    run = RunRecord(run_id="r", job="j", environment="production", start=NOW)
    pipeline = PipelineRecord("p", start=NOW, end=NOW + timedelta(seconds=2), state=state, rows_written=5)
    run.pipelines.append(pipeline)
    run.state, run.end = state, NOW + timedelta(seconds=3)
    observer.run_started(run, ["p"])
    observer.pipeline_started("p", "group")
    if state is State.FAILED:
        observer.pipeline_failed("p", SourceError("no such file"))
    observer.pipeline_ended(pipeline)
    observer.run_ended(run)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            State.SUCCEEDED,
            [
                ("INFO", "run r started: job j, production, 1 pipeline"),
                ("INFO", "p: started"),
                ("INFO", "p: succeeded, 5 rows in 2.0 s"),
                ("INFO", "run r succeeded"),
            ],
        ),
        (
            State.FAILED,
            [
                ("INFO", "run r started: job j, production, 1 pipeline"),
                ("INFO", "p: started"),
                ("ERROR", "p: failed"),
                ("WARNING", "p: failed, 5 rows in 2.0 s"),
                ("ERROR", "run r failed; go on with: stoker resume r"),
            ],
        ),
    ],
)
def test_a_run_is_told_in_the_log(
    state: State, expected: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    """Also without anybody who shows it, as in a notebook."""
    with caplog.at_level(logging.INFO, logs.MILESTONES):
        tell(Milestones(Observer()), state)

    assert [(record.levelname, record.message) for record in caplog.records] == expected
    assert [hasattr(record, logs.SHOWN) for record in caplog.records] == [False] * len(expected)
    failed = [record for record in caplog.records if record.exc_info]
    assert len(failed) == (state is State.FAILED)


@pytest.mark.parametrize("is_json", [False, True])
def test_people_or_the_log_are_told_on_standard_error(
    is_json: bool,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not both: a console of JSON has no lines of another kind."""
    monkeypatch.setattr(logs, "console_is_json", lambda: is_json)
    with caplog.at_level(logging.INFO, logs.MILESTONES):
        tell(Milestones(PlainObserver(RunOptions())), State.SUCCEEDED)

    assert ("p: succeeded" in capsys.readouterr().err) != is_json
    assert all(hasattr(record, logs.SHOWN) != is_json for record in caplog.records)


def test_nothing_is_written_where_nobody_has_configured_a_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would write errors and their traces to standard error; the record has them."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    tell(Milestones(Observer()), State.FAILED)

    assert capsys.readouterr().err == ""
