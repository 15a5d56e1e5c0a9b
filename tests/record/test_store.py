from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.errors import ConfigurationError, UsageError
from stoker.record import (
    AttemptRecord,
    PipelineRecord,
    Process,
    RecordStore,
    RunRecord,
    SinkRecord,
    State,
    file_stem,
    schema,
)

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IDS = st.from_regex(re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:+=@-]{0,6}[A-Za-z0-9])?", re.ASCII), fullmatch=True)


def record(run_id: str, minutes: int = 0, state: State = State.SUCCEEDED) -> RunRecord:
    """A record of a run that started so many minutes later than another."""
    return RunRecord(run_id, "j", "development", START + timedelta(minutes=minutes), state)


def full() -> RunRecord:
    """A record with something in each field."""
    attempt = AttemptRecord(START, START, State.FAILED, "lost")
    error: dict[str, str | None] = {"type": "SinkError", "message": "no", "state": None, "next": "x"}
    sink = SinkRecord("parquet", "/lake/a", "replace", None, True, False, 1, 2, 3, way="binary COPY")
    pipeline = PipelineRecord(
        "a", State.FAILED, START, START, 1, 2, 3, [sink], error, "why", ["f"], {"rows": {"files": 1}}, [attempt]
    )
    return RunRecord(
        "full",
        "j",
        "testing",
        START,
        State.FAILED,
        START + timedelta(seconds=1),
        {"day": "2013-01-01"},
        ["a"],
        {"spark": "4.1.1"},
        {"places": {}},
        [pipeline],
        ["f"],
        "log",
        "SIGINT",
        Process.current(),
        {"a.py": "0" * 64},
        [attempt],
        ["a.py has changed"],
        error,
    )


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """Every field survives, and the file is as the schema says."""
    store = RecordStore(tmp_path)
    path = store.write(full())

    assert store.earlier("full") == full()
    jsonschema.validate(json.loads(path.read_text()), schema())
    assert store.all() == ([full()], [])


@given(one=IDS, other=IDS)
def test_no_two_run_ids_have_one_file(one: str, other: str) -> None:
    """Also those that differ in a colon only; and no file's name has a character that a file system refuses."""
    assert (file_stem(one) == file_stem(other)) == (one == other)
    assert file_stem("a:b") != file_stem("a_b")
    assert not set(file_stem(one)) & set('<>:"/\\|?*')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"version": 1, "run_id": "b', "it is torn"),
        ("", "it is torn"),
        ('{"version": 7}', "a newer Stoker wrote it (version 7; this one reads 1)"),
        ("[]", "it is no run record"),
        ('{"version": 1, "run_id": "bad"}', "it is no run record"),
        ('{"version": 1, "run_id": "bad", "job": "j", "environment": "testing", "start": "x"}', "it is no run record"),
        ('{"version": 1, "run_id": "bad", "pipelines": "abc"}', "it is no run record"),
    ],
)
def test_a_record_that_cannot_be_read_is_told_with_its_path_and_stops_no_other(
    tmp_path: Path, text: str, why: str
) -> None:
    """The others are listed; asking for it says why it cannot be read, where it is and what to do."""
    store = RecordStore(tmp_path)
    store.write(record("good"))
    store.path("bad").write_text(text)

    records, [unreadable] = store.all()

    assert [each.run_id for each in records] == ["good"]
    assert unreadable.path == store.path("bad")
    assert unreadable.why.startswith(why)
    with pytest.raises(ConfigurationError, match=re.escape(str(store.path("bad")))) as caught:
        store.find("bad")
    assert why in caught.value.what
    assert caught.value.next_step


def test_fields_of_another_build_are_passed_over(tmp_path: Path) -> None:
    """A field that is not known is no mistake within one version, and a missing one has its default."""
    store = RecordStore(tmp_path)
    document = full().to_json()
    del document["differences"]
    store.path("full").write_text(json.dumps({**document, "weather": "fine"}))

    assert store.earlier("full") == replace(full(), differences=[])


def test_a_run_is_found_by_its_id_or_its_beginning_or_as_the_last(tmp_path: Path) -> None:
    """An exact id wins over a beginning; `last` and `last-failed` look at the start and the state."""
    store = RecordStore(tmp_path)
    for each in (
        record("night", 3),
        record("nightly-1", 1, State.FAILED),
        record("nightly-2", 2, State.INTERRUPTED),
        record("other", 0, State.FAILED),
    ):
        store.write(each)

    for asked, meant in [
        ("night", "night"),
        ("nightly-1", "nightly-1"),
        ("oth", "other"),
        ("last", "night"),
        ("last-failed", "nightly-2"),
    ]:
        assert store.find(asked).run_id == meant
    with pytest.raises(UsageError, match="2 runs begin with 'nightly': nightly-2, nightly-1"):
        store.find("nightly")
    with pytest.raises(UsageError, match=r"no record of the run 'nigthly-1' .* Did you mean 'nightly-1'"):
        store.find("nigthly-1")
    with pytest.raises(UsageError, match="cannot be used"):
        store.find("../etc/passwd")
    with pytest.raises(UsageError, match="There is no run in"):
        RecordStore(tmp_path / "nothing").find("last")


def test_a_run_whose_process_is_gone_counts_as_killed() -> None:
    """Gone, or another one with the same number; one of another machine is taken at its word."""
    running = record("x", state=State.RUNNING)
    here = Process.current()

    assert replace(running, process=here).settled is State.RUNNING
    assert replace(running, process=replace(here, started="1")).settled is State.KILLED
    assert replace(running, process=replace(here, pid=2**22 + 1)).settled is State.KILLED
    assert replace(running, process=replace(here, host="elsewhere", pid=1)).settled is State.RUNNING
    assert replace(running, process=replace(here, started="1"), state=State.FAILED).settled is State.FAILED
    assert os.getpid() == here.pid
