"""`stoker runs`: what was run, from records that other processes wrote. None of these starts Spark."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from stoker.record import (
    AttemptRecord,
    CheckRecord,
    CheckState,
    PipelineRecord,
    Process,
    RecordStore,
    RunRecord,
    SinkRecord,
    State,
    TaskMetrics,
    expired,
    schema,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.commands import Done
    from support.project import Project

    Stoker = Callable[..., Done]

NOW = datetime.now(UTC)


def record(run_id: str, days: float = 1.0, state: State = State.SUCCEEDED, **more: Any) -> RunRecord:
    """A run so many days ago."""
    start = NOW - timedelta(days=days)
    end = None if state is State.RUNNING else start + timedelta(seconds=75)
    return RunRecord(run_id, more.pop("job", "j"), more.pop("environment", "development"), start, state, end, **more)


@pytest.fixture
def store(project: Project) -> RecordStore:
    """The project's records: a run that succeeded, one that failed, one that was killed and one that goes on."""
    store = RecordStore(project.config().run.records)
    rows = PipelineRecord("p", State.SUCCEEDED, rows_written=1234)
    store.write(record("a-1", 4, pipelines=[rows], spark_log=str(store.log("a-1"))))
    store.write(record("a-2", 3, State.FAILED, environment="testing"))
    dead = Process(Process.current().host, 1, "0")
    store.write(record("b", 2, State.RUNNING, job="k", process=dead, pipelines=[PipelineRecord("p")]))
    store.write(record("c", 1, State.RUNNING, process=Process.current()))
    return store


def test_runs_are_listed_the_last_first(store: RecordStore, stoker: Stoker) -> None:
    """With state, start, duration and rows; whose process is gone is killed. A file that cannot be read is named."""
    (store.folder / "torn.json").write_text('{"version": 1, "ru')

    done = stoker("runs")

    assert done.code == 0
    heading, *lines = [line.split() for line in done.out.splitlines()]
    assert heading == ["run", "job", "environment", "state", "started", "took", "rows"]
    assert [line[:4] for line in lines] == [
        ["c", "j", "development", "running"],
        ["b", "k", "development", "killed"],
        ["a-2", "j", "testing", "failed"],
        ["a-1", "j", "development", "succeeded"],
    ]
    assert (lines[0][-4:-2], lines[0][-1]) == (["24", "h"], "min")
    assert lines[3][-5:] == ["1", "min", "15", "s", "1,234"]
    assert "torn.json cannot be read: it is torn" in done.err


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--job", "k"], ["b"]),
        (["--state", "killed"], ["b"]),
        (["--state", "failed", "--env", "testing"], ["a-2"]),
        (["--env", "development", "--limit", "2"], ["c", "b"]),
        (["--job", "k", "--state", "failed"], []),
    ],
)
def test_runs_can_be_chosen(store: RecordStore, stoker: Stoker, options: list[str], found: list[str]) -> None:
    """By job, state, environment and number, also as JSON."""
    document = json.loads(stoker("runs", *options, "--json").out)
    assert [each["run_id"] for each in document["runs"]] == found
    assert ("fits" in stoker("runs", *options).out) == (not found)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["runs", "--job", "kk"], "Did you mean 'k'?"),
        (["runs", "show", "a"], "2 runs begin with 'a': a-2, a-1."),
        (["runs", "show", "zzz"], "no record of the run 'zzz'"),
        (["runs", "show", "a b"], "The run id 'a b' cannot be used"),
        (["runs", "--state", "dead"], "'dead' is not one of"),
        (["runs", "prune"], "Missing option '--older-than'"),
        (["runs", "prune", "--older-than", "30"], "is no age: give for instance 12h, 30d or 8w"),
    ],
)
def test_mistakes(store: RecordStore, stoker: Stoker, arguments: list[str], told: str) -> None:
    """One clear message and exit 2."""
    done = stoker(*arguments)
    assert done.code == 2
    assert told in done.err


