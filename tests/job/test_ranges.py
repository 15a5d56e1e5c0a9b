"""Many values from one text: lists and ranges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker import UsageError
from stoker.job.ranges import combinations


class Region(Enum):
    """Where."""

    EU = "eu"
    US = "us"


@dataclass(frozen=True)
class Parameters:
    """One of each kind that matters."""

    day: date | None = None
    number: int = 0
    name: str = "x"
    region: Region = Region.EU
    at: datetime = datetime(2013, 1, 1)
    many: tuple[int, ...] = ()


def found(**texts: str) -> list[Parameters]:
    """The instances."""
    made: list[Parameters] = combinations(Parameters, texts)
    return made


def test_dates_are_counted_by_day_and_integers_by_one() -> None:
    """Both ends are in it; a step leaves some out; a list may hold ranges; nothing comes twice."""
    assert [str(each.day) for each in found(day="2012-02-28..2012-03-01")] == ["2012-02-28", "2012-02-29", "2012-03-01"]
    assert [each.number for each in found(number="-1..2")] == [-1, 0, 1, 2]
    assert [each.number for each in found(number="1..9..4")] == [1, 5, 9]
    assert [each.number for each in found(number="7, 1..3,2")] == [7, 1, 2, 3]
    assert [each.day for each in found(day="2013-01-01..2013-01-01")] == [date(2013, 1, 1)]


def test_other_kinds_have_lists_and_a_tuple_is_one_value() -> None:
    """Text and choices with commas; the empty text is nothing where that is possible."""
    assert [each.region for each in found(region="eu,US")] == [Region.EU, Region.US]
    assert [each.name for each in found(name="a, b")] == ["a", "b"]
    assert [each.many for each in found(many="1,2")] == [(1, 2)]
    assert [each.day for each in found(day="")] == [None]


def test_several_parameters_are_combined() -> None:
    """All with all, the last one's changing first."""
    assert [(each.number, each.name) for each in found(number="1..2", name="a,b")] == [
        (1, "a"), (1, "b"), (2, "a"), (2, "b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("day", "2013-01-31..2013-01-01", "--param day=2013-01-31..2013-01-01 is backwards: no value is in it"),
        ("number", "2..1", "is backwards"),
        ("day", "2013-01-01..", "is no range"),
        ("day", "..", "is no range"),
        ("number", "1..2..3..4", "is no range"),
        ("day", "2013-01-01..2013-02-30", "'2013-02-30' is not a date such as"),
        ("number", "1..b", "'b' is not an integer"),
        ("number", "1..5..0", "its step '0' is no number of units from 1 on"),
        ("day", "2013-01-01..2013-01-05..-1", "no number of days"),
        ("name", "a..c", "only dates and integers have ranges"),
        ("at", "2013-01-01..2013-01-02", "only dates and integers have ranges"),
        ("number", "1,,2", "has an empty value between its commas"),
        ("number", "", "number='' is not an integer"),
        ("number", "1..1000000000000", "stands for more than 10,000 values"),
        ("numbr", "1..2", "Did you mean 'number'?"),
        ("day", "June", "day='June' is not a date"),
    ],
)
def test_mistakes_are_told(name: str, text: str, told: str) -> None:
    """Backwards, open, of another type, too many: before anything is started."""
    with pytest.raises(UsageError) as caught:
        found(**{name: text})
    assert told in caught.value.what


def test_too_many_combinations_are_refused() -> None:
    """With the numbers that were multiplied."""
    with pytest.raises(UsageError, match=r"25,000 runs \(number: 5,000 x name: 5\)"):
        found(number="1..5000", name="a,b,c,d,e")


@settings(deadline=None)  # a machine may be busy
@given(st.dates(), st.integers(0, 400), st.integers(1, 9))
def test_a_range_is_what_counting_gives(first: date, days: int, step: int) -> None:
    """Every step from the first on, up to the last."""
    ordinals = [
        each for each in range(first.toordinal(), first.toordinal() + days + 1, step) if each <= date.max.toordinal()
    ]
    last = date.fromordinal(min(first.toordinal() + days, date.max.toordinal()))
    assert [each.day for each in found(day=f"{first}..{last}..{step}")] == [date.fromordinal(each) for each in ordinals]
