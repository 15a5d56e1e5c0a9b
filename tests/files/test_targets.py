"""Targets that refuse."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.loads import run, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

    from support.project import Project


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB; only root can mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def lake_at(project: Project, folder: str) -> None:
    """Move the project's lake."""
    toml = (project.folder / "stoker.toml").read_text()
    project.write("stoker.toml", toml.replace('lake = "lake"', f'lake = "{folder}"'))


def test_a_full_disk_is_transient_and_leaves_the_old_rows(
    spark: SparkSession, project: Project, small_disk: Path
) -> None:
    """The error says that the disk is full; nothing is published, and no staging stays."""
    lake_at(project, str(small_disk))
    write_rows(project.folder, "1", (1,))
    assert run(spark, project.folder, "replace").state == "succeeded"
    before = sorted(path.name for path in (small_disk / "rows").iterdir())
    lines = "\n".join(f"{number},{number * 7919 % 1000003},{number * 104729 % 998244353}" for number in range(200_000))
    project.write("source/rows.csv", f"id,part,version\n{lines}\n")

    error = run(spark, project.folder, "replace").pipelines[0].error

    assert error
    assert error["type"] == "TransientError"
    assert "full" in str(error["message"])
    assert "Nothing was published" in str(error["state"])
    assert sorted(path.name for path in (small_disk / "rows").iterdir()) == before
    assert [path.name for path in (small_disk / ".stoker-rows").glob("staging-*")] == []


@pytest.mark.parametrize("folder", ["/proc/stoker", "/dev/null/lake"])
def test_an_unwritable_target_says_so(spark: SparkSession, project: Project, folder: str) -> None:
    """A place that cannot be made is named, with what to check."""
    lake_at(project, folder)
    write_rows(project.folder, "1", (1,))

    error = run(spark, project.folder, "replace").pipelines[0].error

    assert error
    assert folder in str(error["message"])
    assert "cannot be" in str(error["message"])
    assert error["next"]
    assert "at org." not in str(error["message"])


def test_records_that_cannot_be_written_stop_the_run_before_it_begins(project: Project, spark: SparkSession) -> None:
    """A run that could not say what it did is not started."""
    from stoker import ConfigurationError

    toml = (project.folder / "stoker.toml").read_text()
    project.write("stoker.toml", toml + '\n[run]\nrecords = "/proc/stoker"\n')
    write_rows(project.folder, "1", (1,))

    with pytest.raises(ConfigurationError, match=r"run record /proc/stoker/.* cannot be written"):
        run(spark, project.folder, "replace")
    assert not project.lake.exists()
