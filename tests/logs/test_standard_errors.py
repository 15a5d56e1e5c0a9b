"""Lines of executors, as platforms collect them: read by `stoker logs` beside the driver's."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from stoker.record import Process, RecordStore, RunRecord, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.commands import Done
    from support.project import Project
    from support.s3 import S3Server

    Stoker = Callable[..., Done]


def at(second: float, message: str, **context: str) -> str:
    """A line of ours."""
    ts = datetime.fromtimestamp(1_764_140_400 + second, UTC).isoformat()
    known = {"run_id": "a-1", "job": "j", **context}
    return json.dumps({"ts": ts, "level": "INFO", "logger": "t", "msg": message, "context": known})


def jvm(second: int, level: str, message: str) -> str:
    """A line of Spark's JVM as text."""
    when = datetime.fromtimestamp(1_764_140_400 + second)  # noqa: DTZ006 - it is in the machine's zone
    return f"{when:%y/%m/%d %H:%M:%S} {level} Executor: {message}"


def structured(second: int, level: str, message: str) -> str:
    """The same in Spark 4's structured logging."""
    content = json.loads(at(second, message))
    return json.dumps({**content, "level": level, "logger": "Executor", "context": {"task_name": "task 0.0"}})


FIRST = [
    'Spark Executor Command: "/usr/bin/java" "-cp" "x"',
    "========================================",
    "",
    "WARNING: Using incubator modules: jdk.incubator.vector",
    jvm(0, "INFO", "Starting executor ID 0"),
    at(2, "row 1", stage="0", partition="0"),
    "printed by a user",
    jvm(4, "ERROR", "Exception in task 0.0 in stage 0.0 (TID 0)"),
    "org.apache.spark.api.python.PythonException: Traceback (most recent call last):",
    '  File "x.py", line 3, in f',
    "\tat java.base/java.lang.Thread.run(Thread.java:840)",
    at(6, "row 3", stage="0", partition="0"),
    '{"ts": "2025-11-26T07:00:07',
]
SECOND = [
    structured(0, "INFO", "started"),
    at(3, "row 2", stage="0", partition="1"),
    structured(5, "WARN", "slow"),
    at(1, "the driver's"),
]
EXPECTED = [
    "the driver's",
    "row 1",
    "printed by a user",
    "row 2",
    "Exception in task 0.0 in stage 0.0 (TID 0)",
    "slow",
    "row 3",
    '{"ts": "2025-11-26T07:00:07',
]


@pytest.fixture
def run(project: Project) -> RunRecord:
    """A run whose driver has one line in its file."""
    start = datetime.now(UTC)
    made = RunRecord("a-1", "j", "development", start, State.RUNNING, None, process=Process.current())
    RecordStore(project.config().run.records).write(made)
    (project.folder / ".stoker" / "logs").mkdir(parents=True, exist_ok=True)
    (project.folder / ".stoker" / "logs" / "1.log").write_text(at(1, "the driver's") + "\n")
    return made


def collected(folder: Path, *parts: str, packed: bool = False) -> None:
    """Standard errors of two executors, which have the same name, and of one that did not start."""
    for part, lines in zip(parts, (FIRST, SECOND, FIRST[:2]), strict=True):
        path = folder / part / f"stderr{'.gz' if packed else ''}"
        path.parent.mkdir(parents=True)
        content = "".join(f"{each}\n" for each in lines).encode()
        path.write_bytes(gzip.compress(content) if packed else content)


def messages(done: Done) -> list[str]:
    """Of the lines of `--json`, each up to its first end."""
    assert done.code == 0, done.err
    return [json.loads(each)["msg"].partition("\n")[0] for each in done.out.splitlines()]