def test_show_has_everything(store: RecordStore, stoker: Stoker) -> None:
    """Also why something was skipped, tries, fallbacks, hints, metrics, inputs and errors."""
    error: dict[str, str | None] = {"type": "SinkError", "message": "no\nroom", "state": "old rows", "next": "free it"}
    tried = AttemptRecord(NOW, NOW, State.FAILED, "lost")
    metrics = TaskMetrics(1, 2, 3, 0, 1.0, 1.0, 0.1, 10, 20, 30, 0, 0)
    checks = [
        CheckRecord("id not null", "fail", CheckState.PASSED, 0, 5, seconds=0.26),
        CheckRecord("city in Ulm", "warn", CheckState.WARNED, 2, 5, None, [{"id": "7", "city": None}]),
        CheckRecord("rows", "fail", CheckState.PASSED, None, 5, "5 rows, the last run 4"),
    ]
    sinks = [
        SinkRecord(
            "parquet", "/lake/p", "append", "good", True, True, 5, 1, 2000, changes=["column x is new"], checks=checks
        ),
        SinkRecord("postgres", "s.p", "append", "good", way="binary COPY"),
    ]
    store.write(
        record(
            "d",
            0.5,
            State.FAILED,
            parameters={"day": "2013-01-07"},
            only=["p", "q"],
            code={"app.py": "0123456789abcdef"},
            differences=["code: app.py has changed"],
            fallbacks=["another Java"],
            attempts=[tried],
            signal="SIGTERM",
            configuration={"places": {"lake": "/lake"}, "postgres": {"w": {"host": "h"}}},
            pipelines=[
                PipelineRecord(
                    "p",
                    State.FAILED,
                    NOW,
                    NOW,
                    7,
                    1,
                    5,
                    sinks,
                    error,
                    None,
                    ["two renames"],
                    {"rows": {"where": "/source/x", "files": 2, "digest": "0"}, "odd": None},
                    [tried],
                    metrics,
                    ["small files"],
                ),
                PipelineRecord("q", State.SKIPPED, reason="p did not succeed"),
            ],
        )
    )

    shown = stoker("runs", "show", "d").out

    for told in (
        "state        failed by SIGTERM",
        "parameters   day=2013-01-07",
        "only         p, q",
        "code         app.py 01234567",
        "places       lake=/lake",
        "postgres w   host=h",
        "differed     code: app.py has changed",
        "fallback     another Java",
        "  rows: 7 read (an estimate), 1 malformed ones dropped, 5 written\n",
        "  <- rows: /source/x (files=2)\n  <- odd: its content could not be told apart\n",
        "  -> good: parquet /lake/p (append): had been published before, 5 rows, 1 file, 2.0 kB\n",
        "     column x is new\n",
        "     check id not null, else fail: passed, 0 of 5 rows (0.3 s)\n",
        "     check city in Ulm, else warn: warned, 2 of 5 rows\n",
        "       for instance id=7, city=null\n",
        "     check rows, else fail: passed, 5 rows, the last run 4\n",
        "  -> good: postgres s.p (append): not published\n",
        "     sent by binary COPY\n",
        ": lost\n",
        "  tasks: jobs=1, stages=2, ",
        "  fallback: two renames\n",
        "  hint: small files\n",
        "  error: no\n    room\n    State: old rows\n    Next: free it\n",
        "q: skipped\n  skipped, because p did not succeed\n",
        "go on with: stoker resume d\n",
    ):
        assert told in shown
    assert "\n  try 1 " in shown


def test_show_as_json_is_the_record_as_it_stands(store: RecordStore, stoker: Stoker) -> None:
    """By the beginning of its id or as the last one; a dead run, and the pipeline it was at, are killed."""
    document = json.loads(stoker("runs", "show", "b", "--json").out)
    jsonschema.validate(document, schema())
    assert (document["state"], document["pipelines"][0]["state"]) == ("killed", "killed")
    assert json.loads(stoker("runs", "show", "last", "--json").out)["run_id"] == "c"
    assert json.loads(stoker("runs", "show", "last-failed", "--json").out)["run_id"] == "b"


def test_prune_removes_what_is_old_and_done(store: RecordStore, stoker: Stoker) -> None:
    """With Spark's log unless another record names it; a dry run removes nothing."""
    log = store.log("a-1")
    log.write_text("x")
    store.write(record("a-0", 5, spark_log=str(log)))
    store.write(record("e", 3))

    dry = stoker("runs", "prune", "--older-than", "90h", "--dry-run")
    assert dry.out == "would remove a-1 (j, succeeded)\nwould remove a-0 (j, succeeded)\n2 to remove, 4 left\n"
    assert len(list(store.folder.glob("*.json"))) == 6

    kept = stoker("runs", "prune", "--older-than", "102h")
    assert kept.out == "removed a-0 (j, succeeded)\n1 removed, 5 left\n", kept
    assert log.exists()
    rest = stoker("runs", "prune", "--older-than", "0h")
    assert (rest.out.splitlines()[-1], rest.err) == (
        "2 removed, 3 left",
        "of these, 2 did not succeed and could be resumed; --unfinished removes them too\n",
    )
    assert not log.exists()
    assert stoker("runs", "prune", "--older-than", "0h", "--unfinished").code == 0
    assert [path.name for path in store.folder.iterdir()] == ["c.json"], "which is running"


def test_the_last_runs_of_each_job_can_be_kept() -> None:
    """However old they are; and never goes one that may run on another machine."""
    records = [
        record("4", 1),
        record("3", 2, environment="testing"),
        record("2", 3),
        record("1", 4, State.RUNNING, process=Process("elsewhere", 1, "0")),
        record("0", 5),
    ]
    assert [each.run_id for each in expired(records, before=NOW, keep=1, unfinished=True)] == ["2", "0"]
