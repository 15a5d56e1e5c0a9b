from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from stoker import logs
from stoker.logs import inheritance

if TYPE_CHECKING:
    from support.log_lines import Log

other: contextvars.ContextVar[str] = contextvars.ContextVar("other", default="unset")


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", ThreadPoolExecutor.submit)
    inheritance.install()
    inheritance.install()


def test_a_thread_has_the_fields_of_its_starter(log: Log) -> None:
    """Also one that is a class of its own, and one that a thread starts."""

    class Own(threading.Thread):
        def run(self) -> None:
            thread = threading.Thread(target=lambda: log.logger.info("inner"))
            thread.start()
            thread.join()

    with logs.log_context(batch=1):
        thread = Own()
        thread.start()
    thread.join()

    assert log.last["context"] == {"batch": "1"}
    assert log.last["msg"] == "inner"


def test_a_pools_thread_has_those_of_each_piece_of_work(log: Log) -> None:
    """Not those of whoever happened to start the thread."""
    with ThreadPoolExecutor(1) as pool:
        for batch in (1, 2):
            with logs.log_context(batch=batch):
                pool.submit(log.logger.info, "m").result()
        pool.submit(log.logger.info, "m").result()
        with logs.log_context(batch=3):
            list(pool.map(log.logger.info, ["m"]))

    assert [line["context"].get("batch") for line in log.kept.lines] == ["1", "2", None, "3"]


def test_work_given_to_a_pool_by_a_coroutine_has_its_fields(log: Log) -> None:
    """`run_in_executor` and `to_thread`."""

    async def work() -> None:
        with logs.log_context(batch=5):
            await asyncio.to_thread(log.logger.info, "m")
            await asyncio.get_running_loop().run_in_executor(None, log.logger.info, "m")

    asyncio.run(work())
    assert [line["context"] for line in log.kept.lines] == [{"batch": "5"}] * 2


def test_context_variables_of_others_are_left_alone() -> None:
    """Nobody asked for theirs to be handed over."""
    seen = []
    other.set("mine")
    with logs.log_context(batch=1):
        thread = threading.Thread(target=lambda: seen.append(other.get()))
        thread.start()
    thread.join()

    assert seen == ["unset"]