def test_lines_of_executors_are_merged_with_the_drivers(project: Project, run: RunRecord, stoker: Stoker) -> None:
    """Each of ours once; of Spark's, what is a warning or worse; a trace stays with its line, other text has the file's name."""
    collected(project.folder / "work", "app-1/0", "app-1/1", "app-1/2")

    done = stoker("logs", "a-1", "--from", "file", "--from", "work", "--json")

    lines = [json.loads(each) for each in done.out.splitlines()]
    assert messages(done) == EXPECTED
    assert done.err == "not shown: work/app-1/2/stderr, which has text but no line of a log\n"
    failed = lines[EXPECTED.index("Exception in task 0.0 in stage 0.0 (TID 0)")]
    assert failed["msg"].endswith("(Thread.java:840)")
    assert (failed["level"], failed["logger"]) == ("ERROR", "Executor")
    assert lines[EXPECTED.index("printed by a user")]["logger"] == "app-1/0/stderr"
    assert (
        messages(stoker("logs", "a-1", "--from", "work", "--level", "ERROR", "--context", "partition=1", "--json"))
        == []
    )
    everything = messages(stoker("logs", "--all", "--from", "work", "--json"))
    assert everything[:2] == ["Starting executor ID 0", "started"]


def test_a_copy_of_what_emr_collects_is_read_in_its_zone(
    project: Project, run: RunRecord, stoker: Stoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packed files in folders of executors; times without a zone are those of the platform."""
    folder = project.folder / "copy" / "jobs" / "00f"
    collected(folder, "SPARK_EXECUTOR/1", "SPARK_DRIVER", "SPARK_EXECUTOR/2", packed=True)
    text = "25/11/26 07:00:04 WARN Executor: by the clock of UTC\n"
    (folder / "SPARK_EXECUTOR" / "2" / "stderr.gz").write_bytes(gzip.compress(text.encode()))

    found = stoker("logs", "a-1", "--from", "file", "--from", "copy", "--json")

    lines = {json.loads(each)["msg"].partition("\n")[0]: json.loads(each)["ts"] for each in found.out.splitlines()}
    assert lines["by the clock of UTC"] == "2025-11-26T07:00:04+00:00"
    assert set(EXPECTED) < set(lines)


def test_what_emr_puts_into_s3_is_read_there(
    s3: S3Server, client: Any, project: Project, run: RunRecord, stoker: Stoker
) -> None:
    """Below the prefix of a job run."""
    collected(project.folder / "x", "SPARK_EXECUTOR/1", "SPARK_EXECUTOR/2", "SPARK_DRIVER", packed=True)
    for path in (project.folder / "x").rglob("stderr.gz"):
        key = f"p/applications/1/jobs/2/{path.relative_to(project.folder / 'x').as_posix()}"
        client.put_object(Bucket="logs", Key=key, Body=path.read_bytes())

    done = stoker("logs", "a-1", "--from", "s3://logs/p/applications/1/jobs/2", "--json")

    assert {"row 1", "row 2", "row 3", "slow"} < set(messages(done))
    assert "s3://logs/p/applications/1/jobs/2/SPARK_DRIVER/stderr.gz, which has text but no line" in done.err


def test_executors_of_two_applications_are_told_apart(project: Project, run: RunRecord, stoker: Stoker) -> None:
    """Their files end alike."""
    for number, folder in enumerate(("first", "second")):
        path = project.folder / folder / "SPARK_EXECUTOR" / "1" / "stderr"
        path.parent.mkdir(parents=True)
        path.write_text(at(number, folder) + "\n")

    found = stoker("logs", "a-1", "--from", "first", "--from", "second", "--json")

    assert messages(found) == ["first", "second"]


def test_executors_are_followed(
    project: Project, run: RunRecord, stoker: Stoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trace that comes in pieces is not taken for a beginning, and no line comes twice."""
    collected(project.folder / "work", "0", "1", "2")

    def pass_time(_: float) -> None:
        step = next(steps)
        if step == "more":
            with (project.folder / "work" / "0" / "stderr").open("a") as file:
                file.write("...\n" + at(8, "row 4") + "\n")
        else:
            run.state, run.end = State.SUCCEEDED, datetime.now(UTC)
            RecordStore(project.config().run.records).write(run)

    steps = iter(["more", "end"])
    monkeypatch.setattr("stoker.cli.logs.sleep", pass_time)

    done = stoker("logs", "a-1", "--follow", "--from", "file", "--from", "work", "--json")

    assert messages(done) == [*EXPECTED, "...", "row 4"]
