"""Folders with files that Stoker did not write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stoker import Job, Pipeline, RunRecord, place, read, write
from stoker.files.control import Commit
from stoker.files.ownership import content_after, foreign, touched
from support.loads import SCHEMA, as_rows, rows_of, write_rows

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from support.project import Project


def run(spark: SparkSession, project: Project, run_id: str, **options: Any) -> RunRecord:
    """Load `source/rows.csv` into `lake/rows`."""
    source = read.csv(place("source") / "rows.csv", schema=SCHEMA)
    sink = write.parquet(place("lake") / "rows", **options)
    job = Job("copy", [Pipeline("rows", extract={"rows": source}, load=sink)])
    return job.run(spark=spark, config=project.folder / "stoker.toml", run_id=run_id)


def foreign_file(spark: SparkSession, project: Project, below: str = "") -> Path:
    """A folder of another program's: one Parquet file with row (1, 1, 9), beside what is hidden."""
    folder = project.lake / "rows" / below
    frame = spark.createDataFrame([(1, 1, 9)], SCHEMA)
    frame = frame.drop("part") if below else frame
    written = project.folder / "other"
    frame.coalesce(1).write.mode("overwrite").parquet(str(written))
    (part,) = written.glob("part-*.parquet")
    folder.mkdir(parents=True, exist_ok=True)
    return part.rename(folder / "theirs.parquet")


@pytest.mark.parametrize("mode", ["replace", "append", "replace_partitions"])
def test_a_folder_of_somebody_elses_is_refused_before_a_row_is_computed(
    spark: SparkSession, project: Project, mode: str
) -> None:
    """The error names the files and `adopt=True`; they stay, and nothing is staged beside them."""
    theirs = foreign_file(spark, project)
    write_rows(project.folder, "1")

    record = run(spark, project, "run-1", mode=mode, partition_by=["part"] if mode == "replace_partitions" else [])

    error = record.pipelines[0].error
    assert error
    assert "rows holds a data file that Stoker did not write: theirs.parquet" in str(error["message"])
    assert "untouched" in str(error["state"])
    assert "adopt=True" in str(error["next"])
    assert record.pipelines[0].rows_read is None
    assert theirs.exists()
    assert project.leftovers() == []


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_folder_is_taken_over_when_asked(spark: SparkSession, project: Project, mode: str) -> None:
    """`adopt=True` replaces what is there or adds beside it; from then on the files count as Stoker's."""
    foreign_file(spark, project)
    write_rows(project.folder, "1")

    first = run(spark, project, "run-1", mode=mode, adopt=True)
    second = run(spark, project, "run-2", mode="append")

    assert (first.state, second.state) == ("succeeded", "succeeded"), second.to_json()
    kept = [(1, 1, 9)] if mode == "append" else []
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == sorted(kept + rows_of(1) * 2)


def test_files_that_came_beside_stokers_are_not_replaced(spark: SparkSession, project: Project) -> None:
    """A file that another program adds to a published folder stops the next run, and hidden names do not."""
    write_rows(project.folder, "1")
    assert run(spark, project, "run-1", mode="replace").state == "succeeded"
    (project.lake / "rows" / "_notes.txt").write_text("hidden")
    assert run(spark, project, "run-2", mode="replace").state == "succeeded"
    theirs = foreign_file(spark, project)

    record = run(spark, project, "run-3", mode="replace")

    assert "did not write: theirs.parquet" in str((record.pipelines[0].error or {})["message"])
    assert theirs.exists()


def test_only_replaced_partitions_must_be_stokers(spark: SparkSession, project: Project) -> None:
    """A partition of another program's stays beside Stoker's, and is refused when it would be replaced."""
    options: dict[str, Any] = {"mode": "replace_partitions", "partition_by": ["part"]}
    write_rows(project.folder, "1", (2, 3))
    assert run(spark, project, "run-1", **options).state == "succeeded"
    theirs = foreign_file(spark, project, "part=1")
    write_rows(project.folder, "2", (2,))
    beside = run(spark, project, "run-2", **options)
    write_rows(project.folder, "3")

    refused = run(spark, project, "run-3", **options)

    assert beside.state == "succeeded"
    assert "did not write: part=1/theirs.parquet" in str((refused.pipelines[0].error or {})["message"])
    assert theirs.exists()
    found = as_rows(spark.read.parquet(str(project.lake / "rows")))
    assert found == sorted([(1, 1, 9), *rows_of(2, (2,)), *rows_of(1, (3,))])


def test_commits_of_an_older_version_are_read(spark: SparkSession, project: Project) -> None:
    """A folder whose last commit does not say what it holds is Stoker's as it is."""
    write_rows(project.folder, "1")
    run(spark, project, "run-1", mode="replace")
    latest = project.lake / ".stoker-rows" / "latest.json"
    old = {key: value for key, value in json.loads(latest.read_text()).items() if key != "content"}
    latest.write_text(json.dumps({**old, "version": 1}))

    assert run(spark, project, "run-2", mode="append").state == "succeeded"
    assert len(json.loads(latest.read_text())["content"]) == 2


def test_content_follows_the_mode() -> None:
    """What is Stoker's after a commit: its files alone, beside the former, or in place of those of its partitions."""

    def commit(mode: str, moves: list[str]) -> Commit:
        return Commit("r", "n", "parquet", mode, {}, [], 1, ["a=1/new"], 1, moves, ["a=1/old", "a=10/old"])

    there = ["a=1/old", "a=10/old", "theirs"]
    latest = commit("append", [])

    assert foreign(there, latest) == ["theirs"]
    assert foreign(there, None) == there
    assert content_after(there, ["theirs"], commit("replace", [])) == ["a=1/new"]
    assert content_after(there, ["theirs"], commit("append", ["a=1/new"])) == ["a=1/new", "a=1/old", "a=10/old"]
    assert content_after(there, ["theirs"], commit("replace_partitions", ["a=1"])) == ["a=1/new", "a=10/old"]
    assert touched(["a=1/x", "a=10/x"], commit("replace_partitions", ["a=1"])) == ["a=1/x"]
