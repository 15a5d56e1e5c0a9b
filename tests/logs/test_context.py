from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from stoker import logs

if TYPE_CHECKING:
    import pytest

    from support.log_lines import Log


def test_fields_are_there_while_they_hold(log: Log) -> None:
    """Nested ones add to those around them, and win over them."""
    with logs.log_context(batch=7, source="a"):
        with logs.log_context(source="b"):
            log.logger.info("m")
            assert log.last["context"] == {"batch": "7", "source": "b"}
        log.logger.info("m", extra={"batch": 8})
        assert log.last["context"]["source"] == "a"
    log.logger.info("m")
    assert log.last["context"] == {}


def test_coroutines_have_their_own(log: Log) -> None:
    """Two at a time do not see each other's."""

    async def one(number: int) -> None:
        with logs.log_context(number=number):
            await asyncio.sleep(0)
            log.logger.info("%d", number)

    async def both() -> None:
        await asyncio.gather(one(1), one(2))

    asyncio.run(both())
    assert [(line["msg"], line["context"]) for line in log.kept.lines] == [
        ("1", {"number": "1"}),
        ("2", {"number": "2"}),
    ]


def test_a_foreign_thread_belongs_to_the_only_run(log: Log) -> None:
    """With two runs at a time nobody knows whose it is."""

    def seen() -> object:
        thread = threading.Thread(target=lambda: log.logger.info("m"))
        thread.start()
        thread.join()
        return log.last["context"].get("run_id")

    with logs.run_context(run_id="a", job="j"):
        assert seen() == "a"
    assert seen() is None


def test_note_holds_until_the_context_ends(log: Log) -> None:
    """A pipeline says its step so; None takes a field away."""
    with logs.log_context(pipeline="p"):
        logs.note(step="stage")
        log.logger.info("m")
        assert log.last["context"] == {"pipeline": "p", "step": "stage"}
        logs.note(step=None)
        log.logger.info("m")
        assert log.last["context"] == {"pipeline": "p"}
    log.logger.info("m")
    assert log.last["context"] == {}


def test_a_secret_that_becomes_known_later_is_masked_in_the_context(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a context is made once, and anew when there is a new secret."""
    from stoker.secrets import redaction, remember

    monkeypatch.setattr(redaction, "_known", ())
    with logs.log_context(where="db/hunter2222", password="x"):
        log.logger.info("m")
        assert log.last["context"] == {"where": "db/hunter2222", "password": "***"}
        remember("hunter2222")
        log.logger.info("m")
        assert log.last["context"]["where"] == "db/***"
