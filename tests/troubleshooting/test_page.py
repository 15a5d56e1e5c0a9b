"""The page is whole: each entry has its parts and a test that reproduces it."""

from __future__ import annotations

from pathlib import Path

from troubleshooting.page import entries, titles


def test_each_entry_has_message_cause_and_cure() -> None:
    """A heading without one of them is told."""
    assert titles() == list(entries())


def test_each_entry_is_reproduced() -> None:
    """Each title is named by a test beside this one; a title that the page does not have fails in `assert_told`."""
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [title for title in titles() if f'"{title}"' not in tests] == []
