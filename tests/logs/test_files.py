from __future__ import annotations

import gzip
import os
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from stoker.logs.files import Keep, LogFiles, clean

if TYPE_CHECKING:
    from pathlib import Path

ALL = Keep(files=1000, days=1000, mib=1000)


def make(folder: Path, number: int, *, days: float = 0, size: int = 10, part: int = 1) -> Path:
    """A file of a process that has ended."""
    path = folder / f"20260101T{number:06d}-{1000 + number}-abcd-{part:06d}.log"
    path.write_bytes(b"x" * size)
    moment = time.time() - days * 86_400 - number
    os.utime(path, (moment, moment))
    return path


def cleaned(folder: Path, keep: Keep) -> None:
    """Clean when nobody else does: each file that is begun has it done by a thread."""
    for thread in threading.enumerate():
        if thread.name == "stoker-log-files":
            thread.join()
    clean(folder, keep)


def names(folder: Path) -> list[str]:
    """Those that are not hidden."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_process_has_a_file_of_its_own_and_full_ones_are_packed(tmp_path: Path) -> None:
    """The one that is written stays as it is; lines are all there."""
    files = LogFiles(tmp_path, ALL, max_bytes=100, max_age_s=1000)
    for number in range(25):
        files.write(b"%08d\n" % number)

    cleaned(tmp_path, ALL)
    full, also_full, open_one = names(tmp_path)
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}-{os.getpid()}-[0-9a-f]{{4}}-000001\.log\.gz", full)
    assert open_one.endswith("-000003.log")
    packed = b"".join(gzip.decompress((tmp_path / name).read_bytes()) for name in (full, also_full))
    assert packed + (tmp_path / open_one).read_bytes() == b"".join(b"%08d\n" % number for number in range(25))
    assert (tmp_path / full).stat().st_mode & 0o777 == 0o600
    files.close()


def test_files_of_yesterday_are_packed(tmp_path: Path) -> None:
    """The last run's is left for a person to read."""
    make(tmp_path, 1)
    make(tmp_path, 2, days=2)

    cleaned(tmp_path, ALL)

    assert names(tmp_path) == ["20260101T000001-1001-abcd-000001.log", "20260101T000002-1002-abcd-000001.log.gz"]


def test_files_of_tomorrow_stay(tmp_path: Path) -> None:
    """The clock was set back since they were written."""
    for number in range(3):
        make(tmp_path, number, days=-40)

    cleaned(tmp_path, Keep(files=1000, days=30, mib=1000))

    assert len(names(tmp_path)) == 3


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (ALL, {0, 1, 2, 3, 4}),
        (Keep(files=2, days=1000, mib=1000), {0, 1}),
        (Keep(files=0, days=1000, mib=1000), set()),
        (Keep(files=1000, days=0.5, mib=1000), {0, 1, 2, 3, 4}),
        (Keep(files=1000, days=1000, mib=25 / 1024 / 1024), {0, 1}),
    ],
)
def test_the_oldest_are_removed(tmp_path: Path, keep: Keep, left: set[int]) -> None:
    """By number, age and size, and never what is not ours."""
    for number in range(5):
        make(tmp_path, number)
    (tmp_path / "mine.log").write_text("x")

    cleaned(tmp_path, keep)

    assert {int(name[9:15]) for name in names(tmp_path) if name != "mine.log"} == left
    assert "mine.log" in names(tmp_path)


def test_what_is_too_old_is_removed(tmp_path: Path) -> None:
    """Packed or not."""
    make(tmp_path, 1, days=40)
    make(tmp_path, 2)

    cleaned(tmp_path, Keep(files=1000, days=30, mib=1000))

    assert names(tmp_path) == ["20260101T000002-1002-abcd-000001.log"]


def test_the_file_of_a_living_process_stays(tmp_path: Path) -> None:
    """Whatever is to be kept."""
    files = LogFiles(tmp_path, ALL, max_bytes=100, max_age_s=1000)
    files.write(b"x\n")

    cleaned(tmp_path, Keep(files=0, days=0.00001, mib=0.00001))

    assert len(names(tmp_path)) == 1
    files.close()
    cleaned(tmp_path, Keep(files=0, days=1, mib=1))
    assert names(tmp_path) == []


def test_a_packing_that_was_cut_is_done_anew(tmp_path: Path) -> None:
    """Its half is removed, the original is still there."""
    path = make(tmp_path, 1, days=2)
    (tmp_path / f"{path.name}.part").write_bytes(b"half")

    cleaned(tmp_path, ALL)

    assert names(tmp_path) == [f"{path.name}.gz"]
    assert gzip.decompress((tmp_path / f"{path.name}.gz").read_bytes()) == b"x" * 10
