"""What a spool holds arrives in S3, each line once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stoker.logs.ship import Shipper
from stoker.logs.ship.s3 import S3Store
from support.spools import PlainSpool, line, numbers, objects, segment

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_process_logged_is_in_s3_when_it_ends(tmp_path: Path, client: Any) -> None:
    """Under a key that tells job, run and day; the spool is empty then."""
    spool = PlainSpool(tmp_path / "spool")
    shipper = Shipper(spool, S3Store("s3://logs/production/"))
    for number in range(1000):
        spool.write(line(number))

    assert shipper.close()

    found = objects(client)
    assert list(found) == ["production/job=j/run=r-1/date=2026-11-26/h-2-s-000001.jsonl.gz"]
    assert numbers(found.values()) == list(range(1000))
    assert [path.name for path in spool.folder.iterdir()] == ["h-2-s-000002.open.jsonl", "h-2-s.lock"]


def test_segments_of_dead_processes_are_sent_along(tmp_path: Path, client: Any) -> None:
    """Complete ones and the one that the process had open; those of a process that lives are left to it."""
    folder = tmp_path / "spool"
    segment(folder, 1, map(line, range(10)))
    segment(folder, 2, map(line, range(10, 20)), end=".open.jsonl")
    living = PlainSpool(folder, "h-3-s")
    living.write(line(99))

    assert Shipper(PlainSpool(folder), S3Store("s3://logs")).close()

    found = objects(client)
    assert list(found) == ["job=j/run=r-1/date=2026-11-26/h-1-s-000001.jsonl.gz"]
    assert numbers(found.values()) == list(range(20))
    assert living._path.exists()
    assert not (folder / "h-1-s.lock").exists()
