"""Places and parameters in paths."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from stoker import DefinitionError, UsageError, param, place
from stoker.connectors.paths import as_path


@dataclass(frozen=True)
class Parameters:
    """What paths are filled from."""

    day: date = date(2013, 1, 31)
    region: str = "eu"
    number: int = 7


def resolve(path: object, parameters: object = None) -> str:
    """The path with the place `lake` at /lake."""
    return as_path(path).resolve({"lake": "/lake"}.__getitem__, parameters)  # type: ignore[arg-type]


def test_a_place_and_pieces() -> None:
    """Pieces are joined by slashes; parameters are filled with their format."""
    path = place("lake") / "flights" / param("day", "%Y/%m/%d") / param("number", "03d")

    assert resolve(path, Parameters()) == "/lake/flights/2013/01/31/007"
    assert str(path) == "<lake>/flights/{day}/{number}"


def test_text_is_a_literal_path() -> None:
    """Braces and globs in text mean themselves."""
    assert resolve("/data/{a}/*.csv") == "/data/{a}/*.csv"


@pytest.mark.parametrize("value", ["../x", "a/b", "..", ".", "a\\b", ""])
def test_a_value_cannot_leave_its_folder(value: str) -> None:
    """A parameter with a slash or dots is refused."""
    with pytest.raises(UsageError, match="region"):
        resolve(place("lake") / param("region"), Parameters(region=value))


@pytest.mark.parametrize("piece", ["../x", "/etc", "a/../../b"])
def test_a_piece_cannot_leave_its_place(piece: str) -> None:
    """A piece with dots or a leading slash is refused where it is written."""
    with pytest.raises(DefinitionError, match="would leave the place 'lake'"):
        place("lake") / piece


def test_an_unknown_parameter_offers_the_close_one() -> None:
    """A wrong name in param() is answered by the right one."""
    with pytest.raises(UsageError, match="Did you mean 'region'"):
        resolve(place("lake") / param("regoin"), Parameters())


@pytest.mark.parametrize("path", [None, "", 5])
def test_what_is_no_path_is_refused(path: object) -> None:
    """Only text and places are paths."""
    with pytest.raises(DefinitionError, match="A path is text or place"):
        as_path(path)  # type: ignore[arg-type]
