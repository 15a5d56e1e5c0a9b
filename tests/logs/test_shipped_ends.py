"""However a process ends, each of its lines is in S3 or in the spool, once; and the next shipper sends the rest."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from stoker.logs.ship.delivery import Delivery
from stoker.logs.ship.outbox import Outbox
from stoker.logs.ship.s3 import S3Store
from support.spools import numbers, objects

if TYPE_CHECKING:
    from pathlib import Path

    from support.s3 import S3Server

CHILD = """
import logging, os, signal, sys, threading
from pathlib import Path
from stoker import logs

spool, end, lag = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
settings = logs.LoggingSettings(level="INFO", destinations=(), spool=spool, s3="s3://logs/p", s3_seconds=lag)
logs.configure("production", settings)
logs.configure("production", settings)
log = logging.getLogger("child")
with logs.run_context(run_id="r", job="j"):
    for number in range(2000):
        log.info("line", extra={"n": number})
    if end == "exception":
        raise ValueError("the end")
    if end == "thread":
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
    if end == "SIGTERM":
        os.kill(os.getpid(), signal.SIGTERM)
    if end == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "_exit":
        os._exit(0)
    if end == "fork":
        child = os.fork()
        log.info("line", extra={"n": 2001 if child else 2000})
        if child:
            os.waitpid(child, 0)
"""
ENDS = {"exit": 0, "exception": 1, "thread": 0, "SIGTERM": 143, "SIGKILL": -9, "_exit": 0, "fork": 0}
IN_BRIEF = ("exit", "SIGKILL", "fork")


def run(folder: Path, end: str, lag: float = 60) -> subprocess.CompletedProcess[str]:
    """A process that logs 2,000 lines, and ends so."""
    command = [sys.executable, "-c", CHILD, str(folder), end, str(lag)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "end", [end if end in IN_BRIEF else pytest.param(end, marks=pytest.mark.faults) for end in ENDS]
)
def test_every_line_is_in_s3_or_in_the_spool(end: str, s3: S3Server, client: Any, tmp_path: Path) -> None:
    """Those of an orderly end are in S3; of others the next shipper on this disk sends them."""
    done = run(tmp_path / "spool", end)
    assert done.returncode == ENDS[end], done.stderr
    lines = [*range(2002 if end == "fork" else 2000)]
    if end not in {"SIGKILL", "_exit"}:
        assert numbers(objects(client).values()) == lines
        assert list((tmp_path / "spool").iterdir()) == []

    Delivery(Outbox(tmp_path / "spool"), S3Store("s3://logs/p")).work(force=True, now=True)

    assert numbers(objects(client).values()) == lines
    assert list((tmp_path / "spool").glob("*.jsonl*")) == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("AccessDenied", "log lines cannot be sent to s3://logs/p: AccessDenied"),
        pytest.param("black hole", "", marks=pytest.mark.faults),
    ],
)
def test_the_end_does_not_wait_for_s3(fault: str, told: str, s3: S3Server, client: Any, tmp_path: Path) -> None:
    """Ten seconds at most, and not at all if S3 refuses; the outcome is the same, and what to do is told."""
    s3.fault = fault

    done = run(tmp_path / "spool", "exit")

    assert done.returncode == 0
    assert told in done.stderr
    assert f"bytes of log lines are not in s3://logs/p yet. They are kept in {tmp_path / 'spool'}" in done.stderr
    s3.fault = None
    s3.free()
    assert Delivery(Outbox(tmp_path / "spool"), S3Store("s3://logs/p")).work(force=True, now=True)
    assert numbers(objects(client).values()) == list(range(2000))


def test_sigterm_while_the_last_lines_are_sent_ends_the_wait(s3: S3Server, client: Any, tmp_path: Path) -> None:
    """A platform that ends a worker does not wait; where the lines are is told all the same, and they are all there."""
    s3.fault = "black hole"
    command = [sys.executable, "-c", CHILD, str(tmp_path / "spool"), "exit", "60"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert s3.held.wait(60)
        process.terminate()
        _, told = process.communicate(timeout=60)

    assert f"bytes of log lines are not in s3://logs/p yet. They are kept in {tmp_path / 'spool'}" in told
    assert told.count("\n") == 1
    assert process.returncode == 0
    s3.fault = None
    s3.free()
    assert Delivery(Outbox(tmp_path / "spool"), S3Store("s3://logs/p")).work(force=True, now=True)
    assert numbers(objects(client).values()) == list(range(2000))
