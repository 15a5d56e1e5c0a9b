"""Masks secrets in texts that people and logs get to see."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from stoker.secrets.shapes import mask_shapes, may_hold_secret
from stoker.secrets.tokens import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 4
"""Shorter secrets are not masked: they would mask ordinary text."""

_SHORTEST_ENCODED = 8
"""Shorter ones are not looked for in base64: what is left of them there is found in any text."""

_WORD = re.compile(r"\S+")
# What stands before the password of a URL; a port before a path is none.
_URL_USER = re.compile(r"://[^\s/:]*:(?!\d{1,5}[/?#])")
# A reference is no password.
_URL_OPTION = re.compile(r"(?P<before>[?&;](?:password|sslpassword|pwd)=)(?!secret://)[^\s&;\"']+", re.IGNORECASE)

_values: tuple[str, ...] = ()
_known: tuple[str, ...] = ()
"""In all their forms. Replaced as a whole, never changed in place: pipelines redact while others resolve."""
_heads: frozenset[tuple[str, ...]] = frozenset()
"""The first characters of each: a process may know many secrets, and a line is short."""
_lock = threading.Lock()


def remember(value: str) -> None:
    """Have `redact` mask a value from now on, also as it looks in a URL, in JSON, SQL, XML, Python's repr and in base64.

    Args:
        value: The secret; shorter than four characters it is not masked.
    """
    global _values, _known, _heads  # noqa: PLW0603 - what a process must not show is known to all of it
    if len(value) >= SHORTEST:
        with _lock:
            _values = tuple(dict.fromkeys((*_values, value)))
            _known = tuple(dict.fromkeys((*_known, *_forms(value))))
            _heads = frozenset(tuple(form[:SHORTEST]) for form in _known)


def _forms(value: str) -> Iterator[str]:
    yield value
    # An environment variable may hold bytes that are no UTF-8.
    raw = value.encode("utf-8", "surrogateescape")
    quoted = (quote(raw, safe=""), quote(raw), quote_plus(raw), quote(quote(raw, safe="")))
    yield from quoted
    yield from (re.sub("%..", lambda code: code[0].lower(), each) for each in quoted)
    for dumped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield dumped
        yield json.dumps(dumped, ensure_ascii=False)[1:-1]  # JSON as a text in JSON
    for shown in (repr(value)[1:-1], repr(raw)[2:-1]):
        yield shown
        yield json.dumps(shown, ensure_ascii=False)[1:-1]
    yield from (html.escape(value), html.escape(value, quote=False))
    yield value.replace("'", "''")
    yield value.replace("\\", "\\\\").replace("'", "\\'")  # libpq
    if len(value) >= _SHORTEST_ENCODED:
        yield from _in_base64(raw)


def _in_base64(value: bytes) -> Iterator[str]:
    """The characters that a value fixes, wherever it stands among the bytes that are encoded (`user:password`)."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + value).decode()
        fixed = encoded[(0, 2, 3)[before] : (before + len(value)) * 8 // 6]
        yield fixed
        yield fixed.replace("+", "-").replace("/", "_")


def known_values() -> tuple[str, ...]:
    """What `remember` was told: for a process that logs on behalf of this one."""
    return _values


def known_version() -> int:
    """Grows with each secret that becomes known: what was redacted under a smaller one may hold it."""
    return len(_known)


def is_suspect(text: str) -> bool:
    """Whether a text may hold a secret: quick, and never wrongly no. Most texts hold none, and are left alone."""
    return _has_known(text) or may_hold_secret(text)


def _has_known(text: str) -> bool:
    """Whether one of the known secrets may be in the text."""
    if len(_known) > len(text):
        # Not each secret is looked for in the text, but the text's parts among the secrets.
        parts = zip(text, text[1:], text[2:], text[3:], strict=False)
        if _heads.isdisjoint(parts):
            return False
    return any(map(text.__contains__, _known))


def redact(text: str, *, sentences: bool = False) -> str:
    """The text with each known secret, each password in a URL and what looks like a secret replaced by `***`.

    Args:
        text: An error's text, or another text that leaves the process.
        sentences: Whether `password: hunter2` counts as well; see `mask_shapes`.
    """
    if not is_suspect(text):
        return text
    pieces, end = [], 0
    for start, stop in _covered(text):
        pieces += [text[end:start], MASK]
        end = stop
    text = "".join([*pieces, text[end:]])
    if "://" in text:
        text = _WORD.sub(_without_url_password, text)
    return mask_shapes(_URL_OPTION.sub(rf"\g<before>{MASK}", text), sentences=sentences)


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
