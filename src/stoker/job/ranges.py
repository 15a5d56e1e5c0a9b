"""Many values of parameters from one text each: lists and ranges, as a backfill takes them."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from math import prod
from typing import TYPE_CHECKING, Any

from stoker.errors import UsageError
from stoker.job.parameters import filled, value_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST = 10_000
"""Runs of one backfill; more are hardly meant."""
_RANGES = {int: "an integer", date: "a date such as 2013-01-31"}
_PARTS = 3
"""Of a range: from, to and step."""


def combinations(declared: type | None, given: Mapping[str, str]) -> list[Any]:
    """An instance of the parameters for each combination of the values, the last parameter's changing first.

    Args:
        declared: The job's dataclass, or None.
        given: Texts by name: one value, several with commas between them, `FROM..TO` for dates (by day) and integers,
            `FROM..TO..STEP`. Both ends are in it. A tuple's text is one value.

    Raises:
        UsageError: If a range is backwards, open or of a type that has none; if they are too many; or as `filled`.
    """
    lists = {name: _values(declared, name, text) for name, text in given.items()}
    number = prod(len(texts) for texts in lists.values())
    if number > MOST:
        told = " x ".join(f"{name}: {len(texts):,}" for name, texts in lists.items() if len(texts) > 1)
        raise UsageError(
            f"These parameters stand for {number:,} runs ({told}), and {MOST:,} are the limit.",
            state="Nothing was started.",
            next_step="Give smaller ranges, one after the other.",
        )
    rows = itertools.product(*lists.values())
    return [filled(declared, dict(zip(lists, row, strict=True))) for row in rows]


def _values(declared: type | None, name: str, text: str) -> Sequence[str]:
    kind = value_type(declared, name)
    if kind is None:  # unknown, which `filled` says, or a tuple
        return [text]
    found: list[str] = []
    for part in text.split(",") if text else [text]:
        if "," in text and not part.strip():
            raise _wrong(name, text, "has an empty value between its commas")
        found += _range(kind, name, part.strip()) if ".." in part else [part.strip()]
        if len(found) > MOST:
            raise _wrong(name, text, f"stands for more than {MOST:,} values")
    return list(dict.fromkeys(found))


def _range(kind: type, name: str, text: str) -> list[str]:
    if kind not in _RANGES:
        raise _wrong(name, text, "is a range, and only dates and integers have ranges", "Give the values with commas.")
    first, last, step = _ends(kind, name, text)
    if last < first:
        raise _wrong(name, text, "is backwards: no value is in it", f"Write {name}={last}..{first}.")
    if kind is date:
        days = range(0, (last - first).days + 1, step)
        return [(first + timedelta(days=day)).isoformat() for day in itertools.islice(days, MOST + 1)]
    return [str(number) for number in itertools.islice(range(first, last + 1, step), MOST + 1)]


def _ends(kind: type, name: str, text: str) -> tuple[Any, Any, int]:
    parts = [part.strip() for part in text.split("..")]
    if len(parts) > _PARTS or not all(parts):
        raise _wrong(name, text, "is no range", f"Write {name}=FROM..TO, or {name}=FROM..TO..STEP.")
    ends = []
    for part in parts[:2]:
        try:
            ends.append(date.fromisoformat(part) if kind is date else int(part))
        except ValueError:
            raise _wrong(name, text, f"is no range: {part!r} is not {_RANGES[kind]}") from None
    step = parts[2] if len(parts) == _PARTS else "1"
    if not step.isdecimal() or int(step) == 0:
        unit = "days" if kind is date else "units"
        raise _wrong(name, text, f"is no range: its step {step!r} is no number of {unit} from 1 on")
    return ends[0], ends[1], int(step)


def _wrong(name: str, text: str, why: str, next_step: str | None = None) -> UsageError:
    return UsageError(f"--param {name}={text} {why}.", state="Nothing was started.", next_step=next_step)
