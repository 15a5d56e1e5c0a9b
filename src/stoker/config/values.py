"""From what was written to a checked value: variables filled in, text turned into numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stoker.config import checks
from stoker.config.settings import Kind, Setting, setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stoker.config.entries import Entry

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\}|(?P<wrong>\$\{)"
)
_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.INTEGER: (int,),
    Kind.NUMBER: (int, float),
    Kind.BOOLEAN: (bool,),
    Kind.SCALAR: (str, int, float, bool),
    Kind.NAMES: (list,),
}


def filled(text: str, environ: Mapping[str, str]) -> str:
    """The text with `${NAME}` and `${NAME:-default}` replaced; `$${` is a plain `${`.

    As in a shell, the default also stands for a variable that is empty. What a variable holds is not looked into again.

    Raises:
        LookupError: If variables without a default are not set; their names are the arguments.
        ValueError: If there is a `${` that is neither a reference nor escaped.
    """
    matches = list(_REFERENCE.finditer(text))
    if any(match["wrong"] for match in matches):
        raise ValueError("has a ${ that is no ${NAME} or ${NAME:-default}; $${ is a plain ${")
    unset = [m["name"] for m in matches if m["name"] and m["default"] is None and m["name"] not in environ]
    if unset:
        raise LookupError(*dict.fromkeys(unset))

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        found = environ.get(match["name"], "")
        return found if found or match["default"] is None else match["default"]

    return _REFERENCE.sub(value, text)


def references(text: str) -> set[str]:
    """The variables that a text refers to."""
    return {match["name"] for match in _REFERENCE.finditer(text) if match["name"]}


def evaluate(entry: Entry, environ: Mapping[str, str] | None, mistakes: list[str]) -> Any:
    """The value of an entry, or None if it is wrong or not known.

    Args:
        entry: What was written.
        environ: The variables to fill in. None means that the entry is not in effect: its variables belong to another
            environment, and only what does not depend on them is checked.
        mistakes: Is added to.
    """
    value, kind = entry.value, setting(entry.path).kind
    filled_in = entry.from_variable
    if isinstance(value, str) and not entry.from_variable and "${" in value:
        filled_in = bool(references(value))
        try:
            value = filled(value, dict.fromkeys(references(value), "") if environ is None else environ)
        except LookupError as error:
            mistakes.extend(f"{entry.where}: the environment variable {name} is not set" for name in error.args)
            return None
        except ValueError as error:
            mistakes.append(f"{entry.where}: {error}")
            return None
        if environ is None and filled_in:
            return None
    if isinstance(value, str) and filled_in and kind is not Kind.TEXT:
        value = _converted(value, kind)
    mistake = wrong(setting(entry.path), value)
    if mistake:
        mistakes.append(f"{entry.where}: {mistake}")
    return None if mistake else value


def wrong(expected: Setting, value: Any) -> str | None:
    """What is wrong with a value, as a part of a sentence about its key; None if it is right."""
    fits = isinstance(value, _TYPES[expected.kind])
    if not fits or (isinstance(value, bool) and expected.kind in {Kind.INTEGER, Kind.NUMBER}):
        return f"should be {expected.kind}, not {_kind_of(value)}"
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            return "is not valid UTF-8"
        impure = None if expected.free else checks.plain(value)
        if impure:
            return impure
    return expected.check(value)


def _converted(text: str, kind: Kind) -> Any:
    """What a variable's text means for a kind; the text itself if it means nothing."""
    word = text.strip()
    if kind is Kind.NAMES:
        return [name.strip() for name in text.split(",") if name.strip()]
    if kind is Kind.BOOLEAN and word.lower() in _TRUE + _FALSE:
        return word.lower() in _TRUE
    if kind in {Kind.INTEGER, Kind.NUMBER} and _INTEGER.fullmatch(word):
        return int(word)
    return float(word) if kind is Kind.NUMBER and _NUMBER.fullmatch(word) else text


def _kind_of(value: Any) -> str:
    kinds: dict[type, str] = {
        bool: "true or false",
        int: "an integer",
        float: "a number with a fraction",
        list: "a list",
        dict: "a table",
    }
    # The value itself is not shown: it may be a password in the wrong place.
    if isinstance(value, str):
        return "text" if value else "the empty text"
    return kinds.get(type(value), f"a {type(value).__name__}")
