"""One line of the report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How something stands. `str(verdict)` is what the report has."""

    OK = "ok"
    WARNING = "warning"
    """It works, and will surprise somebody."""
    PROBLEM = "problem"
    """A run fails because of it."""
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, what was found, and what to do about it."""

    topic: str
    verdict: Verdict
    found: str
    advice: str | None = None
    """A command or an instruction; None where there is nothing to do."""


def ok(topic: str, found: str) -> Finding:
    """Something that is as it should be."""
    return Finding(topic, Verdict.OK, found)


def warning(topic: str, found: str, advice: str) -> Finding:
    """Something that works, and will surprise somebody."""
    return Finding(topic, Verdict.WARNING, found, advice)


def problem(topic: str, found: str, advice: str | None) -> Finding:
    """Something that a run fails of."""
    return Finding(topic, Verdict.PROBLEM, found, advice)


def not_checked(topic: str, found: str, advice: str | None = None) -> Finding:
    """Something that was not looked at, and why."""
    return Finding(topic, Verdict.NOT_CHECKED, found, advice)
