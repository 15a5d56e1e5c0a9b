"""Disks that are full, or may not be written."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from behaviour import disks
from behaviour.sinks import CASES, every_case
from stoker.files import publish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg8000.native import Connection
    from pyspark.sql import DataFrame

    from behaviour.target import Target
    from stoker.postgres.embedded import Server


def many(rows: DataFrame) -> DataFrame:
    """More rows than a small disk has place for, in any format."""
    made = rows.sparkSession.range(0, 600_000, numPartitions=2)
    return made.selectExpr("cast(id as int) id", "cast(id % 2 + 2 as int) part", "cast(hash(id) as int) version")


@pytest.mark.parametrize(
    "target", every_case(always=["parquet-replace"], where=lambda case: case.kind.is_files), indirect=True
)
def test_a_full_disk_leaves_the_old_rows(target: Target) -> None:
    """The error may pass, and says so; nothing is published and no staging stays; with space, the same run id ends it."""
    with disks.small(target.folder / "lake", "1m"):
        target.load(1, "first")

        error = target.run("second", many).pipelines[0].error

        assert error
        assert error["type"] == "TransientError"
        assert "full" in str(error["message"])
        assert "Nothing was published" in str(error["state"])
        target.assert_all_see(target.after((1, "")))
        disks.enlarge(target.folder / "lake", "9m")
        target.load(2, "second", "23")
        target.assert_all_see(target.after((1, ""), (2, "23")))


@pytest.mark.faults
@pytest.mark.parametrize("target", [CASES["parquet-append"]], ids=str, indirect=True)
def test_a_disk_that_has_no_place_for_the_decision_leaves_the_old_rows(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is full when the intent is written: nothing is published, and it may be tried again."""
    lake = target.folder / "lake"
    filler = lake / ".filler"

    def fill(name: str) -> None:
        if name == "files.publish.begin":
            with suppress(OSError), filler.open("wb", buffering=0) as stream:
                while True:
                    stream.write(b"x" * 4096)

    with disks.small(lake, "1m"):
        target.load(1, "first")
        with monkeypatch.context() as patch:
            patch.setattr(publish, "failpoint", fill)
            error = target.run("second").pipelines[0].error

        assert error
        assert error["type"] == "TransientError"
        assert "are not published" in str(error["state"])
        filler.unlink()
        target.assert_all_see(target.after((1, "")))
        target.load(2, "second", "23")
        target.assert_all_see(target.after((1, ""), (2, "23")))


@pytest.mark.parametrize(
    "target", every_case(always=["parquet-replace_partitions"], where=lambda case: case.kind.is_files), indirect=True
)
def test_a_folder_that_may_not_be_written_stays_as_it_is(target: Target) -> None:
    """The error names the folder before a row is computed; readers go on."""
    target.load(1, "first")
    with disks.read_only(target.folder / "lake"):
        record = target.run("second")

        error = record.pipelines[0].error
        assert error
        assert str(target.path.parent) in str(error["message"])
        assert "Read-only file system" in str(error["message"])
        assert "at org." not in str(error["message"])
        assert record.pipelines[0].rows_read is None
        assert target.through_stoker() == target.after((1, ""))
    target.load(2, "second", "23")
    target.assert_all_see(target.after((1, ""), (2, "23")))


@pytest.mark.parametrize("folder", ["/proc/stoker", "/dev/null/lake"])
@pytest.mark.parametrize("target", [CASES["parquet-replace"]], ids=str, indirect=True)
def test_a_folder_that_cannot_be_made_is_named(target: Target, folder: str) -> None:
    """With what to check, and without Java's trace."""
    toml = target.folder / "stoker.toml"
    toml.write_text(toml.read_text().replace('lake = "lake"', f'lake = "{folder}"'))

    error = target.run().pipelines[0].error

    assert error
    assert folder in str(error["message"])
    assert "cannot be" in str(error["message"])
    assert error["next"]
    assert "at org." not in str(error["message"])


@pytest.fixture
def small_space(server: Server, db: Connection, schema: str) -> Iterator[str]:
    """A user of the server whose tables go to a disk of 4 MiB; with the password of the other one."""
    role, space = f"r_{schema}", f"s_{schema}"
    folder = Path(tempfile.mkdtemp(prefix="stoker-small-"))
    with disks.small(folder, "4m"):
        owner = server.data.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        db.run(f"CREATE TABLESPACE {space} LOCATION '{folder}'")
        db.run(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{server.password}'")
        db.run(f"ALTER ROLE {role} SET default_tablespace = {space}")
        yield role
        db.run(f"DROP TABLE IF EXISTS {schema}.rows CASCADE")
        db.run(f"DROP OWNED BY {role}")
        db.run(f"DROP TABLESPACE {space}")
        db.run(f"DROP ROLE {role}")
    folder.rmdir()


@pytest.mark.parametrize("target", every_case(where=lambda case: case.kind.name == "postgres"), indirect=True)
def test_a_servers_full_disk_leaves_the_old_rows(
    target: Target, small_space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server refuses the rows that are staged: the error may pass, and the table is as before."""
    target.load(1, "first")
    monkeypatch.setenv("STOKER_POSTGRES__WAREHOUSE__USER", small_space)
    if str(target.case) == "postgres-replace":
        # What takes its place is staged where the table is.
        assert target.db is not None
        target.db.run(f"ALTER TABLE {target.where} SET TABLESPACE {small_space.replace('r_', 's_', 1)}")

    error = target.run("second", many).pipelines[0].error

    assert error
    assert error["type"] == "TransientError"
    assert "No space left" in str(error["message"])
    target.assert_all_see(target.after((1, "")))
    target.load(2, "second", "23")
    target.assert_all_see(target.after((1, ""), (2, "23")))
