"""Masks secrets in texts that people and logs get to see."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Shorter secrets are not masked: they would mask ordinary text."""

# Greedy, so that an @ within a password does not leave its end; but a port and a path are no password. The limits keep
# the time linear on long texts without spaces.
_URL_PASSWORD = re.compile(r"(?P<before>://[^\s/:]{0,200}:)(?!\d{1,5}[/?#])\S{1,1000}(?P<after>@)")
_URL_OPTION = re.compile(r"(?P<before>[?&;](?:password|sslpassword|pwd)=)[^\s&;\"']+", re.IGNORECASE)

_known: tuple[str, ...] = ()
"""Replaced as a whole, never changed in place: pipelines redact and resolve in several threads."""


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
    text = _URL_PASSWORD.sub(rf"\g<before>{MASK}\g<after>", text)
    return _URL_OPTION.sub(rf"\g<before>{MASK}", text)


def has_url_password(text: str) -> bool:
    """Whether a URL in the text carries a password, such as `postgresql://user:password@host`."""
    return bool(_URL_PASSWORD.search(text) or _URL_OPTION.search(text))


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
