"""Two runs into one target at the same time."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from behaviour.sinks import APPEND, ATTACH, Case, every_case
from stoker.job.events import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behaviour.target import Target


class Steps(Observer):
    """Keeps what a pipeline says that it does."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def pipeline_step(self, name: str, step: str) -> None:
        """One more."""
        del name
        self.steps.append(step)


def stays(case: Case) -> bool:
    """Whether a run can stay in the midst of its publish: a swap holds up readers too. `postgres/test_swap.py` has two that meet."""
    return str(case) != "postgres-replace"


def waits(case: Case) -> bool:
    """Whether a second run must wait: rows that are only added to a table do not get in each other's way."""
    return stays(case) and (case.kind.is_files or case.mode is not APPEND)


@contextmanager
def held(target: Target) -> Iterator[None]:
    """Version 1 is published, and a run in another process has staged version 2 and stays in the midst of publishing it."""
    target.load(1, "first")
    flag = target.folder / "held"
    in_table = "postgres.publish.filled" if target.case.mode is ATTACH else "postgres.publish.inserted"
    at = "pipeline.all_staged" if target.case.kind.is_files else in_table
    done: list[int] = []
    thread = threading.Thread(
        target=lambda: done.append(target.child(2, "slow", "23", at=f"{at}:hold={flag}").returncode)
    )
    thread.start()
    until(flag.exists, thread.is_alive)
    try:
        yield
    finally:
        flag.unlink(missing_ok=True)
        thread.join()
    assert done == [0]


def until(reached: Callable[[], bool], possible: Callable[[], bool]) -> None:
    """Wait for something that comes, as long as it can."""
    while not reached():
        assert possible()
        time.sleep(0.02)


@pytest.mark.parametrize(
    "target", every_case(always=["parquet-append", "postgres-replace_by_delete"], where=stays), indirect=True
)
def test_two_runs_never_mix(target: Target) -> None:
    """The second waits for the first where it must; both succeed, and the target is as if one had come after the other."""
    steps, second = Steps(), list[object]()

    def run() -> None:
        second.append(target.load(3, "second", "3", observer=steps))

    def is_waiting() -> bool:
        if target.db is None:
            return any("is being published by run slow" in step for step in steps.steps)
        return bool(target.db.run("SELECT 1 FROM pg_locks WHERE NOT granted"))

    thread = threading.Thread(target=run)
    with held(target):
        thread.start()
        until(is_waiting if waits(target.case) else lambda: bool(second), thread.is_alive)
        assert target.through_stoker() == target.after((1, ""), *([] if waits(target.case) else [(3, "3")]))
    thread.join()

    assert second
    target.assert_all_see(target.after((1, ""), (2, "23"), (3, "3")))


@pytest.mark.parametrize(
    "target", every_case(always=["csv-replace_partitions", "postgres-replace_by_delete"], where=waits), indirect=True
)
def test_who_will_not_wait_is_told_who_holds_the_target(target: Target) -> None:
    """With a short `[run] lease_wait` the error names run and process, or the server's session; nothing is mixed."""
    toml = target.folder / "stoker.toml"
    toml.write_text(toml.read_text() + "\n[run]\nlease_wait = 0.2\n")
    with held(target):
        error = target.run("second").pipelines[0].error
        assert error
        message = str(error["message"])
        assert error["type"] == ("LeaseHeldError" if target.db is None else "TransientError")
        assert (
            "is held by run slow (process " if target.db is None else "locked by others for 0.2 s. Held by pid "
        ) in message

    target.assert_all_see(target.after((1, ""), (2, "23")))
