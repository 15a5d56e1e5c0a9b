from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stoker.logs import Spool
from support.log_lines import spooled


class Clock:
    """Time that tests set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def names(folder: Path) -> list[str]:
    """The suffixes of the segments, in order."""
    return [path.name.split(".", 1)[1] for path in sorted(folder.iterdir())]


def test_lines_are_in_a_locked_file_of_ones_own(tmp_path: Path) -> None:
    """Only the user may read it, and the lock tells that the process lives."""
    spool = Spool(tmp_path / "a" / "spool")
    spool.write(b'{"n":1}\n')

    [path] = (tmp_path / "a" / "spool").iterdir()
    host, pid, start, number = path.name.removesuffix(".open.jsonl").rsplit("-", 3)
    assert host
    assert start
    assert (pid, number) == (str(os.getpid()), "000001")
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    spool.close()


def test_a_full_segment_is_renamed_and_told(tmp_path: Path) -> None:
    """No line is in two of them, and none is cut."""
    spool = Spool(tmp_path, max_bytes=20)
    told: list[Path] = []
    spool.on_rotate.append(told.append)

    for number in range(5):
        spool.write(b'{"n":%03d}\n' % number)

    assert names(tmp_path) == ["jsonl", "jsonl", "open.jsonl"]
    assert told == sorted(tmp_path.glob("*.jsonl"))[:2]
    spool.close()
    assert names(tmp_path) == ["jsonl"] * 3
    assert [path.read_bytes().count(b"\n") for path in sorted(tmp_path.iterdir())] == [2, 2, 1]


def test_an_old_segment_is_rotated_by_the_next_line(tmp_path: Path) -> None:
    """By a clock that goes backwards, never: lines go on."""
    clock = Clock()
    spool = Spool(tmp_path, max_age_s=10, clock=clock)
    spool.write(b"1\n")
    clock.now = 50.0
    spool.write(b"2\n")
    assert names(tmp_path) == ["open.jsonl"]
    clock.now = 110.0
    spool.write(b"3\n")
    assert names(tmp_path) == ["jsonl"]
    spool.rotate()
    assert names(tmp_path) == ["jsonl"]


def test_a_clock_that_goes_backwards_overwrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the process has the same number each time, and the clock may be set meanwhile."""
    for moment in (100.0, 50.0, 100.0):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        spool = Spool(tmp_path, max_age_s=10)
        for _ in range(3):
            spool.write(b'{"moment":%d}\n' % moment)
        spool.close()

    assert sorted(line["moment"] for line in spooled(tmp_path)) == [50] * 3 + [100] * 6


def test_another_working_folder_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative folder is meant where it was named."""
    monkeypatch.chdir(tmp_path)
    spool = Spool(Path("spool"))
    spool.write(b"1\n")
    monkeypatch.chdir("/")
    spool.rotate()
    spool.write(b"2\n")

    assert names(tmp_path / "spool") == ["jsonl", "open.jsonl"]
    spool.close()


def test_a_line_after_the_end_begins_a_new_segment(tmp_path: Path) -> None:
    """Some log at exit, after everything is closed."""
    spool = Spool(tmp_path)
    spool.write(b"1\n")
    spool.close()
    spool.write(b"2\n")

    assert names(tmp_path) == ["jsonl", "open.jsonl"]
    spool.close()


@pytest.mark.parametrize("lines", [1, 50])
def test_a_folder_that_cannot_be_made_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: int
) -> None:
    """The job goes on, and the lines are counted."""
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "spool")

    for _ in range(lines):
        spool.write(b"x\n")

    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"log lines cannot be written to {tmp_path}/file/spool: Not a directory. The job goes on." in told
    assert spool.lost == lines


LIMITED = """
import json, resource, signal, sys
from pathlib import Path
from stoker.logs import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
spool = Spool(Path(sys.argv[1]))
for number in range(20):
    spool.write(json.dumps({"n": number, "text": "x" * 80}).encode() + b"\\n")
