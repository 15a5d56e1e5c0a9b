"""What tells the code and the inputs of a run from those of another one."""

from __future__ import annotations

import importlib
import os
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from stoker import ConnectionLostError, Job, Pipeline, place, read, write
from stoker.connectors.base import Context, Names
from stoker.files.filesystem import LocalFileSystem
from stoker.job import code
from stoker.job.inputs import inputs
from support.loads import SCHEMA, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest
    from pyspark.sql import SparkSession

    from support.project import Project

import pytest

lake, source = place("lake"), place("source")
rows_source = read.csv(source / "rows.csv", schema=SCHEMA)


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Imports modules from a folder or a zip, and forgets them."""
    names: list[str] = []

    def load(entry: Path, *modules: str) -> None:
        monkeypatch.syspath_prepend(str(entry))
        for name in modules:
            importlib.import_module(name)
            names.append(name)

    yield load
    for name in names:
        sys.modules.pop(name, None)


def test_code_is_the_projects_own_modules(project: Project, imported: Any) -> None:
    """Below its folder or in a zip on the path; not what is installed there, and not what is not loaded."""
    project.write("fp_one.py", "x = 1\n")
    project.write("fp_not_loaded.py", "x = 1\n")
    project.write(".venv/lib/fp_hidden.py", "x = 1\n")
    project.write("env/site-packages/fp_installed.py", "x = 1\n")
    with zipfile.ZipFile(project.folder / "app.zip", "w") as archive:
        archive.writestr("fp_zipped/__init__.py", "x = 1\n")
    imported(project.folder, "fp_one")
    imported(project.folder / ".venv/lib", "fp_hidden")
    imported(project.folder / "env/site-packages", "fp_installed")
    imported(project.folder / "app.zip", "fp_zipped")

    found = code.loaded(project.folder)

    assert list(found) == ["fp_one.py", "fp_zipped/__init__.py"]
    assert set(map(len, found.values())) == {64}


def test_a_change_of_code_is_told_by_file(project: Project, imported: Any) -> None:
    """Changed, gone, new; an older module that is loaded only now is no change."""
    for name in ("fp_same", "fp_changed", "fp_gone"):
        project.write(f"{name}.py", f"# {name}\n")
    imported(project.folder, "fp_same", "fp_changed", "fp_gone")
    before, since = code.loaded(project.folder), datetime.now(UTC)
    assert code.changes(before, project.folder, since) == []

    project.write("fp_changed.py", "x = 2\n")
    (project.folder / "fp_gone.py").unlink()
    old = project.write("fp_old.py", "x = 1\n")
    long_ago = (since - timedelta(hours=1)).timestamp()
    os.utime(old, (long_ago, long_ago))
    os.utime(project.write("fp_new.py", "x = 1\n"), (since.timestamp() + 9, since.timestamp() + 9))
    imported(project.folder, "fp_old", "fp_new")
    del sys.modules["fp_same"]

    assert code.changes(before, project.folder, since) == [
        "code: fp_changed.py has changed",
        "code: fp_gone.py is gone",
        "code: fp_new.py is new",
    ]


def test_inputs_are_told_apart_by_one_listing(spark: SparkSession, project: Project) -> None:
    """Files by number, bytes, times and names; folders and patterns too, a view through its sources; no inside ones."""
    write_rows(project.folder, "1")
    for name in ("a", "b"):
        project.write(f"source/many/{name}.csv", "id,part,version\n1,1,1\n")
    one = Pipeline("one", extract={"rows": rows_source}, load=write.parquet(lake / "one", mode="replace"))
    view = Pipeline("view", extract={"rows": rows_source})
    two = Pipeline(
        "two",
        extract={
            "inside": one,
            "seen": view,
            "folder": read.csv(source / "many", schema=SCHEMA),
            "pattern": read.csv(source / "many/a*.csv", schema=SCHEMA),
            "nothing": read.parquet(source / "nothing"),
        },
        transform=lambda **frames: frames["inside"],
        load=write.parquet(lake / "two", mode="replace"),
    )
    job = Job("j", [one, two])

    def found(inside: set[str]) -> dict[str, Any]:
        context = Context(spark, Names(project.config()), run_id="x", job="j", pipeline="two")
        return inputs(job, two, context, inside)

    first = found({"one", "two"})
    assert sorted(first) == ["folder", "nothing", "pattern", "seen.rows"]
    assert (first["folder"]["files"], first["pattern"]["files"], first["nothing"]) == (2, 1, None)
    assert first["seen.rows"]["bytes"] == (project.source / "rows.csv").stat().st_size
    assert found({"one", "two"}) == first

    project.write("source/many/a.csv", "id,part,version\n1,1,2\n")
    os.utime(project.source / "many" / "a.csv", (1, 1))
    second = found({"one", "two"})
    assert [name for name in second if second[name] != first[name]] == ["folder", "pattern"]

    assert job.run(spark=spark, config=project.folder / "stoker.toml", only=["one"], run_id="r1").state == "succeeded"
    assert found({"two"})["inside"]["run"] == "r1"
    record = job.run(spark=spark, config=project.folder / "stoker.toml", only=["one"])
    assert record.pipelines[0].inputs["rows"] == first["seen.rows"]


def test_a_folder_is_listed_once_for_its_content_and_its_headers(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the record says of an input is what was read, after all waiting; a second try looks again."""
    for name in ("a", "b"):
        project.write(f"source/many/{name}.csv", "id,part,version\n1,1,1\n")
    listed = []
    data_files = LocalFileSystem.data_files

    def counted(self: LocalFileSystem, folder: str, below: str = "") -> Any:
        if folder.endswith("/many"):
            listed.append(folder)
        return data_files(self, folder, below)

    monkeypatch.setattr(LocalFileSystem, "data_files", counted)
    many = read.csv(source / "many", schema=SCHEMA)
    tries = [ConnectionLostError("gone")]

    def twice(rows: Any) -> Any:
        if tries:
            raise tries.pop()
        return rows

    pipeline = Pipeline(
        "one", extract={"rows": many}, transform=twice, load=write.parquet(lake / "one", mode="replace"), retries=1
    )
    project.write("stoker.toml", (project.folder / "stoker.toml").read_text() + "[run]\nretry_wait = 0\n")

    record = Job("j", [pipeline]).run(spark=spark, config=project.folder / "stoker.toml")

    assert (record.state, record.pipelines[0].inputs["rows"]["files"]) == ("succeeded", 2)
    assert len(listed) == 2
