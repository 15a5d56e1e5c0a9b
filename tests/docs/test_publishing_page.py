"""The page on publishing names tests that there are, and every failpoint of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture" / "PUBLISHING.md"
OTHERS = {"embedded", "logs", "read", "scaffold"}
_LINK = re.compile(r"\[`(test_\w+)`\]\((\S+?)\)")
_FAILPOINT = re.compile(r'\bfailpoint(?:\(|=)"([a-z_.]+)"')


@pytest.mark.parametrize(("name", "link"), sorted(set(_LINK.findall(PAGE.read_text("utf-8")))))
def test_every_test_that_holds_a_promise_exists(name: str, link: str) -> None:
    """In the file that the page links to."""
    assert f"def {name}(" in (PAGE.parent / link).resolve().read_text("utf-8")


def test_the_steps_are_the_failpoints_of_the_code() -> None:
    """One row each, and no other but those of what publishes nothing."""
    listed = re.findall(r"^\| `([a-z]+\.[a-z_.]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    code = [path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py") if not OTHERS & set(path.parts)]
    assert sorted(listed) == sorted({name for text in code for name in _FAILPOINT.findall(text)})
