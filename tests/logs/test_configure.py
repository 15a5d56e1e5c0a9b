from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

import pytest

from stoker import logs
from stoker.logs import setup

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Handlers and levels of the process, as they were."""
    root = logging.getLogger()
    before = root.level
    yield
    for handler in [each for each in root.handlers if getattr(each, "stoker_owns", False)]:
        root.removeHandler(handler)
    root.setLevel(before)
    logging.getLogger(logs.MILESTONES).setLevel(logging.NOTSET)


def test_each_line_is_there_once(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """However often it is called, also after a reload; child loggers and pytest's own handler have theirs."""
    for _ in range(3):
        logs.configure("development")
    importlib.reload(setup).configure("development")

    logging.getLogger("flights.part").info("hello")

    assert capsys.readouterr().err.count("hello") == 1
    assert caplog.messages == ["hello"]


def test_handlers_of_others_stay() -> None:
    """They are not ours to remove."""
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    try:
        logs.configure("production")
        logs.configure("testing")
        assert other in logging.getLogger().handlers
    finally:
        logging.getLogger().removeHandler(other)


def test_production_has_json_warnings_and_milestones(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing else."""
    logs.configure("production")

    logging.getLogger("flights").info("detail")
    logging.getLogger("flights").warning("odd")
    logging.getLogger(logs.MILESTONES).info("run started")

    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert '"msg":"odd"' in told[0]
    assert '"msg":"run started"' in told[1]


def test_libraries_are_quiet_unless_somebody_set_their_level() -> None:
    """What somebody has set stays."""
    logger = logging.getLogger("urllib3")
    before = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        logs.configure("development")
        assert logger.level == logging.DEBUG
        assert not logging.getLogger("py4j").isEnabledFor(logging.INFO)
    finally:
        logger.setLevel(before)
