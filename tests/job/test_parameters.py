"""Parameters from text."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker import UsageError
from stoker.job.parameters import as_json, checked, filled, listing


class Size(enum.Enum):
    """Of something."""

    SMALL = "s"
    LARGE = "l"


@dataclass(frozen=True)
class Parameters:
    """One of each type."""

    required: int
    name: str = "x"
    ratio: float = 0.5
    dry: bool = False
    day: date = date(2013, 1, 1)
    at: datetime = datetime(2013, 1, 1, 6)
    amount: Decimal = Decimal("1.10")
    size: Size = Size.SMALL
    maybe: Optional[int] = None  # noqa: UP045 - both spellings are supported
    other: date | None = None
    days: tuple[date, ...] = ()


def test_text_becomes_the_fields_types() -> None:
    """Every type is read from its text."""
    found = filled(
        Parameters,
        {
            "required": "7",
            "name": "a=b",
            "ratio": "1e3",
            "dry": "TRUE",
            "day": "2013-02-28",
            "at": "2013-01-01T07:30",
            "amount": "2.50",
            "size": "l",
            "maybe": "5",
            "other": "",
            "days": "2013-01-01, 2013-01-02",
        },
    )

    assert found == Parameters(
        7,
        "a=b",
        1000.0,
        True,
        date(2013, 2, 28),
        datetime(2013, 1, 1, 7, 30),
        Decimal("2.50"),
        Size.LARGE,
        5,
        None,
        (date(2013, 1, 1), date(2013, 1, 2)),
    )
    assert as_json(found)["days"] == ["2013-01-01", "2013-01-02"]
    assert as_json(found)["size"] == "l"


@pytest.mark.parametrize(
    ("given_texts", "told"),
    [
        ({}, "'required' (an integer) is required"),
        ({"required": "1.5"}, "required='1.5' is not an integer"),
        ({"required": "1", "dya": "2013-01-01"}, "Did you mean 'dry' or 'day'"),
        ({"required": "1", "day": "2013-02-30"}, "is not a date such as 2013-01-31"),
        ({"required": "1", "size": "m"}, "is not one of s, l"),
        ({"required": "1", "dry": "maybe"}, "is not true or false"),
        ({"required": "1", "amount": "x"}, "is not a decimal number"),
        ({"required": "1", "days": "2013-01-01,x"}, "is not a list"),
    ],
)
def test_wrong_text_is_refused_with_the_type(given_texts: dict[str, str], told: str) -> None:
    """The message names the parameter, its text and what it should be."""
    with pytest.raises(UsageError) as caught:
        filled(Parameters, given_texts)
    assert told in str(caught.value)


def test_all_mistakes_are_in_one_message() -> None:
    """So that one correction is enough."""
    with pytest.raises(UsageError) as caught:
        filled(Parameters, {"ratio": "x", "nmae": "y"})
    assert all(part in str(caught.value) for part in ("ratio", "'name'", "'required'"))


def test_an_instance_is_checked_too() -> None:
    """A notebook's parameters have the declared types."""
    assert checked(Parameters, Parameters(1)) == Parameters(1)
    with pytest.raises(UsageError, match="name=5 is not text"):
        checked(Parameters, Parameters(1, name=5))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="should be an instance of Parameters"):
        checked(Parameters, {"required": 1})
    with pytest.raises(UsageError, match="the job has no parameters"):
        checked(None, Parameters(1))


def test_the_listing_has_kinds_and_defaults() -> None:
    """For --help and plan."""
    known = {parameter.name: parameter for parameter in listing(Parameters)}
    assert known["required"].required
    assert known["day"].default == "2013-01-01"
    assert known["maybe"].kind == "an integer or nothing"
    assert known["days"].kind == "a list (with commas), each a date such as 2013-01-31"


@given(number=st.integers(), ratio=st.floats(allow_nan=False), amount=st.decimals(allow_nan=False), day=st.dates())
def test_what_python_prints_is_read_back(number: int, ratio: float, amount: Decimal, day: date) -> None:
    """The text of a value gives the value."""
    texts = {"required": str(number), "ratio": repr(ratio), "amount": str(amount), "day": day.isoformat()}
    found = filled(Parameters, texts)
    assert (found.required, found.ratio, found.amount, found.day) == (number, ratio, amount, day)
