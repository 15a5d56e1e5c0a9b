"""What is told of the log itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.logs import Spool
from troubleshooting.page import assert_told

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from support.log_lines import Log


def test_log_lines_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "logs").write_text("")
    Spool(tmp_path / "logs").write(b"{}\n")

    assert_told("Log lines cannot be written", capsys.readouterr().err)


def test_wrong_arguments(log: Log) -> None:
    """A text where a number is wanted."""
    log.logger.info("%d rows", "x")

    assert_told("A log call with wrong arguments", log.last["msg"])
