"""What a spool holds arrives in S3, each line once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoker.logs.ship import Shipper
from stoker.logs.ship.s3 import S3Store
from stoker.logs.spool import Spool
from support.spools import line, numbers, objects, segment, write

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_process_logged_is_in_s3_when_it_ends(tmp_path: Path, client: Any) -> None:
    """Under a key that tells job, run and day; the spool is empty then."""
    spool = Spool(tmp_path / "spool")
    shipper = Shipper(spool, S3Store("s3://logs/production/"))
    write(spool, map(line, range(1000)))

    assert shipper.close()

    found = objects(client)
    assert list(found) == [f"production/job=j/run=r-1/date=2026-11-26/{spool.writer}-000001.jsonl.gz"]
    assert numbers(found.values()) == list(range(1000))
    assert list(spool.folder.iterdir()) == []


def test_segments_of_dead_processes_are_sent_along(tmp_path: Path, client: Any) -> None:
    """Complete ones and the one that the process had open; those of a process that lives are left to it."""
    folder = tmp_path / "spool"
    segment(folder, 1, map(line, range(10)))
    segment(folder, 2, map(line, range(10, 20)), end=".open.jsonl")
    living = Spool(folder)
    write(living, [line(99)])

    assert Shipper(Spool(folder), S3Store("s3://logs")).close()

    found = objects(client)
    assert list(found) == ["job=j/run=r-1/date=2026-11-26/h-1-s-000001.jsonl.gz"]
    assert numbers(found.values()) == list(range(20))
    assert [path.name for path in folder.iterdir()] == [f"{living.writer}-000001.open.jsonl"]
