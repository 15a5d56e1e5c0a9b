"""Masks secrets in texts that people and logs get to see."""

from __future__ import annotations

import json
import re
import threading
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Shorter secrets are not masked: they would mask ordinary text."""

_WORD = re.compile(r"\S+")
# What stands before the password of a URL; a port before a path is none.
_URL_USER = re.compile(r"://[^\s/:]*:(?!\d{1,5}[/?#])")
# A reference is no password.
_URL_OPTION = re.compile(r"(?P<before>[?&;](?:password|sslpassword|pwd)=)(?!secret://)[^\s&;\"']+", re.IGNORECASE)

_known: tuple[str, ...] = ()
"""Replaced as a whole, never changed in place: pipelines redact while others resolve."""
_lock = threading.Lock()


def remember(value: str) -> None:
    """Have `redact` mask a value from now on, also as it looks in a URL, in JSON and in Python's repr.

    Args:
        value: The secret; shorter than four characters it is not masked.
    """
    global _known  # noqa: PLW0603 - what a process must not show is known to all of it
    if len(value) >= SHORTEST:
        # An environment variable may hold bytes that are no UTF-8.
        quoted = (quote(value, safe="", errors="surrogateescape"), quote_plus(value, errors="surrogateescape"))
        forms = (value, *quoted, json.dumps(value)[1:-1], repr(value)[1:-1])
        with _lock:
            _known = tuple(dict.fromkeys((*_known, *forms)))


def redact(text: str) -> str:
    """The text with each known secret, and each password in a URL, replaced by `***`.

    Args:
        text: An error's text, or another text that leaves the process.
    """
    pieces, end = [], 0
    for start, stop in _covered(text):
        pieces += [text[end:start], MASK]
        end = stop
    text = "".join([*pieces, text[end:]])
    return _URL_OPTION.sub(rf"\g<before>{MASK}", _WORD.sub(_without_url_password, text))


def has_url_password(text: str) -> bool:
    """Whether a URL in the text carries a password, such as `postgresql://user:password@host`."""
    return bool(_URL_OPTION.search(text)) or any(_url_password(word[0]) for word in _WORD.finditer(text))


def _without_url_password(word: re.Match[str]) -> str:
    found = _url_password(word[0])
    return word[0][: found[0]] + MASK + word[0][found[1] :] if found else word[0]


def _url_password(word: str) -> tuple[int, int] | None:
    """Where the password stands in a text without spaces: up to the last @, since it may hold one itself."""
    end = word.rfind("@")
    user = _URL_USER.search(word, 0, end) if end > 0 else None
    return (user.end(), end) if user and user.end() < end else None


def _covered(text: str) -> list[tuple[int, int]]:
    """Where secrets stand, merged where they touch.

    Replacing one secret after the other would leave the rest of one that overlaps the first.
    """
    found = []
    for value in _known:
        start = text.find(value)
        while start >= 0:
            found.append((start, start + len(value)))
            start = text.find(value, start + 1)
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