print(spool.lost)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
spool.write(b'{"n":-1}\\n')
"""


def test_a_disk_that_takes_half_a_line_keeps_whole_ones(tmp_path: Path) -> None:
    """A limit stands for a full disk: the kernel takes what fits, and the part of a line is taken back."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path], capture_output=True, text=True, check=True, timeout=60
    )

    lines = spooled(tmp_path)
    kept = len(lines) - 1
    assert [line["n"] for line in lines] == [*range(kept), -1]
    assert kept == 9
    assert int(done.stdout) == 20 - kept
    assert done.stderr.count("\n") == 1
    assert "File too large. The job goes on." in done.stderr


def test_a_signal_in_the_middle_of_a_line_leaves_whole_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk has taken a part of it; what a program logs at its end does not go on in that line."""
    spool = Spool(tmp_path)
    spool.write(b'{"n":1}\n')
    write = os.write

    def half(fd: int, line: bytes) -> int:
        if not line.startswith(b"{"):
            raise SystemExit(143)
        return write(fd, line[: len(line) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(SystemExit):
            spool.write(b'{"n":2}\n')
    spool.write(b'{"n":3}\n')
    spool.close()

    assert [line["n"] for line in spooled(tmp_path)] == [1, 3]


def test_threads_do_not_mix_lines(tmp_path: Path) -> None:
    """Each line is one write."""
    spool = Spool(tmp_path, max_bytes=10_000)

    def work(number: int) -> None:
        for each in range(500):
            spool.write(b'{"t":%d,"n":%d,"x":"%s"}\n' % (number, each, b"x" * 50))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.close()

    lines = spooled(tmp_path)
    assert sorted((line["t"], line["n"]) for line in lines) == [(t, n) for t in range(4) for n in range(500)]


def test_a_forked_child_has_a_segment_of_its_own(tmp_path: Path) -> None:
    """Also when another thread held the lock when it was forked; the parent's lock is the parent's alone."""
    spool = Spool(tmp_path)
    spool.write(b'{"who":"parent"}\n')
    held = threading.Event()
    done = threading.Event()

    def hold() -> None:
        with spool._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        spool.write(b'{"who":"child"}\n')
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    done.set()
    thread.join()

    assert names(tmp_path) == ["open.jsonl"] * 2
    free = []
    for path in tmp_path.iterdir():
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                free.append(path.read_bytes())
            except BlockingIOError:
                pass
    assert free == [b'{"who":"child"}\n']
    spool.close()


def test_a_segment_without_lines_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk took its name and nothing else."""

    def full(fd: int, line: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = Spool(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        spool.write(b"x\n")
    spool.close()

    assert names(tmp_path) == []


def test_lines_are_on_the_disk_when_it_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also when there are none, and when somebody has closed the file."""
    spool = Spool(tmp_path)
    spool.sync()
    spool.write(b"{}\n")
    spool.sync()
    os.close(spool._fd)
    spool.sync()

    assert capsys.readouterr().err == ""


def test_a_spool_goes_on_when_all_files_are_closed(tmp_path: Path) -> None:
    """Some libraries close every file of the process when they become a daemon."""
    spool = Spool(tmp_path, clock=Clock())
    spool.write(b'{"n":1}\n')
    os.close(spool._fd)
    spool.write(b'{"n":2}\n')
    spool._clock.now += 5  # type: ignore[attr-defined]
    spool.write(b'{"n":3}\n')
    spool.close()

    assert [line["n"] for line in spooled(tmp_path)] == [1, 3]


def test_a_disk_that_fails_now_and_then_is_told_of_once_a_minute(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once that it is well again."""
    clock = Clock()
    spool = Spool(tmp_path, clock=clock, max_age_s=1000)
    spool.write(b"first\n")
    write = os.write

    def full(fd: int, line: bytes) -> int:
        if line == b"long\n":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, line)

    monkeypatch.setattr(os, "write", full)
    for _ in range(10):
        spool.write(b"long\n")
        clock.now += 2
        spool.write(b"short\n")
    told = capsys.readouterr().err.splitlines()
    assert told == [
        f"stoker: log lines cannot be written to {tmp_path}: No space left on device. The job goes on.",
        f"stoker: log lines are written to {tmp_path} again; 1 were lost.",
    ]
    clock.now += 60
    spool.write(b"long\n")
    assert "cannot be written" in capsys.readouterr().err
    assert spool.lost == 11
    spool.close()
