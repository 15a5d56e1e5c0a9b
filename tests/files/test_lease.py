"""Who holds a lease. What two runs do is in `tests/behaviour`."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from stoker import TransientError
from stoker.files.control import Target
from stoker.files.filesystem import file_system
from stoker.files.lease import Lease, live_holder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from support.project import Project


def test_many_candidates_hold_it_one_at_a_time(spark: SparkSession, project: Project) -> None:
    """Eight threads that want one lease have it alone, each once."""
    target = Target(str(project.lake / "x"))
    inside, most, turns = [0], [0], []
    lock = threading.Lock()

    def candidate(number: int) -> None:
        lease = Lease(file_system(spark, target.path), target, run_id=f"r{number}", wait=60)
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        turns.append(number)
        threading.Event().wait(0.02)
        with lock:
            inside[0] -= 1
        lease.release()

    threads = [threading.Thread(target=candidate, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(turns) == list(range(8))
    assert most == [1]


@pytest.mark.parametrize(
    "holder",
    [
        pytest.param({"host": "elsewhere", "heartbeat": 0.0}, id="old heartbeat of another machine"),
        pytest.param({"heartbeat": 9e12, "pid": 999_999_999}, id="dead process of this machine"),
        pytest.param({"heartbeat": 9e12, "started": "1"}, id="reused pid"),
    ],
)
def test_a_dead_lease_is_taken_over(spark: SparkSession, project: Project, holder: dict[str, object]) -> None:
    """A lease whose holder is gone does not make anyone wait."""
    import os
    import socket

    target = Target(str(project.lake / "rows"))
    fs = file_system(spark, target.path)
    whole = {
        "run_id": "dead",
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": "1",
        "heartbeat": 9e12,
        **holder,
    }
    fs.write_text(f"{target.control}/lease-dead.json", json.dumps(whole))

    Lease(fs, target, run_id="run-1", wait=0).release()

    assert project.leftovers() == []


def test_a_live_lease_of_another_machine_is_respected(spark: SparkSession, project: Project) -> None:
    """A recent heartbeat from elsewhere is a holder."""
    import time

    target = Target(str(project.lake / "rows"))
    fs = file_system(spark, target.path)
    holder = {"run_id": "other", "host": "elsewhere", "pid": 1, "started": "1", "heartbeat": time.time()}
    fs.write_text(f"{target.control}/lease-other.json", json.dumps(holder))

    assert live_holder(fs, target) == holder


def test_a_lease_is_not_lost_in_the_midst_of_its_heartbeat(
    spark: SparkSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publish that is decided while the next heartbeat is being written finds the lease its own."""
    path = str(project.lake / "rows")
    fs = file_system(spark, path)
    lease = Lease(fs, Target(path), run_id="one", wait=1)
    errors: list[Exception] = []
    write = fs.write_text

    def asked() -> None:
        try:
            lease.check()
        except TransientError as error:
            errors.append(error)

    checker = threading.Thread(target=asked)

    def beat(path: str, text: str) -> None:
        checker.start()
        # It ends at once where it does not wait for the beat.
        checker.join(0.5)
        write(path, text)

    monkeypatch.setattr(fs, "write_text", beat)
    with lease._writing:
        lease._write()
    checker.join()
    monkeypatch.undo()
    lease.release()

    assert errors == []
