"""The page's entries: a heading, and the message as a quotation below it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting" / "README.md"
_ENTRY = re.compile(
    r"^### (?P<title>.+)\n\n> (?P<message>.+)\n\n\*\*Cause\.\*\* .+\n(?:.+\n)*?\*\*Cure\.\*\* .+$", re.MULTILINE
)


def entries() -> dict[str, str]:
    """Messages by title; an entry that lacks a message, a cause or a cure is not among them."""
    return {match["title"]: match["message"] for match in _ENTRY.finditer(PAGE.read_text("utf-8"))}


def titles() -> list[str]:
    """All titles, in the page's order."""
    return re.findall(r"^### (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)


def assert_told(title: str, error: object) -> None:
    """The error's text has the entry's message, in which `…` stands for any text."""
    parts = [re.escape(part) for part in entries()[title].split("…")]
    assert re.search(".+?".join(parts), str(error), re.DOTALL), f"{title}: {error}"
