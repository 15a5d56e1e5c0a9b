"""Disks that are really full, or cannot be written: the job goes on, one line says so, and whole lines are kept.

They are mounted, which needs root.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from behaviour import disks
from stoker.logs.ship.delivery import Delivery
from stoker.logs.ship.outbox import Outbox
from stoker.logs.ship.s3 import S3Store
from support.spools import numbers, objects

if TYPE_CHECKING:
    from pathlib import Path

    from support.s3 import S3Server

LINES = 12_000
PROGRAM = """
import logging, sys, time
from pathlib import Path
from stoker import logs

folder, destination, url = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
logs.configure("production", logs.LoggingSettings(
    level="INFO", destinations=tuple(filter(None, [destination])), folder=folder, spool=folder, s3=url or None, s3_seconds=3600,
    file_format="minimal", segment_mib=0.25,
))
logger = logging.getLogger("disks")
with logs.run_context(run_id="r", job="j"):
    for number in range(12_000):
        logger.info("a line of the program that fills the disk", extra={"n": number})
    print("full", flush=True)
    sys.stdin.readline()
    time.sleep(1.1)  # as long as the disk is left alone after a failure
    for number in range(12_000, 12_020):
        logger.info("line", extra={"n": number})
"""


class Program:
    """A process that fills a disk, says so, waits, and logs 20 lines more.

    Args:
        arguments: The folder, the destination, and the URL of S3 or nothing.
    """

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", PROGRAM, *arguments]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def fill(self) -> None:
        """Wait until it has."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "full\n"

    def end(self) -> list[str]:
        """Let it go on to its end, which has to be a good one; what it said on standard error."""
        _, told = self._process.communicate("\n", timeout=60)
        assert self._process.returncode == 0, told
        return told.splitlines()


def whole(folder: Path) -> list[int]:
    """The numbers of the lines in the files of a folder; each has to be whole."""
    raw = b"".join(path.read_bytes() for path in sorted(folder.glob("*")) if path.suffix in {".log", ".jsonl"})
    assert raw.endswith(b"\n")
    return [int(_context(line)["n"]) for line in raw.splitlines()]


def _context(line: bytes) -> Any:
    return json.loads(line)["context"]


@pytest.mark.parametrize("destination", ["file", pytest.param("spool", marks=pytest.mark.faults)])
def test_a_full_disk_keeps_whole_lines_and_is_used_again(destination: str, tmp_path: Path) -> None:
    """The lines that it has taken are there in order, and those that come when it has room; told once, and counted."""
    folder = tmp_path / "disk"
    with disks.small(folder, "1m"):
        program = Program(str(folder), destination, "")
        program.fill()
        kept = whole(folder)
        disks.enlarge(folder, "8m")

        told = program.end()

        assert 3_000 < len(kept) < LINES
        assert kept == list(range(len(kept)))
        assert whole(folder) == [*kept, *range(LINES, LINES + 20)]
    assert told == [
        f"stoker: log lines cannot be written to {folder}: No space left on device. The job goes on.",
        f"stoker: log lines are written to {folder} again; {LINES - len(kept):,} were lost.",
    ]


def test_a_disk_that_log_lines_have_filled_is_emptied_by_sending_them(
    s3: S3Server, client: Any, tmp_path: Path
) -> None:
    """Although nothing can be packed there while S3 is away: every line that the disk has taken arrives, once."""
    s3.refuse()
    folder = tmp_path / "disk"
    with disks.small(folder, "1m"):
        program = Program(str(folder), "", "s3://logs/p")
        program.fill()
        kept = whole(folder)
        s3.listen()
        while [
            path for path in folder.iterdir() if path.suffix != ".lock"
        ]:  # it is sent as soon as S3 is found to be back, and not when an hour is over
            time.sleep(0.1)

        program.end()

        assert kept == list(range(len(kept)))
        assert numbers(objects(client).values()) == [*kept, *range(LINES, LINES + 20)]
        assert list(folder.iterdir()) == []


@pytest.mark.faults
def test_a_disk_without_any_room_is_emptied_too(s3: S3Server, client: Any, tmp_path: Path) -> None:
    """Not even the name of a package fits; what others have left is sent from memory."""
    folder = tmp_path / "disk"
    with disks.small(folder, "1m"):
        program = Program(str(folder), "spool", "")
        program.fill()
        program.end()
        kept = whole(folder)
        with (folder / "filled").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)

        assert Delivery(Outbox(folder), S3Store("s3://logs")).work(force=True, now=True)

        assert numbers(objects(client).values()) == sorted(kept)
        assert [path.name for path in folder.iterdir()] == ["filled"]


@pytest.mark.parametrize(
    ("destination", "url"),
    [("file", ""), *(pytest.param(*each, marks=pytest.mark.faults) for each in (("spool", ""), ("", "s3://logs/p")))],
)
def test_a_folder_that_can_only_be_read_ends_nothing(destination: str, url: str, s3: S3Server, tmp_path: Path) -> None:
    """One line says which, and the process ends well."""
    folder = tmp_path / "disk"
    with disks.read_only(folder):
        program = Program(str(folder), destination, url)
        program.fill()

        told = program.end()

    assert told == [f"stoker: log lines cannot be written to {folder}: Read-only file system. The job goes on."]


@pytest.mark.faults
def test_lines_that_can_only_be_read_stay_and_are_told(
    s3: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They could not be removed once they are sent, and would be sent again and again."""
    program = Program(str(tmp_path / "disk"), "spool", "")
    program.fill()
    program.end()
    with disks.read_only(tmp_path / "disk"):
        for _ in range(2):
            Delivery(Outbox(tmp_path / "disk"), S3Store("s3://logs")).work(force=True, now=True)

    assert s3.puts() == []
    assert "cannot be sent: Read-only file system" in capsys.readouterr().err
