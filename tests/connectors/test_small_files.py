"""Sources and targets of very many small files."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from py4j.clientserver import ClientServerConnection
from py4j.java_gateway import GatewayConnection

from stoker import InterruptedRunError, Job, Pipeline, SourceError, place, read, write
from stoker.connectors import csv, headers, room
from stoker.connectors.base import Context, Names
from stoker.files.filesystem import FileSystem, LocalFileSystem
from support.loads import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from stoker import Source
    from support.project import Project

MANY = place("source") / "many"
SOURCES: dict[str, Callable[[], Source]] = {
    "folder": lambda: read.text(MANY),
    "pattern": lambda: read.text(MANY / "*.csv"),
    "csv": lambda: read.csv(MANY, schema=SCHEMA),
    "csv of two layouts": lambda: read.csv(MANY, schema=SCHEMA),
}
_MEMORY = "m\n"
"""What py4j sends when Python's garbage collector has a reference to a Java object."""


def make_files(folder: Path, number: int, *, layouts: int = 1) -> None:
    """So many CSV files of one row."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = ("id,part,version\n1,1,1\n", "part,id,version\n1,1,1\n")
    for at in range(number):
        with open(f"{folder}/{at}.csv", "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow for many
            file.write(texts[at % layouts])


@pytest.fixture
def calls(spark: SparkSession) -> Iterator[list[str]]:
    """What Python sends to the JVM."""
    sent: list[str] = []

    def counted(send: Callable[..., Any]) -> Callable[..., Any]:
        def sends(connection: Any, command: str, *rest: Any, **named: Any) -> Any:
            if not command.startswith(_MEMORY):
                sent.append(command)
            return send(connection, command, *rest, **named)

        return sends

    with (
        mock.patch.object(ClientServerConnection, "send_command", counted(ClientServerConnection.send_command)),
        mock.patch.object(GatewayConnection, "send_command", counted(GatewayConnection.send_command)),
    ):
        yield sent


def context_of(spark: SparkSession, project: Project, **more: Any) -> Context:
    """A run's."""
    return Context(spark, Names(project.config()), run_id="r", job="j", pipeline="p", **more)


@pytest.mark.parametrize("kind", SOURCES)
def test_the_jvm_is_not_asked_for_each_file(spark: SparkSession, project: Project, calls: list[str], kind: str) -> None:
    """Telling the content of a source and making its frame takes as many calls for 400 files as for 40."""

    def number_of_calls() -> int:
        context, source = context_of(spark, project), SOURCES[kind]()
        calls.clear()
        source.fingerprint(context)
        source.read(context)
        return len(calls)

    layouts = 2 if kind == "csv of two layouts" else 1
    make_files(project.source / "many", 40, layouts=layouts)
    number_of_calls()  # the first time more is looked up
    few = number_of_calls()
    make_files(project.source / "many", 400, layouts=layouts)
    assert number_of_calls() == few


@pytest.mark.parametrize("folder", ["many", "[1] {x}"])
def test_names_of_all_kinds_reach_spark(spark: SparkSession, project: Project, folder: str) -> None:
    """Files that Spark is told one by one may have any name, in any order of columns: each is read once."""
    names = ["a b", "c,d", 'e"f', "[1]{x}=%20ü", "back\\slash"]
    for at, name in enumerate(names):
        header = ("id,name", "name,id")[at % 2]
        project.write(f"source/{folder}/{name}.csv", f"{header}\n{at},{at}\n")
    frame = read.csv(place("source") / folder, schema="id int, name string").read(context_of(spark, project))
    assert sorted(row["id"] for row in frame.collect()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", [FileSystem, LocalFileSystem])
def test_headers_are_read_a_few_ahead(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[FileSystem]
) -> None:
    """Whoever takes the first lines decides how many are opened: a million are never waiting in memory."""
    monkeypatch.setattr("stoker.files.filesystem._AHEAD", 5)
    make_files(tmp_path, 20)
    paths = [f"{tmp_path}/{at}.csv" for at in range(20)]
    opened: list[str] = []
    first_line = FileSystem.first_line

    def noted(self: FileSystem, path: str, encoding: str) -> str | None:
        opened.append(path)
        return first_line(self, path, encoding)

    monkeypatch.setattr(FileSystem, "first_line", noted)
    lines = kind(spark, str(tmp_path)).first_lines(paths, "UTF-8")
    assert next(lines) == "id,part,version"
    assert len(opened) <= 5
    assert len(list(lines)) == 19


def test_who_waits_for_headers_is_told_why_and_can_stop(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning comes before the files are opened, then how far it is; a run that is cancelled ends there."""
    monkeypatch.setattr("stoker.connectors.source._MANY", 10)
    monkeypatch.setattr(headers, "_NOTED", 5)
    monkeypatch.setattr(csv, "_TOLD", 10)
    make_files(project.source / "many", 18)
    told: list[str] = []
    context = context_of(spark, project, progress=told.append, stopped=lambda: len(told) > 0)

    with caplog.at_level(logging.WARNING), pytest.raises(InterruptedRunError, match="was interrupted"):
        read.csv(MANY, schema=SCHEMA).read(context)

    assert told == ["has read 10 of 18 headers"]
    assert "has 18 files of 0.0 KiB on average" in caplog.text


@pytest.mark.parametrize("kind", ["folder", "pattern"])
def test_more_files_than_the_driver_has_room_for_are_refused(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Before Spark begins with them, which it would not end; the message says how much memory they need."""
    make_files(project.source / "many", 12)
    monkeypatch.setattr(room, "_MANY", 10)
    context, source = context_of(spark, project), SOURCES[kind]()
    source.fingerprint(context)
    assert source.read(context).columns == ["value"]

    # Files of which the JVM has room for less than twelve in a folder, or for less than six that are named.
    runtime = spark.sparkContext._jvm.java.lang.Runtime.getRuntime()  # type: ignore[union-attr]  # there is one
    monkeypatch.setattr(room, "_LISTED", runtime.maxMemory() // 11)
    monkeypatch.setattr(room, "_NAMED", runtime.maxMemory() // 5)
    with pytest.raises(SourceError, match=r"many.* has 12 files, .* needs [\d.]+ GiB or more") as caught:
        source.read(context)
    assert ("when it is told each" in str(caught.value)) == (kind == "pattern")
    assert 'Set spark.driver.memory = "' in str(caught.value)


@pytest.mark.faults
def test_a_hundred_thousand_files(
    spark: SparkSession, project: Project, calls: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """They are told apart, read up to the frame and added to by some hundred calls, with a warning that says what to do."""
    make_files(project.source / "many", 100_000, layouts=2)
    source = read.csv(MANY, schema=SCHEMA)
    context = context_of(spark, project)
    with caplog.at_level(logging.WARNING):
        told = source.fingerprint(context)
        frame = source.read(context)
    assert told is not None
    assert told["files"] == 100_000
    assert frame.columns == ["id", "part", "version"]
    assert "has 100,000 files of 0.0 KiB on average: opening them takes longer than reading them" in caplog.text
    assert len(calls) < 2000

    project.write("source/rows.csv", "id,part,version\n1,1,1\n")
    calls.clear()
    sink = write.csv(MANY, mode="append", adopt=True)
    one = Pipeline("one", extract={"rows": read.csv(place("source") / "rows.csv", schema=SCHEMA)}, load=sink)
    for run_id in ("r1", "r2"):
        record = Job("j", [one]).run(spark=spark, config=project.folder / "stoker.toml", run_id=run_id)
        assert record.state == "succeeded"
    assert len(calls) < 4000
