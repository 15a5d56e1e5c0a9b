"""A driver killed between any two steps of a file publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.child import run_child
from support.loads import as_rows, load, rows_of, run, through_stoker, write_rows
from support.points import POINTS, UNDECIDED

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project

IN_EVERY_RUN = {
    ("replace", "files.stage.written"),
    ("replace", "files.publish.intent_written"),
    ("append", "files.publish.one_moved"),
    ("replace_partitions", "files.publish.exchanged"),
}
CASES = [
    pytest.param(mode, point, marks=() if (mode, point) in IN_EVERY_RUN else pytest.mark.faults)
    for mode, points in POINTS.items()
    for point in points
]


def expected(mode: str) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """The rows before and after version 2, which has the parts 2 and 3, is published over version 1."""
    old, new = rows_of(1), rows_of(2, (2, 3))
    if mode == "replace":
        return old, new
    if mode == "append":
        return old, sorted(old + new)
    return old, sorted([row for row in old if row[1] == 1] + new)


@pytest.mark.parametrize(("mode", "point"), CASES)
def test_a_kill_leaves_old_or_new_rows_and_the_next_run_finishes(
    spark: SparkSession, project: Project, mode: str, point: str
) -> None:
    """After SIGKILL at a failpoint a reader sees all old or all new rows, and running again loads once and cleans up."""
    load(spark, project.folder, mode, "1", "run-1")
    old, new = expected(mode)

    killed = run_child(spark, project.folder, "support.loads:load", mode, "2", "run-2", "23", STOKER_FAILPOINT=point)

    assert killed.returncode == -9, killed.stderr
    decided = point not in UNDECIDED
    assert through_stoker(spark, project.folder) == (new if decided else old)
    assert run(spark, project.folder, mode, "run-2").state == "succeeded"
    assert through_stoker(spark, project.folder) == new
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == new
    assert project.leftovers() == []


@pytest.mark.parametrize("mode", ["replace", "append", "replace_partitions"])
def test_another_run_finishes_what_a_killed_one_decided(spark: SparkSession, project: Project, mode: str) -> None:
    """A run with another id first rolls the decided publish forward, then adds its own rows."""
    load(spark, project.folder, mode, "1", "run-1")
    killed = run_child(
        spark,
        project.folder,
        "support.loads:load",
        mode,
        "2",
        "run-2",
        "23",
        STOKER_FAILPOINT="files.publish.intent_written",
    )
    assert killed.returncode == -9, killed.stderr

    load(spark, project.folder, mode, "3", "run-3", "3")

    finished = expected(mode)[1]
    third = rows_of(3, (3,))
    by_mode = {
        "replace": third,
        "append": sorted(finished + third),
        "replace_partitions": sorted([row for row in finished if row[1] != 3] + third),
    }
    assert through_stoker(spark, project.folder) == by_mode[mode]
    assert project.leftovers() == []


def test_a_foreign_reader_sees_a_replace_at_once(spark: SparkSession, project: Project) -> None:
    """On a local disk a plain reader finds old rows until the exchange and new ones after it, also when it is cut there."""
    load(spark, project.folder, "replace", "1", "run-1")

    def plain() -> list[tuple[int, int, int]]:
        return as_rows(spark.read.parquet(str(project.lake / "rows")))

    before = run_child(
        spark,
        project.folder,
        "support.loads:load",
        "replace",
        "2",
        "run-2",
        STOKER_FAILPOINT="files.publish.intent_written",
    )
    assert before.returncode == -9
    assert plain() == rows_of(1)
    after = run_child(
        spark,
        project.folder,
        "support.loads:load",
        "replace",
        "2",
        "run-2",
        STOKER_FAILPOINT="files.publish.moved",
    )
    assert after.returncode == -9
    assert plain() == rows_of(2)


@pytest.mark.parametrize(
    "point", ["files.publish.old_moved", pytest.param("files.publish.moved", marks=pytest.mark.faults)]
)
def test_without_an_exchange_stokers_readers_still_see_old_or_new(
    spark: SparkSession, project: Project, point: str
) -> None:
    """Where two renames are needed, a kill between them hides the folder from plain readers and not from Stoker's."""
    load(spark, project.folder, "replace", "1", "run-1")

    killed = run_child(
        spark, project.folder, "support.loads:load_without_exchange", "2", "run-2", STOKER_FAILPOINT=point
    )

    assert killed.returncode == -9, killed.stderr
    assert (project.lake / "rows").exists() == (point != "files.publish.old_moved")
    assert through_stoker(spark, project.folder) == rows_of(2)
    assert run(spark, project.folder, "replace", "run-2").state == "succeeded"
    assert as_rows(spark.read.parquet(str(project.lake / "rows"))) == rows_of(2)
    assert project.leftovers() == []


@pytest.mark.parametrize("mode", ["replace", "append", "replace_partitions"])
def test_publishing_needs_only_what_hadoop_has(spark: SparkSession, project: Project, mode: str) -> None:
    """The same code publishes where there is nothing but Hadoop's FileSystem, and a gap of two renames is announced."""
    load(spark, project.folder, mode, "1", "run-1")

    done = run_child(spark, project.folder, "support.loads:load_by_hadoop", mode, "2", "run-2", "23")

    assert done.returncode == 0, done.stderr
    assert through_stoker(spark, project.folder) == expected(mode)[1]
    assert project.leftovers() == []
    [fallbacks] = [each["pipelines"][0]["fallbacks"] for each in project.records() if each["run_id"] == "run-2"]
    assert [("two renames" in text) for text in fallbacks] == ([] if mode == "append" else [True])


@pytest.mark.parametrize("mode", ["replace", "append", "replace_partitions"])
def test_the_same_run_id_publishes_once(spark: SparkSession, project: Project, mode: str) -> None:
    """Running again with the id of a run that succeeded changes nothing, though its input has changed."""
    load(spark, project.folder, mode, "1", "run-1")
    write_rows(project.folder, "2")

    record = run(spark, project.folder, mode, "run-1")

    assert record.state == "succeeded"
    assert record.pipelines[0].sinks[0].already
    assert through_stoker(spark, project.folder) == rows_of(1)


def test_an_interrupted_disk_error_publishes_nothing(spark: SparkSession, project: Project) -> None:
    """A disk that fails while the intent is written leaves the old rows, and the error says so."""
    load(spark, project.folder, "replace", "1", "run-1")

    failed = run_child(
        spark,
        project.folder,
        "support.loads:load",
        "replace",
        "2",
        "run-2",
        STOKER_FAILPOINT="files.publish.begin:raise",
    )

    assert failed.returncode == 1
    assert through_stoker(spark, project.folder) == rows_of(1)
    assert project.leftovers() == []
