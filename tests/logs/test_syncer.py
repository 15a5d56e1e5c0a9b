"""What is written is on the disk before a machine is lost, and no caller waits for that."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stoker import logs
from stoker.logs import LoggingSettings, Spool, syncer
from stoker.logs.handler import LineHandler
from stoker.logs.json_lines import JsonFormatter
from stoker.logs.syncer import Syncer

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER = 1000.0


class Disk:
    """What `fsync` was called for: the content at that time, by name."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.told = threading.Condition()
        self.broken = threading.Event()

    def fsync(self, descriptor: int) -> None:
        """As `os.fsync`; waits while the disk is broken."""
        while self.broken.is_set():
            time.sleep(0.01)
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        with self.told:
            self.files[path.name] = path.read_bytes()
            self.told.notify_all()

    def has(self, *lines: bytes) -> bool:
        """Whether all of them are there, at the latest in half a minute."""
        with self.told:
            return self.told.wait_for(lambda: all(line in b"".join(self.files.values()) for line in lines), 30)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk that nobody brings lines to because time has passed."""
    made = Disk()
    monkeypatch.setattr(os, "fsync", made.fsync)
    monkeypatch.setattr(syncer, "_TICK", NEVER)
    return made


@pytest.fixture
def spool(tmp_path: Path, disk: Disk) -> Iterator[Spool]:
    """With a syncer, which has been told by then that time does not pass."""
    made = Spool(tmp_path / "spool", max_bytes=4_000)
    Syncer(made)
    yield made
    made.close()


@pytest.fixture
def logger(spool: Spool) -> logging.Logger:
    """Writes to the spool, and is known to nobody else."""
    made = logging.Logger("tests.syncer", logging.DEBUG)  # noqa: LOG001 - pytest's own handlers are not to see it
    made.addHandler(LineHandler(JsonFormatter(), [spool]))
    return made


def test_an_error_is_on_the_disk_at_once(logger: logging.Logger, disk: Disk) -> None:
    """With all lines before it; a warning is not worth a disk's time."""
    logger.warning("first")
    assert disk.files == {}

    logger.error("second")

    assert disk.has(b"first", b"second")


def test_each_error_is(logger: logging.Logger, disk: Disk) -> None:
    """Also one that comes while another one is being brought there."""
    for number in range(20):
        logger.critical("error %d.", number)

    assert disk.has(*(b"error %d." % number for number in range(20)))


def test_every_line_is_on_the_disk_after_a_while(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second, here a hundredth."""
    monkeypatch.setattr(syncer, "_TICK", 0.01)
    spool = Spool(tmp_path)
    Syncer(spool)
    spool.write(b"first\n")
    assert disk.has(b"first")
    spool.write(b"second\n")

    assert disk.has(b"second")

    spool.close()


def test_a_segment_that_is_complete_is_on_the_disk(spool: Spool, disk: Disk) -> None:
    """Nobody writes to it any more, so that no second would bring its last lines there."""
    for number in range(10):
        spool.write(b"line %d %s\n" % (number, b"x" * 1_000))

    assert disk.has(*(b"line %d" % number for number in range(8)))


def test_the_end_of_a_process_brings_everything_to_the_disk(spool: Spool, disk: Disk) -> None:
    """And ends the thread."""
    spool.write(b"last\n")

    spool.close()

    assert b"last" in b"".join(disk.files.values())


def test_nobody_waits_for_a_disk(
    logger: logging.Logger, spool: Spool, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that never answers: the end of the process comes all the same."""
    monkeypatch.setattr(syncer, "_AT_EXIT", 0.1)
    disk.broken.set()
    for number in range(100):
        logger.error("line %d", number)

    spool.close()

    assert disk.files == {}
    disk.broken.clear()
    assert disk.has(b"line 99")


@pytest.mark.parametrize("destination", ["file", "spool"])
def test_files_are_synced_without_s3_too(destination: str, disk: Disk, tmp_path: Path) -> None:
    """Whatever is configured."""
    root = logging.getLogger()
    before = list(root.handlers)
    logs.configure("testing", LoggingSettings(destinations=(destination,), folder=tmp_path, spool=tmp_path))

    logging.getLogger("tests.synced").error("an error")

    assert disk.has(b"an error")
    for handler in [each for each in root.handlers if each not in before]:
        root.removeHandler(handler)
        handler.close()


def test_a_forked_child_does_without(logger: logging.Logger, disk: Disk) -> None:
    """The thread is the parent's; the child's lines are the system's to keep."""
    child = os.fork()
    if not child:
        for _ in range(20):
            logger.error("a line of the child, so that segments become full: %s", "x" * 1_000)
        os._exit(0)

    assert os.waitpid(child, 0)[1] == 0
    logger.error("of the parent")
    assert disk.has(b"of the parent")


def test_a_segment_that_was_sent_meanwhile_is_no_fault(spool: Spool, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is a file that was closed, and whose number is that of another one now."""
    spool.sync(spool.folder / "gone.jsonl")
    spool.write(b"x\n")
    reading, writing = os.pipe()
    spool._fd, kept = writing, spool._fd
    real = os.fsync

    def rotated(descriptor: int) -> None:
        spool._fd = kept
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", rotated)
        spool.sync()
    os.close(reading)
    os.close(writing)

    assert capsys.readouterr().err == ""
