from __future__ import annotations

from typing import TYPE_CHECKING

from stoker.connectors.lifetime import Lifetime

if TYPE_CHECKING:
    import pytest


def test_what_is_kept_is_shared_and_ended_once() -> None:
    """The last that was begun ends first; nothing ends twice."""
    lifetime, ended = Lifetime(), list[str]()
    for key in ("a", "b", "a"):
        assert lifetime.keep(key, lambda key=key: key.upper(), ended.append) == key.upper()  # type: ignore[misc]
    assert ended == []
    lifetime.end()
    lifetime.end()
    assert ended == ["B", "A"]


def test_an_end_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The others end all the same, and the run goes on."""
    lifetime, ended = Lifetime(), list[str]()

    def fail(_: str) -> None:
        raise OSError("gone")

    lifetime.keep("a", str, ended.append)
    lifetime.keep("b", str, fail)
    lifetime.end()
    assert ended == [""]
    assert "could not be closed" in caplog.text
